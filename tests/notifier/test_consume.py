"""The consume role on a real broker: what travels becomes deadlines and feed, once, and can be learned again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from lienvung.postgres import DatabaseAddress
from notifier.cli import consume_role
from notifier.config import Settings
from notifier.deadlines.consumers import rebuild
from shared.events import AgreementSigned, Event, TaskDeadlineChanged, envelope_bytes
from shared.ids import new_id
from shared.outbox.relay import Relay
from tests.notifier.conftest import TUESDAY, World
from tests.notifier.factories import agreement_event, signing, staffed, task_event

SOON = date(2026, 10, 23)


@pytest.fixture
def settings(
    make_settings: Callable[..., Settings], notifier_database: DatabaseAddress, kafka: str, topics: str
) -> Settings:
    return make_settings(Settings, notifier_database, kafka_bootstrap_servers=kafka, kafka_topic_prefix=topics)


@asynccontextmanager
async def consuming(world: World) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.ensure_future(consume_role(world.settings, world.database)(stop))
    try:
        yield
    finally:
        stop.set()
        await running


async def send(settings: Settings, *events: Event) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    try:
        for event in events:
            await producer.send_and_wait(
                settings.kafka_topic_prefix + event.topic,
                envelope_bytes(event, event_id=new_id()),
                key=event.key.encode(),
            )
    finally:
        await producer.stop()


async def until(probe: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(60):
        while not (found := await probe()):  # noqa: ASYNC110 - the database has no event to wait for
            await asyncio.sleep(0.1)
    return found


async def test_what_travels_becomes_deadlines_alerts_and_feed(world: World) -> None:
    lead, task_id = staffed(), uuid4()
    agreement_id = uuid4()
    first = task_event(lead, due_on=SOON, moment=TUESDAY, task_id=task_id, agreement_id=agreement_id)
    second = task_event(
        lead,
        due_on=SOON + timedelta(days=3),
        moment=TUESDAY,
        kind=TaskDeadlineChanged,
        task_id=task_id,
        agreement_id=agreement_id,
        version=2,
    )
    await send(world.settings, lead.event(TUESDAY), first, second, first)
    async with consuming(world):
        await until(lambda: world.owner.fetchval("select task_version = 2 from deadline where task_id = $1", task_id))
        await until(lambda: world.owner.fetchval("select count(*) >= 2 from feed_event"))
        row = await world.owner.fetchrow("select due_on, revision from deadline where task_id = $1", task_id)
        assert row is not None
        assert (row["due_on"], row["revision"]) == (SOON + timedelta(days=3), 2)
        await world.at(TUESDAY + timedelta(days=1))
        await world.fire()
        assert [step for step, _ in await world.told(task_id)] == ["before_3"]

        # What the notifier itself publishes comes into the feed the same way, through Kafka.
        stop = asyncio.Event()
        relay = asyncio.ensure_future(Relay(world.settings).run(stop))
        await until(lambda: world.owner.fetchval("select count(*) >= 3 from feed_event"))
        stop.set()
        await relay
        types = [row["type"] for row in await world.owner.fetch("select type from feed_event order by position")]
        assert types == [first.type, second.type, "vn.lienvung.deadline.approaching.v1"]

        told = await world.told(task_id)
        await rebuild(world.settings, world.database)
        row = await world.owner.fetchrow(
            "select due_on, revision, task_version from deadline where task_id = $1", task_id
        )
        assert row is not None
        assert (row["due_on"], row["revision"], row["task_version"]) == (SOON + timedelta(days=3), 2, 2)
        await world.fire()
        assert await world.told(task_id) == told
        assert await world.owner.fetchval("select count(*) from feed_event") == 3


async def test_signatures_that_come_due_are_learned_from_what_travels_and_learned_again(world: World) -> None:
    first, second, agreement_id = staffed(), staffed(), uuid4()
    opened = agreement_event(signing(first), signing(second), sign_by=SOON, moment=TUESDAY, agreement_id=agreement_id)
    signed = agreement_event(
        signing(first, signed_at=TUESDAY),
        signing(second),
        sign_by=SOON,
        moment=TUESDAY,
        kind=AgreementSigned,
        agreement_id=agreement_id,
        version=3,
    )
    await send(world.settings, first.event(TUESDAY), second.event(TUESDAY), opened, signed)
    count = "select count(*) from feed_event where agreement_id = $1"
    async with consuming(world):
        reached = "select count(*) = 2 from deadline where task_id = $1 and task_version = 3"
        await until(lambda: world.owner.fetchval(reached, agreement_id))
        await until(lambda: world.owner.fetchval("select count(*) >= 2 from organization"))
        await world.at(TUESDAY + timedelta(minutes=1))
        await world.fire()
        told = [("before_3", second.of("leader").account_id)]
        assert await world.told(agreement_id) == told

        # The reminder's own event comes into the feed as well.
        stop = asyncio.Event()
        relay = asyncio.ensure_future(Relay(world.settings).run(stop))
        await until(lambda: world.owner.fetchval(f"{count} having count(*) >= 3", str(agreement_id)))
        stop.set()
        await relay

        deadlines = await world.deadlines(agreement_id)
        await rebuild(world.settings, world.database)
        assert set(await world.deadlines(agreement_id)) == set(deadlines)
        await world.fire()
        assert await world.told(agreement_id) == told
