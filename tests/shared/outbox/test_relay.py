"""The relay: everything that was committed, in order, whatever was committed late and whichever broker is gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest
from aiokafka import AIOKafkaConsumer
from asyncpg import Connection, Record

from shared.auth import SYSTEM
from shared.db import Database
from shared.events import TASKS
from shared.outbox import INSERT_SQL, publish, publish_on, row_of
from shared.outbox.publish import MAX_EVENT_BYTES, EventTooLarge
from shared.outbox.relay import Relay
from shared.settings import ServiceSettings
from tests.shared.factories import task_event


class Reader:
    """What has arrived on the topic of tasks, in the order of arrival."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self.arrived: list[tuple[UUID, int]] = []

    async def until(self, count: int, seconds: float = 20) -> list[tuple[UUID, int]]:
        """Wait for that many arrivals; fewer when the time is over."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while len(self.arrived) < count and loop.time() < end:
            batches = await self._consumer.getmany(timeout_ms=200)
            for records in batches.values():
                for record in records:
                    data = orjson.loads(record.value)["data"]
                    self.arrived.append((UUID(data["task"]["id"]), data["version"]))
        return self.arrived

    async def of(self, task_id: UUID, count: int, seconds: float = 20) -> list[int]:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while sum(known == task_id for known, _ in self.arrived) < count and loop.time() < end:
            await self.until(len(self.arrived) + 1, 0.5)
        return [version for known, version in self.arrived if known == task_id]


@contextlib.asynccontextmanager
async def running(settings: ServiceSettings, *, batch: int = 2_000) -> AsyncIterator[Reader]:
    stop = asyncio.Event()
    relay = asyncio.create_task(Relay(settings, batch=batch).run(stop))
    consumer = AIOKafkaConsumer(
        settings.kafka_topic_prefix + TASKS,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        auto_offset_reset="earliest",
        metadata_max_age_ms=500,
    )
    await consumer.start()
    try:
        yield Reader(consumer)
    finally:
        stop.set()
        await relay
        await consumer.stop()


@pytest.fixture
async def writers(
    settings: ServiceSettings,
) -> AsyncIterator[tuple[Connection[Record], Connection[Record]]]:
    first, second = [await asyncpg.connect(settings.database_url) for _ in range(2)]
    yield first, second
    await first.close()
    await second.close()


async def test_an_event_of_a_rolled_back_change_never_travels(settings: ServiceSettings, database: Database) -> None:
    lost, kept = uuid4(), uuid4()
    with contextlib.suppress(ZeroDivisionError):
        async with database.transaction(SYSTEM) as session:
            await publish(session, task_event(lost))
            raise ZeroDivisionError
    async with database.transaction(SYSTEM) as session:
        await publish(session, task_event(kept))
    async with running(settings) as reader:
        assert await reader.of(kept, 1) == [1]
        assert await reader.of(lost, 1, seconds=1) == []


async def test_a_row_that_is_committed_late_is_sent_though_later_ids_went_before(
    settings: ServiceSettings, writers: tuple[Connection[Record], Connection[Record]]
) -> None:
    slow, fast = writers
    late, early = uuid4(), uuid4()
    async with running(settings) as reader:
        transaction = slow.transaction()
        await transaction.start()
        await publish_on(slow, task_event(late))
        await publish_on(fast, task_event(early))
        # The open transaction holds nothing up …
        assert await reader.of(early, 1) == [1]
        # … and is not passed over, though its id is the lower one.
        await transaction.commit()
        assert await reader.of(late, 1) == [1]


async def test_versions_of_an_aggregate_arrive_in_their_order(settings: ServiceSettings, database: Database) -> None:
    task, agreement = uuid4(), uuid4()

    async def write(version: int) -> None:
        async with database.transaction(SYSTEM) as session:
            await publish(session, task_event(task, version, agreement_id=agreement))

    async with running(settings, batch=7) as reader:
        for version in range(1, 41):
            await write(version)
        assert await reader.of(task, 40) == list(range(1, 41))


async def test_a_window_larger_than_a_batch_arrives_whole_and_once(
    settings: ServiceSettings, writers: tuple[Connection[Record], Connection[Record]]
) -> None:
    connection, _ = writers
    tasks = [uuid4() for _ in range(95)]
    async with connection.transaction():
        await connection.executemany(INSERT_SQL, [row_of(task_event(task)) for task in tasks])
    async with running(settings, batch=10) as reader:
        for task in tasks:
            assert await reader.of(task, 1) == [1]
        await reader.until(10**6, seconds=1)
        assert sorted(known for known, _ in reader.arrived if known in set(tasks)) == sorted(tasks)


async def test_a_cluster_of_another_identity_gets_everything_again(
    settings: ServiceSettings, database: Database, owner: Connection[Record]
) -> None:
    task = uuid4()
    async with database.transaction(SYSTEM) as session:
        await publish(session, task_event(task))
    async with running(settings) as reader:
        assert await reader.of(task, 1) == [1]
    await owner.execute("update relay_state set cluster_id = 'the cluster that was lost'")
    async with running(settings) as reader:
        assert await reader.of(task, 2) == [1, 1]


async def test_only_one_of_two_relays_works(settings: ServiceSettings, database: Database) -> None:
    task = uuid4()
    async with running(settings) as reader, running(settings):
        async with database.transaction(SYSTEM) as session:
            await publish(session, task_event(task))
        assert await reader.of(task, 2, seconds=3) == [1]


async def test_a_relay_whose_session_is_killed_goes_on_where_it_was(
    settings: ServiceSettings, database: Database, owner: Connection[Record]
) -> None:
    before, after = uuid4(), uuid4()
    async with running(settings) as reader:
        async with database.transaction(SYSTEM) as session:
            await publish(session, task_event(before))
        assert await reader.of(before, 1) == [1]
        async with database.read(SYSTEM) as connection:
            user = await connection.fetchval("select current_user")
        superuser = await asyncpg.connect(settings.database_url)
        await superuser.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'shared-test-relay' and usename = $1 and datname = current_database()",
            user,
        )
        await superuser.close()
        async with database.transaction(SYSTEM) as session:
            await publish(session, task_event(after))
        assert await reader.of(after, 1) == [1]


async def test_a_version_is_published_once_and_never_a_lower_one(database: Database) -> None:
    task = uuid4()
    for version, accepted in ((1, True), (3, True), (3, False), (2, False), (4, True)):
        event = task_event(task, version)
        if accepted:
            async with database.transaction(SYSTEM) as session:
                await publish(session, event)
        else:
            with pytest.raises(Exception, match="is in the outbox already"):
                async with database.transaction(SYSTEM) as session:
                    await publish(session, event)


async def test_the_outbox_cannot_be_rewritten(database: Database, owner: Connection[Record]) -> None:
    async with database.transaction(SYSTEM) as session:
        await publish(session, task_event())
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await owner.execute("update outbox set payload = '{}'")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.write(SYSTEM) as connection:
            await connection.execute("delete from outbox")


async def test_an_event_larger_than_a_broker_takes_fails_with_its_change() -> None:
    with pytest.raises(EventTooLarge):
        row_of(task_event(title="x" * MAX_EVENT_BYTES))
