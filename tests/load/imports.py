"""A workbook of 2,000 tasks from the dry run to the last one written, beside the same rows by bare inserts."""

import asyncio
import io
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg
from openpyxl import Workbook

from agreements_api.config import Settings
from agreements_api.imports import service
from agreements_api.imports.jobs import make_reader, work_next
from agreements_api.imports.schemas import ImportCreate
from agreements_api.tasks.models import TaskStatus
from lienvung.postgres import DatabaseAddress
from shared.auth import Actor
from shared.db import Database
from shared.settings import Environment
from tests.load.dataset import Size, fill_agreements, synthetic_id
from tests.load.stack import Bench
from tests.load.table import Row

TASKS = 2_000
SIZE = Size(organizations=50, agreements=40, tasks=400)
WITHIN = 30.0
PAUSE = 0.05
# All that is kept of a task, and nothing of what the product does for it: no check, no history, no event.
_BARE = """
insert into task (id, agreement_id, title, folded, status, lead_organization_id, parties, demonstration, created_at,
                  updated_at)
select gen_random_uuid(), $1, 'Việc thử tải ' || n, 'viec thu tai ' || n, $2, $3, '{}', true, now(), now()
from generate_series(1, $4::int) n
"""


async def measure(bench: Bench) -> list[Row]:
    """Reading and checking, then reading, checking and writing; what was seen of its progress meanwhile."""
    address = await asyncio.to_thread(bench.parts.create, "agreements", "bench_imports")
    await fill_agreements(address.owner_url, SIZE)
    settings = Settings(database_url=address.url, environment=Environment.TEST, jwks_path=bench.jwks)
    database = Database(settings)
    await database.start()
    try:
        names = await _names(address)
        content = workbook(names)
        actor, agreement = bench.actor(), synthetic_id("agreement", 0)
        checking, _ = await _carry_out(settings, database, actor, agreement, content, dry_run=True)
        writing, seen = await _carry_out(settings, database, actor, agreement, content, dry_run=False)
        bare = await _bare(address, agreement)
    finally:
        await database.stop()
    return [
        Row(f"import of {TASKS:,} tasks, dry run", f"{checking:.1f} s", "", f"{TASKS / checking:,.0f} rows/s"),
        Row(
            f"import of {TASKS:,} tasks, all written",
            f"{writing:.1f} s",
            f"bare insert {bare:.2f} s",
            f"progress seen {seen} times",
            f"≤ {WITHIN:.0f} s",
            writing <= WITHIN and seen > 2,
        ),
    ]


def workbook(names: list[str]) -> bytes:
    """A file as people keep it, its organisations taken in turn."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Nhiệm vụ")
    sheet.append(["STT", "Nội dung nhiệm vụ", "Đơn vị chủ trì", "Đơn vị phối hợp", "Thời hạn", "Sản phẩm"])
    for at in range(TASKS):
        lead, first, second = (names[(at + step) % len(names)] for step in range(3))
        sheet.append([at + 1, f"Việc thử tải {at + 1}", lead, f"{first}; {second}", "31/12/2027", "Báo cáo thử tải"])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


async def _carry_out(
    settings: Settings, database: Database, actor: Actor, agreement: UUID, content: bytes, *, dry_run: bool
) -> tuple[float, int]:
    """How long it takes from the request to the end, and in how many states others saw it."""
    wanted = ImportCreate.model_validate({"kind": "tasks", "agreement_id": agreement, "dry_run": dry_run})
    begun = perf_counter()
    async with database.write(actor) as connection:
        job = await service.request(connection, actor, wanted, file_name="thu-tai.xlsx", content=content)
    watching = asyncio.create_task(_watch(database, actor, job["id"]))
    if not await work_next(settings, database, make_reader(settings)):
        raise RuntimeError("the import was not taken")
    seconds = perf_counter() - begun
    watching.cancel()
    async with database.read(actor) as connection:
        ended = await service.read(connection, actor, job["id"])
    wanted_status = "checked" if dry_run else "completed"
    if ended["status"] != wanted_status or ended["rows_checked"] != TASKS:
        raise RuntimeError(f"the import ended as {ended['status']}: {ended['refusal']}")
    return seconds, len(_SEEN.pop(job["id"], ()))


_SEEN: dict[UUID, set[tuple[int, int, int]]] = {}


async def _watch(database: Database, actor: Actor, import_id: UUID) -> None:
    while True:
        async with database.read(actor) as connection:
            row = await service.read(connection, actor, import_id)
        _SEEN.setdefault(import_id, set()).add((row["rows_read"], row["rows_checked"], row["rows_written"]))
        await asyncio.sleep(PAUSE)


async def _names(address: DatabaseAddress) -> list[str]:
    connection = await asyncpg.connect(address.owner_url)
    try:
        rows = await connection.fetch("select name from organization group by name having count(*) = 1 order by name")
        return [row["name"] for row in rows]
    finally:
        await connection.close()


async def _bare(address: DatabaseAddress, agreement: UUID) -> float:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(address.owner_url)
    lead = synthetic_id("organization", 0)
    try:
        begun = perf_counter()
        await connection.execute(_BARE, agreement, TaskStatus.NOT_STARTED.value, lead, TASKS)
        return perf_counter() - begun
    finally:
        await connection.close()
