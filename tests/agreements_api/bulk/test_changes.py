"""Up to a hundred changes of tasks in one call: all of them, or none and what is wrong with each."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import REPORT, Json, Person, World, accepted, pointers, problem


def change(task: Json, action: str, **more: Any) -> Json:
    return {"action": action, "task_id": task["id"], "if_match": f'"v{task["version"]}"', **more}


async def send(person: Person, *changes: Json) -> httpx.Response:
    return await person.post("/v1/tasks/bulk", {"changes": list(changes)})


async def read(world: World, task: Json) -> Json:
    return await world.person("dongtrieu").read(f"/v1/tasks/{task['id']}")


def told(body: Json) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in body["errors"]]


async def test_changes_of_several_kinds_are_made_together(world: World, plan: Json) -> None:
    first, second, third = [await world.task(plan, lead="dongtrieu", coordinating=()) for _ in range(3)]
    new = {
        "action": "assign",
        "agreement_id": plan["id"],
        "title": "Việc mới",
        "lead_organization_id": world.id("ubnd-dongtrieu"),
    }
    answer = await send(
        world.person("dongtrieu"),
        change(first, "update", due_on="2027-01-31", deliverable=None),
        change(second, "accept"),
        change(third, "cancel", reason="Trùng (minh họa)"),
        new,
    )
    changed = accepted(answer, 200)["changed"]
    assert [(one["version"], one["status"]) for one in changed] == [
        (2, "not_started"),
        (2, "in_progress"),
        (2, "cancelled"),
        (1, "not_started"),
    ]
    after = await read(world, first)
    assert (after["due_on"], after["original_due_on"], after["deliverable"]) == ("2027-01-31", "2026-12-31", None)
    assert after["title"] == first["title"]
    seen = await world.person("dongtrieu").get(f"/v1/tasks/{changed[3]['task_id']}")
    assert (seen.json()["title"], seen.headers["etag"]) == ("Việc mới", changed[3]["etag"])


async def test_each_change_has_its_version_its_history_and_its_event(world: World, plan: Json) -> None:
    tasks = [await world.task(plan) for _ in range(3)]
    worker = world.specialist("ubnd-dongtrieu")
    accepted(await send(worker, *(change(task, "accept") for task in tasks)), 200)
    accepted(await send(worker, *(change(task | {"version": 2}, "report", **REPORT) for task in tasks)), 200)
    accepted(await send(worker, *(change(task | {"version": 3}, "submit", note="Xong") for task in tasks)), 200)
    for task in tasks:
        history = (await worker.read(f"/v1/tasks/{task['id']}/history"))["items"]
        assert [entry["action"] for entry in history] == ["submit", "report", "accept", "assign"]
        events = await world.rows("select type from outbox where aggregate_id = $1 order by id", task["id"])
        assert [event["type"].split(".")[-2] for event in events] == [
            "assigned",
            "accepted",
            "progress_reported",
            "submitted",
        ]


async def test_one_that_is_not_possible_keeps_all_from_being_made(world: World, plan: Json) -> None:
    good, stale, done, twice = [await world.task(plan, lead="dongtrieu", coordinating=()) for _ in range(4)]
    await world.person("dongtrieu").step(f"/v1/tasks/{done['id']}", "cancel", {"reason": "Trùng (minh họa)"})
    theirs = await world.task(plan)
    answer = await send(
        world.person("dongtrieu"),
        change(good, "accept"),
        change(stale | {"version": 7}, "accept"),
        change(done | {"version": 2}, "accept"),
        change({"id": str(uuid4()), "version": 1}, "accept"),
        change(theirs, "accept"),
        change(twice, "update", note="Một"),
        change(twice, "update", note="Hai"),
        {"action": "assign", "agreement_id": plan["id"], "title": "x", "lead_organization_id": str(uuid4())},
        change(good | {"id": theirs["id"]}, "report", **REPORT, corrects=str(uuid4())),
    )
    assert told(problem(answer, 422, "nothing_changed")) == [
        ("/changes/1/if_match", "precondition_failed"),
        ("/changes/2/action", "invalid_transition"),
        ("/changes/3/task_id", "not_found"),
        ("/changes/4", "forbidden"),
        ("/changes/6/task_id", "named_twice"),
        ("/changes/7/lead_organization_id", "unknown_reference"),
        ("/changes/8/task_id", "named_twice"),
    ]
    assert [(await read(world, task))["version"] for task in (good, stale, twice, theirs)] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("wrong", "pointer", "code"),
    [
        ({"due_on": "31/12/2026"}, "/changes/1/due_on", "date_parsing"),
        ({"title": ""}, "/changes/1/title", "string_too_short"),
        ({"colour": "red"}, "/changes/1/colour", "extra_forbidden"),
        ({"action": "explode"}, "/changes/1/action", "enum"),
        ({"task_id": "x"}, "/changes/1/task_id", "uuid_parsing"),
        ({"if_match": ""}, "/changes/1/if_match", "string_too_short"),
        ({"coordinating": [{"organization_id": 5}]}, "/changes/1/coordinating/0/organization_id", "uuid_type"),
    ],
)
async def test_a_wrong_field_is_named_in_its_change(
    world: World, plan: Json, wrong: Json, pointer: str, code: str
) -> None:
    task, other = await world.task(plan), await world.task(plan)
    answer = await send(world.person("dongtrieu"), change(task, "update", note="x"), change(other, "update") | wrong)
    assert told(problem(answer, 422, "validation_failed")) == [(pointer, code)]
    assert (await read(world, task))["version"] == 1


@pytest.mark.parametrize("changes", [[], None, [5], [None]])
async def test_what_is_no_list_of_changes_is_refused(world: World, changes: Any) -> None:
    problem(await world.person("dongtrieu").post("/v1/tasks/bulk", {"changes": changes}), 422)


async def test_a_hundred_are_taken_and_one_more_is_an_import(world: World, plan: Json) -> None:
    person = world.specialist("dongtrieu")
    new = {"action": "assign", "agreement_id": plan["id"], "lead_organization_id": world.id("ubnd-dongtrieu")}
    many = [new | {"title": f"Một trong nhiều {at}"} for at in range(101)]
    body = problem(await send(person, *many), 422, "too_many_changes")
    assert (pointers(body), body["limit"], body["imports"]) == (["/changes"], 100, "/v1/imports")
    assert len(accepted(await send(person, *many[:100]), 200)["changed"]) == 100


async def test_the_same_key_makes_the_changes_once(world: World, plan: Json) -> None:
    task = await world.task(plan)
    person = world.specialist("dongtrieu")
    headers = person.unsafe()
    first, second = [
        await world.http.post("/v1/tasks/bulk", headers=headers, json={"changes": [change(task, "update", note="x")]})
        for _ in range(2)
    ]
    assert (first.status_code, second.headers["idempotency-replayed"]) == (200, "true")
    assert first.json() == second.json()
    assert (await read(world, task))["version"] == 2


async def test_a_role_that_changes_nothing_sends_nothing(world: World, plan: Json) -> None:
    task = await world.task(plan)
    for person in (
        world.person("dongtrieu", Role.VIEWER),
        world.client("dongtrieu"),
        world.client("dongtrieu", "tasks:read"),
    ):
        problem(await send(person, change(task, "update", note="x")), 403)


async def test_a_district_system_sends_what_its_scope_allows(world: World, plan: Json) -> None:
    task = await world.task(plan)
    system = world.client("ubnd-dongtrieu", "tasks:write")
    body = problem(await send(system, change(task, "update", note="x")), 422)
    assert told(body) == [("/changes/0", "forbidden")]
    assert accepted(await send(system, change(task, "accept")), 200)["changed"][0]["status"] == "in_progress"


async def test_a_stranger_learns_nothing_of_a_task(world: World, plan: Json) -> None:
    task = await world.task(plan)
    body = problem(await send(world.person("elsewhere"), change(task, "accept")), 422)
    assert told(body) == [("/changes/0/task_id", "not_found")]


async def test_two_callers_with_the_same_tasks_never_wait_in_a_circle(world: World, plan: Json) -> None:
    """In opposite orders: one of them changes all, and to the other one all have moved on."""
    tasks = [await world.task(plan) for _ in range(8)]
    person = world.specialist("dongtrieu")
    forth = [change(task, "update", note="Đi") for task in tasks]
    back = [change(task, "update", note="Về") for task in reversed(tasks)]
    answers = await asyncio.gather(send(person, *forth), send(person, *back))
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    refused = next(answer for answer in answers if answer.status_code == 422)
    assert {code for _, code in told(refused.json())} == {"precondition_failed"}
    assert len({(await read(world, task))["note"] for task in tasks}) == 1
    assert {(await read(world, task))["version"] for task in tasks} == {2}
