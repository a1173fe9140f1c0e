"""The limit below every service: asyncpg sending the same statements and nothing else, as a process of its own."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import asyncpg

from tests.load.processes import run_apart

Statement = tuple[str, Sequence[Any]]


@dataclass(frozen=True)
class Loop:
    """Each connection works through its own units; a unit is a read, or all statements of one transaction."""

    url: str
    set_up: Statement
    units: Sequence[Sequence[Sequence[Statement]]]
    seconds: float
    warm_up: float
    # What begins each unit's transaction, in one round trip; none: the unit runs without one.
    begin: str | None = None


async def run_loop(loop: Loop, *, core: int | None = None) -> float:
    """Units a second."""
    rate: float = await run_apart(_work, loop, core=core)
    return rate


async def _work(loop: Loop) -> float:
    connections = [await asyncpg.connect(loop.url) for _ in loop.units]
    for connection in connections:
        await connection.execute(loop.set_up[0], *loop.set_up[1])
    started = perf_counter()
    begins, ends = started + loop.warm_up, started + loop.warm_up + loop.seconds
    counts = await asyncio.gather(
        *(
            _repeat(connection, mine, loop.begin, begins, ends)
            for connection, mine in zip(connections, loop.units, strict=True)
        )
    )
    for connection in connections:
        connection.terminate()
    return sum(counts) / loop.seconds


async def _repeat(
    connection: "asyncpg.Connection[asyncpg.Record]",
    units: Sequence[Sequence[Statement]],
    begin: str | None,
    begins: float,
    ends: float,
) -> int:
    done = 0
    while True:
        for unit in units:
            if begin is not None:
                await connection.execute(begin)
            for statement, arguments in unit:
                await connection.fetch(statement, *arguments)
            if begin is not None:
                await connection.execute("commit")
            now = perf_counter()
            if now >= ends:
                return done
            if now >= begins:
                done += 1
        if begin is not None:
            raise RuntimeError("the writes were used up before the time was over")
