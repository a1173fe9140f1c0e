"""Every kind of read on the whole country beside the same read on one province: what grows must not be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.config import Settings
from agreements_api.localities.loader import load_units
from lienvung.postgres import DatabaseAddress
from shared.auth import Actor
from shared.db import Database
from shared.ids import new_id
from tests.load.client import Load, request, run_load
from tests.load.country import COUNTRY, PROVINCE, Scale, fill
from tests.load.stack import Bench
from tests.load.table import Row

SECONDS, WARM_UP = 0.4, 0.1
# For what is so slow that it has not come to a median by then.
SLOW_SECONDS, ENOUGH = 10.0, 5
ROUNDS = 3
WANTED = 2.0
GENERATED_WITHIN = 300.0

# {agreement} and {task} are of the caller's, {unit} is his own; the instants lie where both had some of their changes.
READS = {
    "one agreement": "/v1/agreements/{agreement}",
    "one agreement: clauses": "/v1/agreements/{agreement}/clauses",
    "one agreement: parties": "/v1/agreements/{agreement}/parties",
    "one agreement: history": "/v1/agreements/{agreement}/history",
    "one agreement: as of an instant": "/v1/agreements/{agreement}?as_of={instant}",
    "one agreement: difference": "/v1/agreements/{agreement}/difference?from={instant}&to={later}",
    "one agreement: provenance": "/v1/agreements/{agreement}/provenance",
    "one agreement: who answers": "/v1/agreements/{agreement}/responsible",
    "one agreement: texts": "/v1/agreements/{agreement}/texts",
    "one agreement: signatures": "/v1/agreements/{agreement}/signatures",
    "one agreement: successions": "/v1/agreements/{agreement}/successions",
    "one agreement: open points": "/v1/agreements/{agreement}/open-points",
    "agreements, as of an instant": "/v1/agreements?limit=50&sort=created_at&as_of={instant}",
    "tasks of an agreement, as of an instant": "/v1/tasks?limit=50&agreement_id={agreement}&as_of={instant}",
    "agreements, latest first": "/v1/agreements?limit=50",
    "agreements, by creation": "/v1/agreements?limit=50&sort=created_at",
    "agreements, in force": "/v1/agreements?limit=50&status=in_force",
    "agreements, by words": "/v1/agreements?limit=50&q=phoi+hop",
    "agreements, by rare words": "/v1/agreements?limit=50&q={number}",
    "agreements, of a locality": "/v1/agreements?limit=50&locality={unit}",
    "one task": "/v1/tasks/{task}",
    "one task: as of an instant": "/v1/tasks/{task}?as_of={later}",
    "one task: reports": "/v1/tasks/{task}/reports",
    "one task: history": "/v1/tasks/{task}/history",
    "tasks, by deadline": "/v1/tasks?limit=50&sort=due_on",
    "tasks, latest first": "/v1/tasks?limit=50&sort=-updated_at",
    "tasks of an agreement": "/v1/tasks?limit=50&agreement_id={agreement}",
    "tasks, overdue": "/v1/tasks?limit=50&timeliness=overdue",
    "tasks, in progress": "/v1/tasks?limit=50&status=in_progress",
    "tasks that we lead": "/v1/tasks?limit=50&relation=lead",
    "tasks, by words": "/v1/tasks?limit=50&q=ra+soat",
    "tasks, by rare words": "/v1/tasks?limit=50&q={task_words}",
    "successions to decide": "/v1/successions/worklist?limit=50",
    "public: agreements": "/v1/public/agreements?limit=50",
    "public: agreements, changed since": "/v1/public/agreements?limit=50&sort=modified_at&modified_since={moment}",
    "public: agreements, of a locality": "/v1/public/agreements?limit=50&locality={unit}",
    "public: agreements, by rare words": "/v1/public/agreements?limit=50&q={public_number}",
    "public: one agreement": "/v1/public/agreements/{public}",
    "public: tasks of an agreement": "/v1/public/agreements/{public}/tasks",
    "units, by words": "/v1/units?limit=50&q=dong+trieu",
    "organisations": "/v1/organizations?limit=50",
    "organisations, by words": "/v1/organizations?limit=50&q=tong+hop",
}


@dataclass(frozen=True)
class Viewer:
    """Somebody of an organisation, and the requests that he makes."""

    name: str
    token: str
    paths: dict[str, str]


async def measure(bench: Bench) -> list[Row]:
    """The time to generate, and for each read the median on the country beside that on the province."""
    province = await filled(bench, PROVINCE, "bench_province")
    country = await filled(bench, COUNTRY, "bench_country")
    rows = [
        Row(
            f"generate {COUNTRY.agreements:,} agreements, {COUNTRY.tasks:,} tasks and their history",
            f"{country.seconds:.0f} s",
            wanted=f"≤ {GENERATED_WITHIN:.0f} s",
            met=country.seconds <= GENERATED_WITHIN,
        )
    ]
    await bench.settle()
    async with served(bench, province, "province") as small, served(bench, country, "country") as large:
        for one, other in zip(await _viewers(bench, province), await _viewers(bench, country), strict=True):
            rows += [await _compared(bench, name, (small, one), (large, other)) for name in READS]
    return rows


@dataclass(frozen=True)
class Filled:
    database: DatabaseAddress
    seconds: float


async def filled(bench: Bench, scale: Scale, name: str, *, history: bool = True) -> Filled:
    """A new database of this name with the units and so many synthetic records."""
    database = await asyncio.to_thread(bench.parts.create, "agreements", name)
    settings = Settings(
        database_url=database.url,
        environment="test",
        jwks_path=bench.jwks,
        public_url="http://lienvung.test",
        keys_dir=bench.keys,
    )
    units = Database(settings)
    await units.start()
    try:
        await load_units(units)
    finally:
        await units.stop()
    return Filled(database, await fill(database.owner_url, scale, history=history))


@asynccontextmanager
async def served(bench: Bench, filled: Filled, name: str) -> AsyncIterator[str]:
    """The address of one worker on the bench's core that serves this database."""
    socket = bench.sockets / f"{name}.sock"
    async with bench.service("agreements", filled.database, "serve", "--uds", str(socket), core=bench.core) as running:
        yield await bench.listening(socket, running)


