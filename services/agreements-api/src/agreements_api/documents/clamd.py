"""A client of clamd, the daemon of ClamAV, in its INSTREAM protocol: the content goes over the wire piece by piece."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

_LENGTH = struct.Struct("!I")
_LONGEST_REPLY = 4096
_FOUND = " FOUND"
_ERROR = " ERROR"


class ScanFailed(Exception):
    """There is no verdict; `reason` is a word for people who look after the system."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Verdict:
    """What clamd says of a content; `found` is its name of the malware, none where it found nothing."""

    found: str | None = None


@dataclass(frozen=True)
class Clamd:
    """One daemon; `timeout` is how long it may be silent."""

    address: str
    timeout: float

    async def scan(self, content: AsyncIterator[bytes]) -> Verdict:
        """Send the content and wait for the verdict; ScanFailed where there is none."""
        try:
            async with asyncio.timeout(self.timeout):
                reader, writer = await self._connect()
        except (OSError, ValueError) as error:
            raise ScanFailed("unreachable") from error
        try:
            return _verdict(await self._exchange(reader, writer, content))
        except TimeoutError as error:
            raise ScanFailed("timeout") from error
        finally:
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.address.startswith("unix:"):
            return await asyncio.open_unix_connection(self.address.removeprefix("unix:"), limit=_LONGEST_REPLY)
        host, _, port = self.address.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port), limit=_LONGEST_REPLY)

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, content: AsyncIterator[bytes]
    ) -> str:
        # A daemon that has had enough answers and closes before everything was sent: what it said counts.
        with contextlib.suppress(ConnectionError):
            writer.write(b"zINSTREAM\0")
            async for piece in content:
                writer.write(_LENGTH.pack(len(piece)) + piece)
                await self._patiently(writer.drain())
            writer.write(_LENGTH.pack(0))
            await self._patiently(writer.drain())
        try:
            reply: bytes = await self._patiently(reader.readuntil(b"\0"))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ScanFailed("disconnected") from error
        return reply.rstrip(b"\0").decode(errors="replace").strip()

    async def _patiently(self, waiting: Any) -> Any:
        return await asyncio.wait_for(waiting, self.timeout)


def _verdict(reply: str) -> Verdict:
    said = reply.removeprefix("stream: ")
    if said == "OK":
        return Verdict()
    if said.endswith(_FOUND):
        return Verdict(said.removesuffix(_FOUND))
    if said.endswith(_ERROR):
        raise ScanFailed("size_limit" if "size limit" in said else "refused")
    raise ScanFailed("not_understood")
