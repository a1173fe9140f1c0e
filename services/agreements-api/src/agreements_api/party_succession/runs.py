"""Carrying successions out: the queue, the role that works on it, and everything at once on demand."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg
import structlog
from prometheus_client import Counter
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.config import Settings
from agreements_api.localities import service as localities
from agreements_api.party_succession import queue_repository, repository
from agreements_api.party_succession.following import Heirs
from agreements_api.party_succession.repointing import repoint
from shared import clock
from shared.auth import SYSTEM, Actor
from shared.db import Database
from shared.ids import new_id
from shared.roles import Role, poll

REPOINTED = Counter("lienvung_succession_repointed_total", "Agreements and tasks that others answer for now", ["what"])
# Batches under way at once: while one waits for the database another is put together.
AT_ONCE = 3
SELDOM = (200_000, 20, 20)
# Organisations looked up, and founded where they are lacking, in one transaction.
LOOKED_UP = 200

_log = structlog.get_logger(__name__)


@dataclass
class Progress:
    """What a worker did."""

    agreements: int = 0
    repointed: int = 0
    tasks: int = 0
    decisions: int = 0
    founded: int = 0


def succession_role(settings: Settings, database: Database) -> Role:
    """Any number may run: each takes the agreements that no other holds."""

    async def run(stop: asyncio.Event) -> None:
        async def work() -> bool:
            progress = await work_off(database, batch=settings.succession_batch, stop=stop)
            return bool(progress.agreements)

        await poll(stop, work, role="succession", idle_seconds=settings.succession_poll_seconds)

    return run


async def queue(session: AsyncSession, actor: Actor, unit_ids: Sequence[UUID] | None, effective_on: date) -> UUID:
    """Put down, in the caller's transaction, what is to be carried out from a day on; without units, all that ended."""
    run_id = new_id()
    connection = await repository.connection_of(session)
    await queue_repository.add_run(connection, actor, run_id, effective_on, unit_ids, now=clock.now())
    return run_id


async def apply_all(database: Database, *, batch: int, limit: int | None, stop: asyncio.Event) -> tuple[UUID, Progress]:
    """Carry out everything that has ended, going on where an earlier call was stopped."""
    async with database.transaction(SYSTEM) as session:
        run_id = await queue_repository.unfinished_run(await repository.connection_of(session))
        if run_id is None:
            run_id = await queue(session, SYSTEM, None, clock.today())
    return run_id, await work_off(database, batch=batch, stop=stop, run_id=run_id, limit=limit)


async def work_off(
    database: Database,
    *,
    batch: int,
    stop: asyncio.Event | None = None,
    run_id: UUID | None = None,
    limit: int | None = None,
) -> Progress:
    """Work on what is due, or on one run, until nothing free is left of it, `limit` is reached or it is to stop."""
    stop = stop or asyncio.Event()
    progress = Progress()
    while not stop.is_set() and (limit is None or progress.agreements < limit):
        today = clock.today()
        async with database.read(SYSTEM) as connection:
            run = await queue_repository.due_run(connection, today, run_id=run_id)
        if run is None:
            break
        before = progress.agreements
        worker = _Worker(database, run["id"], run["unit_ids"], Heirs(today), batch, stop, progress, limit)
        await worker.work()
        if progress.agreements == before and not worker.finished:
            # What is left is with other workers.
            break
    return progress


