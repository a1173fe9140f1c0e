"""The relay: sends what became visible in the outbox between two snapshots, at least once and in order.

Never `id > cursor`: ids are drawn before they are committed, so a slower transaction's row would be passed over. Never
"everything below the oldest running transaction": one long transaction anywhere would stop every event. A row is sent
when its transaction is visible now (S2) and was not visible at the last send (S1), and then S1 becomes S2.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter as Counts
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

import asyncpg
import orjson
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from prometheus_client import Counter, Gauge, Histogram

from shared import clock
from shared.db import DATABASE_ERRORS
from shared.events import CONTENT_TYPE
from shared.kafka import admin_client, client_options, cluster_id_of, ensure_topics
from shared.roles import wait_or_stop

SENT = Counter("lienvung_relay_sent_total", "Events acknowledged by the broker", ["service", "topic"])
FAILURES = Counter("lienvung_relay_failures_total", "Times the relay had to rebuild its clients", ["service"])
RESTARTS = Counter("lienvung_relay_new_cluster_total", "Times everything was published again", ["service"])
LAG = Gauge("lienvung_relay_lag_seconds", "Age of the oldest event that is not acknowledged", ["service"])
ACTIVE = Gauge("lienvung_relay_active", "1 while this process holds the relay's lock", ["service"])
DELAY = Histogram(
    "lienvung_relay_delay_seconds",
    "From an event's time to its acknowledgement",
    ["service"],
    buckets=(0.005, 0.01, 0.02, 0.04, 0.08, 0.25, 1, 5, 30, 300),
)

LOCK = 0x6C76_7265_6C61_79  # "lvrelay": one relay a database
BATCH = 2_000
FASTEST_POLL = 0.005
LEAST_PAUSE = 0.001
IDLE_POLL = 0.25
STAY_ACTIVE = 1.0
DELIVERY_TIMEOUT = 10.0
STANDBY_POLL = 0.5
SESSION = {
    # A crash may forget the last steps of the window: those events are sent again and dropped by version.
    "synchronous_commit": "off",
    "lock_timeout": "5s",
    # A table that only grows is always larger than its statistics say, and by those a scan of all of it looks cheap.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
CLUSTER_CHECK = 1.0
PARTITION_CHECK = 6 * 3600.0
FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 5.0
MAX_REQUEST = 8 * 1024 * 1024

_log = structlog.get_logger(__name__)

_ROW = "o.id, o.topic, o.key, o.payload::text as payload, o.headers::text as headers, o.occurred_at"

# "xid was in progress in S1" or "xid ≥ xmax(S1)"; visible in S2 is what the statement's own snapshot, S2, shows at all.
# The ids are materialized first so that the plan goes through the index on xid and only then to the rows.
_WINDOW = f"""
with fresh as materialized (
    select id, occurred_at from outbox where xid = any($1::text[]::xid8[])
    union all
    select id, occurred_at from outbox where xid >= $2::text::xid8
), batch as (
    select id, occurred_at from fresh order by id limit $3
)
select pg_current_snapshot()::text as s2, {_ROW}
from batch join outbox o using (id, occurred_at) order by o.id
"""  # noqa: S608 - constants of this module

# The rest of a window that is too big for one batch. Its set of rows is fixed by the two snapshots, and within a fixed
# set an id is a safe position. `pg_visible_in_snapshot` is no index condition, so this walks the primary key.
_PAGE = f"""
select {_ROW} from outbox o
where o.id > $1
  and pg_visible_in_snapshot(o.xid, $2::text::pg_snapshot)
  and ($3::text is null or not pg_visible_in_snapshot(o.xid, $3::text::pg_snapshot))
order by o.id limit $4
"""  # noqa: S608 - constants of this module

_COMPARE_AND_SET = """
update relay_state
set snapshot = $1::text::pg_snapshot, cluster_id = $2, window_end = $3::text::pg_snapshot, position = $4,
    updated_at = clock_timestamp()
where id = 1 and snapshot::text is not distinct from $5 and cluster_id is not distinct from $6
  and window_end::text is not distinct from $7 and position = $8
"""


class RelaySettings(Protocol):
    @property
    def service_name(self) -> str: ...
    @property
    def database_url(self) -> Any: ...
    @property
    def kafka_bootstrap_servers(self) -> str: ...
    @property
    def kafka_topic_prefix(self) -> str: ...


class LostRelay(Exception):
    """Another relay moved the window, or the lock's session is gone; start over from what the database says."""


class DeliveryTimeout(Exception):
    """The broker did not acknowledge a batch in time; the producer's state is unknown and it is thrown away."""


@dataclass(frozen=True)
class State:
    """The row of relay_state; snapshots as text because they are only compared, cut up and handed back."""

    snapshot: str | None
    cluster_id: str | None
    window_end: str | None
    position: int


