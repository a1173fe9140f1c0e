"""Invitations: a person chooses the password by a link that is good once and for a while."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from agreements_api.policy import Role
from shared import clock
from shared.auth import SYSTEM
from tests.agreements_api.conftest import PASSWORD, Caller, Registry

Problem = Callable[[httpx.Response, int], dict[str, Any]]
CHOSEN = "tự tôi chọn mật khẩu"


async def administrator_of(registry: Registry) -> Caller:
    return await registry.caller(await registry.organization(), Role.ADMINISTRATOR)


async def invited(administrator: Caller, **more: Any) -> dict[str, Any]:
    body = {"username": f"u{uuid4().hex[:12]}", "name": "Chuyên viên (minh họa)", "roles": ["specialist"]}
    answer = await administrator.post("/v1/users", body | more)
    assert answer.status_code == 201, answer.text
    user: dict[str, Any] = answer.json()
    # An answer that holds a token is nobody's to keep.
    assert (answer.headers.get("cache-control") == "no-store") == (user["invitation"] is not None)
    return user


async def accept(http: httpx.AsyncClient, token: str, password: str = CHOSEN) -> httpx.Response:
    return await http.post("/v1/invitations/accept", json={"token": token, "password": password})


async def signs_in(http: httpx.AsyncClient, username: str, password: str = CHOSEN) -> bool:
    answer = await http.post("/v1/sessions", json={"username": username, "password": password})
    return answer.status_code == 201


async def test_who_is_invited_chooses_the_password_and_signs_in(registry: Registry, http: httpx.AsyncClient) -> None:
    administrator = await administrator_of(registry)
    user = await invited(administrator)
    assert user["invited_until"] == user["invitation"]["expires_at"]
    wait = datetime.fromisoformat(user["invited_until"]) - clock.wall_now()
    assert timedelta(hours=71) < wait <= timedelta(hours=72)
    assert not await signs_in(http, user["username"])
    answer = await accept(http, user["invitation"]["token"])
    assert (answer.status_code, answer.json()) == (200, {"username": user["username"], "name": user["name"]})
    assert await signs_in(http, user["username"])
    seen = (await administrator.get(f"/v1/users/{user['id']}")).json()
    assert (seen["invited_until"], seen["version"]) == (None, 2)


async def test_a_password_of_ones_own_choice_needs_no_invitation(registry: Registry) -> None:
    user = await invited(await administrator_of(registry), password=PASSWORD)
    assert (user["invited_until"], user["invitation"]) == (None, None)


async def test_an_invitation_is_good_once(registry: Registry, http: httpx.AsyncClient, problem: Problem) -> None:
    user = await invited(await administrator_of(registry))
    token = user["invitation"]["token"]
    answers = await asyncio.gather(*(accept(http, token, f"{CHOSEN} {number}") for number in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422]
    body = problem(await accept(http, token), 422)
    assert [error["pointer"] for error in body["errors"]] == ["/token"]


async def test_whatever_is_wrong_with_an_invitation_reads_the_same(
    registry: Registry, http: httpx.AsyncClient, problem: Problem
) -> None:
    administrator = await administrator_of(registry)
    replaced, late, gone = [await invited(administrator) for _ in range(3)]
    await administrator.post(f"/v1/users/{replaced['id']}/invite", **{"If-Match": '"v1"'})
    async with registry.database.transaction(SYSTEM) as session:
        await (await session.connection()).exec_driver_sql(
            "update account set invitation_expires_at = now() - interval '1 second' where id = $1", (late["id"],)
        )
    await administrator.patch(f"/v1/users/{gone['id']}", {"active": False}, **{"If-Match": '"v1"'})
    await administrator.patch(f"/v1/users/{gone['id']}", {"active": True}, **{"If-Match": '"v2"'})
    tokens = ["đoán", *(user["invitation"]["token"] for user in (replaced, late, gone))]
    documents = [problem(await accept(http, token), 422) for token in tokens]
    for document in documents:
        document.pop("trace_id", None)
    assert documents[1:] == documents[:1] * 3
    assert documents[0]["code"] == "invalid_invitation"


async def test_a_new_invitation_lets_a_person_choose_again_and_ends_the_sessions(
    registry: Registry, http: httpx.AsyncClient
) -> None:
    organization = await registry.organization()
    account = await registry.account(organization, Role.LEADER)
    administrator = await registry.caller(organization, Role.ADMINISTRATOR)
    session = (await http.post("/v1/sessions", json={"username": account.username, "password": PASSWORD})).json()
    answer = await administrator.post(f"/v1/users/{account.id}/invite", **{"If-Match": '"v1"'})
    assert answer.status_code == 200, answer.text
    # Until it is accepted nothing changes for the person.
    assert await signs_in(http, account.username, PASSWORD)
    await accept(http, answer.json()["invitation"]["token"])
    assert not await signs_in(http, account.username, PASSWORD)
    assert await signs_in(http, account.username)
    form = {"grant_type": "refresh_token", "refresh_token": session["refresh_token"]}
    assert (await http.post("/v1/oauth/token", data=form)).status_code == 401


async def test_a_repetition_makes_one_account_and_no_token_is_kept(registry: Registry) -> None:
    administrator = await administrator_of(registry)
    headers = administrator.unsafe()
    body = {"username": f"u{uuid4().hex[:12]}", "name": "A (minh họa)", "roles": ["viewer"]}
    first = await administrator.http.post("/v1/users", json=body, headers=headers)
    again = await administrator.http.post("/v1/users", json=body, headers=headers)
    told, repeated = first.json(), again.json()
    token = told["invitation"].pop("token")
    assert repeated["invitation"].pop("token") is None
    assert (again.status_code, repeated) == (201, told)
    async with registry.database.read(SYSTEM) as connection:
        stored = await connection.fetchval(
            "select (select string_agg(convert_from(body, 'UTF8'), '') from idempotency_record)"
            " || (select string_agg(to_jsonb(a)::text, '') from account a)"
        )
    assert told["id"] in stored
    assert token not in stored


async def test_an_account_that_has_ended_is_not_invited(registry: Registry, problem: Problem) -> None:
    organization = await registry.organization()
    gone = await registry.account(organization, Role.VIEWER, active=False)
    administrator = await registry.caller(organization, Role.ADMINISTRATOR)
    body = problem(await administrator.post(f"/v1/users/{gone.id}/invite", **{"If-Match": '"v1"'}), 422)
    assert [error["pointer"] for error in body["errors"]] == ["/active"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SPECIALIST, Role.LEADER])
async def test_nobody_else_invites(registry: Registry, problem: Problem, role: Role) -> None:
    organization = await registry.organization()
    account = await registry.account(organization, Role.VIEWER)
    caller, stranger = await registry.caller(organization, role), await administrator_of(registry)
    problem(await caller.post(f"/v1/users/{account.id}/invite", **{"If-Match": '"v1"'}), 403)
    problem(await stranger.post(f"/v1/users/{account.id}/invite", **{"If-Match": '"v1"'}), 404)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"token": "x", "password": "ngắn"}, "/password"),
        ({"password": CHOSEN}, "/token"),
        ({"token": "", "password": CHOSEN}, "/token"),
        ({"token": "x", "password": CHOSEN, "username": "x"}, "/username"),
    ],
)
async def test_a_malformed_acceptance_names_its_field(
    http: httpx.AsyncClient, problem: Problem, body: dict[str, Any], pointer: str
) -> None:
    answer = await http.post("/v1/invitations/accept", json=body)
    assert [error["pointer"] for error in problem(answer, 422)["errors"]] == [pointer]
