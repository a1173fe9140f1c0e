"""Rules of the feed: what goes in, who sees it, how long it stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from notifier.feed import repository
from notifier.feed.repository import Entry
from shared.auth import SYSTEM, Actor
from shared.db import Database, driver_connection
from shared.events import Envelope

TRIM_BATCH = 5_000
SCOPE = "events"


@dataclass(frozen=True)
class Filter:
    types: Sequence[str] = ()
    agreement_id: UUID | None = None


@dataclass(frozen=True)
class Slice:
    """Events after a position, and the position up to which there is nothing else for this caller."""

    events: list[asyncpg.Record]
    reached: int
    has_more: bool


async def append(session: AsyncSession, envelopes: Sequence[Envelope]) -> None:
    """Put the events into the feed of every organisation that may see each, as the bytes that arrived, in order."""
    entries = [
        Entry(
            event_id=envelope.id,
            type=envelope.type,
            agreement_id=envelope.partitionkey,
            payload=envelope.raw.decode(),
            members=envelope.data.members,
        )
        for envelope in envelopes
    ]
    await repository.append(await driver_connection(session), entries)


async def bounds(connection: asyncpg.Connection[Any]) -> tuple[int, int]:
    """The last position that retention took away, and the newest one."""
    return await repository.bounds(connection)


async def read(
    connection: asyncpg.Connection[Any], actor: Actor, wanted: Filter, *, after: int, upto: int, limit: int
) -> Slice:
    """The next events that the caller's organisation may see, none of them beyond `upto`."""
    rows = await repository.page(
        connection,
        actor.organization_id,
        after=after,
        upto=upto,
        limit=limit + 1,
        types=wanted.types,
        agreement_id=wanted.agreement_id,
    )
    if len(rows) > limit:
        return Slice(rows[:limit], rows[limit - 1]["position"], has_more=True)
    return Slice(rows, max(upto, after), has_more=False)


async def trim(database: Database, retention: timedelta) -> None:
    """Take away what is older than the retention, a batch at a time."""
    async with database.read(SYSTEM) as connection:
        while await repository.trim(connection, retention, TRIM_BATCH):
            pass
