"""The queue of reports: nothing is made twice, nothing is lost with its renderer, nothing is made of too little."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from reporting.config import Settings
from reporting.projections import repository as projections
from reporting.reports import repository, service
from reporting.reports.errors import ProjectionsBehind
from reporting.reports.jobs import make_renderer, render_next, render_role
from reporting.reports.models import Report
from reporting.reports.renderer import Renderer
from reporting.reports.schemas import ReportCreate
from shared.auth import SYSTEM, Actor
from shared.db import Database
from shared.ids import new_id
from tests.reporting.factories import Plan, Story, apply, declare_complete


@pytest_asyncio.fixture
async def renderer(settings: Settings) -> AsyncIterator[Renderer]:
    renderer = make_renderer(settings)
    yield renderer
    await renderer.close()


@pytest_asyncio.fixture(autouse=True)
async def empty_queue(database: Database, plan: Story) -> None:
    """No job of another test is in the way, and the projections are complete."""
    async with database.transaction(SYSTEM) as session:
        connection = await session.connection()
        await connection.exec_driver_sql(
            "update report set status = 'cancelled' where status in ('queued', 'rendering')"
        )
    await declare_complete(database)


async def ask(database: Database, plan: Story, **values: Any) -> UUID:
    body = {"agreement_id": plan.plan.id, "place": "Đông Triều", "format": "json"} | values
    actor = Actor(id=new_id(), kind="user", name="x", organization_id=plan.issuer.id, roles=frozenset({"specialist"}))
    async with database.transaction(actor) as session:
        return (await service.request(session, actor, ReportCreate(**body))).id


async def read(database: Database, report_id: UUID) -> Report:
    async with database.transaction(SYSTEM) as session:
        return await session.get_one(Report, report_id)


async def claim(settings: Settings, database: Database) -> tuple[Report, int] | None:
    async with database.transaction(SYSTEM) as session:
        return await service.claim(
            session,
            lease_seconds=settings.render_lease_seconds,
            settle_seconds=settings.render_settle_seconds,
            attempts=settings.render_attempts,
        )


async def run_sql(database: Database, statement: str, *values: Any) -> None:
    async with database.transaction(SYSTEM) as session:
        await (await session.connection()).exec_driver_sql(statement, values)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask again until it is so; what another process does gives no sign."""
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def until_status(database: Database, report_id: UUID, status: str) -> None:
    async def is_so() -> bool:
        return (await read(database, report_id)).status == status

    await until(is_so)


async def render_until(
    status: str, report_id: UUID, settings: Settings, database: Database, renderer: Renderer
) -> None:
    """Let the renderer look for work until the report is so."""

    async def is_so() -> bool:
        await render_next(settings, database, renderer)
        return (await read(database, report_id)).status == status

    await until(is_so)


async def outbox(database: Database, report_id: UUID) -> list[str]:
    async with database.read(SYSTEM) as connection:
        rows = await connection.fetch("select type from outbox where aggregate_id = $1 order by id", report_id)
    return [row["type"] for row in rows]


async def test_two_renderers_share_the_queue_and_make_each_report_once(
    settings: Settings, database: Database, plan: Story
) -> None:
    reports = [await ask(database, plan) for _ in range(8)]
    stop = asyncio.Event()
    roles = asyncio.gather(*(render_role(settings, database)(stop) for _ in range(2)))
    for report_id in reports:
        await until_status(database, report_id, "ready")
    stop.set()
    await roles
    for report_id in reports:
        assert (await read(database, report_id)).attempts == 1
        assert (await outbox(database, report_id)).count("vn.lienvung.report.ready.v1") == 1


async def test_a_job_is_taken_by_one_only(settings: Settings, database: Database, plan: Story) -> None:
    await ask(database, plan)
    taken = await asyncio.gather(*(claim(settings, database) for _ in range(4)))
    assert sum(job is not None for job in taken) == 1


