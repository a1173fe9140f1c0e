"""How fast the consumers of the other services apply what lies on Kafka; the design sets no limit."""

import asyncio
from time import perf_counter

import asyncpg

from lienvung.postgres import DatabaseAddress
from tests.load.stack import Bench
from tests.load.table import Row, per_second

SECONDS = 5.0
LONGEST_START = 60.0

_APPLIED = "select consumer_group, sum(next_offset)::bigint as applied from inbox_offset group by 1"


async def measure(bench: Bench, service: str, events: int) -> list[Row]:
    """Events a second of each consumer group, from its first batch on."""
    database = await asyncio.to_thread(bench.parts.create, service, f"bench_{service}_consume")
    async with bench.service(service, database, "consume"):
        rates = await _rates(database)
    return [
        Row(f"{service}: {group} applies task events", per_second(rate), f"{events:,} on Kafka")
        for group, rate in rates.items()
    ]


async def _rates(database: DatabaseAddress) -> dict[str, float]:
    connection = await asyncpg.connect(database.owner_url)
    try:
        first = await _first(connection)
        begun = perf_counter()
        await asyncio.sleep(SECONDS)
        last = await _applied(connection)
        return {group: (last[group] - applied) / (perf_counter() - begun) for group, applied in first.items()}
    finally:
        await connection.close()


async def _first(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, int]:
    until = perf_counter() + LONGEST_START
    while not (applied := await _applied(connection)) or not all(applied.values()):
        if perf_counter() > until:
            raise RuntimeError("no event was applied")
        await asyncio.sleep(0.02)
    return applied


async def _applied(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, int]:
    return {row["consumer_group"]: row["applied"] for row in await connection.fetch(_APPLIED)}
