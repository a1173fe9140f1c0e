"""What this service listens to, how the projections are made again, and until when they are complete."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from reporting.config import Settings
from reporting.projections import repository
from reporting.projections.service import apply_agreement, apply_organization, apply_tasks
from shared.auth import SYSTEM
from shared.db import Database
from shared.events import (
    AGREEMENTS,
    EVENT_TYPES,
    LOCALITIES,
    TASKS,
    AgreementEvent,
    Event,
    OrganizationEvent,
    TaskEvent,
)
from shared.inbox import Consumer, Handler, Together, is_transient, reset
from shared.inbox.repository import offsets
from shared.kafka import admin_client, client_options, cluster_id_of
from shared.roles import Role, supervise, wait_or_stop

GROUP = "reporting-projections"
TOPICS = (LOCALITIES, AGREEMENTS, TASKS)

_BY_KIND: tuple[tuple[type[Event], Handler], ...] = (
    (OrganizationEvent, apply_organization),
    (AgreementEvent, apply_agreement),
    (TaskEvent, Together(apply_tasks)),
)
HANDLERS: dict[str, Handler] = {
    event_type: handler
    for event_type, model in EVENT_TYPES.items()
    for kind, handler in _BY_KIND
    if issubclass(model, kind)
}

# Between two looks at how far the projections are, and between two questions while they catch up.
WATCH_SECONDS = 0.5
CATCH_UP_SECONDS = 0.05
# A mark that is not reached by then is of a broker that was lost, or of projections that were cleared.
MARK_SECONDS = 30.0
BACKOFF_SECONDS = 2.0

_log = structlog.get_logger(__name__)


def consume_role(settings: Settings, database: Database) -> Role:
    """Keep the projections, and say until when they hold all that had been sent."""

    async def run(stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(supervise("projections", projections_consumer(settings, database).run, stop))
            group.create_task(supervise("watch", partial(watch, settings, database), stop))

    return run


def projections_consumer(settings: Settings, database: Database) -> Consumer:
    """The consumer that keeps the projections."""
    return Consumer(settings, database, group=GROUP, topics=list(TOPICS), handlers=HANDLERS)


async def watch(settings: Settings, database: Database, stop: asyncio.Event) -> None:
    """Note again and again until when the projections are complete: a report is made of no less.

    While the broker or the database is away nothing is noted, and reports wait.
    """
    while not stop.is_set():
        try:
            async with _ends(settings) as ends:
                await _watch(database, ends, stop)
        except Exception as error:
            if not is_transient(error):
                raise
            _log.warning("projections_not_watched", error=repr(error), again_in=BACKOFF_SECONDS)
            await wait_or_stop(stop, BACKOFF_SECONDS)


async def forget(database: Database) -> None:
    """Empty the projections and the offsets in one transaction; the consumer then reads everything again."""
    async with database.transaction(SYSTEM) as session:
        # First the offsets: that waits for a batch under way, and whatever it wrote is then cleared as well.
        await reset(session, GROUP)
        await repository.clear(session)


async def sizes(database: Database) -> dict[str, int]:
    """Rows of each projection."""
    async with database.transaction(SYSTEM) as session:
        return await repository.size(session)


@dataclass(frozen=True)
class _Mark:
    """Where the topics ended at a moment of the machine's clock."""

    at: datetime
    rebuilds: int
    cluster_id: str
    ends: dict[tuple[str, int], int]
    expires: float


class _Ends:
    """Asks the broker where the topics end."""

    def __init__(self, client: "AIOKafkaConsumer[bytes, bytes]", admin: AIOKafkaAdminClient, prefix: str) -> None:
        self._client = client
        self._admin = admin
        self._prefix = prefix

    async def mark(self, database: Database) -> _Mark:
        # The moment is taken before the ends are asked for: what is sent in between counts for a later moment.
        async with database.read(SYSTEM) as connection:
            rebuilds, now = await repository.rebuilds(connection)
        cluster_id = await cluster_id_of(self._admin)
        expires = asyncio.get_running_loop().time() + MARK_SECONDS
        return _Mark(now, rebuilds, cluster_id, await self._read(), expires)

    async def _read(self) -> dict[tuple[str, int], int]:
        """A topic that does not exist yet has no events to wait for."""
        described = await self._admin.describe_topics([self._prefix + topic for topic in TOPICS])
        partitions = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]
        found = await self._client.end_offsets(partitions) if partitions else {}
        return {(str(p.topic).removeprefix(self._prefix), p.partition): end for p, end in found.items()}


@contextlib.asynccontextmanager
async def _ends(settings: Settings) -> AsyncIterator[_Ends]:
    bootstrap = settings.kafka_bootstrap_servers
    async with admin_client(bootstrap) as admin:
        client: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(**client_options(bootstrap), group_id=None)
        try:
            await asyncio.wait_for(client.start(), 30)
            yield _Ends(client, admin, settings.kafka_topic_prefix)
        finally:
            await client.stop()


async def _watch(database: Database, ends: _Ends, stop: asyncio.Event) -> None:
    mark: _Mark | None = None
    while not stop.is_set():
        mark = mark or await ends.mark(database)
        if await _reached(database, mark):
            async with database.read(SYSTEM) as connection:
                await repository.completed(connection, mark.at, mark.rebuilds)
            mark = None
            await wait_or_stop(stop, WATCH_SECONDS)
        elif asyncio.get_running_loop().time() > mark.expires:
            mark = None
        else:
            await wait_or_stop(stop, CATCH_UP_SECONDS)


async def _reached(database: Database, mark: _Mark) -> bool:
    async with database.transaction(SYSTEM) as session:
        applied = await offsets(session, GROUP, mark.cluster_id)
    return all(applied.get(position, 0) >= end for position, end in mark.ends.items())
