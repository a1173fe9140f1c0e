"""When everything has come to rest: nothing waits in an outbox, on Kafka, in the plan of alerts or to be sent."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from lienvung.stack import Stack
from shared.events import AGREEMENTS, ALERTS, LOCALITIES, REPORTS, TASKS
from shared.inbox import is_transient
from shared.kafka import admin_client, client_options, cluster_id_of, declared_topics

GROUPS = {
    "notifier-deadlines": ("notifier", (LOCALITIES, AGREEMENTS, TASKS)),
    "notifier-feed": ("notifier", (AGREEMENTS, TASKS, ALERTS, REPORTS)),
    "reporting-projections": ("reporting", (LOCALITIES, AGREEMENTS, TASKS)),
}
# Longer than the longest lease, backoff and pause that the run's settings allow.
_LONGEST = 180.0
_POLL = 0.5
# What rests must rest for so many looks in a row.
_LOOKS = 3

_UNSENT = """
select count(*) from outbox o, relay_state s
where s.cluster_id is distinct from $1 or s.window_end is not null
   or not pg_visible_in_snapshot(o.xid, s.snapshot)
"""
_OFFSETS = "select topic, partition, next_offset from inbox_offset where consumer_group = $1 and cluster_id = $2"
_WAITING = {
    "notifier": {
        "steps": "select count(*) from alert_step where state = 'planned' and fire_at <= lienvung_now()",
        "mails": "select count(*) from delivery where status = 'queued'",
    },
    "reporting": {"reports": "select count(*) from report where status in ('queued', 'rendering')"},
}


async def come_to_rest(stack: Stack) -> dict[str, int]:
    """Wait until nothing is under way any more; what still is when the time is over, by what it is."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _LONGEST
    looks = 0
    waiting: dict[str, int] = {"unknown": 1}
    while loop.time() < until:
        try:
            waiting = await _waiting(stack)
        except Exception as error:
            # Something is still coming back.
            if not is_transient(error):
                raise
            waiting = {f"unknown: {error!r}": 1}
        looks = 0 if waiting else looks + 1
        if looks == _LOOKS:
            break
        await asyncio.sleep(_POLL)
    return waiting


async def _waiting(stack: Stack) -> dict[str, int]:
    async with admin_client(stack.kafka) as admin:
        cluster_id = await cluster_id_of(admin)
    ends = await _ends(stack.kafka)
    found: dict[str, int] = {}
    for name, address in stack.databases.items():
        connection = await asyncpg.connect(address.owner_url)
        try:
            found[f"{name}: unsent"] = await connection.fetchval(_UNSENT, cluster_id)
            for what, statement in _WAITING.get(name, {}).items():
                found[f"{name}: {what}"] = await connection.fetchval(statement)
            for group, (owner, topics) in GROUPS.items():
                if owner == name:
                    found[f"{group}: lag"] = await _lag(connection, group, topics, cluster_id, ends)
        finally:
            await connection.close()
    return {what: count for what, count in found.items() if count}


async def _lag(
    connection: asyncpg.Connection[Any],
    group: str,
    topics: tuple[str, ...],
    cluster_id: str,
    ends: dict[tuple[str, int], int],
) -> int:
    rows = await connection.fetch(_OFFSETS, group, cluster_id)
    reached = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    return sum(end - reached.get(place, 0) for place, end in ends.items() if place[0] in topics)


async def _ends(bootstrap_servers: str) -> dict[tuple[str, int], int]:
    consumer: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(**client_options(bootstrap_servers), group_id=None)
    await consumer.start()
    try:
        found = await consumer.end_offsets(declared_partitions())
    finally:
        await consumer.stop()
    return {(place.topic, place.partition): end for place, end in found.items()}


def declared_partitions() -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for topic in declared_topics() for number in range(topic.partitions)]
