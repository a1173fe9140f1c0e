"""What was there before its past was kept: it is worked out from what had been told of it."""

import asyncio
from typing import Any
from uuid import UUID

import orjson
import pytest

from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.agreements.world import REPORT, Json, World, accepted
from tests.agreements_api.documents.files import attached
from tests.agreements_api.obstacles.raising import in_working_days, planned, raised

BEFORE = "0021"
EVERY = {"If-Match": "*"}
# Of a dependency that ended before, only its own number is not told.
_PARTS = """
select kind, version, task_id, other_task_id, agreement_id, occurred_at,
    (case when kind = 'dependency' then state - 'id' else state end)::text as state
from task_part_history order by occurred_at, kind, version
"""
_LOGS = "select version, action, state from obstacle_log order by occurred_at, version"


async def again(world: World) -> None:
    """As if all that is there had been there before."""
    await asyncio.to_thread(downgrade, "agreements_api", world.address.owner_url, BEFORE)
    await asyncio.to_thread(upgrade, "agreements_api", world.address.owner_url)


async def rows(world: World, statement: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await world.rows(statement)]


async def test_milestones_and_dependencies_are_worked_out_as_they_were_kept(world: World) -> None:
    plan = await world.plan()
    path, planner = await world.under_way(plan), world.specialist("dongtrieu")
    ahead = await world.task(plan, title="Việc trước", coordinating=())
    made = [
        accepted(await planner.post(f"{path}/milestones", {"title": title, "due_on": "2026-12-01"}, **EVERY), 201)
        for title in ("Một", "Hai")
    ]
    one = f"{path}/milestones/{made[0]['id']}"
    for patch in ({"title": "Một, sửa", "due_on": None}, {"done": True, "position": 7}, {"done": False}):
        accepted(await planner.patch(one, patch, **EVERY), 200)
    dependencies = f"{path}/dependencies"
    for lag in (3, 5):
        body = {"depends_on_task_id": ahead["id"], "lag_working_days": lag}
        dependency = accepted(await planner.post(dependencies, body, **EVERY), 201)
        if lag == 3:
            assert (await planner.delete(f"{dependencies}/{dependency['id']}", **EVERY)).status_code == 204
    kept = await rows(world, _PARTS)
    assert [(row["kind"], row["version"]) for row in kept] == [
        ("milestone", 1), ("milestone", 1), ("milestone", 2), ("milestone", 3), ("milestone", 4),
        ("dependency", 1), ("dependency", 2), ("dependency", 1),
    ]  # fmt: skip
    await again(world)
    assert await rows(world, _PARTS) == kept
    # The one that holds keeps its number.
    [held] = (await planner.read(dependencies))["items"]
    assert held["id"] == dependency["id"]
    told = await world.rows("select part_id from task_part_history where kind = 'dependency' order by occurred_at desc")
    assert told[0]["part_id"] == UUID(dependency["id"])
    await planner.delete(f"{dependencies}/{dependency['id']}", **EVERY)


async def test_obstacles_are_worked_out_but_for_their_clocks(world: World) -> None:
    plan = await world.plan()
    obstacle, path = await raised(world, plan)
    raiser, lead = world.specialist("ubnd-kinhmon"), world.person("ubnd-dongtrieu")
    accepted(await raiser.change(path, {"text": "Hồ sơ chưa khớp, cần đo lại (minh họa)."}), 200)
    obstacle = await planned(world, path, due_on=in_working_days(3))
    headers = {"If-Match": (await lead.get(path)).headers["etag"]}
    measure = f"{path}/measures/{obstacle['measures'][0]['id']}"
    accepted(await lead.patch(measure, {"done": True, "remark": "Đã đo"}, **headers), 200)
    await lead.step(path, "resolve", {"resolution": "Đã thống nhất"})
    await lead.step(path, "reopen", {"reason": "Lại phát sinh"})
    await lead.step(path, "escalate", {"reason": "Vượt thẩm quyền"})
    kept = await rows(world, _LOGS)
    assert len(kept) == 7
    await again(world)
    for before, after in zip(kept, await rows(world, _LOGS), strict=True):
        assert _without_clocks(after["state"]) == _without_clocks(before["state"]), before["action"]


async def test_it_is_not_taken_back_once_a_report_names_evidence(world: World) -> None:
    path = await world.under_way()
    worker = world.specialist("ubnd-dongtrieu")
    document = await attached(worker, ("task", path.rsplit("/", 1)[1]))
    await worker.step(path, "reports", REPORT | {"evidence_ids": [document["id"]]})
    with pytest.raises(RuntimeError, match="cannot be taken back"):
        await asyncio.to_thread(downgrade, "agreements_api", world.address.owner_url, BEFORE)


def _without_clocks(state: str) -> Json:
    told: Json = orjson.loads(state)
    # At the level of localities a read asks the task who leads it.
    unkept = {
        "respond_by",
        "due_on",
        *(("organization_id", "organization_name") if told["level"] == "locality" else ()),
    }
    measures = [{name: one[name] for name in one if name != "overdue"} for one in told["measures"]]
    return {name: value for name, value in told.items() if name not in unkept} | {"measures": measures}
