"""The consumer: effect, version check and offset are one transaction, and no message can stop the others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import RecordMetadata
from asyncpg import Connection, Record
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.auth import SYSTEM
from shared.db import Database
from shared.events import TASKS, Envelope, TaskAssigned, TaskEvent, TaskUpdated, envelope_bytes
from shared.inbox import Consumer, Handler, Together, discard, reset, waiting
from shared.kafka import admin_client, cluster_id_of, ensure_topics
from shared.settings import ServiceSettings
from tests.shared.factories import task_event

POISON = "độc"


class Broken(Exception):
    """What a handler makes of poison."""


class Effects:
    """A table that every event of a task adds a row to, so that a second effect of one event would show."""

    def __init__(self, settings: ServiceSettings, database: Database, owner: Connection[Record], handling: str) -> None:
        self.settings = settings
        self.database = database
        self.owner = owner
        self.group = f"group-{uuid4()}"
        self.poisonous = True
        self.handler: Handler = self.apply if handling == "one at a time" else Together(self.apply_all)

    async def apply(self, session: AsyncSession, envelope: Envelope) -> None:
        event = envelope.data
        assert isinstance(event, TaskEvent)
        if self.poisonous and event.task.title == POISON:
            raise Broken(str(event.task.id))
        await (await session.connection()).execute(
            text("insert into effect (task_id, version) values (:task_id, :version)"),
            {"task_id": event.task.id, "version": event.version},
        )

    async def apply_all(self, session: AsyncSession, envelopes: Sequence[Envelope]) -> None:
        for envelope in envelopes:
            await self.apply(session, envelope)

    def consumer(self) -> Consumer:
        handlers = {kind.type: self.handler for kind in (TaskAssigned, TaskUpdated)}
        return Consumer(self.settings, self.database, self.group, [TASKS], handlers)

    async def of(self, task_id: UUID) -> list[int]:
        rows = await self.owner.fetch("select version from effect where task_id = $1 order by applied", task_id)
        return [row["version"] for row in rows]

    async def send(self, *events: TaskEvent) -> list[RecordMetadata]:
        return await self.send_raw(*((event.key, envelope_bytes(event, event_id=uuid4())) for event in events))

    async def send_raw(self, *messages: tuple[str, bytes]) -> list[RecordMetadata]:
        await ensure_topics(self.settings.kafka_bootstrap_servers, self.settings.kafka_topic_prefix)
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap_servers)
        await producer.start()
        topic = self.settings.kafka_topic_prefix + TASKS
        sent = [await producer.send_and_wait(topic, value, key.encode()) for key, value in messages]
        await producer.stop()
        return sent


@pytest.fixture(params=["one at a time", "together"])
async def effects(
    request: pytest.FixtureRequest, settings: ServiceSettings, database: Database, owner: Connection[Record]
) -> AsyncIterator[Effects]:
    await owner.execute(
        "create table effect (applied bigint generated always as identity, task_id uuid, version int);"
        "grant select, insert, delete on effect to public"
    )
    yield Effects(settings, database, owner, request.param)
    await owner.execute("drop table effect")


@contextlib.asynccontextmanager
async def consuming(effects: Effects) -> AsyncIterator[Consumer]:
    stop = asyncio.Event()
    consumer = effects.consumer()
    work = asyncio.create_task(consumer.run(stop))
    try:
        yield consumer
    finally:
        stop.set()
        await work


async def eventually(probe: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Wait until the coroutine function `probe` answers true."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        if await probe():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come to pass")


async def reaches(effects: Effects, task_id: UUID, versions: list[int]) -> None:
    async def reached() -> bool:
        return await effects.of(task_id) == versions

    await eventually(reached)


async def test_a_message_that_comes_twice_takes_effect_once(effects: Effects) -> None:
    task, last = uuid4(), uuid4()
    first = task_event(task, 1)
    agreement = first.task.agreement_id
    second, closing = task_event(task, 2, agreement_id=agreement), task_event(last, 1, agreement_id=agreement)
    await effects.send(first, second, first, second, closing)
    async with consuming(effects):
        await reaches(effects, last, [1])
    assert await effects.of(task) == [1, 2]


async def test_a_consumer_that_starts_again_goes_on_from_the_databases_offset(effects: Effects) -> None:
    task = uuid4()
    first = task_event(task, 1)
    await effects.send(first)
    async with consuming(effects):
        await reaches(effects, task, [1])
    await effects.send(task_event(task, 2, agreement_id=first.task.agreement_id))
    async with consuming(effects):
        await reaches(effects, task, [1, 2])


async def test_nothing_is_applied_from_before_the_database_was_asked_where_to_begin(effects: Effects) -> None:
    """Kafka's committed offsets are ahead, as after a database was restored, and the database is slow to answer."""
    task = uuid4()
    first = task_event(task, 1)
    sent = await effects.send(first, *(task_event(task, n, agreement_id=first.task.agreement_id) for n in (2, 3)))
    await remember(effects, sent[0])
    await commit_on_kafka(effects, sent[2])
    async with contextlib.AsyncExitStack() as stack:
        async with effects.owner.transaction():
            await effects.owner.execute("lock table inbox_offset in exclusive mode")
            await stack.enter_async_context(consuming(effects))
            await asyncio.sleep(2)
        await reaches(effects, task, [1, 2, 3])


