"""A baseline is one only if it sends what the product sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from agreements_api.app import create_app
from agreements_api.config import Settings
from lienvung.postgres import DatabaseAddress
from shared import clock
from shared.auth import Actor, TokenIssuer
from shared.ids import new_id
from tests.load.bare import Statement
from tests.load.dataset import Size, fill_agreements, synthetic_id
from tests.load.statements import (
    PAGE,
    page_statement,
    read_statement,
    renewed,
    report_body,
    report_statements,
)
from tests.load.writes import begin_for

SMALL = Size(organizations=20, agreements=20, tasks=400)
ACTOR = Actor(
    id=synthetic_id("account", 0),
    kind="user",
    name="Người thử tải",
    organization_id=synthetic_id("organization", 0),
    roles=frozenset({"specialist", "leader"}),
)
# By so much two requests may differ: versions have more or fewer digits, and times do not end in zeros.
DIGITS = 48
# Its lead is organisation 0, and it is in progress.
TASK = synthetic_id("task", 0)


@dataclass
class Product:
    """The real application, and what it sends to PostgreSQL for its caller."""

    http: httpx.AsyncClient
    _sent: list[Statement] = field(default_factory=list)

    def note(self, query: Any) -> None:
        """asyncpg calls this for every statement, in the loop's next turn; what it asks for itself is not ours."""
        if not any(word in query.query for word in ("'jit'", "typeinfo_tree")):
            self._sent.append((query.query, query.args))

    async def sent(self) -> list[Statement]:
        await asyncio.sleep(0)
        return self._sent


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(agreements_database: DatabaseAddress) -> DatabaseAddress:
    await fill_agreements(agreements_database.owner_url, SMALL)
    return agreements_database


@pytest.fixture
async def product(
    filled: DatabaseAddress, make_settings: Callable[..., Settings], tmp_path: Path
) -> AsyncIterator[Product]:
    issuer = TokenIssuer(tmp_path / "keys")
    issuer.rotate()
    issuer.write_jwks(tmp_path / "jwks.json")
    app: FastAPI = create_app(make_settings(Settings, filled, keys_dir=tmp_path / "keys", documents_url=str(tmp_path)))
    async with app.router.lifespan_context(app):
        token = issuer.issue(ACTOR, timedelta(minutes=5))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://lienvung.test",
            headers={"Authorization": f"Bearer {token}"},
        ) as http:
            product = Product(http)
            async with app.state.database.read(ACTOR) as connection:
                # The caller's next requests get this connection again: it rests, set up for them.
                connection.add_query_logger(product.note)
            yield product


async def test_reading_one_task_sends_the_baselines_statement(product: Product) -> None:
    answer = await product.http.get(f"/v1/tasks/{TASK}")

    assert answer.status_code == 200
    assert await product.sent() == [await read_statement(_organization(), TASK)]


async def test_a_page_sends_the_baselines_statement(product: Product) -> None:
    answer = await product.http.get("/v1/tasks", params={"limit": PAGE})

    assert len(answer.json()["items"]) == PAGE
    assert await product.sent() == [await page_statement(_organization())]


async def test_a_progress_report_sends_the_baselines_statements(product: Product, filled: DatabaseAddress) -> None:
    expected = await _report_statements(filled)
    answer = await product.http.post(
        f"/v1/tasks/{TASK}/reports",
        content=report_body(clock.today()),
        headers={"Content-Type": "application/json", "Idempotency-Key": str(new_id()), "If-Match": '"v1"'},
    )

    assert answer.status_code == 201, answer.text
    begin, *statements, commit = await product.sent()
    assert (begin[0] in begin_for(ACTOR), commit[0]) == (True, "commit")
    assert [query for query, _ in statements] == [query for query, _ in expected]
    for (query, sent), (_, wanted) in zip(statements, expected, strict=True):
        assert [type(value) for value in sent] == [type(value) for value in wanted], query
        assert [_size(value) for value in sent] == pytest.approx([_size(value) for value in wanted], abs=DIGITS), query


async def test_renewed_statements_write_another_task_at_another_version(filled: DatabaseAddress) -> None:
    template = await _report_statements(filled)
    other = synthetic_id("task", 1 * SMALL.agreements)
    connection = await _connected(filled.url)
    try:
        for version in (1, 2):
            await connection.execute("begin")
            for statement, values in renewed(template, TASK, other, version):
                await connection.execute(statement, *values)
            await connection.execute("commit")
        row = await connection.fetchrow("select version, percent from task where id = $1", other)
        events = await connection.fetch(
            "select version, payload->'data'->'task'->>'version' as told from outbox where aggregate_id = $1", other
        )
    finally:
        await connection.close()

    assert row is not None
    assert tuple(row) == (3, 45)
    assert [tuple(event) for event in events] == [(2, "2"), (3, "3")]


async def _report_statements(database: DatabaseAddress) -> list[Statement]:
    connection = await _connected(database.owner_url)
    try:
        return await report_statements(connection, ACTOR, TASK)
    finally:
        await connection.close()


async def _connected(url: str) -> asyncpg.Connection[Any]:
    connection = await asyncpg.connect(url)
    await connection.execute("select set_config('lienvung.organization_id', $1, false)", str(ACTOR.organization_id))
    return connection


def _organization() -> UUID:
    assert ACTOR.organization_id is not None
    return ACTOR.organization_id


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes | list) else 0
