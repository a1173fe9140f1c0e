"""A task is suspended, resumed and reopened: what stays, what is void, what is told."""

import asyncio
from typing import Any

from tests.agreements_api.agreements.world import REPORT, Json, World, problem

REASON = {"reason": "Chờ nguồn vốn (minh họa)"}


async def test_a_suspended_task_asks_nothing_and_goes_on_where_it_stood(world: World, plan: Json) -> None:
    path, leader = await world.under_way(plan), world.person("dongtrieu")
    worker = world.specialist("ubnd-dongtrieu")
    before = await worker.step(path, "reports", REPORT)
    suspended = await leader.step(path, "suspend", REASON)
    assert (suspended["status"], suspended["percent"], suspended["due_on"]) == ("suspended", 40, before["due_on"])
    for verb, body in (("reports", REPORT), ("submit", None), ("accept", None)):
        assert problem(await worker.act(path, verb, body), 409, "invalid_transition")["possible"] == []
    resumed = await leader.step(path, "resume", REASON)
    assert (resumed["status"], resumed["percent"]) == ("in_progress", 40)
    assert resumed["last_report"] == before["last_report"]
    await worker.step(path, "submit")
    assert await told(world, path) == [("suspend", "suspended"), ("resume", "resumed"), ("submit", "submitted")]


async def test_what_nobody_had_taken_on_is_not_started_after_a_suspension(world: World, plan: Json) -> None:
    path, leader = f"/v1/tasks/{(await world.task(plan))['id']}", world.person("dongtrieu")
    await leader.step(path, "suspend", REASON)
    assert (await leader.step(path, "resume", REASON))["status"] == "not_started"
    await world.specialist("ubnd-dongtrieu").step(path, "accept")


async def test_a_completed_task_that_is_reopened_has_to_be_confirmed_again(world: World, plan: Json) -> None:
    path = await world.submitted(plan)
    for key in ("ubnd-kinhmon", "ubnd-chilinh"):
        await world.person(key).step(path, "confirm")
    reopened = await world.person("dongtrieu").step(path, "reopen", REASON)
    assert (reopened["status"], reopened["percent"], reopened["completed_at"]) == ("in_progress", 40, None)
    assert not any(party["confirmed_at"] for party in reopened["coordinating"])
    kept = (await world.person("dongtrieu").read(f"{path}/confirmations"))["items"]
    assert [one["valid"] for one in kept] == [False, False]
    await world.specialist("ubnd-dongtrieu").step(path, "submit")
    for key in ("ubnd-kinhmon", "ubnd-chilinh"):
        task = await world.person(key).step(path, "confirm")
    assert task["status"] == "completed"
    assert ("reopen", "reopened") in await told(world, path, 10)


async def test_a_cancelled_task_is_reopened_where_it_stood(world: World, plan: Json) -> None:
    leader = world.person("dongtrieu")
    untouched, begun = f"/v1/tasks/{(await world.task(plan))['id']}", await world.under_way(plan)
    for path, status in ((untouched, "not_started"), (begun, "in_progress")):
        await leader.step(path, "cancel", REASON)
        assert (await leader.step(path, "reopen", REASON))["status"] == status


async def test_whoever_monitors_may_reopen_and_may_not_suspend(world: World, plan: Json) -> None:
    path = await world.submitted(plan, coordinating=(), monitoring=("ubnd-sondong",))
    monitor = world.person("ubnd-sondong")
    await monitor.step(path, "complete")
    assert (await monitor.step(path, "reopen", REASON))["status"] == "in_progress"
    problem(await monitor.act(path, "suspend", REASON), 403, "forbidden")


async def test_of_two_that_suspend_at_once_one_does(world: World, plan: Json) -> None:
    path, leader = await world.under_way(plan), world.person("dongtrieu")
    answers = await asyncio.gather(*(leader.post(f"{path}/suspend", REASON, **{"If-Match": "*"}) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert (await leader.read(path))["version"] == 3


async def told(world: World, path: str, last: int = 3) -> list[tuple[str, str]]:
    """The last actions of history with the events that went out with them."""
    history = (await world.person("dongtrieu").read(f"{path}/history", limit=last))["items"][::-1]
    events: list[Any] = await world.registry.outbox(path.split("/")[-1])
    kinds = [event["type"].split(".")[3] for event in events][-last:]
    return list(zip((entry["action"] for entry in history), kinds, strict=True))
