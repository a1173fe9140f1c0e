"""From commit to Kafka through the real relay, at a steady rate, beside a producer that needs no database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from lienvung.postgres import DatabaseAddress
from shared.events import TASKS
from shared.kafka import client_options, ensure_topics
from shared.outbox import INSERT_SQL, row_of
from tests.load.events import progress_report
from tests.load.processes import run_apart
from tests.load.stack import Bench
from tests.load.table import Row, milliseconds

RATE = 500
SECONDS = 8.0
WARM_UP = 2.0
WRITERS = 8
WANTED_P50 = 0.010
WANTED_P99 = 0.040
# `{"specversion":"1.0","id":"` comes before the id in the bytes of every event.
_ID = slice(27, 63)


@dataclass(frozen=True)
class Rate:
    """Events to commit, or to send past the database where there is no address of one."""

    kafka: str
    topic: str
    database_url: str | None


@dataclass
class Arrivals:
    """When each event was committed and when it arrived; one clock for both, because one process takes both times."""

    committed: dict[UUID, float] = field(default_factory=dict)
    arrived: dict[UUID, float] = field(default_factory=dict)

    def latencies(self) -> list[float]:
        # An event may arrive before its writer hears of the commit: that is no time at all.
        return sorted(
            max(self.arrived[event] - committed, 0.0)
            for event, committed in self.committed.items()
            if event in self.arrived
        )


async def measure(bench: Bench, database: DatabaseAddress) -> list[Row]:
    """Median and 99th percentile, each beside the same of a bare producer."""
    kafka = await asyncio.to_thread(bench.parts.kafka)
    await ensure_topics(kafka, bench.topic_prefix)
    topic = bench.topic_prefix + TASKS
    bare = await run_apart(_work, Rate(kafka, topic, None))
    async with bench.service("agreements", database, "relay"):
        await asyncio.sleep(2)
        product = await run_apart(_work, Rate(kafka, topic, database.url))
    return [_row("p50", 0.5, product, bare, WANTED_P50), _row("p99", 0.99, product, bare, WANTED_P99)]


def _row(name: str, share: float, product: list[float], bare: list[float], wanted: float) -> Row:
    figure, limit = _quantile(product, share), _quantile(bare, share)
    return Row(
        f"commit → consumer at {RATE} events/s, {name}",
        milliseconds(figure),
        f"producer → consumer {milliseconds(limit)}",
        f"{figure / limit:.1f} ×",
        f"≤ {wanted * 1000:g} ms",
        figure <= wanted,
    )


def _quantile(latencies: list[float], share: float) -> float:
    return latencies[min(int(len(latencies) * share), len(latencies) - 1)]


async def _work(task: Rate) -> list[float]:
    arrivals = Arrivals()
    async with _listening(task, arrivals), _sending(task) as send:
        expected = await _at_a_steady_rate(send, arrivals)
        for _ in range(500):
            if len(arrivals.arrived.keys() & arrivals.committed.keys()) == expected:
                break
            await asyncio.sleep(0.01)
        else:
            raise RuntimeError(f"{expected} events were committed, {len(arrivals.arrived)} arrived")
    return arrivals.latencies()


async def _at_a_steady_rate(send: Callable[[int, Arrivals | None], Awaitable[None]], arrivals: Arrivals) -> int:
    """Each event at its own moment, however late the one before was."""
    started = perf_counter()
    ahead = int(WARM_UP * RATE)
    total = ahead + int(SECONDS * RATE)
    sending: set[asyncio.Task[None]] = set()
    for number in range(total):
        await asyncio.sleep(max(started + number / RATE - perf_counter(), 0))
        one = asyncio.ensure_future(send(number, arrivals if number >= ahead else None))
        sending.add(one)
        one.add_done_callback(sending.discard)
    await asyncio.gather(*sending)
    return total - ahead


@asynccontextmanager
async def _sending(task: Rate) -> AsyncIterator[Callable[[int, Arrivals | None], Awaitable[None]]]:
    if task.database_url is None:
        producer = AIOKafkaProducer(**client_options(task.kafka), enable_idempotence=True, acks="all")
        await producer.start()

        async def produce(number: int, arrivals: Arrivals | None) -> None:
            row = row_of(progress_report(number))
            if arrivals is not None:
                arrivals.committed[row.event_id] = perf_counter()
            await producer.send(task.topic, value=row.payload.encode(), key=row.key.encode())

        yield produce
        await producer.stop()
    else:
        pool = await asyncpg.create_pool(task.database_url, min_size=WRITERS, max_size=WRITERS, reset=_leave)

        async def commit(number: int, arrivals: Arrivals | None) -> None:
            row = row_of(progress_report(number))
            async with pool.acquire() as connection:
                # By itself it is a transaction, and its answer is that of the commit.
                await connection.execute(INSERT_SQL, *row)
            if arrivals is not None:
                arrivals.committed[row.event_id] = perf_counter()

        yield commit
        await pool.close()


@asynccontextmanager
async def _listening(task: Rate, arrivals: Arrivals) -> AsyncIterator[None]:
    consumer: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(task.topic, **client_options(task.kafka))
    await consumer.start()
    await consumer.seek_to_end()
    listener = asyncio.create_task(_listen(consumer, arrivals))
    yield
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)
    await consumer.stop()


async def _listen(consumer: Any, arrivals: Arrivals) -> None:
    async for record in consumer:
        arrivals.arrived[UUID(record.value[_ID].decode())] = perf_counter()


async def _leave(connection: asyncpg.Connection[Any]) -> None:
    """The pool's own reset would be one more round trip for each event."""
    return None
