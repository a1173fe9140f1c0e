"""The application of agreements-api on a real database, and factories for who acts in it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from fastapi import FastAPI

from agreements_api.accounts.models import Account
from agreements_api.administration.log import Subject, tell
from agreements_api.administration.models import Action, SubjectKind
from agreements_api.app import create_app
from agreements_api.config import Settings
from agreements_api.localities.models import Organization, OrganizationKind, Unit, UnitLevel, UnitParent
from agreements_api.policy import Role
from lienvung.postgres import DatabaseAddress
from shared import clock
from shared.auth import SYSTEM, Actor, TokenIssuer
from shared.db import Database
from shared.events import Change
from shared.settings import Environment
from shared.text import fold, vietnamese_sort_key

PASSWORD = "mười hai ký tự"
# Cheap on purpose: what the factories make is checked often, and argon2 reads its cost from the hash itself.
PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)

# How the log tells of what the factories make.
MADE: tuple[Action, list[Change]] = (Action.CREATE, [])


@dataclass(frozen=True)
class Caller:
    """Somebody with a token, calling the application as a frontend would."""

    http: httpx.AsyncClient
    actor: Actor
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def unsafe(self, **more: str) -> dict[str, str]:
        """The headers of a change under a new Idempotency-Key."""
        return self.headers | {"Idempotency-Key": str(uuid4())} | more

    async def get(self, path: str, *, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
        return await self.http.get(path, params=query, headers=self.headers | (headers or {}))

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.http.post(path, json={} if body is None else body, headers=self.unsafe(**headers))

    async def patch(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.http.patch(path, json=body, headers=self.unsafe(**headers))

    async def put(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.http.put(path, json=body, headers=self.unsafe(**headers))

    async def delete(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.delete(path, headers=self.unsafe(**headers))

    async def act(self, path: str, verb: str, body: Any = None) -> httpx.Response:
        """A transition against the version that was just read."""
        seen = await self.get(path)
        assert seen.status_code == 200, seen.text
        return await self.post(f"{path}/{verb}", body, **{"If-Match": seen.headers["etag"]})


class Registry:
    """Makes units, organisations and accounts straight in the database, and callers who act for them."""

    def __init__(self, app: FastAPI, http: httpx.AsyncClient) -> None:
        self._http = http
        self._issuer: TokenIssuer = app.state.issuer
        self.database: Database = app.state.database

    async def unit(
        self,
        name: str = "Thị xã Đông Triều",
        *,
        level: UnitLevel = UnitLevel.DISTRICT,
        code: str | None = None,
        parent: Unit | None = None,
        valid_from: date | None = None,
        valid_to: date | None = None,
    ) -> Unit:
        """A unit; its code is made up unless it matters."""
        unit = Unit(
            id=uuid4(),
            level=level,
            code=code or f"{uuid4().int % 10**12}",
            name=name,
            type=name.split()[0],
            folded=fold(name),
            sort_key=vietnamese_sort_key(name),
            valid_from=valid_from,
            valid_to=valid_to,
        )
        async with self.database.transaction(SYSTEM) as session:
            session.add(unit)
            await session.flush()
            if parent is not None:
                session.add(UnitParent(unit_id=unit.id, parent_id=parent.id, valid_from=valid_from, valid_to=valid_to))
        return unit

    async def organization(
        self,
        name: str | None = None,
        *,
        unit: Unit | None = None,
        superior: Organization | None = None,
        kind: OrganizationKind = OrganizationKind.PEOPLES_COMMITTEE,
    ) -> Organization:
        """An organisation, of a unit of its own unless one is given. No event: its version in the outbox is 0.

        Like every record it has a first entry in the log.
        """
        name = name or f"UBND {uuid4().hex[:8]}"
        unit = unit or await self.unit()
        now = clock.now()
        organization = Organization(
            unit_id=unit.id,
            name=name,
            kind=kind,
            folded=fold(name),
            sort_key=vietnamese_sort_key(name),
            superior_organization_id=superior.id if superior else None,
            created_at=now,
            updated_at=now,
        )
        async with self.database.transaction(SYSTEM) as session:
            session.add(organization)
            await session.flush()
            tell(session, SYSTEM, Subject(SubjectKind.ORGANIZATION, organization.id, organization.id, 1), *MADE, at=now)
        return organization

    async def account(
        self, organization: Organization | None, *roles: Role, username: str | None = None, active: bool = True
    ) -> Account:
        """An account with PASSWORD; without an organisation it is the operator."""
        username = username or f"u{uuid4().hex[:12]}"
        now = clock.now()
        account = Account(
            organization_id=organization.id if organization else None,
            username=username,
            password_hash=PASSWORD_HASH,
            name=f"Người dùng {username}",
            email=f"{username}@demo.lienvung.example",
            roles=[role.value for role in roles] or [Role.OPERATOR.value],
            active=active,
            created_at=now,
            updated_at=now,
        )
        async with self.database.transaction(SYSTEM) as session:
            session.add(account)
            tell(session, SYSTEM, Subject(SubjectKind.USER, account.id, account.organization_id, 1), *MADE, at=now)
        return account

    async def caller(self, organization: Organization | None, *roles: Role) -> Caller:
        """A new account of the organisation with these roles, signed in; the operator without an organisation."""
        return self.as_account(await self.account(organization, *roles), organization)

    def as_account(self, account: Account, organization: Organization | None = None) -> Caller:
        return self.as_actor(
            Actor(
                id=account.id,
                kind="user",
                name=account.name,
                organization_id=account.organization_id,
                roles=frozenset(account.roles),
                unit_id=organization.unit_id if organization else None,
            )
        )

    def as_client(self, organization: Organization, *scopes: str) -> Caller:
        """A district system of the organisation with these scopes."""
        return self.as_actor(
            Actor(
                id=uuid4(),
                kind="client",
                name="Hệ thống kết nối (minh họa)",
                organization_id=organization.id,
                roles=frozenset({Role.CLIENT.value}),
                scopes=frozenset(scopes),
                unit_id=organization.unit_id,
            )
        )

    def as_actor(self, actor: Actor) -> Caller:
        return Caller(self._http, actor, self._issuer.issue(actor, timedelta(minutes=15)))

    async def outbox(self, aggregate_id: Any) -> list[dict[str, Any]]:
        """The events of an aggregate as they will be sent, oldest first."""
        async with self.database.transaction(SYSTEM) as session:
            connection = await session.connection()
            rows = await connection.exec_driver_sql(
                "select payload from outbox where aggregate_id = $1 order by id", (aggregate_id,)
            )
            return [row.payload for row in rows]


@pytest.fixture(scope="module")
def settings(agreements_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of this module's application, with a signing key of its own."""
    folder: Path = tmp_path_factory.mktemp("agreements-api")
    settings = Settings(
        database_url=agreements_database.url,
        migration_database_url=agreements_database.owner_url,
        environment=Environment.TEST,
        keys_dir=folder / "keys",
        jwks_path=folder / "jwks.json",
        documents_url=str(folder / "documents"),
        pool_size=8,
    )
    issuer = TokenIssuer(settings.keys_dir)
    issuer.rotate()
    issuer.write_jwks(settings.jwks_path)
    return settings


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """The running application: database open, clock followed, cursors signed."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application that nobody has signed in with."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://agreements-api") as http:
        yield http


@pytest.fixture(scope="module")
def registry(app: FastAPI, http: httpx.AsyncClient) -> Registry:
    return Registry(app, http)


@pytest.fixture
def problem() -> Callable[[httpx.Response, int], dict[str, Any]]:
    """Holds an answer to RFC 9457 and gives its document."""

    def check(answer: httpx.Response, status: int) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
        body: dict[str, Any] = answer.json()
        assert (body["status"], body["type"]) == (status, f"/problems/{body['code']}")
        assert body["title"]
        return body

    return check
