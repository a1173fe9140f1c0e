"""A scanner that speaks clamd's INSTREAM protocol over TCP, and does whatever a daemon of somebody else's may do."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

# The test file of the European Institute for Computer Antivirus Research, in two parts so that this file is none.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + rb"ANTIVIRUS-TEST-FILE!$H+H*"
LARGEST = 25 * 1024 * 1024


class Mood(StrEnum):
    WORKS = "works"
    SILENT = "silent"
    HANGS_UP = "hangs up"
    HANGS_UP_AT_ONCE = "hangs up at once"
    REFUSES = "refuses"
    BABBLES = "babbles"


@dataclass
class Scanner:
    """One daemon, what it was sent, and how it is disposed today."""

    address: str = ""
    mood: Mood = Mood.WORKS
    largest: int = LARGEST
    seen: list[bytes] = field(default_factory=list)
    # Held back while this is not set.
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mood is Mood.HANGS_UP_AT_ONCE:
            return
        assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
        content = bytearray()
        while size := struct.unpack("!I", await reader.readexactly(4))[0]:
            content += await reader.readexactly(size)
            if len(content) > self.largest:
                writer.write(b"INSTREAM size limit exceeded. ERROR\0")
                await writer.drain()
                return
        self.seen.append(bytes(content))
        await self.go_on.wait()
        if self.mood is Mood.SILENT:
            await reader.read()
        elif self.mood is not Mood.HANGS_UP:
            writer.write(self._reply(bytes(content)) + b"\0")
            await writer.drain()

    def _reply(self, content: bytes) -> bytes:
        if self.mood is Mood.REFUSES:
            return b"Can't allocate memory ERROR"
        if self.mood is Mood.BABBLES:
            return b"HTTP/1.1 400 Bad Request"
        return b"stream: Eicar-Test-Signature FOUND" if EICAR in content else b"stream: OK"


async def until(happened: Callable[[], Awaitable[bool]], *, patience: float = 20.0) -> None:
    """Wait for what takes a moment, and fail when it takes too long."""
    async with asyncio.timeout(patience):
        while True:
            if await happened():
                return
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def listening(scanner: Scanner) -> AsyncIterator[Scanner]:
    """The scanner on a port of its own."""
    scanner.go_on.set()
    server = await asyncio.start_server(scanner.answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    scanner.address = f"{host}:{port}"
    try:
        yield scanner
    finally:
        server.close()
