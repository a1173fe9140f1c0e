"""Events reach the caller when they happen."""

import asyncio

import httpx
import pytest

from tests.gateway.answers import problem
from tests.gateway.conftest import Backstage, Start

PATIENCE = 10.0


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("agreements-api", "/v1/imports/1/events"),
        ("notifier", "/v1/events"),
        ("reporting", "/v1/reports/1/events"),
    ],
)
async def test_an_event_arrives_while_the_stream_is_open_and_the_stream_outlives_the_timeout(
    start: Start, backstage: Backstage, service: str, path: str
) -> None:
    upstream = backstage.upstreams[service]
    upstream.next_event.clear()
    async with start(request_timeout_seconds=1) as gateway:
        headers = backstage.bearer() | {"Accept": "text/event-stream", "Accept-Encoding": "gzip"}
        async with gateway.stream("GET", path, headers=headers) as answer, asyncio.timeout(PATIENCE):
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "text/event-stream"
            assert "content-encoding" not in answer.headers
            lines = answer.aiter_lines()
            assert await anext(lines) == "data: first"
            # Longer than any other answer may take.
            await asyncio.sleep(1.5)
            upstream.next_event.set()
            rest = [line async for line in lines if line]
            assert rest == ["data: second"]


async def test_a_stream_needs_a_token_too(gateway: httpx.AsyncClient) -> None:
    problem(await gateway.get("/v1/events", headers={"Accept": "text/event-stream"}), 401)