async def test_a_lease_that_ran_out_is_taken_over_and_the_first_holder_changes_nothing_any_more(
    settings: Settings, database: Database, plan: Story, renderer: Renderer
) -> None:
    report_id = await ask(database, plan)
    taken = await claim(settings, database)
    assert taken is not None
    assert await claim(settings, database) is None
    await run_sql(database, "update report set free_at = clock_timestamp() where id = $1", report_id)
    assert await render_next(settings, database, renderer)
    made = await read(database, report_id)
    assert (made.status, made.attempts) == ("ready", 2)
    async with database.transaction(SYSTEM) as session:
        assert not await service.finish(session, report_id, taken[1], b"late")
        await service.give_back(session, report_id, taken[1], "late", attempts=3, pause_seconds=1)
        assert not await repository.keep(session, report_id, taken[1], 60)
    assert (await read(database, report_id)).digest == made.digest


async def test_a_killed_renderer_loses_no_report(
    settings: Settings, database: Database, plan: Story, renderer: Renderer
) -> None:
    report_id = await ask(database, plan, format="pdf")
    # The document waits for a lock, so that the renderer dies in the middle of it.
    async with database.transaction(SYSTEM) as blocking:
        await (await blocking.connection()).exec_driver_sql("lock table party in access exclusive mode")
        process = await _start_renderer(settings)
        await until_status(database, report_id, "rendering")
        process.send_signal(signal.SIGKILL)
        await process.wait()
    assert not await render_next(settings, database, renderer)
    await render_until("ready", report_id, settings, database, renderer)
    made = await read(database, report_id)
    assert (made.status, made.attempts) == ("ready", 2)


