"""A plan period that closes without the task: told once, by whichever process comes first."""

import asyncio
from datetime import date

import asyncpg
import pytest

from agreements_api.agreements.lifecycle import end_what_is_over
from agreements_api.funding.missed import tell_missed
from shared import clock
from tests.agreements_api.agreements.test_signing_time import days_later
from tests.agreements_api.agreements.world import Json, World, accepted
from tests.agreements_api.funding.money import CLOSED, NEED, OPEN, funded


async def missed(world: World, task: Json) -> list[str]:
    """The plan periods of which the task's events say that they were missed."""
    return [
        event["data"]["funding"]["plan_period"]
        for event in await world.registry.outbox(task["id"])
        if event["type"] == "vn.lienvung.task.funding_missed.v1"
    ]


async def test_it_is_told_once_with_history_and_event(world: World, plan: Json) -> None:
    task = await world.task(plan)
    await funded(world, task, plan_period=CLOSED)
    before = (await world.person("dongtrieu").read(f"/v1/tasks/{task['id']}"))["version"]
    for _ in range(3):
        await end_what_is_over(world.registry.database, 50)
    assert await missed(world, task) == [CLOSED]
    reader = world.person("lucnam")
    seen = await reader.read(f"/v1/tasks/{task['id']}/funding")
    assert (seen["gate"], seen["version"], len(seen["missed_periods"])) == ("missed", 2, 1)
    assert (seen["missed_periods"][0]["plan_period"], seen["missed_periods"][0]["closed_on"]) == (CLOSED, "2025-12-31")
    last = (await reader.read(f"/v1/tasks/{task['id']}/history"))["items"][0]
    assert (last["action"], last["actor"]["kind"], last["version"]) == ("miss_plan_period", "system", before + 1)
    assert last["remark"] == "Kỳ kế hoạch đầu tư công trung hạn 2021-2025 đã kết thúc ngày 31/12/2025."
    event = (await world.registry.outbox(task["id"]))[-1]
    assert (event["data"]["version"], event["data"]["funding"]["gate"]) == (before + 1, "missed")
    assert world.id("lucnam") in event["data"]["members"]


async def test_it_happens_when_the_last_day_is_over(world: World, plan: Json) -> None:
    task = await world.task(plan)
    await funded(world, task)
    left = (date.fromisoformat("2030-12-31") - clock.today()).days
    async with days_later(world, left):
        await tell_missed(world.registry.database, 50)
        assert await missed(world, task) == []
        assert (await world.person("lucnam").read(f"/v1/tasks/{task['id']}/funding"))["gate"] == "closing_soon"
    async with days_later(world, left + 1):
        await tell_missed(world.registry.database, 50)
        assert await missed(world, task) == [OPEN]


@pytest.mark.parametrize("status", ["in_plan", "allocated"])
async def test_who_is_in_the_plan_misses_nothing(world: World, plan: Json, status: str) -> None:
    task = await world.task(plan)
    await funded(world, task, plan_period=CLOSED, status=status)
    await tell_missed(world.registry.database, 50)
    assert await missed(world, task) == []


async def test_a_task_that_is_over_misses_nothing(world: World, plan: Json) -> None:
    task = await world.task(plan)
    await funded(world, task, plan_period=CLOSED)
    await world.person("dongtrieu").step(f"/v1/tasks/{task['id']}", "cancel", {"reason": "Thôi (minh họa)"})
    await tell_missed(world.registry.database, 50)
    assert await missed(world, task) == []


async def test_another_period_opens_the_gate_again_and_what_was_told_is_not_told_twice(
    world: World, plan: Json
) -> None:
    task = await world.task(plan)
    await funded(world, task, plan_period=CLOSED)
    await tell_missed(world.registry.database, 50)
    again = await funded(world, task, plan_period=OPEN)
    assert (again["gate"], len(again["missed_periods"])) == ("open", 1)
    await funded(world, task, plan_period=CLOSED)
    await tell_missed(world.registry.database, 50)
    assert await missed(world, task) == [CLOSED]
    await funded(world, task, plan_period=OPEN)
    async with days_later(world, 5 * 366):
        await tell_missed(world.registry.database, 50)
        assert await missed(world, task) == [CLOSED, OPEN]


async def test_however_many_look_at_once_each_miss_is_told_once(world: World) -> None:
    plan = await world.plan()
    tasks = [await world.task(plan, title=f"Nhiệm vụ {number}") for number in range(12)]
    for task in tasks:
        await funded(world, task, plan_period=CLOSED)
    for _ in range(6):
        await asyncio.gather(*(tell_missed(world.registry.database, 3) for _ in range(5)))
    assert [await missed(world, task) for task in tasks] == [[CLOSED]] * len(tasks)


async def test_a_funding_that_comes_at_the_same_time_leaves_one_state(world: World) -> None:
    """Either it came first, and nothing was missed; or the miss was told first, and the task is funded after it."""
    plan = await world.plan()
    lead = world.specialist("ubnd-dongtrieu")
    for _ in range(6):
        task = await world.task(plan)
        await funded(world, task, plan_period=CLOSED)
        body = NEED | {"plan_period": CLOSED, "status": "in_plan"}
        answer, _ = await asyncio.gather(
            lead.http.put(f"/v1/tasks/{task['id']}/funding", json=body, headers=lead.unsafe(**{"If-Match": "*"})),
            tell_missed(world.registry.database, 50),
        )
        assert accepted(answer, 200)["gate"] == "funded"
        await tell_missed(world.registry.database, 50)
        told = await missed(world, task)
        versions = [event["data"]["version"] for event in await world.registry.outbox(task["id"])]
        assert versions == list(range(1, 4 + len(told)))
        assert len(told) <= 1


async def test_two_who_say_different_things_at_once_are_told_apart(world: World, plan: Json) -> None:
    task = await world.task(plan)
    people = [world.specialist("ubnd-dongtrieu"), world.specialist("dongtrieu")]
    answers = await asyncio.gather(
        *(
            person.http.put(
                f"/v1/tasks/{task['id']}/funding",
                json=NEED | {"amount": amount},
                headers=person.unsafe(**{"If-Match": '"v0"'}),
            )
            for person, amount in zip(people, (1, 2), strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    [amount] = [answer.json()["amount"] for answer in answers if answer.status_code == 200]
    assert (await people[0].read(f"/v1/tasks/{task['id']}/funding"))["amount"] == amount


async def test_the_table_itself_keeps_a_miss_from_being_told_twice(world: World, plan: Json) -> None:
    task = await world.task(plan)
    await funded(world, task, plan_period=CLOSED)
    await tell_missed(world.registry.database, 50)
    with pytest.raises(asyncpg.UniqueViolationError):
        await world.rows(
            "insert into task_funding_miss select m.* from task_funding_miss m where m.task_id = $1::text::uuid",
            task["id"],
        )
