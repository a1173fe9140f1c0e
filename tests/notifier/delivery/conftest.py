"""A real mail server, which keeps what it takes and refuses what it is told to."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP

from notifier.config import Settings


class PostOffice:
    """The server's side: answers in `refusals` are given first, then every mail is taken."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.refusals: list[str] = []
        self.arrived = asyncio.Event()
        self._free = asyncio.Event()
        self._free.set()
        self.port = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, loop=loop), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening; what is connected is cut off."""
        assert self._server is not None
        self._server.close()

    def hold(self) -> None:
        """Keep back the answers to what has been taken, until `release`."""
        self._free.clear()

    def release(self) -> None:
        self._free.set()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refusals:
            return self.refusals.pop(0)
        self.raw.append(envelope.content)
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        self.arrived.set()
        await self._free.wait()
        return "250 OK"


@pytest_asyncio.fixture(loop_scope="session")
async def post_office() -> AsyncIterator[PostOffice]:
    post_office = PostOffice()
    await post_office.open()
    try:
        yield post_office
    finally:
        await post_office.close()


@pytest.fixture
def mailing(settings: Settings, post_office: PostOffice) -> Settings:
    """Settings that lead to the test's own mail server."""
    return settings.model_copy(update={"smtp_url": f"smtp://127.0.0.1:{post_office.port}", "send_timeout_seconds": 5.0})
