"""Connections to a service's database, each under the identity of whoever is asking."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import lru_cache
from types import TracebackType
from typing import Any, Protocol, cast

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from shared import clock
from shared.auth import SYSTEM, Actor
from shared.db.faults import DATABASE_ERRORS
from shared.db.pool import Context, ContextPool, Lease, is_gone

CLOCK_INTERVAL = 1.0
# JSON that PostgreSQL builds writes its times in the session's zone, and the API's times are UTC.
SESSION = {"timezone": "UTC"}

_log = structlog.get_logger(__name__)

_CONTEXT = text(
    "select set_config('lienvung.organization_id', :organization, true),"
    " set_config('lienvung.roles', :roles, true), set_config('lienvung.system', :system, true),"
    " set_config('lienvung.account_id', :account, true)"
)
_POOL_CONTEXT = (
    "select set_config('lienvung.organization_id', $1, false), set_config('lienvung.roles', $2, false),"
    " set_config('lienvung.system', $3, false)"
)


class DatabaseSettings(Protocol):
    @property
    def database_url(self) -> str: ...
    @property
    def pool_size(self) -> int: ...


class Database:
    """Two pools on one database: SQLAlchemy sessions, and bare asyncpg for what must be fast.

    Every statement runs under row-level security as the actor that its block was opened for.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self._url = settings.database_url.replace("postgresql+asyncpg://", "postgresql://", 1)
        self.engine = create_async_engine(
            self._url.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=settings.pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_use_lifo=True,
            connect_args={"server_settings": SESSION},
        )
        self._pool = ContextPool(self._url, size=settings.pool_size, session=SESSION)
        self._follower: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the pool and begin to follow the product's clock. Raises if the database cannot be reached."""
        await self._pool.start()
        await self._read_clock()
        self._follower = asyncio.create_task(self._follow_clock(), name="product-clock")

    async def stop(self) -> None:
        if self._follower is not None:
            self._follower.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._follower
        self._pool.stop()
        await self.engine.dispose()

    @contextlib.asynccontextmanager
    async def transaction(self, actor: Actor) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back by whatever leaves it otherwise."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            organization, roles, system = _context(actor)
            # Not so in the pool: its connections serve everybody of an organisation, and would no more.
            account = str(actor.id) if actor.kind == "user" else ""
            await (await session.connection()).execute(
                _CONTEXT, {"organization": organization, "roles": roles, "system": system, "account": account}
            )
            yield session

    def read(self, actor: Actor) -> AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]:
        """A connection for reading, without a transaction of its own."""
        return _Reading(self._pool, _context(actor))

    def write(self, actor: Actor) -> AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]:
        """One transaction on a bare connection, for hot writes; begun and set up in a single round trip."""
        return _Writing(self._pool, _context(actor))

    async def _follow_clock(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_INTERVAL)
            try:
                await self._read_clock()
            except DATABASE_ERRORS as error:
                # The last offset known stays right until somebody moves the clock again.
                _log.debug("product_clock_not_read", error=repr(error))

    async def _read_clock(self) -> None:
        async with self.read(SYSTEM) as connection:
            offset = await connection.fetchval("select offset_interval from product_clock where id = 1")
        clock.set_offset(offset or timedelta())


async def driver_connection(session: AsyncSession) -> asyncpg.Connection[Any]:
    """The asyncpg connection under a session, inside the session's transaction."""
    raw = await (await session.connection()).get_raw_connection()
    return cast("asyncpg.Connection[Any]", raw.driver_connection)


@contextlib.asynccontextmanager
async def as_system(connection: asyncpg.Connection[Any]) -> AsyncIterator[None]:
    """Within a transaction whose caller has been checked: what the product itself does because of his decision."""
    before = await connection.fetchval("select current_setting('lienvung.system', true)")
    await connection.execute("select set_config('lienvung.system', 'on', true)")
    yield
    await connection.execute("select set_config('lienvung.system', $1, true)", before or "off")


# Classes and no generators: these two blocks are entered for every request.
class _Reading:
    def __init__(self, pool: ContextPool, context: Context) -> None:
        self._pool = pool
        self._context = context
        self._lease: Lease

    async def __aenter__(self) -> asyncpg.Connection[asyncpg.Record]:
        lease = await self._pool.take(self._context)
        if lease.context != self._context:
            try:
                await lease.connection.execute(_POOL_CONTEXT, *self._context)
            except BaseException:
                await self._pool.discard(lease)
                raise
            lease = Lease(lease.connection, self._context)
        self._lease = lease
        return lease.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection = self._lease.connection
        if error is None and not is_gone(connection) and not connection.is_in_transaction():
            await self._pool.give_back(self._lease)
        else:
            await self._pool.discard(self._lease)


class _Writing:
    def __init__(self, pool: ContextPool, context: Context) -> None:
        self._pool = pool
        self._context = context
        self._lease: Lease

    async def __aenter__(self) -> asyncpg.Connection[asyncpg.Record]:
        lease = self._lease = await self._pool.take(self._context)
        try:
            await lease.connection.execute("begin" if lease.context == self._context else _begin_for(self._context))
        except BaseException:
            await self._pool.discard(lease)
            raise
        return lease.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lease = self._lease
        if error is not None and (not isinstance(error, Exception) or is_gone(lease.connection)):
            await self._pool.discard(lease)
            return
        try:
            if error is None:
                await _commit(lease.connection)
            else:
                await lease.connection.execute("rollback")
        except BaseException:
            await self._pool.discard(lease)
            raise
        # What was set for the transaction ended with it, and the session is again as it was.
        await self._pool.give_back(lease)


async def _commit(connection: asyncpg.Connection[Any]) -> None:
    # PostgreSQL answers the commit of a transaction that failed with a rollback and no error.
    if await connection.execute("commit") != "COMMIT":
        raise asyncpg.InFailedSQLTransactionError("a statement of the transaction had failed: it was rolled back")


def _begin_for(context: Context) -> str:
    # `_context` lets nothing into it but a UUID, identifiers and commas.
    return (
        f"begin; set local lienvung.organization_id = '{context.organization}';"
        f" set local lienvung.roles = '{context.roles}'; set local lienvung.system = '{context.system}'"
    )


@lru_cache(maxsize=4096)
def _context(actor: Actor) -> Context:
    roles = ",".join(sorted(role for role in actor.roles if role.isidentifier()))
    return Context(
        str(actor.organization_id) if actor.organization_id else "",
        roles,
        "on" if actor.kind == "system" else "off",
    )
