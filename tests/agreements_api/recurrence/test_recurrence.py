"""What repeats a task: set, changed and ended by its custodian; read by everybody who sees the task."""

import asyncio
from typing import Any

import pytest

from shared import clock
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem

MONTHLY = {"frequency": "monthly"}
WITHOUT_DEADLINE = "Việc không có thời hạn (minh họa)"


async def test_a_task_comes_again_and_says_when(world: World, plan: Json) -> None:
    path, planner = await new_task(world, plan), world.specialist("dongtrieu")
    problem(await planner.get(f"{path}/recurrence"), 404, "not_found")
    task = accepted(await put(world, path, {"frequency": "quarterly", "until": "2027-12-31"}), 200)
    assert (task["version"], task["previous_occurrence_id"]) == (2, None)
    rule = await world.person("ubnd-kinhmon").read(f"{path}/recurrence")
    assert (rule["id"], rule["current_task_id"]) == (task["recurrence_id"], task["id"])
    assert (rule["rule"], rule["until"]) == ("FREQ=YEARLY;BYMONTH=3,6,9,12;BYMONTHDAY=14", "2027-12-31")
    # The task is due on 31 December: the quarter that ends before it is over by then.
    assert [one["due_on"] for one in rule["upcoming"]] == ["2027-03-14", "2027-06-14", "2027-09-14", "2027-12-14"]
    assert rule["upcoming"][0]["period_start"] == "2026-12-15"
    entry = (await planner.read(f"{path}/history", limit=1))["items"][0]
    assert (entry["action"], entry["changes"][0]) == (
        "set_recurrence",
        {"field": "recurrence", "from": None, "to": "quarterly"},
    )
    event = (await world.registry.outbox(task["id"]))[-1]
    assert (event["type"], event["data"]["task"]["recurrence_id"]) == (
        "vn.lienvung.task.updated.v1",
        task["recurrence_id"],
    )


async def test_it_can_be_changed_ended_and_begun_again(world: World, plan: Json) -> None:
    path, planner = await new_task(world, plan), world.specialist("dongtrieu")
    first = accepted(await put(world, path, MONTHLY), 200)
    again = accepted(await put(world, path, MONTHLY | {"working_days_after": 5, "until": "2027-01-31"}), 200)
    assert again["recurrence_id"] == first["recurrence_id"]
    rule = await planner.read(f"{path}/recurrence")
    assert [one["due_on"] for one in rule["upcoming"]] == ["2027-01-21"]
    tag = {"If-Match": (await planner.get(path)).headers["etag"]}
    ended = await planner.delete(f"{path}/recurrence", **tag)
    assert accepted(ended, 200)["recurrence_id"] == first["recurrence_id"]
    rule = await planner.read(f"{path}/recurrence")
    assert (rule["upcoming"], rule["ended_at"] is None) == ([], False)
    problem(await planner.delete(f"{path}/recurrence", **{"If-Match": "*"}), 404, "not_found")
    accepted(await put(world, path, MONTHLY), 200)
    assert (await planner.read(f"{path}/recurrence"))["ended_at"] is None


async def test_a_task_that_is_late_comes_again_in_the_future_only(world: World, plan: Json) -> None:
    path = await new_task(world, plan, due_on="2025-03-14")
    accepted(await put(world, path, MONTHLY), 200)
    rule = await world.person("dongtrieu").read(f"{path}/recurrence")
    assert rule["upcoming"][0]["due_on"] >= clock.today().isoformat()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/frequency"),
        ({"frequency": "weekly"}, "/frequency"),
        ({"frequency": "monthly", "working_days_after": -1}, "/working_days_after"),
        ({"frequency": "monthly", "working_days_after": 61}, "/working_days_after"),
        ({"frequency": "monthly", "working_days_after": "5"}, "/working_days_after"),
        ({"frequency": "monthly", "until": "2027-01-13"}, "/until"),
        ({"frequency": "monthly", "until": "x"}, "/until"),
        ({"frequency": "monthly", "rule": "FREQ=SECONDLY"}, "/rule"),
    ],
)
async def test_what_cannot_be_taken_names_its_field(world: World, plan: Json, body: Any, pointer: str) -> None:
    path, planner = await new_task(world, plan), world.specialist("dongtrieu")
    before = await planner.read(path)
    assert pointers(problem(await put(world, path, body), 422)) == [pointer]
    assert await planner.read(path) == before


async def test_a_task_without_a_deadline_cannot_come_again(world: World, plan: Json) -> None:
    path, planner = await new_task(world, plan, title=WITHOUT_DEADLINE, due_on=None), world.specialist("dongtrieu")
    assert "set_recurrence" not in (await planner.read(path))["allowed_actions"]
    [listed] = (await planner.read("/v1/tasks", limit=200, q=WITHOUT_DEADLINE))["items"]
    assert "set_recurrence" not in listed["allowed_actions"]
    problem(await put(world, path, MONTHLY), 409, "no_deadline")
    accepted(await planner.change(path, {"due_on": "2026-12-31"}), 200)
    assert "set_recurrence" in (await planner.read(path))["allowed_actions"]


async def test_only_the_custodian_repeats_tasks(world: World, plan: Json) -> None:
    path = await new_task(world, plan)
    for person in (world.person("ubnd-dongtrieu"), world.person("ubnd-kinhmon"), world.person("quangninh")):
        problem(await person.put(f"{path}/recurrence", MONTHLY, **{"If-Match": "*"}), 403, "forbidden")
        problem(await person.delete(f"{path}/recurrence", **{"If-Match": "*"}), 403, "forbidden")
    problem(await world.person("elsewhere").get(f"{path}/recurrence"), 404, "not_found")
    planner = world.specialist("dongtrieu")
    problem(await planner.put(f"{path}/recurrence", MONTHLY), 428)
    problem(await planner.put(f"{path}/recurrence", MONTHLY, **{"If-Match": '"v9"'}), 412)


async def test_two_that_repeat_a_task_at_once_make_one_series(world: World, plan: Json) -> None:
    path, planner = await new_task(world, plan), world.specialist("dongtrieu")
    answers = await asyncio.gather(
        *(planner.put(f"{path}/recurrence", {"frequency": one}, **{"If-Match": "*"}) for one in ("monthly", "yearly"))
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({answer.json()["recurrence_id"] for answer in answers}) == 1


async def new_task(world: World, plan: Json, **given: Any) -> str:
    return f"/v1/tasks/{(await world.task(plan, **given))['id']}"


async def put(world: World, path: str, body: Any) -> Any:
    planner = world.specialist("dongtrieu")
    tag = (await planner.get(path)).headers["etag"]
    return await planner.put(f"{path}/recurrence", body, **{"If-Match": tag})
