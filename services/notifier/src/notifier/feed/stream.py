"""The feed as a stream of server-sent events: one poll of the table for all streams of a process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import orjson
import structlog
from fastapi import FastAPI
from sse_starlette import ServerSentEvent

from notifier.feed import repository, service
from notifier.feed.service import SCOPE, Filter
from shared.auth import SYSTEM, Actor
from shared.db import DATABASE_ERRORS, Database
from shared.pagination import Cursors
from shared.roles import stopping_of, wait_or_stop

BATCH = 100

_log = structlog.get_logger(__name__)


class Follower:
    """Knows the newest position, as long as somebody wants to know it.

    A poll and no NOTIFY, which would take a lock of the whole database at every commit of the consumers.
    """

    def __init__(self, database: Database, poll_seconds: float, stopping: asyncio.Event) -> None:
        self.stopping = stopping
        self._database = database
        self._poll_seconds = poll_seconds
        self._streams = 0
        self._newest = 0
        self._advanced = asyncio.Event()

    async def run(self) -> None:
        """Poll until told to stop."""
        while not await wait_or_stop(self.stopping, self._poll_seconds):
            if not self._streams:
                continue
            try:
                async with self._database.read(SYSTEM) as connection:
                    _, newest = await repository.bounds(connection)
            except DATABASE_ERRORS as error:
                _log.warning("feed_not_polled", error=type(error).__name__)
                continue
            if newest != self._newest:
                self._newest = newest
                self._wake()
        self._wake()

    async def beyond(self, position: int, *, timeout: float) -> int:
        """The newest position once it lies beyond this one, or whatever it is at the timeout or when all stops."""
        self._streams += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    while self._newest <= position and not self.stopping.is_set():
                        await self._advanced.wait()
            return self._newest
        finally:
            self._streams -= 1

    def _wake(self) -> None:
        self._advanced.set()
        self._advanced = asyncio.Event()


@asynccontextmanager
async def following(app: FastAPI) -> AsyncIterator[None]:
    """Follow the feed while the application runs; its streams end when the server begins to stop."""
    follower = Follower(app.state.database, app.state.settings.feed_poll_seconds, stopping_of(app))
    app.state.follower = follower
    task = asyncio.create_task(follower.run(), name="feed-follower")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def stream(
    database: Database,
    cursors: Cursors,
    follower: Follower,
    actor: Actor,
    wanted: Filter,
    after: int | None,
    *,
    lifetime: float,
) -> AsyncIterator[ServerSentEvent]:
    """Events after a position, or from now on; a `reset` first where events after that position are gone.

    It ends after its lifetime, because it must not outlive its token by much; the client comes back with a new one.
    """
    ends_at = asyncio.get_running_loop().time() + lifetime
    async with database.read(SYSTEM) as connection:
        trimmed_to, newest = await repository.bounds(connection)
    position = newest if after is None else after
    # Also a position that does not exist yet: its feed is not this one, as after a database was made anew.
    if not trimmed_to <= position <= newest:
        position = trimmed_to
        yield _reset(cursors.encode(SCOPE, [position]))
    elif after is None:
        # Something to come back to, even if no event follows before the connection breaks.
        yield ServerSentEvent(comment="from now on", id=cursors.encode(SCOPE, [position]))
    while not follower.stopping.is_set() and (left := ends_at - asyncio.get_running_loop().time()) > 0:
        async with database.read(actor) as connection:
            found = await service.read(connection, actor, wanted, after=position, upto=newest, limit=BATCH)
        for event in found.events:
            yield ServerSentEvent(
                data=event["payload"], event=event["type"], id=cursors.encode(SCOPE, [event["position"]])
            )
        position = found.reached
        if not found.has_more:
            newest = await follower.beyond(position, timeout=left)


def _reset(cursor: str) -> ServerSentEvent:
    """Tells the client to read its state anew; the stream goes on with the oldest event that there still is."""
    body = {"reason": "cursor_expired", "cursor": cursor}
    return ServerSentEvent(data=orjson.dumps(body).decode(), event="reset", id=cursor)
