"""Suspension, conclusion, termination and the end of a term: facts of the agreement and not of its tasks."""

import asyncio
from typing import Any

import asyncpg
import pytest

from agreements_api.agreements.lifecycle import end_what_is_over, lifecycle_role
from agreements_api.config import Settings
from agreements_api.policy import Role
from tests.agreements_api.agreements.test_signing import path_of
from tests.agreements_api.agreements.test_signing_time import days_later, in_days, types
from tests.agreements_api.agreements.world import World, problem

REASON = {"reason": "Theo kết luận hội nghị (minh họa)"}
AFTER_FORCE = ["assign_task", "amend", "renew", "suspend", "conclude", "terminate", "publish"]


async def test_a_suspension_holds_new_tasks_and_no_others(world: World) -> None:
    plan = await world.plan()
    task = await world.task(plan)
    path, leader = path_of(plan), world.person("dongtrieu")
    assert plan["allowed_actions"] == ["assign_task", "amend", "renew"]
    assert (await leader.read(path))["allowed_actions"] == AFTER_FORCE
    suspended = await leader.step(path, "suspend", REASON)
    assert (suspended["status"], suspended["ended_on"]) == ("suspended", None)
    refused = problem(
        await leader.post(f"{path}/tasks", {"title": "x", "lead_organization_id": world.id("ubnd-chilinh")}), 409
    )
    assert refused["possible"] == ["amend", "renew", "resume", "conclude", "terminate", "publish"]
    assert await world.specialist("ubnd-dongtrieu").read(f"/v1/tasks/{task['id']}") == await _same(world, task)
    await world.specialist("ubnd-dongtrieu").step(f"/v1/tasks/{task['id']}", "accept")
    resumed = await leader.step(path, "resume", REASON)
    assert (resumed["status"], resumed["allowed_actions"]) == ("in_force", AFTER_FORCE)
    await world.task(plan)
    assert (await types(world, plan["id"]))[-2:] == ["suspended", "resumed"]
    assert (await leader.read(f"{path}/history"))["items"][0]["remark"] == REASON["reason"]


@pytest.mark.parametrize("first", [None, "suspend"])
@pytest.mark.parametrize(("verb", "status"), [("conclude", "concluded"), ("terminate", "terminated")])
async def test_an_end_is_an_end_and_leaves_the_tasks(world: World, first: str | None, verb: str, status: str) -> None:
    plan = await world.plan()
    task = await world.task(plan)
    path, leader = path_of(plan), world.person("dongtrieu")
    if first:
        await leader.step(path, first, REASON)
    ended = await leader.step(path, verb, REASON)
    assert (ended["status"], ended["ended_on"], ended["allowed_actions"]) == (status, in_days(0), ["publish"])
    assert (await types(world, plan["id"]))[-1] == status
    for step in ("suspend", "resume", "conclude", "terminate", "amend"):
        refused = problem(await leader.act(path, step, {} if step == "amend" else REASON), 409, "invalid_transition")
        # What has bound its parties can still be shown to the public.
        assert refused["possible"] == ["publish"]
    await world.specialist("ubnd-dongtrieu").step(f"/v1/tasks/{task['id']}", "accept")


async def test_only_leaders_of_the_custodian_decide(world: World) -> None:
    plan = await world.plan()
    path = path_of(plan)
    for person in (
        world.person("chilinh"),
        world.person("quangninh"),
        world.specialist("dongtrieu"),
        world.person("dongtrieu", Role.ADMINISTRATOR),
    ):
        for verb in ("suspend", "conclude", "terminate"):
            problem(await person.act(path, verb, REASON), 403, "forbidden")
    problem(await world.person("elsewhere").act_blindly(path, "suspend", REASON), 404, "not_found")
    problem(await world.person("dongtrieu").act(path, "suspend", {"reason": " "}), 422)
    problem(await world.person("dongtrieu").act(path, "resume", REASON), 409, "invalid_transition")
    problem(await world.person("dongtrieu").post(f"{path}/suspend", REASON), 428)
    problem(await world.person("dongtrieu").post(f"{path}/suspend", REASON, **{"If-Match": '"v1"'}), 412)


async def test_an_agreement_lapses_when_its_term_is_over_and_once_only(world: World) -> None:
    short, long = await world.plan(term_to=in_days(2)), await world.plan(term_to=in_days(90))
    suspended, open_ended = await world.plan(term_to=in_days(2)), await world.plan()
    await world.person("dongtrieu").step(path_of(suspended), "suspend", REASON)
    async with days_later(world, 2):
        await end_what_is_over(world.registry.database, 50)
        assert (await world.person("chilinh").read(path_of(short)))["status"] == "in_force"
    async with days_later(world, 3):
        await asyncio.gather(*(end_what_is_over(world.registry.database, 1) for _ in range(6)))
        await end_what_is_over(world.registry.database, 50)
        lapsed = await world.person("chilinh").read(path_of(short))
        assert (lapsed["status"], lapsed["ended_on"]) == ("lapsed", in_days(0))
    for plan in (short, suspended):
        assert (await types(world, plan["id"])).count("lapsed") == 1
    for plan in (long, open_ended):
        assert (await world.person("chilinh").read(path_of(plan)))["status"] == "in_force"


async def test_the_role_does_it_by_itself(world: World, settings: Settings) -> None:
    plan = await world.plan(term_to=in_days(1))
    stop = asyncio.Event()
    quick = settings.model_copy(update={"lifecycle_poll_seconds": 0.05})
    async with days_later(world, 5):
        roles = [asyncio.ensure_future(lifecycle_role(quick, world.registry.database)(stop)) for _ in range(2)]
        try:
            for _ in range(100):
                if (await world.person("chilinh").read(path_of(plan)))["status"] == "lapsed":
                    break
                await asyncio.sleep(0.05)
        finally:
            stop.set()
            await asyncio.gather(*roles)
    assert (await types(world, plan["id"])).count("lapsed") == 1


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (
            "select id from agreement where status = 'open_for_signature' and sign_by is not null and sign_by <= $1"
            " order by sign_by, id limit 50 for update skip locked",
            "agreement_signing_ends",
        ),
        (
            "select id from agreement where status in ('in_force', 'suspended') and term_to is not null"
            " and term_to < $1 and amends_agreement_id is null order by term_to, id limit 50 for update skip locked",
            "agreement_term_ends",
        ),
    ],
)
async def test_what_ends_is_found_by_an_index(world: World, statement: str, index: str) -> None:
    plan = await explained(world, statement, (await world.rows("select current_date as day"))[0]["day"])
    assert index in plan
    assert "Sort" not in plan


async def explained(world: World, statement: str, *values: Any) -> str:
    """The way that is there, on a table that is too small for PostgreSQL to want it."""
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute("select set_config('lienvung.system', 'on', false)")
        await connection.execute("set enable_seqscan = off; set enable_sort = off; set enable_bitmapscan = off")
        return "\n".join(row[0] for row in await connection.fetch(f"explain {statement}", *values))
    finally:
        await connection.close()


async def _same(world: World, task: dict[str, Any]) -> dict[str, Any]:
    """The task as it was made, in the eyes of who reads it now."""
    now = await world.specialist("ubnd-dongtrieu").read(f"/v1/tasks/{task['id']}")
    return task | {"allowed_actions": now["allowed_actions"]}
