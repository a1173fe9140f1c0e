"""How much one caller may ask for."""

import asyncio
import re
from uuid import uuid4

import httpx

from lienvung.gateway import RateLimit
from tests.gateway.answers import eventually, problem
from tests.gateway.conftest import Backstage, Start

# So long that nothing comes back during a test.
SLOWLY = 3600


async def test_a_subject_over_its_quota_is_told_when_to_come_back(start: Start, backstage: Backstage) -> None:
    async with start(subject_limit=RateLimit(quota=2, window_seconds=SLOWLY)) as gateway:
        headers = backstage.bearer()
        first = await gateway.get("/v1/tasks", headers=headers)
        assert first.headers["ratelimit-policy"] == f'"subject";q=2;w={SLOWLY}, "address";q=6000;w=10'
        assert first.headers["ratelimit"].startswith('"subject";r=1, "address";r=')
        assert (await gateway.get("/v1/alerts", headers=headers)).status_code == 200
        answer = await gateway.get("/v1/tasks", headers=headers)
        assert problem(answer, 429)["code"] == "too_many_requests"
        assert answer.headers["ratelimit"].startswith('"subject";r=0, "address";r=')
        # Two in an hour: the next one comes back after half of it.
        assert answer.headers["retry-after"] == str(SLOWLY // 2)
        assert not [name for name in answer.headers if name.startswith(("x-ratelimit", "x-envoy"))]


async def test_one_subject_does_not_use_up_anothers_quota(start: Start, backstage: Backstage) -> None:
    async with start(subject_limit=RateLimit(quota=1, window_seconds=SLOWLY)) as gateway:
        callers = [backstage.bearer() for _ in range(30)]
        for headers in callers:
            assert (await gateway.get("/v1/tasks", headers=headers)).status_code == 200
        # Envoy remembers twenty unless told otherwise, and would have forgotten the first by now.
        for headers in callers:
            problem(await gateway.get("/v1/tasks", headers=headers), 429)


async def test_a_new_token_is_no_new_quota(start: Start, backstage: Backstage) -> None:
    person = uuid4()
    async with start(subject_limit=RateLimit(quota=1, window_seconds=SLOWLY)) as gateway:
        assert (await gateway.get("/v1/tasks", headers=backstage.bearer(id=person))).status_code == 200
        problem(await gateway.get("/v1/tasks", headers=backstage.bearer(id=person)), 429)


async def test_a_flood_of_bad_tokens_is_counted_by_its_address(start: Start, backstage: Backstage) -> None:
    async with start(address_limit=RateLimit(quota=3, window_seconds=SLOWLY)) as gateway:
        for _ in range(3):
            answer = await gateway.get("/v1/tasks", headers={"Authorization": "Bearer a.b.c"})
            problem(answer, 401)
            assert re.fullmatch(r'"address";r=\d+', answer.headers["ratelimit"])
        answer = await gateway.get("/v1/tasks", headers={"Authorization": "Bearer a.b.c"})
        problem(answer, 429)
        assert int(answer.headers["retry-after"]) >= 1
        problem(await gateway.get("/v1/tasks", headers=backstage.bearer()), 429)


async def test_the_public_is_counted_by_its_address(start: Start) -> None:
    async with start(address_limit=RateLimit(quota=2, window_seconds=SLOWLY)) as gateway:
        for _ in range(2):
            answer = await gateway.get("/v1/public/agreements")
            assert answer.status_code == 200
            assert re.fullmatch(r'"address";r=\d+', answer.headers["ratelimit"])
        answer = await gateway.get("/v1/public/agreements")
        problem(answer, 429)
        assert int(answer.headers["retry-after"]) >= 1


async def test_each_address_behind_a_trusted_proxy_has_its_own_quota(start: Start) -> None:
    async with start(address_limit=RateLimit(quota=1, window_seconds=SLOWLY), trusted_hops=1) as gateway:
        for address in ("203.0.113.1", "203.0.113.2"):
            headers = {"X-Forwarded-For": f"10.0.0.1, {address}"}
            problem(await gateway.get("/v1/tasks", headers=headers), 401)
            problem(await gateway.get("/v1/tasks", headers=headers), 429)


async def test_a_quota_comes_back(start: Start, backstage: Backstage) -> None:
    async with start(subject_limit=RateLimit(quota=1, window_seconds=1)) as gateway:
        headers = backstage.bearer()
        statuses = [(await gateway.get("/v1/tasks", headers=headers)).status_code for _ in range(3)]
        assert 429 in statuses

        async def served() -> bool:
            return (await gateway.get("/v1/tasks", headers=headers)).status_code == 200

        await eventually(served)


async def test_connections_over_the_limit_are_refused(start: Start) -> None:
    async with start(max_connections=2) as gateway:

        async def connected() -> bool:
            try:
                return (await gateway.get("/health/live")).status_code == 200
            except httpx.TransportError:
                return False

        port = gateway.base_url.port
        writers = []
        for _ in range(2):
            reader, writer = await asyncio.open_connection(gateway.base_url.host, port)
            writer.write(b"GET /health/live HTTP/1.1\r\nHost: lienvung.example\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writers.append(writer)
        assert not await connected()
        for writer in writers:
            writer.close()
        await eventually(connected)
