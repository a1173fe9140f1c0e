"""A full outbox through the real relay, beside a producer that sends the same bytes from memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic

from lienvung.postgres import DatabaseAddress
from shared.events import TASKS
from shared.kafka import admin_client, client_options, ensure_topics
from shared.outbox import row_of
from tests.load.events import AGREEMENTS, progress_report
from tests.load.processes import run_apart
from tests.load.stack import Bench
from tests.load.table import Row, per_second

ROUNDS = 3
EVENTS = 20_000
AT_A_TIME = 2_000
WANTED = 10_000
LONGEST = 60.0

# One event written many times: each copy is of another task, and they lie in the agreements' keys by turns.
_FILL = """
insert into outbox (event_id, aggregate_id, version, type, topic, key, payload, headers, occurred_at)
select event_id, task_id, 1, $1, $2, key,
       replace(replace(replace($3::text, $4::text, event_id::text), $5::text, task_id::text), $6::text, key)::json,
       '{}', $7
from (
    select gen_random_uuid() as event_id, gen_random_uuid() as task_id,
           md5('agreement-' || number % $8)::uuid::text as key
    from generate_series($9::bigint, $9::bigint + $10::bigint - 1) number
) new
"""


@dataclass(frozen=True)
class Batch:
    """Bytes to send as the relay would, and how many times."""

    kafka: str
    topic: str
    values: Sequence[tuple[str, str]]
    events: int


async def measure(bench: Bench, database: DatabaseAddress) -> list[Row]:
    """Events a second from a full outbox, beside the limit of the same moment."""
    kafka = await asyncio.to_thread(bench.parts.kafka)
    await ensure_topics(kafka, bench.topic_prefix)
    # Once before, so that the relay knows this cluster and what follows is one window that it missed.
    await fill(database, AT_A_TIME)
    await _drained(bench, database, kafka, AT_A_TIME)
    batch = await _batch(bench, kafka, database)
    figures, limits = [], []
    for _ in range(ROUNDS):
        await fill(database, EVENTS)
        await bench.settle()
        limits.append(await run_apart(_send, batch))
        figures.append(await _drained(bench, database, kafka, EVENTS))
    figure, limit = median(figures), median(limits)
    return [
        Row(
            f"relay: drain of {EVENTS:,} events from a full outbox",
            per_second(figure),
            f"aiokafka, same bytes from memory {per_second(limit)}",
            f"{median(one / other for one, other in zip(figures, limits, strict=True)):.2f} ×",
            f"≥ {WANTED:,}/s",
            figure >= WANTED,
        )
    ]


async def _drained(bench: Bench, database: DatabaseAddress, kafka: str, events: int) -> float:
    async with (
        Progress(kafka, bench.topic_prefix + TASKS) as progress,
        bench.service("agreements", database, "relay"),
    ):
        return await progress.rate(events)


async def fill(database: DatabaseAddress, events: int) -> None:
    """So many new events, committed a batch at a time."""
    template = progress_report(0)
    row = row_of(template)
    connection = await asyncpg.connect(database.url)
    try:
        for start in range(0, events, AT_A_TIME):
            await connection.execute(
                _FILL,
                row.type,
                row.topic,
                row.payload,
                str(row.event_id),
                str(row.aggregate_id),
                row.key,
                row.occurred_at,
                AGREEMENTS,
                start,
                min(AT_A_TIME, events - start),
            )
    finally:
        await connection.close()


class Progress:
    """How far a topic has grown, asked of the broker."""

    def __init__(self, kafka: str, topic: str) -> None:
        self._consumer: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(topic, **client_options(kafka))
        self._topic = topic
        self.start = 0

    async def __aenter__(self) -> Progress:
        await self._consumer.start()
        self.start = await self.end()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def end(self) -> int:
        partitions = [
            TopicPartition(self._topic, number) for number in self._consumer.partitions_for_topic(self._topic) or ()
        ]
        ends: Mapping[Any, int] = await self._consumer.end_offsets(partitions)
        return sum(ends.values())

    async def reach(self, end: int) -> None:
        """Return once the topic is so long."""
        until = perf_counter() + LONGEST
        while await self.end() < end:
            if perf_counter() > until:
                raise RuntimeError(f"{self._topic} did not grow to {end} within {LONGEST:.0f} s")
            await asyncio.sleep(0.02)

    async def rate(self, events: int) -> float:
        """Events a second, from the first growth that is seen until so many have come."""
        await self.reach(self.start + 1)
        begun, before = perf_counter(), await self.end()
        await self.reach(self.start + events)
        return (self.start + events - before) / (perf_counter() - begun)


async def _batch(bench: Bench, kafka: str, database: DatabaseAddress) -> Batch:
    connection = await asyncpg.connect(database.url)
    try:
        rows = await connection.fetch("select key, payload::text as payload from outbox limit $1", AT_A_TIME)
    finally:
        await connection.close()
    topic = bench.topic_prefix + "limit"
    async with admin_client(kafka) as admin:
        await admin.create_topics([NewTopic(topic, 6, 1)])
    return Batch(kafka, topic, [(row["key"], row["payload"]) for row in rows], EVENTS)


async def _send(batch: Batch) -> float:
    """With the relay's own options, each batch awaited as the relay awaits it."""
    producer = AIOKafkaProducer(
        **client_options(batch.kafka),
        enable_idempotence=True,
        acks="all",
        max_batch_size=256 * 1024,
        linger_ms=0,
        max_request_size=8 * 1024 * 1024,
    )
    await producer.start()
    try:
        await producer.send_and_wait(batch.topic, b"warm-up")
        started, sent = perf_counter(), 0
        while sent < batch.events:
            acknowledgements = [
                await producer.send(batch.topic, value=value.encode(), key=key.encode()) for key, value in batch.values
            ]
            await asyncio.gather(*acknowledgements)
            sent += len(acknowledgements)
        return sent / (perf_counter() - started)
    finally:
        await producer.stop()
