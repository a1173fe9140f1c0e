"""From locality to province: by a person at once, by rule when the clock has run out, and only once."""

import asyncio

from agreements_api.agreements.lifecycle import end_what_is_over
from tests.agreements_api.agreements.test_signing_time import days_later
from tests.agreements_api.agreements.world import Json, World, accepted, problem
from tests.agreements_api.obstacles.raising import in_days, in_working_days, planned, raised, types

REASON = {"reason": "Vượt thẩm quyền của hai địa phương (minh họa)."}


async def run_out(world: World, workers: int = 1) -> None:
    await asyncio.gather(*(end_what_is_over(world.registry.database, 50) for _ in range(workers)))


async def test_a_person_puts_it_into_the_hands_of_the_body_above(world: World, plan: Json) -> None:
    obstacle, path = await raised(world, plan)
    lifted = await world.person("ubnd-kinhmon").step(path, "escalate", REASON)
    assert (lifted["level"], lifted["escalated_by"], lifted["status"]) == ("province", "person", "open")
    assert (lifted["organization_id"], lifted["organization_name"]) == (
        world.id("quangninh"),
        "Ban Thường vụ Tỉnh ủy Quảng Ninh",
    )
    assert (lifted["due_on"], lifted["escalated_at"] is not None) == (in_working_days(5), True)
    again = problem(await world.person("ubnd-kinhmon").act(path, "escalate", REASON), 409, "invalid_transition")
    assert again["possible"] == ["update", "measure", "resolve"]
    [_, event] = await world.registry.outbox(obstacle["id"])
    assert event["type"] == "vn.lienvung.obstacle.escalated.v1"
    assert event["data"]["obstacle"]["organization_id"] == world.id("quangninh")
    assert {change["field"] for change in event["data"]["changes"]} == {"level", "organization"}
    told = (await world.person("quangninh").read(f"{path}/history"))["items"][0]
    assert (told["action"], told["remark"], told["actor"]["kind"]) == ("escalate", REASON["reason"], "user")
    settled = await world.person("quangninh").step(path, "resolve", {"resolution": "Tỉnh đã chỉ đạo"})
    assert settled["status"] == "resolved"
    # Reopened, it is where it was.
    reopened = await world.person("ubnd-kinhmon").step(path, "reopen", {"reason": "Chưa xong"})
    assert (reopened["level"], reopened["organization_id"]) == ("province", world.id("quangninh"))


async def test_what_nobody_answers_goes_up_by_rule_once(world: World, plan: Json) -> None:
    silent = [await raised(world, plan) for _ in range(4)]
    resolved, resolved_path = await raised(world, plan)
    await world.person("ubnd-dongtrieu").step(resolved_path, "resolve", {"resolution": "Xong"})
    await run_out(world)
    assert (await world.person("quangninh").read(silent[0][1]))["level"] == "locality"
    async with days_later(world, 10):
        late = (await world.person("ubnd-dongtrieu").read("/v1/obstacles", overdue="true"))["items"]
        assert {item["id"] for item in late} >= {obstacle["id"] for obstacle, _ in silent}
        await run_out(world, workers=4)
        await run_out(world)
        for obstacle, path in silent:
            after = await world.person("quangninh").read(path)
            assert (after["level"], after["escalated_by"], after["overdue"]) == ("province", "rule", False)
            assert after["due_on"] == in_working_days(5)
            assert await types(world, obstacle["id"]) == ["obstacle.raised.v1", "obstacle.escalated.v1"]
            told = (await world.person("quangninh").read(f"{path}/history"))["items"][0]
            assert (told["actor"]["kind"], told["remark"]) == ("system", "Quá thời hạn xử lý ở cấp địa phương.")
        assert (await world.person("quangninh").read(resolved_path))["level"] == "locality"
    async with days_later(world, 40):
        # The province is the last: there it stays, overdue.
        await run_out(world)
        after = await world.person("quangninh").read(silent[0][1])
        assert (after["level"], after["overdue"], after["version"]) == ("province", True, 2)
    assert await types(world, resolved["id"]) == ["obstacle.raised.v1", "obstacle.resolved.v1"]


async def test_a_measure_under_way_keeps_it_where_it_is_until_it_is_late(world: World, plan: Json) -> None:
    _, path = await raised(world, plan)
    await planned(world, path, due_on=in_days(30))
    async with days_later(world, 29):
        await run_out(world)
        assert (await world.person("quangninh").read(path))["level"] == "locality"
    async with days_later(world, 31):
        await run_out(world)
        assert (await world.person("quangninh").read(path))["escalated_by"] == "rule"


async def test_nothing_presses_once_the_task_is_over(world: World, plan: Json) -> None:
    obstacle, path = await raised(world, plan)
    await world.person("dongtrieu").step(f"/v1/tasks/{obstacle['task_id']}", "cancel", {"reason": "Trùng"})
    async with days_later(world, 20):
        await run_out(world)
        assert (await world.person("quangninh").read(path))["level"] == "locality"


async def test_without_a_body_above_it_stays(world: World, plan: Json) -> None:
    task = accepted(
        await world.person("dongtrieu").post(
            f"/v1/agreements/{plan['id']}/tasks",
            {"title": "Việc của tỉnh (minh họa)", "lead_organization_id": world.id("quangninh")},
        ),
        201,
    )
    lead = world.person("quangninh")
    obstacle = accepted(await lead.post(f"/v1/tasks/{task['id']}/obstacles", {"text": "Vướng (minh họa)"}), 201)
    path = f"/v1/obstacles/{obstacle['id']}"
    [listed] = (await lead.read("/v1/obstacles", task_id=task["id"]))["items"]
    actions = ["update", "measure", "resolve"]
    assert obstacle["allowed_actions"] == listed["allowed_actions"] == actions
    assert (await lead.read(path))["allowed_actions"] == actions
    problem(await lead.act(path, "escalate", REASON), 409, "no_superior")
    assert problem(await lead.act(path, "reopen", REASON), 409, "invalid_transition")["possible"] == actions
    async with days_later(world, 20):
        await run_out(world)
        after = await lead.read(path)
    assert (after["level"], after["overdue"]) == ("locality", True)


async def test_a_resolution_and_the_rule_at_once_leave_one_state(world: World, plan: Json) -> None:
    for _ in range(3):
        obstacle, path = await raised(world, plan)
        async with days_later(world, 10):
            answer, _, _ = await asyncio.gather(
                world.person("ubnd-dongtrieu").post(f"{path}/resolve", {"resolution": "Xong"}, **{"If-Match": "*"}),
                run_out(world),
                run_out(world),
            )
            await run_out(world)
        assert answer.status_code == 200
        told = await types(world, obstacle["id"])
        assert told[-1] in ("obstacle.resolved.v1", "obstacle.escalated.v1")
        assert sorted(set(told)) == sorted(told)
        assert (await world.person("quangninh").read(path))["status"] == "resolved"


async def test_whoever_takes_the_leads_place_has_it_in_his_hands(world: World, plan: Json) -> None:
    obstacle, path = await raised(world, plan)
    statement = (
        "update task set lead_organization_id = $2::uuid, parties = jsonb_set(parties, '{lead}', parties->'lead' ||"
        " jsonb_build_object('organization_id', $2::uuid, 'name', 'UBND huyện Sơn Động')) where id = $1::uuid"
    )
    await world.rows(statement, obstacle["task_id"], world.id("ubnd-sondong"))
    after = await world.person("quangninh").read(path)
    assert (after["organization_id"], after["organization_name"]) == (world.id("ubnd-sondong"), "UBND huyện Sơn Động")
