"""A file on its whole way: through the real gateway, into the real service, and out again by a link."""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI

from agreements_api.app import create_app
from agreements_api.config import Settings
from agreements_api.localities.models import Organization
from agreements_api.policy import Role
from lienvung.postgres import DatabaseAddress
from shared.settings import Environment
from tests.agreements_api.agreements.world import PLAN, Json, accepted
from tests.agreements_api.conftest import Caller, Registry
from tests.gateway.answers import eventually, problem
from tests.gateway.conftest import Backstage, Start

MEGABYTE = 1024 * 1024
LIMIT = 50 * MEGABYTE


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(
    backstage: Backstage, agreements_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[FastAPI]:
    """agreements-api itself, where the other tests of the gateway have a stand-in, and with their keys."""
    upstream = backstage.upstreams["agreements-api"]
    await upstream.stop()
    app = create_app(
        Settings(
            database_url=agreements_database.url,
            environment=Environment.TEST,
            keys_dir=backstage.directory / "keys",
            jwks_path=backstage.directory / "jwks.json",
            documents_url=str(tmp_path_factory.mktemp("documents")),
        )
    )
    config = uvicorn.Config(app, uds=str(upstream.socket), log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    # The signals of the test run are the test runner's.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve())
    await eventually(lambda: asyncio.sleep(0, server.started), patience=30)
    yield app
    server.should_exit = True
    await task


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def organization(app: FastAPI) -> Organization:
    async with httpx.AsyncClient() as unused:
        return await Registry(app, unused).organization("UBND thị xã Đông Triều")


async def specialist(app: FastAPI, gateway: httpx.AsyncClient, organization: Organization) -> tuple[Caller, Json]:
    """Somebody behind the gateway, and a draft of his organisation."""
    caller = await Registry(app, gateway).caller(organization, Role.SPECIALIST)
    return caller, accepted(await caller.post("/v1/agreements", PLAN), 201)


def large(size: int) -> bytes:
    return (b"%PDF-1.7\n" + os.urandom(64)).ljust(size, b"x")


async def upload(caller: Caller, draft: Json, content: bytes | AsyncIterator[bytes]) -> httpx.Response:
    return await caller.http.post(
        "/v1/documents",
        params={"subject_kind": "agreement", "subject_id": draft["id"], "name": "Bản đồ (minh họa).pdf"},
        content=content,
        headers=caller.unsafe(),
        timeout=120,
    )


async def test_fifty_megabytes_go_in_and_come_out_by_a_link_without_a_token(
    app: FastAPI, start: Start, organization: Organization
) -> None:
    content = large(LIMIT)
    async with start() as gateway:
        caller, draft = await specialist(app, gateway, organization)
        document = accepted(await upload(caller, draft, content), 201)
        assert document["digest"] == hashlib.sha256(content).hexdigest()
        form = await caller.http.post(
            "/v1/documents",
            params={"subject_kind": "agreement", "subject_id": draft["id"]},
            files={"file": ("Bản đồ khác.pdf", large(LIMIT), "application/pdf")},
            headers=caller.unsafe(),
            timeout=120,
        )
        assert accepted(form, 201)["name"] == "Bản đồ khác.pdf"
        link = (await caller.get(f"/v1/documents/{document['id']}/link")).json()["url"]
        path = link.removeprefix("http://127.0.0.1:8080")
        answer = await gateway.get(path, timeout=120)
        assert hashlib.sha256(answer.content).hexdigest() == document["digest"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        part = await gateway.get(path, headers={"Range": "bytes=0-7"})
        assert (part.status_code, part.content) == (206, b"%PDF-1.7")
        problem(await gateway.get(path[:-1] + ("A" if path[-1] != "A" else "B")), 403)


async def test_one_byte_more_is_refused_whether_its_length_is_said_or_not(
    app: FastAPI, start: Start, organization: Organization
) -> None:
    over = large(LIMIT + 1)

    async def unsaid() -> AsyncIterator[bytes]:
        for at in range(0, len(over), MEGABYTE):
            yield over[at : at + MEGABYTE]

    async with start() as gateway:
        caller, draft = await specialist(app, gateway, organization)
        for content in (over, unsaid()):
            try:
                answer = await upload(caller, draft, content)
            except httpx.TransportError:
                # The answer came while the file was still going out, and this client listens only afterwards.
                continue
            assert problem(answer, 413)["code"] == "payload_too_large"
        kept = await caller.get("/v1/documents", agreement_id=draft["id"])
        assert kept.json()["items"] == []


def test_the_gateways_limit_leaves_room_for_what_wraps_the_largest_file(backstage: Backstage) -> None:
    limit = Settings(database_url="postgresql://localhost/unused").document_limit
    assert backstage.settings().upload_limit >= limit + 64 * 1024