async def remember(effects: Effects, sent: RecordMetadata) -> None:
    """The database says that this message is the group's next one."""
    async with admin_client(effects.settings.kafka_bootstrap_servers) as admin:
        cluster_id = await cluster_id_of(admin)
    await effects.owner.execute(
        "insert into inbox_offset (consumer_group, topic, partition, cluster_id, next_offset)"
        " values ($1, $2, $3, $4, $5)",
        *(effects.group, TASKS, sent.partition, cluster_id, sent.offset),
    )


async def commit_on_kafka(effects: Effects, sent: RecordMetadata) -> None:
    """Kafka says that this message is the group's next one."""
    client = AIOKafkaConsumer(
        bootstrap_servers=effects.settings.kafka_bootstrap_servers,
        group_id=effects.settings.kafka_topic_prefix + effects.group,
        enable_auto_commit=False,
    )
    await client.start()
    try:
        client.assign([sent.topic_partition])
        await client.commit({sent.topic_partition: sent.offset})
    finally:
        await client.stop()


async def test_poison_parks_its_key_and_nothing_else_until_it_is_replayed(effects: Effects) -> None:
    agreement, bad, behind, other = uuid4(), uuid4(), uuid4(), uuid4()
    await effects.send(
        task_event(bad, agreement_id=agreement, title=POISON),
        task_event(behind, agreement_id=agreement),
        task_event(other),
    )
    async with consuming(effects) as consumer:
        await reaches(effects, other, [1])

        async def both_wait() -> bool:
            async with effects.database.transaction(SYSTEM) as session:
                letters = await waiting(session, effects.group)
            return [letter.reason for letter in letters if letter.key == str(agreement)] == ["poison", "parked"]

        await eventually(both_wait)
        assert await effects.of(behind) == []
        stopped = await consumer.replay(TASKS, str(agreement))
        assert (stopped.applied, "Broken" in str(stopped.error)) == (0, True)
        effects.poisonous = False
        assert (await consumer.replay(TASKS, str(agreement))).applied == 2
        assert (await effects.of(bad), await effects.of(behind)) == ([1], [1])
        # The key is free again.
        await effects.send(task_event(behind, 2, agreement_id=agreement))
        await reaches(effects, behind, [1, 2])


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\xff\xfe", b"[]", b'{"type": "vn.lienvung.task.assigned.v1", "data": {"task": 1}}'],
)
async def test_what_does_not_match_its_schema_is_put_aside_and_the_rest_goes_on(
    effects: Effects, garbage: bytes
) -> None:
    task = uuid4()
    await effects.send_raw((str(uuid4()), garbage))
    await effects.send(task_event(task))
    async with consuming(effects):
        await reaches(effects, task, [1])
    async with effects.database.transaction(SYSTEM) as session:
        letters = [letter for letter in await waiting(session, effects.group) if letter.reason == "poison"]
        assert letters
        assert await discard(session, effects.group, letters[0].id)
        assert not await discard(session, effects.group, letters[0].id)


async def test_a_database_that_goes_away_for_a_moment_costs_nothing(effects: Effects) -> None:
    task = uuid4()
    first = task_event(task, 1)
    agreement = first.task.agreement_id
    async with consuming(effects):
        await effects.send(first)
        await reaches(effects, task, [1])
        for version in range(2, 8):
            await effects.send(task_event(task, version, agreement_id=agreement))
            async with effects.database.read(SYSTEM) as connection:
                await connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
                    " and usename = current_user and datname = current_database()"
                )
        await reaches(effects, task, list(range(1, 8)))
    async with effects.database.transaction(SYSTEM) as session:
        letters = await waiting(session, effects.group)
    assert [letter for letter in letters if letter.key == str(agreement)] == []


async def test_a_group_that_was_reset_while_it_runs_reads_everything_again(effects: Effects) -> None:
    task = uuid4()
    await effects.send(task_event(task))
    async with consuming(effects):
        await reaches(effects, task, [1])
        async with effects.database.transaction(SYSTEM) as session:
            await reset(session, effects.group)
        await reaches(effects, task, [1, 1])


async def test_two_consumers_share_the_work_and_double_nothing(effects: Effects) -> None:
    tasks = [uuid4() for _ in range(60)]
    async with consuming(effects), consuming(effects):
        await effects.send(*(task_event(task) for task in tasks))
        for task in tasks:
            await reaches(effects, task, [1])
    total = await effects.owner.fetchval("select count(*) from effect where task_id = any($1)", tasks)
    assert total == len(tasks)
