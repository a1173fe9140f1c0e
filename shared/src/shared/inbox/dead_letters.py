"""Messages that were put aside: list them, replay a parked key, discard one, or forget a whole group."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from shared.auth import SYSTEM
from shared.events import InvalidEnvelope, parse_envelope
from shared.inbox import repository
from shared.inbox.errors import describe, is_transient
from shared.inbox.handlers import Handler, handle

PAGE = 200


@dataclass(frozen=True)
class DeadLetter:
    id: int
    topic: str
    key: str
    event_id: UUID | None
    type: str | None
    reason: str
    error: str | None
    attempts: int
    created_at: datetime


@dataclass(frozen=True)
class Replay:
    """What a replay achieved: how many were applied, and the letter that stopped it, if any."""

    applied: int
    stopped_at: int | None
    error: str | None


async def waiting(session: AsyncSession, group: str, *, after: int = 0, limit: int = 50) -> list[DeadLetter]:
    return [DeadLetter(**row._mapping) for row in await repository.waiting_letters(session, group, after, limit)]


async def discard(session: AsyncSession, group: str, letter: int) -> bool:
    """Give one message up. Its key stays parked until `replay` has applied what waits behind it."""
    return await repository.resolve(session, group, letter, "discarded")


async def reset(session: AsyncSession, group: str) -> None:
    """Forget what the group has read, so that it reads everything again; the caller clears its projections with it."""
    await repository.forget(session, group)


async def replay(database: Any, group: str, topic: str, key: str, handlers: Mapping[str, Handler]) -> Replay:
    """Apply the waiting messages of a key in their order, and let the key go if all of them succeed.

    One transaction a page of messages: what was applied stays applied when a later one fails.
    """
    applied = 0
    while True:
        async with database.transaction(SYSTEM) as session:
            if not await repository.lock_key(session, group, (topic, key)):
                return Replay(applied, None, None)
            page = await repository.letters(session, group, (topic, key), PAGE)
            if not page:
                await repository.unpark(session, group, (topic, key))
                return Replay(applied, None, None)
            for letter, payload in page:
                error = await _apply(session, group, payload, handlers)
                if error is not None:
                    await repository.failed_again(session, letter, error)
                    return Replay(applied, letter, error)
                await repository.resolve(session, group, letter, "replayed")
                applied += 1


async def _apply(session: AsyncSession, group: str, payload: bytes, handlers: Mapping[str, Handler]) -> str | None:
    """The error, or none when the message took effect or had nothing new."""
    try:
        envelope = parse_envelope(payload)
    except InvalidEnvelope as error:
        return describe(error)
    known = await repository.versions(session, group, [envelope.aggregate_id])
    if envelope.version <= known.get(envelope.aggregate_id, 0):
        return None
    handler = handlers.get(envelope.type)
    if handler is not None:
        try:
            async with session.begin_nested():
                await handle(handler, session, envelope)
        except Exception as error:
            if is_transient(error):
                raise
            return describe(error)
    await repository.save_versions(session, group, {envelope.aggregate_id: envelope.version})
    return None
