"""The next occurrence: made once, when the one before it is completed or late, by any number of workers."""

import asyncio
from datetime import date
from typing import Any

import asyncpg
import pytest

from agreements_api.agreements.lifecycle import end_what_is_over, lifecycle_role
from agreements_api.config import Settings
from agreements_api.recurrence.occurrences import make_due
from shared import clock
from shared.events import TaskAssigned, parse_envelope
from tests.agreements_api.agreements.world import REPORT, Json, World, accepted, problem
from tests.agreements_api.days import on_day
from tests.agreements_api.recurrence.test_recurrence import MONTHLY, put

# After the day on which the first occurrence is due.
JANUARY = date(2027, 1, 4)
REASON = {"reason": "Theo kết luận (minh họa)"}


async def test_a_completed_occurrence_is_followed_by_the_next(world: World) -> None:
    plan = await world.plan()
    path = await repeated(world, plan, coordinating=("ubnd-kinhmon",), monitoring=("haiduong",), note="Ghi chú")
    custodian = world.person("dongtrieu")
    deadlines = [{"organization_id": world.id("ubnd-kinhmon"), "due_on": "2026-12-10"}]
    accepted(await custodian.change(path, {"coordinating": deadlines}), 200)
    assert await made(world, path) == []
    await complete(world, path)
    await make_due(world.registry.database, 50)
    before, [task] = await custodian.read(path), await made(world, path)
    assert (task["status"], task["percent"], task["version"]) == ("not_started", 0, 1)
    assert (task["due_on"], task["original_due_on"]) == ("2027-01-14", "2027-01-14")
    for name in ("title", "clause_id", "deliverable", "field", "note", "demonstration", "recurrence_id"):
        assert task[name] == before[name], name
    assert task["previous_occurrence_id"] == before["id"]
    [party] = task["coordinating"]
    # As long before the deadline as it was: three weeks.
    assert (party["due_on"], party["accepted_at"], party["confirmed_at"]) == ("2026-12-24", None, None)
    assert (await world.specialist("ubnd-dongtrieu").read(f"/v1/tasks/{task['id']}"))["allowed_actions"][0] == "accept"
    assert (await custodian.read(f"{path}/recurrence"))["current_task_id"] == task["id"]
    [row] = await world.rows("select payload::text as payload from outbox where aggregate_id = $1", task["id"])
    event = parse_envelope(row["payload"]).data
    assert isinstance(event, TaskAssigned)
    assert (str(event.task.previous_occurrence_id), event.actor.kind) == (before["id"], "system")
    assert set(map(str, event.members)) >= {world.id(key) for key in ("dongtrieu", "ubnd-kinhmon", "haiduong")}
    entry = (await custodian.read(f"/v1/tasks/{task['id']}/history"))["items"][0]
    assert (entry["action"], entry["actor"]["kind"]) == ("assign", "system")


async def test_a_day_that_passed_makes_the_next_though_nobody_did_anything(world: World) -> None:
    plan = await world.plan()
    path = await repeated(world, plan)
    await make_due(world.registry.database, 50)
    assert await made(world, path) == []
    async with on_day(world, JANUARY):
        await make_due(world.registry.database, 50)
        [following] = await made(world, path)
        await make_due(world.registry.database, 50)
        assert len(await made(world, path)) == 1
    assert following["due_on"] == "2027-01-14"
    assert (await world.person("dongtrieu").read(path))["status"] == "not_started"


async def test_an_extension_does_not_hold_the_next_period_up(world: World) -> None:
    plan = await world.plan()
    path = await repeated(world, plan)
    accepted(await world.person("dongtrieu").change(path, {"due_on": "2027-06-30"}), 200)
    async with on_day(world, JANUARY):
        await make_due(world.registry.database, 50)
        assert [task["due_on"] for task in await made(world, path)] == ["2027-01-14"]


async def test_after_a_long_sleep_every_period_has_its_occurrence(world: World) -> None:
    plan = await world.plan()
    await repeated(world, plan)
    async with on_day(world, date(2027, 5, 13)):
        for _ in range(8):
            await make_due(world.registry.database, 50)
        tasks = (await world.person("dongtrieu").read("/v1/tasks", agreement_id=plan["id"], sort="due_on"))["items"]
        assert clock.today().isoformat() <= tasks[-1]["due_on"]
    months = ["2026-12-31", *(f"2027-0{month}-14" for month in range(1, 6))]
    assert [task["due_on"] for task in tasks] == months
    chain = [task["previous_occurrence_id"] for task in tasks]
    assert chain == [None, *(task["id"] for task in tasks[:-1])]


@pytest.mark.parametrize("completing", [False, True])
async def test_any_number_of_workers_make_it_once(world: World, completing: bool) -> None:
    plan = await world.plan()
    paths = [await repeated(world, plan, coordinating=("ubnd-kinhmon",)) for _ in range(4)]
    database = world.registry.database
    if completing:
        for path in paths:
            await submit(world, path)
    async with on_day(world, JANUARY):
        finishing = [confirm(world, path) for path in paths] if completing else []
        await asyncio.gather(*(make_due(database, 50) for _ in range(5)), *finishing)
        await asyncio.gather(*(make_due(database, 1) for _ in range(6)))
        for path in paths:
            assert len(await made(world, path)) == 1


