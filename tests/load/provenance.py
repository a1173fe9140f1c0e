"""The chain of an agreement of 500 tasks, read by one caller, beside the same statement on bare asyncpg."""

import asyncio
from statistics import median
from time import perf_counter
from typing import Any

import asyncpg

from agreements_api.provenance.repository import CHAIN
from lienvung.postgres import DatabaseAddress
from shared import clock
from shared.auth import Actor
from tests.load.client import Load, request, run_load
from tests.load.dataset import Size, fill_agreements, synthetic_id
from tests.load.reads import product, set_up_for
from tests.load.rounds import alternate
from tests.load.stack import Bench
from tests.load.table import Row, milliseconds

TASKS = 500
SIZE = Size(organizations=50, agreements=40, tasks=40 * TASKS)
ROUNDS = 5
SECONDS, WARM_UP = 1.0, 0.2
REPEATED = 50
WITHIN = 0.05

# Synthetic like the rest: clauses that the tasks fulfil, points that nobody has carried, an agreement above and below.
_CHAIN = (
    "alter table agreement_clause disable trigger user",
    """
    insert into agreement_clause (id, agreement_id, ordinal, text)
    select md5('clause-' || a.id || c)::uuid, a.id, c, 'Nội dung phối hợp thử tải ' || c || repeat(' thử', 40)
    from agreement a, generate_series(1, 25) c
    """,
    "alter table agreement_clause enable trigger user",
    """
    update task t set clause_id = md5('clause-' || t.agreement_id || n % 25 + 1)::uuid,
        last_report = case when n % 3 > 0 then jsonb_build_object('period_start', '2024-10-15',
            'period_end', '2024-11-14', 'percent', t.percent, 'narrative', repeat('Kết quả thử tải. ', 20),
            'difficulties', null, 'reported_at', t.updated_at) end
    from (select id, row_number() over (partition by agreement_id order by id) as n from task) k where k.id = t.id
    """,
    """
    insert into open_point (id, agreement_id, kind, text, raised_by, raised_on, created_at, updated_at)
    select gen_random_uuid(), a.id, 'shortcoming', 'Tồn tại thử tải ' || p, 'Đánh giá thử tải', '2024-12-01',
        lienvung_now(), lienvung_now()
    from agreement a, generate_series(1, 20) p
    """,
    """
    update agreement a set parent_agreement_id = above.id
    from (select id, lead(id) over (order by id) as below from agreement) above where above.below = a.id
    """,
    "analyze",
)


async def measure(bench: Bench) -> list[Row]:
    """One row: the median time of the read through the product, and what is wanted of it."""
    database = await asyncio.to_thread(bench.parts.create, "agreements", "bench_provenance")
    await fill_agreements(database.owner_url, SIZE)
    await _link(database)
    actor, agreement = bench.actor(), synthetic_id("agreement", 0)
    asked = request("GET", f"/v1/agreements/{agreement}/provenance", {"Authorization": f"Bearer {bench.token(actor)}"})
    async with product(bench, database) as (address, _):

        async def ours() -> float:
            return median((await run_load(Load(address, [[asked]], SECONDS, WARM_UP), core=bench.other_core)).latencies)

        async def bare() -> float:
            return await _bare(database, actor, (actor.organization_id, agreement, clock.today()))

        reached = await alternate(ROUNDS, {"product": ours, "bare": bare})
    figure, limit = median(reached["product"]), median(reached["bare"])
    return [
        Row(
            f"provenance of an agreement of {TASKS} tasks, median",
            milliseconds(figure),
            f"bare asyncpg {milliseconds(limit)}",
            f"{figure / limit:.2f} ×",
            f"≤ {milliseconds(WITHIN)}",
            figure <= WITHIN,
        )
    ]


async def _link(database: DatabaseAddress) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        for statement in _CHAIN:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _bare(database: DatabaseAddress, actor: Actor, values: tuple[Any, ...]) -> float:
    """The median time of the statement alone, under row-level security as the product's caller."""
    connection = await asyncpg.connect(database.url)
    try:
        statement, context = set_up_for(actor)
        await connection.execute(statement, *context)
        times = []
        for _ in range(REPEATED):
            started = perf_counter()
            await connection.fetchval(CHAIN, *values)
            times.append(perf_counter() - started)
        return median(times)
    finally:
        await connection.close()
