"""Events in the feed, and a real server that streams them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID

import httpx
import pytest_asyncio

from notifier.app import create_app
from notifier.config import Settings
from notifier.feed.service import append
from shared.auth import SYSTEM, TokenIssuer
from shared.events import Envelope
from shared.roles import http_role
from tests.notifier.conftest import TUESDAY, Door, World
from tests.notifier.factories import envelope_of, staffed, task_event


def happening(*members: UUID, agreement_id: UUID | None = None) -> Envelope:
    """Something that these organisations may see."""
    return envelope_of(task_event(staffed(), due_on=None, moment=TUESDAY, members=members, agreement_id=agreement_id))


async def put(world: World, *envelopes: Envelope) -> None:
    """Into the feed, as the consumer puts it."""
    async with world.database.transaction(SYSTEM) as session:
        for envelope in envelopes:
            await append(session, [envelope])


def ids(envelopes: Sequence[Envelope]) -> list[str]:
    return [str(envelope.id) for envelope in envelopes]


class Server:
    """The notifier's server on a Unix socket, as the gateway reaches it."""

    def __init__(self, door: Door, stop: asyncio.Event, running: asyncio.Task[None]) -> None:
        self.door = door
        self._stop = stop
        self.running = running

    def stop(self) -> None:
        self._stop.set()


@pytest_asyncio.fixture(loop_scope="session")
async def server(world: World, settings: Settings, issuer: TokenIssuer, tmp_path: Path) -> AsyncIterator[Server]:
    uds = str(tmp_path / "n.sock")
    stop = asyncio.Event()
    role = http_role(create_app(settings.model_copy(update={"feed_poll_seconds": 0.02})), uds=uds)
    running = asyncio.ensure_future(role(stop))
    transport = httpx.AsyncHTTPTransport(uds=uds)
    async with httpx.AsyncClient(transport=transport, base_url="http://lienvung.test", timeout=10) as http:
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await http.get("/health/live")).status_code == 200:
                        break
                await asyncio.sleep(0.05)
        yield Server(Door(http, issuer), stop, running)
    stop.set()
    await running