async def test_the_database_itself_refuses_a_second_one(world: World) -> None:
    plan = await world.plan()
    path = await repeated(world, plan, coordinating=())
    await complete(world, path)
    await make_due(world.registry.database, 50)
    [following] = await made(world, path)
    columns = await world.columns("task")
    copied = ", ".join(f"r.{name}" for name in columns.split(", "))
    with pytest.raises(asyncpg.UniqueViolationError, match="task_occurrence_once"):
        await world.rows(
            f"insert into task ({columns}) select {copied} from task t, lateral"
            " jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid())) r where t.id = $1",
            following["id"],
        )


async def test_the_last_occurrence_ends_the_series(world: World) -> None:
    plan = await world.plan()
    path = await repeated(world, plan, rule=MONTHLY | {"until": "2027-02-28"})
    async with on_day(world, date(2027, 3, 24)):
        for _ in range(5):
            await make_due(world.registry.database, 50)
    tasks = (await world.person("dongtrieu").read("/v1/tasks", agreement_id=plan["id"]))["items"]
    assert [task["due_on"] for task in tasks] == ["2026-12-31", "2027-01-14", "2027-02-14"]
    assert (await world.person("dongtrieu").read(f"{path}/recurrence"))["ended_at"] is not None


@pytest.mark.parametrize(("verb", "whose"), [("cancel", "task"), ("terminate", "agreement")])
async def test_what_ended_is_not_repeated(world: World, verb: str, whose: str) -> None:
    plan = await world.plan()
    path = await repeated(world, plan)
    await world.person("dongtrieu").step(path if whose == "task" else f"/v1/agreements/{plan['id']}", verb, REASON)
    async with on_day(world, JANUARY):
        await make_due(world.registry.database, 50)
    assert await made(world, path) == []
    assert (await world.person("dongtrieu").read(f"{path}/recurrence"))["ended_at"] is not None


@pytest.mark.parametrize("whose", ["task", "agreement"])
async def test_what_is_suspended_waits(world: World, whose: str) -> None:
    plan = await world.plan()
    path, leader = await repeated(world, plan), world.person("dongtrieu")
    suspended = path if whose == "task" else f"/v1/agreements/{plan['id']}"
    await leader.step(suspended, "suspend", REASON)
    async with on_day(world, JANUARY):
        await make_due(world.registry.database, 50)
        assert await made(world, path) == []
        await leader.step(suspended, "resume", REASON)
        await make_due(world.registry.database, 50)
        assert len(await made(world, path)) == 1


async def test_only_the_newest_occurrence_changes_the_series(world: World) -> None:
    plan = await world.plan()
    path, planner = await repeated(world, plan), world.specialist("dongtrieu")
    before = await planner.get(path)
    assert "set_recurrence" in before.json()["allowed_actions"]
    async with on_day(world, JANUARY):
        await make_due(world.registry.database, 50)
    [following] = await made(world, path)
    after = await planner.get(path, headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, after.json()["version"]) == (200, before.json()["version"])
    listed = (await planner.read("/v1/tasks", agreement_id=plan["id"]))["items"]
    named = {task["id"]: "set_recurrence" in task["allowed_actions"] for task in listed}
    assert named == {path.rsplit("/", 1)[1]: False, following["id"]: True}
    for task in listed:
        assert (await planner.read(f"/v1/tasks/{task['id']}"))["allowed_actions"] == task["allowed_actions"]
    refused = problem(await put(world, path, MONTHLY), 409, "not_the_current_occurrence")
    assert refused["current_task_id"] == following["id"]
    other = problem(await world.person("dongtrieu").act(path, "resume", REASON), 409, "invalid_transition")
    assert "set_dependencies" in other["possible"]
    assert "set_recurrence" not in other["possible"]
    changed = accepted(await put(world, f"/v1/tasks/{following['id']}", {"frequency": "yearly"}), 200)
    assert changed["recurrence_id"] == following["recurrence_id"]


async def test_the_role_makes_it_by_itself(world: World, settings: Settings) -> None:
    plan = await world.plan()
    path = await repeated(world, plan, coordinating=())
    await complete(world, path)
    stop = asyncio.Event()
    quick = settings.model_copy(update={"lifecycle_poll_seconds": 0.05})
    role = asyncio.ensure_future(lifecycle_role(quick, world.registry.database)(stop))
    try:
        async with asyncio.timeout(20):
            while not await made(world, path):  # noqa: ASYNC110 - the role tells nobody what it made
                await asyncio.sleep(0.05)
    finally:
        stop.set()
        await role
    assert await end_what_is_over(world.registry.database, 50) == 0


async def repeated(world: World, plan: Json, *, rule: Any = None, **given: Any) -> str:
    """The path of a task that comes again every month."""
    path = f"/v1/tasks/{(await world.task(plan, **given))['id']}"
    accepted(await put(world, path, rule or MONTHLY), 200)
    return path


async def submit(world: World, path: str) -> None:
    worker = world.specialist("ubnd-dongtrieu")
    # The window is still open in January.
    for verb, body in (("accept", None), ("reports", REPORT), ("submit", {"response_days": 60})):
        await worker.step(path, verb, body)


async def confirm(world: World, path: str) -> None:
    assert (await world.person("ubnd-kinhmon").act_blindly(path, "confirm")).status_code == 200


async def complete(world: World, path: str) -> None:
    await submit(world, path)
    if (await world.person("dongtrieu").read(path))["coordinating"]:
        await confirm(world, path)
    else:
        await world.person("dongtrieu").step(path, "complete")


async def made(world: World, path: str) -> list[Json]:
    """What was made after a task."""
    rows = await world.rows("select id from task where previous_occurrence_id = $1", path.split("/")[-1])
    return [await world.person("dongtrieu").read(f"/v1/tasks/{row['id']}") for row in rows]
