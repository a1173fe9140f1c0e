"""Signing in, renewing and signing out: what opens a session, what ends it, and what it never tells."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from argon2 import extract_parameters

from agreements_api.accounts.passwords import Attempts, Passwords
from agreements_api.config import Settings
from agreements_api.policy import Role
from shared import clock
from shared.auth import SYSTEM, TokenVerifier
from shared.problems import TooManyRequests
from tests.agreements_api.conftest import PASSWORD, Registry

Problem = Callable[[httpx.Response, int], dict[str, Any]]


async def sign_in(http: httpx.AsyncClient, username: str, password: str = PASSWORD) -> httpx.Response:
    return await http.post("/v1/sessions", json={"username": username, "password": password})


async def signed_in(registry: Registry, http: httpx.AsyncClient, *roles: Role) -> dict[str, Any]:
    account = await registry.account(await registry.organization(), *(roles or (Role.VIEWER,)))
    answer = await sign_in(http, account.username)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def renew(http: httpx.AsyncClient, refresh_token: str) -> httpx.Response:
    return await http.post("/v1/oauth/token", data={"grant_type": "refresh_token", "refresh_token": refresh_token})


def bearer(body: dict[str, Any], **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {body['access_token']}"} | more


async def test_a_session_tells_who_it_is_for_how_long(
    registry: Registry, http: httpx.AsyncClient, settings: Settings
) -> None:
    organization = await registry.organization("UBND thị xã Đông Triều")
    account = await registry.account(organization, Role.LEADER, Role.SPECIALIST)
    answer = await sign_in(http, account.username)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    assert body["account"]["organization"]["name"] == "UBND thị xã Đông Triều"
    actor = TokenVerifier(settings.jwks_path).verify(body["access_token"])
    assert (actor.id, actor.kind, actor.organization_id) == (account.id, "user", organization.id)
    assert (actor.roles, actor.unit_id) == (frozenset({"leader", "specialist"}), organization.unit_id)
    assert actor.session_id == UUID(body["session_id"])


async def test_the_name_is_taken_in_any_case(registry: Registry, http: httpx.AsyncClient) -> None:
    account = await registry.account(await registry.organization(), Role.VIEWER)
    assert (await sign_in(http, account.username.upper())).status_code == 201


async def test_whatever_is_wrong_with_a_sign_in_reads_the_same(
    registry: Registry, http: httpx.AsyncClient, problem: Problem
) -> None:
    organization = await registry.organization()
    known = await registry.account(organization, Role.VIEWER)
    inactive = await registry.account(organization, Role.VIEWER, active=False)
    answers = [
        await sign_in(http, known.username, "không phải mật khẩu"),
        await sign_in(http, "nobody-of-this-name"),
        await sign_in(http, "' or 1=1 --"),
        await sign_in(http, inactive.username),
    ]
    documents = [problem(answer, 401) for answer in answers]
    for document in documents:
        document.pop("trace_id", None)
    assert documents[1:] == documents[:1] * 3


class WatchedPasswords(Passwords):
    """Remembers which hashes were really checked."""

    def __init__(self) -> None:
        super().__init__(at_once=1, waiting=0)
        self.checked: list[str] = []

    def _matches(self, password_hash: str, password: str) -> bool:
        self.checked.append(password_hash)
        return super()._matches(password_hash, password)


async def test_an_unknown_name_costs_as_much_as_a_known_one() -> None:
    passwords = WatchedPasswords()
    known = await passwords.hash(PASSWORD)
    assert await passwords.verify(known, PASSWORD)
    assert not await passwords.verify(None, PASSWORD)
    assert len(passwords.checked) == 2
    assert extract_parameters(passwords.checked[0]) == extract_parameters(passwords.checked[1])


async def test_a_composed_and_a_decomposed_password_are_the_same(registry: Registry, http: httpx.AsyncClient) -> None:
    account = await registry.account(await registry.organization(), Role.VIEWER)
    decomposed = PASSWORD.replace("ư", "u\u031b").replace("ờ", "o\u031b\u0300").replace("ự", "u\u031b\u0323")
    assert decomposed != PASSWORD
    assert (await sign_in(http, account.username, decomposed)).status_code == 201


async def test_a_name_that_failed_too_often_has_to_wait(
    http: httpx.AsyncClient, problem: Problem, settings: Settings
) -> None:
    name = f"guessed{uuid4().hex[:8]}"
    limit = settings.sign_in_failures
    statuses = [(await sign_in(http, name, "sai mật khẩu")).status_code for _ in range(limit)]
    assert statuses == [401] * limit
    refused = await sign_in(http, name)
    assert problem(refused, 429)["code"] == "too_many_requests"
    assert int(refused.headers["retry-after"]) > 0


def test_who_guesses_from_elsewhere_does_not_keep_the_owner_out() -> None:
    attempts = Attempts(3)
    for _ in range(3):
        attempts.failed("leader", "203.0.113.1")
    with pytest.raises(TooManyRequests):
        attempts.check("leader", "203.0.113.1")
    attempts.check("leader", "198.51.100.7")


def test_guessing_from_many_addresses_is_stopped_as_well() -> None:
    attempts = Attempts(3)
    for number in range(30):
        attempts.failed("leader", f"203.0.113.{number}")
    with pytest.raises(TooManyRequests):
        attempts.check("leader", "198.51.100.7")


async def test_only_so_many_passwords_are_hashed_at_once_and_only_so_many_wait() -> None:
    passwords = Passwords(at_once=2, waiting=1)
    inside = 0
    most = 0
    full, release = asyncio.Event(), asyncio.Event()

    async def hash_one() -> None:
        nonlocal inside, most
        async with passwords.turn():
            inside += 1
            most = max(most, inside)
            if inside == 2:
                full.set()
            await release.wait()
            inside -= 1

    running = [asyncio.create_task(hash_one()) for _ in range(3)]
    await full.wait()
    with pytest.raises(TooManyRequests):
        await hash_one()
    release.set()
    await asyncio.gather(*running)
    assert most == 2


async def test_a_refresh_token_gives_the_next_tokens(
    registry: Registry, http: httpx.AsyncClient, settings: Settings
) -> None:
    session = await signed_in(registry, http, Role.LEADER)
    answer = await renew(http, session["refresh_token"])
    assert answer.status_code == 200, answer.text
    renewed = answer.json()
    assert renewed["refresh_token"] != session["refresh_token"]
    actor = TokenVerifier(settings.jwks_path).verify(renewed["access_token"])
    assert (str(actor.session_id), actor.roles) == (session["session_id"], frozenset({"leader"}))
    assert (await renew(http, renewed["refresh_token"])).status_code == 200


async def test_a_token_used_twice_ends_the_whole_session(
    registry: Registry, http: httpx.AsyncClient, problem: Problem
) -> None:
    session = await signed_in(registry, http)
    first = (await renew(http, session["refresh_token"])).json()
    second = (await renew(http, first["refresh_token"])).json()
    assert problem(await renew(http, session["refresh_token"]), 401)["error"] == "invalid_grant"
    # Whoever holds the newest token is out as well, and the database says why.
    problem(await renew(http, second["refresh_token"]), 401)
    async with registry.database.read(SYSTEM) as connection:
        because = await connection.fetchval(
            "select revoked_because from session where id = $1", UUID(session["session_id"])
        )
    assert because == "token_reused"


async def test_another_session_of_the_same_person_goes_on(registry: Registry, http: httpx.AsyncClient) -> None:
    account = await registry.account(await registry.organization(), Role.VIEWER)
    one, two = [(await sign_in(http, account.username)).json() for _ in range(2)]
    for _ in range(2):
        await renew(http, one["refresh_token"])
    assert (await renew(http, two["refresh_token"])).status_code == 200


async def test_of_two_renewals_at_once_exactly_one_wins(registry: Registry, http: httpx.AsyncClient) -> None:
    for _ in range(5):
        session = await signed_in(registry, http)
        answers = await asyncio.gather(*(renew(http, session["refresh_token"]) for _ in range(2)))
        assert sorted(answer.status_code for answer in answers) == [200, 401]


@pytest.mark.parametrize("token", ["x", "a" * 43, "0" * 500, "\u20ac"])
async def test_a_made_up_token_renews_nothing(http: httpx.AsyncClient, problem: Problem, token: str) -> None:
    assert problem(await renew(http, token), 401)["code"] == "invalid_grant"


async def test_a_session_ends_with_its_time(registry: Registry, http: httpx.AsyncClient, problem: Problem) -> None:
    session = await signed_in(registry, http)
    async with registry.database.write(SYSTEM) as connection:
        await connection.execute(
            "update session set expires_at = $2 where id = $1",
            UUID(session["session_id"]),
            clock.wall_now() - timedelta(seconds=1),
        )
    problem(await renew(http, session["refresh_token"]), 401)


async def test_a_moved_product_clock_signs_nobody_out(registry: Registry, http: httpx.AsyncClient) -> None:
    session = await signed_in(registry, http)
    before = clock.offset()
    clock.set_offset(timedelta(days=400))
    try:
        assert (await renew(http, session["refresh_token"])).status_code == 200
        assert (await http.get("/v1/me", headers=bearer(session))).status_code == 200
    finally:
        clock.set_offset(before)


async def test_who_signs_out_cannot_renew(registry: Registry, http: httpx.AsyncClient, problem: Problem) -> None:
    session = await signed_in(registry, http)
    assert (await http.delete("/v1/sessions/current", headers=bearer(session))).status_code == 204
    problem(await renew(http, session["refresh_token"]), 401)


async def test_signing_out_needs_a_session(registry: Registry, problem: Problem) -> None:
    caller = await registry.caller(await registry.organization(), Role.VIEWER)
    problem(await caller.delete("/v1/sessions/current"), 404)


async def test_a_deactivated_person_is_out(registry: Registry, http: httpx.AsyncClient, problem: Problem) -> None:
    organization = await registry.organization()
    account = await registry.account(organization, Role.SPECIALIST)
    session = (await sign_in(http, account.username)).json()
    administrator = await registry.caller(organization, Role.ADMINISTRATOR)
    path = f"/v1/users/{account.id}"
    changed = await administrator.patch(path, {"active": False}, **{"If-Match": '"v1"'})
    assert changed.status_code == 200, changed.text
    problem(await renew(http, session["refresh_token"]), 401)
    problem(await sign_in(http, account.username), 401)


async def test_a_new_role_is_in_the_next_token(registry: Registry, http: httpx.AsyncClient, settings: Settings) -> None:
    organization = await registry.organization()
    account = await registry.account(organization, Role.VIEWER)
    session = (await sign_in(http, account.username)).json()
    administrator = await registry.caller(organization, Role.ADMINISTRATOR)
    await administrator.patch(f"/v1/users/{account.id}", {"roles": ["leader"]}, **{"If-Match": '"v1"'})
    renewed = (await renew(http, session["refresh_token"])).json()
    assert TokenVerifier(settings.jwks_path).verify(renewed["access_token"]).roles == {"leader"}


async def test_no_table_holds_a_token_or_a_password(registry: Registry, http: httpx.AsyncClient) -> None:
    session = await signed_in(registry, http)
    async with registry.database.read(SYSTEM) as connection:
        for table in ("session", "refresh_token", "account", "idempotency_record"):
            text = await connection.fetchval(f"select coalesce(string_agg(t::text, ' '), '') from {table} t")
            assert session["refresh_token"] not in text
            assert PASSWORD not in text


async def test_sessions_and_tokens_are_the_systems_own(registry: Registry, http: httpx.AsyncClient) -> None:
    await signed_in(registry, http)
    operator = await registry.caller(None)
    async with registry.database.read(operator.actor) as connection:
        for table in ("session", "refresh_token"):
            assert await connection.fetchval(f"select count(*) from {table}") == 0


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password", "username": "a", "password": "b"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({}, 422, None),
    ],
)
async def test_a_wrong_token_request_is_named_as_in_rfc_6749(
    http: httpx.AsyncClient, problem: Problem, form: dict[str, str], status: int, error: str | None
) -> None:
    assert problem(await http.post("/v1/oauth/token", data=form), status).get("error") == error


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"username": "x"}, "/password"),
        ({"username": 1, "password": "x"}, "/username"),
        ({"username": "x" * 101, "password": "x"}, "/username"),
        ({"username": "x", "password": "x" * 257}, "/password"),
        ({"username": "x", "password": "x", "remember": True}, "/remember"),
    ],
)
async def test_a_wrong_field_is_named(
    http: httpx.AsyncClient, problem: Problem, body: dict[str, Any], pointer: str
) -> None:
    answer = problem(await http.post("/v1/sessions", json=body), 422)
    assert [error["pointer"] for error in answer["errors"]] == [pointer]


async def test_the_published_keys_verify_a_token(registry: Registry, http: httpx.AsyncClient) -> None:
    session = await signed_in(registry, http)
    keys = (await http.get("/v1/.well-known/jwks.json")).json()["keys"]
    kid = jwt.get_unverified_header(session["access_token"])["kid"]
    (key,) = [key for key in keys if key["kid"] == kid]
    claims = jwt.decode(
        session["access_token"],
        jwt.PyJWK(key).key,
        algorithms=["ES256"],
        audience="lienvung-api",
        issuer="lienvung",
    )
    assert claims["sid"] == session["session_id"]
    assert "d" not in key
