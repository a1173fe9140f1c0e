"""What the tests ask of the gateway's answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of an answer, held to RFC 9457."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["type"] == f"/problems/{body['code']}"
    return body


def received(answer: httpx.Response) -> dict[str, list[str]]:
    """The header fields that reached the service."""
    assert answer.status_code == 200, answer.text
    fields: dict[str, list[str]] = {}
    for name, value in answer.json()["headers"]:
        fields.setdefault(name, []).append(value)
    return fields


async def eventually(happened: Callable[[], Awaitable[bool]], *, patience: float = 10.0) -> None:
    """Wait for something that takes a moment, and fail when it takes too long."""
    async with asyncio.timeout(patience):
        while True:
            if await happened():
                return
            await asyncio.sleep(0.05)


async def send_raw(client: httpx.AsyncClient, *lines: str) -> tuple[int, str]:
    """Status and text of a request whose lines are sent just as they are: a client library would tidy them up."""
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    try:
        writer.write("\r\n".join([*lines, "Host: lienvung.example", "Connection: close", "", ""]).encode())
        await writer.drain()
        answer = (await reader.read()).decode()
    finally:
        writer.close()
    return int(answer.split(" ", 2)[1]), answer
