"""The two sides at the same moment: a step is completed once, and nothing is lost."""

import asyncio
from uuid import UUID, uuid4

import asyncpg

from tests.agreements_api.agreements.world import Json, World, accepted, problem
from tests.agreements_api.boundary_cases.dossiers import FIRST, SECOND, body, confirmed, opened, path_of


async def test_two_sides_that_confirm_at_once_complete_the_step_once(world: World, plan: Json) -> None:
    for _ in range(5):
        case = await opened(world, plan)
        path, verb = path_of(case), f"steps/{case['steps'][0]['id']}/confirm"
        answers = await asyncio.gather(*(world.person(key).act_blindly(path, verb) for key in (FIRST, SECOND)))
        completed = sorted(accepted(answer, 200)["steps"][0]["completed_at"] is not None for answer in answers)
        assert completed == [False, True]
        after = await world.person(FIRST).read(path)
        assert all(one["confirmed_at"] for one in after["steps"][0]["confirmations"])
        assert after["version"] == 3


async def test_two_sides_that_confirm_the_last_step_at_once_hand_over_once(world: World, plan: Json) -> None:
    for _ in range(3):
        case = await opened(world, plan)
        await confirmed(world, case, 0, FIRST, SECOND)
        path, verb = path_of(case), f"steps/{case['steps'][1]['id']}/confirm"
        answers = await asyncio.gather(*(world.person(key).act_blindly(path, verb) for key in (FIRST, SECOND)))
        assert sorted(accepted(answer, 200)["state"] for answer in answers) == ["handed_over", "open"]
        events = [event["type"].split(".")[3] for event in await world.registry.outbox(case["id"])]
        assert events.count("handed_over") == 1
        assert events.count("step_confirmed") == 4


async def test_a_confirmation_and_a_taking_back_at_once_leave_one_state(world: World, plan: Json) -> None:
    for _ in range(5):
        case = await opened(world, plan)
        await confirmed(world, case, 0, FIRST)
        path, step = path_of(case), f"steps/{case['steps'][0]['id']}"
        taken, confirmation = await asyncio.gather(
            world.person(FIRST).act_blindly(path, f"{step}/take-back"),
            world.person(SECOND).act_blindly(path, f"{step}/confirm"),
        )
        accepted(confirmation, 200)
        after = (await world.person(FIRST).read(path))["steps"][0]
        if taken.status_code == 200:
            assert after["completed_at"] is None
            assert [bool(one["confirmed_at"]) for one in after["confirmations"]] == [False, True]
        else:
            problem(taken, 409, "step_completed")
            assert after["completed_at"] is not None


async def test_new_figures_and_a_confirmation_at_once_leave_no_confirmation_of_the_old_ones(
    world: World, plan: Json
) -> None:
    """Whoever confirms against the version that he read does not confirm what he has not seen."""
    for _ in range(3):
        case = await opened(world, plan)
        path, verb = path_of(case), f"{path_of(case)}/steps/{case['steps'][0]['id']}/confirm"
        tag = (await world.person(FIRST).get(path)).headers["etag"]
        changed, confirmation = await asyncio.gather(
            world.specialist(SECOND).patch(path, {"households": 99}, **{"If-Match": "*"}),
            world.person(FIRST).post(verb, **{"If-Match": tag}),
        )
        accepted(changed, 200)
        assert confirmation.status_code in (200, 412)
        after = await world.person(FIRST).read(path)
        assert after["households"] == 99
        assert after["steps"][0]["confirmations"][0]["confirmed_at"] is None


async def test_a_repeated_confirmation_is_answered_again_and_done_once(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    verb = f"{path_of(case)}/steps/{case['steps'][0]['id']}/confirm"
    leader, headers = world.person(FIRST), {"Idempotency-Key": str(uuid4()), "If-Match": "*"}
    first, again = await leader.post(verb, **headers), await leader.post(verb, **headers)
    assert (first.status_code, again.status_code, again.headers["idempotency-replayed"]) == (200, 200, "true")
    assert again.content == first.content
    assert len(await world.registry.outbox(case["id"])) == 2


async def test_a_dossier_waits_for_its_agreement_before_it_holds_the_task(world: World, plan: Json) -> None:
    """Whoever changes both takes them in this order, so that the two cannot wait for each other."""
    task = await world.task(plan)
    connection = await asyncpg.connect(world.address.owner_url)
    try:
        async with connection.transaction():
            await connection.execute("select from agreement where id = $1 for update", UUID(plan["id"]))
            opening = asyncio.create_task(
                world.specialist(FIRST).post(f"/v1/tasks/{task['id']}/boundary-cases", body(world))
            )
            await until_blocked_by(world, connection.get_server_pid())
            await connection.execute("select from task where id = $1 for update nowait", UUID(task["id"]))
        accepted(await opening, 201)
    finally:
        await connection.close()


async def until_blocked_by(world: World, pid: int) -> None:
    """Until somebody waits for what this connection holds."""
    for _ in range(1_000):
        if await world.rows("select pid from pg_stat_activity where $1 = any(pg_blocking_pids(pid))", pid):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")
