"""Idempotency-Key: one effect, one answer, however often and however many at once."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from sqlalchemy import text

from shared.auth import Actor
from shared.db import Database
from shared.dependencies import IdempotencyKey, SessionDep, get_actor
from shared.idempotency import Fingerprints, run_idempotent
from shared.problem_handlers import install_problem_handlers
from shared.problems import Conflict

# Whether a request holds the key's lock; tried for a moment only, because the lock taken here would be the answer.
_HELD = """
select exists (select from pg_locks where locktype = 'advisory' and granted
    and (classid::bigint << 32 | objid::bigint) = hashtextextended($1::text || ':' || $2, 352))
"""
SECRET = b"a secret of the service"
ACTOR = Actor(id=uuid4(), kind="user", name="A", organization_id=uuid4())


@pytest.fixture
async def http(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A service with one unsafe route: it adds a secret's row, which stands for any effect."""
    app = FastAPI()
    app.state.database = database
    app.state.fingerprints = Fingerprints(SECRET)
    app.state.release = asyncio.Event()
    app.state.release.set()
    app.dependency_overrides[get_actor] = lambda: ACTOR
    install_problem_handlers(app)

    @app.post("/things")
    async def make(request: Request, session: SessionDep, key: IdempotencyKey, fail: bool = False) -> Response:
        async def handle() -> Response:
            await (await session.connection()).execute(
                text(
                    "insert into inbox_version (consumer_group, aggregate_id, version) values ('idempotency', :id, 1)"
                ),
                {"id": uuid4()},
            )
            await app.state.release.wait()
            if fail:
                raise Conflict
            return Response(str(uuid4()), 201, {"ETag": '"v1"', "Location": "/things/1"})

        return await run_idempotent(request, session, ACTOR, key, handle)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        client.app = app  # type: ignore[attr-defined]
        yield client


async def effects(database: Database) -> int:
    async with database.read(ACTOR) as connection:
        return int(await connection.fetchval("select count(*) from inbox_version where consumer_group = 'idempotency'"))


async def test_a_repetition_gets_the_first_answer_and_has_no_effect(
    http: httpx.AsyncClient, database: Database
) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    before = await effects(database)
    first = await http.post("/things", json={"a": 1}, headers=headers)
    again = await http.post("/things", json={"a": 1}, headers=headers)
    assert (again.status_code, again.text) == (201, first.text)
    assert (again.headers["etag"], again.headers["location"]) == ('"v1"', "/things/1")
    assert again.headers["idempotency-replayed"] == "true"
    assert await effects(database) == before + 1


@pytest.mark.parametrize("change", ["body", "query", "if-match"])
async def test_the_key_of_another_request_is_refused(http: httpx.AsyncClient, change: str) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    await http.post("/things", json={"a": 1}, headers=headers)
    other = await http.post(
        "/things" + ("?x=1" if change == "query" else ""),
        json={"a": 2 if change == "body" else 1},
        headers=headers | ({"If-Match": '"v2"'} if change == "if-match" else {}),
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_of_many_at_once_one_has_an_effect(http: httpx.AsyncClient, database: Database) -> None:
    app: FastAPI = http.app  # type: ignore[attr-defined]
    before = await effects(database)
    app.state.release.clear()
    headers = {"Idempotency-Key": str(uuid4())}
    calls = [asyncio.create_task(http.post("/things", json={}, headers=headers)) for _ in range(5)]
    waiting = set(calls)
    async with asyncio.timeout(30):
        while len(waiting) > 1:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    app.state.release.set()
    answers = await asyncio.gather(*calls)
    assert sorted({answer.status_code for answer in answers}) == [201, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"request_in_flight"}
    assert sum(answer.status_code == 201 for answer in answers) == 1
    assert await effects(database) == before + 1


async def test_what_is_refused_because_of_the_first_request_is_answered_as_that_one(
    http: httpx.AsyncClient, database: Database
) -> None:
    """The first request's effect shows while its record did not yet: the narrow moment between two looks."""
    app: FastAPI = http.app  # type: ignore[attr-defined]
    app.state.release.clear()
    headers = {"Idempotency-Key": str(uuid4())}
    second = asyncio.create_task(http.post("/things?fail=true", json={}, headers=headers))
    async with database.write(ACTOR) as connection:
        while not await connection.fetchval(_HELD, str(ACTOR.id), headers["Idempotency-Key"]):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await connection.execute(
            "insert into idempotency_record (actor_id, key, fingerprint, status, headers, body)"
            " values ($1, $2, '', 201, '{}', '')",
            ACTOR.id,
            headers["Idempotency-Key"],
        )
    app.state.release.set()
    answer = await second
    assert (answer.status_code, answer.json()["code"]) == (409, "request_in_flight")


async def test_an_error_is_not_kept_and_the_key_may_try_again(http: httpx.AsyncClient, database: Database) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    before = await effects(database)
    assert (await http.post("/things?fail=true", json={}, headers=headers)).status_code == 409
    assert await effects(database) == before
    assert (await http.post("/things", json={}, headers=headers)).status_code == 201


@pytest.mark.parametrize("key", [None, "", "x" * 129, "a b", "é"])
async def test_a_key_that_is_none_is_named(http: httpx.AsyncClient, key: str | None) -> None:
    headers = [] if key is None else [(b"Idempotency-Key", key.encode())]
    answer = await http.post("/things", json={}, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/header/Idempotency-Key"


async def test_who_reads_the_records_cannot_try_out_what_was_sent(http: httpx.AsyncClient, database: Database) -> None:
    key, body = str(uuid4()), b'{"password":"guessed"}'
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    await http.post("/things", content=body, headers=headers)
    async with database.read(ACTOR) as connection:
        kept = await connection.fetchval("select fingerprint from idempotency_record where key = $1", key)
    asked = Request({"type": "http", "method": "POST", "path": "/things", "query_string": b"", "headers": []})
    assert kept == Fingerprints(SECRET).of(asked, body)
    assert kept != Fingerprints(b"another secret").of(asked, body)