class _Worker:
    """One pass over a run."""

    def __init__(
        self,
        database: Database,
        run_id: UUID,
        unit_ids: Sequence[UUID] | None,
        heirs: Heirs,
        batch: int,
        stop: asyncio.Event,
        progress: Progress,
        limit: int | None,
    ) -> None:
        self._database = database
        self._run_id = run_id
        self._unit_ids = unit_ids
        self._heirs = heirs
        self._batch = batch
        self._stop = stop
        self._progress = progress
        self._limit = limit
        self._learning = asyncio.Lock()
        self.finished = False

    async def work(self) -> None:
        async with self._database.write(SYSTEM) as connection:
            await queue_repository.begin_run(connection, self._run_id, self._heirs.today, clock.now())
        await self._place_organizations()
        await self._look_up()
        # Nearly everything a batch makes is gone with it, and what was looked up stays until the end: going through all
        # of that for garbage as often as usual takes a quarter of the time.
        usual = gc.get_threshold()
        gc.set_threshold(*SELDOM)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._go_through())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            gc.set_threshold(*usual)
        self._progress.founded += self._heirs.founded
        async with self._database.write(SYSTEM) as connection:
            self.finished = await queue_repository.finish_run(connection, self._run_id, clock.now())

    async def _place_organizations(self) -> None:
        """Organisations of units that go on come under whoever took the place of what stood above them.

        Where what lay under a unit went several ways, that is the like body where theirs lies by now.
        """
        after: UUID | None = None
        while not self._stop.is_set():
            async with self._database.read(SYSTEM) as connection:
                rows = await queue_repository.misplaced(
                    connection, self._heirs.today, self._unit_ids, after=after, limit=LOOKED_UP
                )
            if not rows:
                return
            after = rows[-1]["id"]
            await self._learn({row["superior_organization_id"] for row in rows})
            for row in rows:
                heir = self._heirs.of(row["superior_organization_id"])
                if heir is None:
                    continue
                async with self._database.transaction(SYSTEM) as session:
                    if row["under_unit_id"] not in (None, heir.unit_id):
                        heir = await self._heirs.heir_in(session, row["superior_organization_id"], row["under_unit_id"])
                    if heir.organization_id != row["id"]:
                        await localities.place_under(session, row["id"], heir.organization_id)

    async def _look_up(self) -> None:
        """Everybody whose place is to be taken, so that who is lacking has been founded before a record is held."""
        async with self._database.read(SYSTEM) as connection:
            ids = await queue_repository.ended_in_steps(connection, self._run_id, self._heirs.today)
        for first in range(0, len(ids), LOOKED_UP):
            if self._stop.is_set():
                return
            await self._learn(ids[first : first + LOOKED_UP])

    async def _learn(self, organization_ids: Sequence[UUID] | set[UUID]) -> None:
        async with self._learning:
            if self._heirs.missing(organization_ids):
                async with self._database.transaction(SYSTEM) as session:
                    await self._heirs.learn(session, organization_ids)

    async def _go_through(self) -> None:
        while not self._stop.is_set():
            size = self._batch
            if self._limit is not None:
                size = min(size, self._limit - self._progress.agreements)
            if size <= 0:
                return
            # Counted before it is done, so that two batches at once do not take more than the limit together.
            self._progress.agreements += size
            done = 0
            try:
                done = await self._one_batch(size)
            finally:
                self._progress.agreements -= size - done
            if not done:
                return

    async def _one_batch(self, size: int) -> int:
        for attempt in range(3):
            try:
                return await self._try_batch(size)
            except Exception as error:
                # Somebody was at the same records in another order; one of the two goes first.
                if attempt == 2 or not _is_deadlock(error):
                    raise
                _log.info("succession_batch_again", run=str(self._run_id))
                # What the batch may have founded went with it.
                self._heirs = Heirs(self._heirs.today)
        raise AssertionError("unreachable")

    async def _try_batch(self, size: int) -> int:
        async with self._database.transaction(SYSTEM) as session:
            connection = await repository.connection_of(session)
            ids = await queue_repository.take_steps(connection, self._run_id, size)
            if not ids:
                return 0
            counts = await repoint(session, self._heirs, ids)
            await session.flush()
            await queue_repository.finish_steps(
                connection,
                self._run_id,
                ids,
                repointed=counts.agreements,
                tasks=counts.tasks,
                decisions=counts.decisions,
            )
        self._progress.repointed += counts.agreements
        self._progress.tasks += counts.tasks
        self._progress.decisions += counts.decisions
        REPOINTED.labels("agreement").inc(counts.agreements)
        REPOINTED.labels("task").inc(counts.tasks)
        return len(ids)


def _is_deadlock(error: BaseException | None) -> bool:
    """The driver's error stands at the bottom of what SQLAlchemy makes of it."""
    while error is not None:
        if isinstance(error, asyncpg.DeadlockDetectedError):
            return True
        error = error.__cause__ or error.__context__
    return False
