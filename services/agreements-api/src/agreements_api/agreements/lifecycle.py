"""The lifecycle role: what happens because a day has passed and not because somebody did something."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import asyncpg
from prometheus_client import Counter
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements import repository, service, signatures, signing
from agreements_api.agreements.models import Agreement
from agreements_api.config import Settings
from agreements_api.funding.missed import tell_missed
from agreements_api.obstacles import service as obstacles
from agreements_api.recurrence.occurrences import make_due
from agreements_api.tasks import service as tasks
from shared import clock
from shared.auth import SYSTEM
from shared.calendar import WorkingCalendar
from shared.db import Database
from shared.roles import Role, poll

PASSED = Counter("lienvung_agreement_days_passed_total", "Records that a day ended something of", ["what"])


def lifecycle_role(settings: Settings, database: Database) -> Role:
    """Any number may run: each takes the records that no other holds."""

    async def work() -> bool:
        handled = await end_what_is_over(
            database, settings.lifecycle_batch, obstacle_days=settings.obstacle_working_days
        )
        return handled >= settings.lifecycle_batch

    async def run(stop: asyncio.Event) -> None:
        await poll(stop, work, role="lifecycle", idle_seconds=settings.lifecycle_poll_seconds)

    return run


async def end_what_is_over(database: Database, batch: int, *, obstacle_days: int = 5) -> int:
    """One batch of each kind of thing that a day ends, each record by itself; gives the largest number of them."""
    return max(
        await _expire_signings(database, batch),
        await _lapse_terms(database, batch),
        await _tell_missed(database, batch),
        await _repeat(database, batch),
        await _one_by_one(database, batch, tasks.lapse_next, "response"),
        await _one_by_one(database, batch, partial(obstacles.escalate_next, days=obstacle_days), "obstacle"),
    )


async def _repeat(database: Database, batch: int) -> int:
    made = await make_due(database, batch)
    PASSED.labels("occurrence").inc(made)
    return made


async def _one_by_one(
    database: Database, batch: int, end_next: Callable[["asyncpg.Connection[Any]"], Awaitable[bool]], what: str
) -> int:
    """Each in a transaction of its own: none waits for what another record of the batch has still to lock."""
    for done in range(batch):
        async with database.write(SYSTEM) as connection:
            if not await end_next(connection):
                return done
        PASSED.labels(what).inc()
    return batch


async def _expire_signings(database: Database, batch: int) -> int:
    async with database.transaction(SYSTEM) as session:
        over = signing.latest_over(clock.today(), WorkingCalendar())
        due = await repository.lock_signings_over(session, signed_by=over, limit=batch)
        return await _each(session, due, signatures.expire_signing, "signing")


async def _lapse_terms(database: Database, batch: int) -> int:
    async with database.transaction(SYSTEM) as session:
        due = await repository.lock_terms_over(session, today=clock.today(), limit=batch)
        return await _each(session, due, service.lapse, "term")


async def _tell_missed(database: Database, batch: int) -> int:
    told = await tell_missed(database, batch)
    PASSED.labels("plan_period").inc(told)
    return told


async def _each(
    session: AsyncSession,
    due: Sequence[Agreement],
    end: Callable[[AsyncSession, Agreement], Awaitable[None]],
    what: str,
) -> int:
    for agreement in due:
        await end(session, agreement)
    PASSED.labels(what).inc(len(due))
    return len(due)
