"""The render role: takes queued reports, draws them and keeps what came of it."""

import asyncio
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from reporting.config import Settings
from reporting.reports import service
from reporting.reports.errors import FactsMissing, ProjectionsBehind
from reporting.reports.models import Report, ReportFormat
from reporting.reports.renderer import Renderer, RenderFailed
from reporting.reports.repository import keep, set_progress
from shared.auth import SYSTEM
from shared.db import Database
from shared.roles import Role, wait_or_stop

RENDERED = Counter("lienvung_reports_total", "Attempts to make a report by what became of them", ["result"])
SECONDS = Histogram("lienvung_report_seconds", "Time to make a report", buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60))

_log = structlog.get_logger(__name__)


class JobLost(Exception):
    """The report was cancelled, or another renderer has it."""


def render_role(settings: Settings, database: Database) -> Role:
    """One job at a time; more processes of this role take more jobs, each its own."""

    async def run(stop: asyncio.Event) -> None:
        renderer = make_renderer(settings)
        try:
            while not stop.is_set():
                if not await render_next(settings, database, renderer):
                    await wait_or_stop(stop, settings.render_poll_seconds)
        finally:
            await renderer.close()

    return run


def make_renderer(settings: Settings) -> Renderer:
    """A renderer as the settings want it."""
    return Renderer(
        documents_per_worker=settings.renders_per_worker,
        memory_mb=settings.render_memory_mb,
        timeout=settings.render_timeout_seconds,
    )


async def render_next(settings: Settings, database: Database, renderer: Renderer) -> bool:
    """Do the next job, if there is one.

    No transaction is open while a document is drawn: the lease keeps others away as long as it is prolonged, and the
    number of the taking keeps this renderer from overwriting what another made after the lease ran out.
    """
    async with database.transaction(SYSTEM) as session:
        taken = await service.claim(
            session,
            lease_seconds=settings.render_lease_seconds,
            settle_seconds=settings.render_settle_seconds,
            attempts=settings.render_attempts,
        )
    if taken is None:
        return False
    result = await _make(settings, database, renderer, *taken)
    RENDERED.labels(result).inc()
    _log.info("report_worked_on", report=str(taken[0].id), attempt=taken[0].attempts, result=result)
    return True


async def _make(settings: Settings, database: Database, renderer: Renderer, report: Report, lease: int) -> str:
    try:
        with SECONDS.time():
            document = await _while_held(settings, database, renderer, report, lease)
    except JobLost:
        return "lost"
    except ProjectionsBehind:
        async with database.transaction(SYSTEM) as session:
            await service.postpone(session, report.id, lease, pause_seconds=settings.render_retry_seconds)
        return "postponed"
    except (RenderFailed, FactsMissing) as error:
        _log.warning("report_not_rendered", report=str(report.id), reason=str(error))
        async with database.transaction(SYSTEM) as session:
            await service.give_back(
                session,
                report.id,
                lease,
                str(error),
                attempts=settings.render_attempts,
                pause_seconds=settings.render_retry_seconds,
            )
        return "failed"
    async with database.transaction(SYSTEM) as session:
        return "ready" if await service.finish(session, report.id, lease, document) else "lost"


async def _while_held(settings: Settings, database: Database, renderer: Renderer, report: Report, lease: int) -> bytes:
    """Draw, and prolong the lease meanwhile; a cancelled report is not drawn to its end."""
    drawing = asyncio.create_task(_draw(settings, database, renderer, report, lease))
    holding = asyncio.create_task(_hold(settings, database, report.id, lease))
    try:
        await asyncio.wait({drawing, holding}, return_when=asyncio.FIRST_COMPLETED)
        if holding.done() and not drawing.done():
            # Either the job is lost, or the database is away and the lease will run out: no use to go on.
            holding.result()
            raise JobLost
        return drawing.result()
    finally:
        for task in (drawing, holding):
            task.cancel()
        await asyncio.gather(drawing, holding, return_exceptions=True)


async def _hold(settings: Settings, database: Database, report_id: UUID, lease: int) -> None:
    """Return when the job is not held any more."""
    while True:
        await asyncio.sleep(min(settings.render_lease_seconds / 4, 1.0))
        async with database.transaction(SYSTEM) as session:
            if not await keep(session, report_id, lease, settings.render_lease_seconds):
                return


async def _draw(settings: Settings, database: Database, renderer: Renderer, report: Report, lease: int) -> bytes:
    async with database.read(SYSTEM) as connection:
        document = await service.compose(connection, report, settle_seconds=settings.render_settle_seconds)
    await _progress(database, report.id, lease, 50)
    if report.format == ReportFormat.JSON:
        return document.model_dump_json(indent=2).encode()
    pdf = await renderer.pdf(document, settings.public_url)
    await _progress(database, report.id, lease, 90)
    return pdf


async def _progress(database: Database, report_id: UUID, lease: int, progress: int) -> None:
    async with database.transaction(SYSTEM) as session:
        await set_progress(session, report_id, lease, progress)
