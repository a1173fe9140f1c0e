"""The client of the load: whole answers, kept connections, and no answer where there is none."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.faults.wire import Cut, Wire

WHOLE = b'HTTP/1.1 201 Created\r\nETag: "v1"\r\nContent-Length: 7\r\n\r\n{"a":1}'
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n'
HALF = b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"a'
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers with given bytes, one after the other, and closes the connection after the last."""

    def __init__(self, answers: list[bytes]) -> None:
        self.answers = answers
        self.connections = 0
        self.requests: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            while self.answers:
                self.requests.append(await reader.readuntil(b"{}"))
                writer.write(self.answers.pop(0))
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def served(*answers: bytes) -> AsyncIterator[tuple[Server, Wire]]:
    server = Server(list(answers))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with Wire(f"http://127.0.0.1:{port}") as wire:
        yield server, wire
    listening.close()


@pytest.mark.parametrize(("answer", "status"), [(WHOLE, 201), (CHUNKED, 200)])
async def test_a_whole_answer_is_read_and_its_connection_kept(answer: bytes, status: int) -> None:
    async with served(answer, answer) as (server, wire):
        for _ in range(2):
            reply = await wire.request("POST", "/v1/x", {}, {"idempotency-key": "k"})
            assert (reply.status, reply.json()) == (status, {"a": 1})
    assert server.connections == 1
    assert b"POST /v1/x HTTP/1.1" in server.requests[1]
    assert b"idempotency-key: k" in server.requests[1]


async def test_an_answer_that_ends_in_the_middle_is_none() -> None:
    async with served(HALF) as (_, wire):
        with pytest.raises(Cut):
            await wire.request("POST", "/v1/x", {}, {})


async def test_a_connection_that_is_given_up_is_not_used_again() -> None:
    async with served(LAST, WHOLE) as (server, wire):
        assert (await wire.request("POST", "/v1/x", {}, {})).headers["connection"] == "close"
        assert (await wire.request("POST", "/v1/x", {}, {})).status == 201
    assert server.connections == 2
