"""What has to be reached on the way: planned, reached, moved, taken out."""

import asyncio
from typing import Any

import pytest

from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem


async def test_milestones_stand_in_their_order(world: World, plan: Json) -> None:
    path = await new_task(world, plan)
    first, second = await add(world, path, title="Một"), await add(world, path, title="Hai")
    between = await add(world, path, title="Giữa", position=1)
    assert (first["position"], second["position"], first["done_on"]) == (1, 2, None)
    assert await titles(world, path) == ["Một", "Giữa", "Hai"]
    planner = world.specialist("dongtrieu")
    accepted(await planner.change(at(path, first), {"position": 9}), 200)
    assert await titles(world, path) == ["Giữa", "Hai", "Một"]
    accepted(await planner.change(at(path, between), {"due_on": "2026-12-01"}), 200)
    assert (await planner.read(at(path, between)))["due_on"] == "2026-12-01"


async def test_what_was_reached_keeps_its_day_and_can_be_taken_back(world: World, plan: Json) -> None:
    path = await new_task(world, plan)
    milestone, lead = await add(world, path), world.specialist("ubnd-dongtrieu")
    done = accepted(await lead.change(at(path, milestone), {"done": True}), 200)
    assert (done["version"], len(done["done_on"])) == (2, 10)
    again = accepted(await lead.change(at(path, milestone), {"done": True, "title": "Tên khác"}), 200)
    assert (again["version"], again["done_on"]) == (3, done["done_on"])
    back = accepted(await lead.change(at(path, milestone), {"done": False}), 200)
    assert back["done_on"] is None
    assert accepted(await lead.change(at(path, milestone), {"done": False}), 200) == back


async def test_each_change_is_a_version_of_the_task(world: World, plan: Json) -> None:
    path = await new_task(world, plan)
    milestone, lead = await add(world, path, title="Một", due_on="2026-12-01"), world.specialist("ubnd-dongtrieu")
    accepted(await lead.change(at(path, milestone), {"title": "Hai"}), 200)
    tag = (await lead.get(at(path, milestone))).headers["etag"]
    assert (await lead.delete(at(path, milestone), **{"If-Match": tag})).status_code == 204
    key = f"milestones/{milestone['id']}"
    entries = (await lead.read(f"{path}/history"))["items"][-2::-1]
    assert [(entry["action"], entry["changes"]) for entry in entries] == [
        (
            "add_milestone",
            [
                {"field": key, "from": None, "to": "Một"},
                {"field": f"{key}/position", "from": None, "to": 1},
                {"field": f"{key}/due_on", "from": None, "to": milestone["due_on"]},
            ],
        ),
        ("change_milestone", [{"field": f"{key}/title", "from": "Một", "to": "Hai"}]),
        ("remove_milestone", [{"field": key, "from": "Hai", "to": None}]),
    ]
    assert [event["type"] for event in await world.registry.outbox(path.split("/")[-1])][1:] == [
        "vn.lienvung.task.updated.v1"
    ] * 3
    problem(await lead.get(at(path, milestone)), 404)
    assert await titles(world, path) == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/title"),
        ({"title": ""}, "/title"),
        ({"title": "x" * 301}, "/title"),
        ({"title": "x", "due_on": "2027-01-01"}, "/due_on"),
        ({"title": "x", "due_on": "hôm nay"}, "/due_on"),
        ({"title": "x", "position": 0}, "/position"),
        ({"title": "x", "position": "1"}, "/position"),
        ({"title": "x", "done": True}, "/done"),
    ],
)
async def test_a_milestone_that_cannot_be_taken_names_its_field(
    world: World, plan: Json, body: Any, pointer: str
) -> None:
    path, planner = await new_task(world, plan), world.specialist("dongtrieu")
    before = await planner.read(path)
    assert pointers(problem(await planner.act(path, "milestones", body), 422)) == [pointer]
    assert await planner.read(path) == before
    milestone = await add(world, path)
    if body and pointer != "/done":
        assert pointers(problem(await planner.change(at(path, milestone), body), 422)) == [pointer]
        assert (await planner.read(at(path, milestone)))["version"] == 1


async def test_only_lead_and_custodian_plan(world: World, plan: Json) -> None:
    path = await new_task(world, plan)
    milestone = await add(world, path)
    for person in (
        world.person("ubnd-kinhmon"),
        world.person("quangninh"),
        world.client("ubnd-dongtrieu", "tasks:read"),
    ):
        problem(await person.act(path, "milestones", {"title": "x"}), 403, "forbidden")
        problem(await person.change(at(path, milestone), {"done": True}), 403, "forbidden")
        assert (await person.read(at(path, milestone)))["allowed_actions"] == []
    accepted(
        await world.client("ubnd-dongtrieu", "tasks:read", "tasks:write").act(path, "milestones", {"title": "x"}), 201
    )
    stranger = world.person("elsewhere")
    problem(await stranger.get(f"{path}/milestones"), 404)
    problem(await stranger.patch(at(path, milestone), {"done": True}, **{"If-Match": "*"}), 404)


async def test_what_was_submitted_is_not_planned_any_more(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    milestone, lead = await add(world, path), world.specialist("ubnd-dongtrieu")
    await lead.step(path, "submit")
    problem(await lead.change(at(path, milestone), {"done": True}), 409, "invalid_transition")
    problem(await lead.act(path, "milestones", {"title": "x"}), 409, "invalid_transition")
    assert (await lead.read(at(path, milestone)))["allowed_actions"] == []


async def test_of_two_changes_of_one_version_the_second_reads_again(world: World, plan: Json) -> None:
    path = await new_task(world, plan)
    milestone, lead = await add(world, path), world.specialist("ubnd-dongtrieu")
    answers = await asyncio.gather(
        *(lead.patch(at(path, milestone), {"title": title}, **{"If-Match": '"v1"'}) for title in ("A", "B"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    problem(await lead.patch(at(path, milestone), {"title": "C"}), 428)


async def test_a_plan_has_an_end_and_is_read_page_by_page(world: World, plan: Json) -> None:
    path, planner = await new_task(world, plan), world.specialist("dongtrieu")
    await world.rows(
        "insert into task_milestone (id, task_id, agreement_id, position, title, created_at, updated_at)"
        " select gen_random_uuid(), t.id, t.agreement_id, 1 + i / 2, 'Mốc ' || i, now(), now()"
        " from task t, generate_series(1, 100) i where t.id = $1",
        path.split("/")[-1],
    )
    problem(await planner.act(path, "milestones", {"title": "Thừa"}), 409, "too_many_milestones")
    found: list[str] = []
    query: dict[str, Any] = {"limit": 33}
    while True:
        page = await planner.read(f"{path}/milestones", **query)
        found += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert len(found) == len(set(found)) == 100


async def new_task(world: World, plan: Json) -> str:
    return f"/v1/tasks/{(await world.task(plan))['id']}"


async def add(world: World, path: str, **given: Any) -> Json:
    body = {"title": "Mốc (minh họa)"} | given
    return accepted(await world.specialist("dongtrieu").act(path, "milestones", body), 201)


def at(path: str, milestone: Json) -> str:
    return f"{path}/milestones/{milestone['id']}"


async def titles(world: World, path: str) -> list[str]:
    return [one["title"] for one in (await world.person("ubnd-kinhmon").read(f"{path}/milestones"))["items"]]