class Relay:
    """Sends one service's outbox to Kafka. Any number may run; an advisory lock lets one of them work."""

    def __init__(self, settings: RelaySettings, database: object = None, *, batch: int = BATCH) -> None:
        # The relay keeps a connection of its own and none of the pool's: its lock lives as long as that session.
        self._settings = settings
        self._service = settings.service_name
        self._prefix = settings.kafka_topic_prefix
        self._batch = batch
        self._oldest: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until stopped. Every failure is temporary here: clients are rebuilt and work resumes from S1."""
        loop = asyncio.get_running_loop()
        LAG.labels(self._service).set_function(lambda: max(_age(self._oldest), 0.0) if self._oldest else 0.0)
        pause = FIRST_BACKOFF
        while not stop.is_set():
            started = loop.time()
            try:
                async with self._locked_connection(stop) as connection:
                    if connection is None:
                        return
                    await self._relay(connection, stop)
                    return
            except TEMPORARY as error:
                FAILURES.labels(self._service).inc()
                _log.warning("relay_interrupted", service=self._service, error=repr(error), again_in=pause)
            if loop.time() - started > LONGEST_BACKOFF * 2:
                pause = FIRST_BACKOFF
            await wait_or_stop(stop, pause)
            pause = min(pause * 2, LONGEST_BACKOFF)

    @contextlib.asynccontextmanager
    async def _locked_connection(self, stop: asyncio.Event) -> AsyncIterator[asyncpg.Connection[Any] | None]:
        connection = await asyncpg.connect(
            plain_dsn(self._settings.database_url),
            timeout=10,
            command_timeout=60,
            server_settings={"application_name": f"{self._service}-relay", **SESSION},
        )
        try:
            # Trying, not waiting: a session that waits for a lock holds a snapshot and keeps vacuum from its work.
            while not await connection.fetchval("select pg_try_advisory_lock($1)", LOCK):
                if await wait_or_stop(stop, STANDBY_POLL):
                    yield None
                    return
            ACTIVE.labels(self._service).set(1)
            yield connection
        finally:
            ACTIVE.labels(self._service).set(0)
            with contextlib.suppress(*TEMPORARY):
                await connection.close(timeout=2)

    async def _relay(self, connection: asyncpg.Connection[Any], stop: asyncio.Event) -> None:
        bootstrap = self._settings.kafka_bootstrap_servers
        window = _Window(connection, self._batch)
        self._oldest = await window.oldest()
        await ensure_topics(bootstrap, self._prefix)
        async with admin_client(bootstrap) as admin, _producer(bootstrap) as producer:
            await self._same_cluster(window, admin)
            clock_ = asyncio.get_running_loop().time
            checked_cluster = active_until = clock_()
            checked_partitions = float("-inf")
            pause = FASTEST_POLL
            while not stop.is_set():
                begun = clock_()
                if clock_() - checked_partitions > PARTITION_CHECK:
                    await _ensure_partitions(connection)
                    checked_partitions = clock_()
                if clock_() - checked_cluster > CLUSTER_CHECK:
                    # An idempotent producer may be accepted by a wiped broker without an error, so it is asked.
                    await self._same_cluster(window, admin)
                    checked_cluster = clock_()
                rows, following = await window.read()
                if rows:
                    self._oldest = rows[0]["occurred_at"]
                    await self._send(producer, rows)
                if following is not None:
                    await window.move(following)
                if rows:
                    active_until = clock_() + STAY_ACTIVE
                    pause = FASTEST_POLL
                    if len(rows) >= self._batch:
                        continue
                self._oldest = None
                # The pause is from poll to poll: what sending took has been waited for already.
                await wait_or_stop(stop, max(begun + pause - clock_(), LEAST_PAUSE))
                if clock_() > active_until:
                    pause = min(pause * 1.5, IDLE_POLL)

    async def _same_cluster(self, window: _Window, admin: AIOKafkaAdminClient) -> None:
        cluster_id = await cluster_id_of(admin)
        state = await window.load()
        if state.cluster_id == cluster_id:
            return
        RESTARTS.labels(self._service).inc()
        _log.warning("relay_new_cluster", service=self._service, old=state.cluster_id, new=cluster_id)
        await ensure_topics(self._settings.kafka_bootstrap_servers, self._prefix)
        await window.restart(cluster_id)

    async def _send(self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]) -> None:
        try:
            await asyncio.wait_for(self._send_all(producer, rows), DELIVERY_TIMEOUT)
        except TimeoutError as error:
            raise DeliveryTimeout(f"{len(rows)} events not acknowledged in {DELIVERY_TIMEOUT} s") from error
        for topic, count in Counts(row["topic"] for row in rows).items():
            SENT.labels(self._service, topic).inc(count)
        DELAY.labels(self._service).observe(max(_age(rows[0]["occurred_at"]), 0.0))

    async def _send_all(self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]) -> None:
        acknowledgements = [
            await producer.send(
                self._prefix + row["topic"],
                value=row["payload"].encode(),
                key=row["key"].encode(),
                headers=_headers(row["headers"]),
            )
            for row in rows
        ]
        await asyncio.gather(*acknowledgements)


class _Window:
    """The position between S1 and S2, as the database keeps it; every step is a compare-and-set."""

    def __init__(self, connection: asyncpg.Connection[Any], batch: int) -> None:
        self._connection = connection
        self._batch = batch
        self._state = State(None, None, None, 0)

    async def load(self) -> State:
        row = await self._connection.fetchrow(
            "select snapshot::text, cluster_id, window_end::text, position from relay_state where id = 1"
        )
        if row is None:
            raise LostRelay("relay_state has no row")
        self._state = State(**dict(row))
        return self._state

    async def oldest(self) -> datetime | None:
        """The time of the first event that waits, for the lag to grow while the broker is away."""
        state = await self.load()
        if state.window_end is None and state.snapshot is None:
            return None
        rows, _ = await self.read()
        return rows[0]["occurred_at"] if rows else None

    async def restart(self, cluster_id: str) -> None:
        """Everything visible now, from the beginning: one window with no S1."""
        now = await self._connection.fetchval("select pg_current_snapshot()::text")
        await self.move(State(snapshot=None, cluster_id=cluster_id, window_end=now, position=0))

    async def read(self) -> tuple[list[asyncpg.Record], State | None]:
        """The next batch, and the state to set once it is acknowledged (none: nothing happened)."""
        state = self._state
        if state.window_end is not None:
            return await self._page(state, state.window_end)
        if state.snapshot is None:
            raise LostRelay("there is no window yet")
        _, xmax, in_progress = state.snapshot.split(":")
        rows = await self._connection.fetch(
            _WINDOW, [xid for xid in in_progress.split(",") if xid], xmax, self._batch + 1
        )
        if not rows:
            return [], None
        s2 = rows[0]["s2"]
        if len(rows) <= self._batch:
            return rows, replace(state, snapshot=s2)
        rows = rows[: self._batch]
        return rows, replace(state, window_end=s2, position=rows[-1]["id"])

    async def _page(self, state: State, window_end: str) -> tuple[list[asyncpg.Record], State]:
        rows = await self._connection.fetch(_PAGE, state.position, window_end, state.snapshot, self._batch)
        if len(rows) < self._batch:
            return rows, replace(state, snapshot=window_end, window_end=None, position=0)
        return rows, replace(state, position=rows[-1]["id"])

    async def move(self, new: State) -> None:
        old = self._state
        status = await self._connection.execute(
            _COMPARE_AND_SET,
            *(new.snapshot, new.cluster_id, new.window_end, new.position),
            *(old.snapshot, old.cluster_id, old.window_end, old.position),
        )
        if status != "UPDATE 1":
            raise LostRelay("relay_state was moved by another relay")
        self._state = new


@contextlib.asynccontextmanager
async def _producer(bootstrap_servers: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        **client_options(bootstrap_servers),
        enable_idempotence=True,
        acks="all",
        max_batch_size=256 * 1024,
        # A batch is whole before the client's sender gets its turn; to linger would only delay it.
        linger_ms=0,
        max_request_size=MAX_REQUEST,
        partitioner=_partition,
        # Longer than our own deadline: were a batch to expire inside the client, the next one of its partition would
        # still be sent, and a later version would overtake an earlier one.
        request_timeout_ms=int(DELIVERY_TIMEOUT * 3 * 1000),
        metadata_max_age_ms=30_000,
    )
    failed = True
    try:
        await asyncio.wait_for(producer.start(), DELIVERY_TIMEOUT)
        yield producer
        failed = False
    finally:
        await _discard(producer) if failed else await producer.stop()


def _partition(key: bytes, partitions: Sequence[int], available: Sequence[int]) -> int:
    """Where every Kafka client puts this key, which the relay says for every event and there are few of."""
    return partitions[_hash(key) % len(partitions)]


@lru_cache(maxsize=65_536)
def _hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF


async def _discard(producer: AIOKafkaProducer) -> None:
    """End a producer without its flush: what it still holds will be sent by the next one, from S1."""
    await producer.client.close()
    with contextlib.suppress(TimeoutError, KafkaError):
        await asyncio.wait_for(producer.stop(), 2)
    sender = producer._sender.sender_task
    if sender is not None and not sender.done():
        sender.cancel()
        await asyncio.wait([sender], timeout=2)


async def _ensure_partitions(connection: asyncpg.Connection[Any]) -> None:
    try:
        today: date = await connection.fetchval("select current_date")
        await connection.execute("select outbox_ensure_partitions($1, 3)", today)
    except asyncpg.LockNotAvailableError:
        # Rows go to the default partition meanwhile; there is time until the next round.
        _log.warning("outbox_partitions_postponed")


def _headers(text: str) -> list[tuple[str, bytes]]:
    headers = [("content-type", CONTENT_TYPE.encode())]
    headers.extend((name, str(value).encode()) for name, value in orjson.loads(text).items())
    return headers


def _age(moment: datetime) -> float:
    age: timedelta = clock.now() - moment
    return age.total_seconds()


def plain_dsn(url: object) -> str:
    """asyncpg knows `postgresql://`; SQLAlchemy's `postgresql+asyncpg://` names the same place."""
    return str(url).replace("postgresql+asyncpg://", "postgresql://", 1)


TEMPORARY = (
    *DATABASE_ERRORS,
    KafkaError,
    DeliveryTimeout,
    LostRelay,
)
