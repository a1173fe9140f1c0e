"""HTTP/1.1 with kept connections in few lines: what drives the load shares two cores with all that it drives."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import orjson

_TIMEOUT = 20.0


class Cut(Exception):
    """The connection ended before the answer was whole; whether the request had an effect is not known."""


@dataclass(frozen=True)
class Reply:
    """One whole answer; names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        return orjson.loads(self.content)


class Wire:
    """Requests to one address, over as many connections as there are requests at a time."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for _reader, writer in self._idle:
            writer.close()

    async def request(self, method: str, target: str, body: Any, headers: Mapping[str, str]) -> Reply:
        """The answer; Cut, OSError or TimeoutError where there is none."""
        async with asyncio.timeout(_TIMEOUT):
            reader, writer = await self._connection()
            kept = False
            try:
                writer.write(self._request(method, target, body, headers))
                reply, kept = await _reply(reader)
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                raise Cut from error
            finally:
                if kept:
                    self._idle.append((reader, writer))
                else:
                    writer.close()
        return reply

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._host, self._port)

    def _request(self, method: str, target: str, body: Any, headers: Mapping[str, str]) -> bytes:
        content = b"" if body is None else orjson.dumps(body)
        lines = [f"{method} {target} HTTP/1.1", f"host: {self._host}:{self._port}", f"content-length: {len(content)}"]
        if content:
            lines.append("content-type: application/json")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


async def _reply(reader: asyncio.StreamReader) -> tuple[Reply, bool]:
    """The next answer, and whether the connection may be used again."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        content = await _chunks(reader)
    else:
        content = await reader.readexactly(int(headers.get("content-length", 0)))
    return Reply(int(first.split(" ", 2)[1]), headers, content), headers.get("connection") != "close"


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    content = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        content += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return content
