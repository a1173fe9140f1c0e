"""A service that is away, comes back, or leaves in the middle of a request."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.gateway.answers import problem
from tests.gateway.conftest import Backstage, Start


async def test_while_a_service_is_away_the_others_answer(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    reporting = backstage.upstreams["reporting"]
    await reporting.stop()
    try:
        answer = await gateway.get("/v1/indicators", headers=backstage.bearer())
        assert problem(answer, 503)["code"] == "service_unavailable"
        assert int(answer.headers["retry-after"]) >= 1
        assert (await gateway.get("/v1/tasks", headers=backstage.bearer())).status_code == 200
    finally:
        await reporting.start()
    assert (await gateway.get("/v1/indicators", headers=backstage.bearer())).status_code == 200


@pytest.mark.parametrize(("method", "headers"), [("GET", {}), ("DELETE", {}), ("POST", {"Idempotency-Key": "k"})])
async def test_a_restart_is_not_seen_by_what_may_be_tried_again(
    gateway: httpx.AsyncClient, backstage: Backstage, method: str, headers: dict[str, str]
) -> None:
    reporting = backstage.upstreams["reporting"]
    await reporting.stop()
    try:
        request = asyncio.create_task(
            gateway.request(method, "/v1/reports", headers=backstage.bearer() | headers), name="request"
        )
        # The first try is over when the service comes back.
        await asyncio.sleep(0.05)
        assert not request.done()
    finally:
        await reporting.start()
    assert (await request).status_code == 200


async def test_what_may_not_be_tried_again_is_told_so_at_once(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    reporting = backstage.upstreams["reporting"]
    await reporting.stop()
    try:
        problem(await gateway.post("/v1/reports", headers=backstage.bearer()), 503)
    finally:
        await reporting.start()


class Leaver:
    """Reads a request and closes the connection without an answer, the first time; answers ever after."""

    def __init__(self) -> None:
        self.requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                if self.requests == 1:
                    break
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def _leaving(socket: Path) -> AsyncIterator[Leaver]:
    leaver = Leaver()
    server = await asyncio.start_unix_server(leaver.serve, path=socket)
    try:
        yield leaver
    finally:
        server.close()


async def test_a_read_cut_off_by_a_dying_service_is_repeated(start: Start, backstage: Backstage) -> None:
    socket = backstage.directory / "leaver-a.sock"
    async with _leaving(socket) as leaver, start(reporting=f"unix:{socket}") as gateway:
        assert (await gateway.get("/v1/indicators", headers=backstage.bearer())).status_code == 200
        assert leaver.requests == 2


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k"}])
async def test_a_write_that_the_service_may_have_seen_is_not_repeated(
    start: Start, backstage: Backstage, key: dict[str, str]
) -> None:
    socket = backstage.directory / "leaver-b.sock"
    async with _leaving(socket) as leaver, start(reporting=f"unix:{socket}") as gateway:
        problem(await gateway.post("/v1/reports", headers=backstage.bearer() | key), 503)
        assert leaver.requests == 1
