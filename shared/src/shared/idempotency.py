"""Idempotency-Key: the answer of an unsafe request is stored with its effect, in the same transaction."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, cast

import asyncpg
import orjson
import structlog
from fastapi import Request, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.auth import SYSTEM, Actor
from shared.db import DATABASE_ERRORS, Database, driver_connection
from shared.problems import IdempotencyKeyReused, Problem, RequestInFlight

KEPT = timedelta(hours=72)
SWEEP_INTERVAL = 900.0
SWEEP_BATCH = 5_000

_log = structlog.get_logger(__name__)

# The lock is the transaction's, so that a killed process leaves none behind.
_BEGIN = """
select pg_try_advisory_xact_lock(hashtextextended($1::text || ':' || $2, 352)) as free,
       r.fingerprint, r.status, r.headers::text as headers, r.body
from (select 1) one left join idempotency_record r on r.actor_id = $1 and r.key = $2
"""
_IS_STORED = "select exists (select from idempotency_record where actor_id = $1 and key = $2)"
_STORE = """
insert into idempotency_record (actor_id, key, fingerprint, status, headers, body)
values ($1, $2, $3, $4, $5::text::json, $6)
"""
_SWEEP = """
delete from idempotency_record where (actor_id, key) in (
    select actor_id, key from idempotency_record where created_at < clock_timestamp() - $1::interval limit $2)
"""
# Headers that belong to the answer's content; the others are made anew each time.
_KEPT_HEADERS = ("content-type", "etag", "location", "link", "retry-after")


class Fingerprints:
    """Digests by which a request is known again, keyed because some requests hold a password."""

    def __init__(self, secret: bytes) -> None:
        # Not the secret itself: it has other uses.
        self._key = hmac.digest(secret, b"idempotency", hashlib.sha256)

    def of(self, request: Request, body: bytes) -> bytes:
        # If-Match is part of what was asked: the same key against another version is another request.
        parts = (request.method, request.url.path, request.url.query, request.headers.get("if-match", ""))
        return hmac.digest(self._key, "\n".join(parts).encode() + b"\n" + body, hashlib.sha256)


async def run_idempotent(
    request: Request,
    transaction: AsyncSession | asyncpg.Connection[Any],
    actor: Actor,
    key: str,
    handler: Callable[[], Awaitable[Response]],
    *,
    content: bytes | None = None,
) -> Response:
    """Run the handler once for a key; a repetition gets the stored answer, with `Idempotency-Replayed: true`.

    Raises 422 for the same key with another request and 409 while the first one is under way. An error of the handler
    is not stored, because its transaction is rolled back: the same key may try again. `content` stands for a body that
    was read piece by piece or is written differently each time, as a form with a file is: its digest, and whatever else
    was asked in it.
    """
    connection = await driver_connection(transaction) if isinstance(transaction, AsyncSession) else transaction
    fingerprint = request.app.state.fingerprints.of(request, await request.body() if content is None else content)
    row = await connection.fetchrow(_BEGIN, actor.id, key)
    assert row is not None
    if row["fingerprint"] is not None:
        return _replay(row, fingerprint)
    if not row["free"]:
        raise RequestInFlight(headers={"Retry-After": "1"})
    try:
        response = await handler()
    except Problem as problem:
        # The first request may have committed between our snapshot and our lock. What we met is then its own effect
        # (a version that has moved on, a step that is taken), and the answer to give is the one that it stored.
        if await _is_stored(connection, actor, key):
            raise RequestInFlight(headers={"Retry-After": "0"}) from problem
        raise
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    if isinstance(transaction, AsyncSession):
        await transaction.flush()
    try:
        await connection.execute(
            _STORE,
            actor.id,
            key,
            fingerprint,
            response.status_code,
            orjson.dumps(headers).decode(),
            bytes(response.body),
        )
    except asyncpg.UniqueViolationError as error:
        # The first request committed between our snapshot and our lock; what we did is rolled back with this.
        raise RequestInFlight(headers={"Retry-After": "0"}) from error
    return response


async def write_once(
    request: Request, actor: Actor, key: str, step: Callable[[asyncpg.Connection[Any]], Awaitable[Response]]
) -> Response:
    """One step in one transaction, which is committed before the answer leaves; once for a key."""
    database: Database = request.app.state.database
    async with database.write(actor) as connection:
        return await run_idempotent(request, connection, actor, key, partial(step, connection))


async def sweep(database: Database) -> None:
    """Forget the records that nobody repeats any more; runs until it is cancelled."""
    while True:
        await asyncio.sleep(SWEEP_INTERVAL)
        try:
            async with database.read(SYSTEM) as connection:
                full = f"DELETE {SWEEP_BATCH}"
                while await connection.execute(_SWEEP, KEPT, SWEEP_BATCH) == full:
                    pass
        except DATABASE_ERRORS as error:
            _log.warning("idempotency_records_not_swept", error=repr(error))


async def _is_stored(connection: asyncpg.Connection[Any], actor: Actor, key: str) -> bool:
    try:
        stored: bool = await connection.fetchval(_IS_STORED, actor.id, key)
    except asyncpg.InFailedSQLTransactionError:
        # The problem stands for an error of a statement: there is nothing more to ask in this transaction.
        return False
    return stored


def _replay(row: asyncpg.Record, fingerprint: bytes) -> Response:
    if row["fingerprint"] != fingerprint:
        raise IdempotencyKeyReused
    headers = cast("dict[str, str]", orjson.loads(row["headers"]))
    return Response(row["body"], row["status"], {**headers, "Idempotency-Replayed": "true"})
