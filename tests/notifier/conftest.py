"""What every test of the notifier stands on: its database, emptied for each test, at a moment that the test chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio

from lienvung.postgres import DatabaseAddress
from notifier.alerts.planning import Planner
from notifier.alerts.scheduler import dispatch_due
from notifier.app import create_app
from notifier.config import Settings
from notifier.deadlines.consumers import deadline_handlers
from shared import clock
from shared.auth import SYSTEM, Actor, TokenIssuer
from shared.db import Database
from shared.events import AgreementEvent, Event, TaskEvent
from shared.ids import new_id
from shared.inbox import Together
from tests.notifier.factories import Body, actor_for, envelope_of

# A Tuesday at ten in the morning in Vietnam, far from any holiday.
TUESDAY = datetime(2026, 10, 20, 10, 0, tzinfo=clock.VN_TZ)

TABLES = (
    "organization, person, task, deadline, alert_step, alert, delivery, mail_optout, feed_event, feed_member,"
    " outbox, outbox_head, inbox_offset, inbox_version, dead_letter, parked_key, idempotency_record"
)
_EMPTY = (
    f"truncate {TABLES}",
    "update alert_plan set planned_until = '-infinity', reconciled_at = '-infinity'",
    "update feed_state set trimmed_to = 0",
    "update product_clock set offset_interval = '0'",
)


@pytest.fixture
def settings(make_settings: Callable[..., Settings], notifier_database: DatabaseAddress) -> Settings:
    return make_settings(Settings, notifier_database)


@pytest_asyncio.fixture(loop_scope="session")
async def owner(notifier_database: DatabaseAddress) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection of the database's owner, whom row-level security does not bind; every table is empty."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(notifier_database.owner_url)
    try:
        for statement in _EMPTY:
            await connection.execute(statement)
        yield connection
    finally:
        await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def database(settings: Settings, owner: asyncpg.Connection[Any]) -> AsyncIterator[Database]:
    """The notifier's own way to its database, on an empty one."""
    database = Database(settings)
    await database.start()
    try:
        yield database
    finally:
        await database.stop()
        clock.set_offset(timedelta())


@pytest.fixture
def planner(settings: Settings) -> Planner:
    return Planner.of(settings)


class World:
    """The notifier in a test: what it learns, what time it is, and what it told whom."""

    def __init__(
        self, database: Database, owner: asyncpg.Connection[Any], settings: Settings, planner: Planner
    ) -> None:
        self.database = database
        self.owner = owner
        self.settings = settings
        self.planner = planner

    async def at(self, moment: datetime) -> None:
        """Move the product's clock, as `lienvung clock jump` does."""
        await self.owner.execute("update product_clock set offset_interval = $1 - clock_timestamp()", moment)
        clock.set_offset(moment - clock.wall_now())

    async def learn(self, *events: Event) -> None:
        """Apply events as the consumer does, all in one transaction."""
        handlers = deadline_handlers(self.planner)
        async with self.database.transaction(SYSTEM) as session:
            for event in events:
                await handlers[event.type](session, envelope_of(event))

    async def learn_together(self, *events: TaskEvent | AgreementEvent) -> None:
        """Apply events of tasks and agreements as the consumer does with those of one batch."""
        handlers = deadline_handlers(self.planner)
        (handler,) = {handlers[event.type] for event in events}
        assert isinstance(handler, Together)
        async with self.database.transaction(SYSTEM) as session:
            await handler.apply(session, [envelope_of(event) for event in events])

    async def meet(self, *bodies: Body) -> None:
        """Learn of organisations and their people."""
        await self.learn(*(body.event(clock.now()) for body in bodies))

    async def fire(self) -> None:
        """Plan what the clock has come to and dispatch everything that is due."""
        await self.planner.reconcile(self.database)
        while await dispatch_due(self.settings, self.database):
            pass

    async def told(self, task_id: UUID) -> list[tuple[str, UUID]]:
        """Step and recipient of every alert of a task, in a fixed order."""
        rows = await self.owner.fetch(
            "select step, recipient_id from alert where task_id = $1 order by step, recipient_id", task_id
        )
        return [(row["step"], row["recipient_id"]) for row in rows]

    async def mailed(self, task_id: UUID) -> list[tuple[str, UUID]]:
        """The same of every mail."""
        rows = await self.owner.fetch(
            "select a.step, d.recipient_id from delivery d join alert a on a.id = d.alert_id where a.task_id = $1"
            " order by a.step, d.recipient_id",
            task_id,
        )
        return [(row["step"], row["recipient_id"]) for row in rows]

    async def steps(self, task_id: UUID) -> dict[str, str]:
        """State of each step of a task by its name."""
        rows = await self.owner.fetch("select step, state from alert_step where task_id = $1", task_id)
        return {row["step"]: row["state"] for row in rows}

    async def deadlines(self, task_id: UUID) -> list[asyncpg.Record]:
        """What is known of a task's deadlines."""
        return await self.owner.fetch("select * from deadline where task_id = $1", task_id)

    async def events(self) -> list[str]:
        """Types of the events that were published, in order."""
        return [row["type"] for row in await self.owner.fetch("select type from outbox order by id")]


@pytest_asyncio.fixture(loop_scope="session")
async def world(database: Database, owner: asyncpg.Connection[Any], settings: Settings, planner: Planner) -> World:
    """On a Tuesday morning, knowing nothing yet."""
    world = World(database, owner, settings, planner)
    await world.at(TUESDAY)
    return world


@dataclass
class Caller:
    """Somebody who is signed in."""

    http: httpx.AsyncClient
    actor: Actor
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
        return await self.http.get(path, params=query, headers=self.headers | (headers or {}))

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        given = self.headers | {"Idempotency-Key": str(new_id())} | headers
        return await self.http.post(path, json=body, headers=given)


class Door:
    """The notifier's HTTP side, in this process, and tokens that it believes."""

    def __init__(self, http: httpx.AsyncClient, issuer: TokenIssuer) -> None:
        self.http = http
        self._issuer = issuer

    def let_in(self, actor: Actor) -> Caller:
        return Caller(self.http, actor, self.token(actor))

    def caller(self, body: Body, role: str = "specialist") -> Caller:
        return self.let_in(actor_for(body, role))

    def token(self, actor: Actor) -> str:
        return self._issuer.issue(actor, timedelta(hours=1))


@pytest.fixture
def issuer(settings: Settings) -> TokenIssuer:
    issuer = TokenIssuer(settings.jwks_path.parent / "keys")
    issuer.rotate()
    issuer.write_jwks(settings.jwks_path)
    return issuer


@pytest_asyncio.fixture(loop_scope="session")
async def door(world: World, settings: Settings, issuer: TokenIssuer) -> AsyncIterator[Door]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://lienvung.test") as http:
            yield Door(http, issuer)


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of an answer, held to RFC 9457."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["code"]
    return body
