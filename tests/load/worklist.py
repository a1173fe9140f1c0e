"""Worklists on the whole country, and the list of 50 tasks beside them: what a frontend shows first."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg

from shared.auth import Actor
from shared.ids import new_id
from tests.load.country import COUNTRY
from tests.load.open_work import fill_open_work, great_province
from tests.load.scale import a_commune, filled, median_of, served
from tests.load.stack import Bench
from tests.load.table import Row, milliseconds

ROUNDS = 5
WITHIN = 0.020
READS = {
    "worklist of a person": "/v1/my-work?limit=50",
    "worklist of an organisation": "/v1/my-work?limit=50&scope=organization",
}
LIST = {"list of 50 tasks on country-size data": "/v1/tasks?limit=50"}


@dataclass(frozen=True)
class Viewer:
    """Somebody who leads an organisation, and how much waits for it."""

    name: str
    token: str
    waiting: int


async def measure(bench: Bench) -> list[Row]:
    """The median of each read, for a commune and for a province for which thousands of steps wait."""
    country = await filled(bench, COUNTRY, "bench_worklist", history=False)
    connection: asyncpg.Connection[Any] = await asyncpg.connect(country.database.owner_url)
    try:
        commune = await a_commune(connection)
        await fill_open_work(connection, commune["id"])
        viewers = [
            await _viewer(bench, connection, "a commune", commune),
            await _viewer(bench, connection, "a great province", await great_province(connection)),
        ]
    finally:
        await connection.close()
    await bench.settle()
    async with served(bench, country, "worklist") as address:
        return [
            await _measured(bench, address, viewer, name, path, within=within)
            for reads, within in ((READS, WITHIN), (LIST, None))
            for viewer in viewers
            for name, path in reads.items()
        ]


async def _viewer(bench: Bench, connection: asyncpg.Connection[Any], name: str, organization: asyncpg.Record) -> Viewer:
    waiting = await connection.fetchval("select count(*) from open_work where organization_id = $1", organization["id"])
    account = await connection.fetchval(
        "select id from account where organization_id = $1 and 'leader' = any(roles)", organization["id"]
    )
    return Viewer(name, bench.token(_actor(account, organization["id"], organization["unit_id"])), waiting)


def _actor(account: UUID, organization: UUID, unit: UUID) -> Actor:
    return Actor(
        id=account,
        kind="user",
        name="Người thử tải",
        organization_id=organization,
        roles=frozenset({"specialist", "leader"}),
        unit_id=unit,
        session_id=new_id(),
    )


async def _measured(bench: Bench, address: str, viewer: Viewer, name: str, path: str, *, within: float | None) -> Row:
    figure = median([await median_of(bench, address, viewer.token, path) for _ in range(ROUNDS)])
    return Row(
        f"{name}, {viewer.name}",
        milliseconds(figure),
        f"{viewer.waiting:,} steps wait for it" if within is not None else "",
        wanted="" if within is None else f"≤ {milliseconds(within)}",
        met=None if within is None else figure <= within,
    )
