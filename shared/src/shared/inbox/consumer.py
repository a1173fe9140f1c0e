"""A consumer: reads Kafka in batches and applies each batch in one transaction, with its versions and its offsets.

Kafka's own committed offsets serve lag metrics only. On assignment the consumer seeks to the offsets of the database,
which hold for one cluster: after the loss of a whole broker it reads from the start and drops what it knows by version.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.auth import SYSTEM
from shared.events import Envelope, InvalidEnvelope, load_document, parse_envelope
from shared.inbox import dead_letters, repository
from shared.inbox.errors import describe, is_transient
from shared.inbox.handlers import Handler, Together, handle, handle_together
from shared.kafka import admin_client, client_options, cluster_id_of, ensure_topics
from shared.outbox.relay import plain_dsn
from shared.roles import wait_or_stop

__all__ = ["Consumer", "Handler", "is_transient"]

CONSUMED = Counter("lienvung_consumer_events_total", "Events by what became of them", ["group", "type", "result"])
LAG = Gauge("lienvung_consumer_lag", "Events not yet applied", ["group", "topic", "partition"])
FAILURES = Counter("lienvung_consumer_failures_total", "Times the consumer backed off", ["group"])

MAX_RECORDS = 500
POLL_MS = 250
CHECK_INTERVAL = 1.0
LAG_COMMIT_INTERVAL = 5.0
SLOTS = 256
FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 5.0

_log = structlog.get_logger(__name__)


class ConsumerSettings(Protocol):
    @property
    def database_url(self) -> Any: ...
    @property
    def kafka_bootstrap_servers(self) -> str: ...
    @property
    def kafka_topic_prefix(self) -> str: ...


class LostPosition(Exception):
    """What is assigned no longer fits what the database says (a new cluster, a reset); build the client again."""


@dataclass(frozen=True)
class Message:
    """A record as the inbox sees it; `envelope` is none for a type that nobody here handles."""

    record: ConsumerRecord[bytes, bytes]
    topic: str
    key: str
    envelope: Envelope | None
    invalid: InvalidEnvelope | None


class Consumer:
    """One consumer group of a service. Start more of them to share the partitions."""

    def __init__(
        self,
        settings: ConsumerSettings,
        database: Any,
        group: str,
        topics: Sequence[str],
        handlers: Mapping[str, Handler],
        *,
        max_records: int = MAX_RECORDS,
    ) -> None:
        self._settings = settings
        self._database = database
        self._prefix = settings.kafka_topic_prefix
        self._group = group
        self._topics = list(topics)
        self._handlers = dict(handlers)
        self._max_records = max_records

    async def run(self, stop: asyncio.Event) -> None:
        """Work until stopped. While the broker or the database is away it waits, and puts nothing aside."""
        loop = asyncio.get_running_loop()
        pause = FIRST_BACKOFF
        while not stop.is_set():
            started = loop.time()
            try:
                await self._consume(stop)
            except (LostPosition, KafkaError) as error:
                self._backed_off(error, pause)
            except Exception as error:
                if not is_transient(error):
                    raise
                self._backed_off(error, pause)
            if loop.time() - started > LONGEST_BACKOFF * 2:
                pause = FIRST_BACKOFF
            await wait_or_stop(stop, pause)
            pause = min(pause * 2, LONGEST_BACKOFF)

    async def replay(self, topic: str, key: str) -> dead_letters.Replay:
        """Apply what waits for a parked key, in order; `topic` without the prefix."""
        return await dead_letters.replay(self._database, self._group, topic, key, self._handlers)

    def _backed_off(self, error: Exception, pause: float) -> None:
        FAILURES.labels(self._group).inc()
        _log.warning("consumer_interrupted", group=self._group, error=describe(error), again_in=pause)

    async def _consume(self, stop: asyncio.Event) -> None:
        bootstrap = self._settings.kafka_bootstrap_servers
        await ensure_topics(bootstrap, self._prefix)
        async with (
            self._slot() as (slot, slot_connection),
            admin_client(bootstrap) as admin,
            self._client(slot) as client,
        ):
            cluster_id = await cluster_id_of(admin)
            assignment = _Assignment(self._database, client, self._group, cluster_id, self._prefix)
            client.subscribe([self._prefix + topic for topic in self._topics], listener=assignment)
            loop = asyncio.get_running_loop()
            checked = committed = loop.time()
            while not stop.is_set():
                if loop.time() - checked > CHECK_INTERVAL:
                    # Before the fetch, and often enough that no broker can be wiped and started between two checks:
                    # records of a new cluster must never be counted by the offsets of the old one.
                    if await cluster_id_of(admin) != cluster_id:
                        raise LostPosition("a new cluster answers")
                    if slot_connection.is_closed():
                        raise LostPosition("the session that holds this member's name is gone")
                    await assignment.check()
                    checked = loop.time()
                    if assignment.is_settled and checked - committed > LAG_COMMIT_INTERVAL:
                        await self._report_lag(client)
                        committed = checked
                batches = await client.getmany(timeout_ms=POLL_MS, max_records=self._max_records)
                assignment.raise_failure()
                records = [record for batch in batches.values() for record in batch]
                # Until the seek the client reads from where Kafka's committed offsets or its defaults lead it. What it
                # finds there is not to be applied; it comes again, in its turn, from the database's offsets.
                if records and assignment.is_settled:
                    await self._apply([self._message(record) for record in records], cluster_id, stop)

    @contextlib.asynccontextmanager
    async def _slot(self) -> AsyncIterator[tuple[int, asyncpg.Connection[Any]]]:
        """A number that is this process's alone while its session lives.

        Static membership needs a name that a restarted process gets again and two running ones never share. The lock
        ends with the process, so a killed consumer's successor takes its name and its partitions without a rebalance.
        """
        connection = await asyncpg.connect(
            plain_dsn(self._settings.database_url),
            timeout=10,
            server_settings={"application_name": f"{self._group}-consumer"},
        )
        try:
            for slot in range(SLOTS):
                if await connection.fetchval(
                    "select pg_try_advisory_lock(hashtext($1), $2)", f"inbox:{self._group}", slot
                ):
                    yield slot, connection
                    return
            raise LostPosition(f"all {SLOTS} names of {self._group} are taken")
        finally:
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=2)

    @contextlib.asynccontextmanager
    async def _client(self, slot: int) -> AsyncIterator[AIOKafkaConsumer[bytes, bytes]]:
        client: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(
            **client_options(self._settings.kafka_bootstrap_servers),
            group_id=self._prefix + self._group,
            group_instance_id=f"{self._prefix}{self._group}-{slot}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=3_000,
            rebalance_timeout_ms=30_000,
            max_partition_fetch_bytes=8 * 1024 * 1024,
            fetch_max_wait_ms=POLL_MS,
            metadata_max_age_ms=30_000,
        )
        try:
            await asyncio.wait_for(client.start(), 30)
            yield client
        finally:
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(client.stop(), 5)

    def _message(self, record: ConsumerRecord[bytes, bytes]) -> Message:
        topic = record.topic.removeprefix(self._prefix)
        key = (record.key or b"").decode(errors="replace").replace("\0", "\ufffd")
        try:
            document = load_document(record.value or b"")
            handled = document.get("type") in self._handlers
            envelope = parse_envelope(document, raw=record.value or b"") if handled else None
        except InvalidEnvelope as error:
            return Message(record, topic, key, None, error)
        return Message(record, topic, key, envelope, None)

    async def _apply(self, messages: Sequence[Message], cluster_id: str, stop: asyncio.Event) -> None:
        """Apply a batch; while the database is away, keep it and wait."""
        pause = FIRST_BACKOFF
        one_by_one = False
        while not stop.is_set():
            try:
                async with self._database.transaction(SYSTEM) as session:
                    results = await _Batch(self._group, self._handlers, cluster_id, session).apply(
                        messages, one_by_one=one_by_one
                    )
            except LostPosition:
                raise
            except Exception as error:
                if is_transient(error):
                    self._backed_off(error, pause)
                    await wait_or_stop(stop, pause)
                    pause = min(pause * 2, LONGEST_BACKOFF)
                elif one_by_one:
                    raise
                else:
                    # Some message is poison. Once more, each behind a savepoint of its own, to find out which.
                    one_by_one = True
            else:
                for message, result in zip(messages, results, strict=True):
                    CONSUMED.labels(self._group, message.envelope.type if message.envelope else "-", result).inc()
                return

    async def _report_lag(self, client: AIOKafkaConsumer[bytes, bytes]) -> None:
        """For people and their tools; nothing here depends on it."""
        for partition in client.assignment():
            highwater = client.highwater(partition)
            if highwater is not None:
                lag = max(highwater - await client.position(partition), 0)
                LAG.labels(self._group, partition.topic, str(partition.partition)).set(lag)
        try:
            await client.commit()
        except KafkaError as error:
            _log.info("lag_not_committed", group=self._group, error=repr(error))


class _Batch:
    """One batch in one transaction: offsets, parked keys, versions, effects."""

    def __init__(self, group: str, handlers: Mapping[str, Handler], cluster_id: str, session: AsyncSession) -> None:
        self._group = group
        self._handlers = handlers
        self._cluster_id = cluster_id
        self._session = session
        self._parked: set[repository.Key] = set()
        self._known: dict[UUID, int] = {}
        self._new: dict[UUID, int] = {}
        self._together: dict[Together, list[Envelope]] = {}

    async def apply(self, messages: Sequence[Message], *, one_by_one: bool) -> list[str]:
        """What became of each message, in their order."""
        following = {(message.topic, message.record.partition): message.record.offset + 1 for message in messages}
        if not await repository.advance(self._session, self._group, self._cluster_id, following):
            raise LostPosition("the offsets were reset")
        keys = [(message.topic, message.key) for message in messages]
        self._parked = await repository.parked_keys(self._session, self._group, keys)
        aggregates = [message.envelope.aggregate_id for message in messages if message.envelope]
        self._known = await repository.versions(self._session, self._group, aggregates)
        results = [await self._one(message, one_by_one) for message in messages]
        for handler, envelopes in self._together.items():
            await handle_together(handler, self._session, envelopes)
        await repository.save_versions(self._session, self._group, self._new)
        return results

    async def _one(self, message: Message, one_by_one: bool) -> str:
        if message.invalid is not None:
            return await self._put_aside(message, message.invalid)
        envelope = message.envelope
        if envelope is None:
            return "ignored"
        # Newer, not next: a gap is no reason to stop, because every event carries its whole aggregate.
        if envelope.version <= self._known.get(envelope.aggregate_id, 0):
            return "stale"
        if (message.topic, message.key) in self._parked:
            return await self._put_aside(message, None)
        handler = self._handlers[envelope.type]
        if not one_by_one and isinstance(handler, Together):
            self._together.setdefault(handler, []).append(envelope)
        elif not one_by_one:
            await handle(handler, self._session, envelope)
        else:
            try:
                async with self._session.begin_nested():
                    await handle(handler, self._session, envelope)
            except Exception as error:
                if is_transient(error):
                    raise
                return await self._put_aside(message, error)
        self._known[envelope.aggregate_id] = self._new[envelope.aggregate_id] = envelope.version
        return "applied"

    async def _put_aside(self, message: Message, error: Exception | None) -> str:
        """Keep the bytes and park the key: what follows for this key waits behind them, in order."""
        record, envelope = message.record, message.envelope
        added = await repository.add_dead_letter(
            self._session,
            group=self._group,
            topic=message.topic,
            partition=record.partition,
            cluster_id=self._cluster_id,
            message_offset=record.offset,
            key=message.key,
            event_id=envelope.id if envelope else None,
            type=envelope.type if envelope else None,
            payload=record.value or b"",
            reason="poison" if error else "parked",
            error=describe(error) if error else None,
            attempts=1 if error else 0,
        )
        if not added:
            return "stale"
        if error is None:
            return "parked"
        await repository.park(self._session, self._group, (message.topic, message.key))
        self._parked.add((message.topic, message.key))
        _log.error(
            "message_put_aside",
            group=self._group,
            topic=message.topic,
            partition=record.partition,
            offset=record.offset,
            error=type(error).__name__,
        )
        return "poison"


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """Seeks to the database's offsets whenever partitions are assigned."""

    def __init__(
        self,
        database: Any,
        client: AIOKafkaConsumer[bytes, bytes],
        group: str,
        cluster_id: str,
        prefix: str,
    ) -> None:
        self._database = database
        self._client = client
        self._group = group
        self._cluster_id = cluster_id
        self._prefix = prefix
        self._failure: Exception | None = None
        # Whether what the client reads is read from the database's offsets. An assignment is in force, and read from,
        # before its listener has asked the database.
        self.is_settled = False

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Nothing is held for a partition outside of a batch's transaction."""
        self.is_settled = False

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        partitions = {(self._topic(partition), partition.partition): partition for partition in assigned}
        if not partitions:
            return
        try:
            async with self._database.transaction(SYSTEM) as session:
                offsets = await repository.start_positions(session, self._group, self._cluster_id, partitions)
        except Exception as error:  # noqa: BLE001 - the client swallows it; `raise_failure` gives it to the loop
            self._failure = error
            return
        for position, partition in partitions.items():
            self._client.seek(partition, offsets[position])
        # In the same step as the seeks: `getmany` and the look at this are one step as well.
        self.is_settled = True

    def raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def check(self) -> None:
        """Notice that a position was reset even while nothing arrives."""
        self.raise_failure()
        if not self.is_settled:
            return
        assigned = {(self._topic(partition), partition.partition) for partition in self._client.assignment()}
        async with self._database.transaction(SYSTEM) as session:
            known = await repository.offsets(session, self._group, self._cluster_id)
        # A rebalance between the two looks the same; building the client again is right for both.
        if not assigned <= known.keys():
            raise LostPosition("the offsets were reset")

    def _topic(self, partition: TopicPartition) -> str:
        return str(partition.topic).removeprefix(self._prefix)
