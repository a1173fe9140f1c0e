"""Obstacles from raising to resolving, who may do what, and what is told of it."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from agreements_api.obstacles.schemas import ObstacleEntry, ObstaclePublic
from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.obstacles.raising import TEXT, in_days, in_working_days, planned, raised, types


async def test_an_obstacle_is_raised_and_is_in_the_hands_of_the_lead(world: World, plan: Json) -> None:
    obstacle, path = await raised(world, plan)
    assert (obstacle["version"], obstacle["origin"], obstacle["status"], obstacle["level"]) == (
        1,
        "raised",
        "open",
        "locality",
    )
    assert (obstacle["text"], obstacle["raised_by"]) == (TEXT, "specialist ubnd-kinhmon")
    assert obstacle["raised_by_organization_name"] == "UBND thị xã Kinh Môn"
    assert (obstacle["organization_id"], obstacle["organization_name"]) == (
        world.id("ubnd-dongtrieu"),
        "UBND thị xã Đông Triều",
    )
    assert (obstacle["respond_by"], obstacle["due_on"], obstacle["overdue"]) == (
        in_working_days(5),
        in_working_days(5),
        False,
    )
    assert (obstacle["measures"], obstacle["demonstration"]) == ([], True)
    seen = await world.person("ubnd-dongtrieu").read(path)
    assert seen["allowed_actions"] == ["measure", "escalate", "resolve"]
    assert (await world.specialist("ubnd-kinhmon").read(path))["allowed_actions"] == ["update", "measure"]
    assert (await world.person("quangninh").read(path))["allowed_actions"] == ["measure", "resolve"]


async def test_what_is_shown_is_what_is_described(world: World, plan: Json) -> None:
    _, path = await raised(world, plan)
    obstacle = await planned(world, path, due_on=in_days(20))
    ObstaclePublic.model_validate(obstacle)
    for entry in (await world.person("ubnd-dongtrieu").read(f"{path}/history"))["items"]:
        ObstacleEntry.model_validate(entry)


async def test_it_is_resolved_reopened_and_resolved_again_and_nothing_is_lost(world: World, plan: Json) -> None:
    obstacle, path = await raised(world, plan)
    lead = world.person("ubnd-dongtrieu")
    settled = await lead.step(path, "resolve", {"resolution": "Đã thống nhất"})
    assert (settled["status"], settled["resolution"], settled["version"]) == ("resolved", "Đã thống nhất", 2)
    assert (settled["resolved_at"] is not None, settled["allowed_actions"]) == (True, ["reopen"])
    refused = problem(await lead.act(path, "resolve", {"resolution": "Nữa"}), 409, "invalid_transition")
    assert refused["possible"] == ["reopen"]
    again = await world.person("ubnd-kinhmon").step(path, "reopen", {"reason": "Lại phát sinh"})
    assert (again["status"], again["resolution"], again["resolved_at"]) == ("open", None, None)
    assert again["due_on"] == in_working_days(5)
    await lead.step(path, "resolve", {"resolution": "Đã cắm mốc"})
    told = (await lead.read(f"{path}/history"))["items"][::-1]
    assert [(entry["version"], entry["action"], entry["remark"]) for entry in told] == [
        (1, "raise", None),
        (2, "resolve", "Đã thống nhất"),
        (3, "reopen", "Lại phát sinh"),
        (4, "resolve", "Đã cắm mốc"),
    ]
    assert told[1]["changes"] == [{"field": "status", "from": "open", "to": "resolved"}]
    events = await world.registry.outbox(obstacle["id"])
    assert [event["type"].split(".", 2)[2] for event in events] == [
        "obstacle.raised.v1",
        "obstacle.resolved.v1",
        "obstacle.reopened.v1",
        "obstacle.resolved.v1",
    ]
    assert [event["data"]["version"] for event in events] == [1, 2, 3, 4]
    assert {event["partitionkey"] for event in events} == {plan["id"]}
    assert set(events[0]["data"]["members"]) >= {world.id("ubnd-dongtrieu"), world.id("quangninh")}
    assert world.id("elsewhere") not in events[0]["data"]["members"]


async def test_who_raised_it_words_it_anew(world: World, plan: Json) -> None:
    obstacle, path = await raised(world, plan)
    raiser = world.specialist("ubnd-kinhmon")
    changed = accepted(await raiser.change(path, {"text": "Rõ hơn"}), 200)
    assert (changed["text"], changed["version"]) == ("Rõ hơn", 2)
    same = accepted(await raiser.change(path, {"text": "Rõ hơn"}), 200)
    assert same["version"] == 2
    assert (await types(world, obstacle["id"])) == ["obstacle.raised.v1", "obstacle.updated.v1"]
    assert (await world.specialist("ubnd-dongtrieu").change(path, {"text": "Khác"})).status_code == 403
    for patch, pointer in (({"text": None}, "/text"), ({"text": ""}, "/text"), ({"status": "resolved"}, "/status")):
        assert pointers(problem(await raiser.change(path, patch), 422)) == [pointer]


@pytest.mark.parametrize(
    ("key", "role", "raises", "escalates", "resolves"),
    [
        ("ubnd-dongtrieu", Role.LEADER, 201, 200, 200),
        ("ubnd-dongtrieu", Role.SPECIALIST, 201, 403, 403),
        ("ubnd-chilinh", Role.LEADER, 201, 200, 403),
        ("dongtrieu", Role.LEADER, 201, 200, 200),
        ("quangninh", Role.LEADER, 403, 403, 200),
        ("chilinh", Role.LEADER, 403, 403, 403),
        ("ubnd-kinhmon", Role.VIEWER, 403, 403, 403),
        ("elsewhere", Role.LEADER, 404, 404, 404),
    ],
)
async def test_the_table_says_who_may(
    world: World, plan: Json, key: str, role: Role, raises: int, escalates: int, resolves: int
) -> None:
    person = world.person(key, role)
    obstacle, path = await raised(world, plan)
    task = f"/v1/tasks/{obstacle['task_id']}"
    assert (await person.post(f"{task}/obstacles", {"text": TEXT})).status_code == raises
    assert (await person.act_blindly(path, "escalate", {"reason": "Vượt thẩm quyền"})).status_code == escalates
    assert (await person.act_blindly(path, "resolve", {"resolution": "Xong"})).status_code == resolves
    seen = 404 if resolves == 404 else 200
    assert (await person.get(path)).status_code == seen
    assert (await person.get(f"{path}/history")).status_code == seen
    assert len((await person.read("/v1/obstacles", task_id=obstacle["task_id"]))["items"]) == (
        0 if seen == 404 else 2 if raises == 201 else 1
    )


async def test_a_system_needs_the_scope(world: World, plan: Json) -> None:
    obstacle, path = await raised(world, plan)
    task = f"/v1/tasks/{obstacle['task_id']}/obstacles"
    writing, reading, blind = [
        world.client("ubnd-dongtrieu", *scopes) for scopes in (("tasks:write",), ("tasks:read",), ())
    ]
    assert (await writing.post(task, {"text": TEXT})).status_code == 201
    assert (await reading.post(task, {"text": TEXT})).status_code == 403
    assert (await reading.get(path)).status_code == 200
    for where in (path, "/v1/obstacles", f"{path}/history"):
        assert (await blind.get(where)).status_code == 403


@pytest.mark.parametrize("status", ["completed", "cancelled"])
async def test_nothing_stands_in_the_way_of_what_is_over(world: World, plan: Json, status: str) -> None:
    path = await world.submitted(plan)
    if status == "completed":
        for key in ("ubnd-kinhmon", "ubnd-chilinh"):
            await world.person(key).step(path, "confirm")
    else:
        await world.person("dongtrieu").step(path, "cancel", {"reason": "Trùng"})
    problem(await world.person("ubnd-dongtrieu").post(f"{path}/obstacles", {"text": TEXT}), 409, "task_over")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({}, "/text"), ({"text": " "}, "/text"), ({"text": 1}, "/text"), ({"text": "x", "a": 1}, "/a")],
)
async def test_an_obstacle_says_what_it_is(world: World, plan: Json, body: Json, pointer: str) -> None:
    path = await world.under_way(plan)
    assert pointers(problem(await world.person("ubnd-dongtrieu").post(f"{path}/obstacles", body), 422)) == [pointer]


async def test_what_is_not_there_is_not_found(world: World) -> None:
    person = world.person("ubnd-dongtrieu")
    problem(await person.get(f"/v1/obstacles/{uuid4()}"), 404)
    problem(await person.post(f"/v1/tasks/{uuid4()}/obstacles", {"text": TEXT}), 404)
    problem(await person.act_blindly(f"/v1/obstacles/{uuid4()}", "resolve", {"resolution": "x"}), 404)
    problem(await person.get("/v1/obstacles/x"), 422)


async def test_every_step_needs_the_version_that_was_read(world: World, plan: Json) -> None:
    _, path = await raised(world, plan)
    lead = world.person("ubnd-dongtrieu")
    for verb, body in (("resolve", {"resolution": "x"}), ("escalate", {"reason": "x"})):
        problem(await lead.post(f"{path}/{verb}", body), 428)
        problem(await lead.post(f"{path}/{verb}", body, **{"If-Match": '"v9"'}), 412)
    tag = (await lead.get(path)).headers["etag"]
    assert (await lead.get(path, headers={"If-None-Match": tag})).status_code == 304


async def test_of_two_steps_at_once_one_happens(world: World, plan: Json) -> None:
    obstacle, path = await raised(world, plan)
    answers = await asyncio.gather(
        world.person("ubnd-dongtrieu").post(f"{path}/resolve", {"resolution": "Một"}, **{"If-Match": "*"}),
        world.person("dongtrieu").post(f"{path}/resolve", {"resolution": "Hai"}, **{"If-Match": "*"}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert await types(world, obstacle["id"]) == ["obstacle.raised.v1", "obstacle.resolved.v1"]


async def test_a_repeated_request_raises_one(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    person, key = world.person("ubnd-dongtrieu"), {"Idempotency-Key": "raise-once"}
    answers = [await person.post(f"{path}/obstacles", {"text": TEXT}, **key) for _ in range(2)]
    assert accepted(answers[0], 201) == accepted(answers[1], 201)
    assert answers[0].headers["location"] == f"/v1/obstacles/{answers[0].json()['id']}"
    assert len((await person.read("/v1/obstacles", task_id=answers[0].json()["task_id"]))["items"]) == 1


async def test_lists_are_narrowed_and_turned_page_by_page(world: World) -> None:
    plan = await world.plan()
    first, path = await raised(world, plan)
    second, _ = await raised(world, plan, "ubnd-dongtrieu")
    third, _ = await raised(world, plan)
    lead = world.person("ubnd-dongtrieu")
    await lead.step(path, "escalate", {"reason": "Vượt thẩm quyền"})
    await lead.step(f"/v1/obstacles/{second['id']}", "resolve", {"resolution": "Xong"})

    async def found(**query: Any) -> list[str]:
        items = (await lead.read("/v1/obstacles", agreement_id=plan["id"], **query))["items"]
        return [item["id"] for item in items]

    assert await found() == [third["id"], second["id"], first["id"]]
    assert await found(status="open") == [third["id"], first["id"]]
    assert await found(status=["open", "resolved"], level="locality") == [third["id"], second["id"]]
    assert await found(organization=world.id("quangninh")) == [first["id"]]
    assert await found(organization=world.id("ubnd-dongtrieu"), status="open") == [third["id"]]
    assert await found(task_id=second["task_id"]) == [second["id"]]
    assert await found(overdue="true") == []
    page = await lead.read("/v1/obstacles", agreement_id=plan["id"], limit=2)
    assert [item["id"] for item in page["items"]] == [third["id"], second["id"]]
    rest = await lead.read("/v1/obstacles", agreement_id=plan["id"], limit=2, cursor=page["next_cursor"])
    assert ([item["id"] for item in rest["items"]], rest["next_cursor"]) == ([first["id"]], None)
    problem(await lead.get("/v1/obstacles", cursor="x"), 400)
    problem(await lead.get("/v1/obstacles", status="lost"), 422)
    log = await lead.read(f"{path}/history", limit=1)
    older = await lead.read(f"{path}/history", limit=1, cursor=log["next_cursor"])
    assert [log["items"][0]["action"], older["items"][0]["action"]] == ["escalate", "raise"]
