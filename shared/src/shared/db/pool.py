"""Pooled asyncpg connections that stay set up for whoever they last spoke for."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import asyncpg
import structlog

ACQUIRE_TIMEOUT = 10.0

_log = structlog.get_logger(__name__)


class Context(NamedTuple):
    """For whom row-level security lets statements see and change rows."""

    organization: str
    roles: str
    system: str


class Lease(NamedTuple):
    """A connection on loan, and whom it is set up for (none: nobody yet)."""

    connection: asyncpg.Connection[Any]
    context: Context | None


class ContextPool:
    """Hands out connections by context, so that a caller mostly finds one on which nothing is left to set.

    asyncpg's own pool makes the connections and repairs what was cancelled in the middle; those in good order are kept
    here between two uses, because going through that pool costs a task, a timer and a lost context each time.
    """

    def __init__(self, url: str, *, size: int, session: dict[str, str]) -> None:
        self._url = url
        self._size = size
        self._session = session
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        # The longest unused first.
        self._idle: list[Lease] = []
        self._taken = 0
        self._waiting = 0

    async def start(self) -> None:
        """Raises if the database cannot be reached."""
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=1,
            max_size=self._size,
            command_timeout=30,
            timeout=10,
            server_settings=self._session,
            # The context is set by whoever takes the connection, so that there is nothing to undo after use.
            reset=_leave_as_is,
        )

    def stop(self) -> None:
        """Close everything at once."""
        if self._pool is not None:
            self._pool.terminate()
        self._idle.clear()

    async def take(self, context: Context) -> Lease:
        """A connection, set up for this context if one rests here; waits while all are in use."""
        lease = self._resting(context)
        if lease is not None:
            if not is_gone(lease.connection):
                return lease
            await self.discard(lease)
        self._waiting += 1
        try:
            connection = await self._open_pool().acquire(timeout=ACQUIRE_TIMEOUT)
        finally:
            self._waiting -= 1
        self._taken += 1
        return Lease(cast("asyncpg.Connection[Any]", connection), None)

    async def give_back(self, lease: Lease) -> None:
        """In good order: no transaction open, nothing under way, and really set up for the lease's context."""
        if self._waiting or is_gone(lease.connection):
            await self.discard(lease)
        else:
            self._idle.append(lease)

    async def discard(self, lease: Lease) -> None:
        """In doubt: asyncpg's pool ends what is under way, or the connection, and forgets the context."""
        self._taken -= 1
        try:
            await self._open_pool().release(cast("Any", lease.connection))
        except TimeoutError:
            # A cancellation that reached PostgreSQL before its statement did ended nothing, and the pool has closed the
            # connection; whoever gives it back has an error of his own to tell, or none.
            _log.warning("connection_closed_while_cancelling")

    def _resting(self, context: Context) -> Lease | None:
        for at in range(len(self._idle) - 1, -1, -1):
            if self._idle[at].context == context:
                return self._idle.pop(at)
        # Rather one more connection than one that has to be set up anew for each of two callers in turn.
        if self._idle and self._taken >= self._size:
            return self._idle.pop(0)
        return None

    def _open_pool(self) -> asyncpg.Pool[asyncpg.Record]:
        if self._pool is None:
            raise asyncpg.InterfaceError("the database was not started")
        return self._pool


def is_gone(connection: asyncpg.Connection[Any]) -> bool:
    """Whether the connection is closed, by whomever."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        # asyncpg's pool has taken back what the server closed, and its proxy answers nothing any more.
        return True


async def _leave_as_is(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    # A block that was cancelled between its statements may have left a transaction open.
    if connection.is_in_transaction():
        await connection.execute("rollback")
