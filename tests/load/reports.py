"""The evaluation of an agreement of 500 tasks as PDF, beside reading its rows and nothing else."""

from __future__ import annotations

import asyncio
from statistics import median
from time import perf_counter
from typing import Any

import asyncpg

from lienvung.postgres import DatabaseAddress
from reporting.config import Settings
from reporting.indicators import service as indicators
from reporting.indicators.links import Cell, Scope
from reporting.reports import service
from reporting.reports.facts import Layout
from reporting.reports.jobs import make_renderer, render_next
from reporting.reports.models import Report
from reporting.reports.schemas import ReportCreate
from shared.db import Database
from tests.load.dataset import fill_report, synthetic_id
from tests.load.stack import Bench
from tests.load.table import Row

TASKS = 500
ROUNDS = 5
# What the design measured with Typst alone was 0.24 to 0.35 s.
WANTED = 0.35


async def measure(bench: Bench) -> list[Row]:
    """From taking the job to the finished document in the database, each layout in turn."""
    database = await asyncio.to_thread(bench.parts.create, "reporting", "bench_report")
    await fill_report(database.owner_url, tasks=TASKS)
    figures, limits = await _rounds(bench, database)
    return [
        Row(
            f"report of {TASKS} tasks: job taken → PDF kept",
            f"{median(figures):.2f} s",
            f"raw rows {median(limits):.3f} s",
            f"{median(figures) / median(limits):.0f} ×",
            f"≤ {WANTED:g} s",
            median(figures) <= WANTED,
        )
    ]


async def _rounds(bench: Bench, address: DatabaseAddress) -> tuple[list[float], list[float]]:
    settings = Settings(
        database_url=address.url, environment="test", jwks_path=bench.jwks, public_url="http://lienvung.test"
    )
    database = Database(settings)
    await database.start()
    renderer = make_renderer(settings)
    figures, limits = [], []
    try:
        for number in range(ROUNDS + 1):
            layout = Layout.STATE if number % 2 else Layout.PARTY
            report = await _requested(bench, database, layout)
            begun = perf_counter()
            if not await render_next(settings, database, renderer):
                raise RuntimeError("the report was not taken")
            figures.append(perf_counter() - begun)
            await _check(database, bench, report)
            begun = perf_counter()
            await _rows(address, report)
            limits.append(perf_counter() - begun)
    finally:
        await renderer.close()
        await database.stop()
    # The first one starts the worker process and fills its caches.
    return figures[1:], limits[1:]


async def _requested(bench: Bench, database: Database, layout: Layout) -> Report:
    actor = bench.actor()
    wanted = ReportCreate.model_validate(
        {
            "kind": "evaluation",
            "agreement_id": str(synthetic_id("agreement", 0)),
            "layout": layout.value,
            "format": "pdf",
            "place": "Địa phương thử tải 0",
            "signer": {"name": "Người thử tải", "title": "Chủ tịch"},
        }
    )
    async with database.transaction(actor) as session:
        return await service.request(session, actor, wanted)


async def _check(database: Database, bench: Bench, report: Report) -> None:
    async with database.transaction(bench.actor()) as session:
        _, content = await service.content(session, bench.actor(), report.id)
    if not content.startswith(b"%PDF"):
        raise RuntimeError("the document is no PDF")


async def _rows(address: DatabaseAddress, report: Report) -> None:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(address.url)
    try:
        await connection.execute("select set_config('lienvung.system', 'on', false)")
        scope = Scope(report.as_of, None, {"agreement_id": str(report.agreement_id)})
        rows = await indicators.rows(connection, report.organization_id, scope, Cell.TOTAL)
        if len(rows) != TASKS:
            raise RuntimeError(f"{len(rows)} rows instead of {TASKS}")
    finally:
        await connection.close()
