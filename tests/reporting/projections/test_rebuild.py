"""The projections on real Kafka: caught up, known to be so, and made again while the consumer runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio
from aiokafka import AIOKafkaProducer

from reporting.config import Settings
from reporting.indicators import service as indicators
from reporting.indicators.links import Scope
from reporting.indicators.schemas import GroupBy
from reporting.projections.consumers import consume_role, forget, sizes
from shared.auth import SYSTEM
from shared.db import Database
from shared.events import Event, envelope_bytes
from shared.ids import new_id
from tests.reporting.factories import Story, story
from tests.reporting.projections.test_handlers import contents

AS_OF = datetime(2024, 12, 20, 9, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def consuming(settings: Settings, database: Database, kafka: str, topics: str) -> AsyncIterator[Settings]:
    """The consume role at work."""
    own = settings.model_copy(update={"kafka_bootstrap_servers": kafka, "kafka_topic_prefix": topics})
    stop = asyncio.Event()
    role = asyncio.gather(consume_role(own, database)(stop))
    yield own
    stop.set()
    await asyncio.wait_for(role, 30)


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


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 - the consumer gives no sign
            await asyncio.sleep(0.05)


async def machine_time(database: Database) -> datetime:
    async with database.read(SYSTEM) as connection:
        now: datetime = await connection.fetchval("select clock_timestamp()")
    return now


async def until_complete(database: Database, moment: datetime) -> None:
    """Wait until the projections say that they hold all that had been sent by then."""

    async def is_complete() -> bool:
        async with database.read(SYSTEM) as connection:
            return bool(await connection.fetchval("select complete_until >= $1 from projection_state", moment))

    await until(is_complete)


async def figures(database: Database, told: Story) -> dict[str, Any]:
    async with database.read(SYSTEM) as connection:
        found = await indicators.indicators(connection, told.issuer.id, Scope(AS_OF), GroupBy.LOCALITY)
    return found.model_dump()


async def test_complete_means_that_everything_sent_before_is_applied(consuming: Settings, database: Database) -> None:
    told = story()
    await send(consuming, *told.events())
    await until_complete(database, await machine_time(database))
    assert (await sizes(database))["task_version"] >= 4
    assert (await figures(database, told))["total"]["total"]["count"] == 4


async def test_projections_made_again_while_the_consumer_runs_are_the_same(
    consuming: Settings, database: Database
) -> None:
    told = story()
    changed = [task.event(percent=percent) for percent in (10, 20) for task in told.tasks]
    await send(consuming, *told.events(), *changed)
    await until_complete(database, await machine_time(database))
    rows, before = await contents(database), await figures(database, told)
    await forget(database)
    await until_complete(database, await machine_time(database))
    assert await contents(database) == rows
    assert await figures(database, told) == before


async def test_what_is_sent_during_a_rebuild_is_there_after_it(consuming: Settings, database: Database) -> None:
    told = story()
    await send(consuming, *told.events())
    await until_complete(database, await machine_time(database))
    sending = asyncio.create_task(send(consuming, *(told.tasks[0].event(percent=percent) for percent in range(50))))
    await forget(database)
    await sending
    await until_complete(database, await machine_time(database))
    async with database.read(SYSTEM) as connection:
        versions = await connection.fetch(
            "select version from task_version where task_id = $1 order by version", told.tasks[0].id
        )
    assert [row["version"] for row in versions] == list(range(1, 52))
