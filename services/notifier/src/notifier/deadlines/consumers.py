"""What the deadlines are learned from, in one place, and how they are learned again from the start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from notifier.alerts.planning import Planner
from notifier.alerts.repository import HOLD_LOCK, drop_all_planned
from notifier.config import Settings
from notifier.deadlines import repository
from notifier.deadlines.service import apply_organization, apply_subjects
from shared.auth import SYSTEM
from shared.db import Database, driver_connection
from shared.events import (
    AGREEMENTS,
    EVENT_TYPES,
    LOCALITIES,
    TASKS,
    AgreementEvent,
    CommentEvent,
    Event,
    ObstacleEvent,
    OrganizationEvent,
    TaskEvent,
)
from shared.inbox import Consumer, Handler, Together, reset
from shared.kafka import admin_client, client_options, cluster_id_of
from shared.outbox.relay import plain_dsn

GROUP = "notifier-deadlines"
TOPICS = (LOCALITIES, AGREEMENTS, TASKS)
CAUGHT_UP_POLL = 0.5


def deadline_handlers(planner: Planner) -> dict[str, Handler]:
    """The handler of each type of event that changes a deadline or the people who are told of it."""
    on_subject = Together(partial(apply_subjects, planner))
    by_kind: tuple[tuple[type[Event], Handler], ...] = (
        (OrganizationEvent, apply_organization),
        (AgreementEvent, on_subject),
        (TaskEvent, on_subject),
        (ObstacleEvent, on_subject),
        (CommentEvent, on_subject),
    )
    return {
        event_type: handler
        for event_type, model in EVENT_TYPES.items()
        for base, handler in by_kind
        if issubclass(model, base)
    }


def deadlines_consumer(settings: Settings, database: Database) -> Consumer:
    """The consumer that keeps the deadlines."""
    handlers = deadline_handlers(Planner.of(settings))
    return Consumer(settings, database, group=GROUP, topics=list(TOPICS), handlers=handlers)


async def rebuild(settings: Settings, database: Database) -> None:
    """Forget what was learned and wait until the running consumers have learned it again.

    Nothing is dispatched meanwhile: on its way through history a deadline has dates that are long overtaken, and nobody
    must be told of those. Alerts stay, and a step that has fired does not fire again.
    """
    async with _dispatch_held(settings):
        async with database.transaction(SYSTEM) as session:
            # First the offsets: that waits for a batch under way, and whatever it wrote is then cleared as well.
            await reset(session, GROUP)
            connection = await driver_connection(session)
            await drop_all_planned(connection)
            await repository.clear(connection)
        await _until_caught_up(settings, database)


@asynccontextmanager
async def _dispatch_held(settings: Settings) -> AsyncIterator[None]:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(plain_dsn(settings.database_url), timeout=10)
    try:
        await connection.execute("select pg_advisory_lock($1)", HOLD_LOCK)
        yield
    finally:
        await connection.close()


async def _until_caught_up(settings: Settings, database: Database) -> None:
    async with admin_client(settings.kafka_bootstrap_servers) as admin:
        cluster_id = await cluster_id_of(admin)
    ends = await _ends(settings)
    while True:
        async with database.read(SYSTEM) as connection:
            reached = await repository.offsets(connection, GROUP, cluster_id)
        if all(reached.get(position, 0) >= end for position, end in ends.items()):
            return
        await asyncio.sleep(CAUGHT_UP_POLL)


async def _ends(settings: Settings) -> dict[tuple[str, int], int]:
    """The end of every partition, by topic without prefix."""
    prefix = settings.kafka_topic_prefix
    names = [prefix + topic for topic in TOPICS]
    client = AIOKafkaConsumer(*names, **client_options(settings.kafka_bootstrap_servers))
    await client.start()
    try:
        partitions = [
            TopicPartition(name, partition) for name in names for partition in client.partitions_for_topic(name) or ()
        ]
        ends = await client.end_offsets(partitions)
    finally:
        await client.stop()
    return {(place.topic.removeprefix(prefix), place.partition): end for place, end in ends.items()}
