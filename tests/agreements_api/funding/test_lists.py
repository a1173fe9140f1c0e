"""The list of funding gates: what closes first comes first, as the pure rule says it."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from agreements_api.funding import repository
from agreements_api.funding.gates import gate, soon_from
from agreements_api.funding.models import FundingStatus
from shared import clock
from tests.agreements_api.agreements.test_signing_time import days_later
from tests.agreements_api.agreements.world import Json, World, problem
from tests.agreements_api.funding.money import CLOSED, OPEN, funded


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tasks(world: World, plan: Json) -> dict[tuple[str, str], str]:
    """One task for each period and status, by the two."""
    made = {}
    for period in (OPEN, CLOSED):
        for status in FundingStatus:
            task = await world.task(plan, title=f"{period} {status} (minh họa)")
            await funded(world, task, plan_period=period, status=status)
            made[period, status.value] = task["id"]
    over = await world.task(plan)
    await funded(world, over)
    await world.person("dongtrieu").step(f"/v1/tasks/{over['id']}", "cancel", {"reason": "Thôi (minh họa)"})
    await world.task(plan)
    return made


async def listed(world: World, **query: Any) -> list[Json]:
    items: list[Json] = (await world.person("lucnam").read("/v1/funding-gates", **query))["items"]
    return items


async def test_what_waits_is_listed_with_what_was_missed_first(
    world: World, plan: Json, tasks: dict[tuple[str, str], str]
) -> None:
    items = await listed(world)
    assert [(one["plan_period"], one["gate"]) for one in items] == [(CLOSED, "missed")] * 2 + [(OPEN, "open")] * 2
    assert {one["task_id"] for one in items} == {
        tasks[period, status] for period in (OPEN, CLOSED) for status in ("none", "proposed")
    }
    first = items[0]
    assert (first["lead"], first["agreement_title"]) == ("UBND thị xã Đông Triều", plan["title"])
    assert first["closes_on"] == "2025-12-31"
    assert "đã kết thúc ngày 31/12/2025" in first["message"]
    english = await world.person("lucnam").get("/v1/funding-gates", headers={"Accept-Language": "en"})
    assert "closed on 2025-12-31 without the task" in english.json()["items"][0]["message"]


async def test_it_is_narrowed_by_state_period_days_and_agreement(
    world: World, plan: Json, tasks: dict[tuple[str, str], str]
) -> None:
    assert [one["status"] for one in await listed(world, state="funded", plan_period=OPEN)] == ["in_plan", "allocated"]
    assert {one["plan_period"] for one in await listed(world, within=0)} == {CLOSED}
    assert len(await listed(world, within=3660)) == 4
    assert len(await listed(world, state=["missed", "funded"])) == 6
    assert len(await listed(world, agreement_id=plan["id"])) == 4
    assert await listed(world, agreement_id=tasks[OPEN, "none"]) == []
    for query, pointer in (
        ({"within": -1}, "/query/within"),
        ({"state": "lost"}, "/query/state/0"),
        ({"plan_period": "x"}, "/query/plan_period"),
    ):
        refused = problem(await world.person("lucnam").get("/v1/funding-gates", **query), 422)
        assert [one["pointer"] for one in refused["errors"]] == [pointer]


async def test_it_is_read_page_by_page(world: World, tasks: dict[tuple[str, str], str]) -> None:
    reader, found, cursor = world.person("lucnam"), [], None
    while True:
        page = await reader.read("/v1/funding-gates", limit=1, **({"cursor": cursor} if cursor else {}))
        found += [one["task_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [one["task_id"] for one in await listed(world)]
    problem(await reader.get("/v1/funding-gates", cursor="x"), 400, "invalid_cursor")


async def test_others_see_nothing_of_it(world: World, tasks: dict[tuple[str, str], str]) -> None:
    assert (await world.person("elsewhere").read("/v1/funding-gates"))["items"] == []
    problem(await world.client("lucnam", "agreements:read").get("/v1/funding-gates"), 403)
    assert len((await world.client("lucnam", "tasks:read").read("/v1/funding-gates"))["items"]) == 4


@pytest.mark.parametrize("days", [0, 1300, 1320, 1498, 1499, 4000])
async def test_the_list_says_of_each_task_what_the_rule_says(
    world: World, tasks: dict[tuple[str, str], str], days: int
) -> None:
    """On days before and after each border of the second period."""
    async with days_later(world, days):
        items = await listed(world, state=["open", "closing_soon", "missed", "funded"])
        assert len(items) == len(tasks)
        for one in items:
            closes_on = date.fromisoformat(one["closes_on"])
            expected = gate(
                one["status"], closes_on, one["task_status"], today=clock.today(), needs_public_investment=True
            )
            assert one["gate"] == expected
            alone = await world.person("lucnam").read(f"/v1/tasks/{one['task_id']}/funding")
            assert (alone["gate"], alone["message"]) == (one["gate"], one["message"])


async def test_within_counts_days_from_today(world: World, tasks: dict[tuple[str, str], str]) -> None:
    left = (date.fromisoformat("2030-12-31") - clock.today()) // timedelta(days=1)
    assert {one["plan_period"] for one in await listed(world, within=left)} == {OPEN, CLOSED}
    assert {one["plan_period"] for one in await listed(world, within=left - 1)} == {CLOSED}


_MANY = """
with made as (
    insert into task (id, version, agreement_id, title, folded, status, percent, parties, lead_organization_id,
        submission, demonstration, created_at, updated_at)
    select gen_random_uuid(), 1, $1, 'x', 'x', 'in_progress', 0, t.parties, t.lead_organization_id, 0, true, now(),
        now()
    from task t, generate_series(1, 20000) where t.id = $2 returning id
)
insert into task_funding (task_id, agreement_id, version, needs_public_investment, plan_period, closes_on, status, told,
    updated_at)
select m.id, $1, 1, true, p.id, p.last_on, s.status, p.last_on < '2026-01-01', now()
from (select id, row_number() over () as nth from made) m
    join (values (0, 'in_plan'), (1, 'allocated'), (2, 'none')) as s(kind, status) on s.kind = m.nth % 3
    join plan_period p on (p.id = '2021-2025') = (m.nth % 2 = 0)
"""


async def test_an_index_serves_the_list_and_the_search_for_what_was_missed(world: World) -> None:
    crowded, quiet = await world.plan(), await world.plan()
    task = await world.task(crowded)
    await funded(world, await world.task(quiet))
    await world.rows(_MANY, UUID(crowded["id"]), UUID(task["id"]))
    for table in ("task", "task_funding", "task_funding_miss", "agreement", "agreement_access"):
        await world.rows(f"analyze {table}")
    today = clock.today()
    values = (None, today, soon_from(today), ["open", "closing_soon", "missed"], None, None, None, None, 51)
    lists = await explain(world, repository.GATES, world.organizations["lucnam"].id, *values)
    assert "Seq Scan on task_funding" not in lists
    assert "task_funding_closing" in lists or "task_funding_of" in lists
    missed = await explain(world, repository.HOLD_MISSED, today, 50, system=True)
    assert "task_funding_untold" in missed
    assert "Seq Scan on task_funding" not in missed


async def explain(world: World, statement: str, *values: Any, system: bool = False) -> str:
    connection = await asyncpg.connect(world.address.url)
    try:
        setting, value = ("system", "on") if system else ("organization_id", world.id("lucnam"))
        await connection.execute(f"select set_config('lienvung.{setting}', $1, false)", value)
        return "\n".join(row[0] for row in await connection.fetch(f"explain (costs off) {statement}", *values))
    finally:
        await connection.close()