async def _start_renderer(settings: Settings) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from reporting.cli import app; app(['render'])",
        env=os.environ
        | {
            "REPORTING_DATABASE_URL": settings.database_url,
            "REPORTING_RENDER_LEASE_SECONDS": "2",
            "REPORTING_RENDER_SETTLE_SECONDS": "0",
            "LIENVUNG_ENVIRONMENT": "test",
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def test_a_report_that_takes_its_renderers_down_fails_in_the_end(
    settings: Settings, database: Database, plan: Story
) -> None:
    report_id = await ask(database, plan)
    for _ in range(settings.render_attempts):
        assert await claim(settings, database) is not None
        await run_sql(database, "update report set free_at = clock_timestamp() where id = $1", report_id)
    assert await claim(settings, database) is None
    failed = await read(database, report_id)
    assert (failed.status, failed.failure) == ("failed", "given up: the renderer did not come back")
    assert (await outbox(database, report_id))[-1] == "vn.lienvung.report.failed.v1"


async def test_a_drawing_that_fails_is_tried_again_with_pauses_and_then_failed_for_good(
    settings: Settings, database: Database, plan: Story
) -> None:
    report_id = await ask(database, plan, format="pdf")
    slow = Renderer(documents_per_worker=25, memory_mb=1024, timeout=0.01)
    assert await render_next(settings, database, slow)
    waiting = await read(database, report_id)
    assert (waiting.status, waiting.attempts, waiting.progress) == ("queued", 1, 0)
    await render_until("failed", report_id, settings, database, slow)
    failed = await read(database, report_id)
    assert (failed.attempts, failed.failure) == (settings.render_attempts, "not drawn within 0.01 s")
    assert (await outbox(database, report_id))[-1] == "vn.lienvung.report.failed.v1"


async def test_a_cancelled_report_is_not_drawn_to_its_end(
    settings: Settings, database: Database, plan: Story, renderer: Renderer
) -> None:
    report_id = await ask(database, plan, format="pdf")
    impatient = settings.model_copy(update={"render_lease_seconds": 0.4})
    async with database.transaction(SYSTEM) as blocking:
        await (await blocking.connection()).exec_driver_sql("lock table party in access exclusive mode")
        making = asyncio.create_task(render_next(impatient, database, renderer))
        await until_status(database, report_id, "rendering")
        await run_sql(database, "update report set status = 'cancelled' where id = $1", report_id)
        # It gives up although what it waits for has not come.
        assert await asyncio.wait_for(making, 10)
    cancelled = await read(database, report_id)
    assert (cancelled.status, cancelled.digest) == ("cancelled", None)


async def test_a_living_renderer_keeps_a_lease_that_is_shorter_than_its_work(
    settings: Settings, database: Database, plan: Story, renderer: Renderer
) -> None:
    report_id = await ask(database, plan)
    short = settings.model_copy(update={"render_lease_seconds": 0.4})
    async with database.transaction(SYSTEM) as blocking:
        await (await blocking.connection()).exec_driver_sql("lock table party in access exclusive mode")
        making = asyncio.create_task(render_next(short, database, renderer))
        await asyncio.sleep(1.5)
        assert await claim(short, database) is None
    await making
    assert (await read(database, report_id)).attempts == 1


async def test_a_report_waits_until_the_projections_hold_what_was_sent_before_it(
    settings: Settings, database: Database, plan: Story, renderer: Renderer
) -> None:
    await run_sql(database, "update projection_state set complete_until = clock_timestamp()")
    report_id = await ask(database, plan)
    assert not await render_next(settings, database, renderer)
    await declare_complete(database)
    assert await render_next(settings, database, renderer)
    assert (await read(database, report_id)).status == "ready"


async def test_nothing_is_composed_of_projections_that_were_cleared_meanwhile(
    settings: Settings, database: Database, plan: Story
) -> None:
    await ask(database, plan)
    taken = await claim(settings, database)
    assert taken is not None
    await run_sql(database, "update projection_state set complete_until = '-infinity'")
    async with database.read(SYSTEM) as connection:
        with pytest.raises(ProjectionsBehind):
            await service.compose(connection, taken[0], settle_seconds=0)


async def test_no_report_is_made_while_an_event_of_its_agreement_waits_for_the_operator(
    settings: Settings, database: Database, plan: Story, renderer: Renderer
) -> None:
    report_id = await ask(database, plan)
    await run_sql(
        database,
        "insert into parked_key (consumer_group, topic, key) values ('reporting-projections', 'lienvung.tasks', $1)",
        str(plan.plan.id),
    )
    assert await render_next(settings, database, renderer)
    put_off = await read(database, report_id)
    assert (put_off.status, put_off.attempts) == ("queued", 0)
    await run_sql(database, "delete from parked_key")
    await render_until("ready", report_id, settings, database, renderer)
    assert (await read(database, report_id)).status == "ready"


async def test_a_report_of_an_unknown_organization_fails_with_the_reason(
    settings: Settings, database: Database, plan: Story, renderer: Renderer
) -> None:
    stranger = new_id()
    own = Plan([plan.issuer], [plan.issuer])
    await apply(database, own.event(members=[stranger]))
    actor = Actor(id=new_id(), kind="user", name="x", organization_id=stranger, roles=frozenset({"leader"}))
    async with database.transaction(actor) as session:
        wanted = ReportCreate(agreement_id=own.id, place="Đông Triều")
        report_id = (await service.request(session, actor, wanted)).id
    await render_until("failed", report_id, settings, database, renderer)
    assert (await read(database, report_id)).failure == "the agreement or the organization is not known"


async def test_a_mark_from_before_a_rebuild_does_not_count_after_it(database: Database, plan: Story) -> None:
    async with database.read(SYSTEM) as connection:
        rebuilds, now = await projections.rebuilds(connection)
        await connection.execute("update projection_state set rebuilds = rebuilds + 1, complete_until = '-infinity'")
        await projections.completed(connection, now + timedelta(days=2), rebuilds)
        assert await connection.fetchval("select complete_until = '-infinity' from projection_state")


@pytest.mark.parametrize("status", ["ready", "failed", "cancelled"])
async def test_what_has_ended_is_never_taken_again(
    settings: Settings, database: Database, plan: Story, status: str
) -> None:
    report_id = await ask(database, plan)
    await run_sql(database, "update report set status = $1 where id = $2", status, report_id)
    assert await claim(settings, database) is None
