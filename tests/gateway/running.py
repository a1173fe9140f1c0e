"""Envoy and small upstream services as the tests start and stop them."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from lienvung.gateway import GatewaySettings, envoy_command, prepare
from shared.auth import TokenIssuer
from tests.gateway.answers import eventually

READY_SECONDS = 20.0
DOCUMENT: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "Liên Vùng", "version": "1"}, "paths": {}}


class Upstream:
    """A service that answers with what reached it, serves keys, and streams events when told to."""

    def __init__(self, name: str, socket: Path, issuer: TokenIssuer) -> None:
        self.name = name
        self.socket = socket
        self.seen: list[tuple[str, str]] = []
        self.next_event = asyncio.Event()
        self._issuer = issuer
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",
            uds=str(self.socket),
            lifespan="off",
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        # The signals of the test run are the test runner's.
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
        self._server = server
        self._task = asyncio.create_task(server.serve())
        await eventually(lambda: asyncio.sleep(0, server.started))

    async def stop(self) -> None:
        if self._server is None or self._task is None:
            return
        self._server.should_exit = True
        await self._task
        self._server = self._task = None
        self.socket.unlink(missing_ok=True)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        self.seen.append((scope["method"], path))
        if path == "/v1/.well-known/jwks.json":
            await _respond(send, 200, orjson.dumps(self._issuer.jwks()))
        elif path.endswith("/events"):
            await self._stream(send)
        elif "/slow" in path:
            await asyncio.sleep(3)
            await _respond(send, 200, b"{}")
        elif path.endswith("/missing"):
            await _respond(send, 404, b'{"from":"service"}')
        else:
            body = await _body(receive)
            headers = [(name.decode(), value.decode("latin-1")) for name, value in scope["headers"]]
            echo = {
                "service": self.name,
                "method": scope["method"],
                "path": path,
                "query": scope["query_string"].decode(),
                "headers": headers,
                "body_length": len(body),
            }
            await _respond(send, 200, orjson.dumps(echo), (b"etag", b'"v1"'))

    async def _stream(self, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
        await self.next_event.wait()
        await send({"type": "http.response.body", "body": b"data: second\n\n", "more_body": False})


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message: Message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


async def _respond(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *headers],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def running_gateway(settings: GatewaySettings) -> AsyncIterator[httpx.AsyncClient]:
    """Envoy with these settings on a port that the system chose, as a client of it; stopped in the end."""
    assert settings.admin is not None
    config = prepare(settings, openapi=DOCUMENT)
    log = settings.directory / "envoy.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *envoy_command(config, concurrency=1), stdout=output, stderr=asyncio.subprocess.STDOUT
        )
        try:
            port = await _port(Path(settings.admin.removeprefix("unix:")), process, log)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
                yield client
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


async def _port(admin: Path, process: asyncio.subprocess.Process, log: Path) -> int:
    """The port that the listener was given, known once Envoy serves."""
    transport = httpx.AsyncHTTPTransport(uds=str(admin))
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://envoy") as client,
        asyncio.timeout(READY_SECONDS),
    ):
        while True:
            assert process.returncode is None, await asyncio.to_thread(log.read_text)
            with contextlib.suppress(httpx.TransportError):
                ready = await client.get("/ready")
                listeners = await client.get("/listeners", params={"format": "json"})
                statuses = listeners.json().get("listener_statuses", [])
                if ready.status_code == 200 and statuses:
                    return int(statuses[0]["local_address"]["socket_address"]["port_value"])
            await asyncio.sleep(0.02)
