"""The lifecycle role: what happens because a day has passed and not because somebody did something."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from prometheus_client import Counter
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements import repository, service, signing
from agreements_api.agreements.models import Agreement
from agreements_api.config import Settings
from agreements_api.funding.missed import tell_missed
from agreements_api.recurrence.occurrences import make_due
from shared import clock
from shared.auth import SYSTEM
from shared.calendar import WorkingCalendar
from shared.db import Database, is_database_away
from shared.roles import Role, wait_or_stop

PASSED = Counter("lienvung_agreement_days_passed_total", "Agreements that a day ended something of", ["what"])
AWAY_PAUSE = 1.0

_log = structlog.get_logger(__name__)


def lifecycle_role(settings: Settings, database: Database) -> Role:
    """Any number may run: each takes the agreements that no other holds."""

    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                handled = await end_what_is_over(database, settings.lifecycle_batch)
            except Exception as error:
                if not is_database_away(error):
                    raise
                _log.warning("database_away", error=type(error).__name__)
                await wait_or_stop(stop, AWAY_PAUSE)
                continue
            if handled < settings.lifecycle_batch:
                await wait_or_stop(stop, settings.lifecycle_poll_seconds)

    return run


async def end_what_is_over(database: Database, batch: int) -> int:
    """One batch of signings, terms, plan periods and repeated tasks, each by itself; gives the largest number."""
    return max(
        await _expire_signings(database, batch),
        await _lapse_terms(database, batch),
        await _tell_missed(database, batch),
        await _repeat(database, batch),
    )


async def _repeat(database: Database, batch: int) -> int:
    made = await make_due(database, batch)
    PASSED.labels("occurrence").inc(made)
    return made


async def _expire_signings(database: Database, batch: int) -> int:
    async with database.transaction(SYSTEM) as session:
        over = signing.latest_over(clock.today(), WorkingCalendar())
        due = await repository.lock_signings_over(session, signed_by=over, limit=batch)
        return await _each(session, due, service.expire_signing, "signing")


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
