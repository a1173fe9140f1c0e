"""Fixtures of the reporting service's tests."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from lienvung.postgres import DatabaseAddress
from reporting.app import create_app
from reporting.config import Settings
from shared.auth import Actor, TokenIssuer
from shared.db import Database
from shared.ids import new_id
from tests.reporting.factories import Body, Story, apply, declare_complete, story


@pytest.fixture(scope="module")
def settings(reporting_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the service on this module's database."""
    return Settings(
        database_url=reporting_database.url,
        migration_database_url=reporting_database.owner_url,
        environment="test",
        jwks_path=tmp_path_factory.mktemp("keys") / "jwks.json",
        public_url="http://lienvung.test",
        pool_size=5,
        render_poll_seconds=0.05,
        render_retry_seconds=0.05,
        render_settle_seconds=0,
        progress_poll_seconds=0.05,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The service's database as its roles use it: with the application role, which owns no table."""
    database = Database(settings)
    await database.start()
    yield database
    await database.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def plan(database: Database) -> Story:
    """The story's plan, in the projections."""
    told = story()
    await apply(database, *told.events())
    await declare_complete(database)
    return told


@dataclass
class Caller:
    """Somebody who calls the service with a token of their own."""

    http: httpx.AsyncClient
    actor: Actor
    token: str

    async def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
        return await self.http.get(path, params=query or None, headers=self._headers() | (headers or {}))

    async def post(
        self, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        own = self._headers() | {"Idempotency-Key": str(new_id())}
        return await self.http.post(path, json=body or {}, headers=own | (headers or {}))

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


Call = Callable[..., Caller]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """The running application."""
    application = create_app(settings)
    async with application.router.lifespan_context(application):
        yield application


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def call(app: FastAPI, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Call]:
    """`call(body, role)` gives somebody of that body who calls the service."""
    issuer = _issuer(tmp_path_factory.mktemp("private"), settings.jwks_path)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://reporting.test") as http:

        def caller(body: Body | UUID | None, *roles: str, scopes: tuple[str, ...] = ()) -> Caller:
            actor = Actor(
                id=new_id(),
                kind="client" if scopes else "user",
                name="Chuyên viên (minh họa)",
                organization_id=body.id if isinstance(body, Body) else body,
                roles=frozenset(roles),
                scopes=frozenset(scopes),
            )
            return Caller(http, actor, issuer.issue(actor, timedelta(minutes=10)))

        yield caller


def _issuer(folder: Path, jwks_path: Path) -> TokenIssuer:
    issuer = TokenIssuer(folder)
    issuer.rotate()
    issuer.write_jwks(jwks_path)
    return issuer
