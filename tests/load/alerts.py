"""Due steps through the real scheduler into people's lists, beside one statement a batch that writes the same rows."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

import asyncpg

from lienvung.postgres import DatabaseAddress
from tests.load.dataset import fill_alerts
from tests.load.processes import run_apart
from tests.load.stack import Bench
from tests.load.table import Row, per_second

STEPS = 8_000
BATCH = 500
WANTED = 2_000
LONGEST = 90.0

# What a batch comes to: its steps are done, each specialist has an alert, and each alert a mail that waits.
_AT_ONCE = """
with due as materialized (
    select * from alert_step where state = 'planned' and ready_at <= lienvung_now()
    order by ready_at limit $1 for update skip locked
), done as (
    update alert_step s set state = 'dispatched', done_at = lienvung_now(), recipients = 2 from due where s.id = due.id
), told as (
    insert into alert (step_id, task_id, deadline_revision, policy, step, kind, channel, recipient_id,
                       organization_id, party_organization_id, party_role, agreement_id, agreement_title, task_title,
                       due_on, demonstration, fired_at)
    select s.id, s.task_id, s.revision, s.policy, s.step, s.kind, 'in_app', p.account_id, p.organization_id,
           s.organization_id, d.role, t.agreement_id, t.agreement_title, t.title, d.due_on, true, lienvung_now()
    from due s
    join task t on t.id = s.task_id
    join deadline d on d.task_id = s.task_id and d.organization_id = s.organization_id
    join person p on p.organization_id = s.organization_id and p.active and 'specialist' = any(p.roles)
    returning id, organization_id, recipient_id
)
insert into delivery (alert_id, channel, organization_id, recipient_id)
select id, 'email', organization_id, recipient_id from told
"""


async def measure(bench: Bench) -> list[Row]:
    """Alerts a second; each step goes to the two specialists of its organisation, with a mail queued for each."""
    limit = await run_apart(_bare, (await _prepared(bench, "bench_alerts_bare")).url)
    database = await _prepared(bench, "bench_alerts")
    async with bench.service("notifier", database, "schedule"):
        figure = await _rate(database)
    return [
        Row(
            "alerts dispatched into the in-app list, with mails queued and events published",
            per_second(figure),
            f"bare asyncpg, same rows without rules and events {per_second(limit)}",
            f"{figure / limit:.2f} ×",
            f"≥ {WANTED:,}/s",
            figure >= WANTED,
        )
    ]


async def _prepared(bench: Bench, name: str) -> DatabaseAddress:
    database = await asyncio.to_thread(bench.parts.create, "notifier", name)
    await fill_alerts(database.owner_url, steps=STEPS)
    await bench.settle()
    return database


async def _rate(database: DatabaseAddress) -> float:
    connection = await asyncpg.connect(database.owner_url)
    try:
        until = perf_counter() + LONGEST
        while not (before := await _count(connection)):
            _check(until)
            await asyncio.sleep(0.02)
        begun = perf_counter()
        while await connection.fetchval("select exists (select from alert_step where state = 'planned')"):
            _check(until)
            await asyncio.sleep(0.05)
        return (await _count(connection) - before) / (perf_counter() - begun)
    finally:
        await connection.close()


def _check(until: float) -> None:
    if perf_counter() > until:
        raise RuntimeError(f"the steps were not dispatched within {LONGEST:.0f} s")


async def _count(connection: asyncpg.Connection[Any]) -> int:
    return int(await connection.fetchval("select count(*) from alert"))


async def _bare(url: str) -> float:
    connection = await asyncpg.connect(url)
    await connection.execute("select set_config('lienvung.system', 'on', false)")
    begun = perf_counter()
    while await connection.execute(_AT_ONCE, BATCH) != "INSERT 0 0":
        pass
    rate = await _count(connection) / (perf_counter() - begun)
    await connection.close()
    return rate
