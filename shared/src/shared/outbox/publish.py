"""Writing events into the outbox, inside the transaction that changed the aggregate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.events import Event, current_traceparent, envelope_bytes
from shared.ids import new_id

COLUMNS = "event_id, aggregate_id, version, type, topic, key, payload, headers, occurred_at"

# Positional, for hot statements on asyncpg; the same values in the same order as OutboxRow.
INSERT_SQL = (
    f"insert into outbox ({COLUMNS})"  # noqa: S608 - a constant of this module
    " values ($1, $2, $3, $4, $5, $6, $7::text::json, $8::text::json, $9)"
)

# One round trip for any number of events; ordinality keeps the order in which they were published.
_INSERT_MANY = text(
    f"insert into outbox ({COLUMNS})"  # noqa: S608 - a constant of this module
    " select event_id, aggregate_id, version, type, topic, key, payload::json, headers::json, occurred_at"
    " from unnest(cast(:event_id as uuid[]), cast(:aggregate_id as uuid[]), cast(:version as bigint[]),"
    " cast(:type as text[]), cast(:topic as text[]), cast(:key as text[]), cast(:payload as text[]),"
    " cast(:headers as text[]), cast(:occurred_at as timestamptz[])) with ordinality"
    " as new(event_id, aggregate_id, version, type, topic, key, payload, headers, occurred_at, position)"
    " order by position"
)


# What the topics take, with room for what Kafka adds. Refused here, the change fails with its request; later, one event
# that no broker accepts would hold up every event behind it.
MAX_EVENT_BYTES = 4 * 1024 * 1024


class EventTooLarge(ValueError):
    """The aggregate's snapshot is larger than an event may be."""


class OutboxRow(NamedTuple):
    event_id: UUID
    aggregate_id: UUID
    version: int
    type: str
    topic: str
    key: str
    # The whole CloudEvent, serialised once: Kafka, SSE and webhooks carry these very bytes.
    payload: str
    headers: str
    occurred_at: datetime


def row_of(event: Event) -> OutboxRow:
    event_id = new_id()
    traceparent = current_traceparent()
    payload = envelope_bytes(event, event_id=event_id, traceparent=traceparent)
    if len(payload) > MAX_EVENT_BYTES:
        raise EventTooLarge(f"{event.type} has {len(payload)} bytes, more than {MAX_EVENT_BYTES}")
    return OutboxRow(
        event_id=event_id,
        aggregate_id=event.aggregate_id,
        version=event.version,
        type=event.type,
        topic=event.topic,
        key=event.key,
        payload=payload.decode(),
        headers=orjson.dumps({"traceparent": traceparent} if traceparent else {}).decode(),
        occurred_at=event.occurred_at,
    )


async def publish(session: AsyncSession, event: Event) -> None:
    """Add the event to the caller's transaction; it is sent once that commits, and only then."""
    await publish_all(session, [event])


async def publish_all(session: AsyncSession, events: Sequence[Event]) -> None:
    if not events:
        return
    rows = [row_of(event) for event in events]
    columns: dict[str, list[Any]] = {
        name: [value[index] for value in rows] for index, name in enumerate(OutboxRow._fields)
    }
    await (await session.connection()).execute(_INSERT_MANY, columns)


async def publish_on(connection: asyncpg.Connection[Any], event: Event) -> None:
    """The same on a bare asyncpg connection, for hot writes."""
    await connection.execute(INSERT_SQL, *row_of(event))
