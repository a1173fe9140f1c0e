"""Connections to a service's database, each under the identity of whoever is asking."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, cast

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from shared import clock
from shared.auth import SYSTEM, Actor

CLOCK_INTERVAL = 1.0

_log = structlog.get_logger(__name__)

_CONTEXT = text(
    "select set_config('lienvung.organization_id', :organization, true),"
    " set_config('lienvung.roles', :roles, true), set_config('lienvung.system', :system, true)"
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


if TYPE_CHECKING:
    # Generic only for the type checker: asyncpg's own class takes no parameters.
    _Connection = asyncpg.Connection[asyncpg.Record]
else:
    _Connection = asyncpg.Connection


class ContextConnection(_Connection):
    """A pooled connection that remembers for whom it was last set up."""

    context: tuple[str, str, str] | None = None

    def set_up_for(self, context: tuple[str, str, str] | None) -> None:
        """A method, because the pool's proxy hands on calls and no assignments."""
        self.context = context


class Database:
    """Two pools on one database: SQLAlchemy sessions, and bare asyncpg for what must be fast.

    Every statement runs under row-level security as the actor that its block was opened for.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self._url = settings.database_url.replace("postgresql+asyncpg://", "postgresql://", 1)
        self._pool_size = settings.pool_size
        self.engine = create_async_engine(
            self._url.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=settings.pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_use_lifo=True,
        )
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._follower: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the pool and begin to follow the product's clock. Raises if the database cannot be reached."""
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=1,
            max_size=self._pool_size,
            connection_class=ContextConnection,
            command_timeout=30,
            timeout=10,
            # The context is set by whoever takes the connection, so that there is nothing to undo after use.
            reset=_leave_as_is,
        )
        await self._read_clock()
        self._follower = asyncio.create_task(self._follow_clock(), name="product-clock")

    async def stop(self) -> None:
        if self._follower is not None:
            self._follower.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._follower
        if self._pool is not None:
            self._pool.terminate()
        await self.engine.dispose()

    @contextlib.asynccontextmanager
    async def transaction(self, actor: Actor) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back by whatever leaves it otherwise."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            organization, roles, system = _context(actor)
            await (await session.connection()).execute(
                _CONTEXT, {"organization": organization, "roles": roles, "system": system}
            )
            yield session

    @contextlib.asynccontextmanager
    async def read(self, actor: Actor) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """A connection for reading, without a transaction of its own."""
        async with self._acquire() as connection:
            context = _context(actor)
            if connection.context != context:
                connection.set_up_for(None)
                await connection.execute(_POOL_CONTEXT, *context)
                connection.set_up_for(context)
            yield connection

    @contextlib.asynccontextmanager
    async def write(self, actor: Actor) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """One transaction on a bare connection, for hot writes; begun and set up in a single round trip."""
        async with self._acquire() as connection:
            organization, roles, system = _context(actor)
            connection.set_up_for(None)
            async with _transaction(
                connection,
                f"set local lienvung.organization_id = '{organization}'; set local lienvung.roles = '{roles}';"
                f" set local lienvung.system = '{system}'",
            ):
                yield connection

    @contextlib.asynccontextmanager
    async def _acquire(self) -> AsyncIterator[ContextConnection]:
        if self._pool is None:
            raise asyncpg.InterfaceError("the database was not started")
        async with self._pool.acquire(timeout=10) as connection:
            yield cast(ContextConnection, connection)

    async def _follow_clock(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_INTERVAL)
            try:
                await self._read_clock()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
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
async def _transaction(connection: asyncpg.Connection[asyncpg.Record], first: str) -> AsyncIterator[None]:
    await connection.execute(f"begin; {first}")
    try:
        yield
    except BaseException:
        if not connection.is_closed():
            await connection.execute("rollback")
        raise
    else:
        await connection.execute("commit")


async def _leave_as_is(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    # A block that was cancelled between its statements may have left a transaction open.
    if connection.is_in_transaction():
        await connection.execute("rollback")


def _context(actor: Actor) -> tuple[str, str, str]:
    roles = ",".join(sorted(role for role in actor.roles if role.isidentifier()))
    return (
        str(actor.organization_id) if actor.organization_id else "",
        roles,
        "on" if actor.kind == "system" else "off",
    )