_OF_A_COMMUNE = """
select o.id, o.unit_id from organization o join unit u on u.id = o.unit_id and u.level = 'commune'
join agreement_access a on a.organization_id = o.id group by o.id order by count(*) desc, o.id offset 20 limit 1
"""
_OF_A_PROVINCE = """
select o.id, o.unit_id from organization o join unit u on u.id = o.unit_id and u.level = 'province'
join agreement_access a on a.organization_id = o.id group by o.id
order by abs(count(*) - 620), o.id limit 1
"""
# So many were changed since: some pages in either database.
CHANGED = 200
_EXAMPLE = """
select a.id as agreement, a.number, a.updated_at as since, t.id as task, t.folded as words,
    (select p.agreement_id from publication p order by p.agreement_id limit 1) as public,
    (select p.modified_at from publication p order by p.modified_at desc offset $2 limit 1) as moment
from agreement_access x join agreement a on a.id = x.agreement_id join task t on t.agreement_id = a.id
where x.organization_id = $1 order by a.id, t.id limit 1
"""


async def a_commune(connection: asyncpg.Connection[Any]) -> asyncpg.Record:
    """One with about as many agreements as others."""
    found: asyncpg.Record | None = await connection.fetchrow(_OF_A_COMMUNE)
    assert found is not None
    return found


async def _viewers(bench: Bench, filled: Filled) -> list[Viewer]:
    """One of a commune and one of a province, each with about as many agreements as in the other database."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(filled.database.owner_url)
    try:
        viewers = []
        for name, statement in (("commune", _OF_A_COMMUNE), ("province", _OF_A_PROVINCE)):
            organization = await connection.fetchrow(statement)
            assert organization is not None
            example = await connection.fetchrow(_EXAMPLE, organization["id"], CHANGED)
            assert example is not None
            words = example["words"].split(":")[0].replace(" ", "+")
            paths = {
                read: path.format(
                    agreement=example["agreement"],
                    task=example["task"],
                    unit=organization["unit_id"],
                    number=example["number"],
                    public=example["public"],
                    # Nobody else has this one; `q` goes by the number as well.
                    public_number="so+348:",
                    moment=_instant(example["moment"]),
                    task_words=words,
                    instant=_instant(example["since"] + timedelta(days=40)),
                    later=_instant(example["since"] + timedelta(days=100)),
                )
                for read, path in READS.items()
            }
            viewers.append(Viewer(name, bench.token(_actor(organization["id"], organization["unit_id"])), paths))
        return viewers
    finally:
        await connection.close()


def _instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _actor(organization: UUID, unit: UUID) -> Actor:
    return Actor(
        id=new_id(),
        kind="user",
        name="Người thử tải",
        organization_id=organization,
        roles=frozenset({"specialist", "leader"}),
        unit_id=unit,
        session_id=new_id(),
    )


async def _compared(bench: Bench, name: str, small: tuple[str, Viewer], large: tuple[str, Viewer]) -> Row:
    on_small: list[float] = []
    on_large: list[float] = []
    for number in range(ROUNDS):
        for (address, viewer), found in ((small, on_small), (large, on_large))[:: 1 if number % 2 else -1]:
            found.append(await median_of(bench, address, viewer.token, viewer.paths[name]))
    ratio = round(median(on_large) / median(on_small), 2)
    return Row(
        f"{small[1].name}: {name}",
        f"{median(on_large) * 1000:.2f} ms",
        f"one province of {PROVINCE.tasks:,} tasks {median(on_small) * 1000:.2f} ms",
        f"{ratio:.2f} ×",
        f"≤ {WANTED:g} ×",
        ratio <= WANTED,
    )


async def median_of(bench: Bench, address: str, token: str, path: str) -> float:
    """The median latency of one caller who asks again as soon as he has the answer, in seconds."""
    asked = [request("GET", path, {"Authorization": f"Bearer {token}"})]
    for seconds in (SECONDS, SLOW_SECONDS):
        measured = await run_load(Load(address, [asked], seconds, WARM_UP), core=bench.other_core)
        if len(measured.latencies) >= ENOUGH:
            return median(measured.latencies)
    raise RuntimeError(f"{path} was not answered {ENOUGH} times within {SLOW_SECONDS} s")
