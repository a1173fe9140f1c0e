"""Accounts: one's own, those of one's organisation, and what other services are told of them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from agreements_api.accounts import service
from agreements_api.accounts.errors import InvalidAccount
from agreements_api.accounts.passwords import Passwords
from agreements_api.policy import Role
from shared.auth import SYSTEM
from tests.agreements_api.conftest import PASSWORD, Caller, Registry

Problem = Callable[[httpx.Response, int], dict[str, Any]]
NEW_PASSWORD = "một mật khẩu khác"


def user(**more: Any) -> dict[str, Any]:
    name = f"u{uuid4().hex[:12]}"
    return {
        "username": name,
        "password": PASSWORD,
        "name": "Chuyên viên (minh họa)",
        "email": f"{name}@demo.lienvung.example",
        "roles": ["specialist"],
        **more,
    }


async def can_sign_in(http: httpx.AsyncClient, username: str, password: str) -> bool:
    answer = await http.post("/v1/sessions", json={"username": username, "password": password})
    return answer.status_code == 201


def pointers(body: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in body["errors"]]


async def administrator_of(registry: Registry) -> Caller:
    return await registry.caller(await registry.organization(), Role.ADMINISTRATOR)


async def test_an_administrator_invites_a_colleague_who_can_sign_in(
    registry: Registry, http: httpx.AsyncClient
) -> None:
    administrator = await administrator_of(registry)
    body = user()
    answer = await administrator.post("/v1/users", body)
    assert answer.status_code == 201, answer.text
    created = answer.json()
    assert created["organization_id"] == str(administrator.actor.organization_id)
    assert (created["version"], created["language"], created["active"]) == (1, "vi", True)
    assert "password" not in answer.text
    assert answer.headers["location"] == f"/v1/users/{created['id']}"
    assert await can_sign_in(http, body["username"], PASSWORD)


async def test_other_services_are_told_who_works_for_an_organisation(registry: Registry) -> None:
    administrator = await administrator_of(registry)
    assert administrator.actor.organization_id is not None
    created = (await administrator.post("/v1/users", user(name="Nguyễn Văn A (minh họa)"))).json()
    path = f"/v1/users/{created['id']}"
    changed = await administrator.patch(path, {"active": False, "language": "en"}, **{"If-Match": '"v1"'})
    assert changed.status_code == 200, changed.text
    first, second = await registry.outbox(administrator.actor.organization_id)
    assert (first["data"]["version"], second["data"]["version"]) == (2, 3)
    people = {person["account_id"]: person for person in second["data"]["organization"]["people"]}
    assert set(people) == {created["id"], str(administrator.actor.id)}
    assert people[created["id"]] == {
        "account_id": created["id"],
        "name": "Nguyễn Văn A (minh họa)",
        "email": created["email"],
        "roles": ["specialist"],
        "language": "en",
        "active": False,
    }


async def test_a_new_password_is_nobody_elses_business(registry: Registry) -> None:
    administrator = await administrator_of(registry)
    assert administrator.actor.organization_id is not None
    created = (await administrator.post("/v1/users", user())).json()
    await administrator.patch(f"/v1/users/{created['id']}", {"password": NEW_PASSWORD}, **{"If-Match": '"v1"'})
    assert len(await registry.outbox(administrator.actor.organization_id)) == 1


async def test_a_new_password_ends_the_sessions_of_the_old_one(
    registry: Registry, http: httpx.AsyncClient, problem: Problem
) -> None:
    organization = await registry.organization()
    account = await registry.account(organization, Role.VIEWER)
    session = (await http.post("/v1/sessions", json={"username": account.username, "password": PASSWORD})).json()
    administrator = await registry.caller(organization, Role.ADMINISTRATOR)
    answer = await administrator.patch(f"/v1/users/{account.id}", {"password": NEW_PASSWORD}, **{"If-Match": '"v1"'})
    assert answer.status_code == 200, answer.text
    form = {"grant_type": "refresh_token", "refresh_token": session["refresh_token"]}
    problem(await http.post("/v1/oauth/token", data=form), 401)
    assert not await can_sign_in(http, account.username, PASSWORD)
    assert await can_sign_in(http, account.username, NEW_PASSWORD)


async def test_the_operator_invites_into_any_organisation(registry: Registry, problem: Problem) -> None:
    operator = await registry.caller(None)
    organization = await registry.organization()
    answer = await operator.post("/v1/users", user(organization_id=str(organization.id)))
    assert answer.json()["organization_id"] == str(organization.id)
    assert pointers(problem(await operator.post("/v1/users", user()), 422)) == ["/organization_id"]
    unknown = problem(await operator.post("/v1/users", user(organization_id=str(uuid4()))), 422)
    assert pointers(unknown) == ["/organization_id"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SPECIALIST, Role.LEADER])
async def test_nobody_else_invites_or_changes(registry: Registry, problem: Problem, role: Role) -> None:
    organization = await registry.organization()
    caller = await registry.caller(organization, role)
    colleague = await registry.account(organization, Role.VIEWER)
    problem(await caller.post("/v1/users", user()), 403)
    path = f"/v1/users/{colleague.id}"
    problem(await caller.patch(path, {"name": "A"}, **{"If-Match": '"v1"'}), 403)
    assert (await caller.get(path)).json()["allowed_actions"] == []


async def test_another_organisations_people_do_not_exist(registry: Registry, problem: Problem) -> None:
    administrator = await administrator_of(registry)
    stranger = await registry.account(await registry.organization(), Role.VIEWER)
    path = f"/v1/users/{stranger.id}"
    problem(await administrator.get(path), 404)
    problem(await administrator.patch(path, {"active": False}, **{"If-Match": '"v1"'}), 404)
    problem(await administrator.get("/v1/users", organization=str(stranger.organization_id)), 404)
    problem(await administrator.post("/v1/users", user(organization_id=str(stranger.organization_id))), 403)
    listed = (await administrator.get("/v1/users")).json()["items"]
    assert [item["id"] for item in listed] == [str(administrator.actor.id)]


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("roles", ["emperor"], "/roles/0"),
        ("roles", ["viewer", "operator"], "/roles/1"),
        ("roles", ["client"], "/roles/0"),
        ("roles", [], "/roles"),
        ("username", "Đông Triều", "/username"),
        ("username", "ab", "/username"),
        ("username", "UPPER", "/username"),
        ("username", "-dash", "/username"),
        ("username", "a\nb", "/username"),
        ("password", "eleven char", "/password"),
        ("password", "x" * 257, "/password"),
        ("email", "nobody", "/email"),
        ("language", "fr", "/language"),
        ("name", "", "/name"),
        ("unheard_of", 1, "/unheard_of"),
    ],
)
async def test_a_wrong_field_is_named(
    registry: Registry, problem: Problem, field: str, value: Any, pointer: str
) -> None:
    administrator = await administrator_of(registry)
    assert pointers(problem(await administrator.post("/v1/users", user(**{field: value})), 422)) == [pointer]
    assert len((await administrator.get("/v1/users")).json()["items"]) == 1


async def test_a_taken_name_is_refused_even_when_it_is_another_organisations(
    registry: Registry, problem: Problem
) -> None:
    taken = await registry.account(await registry.organization(), Role.VIEWER)
    administrator = await administrator_of(registry)
    body = problem(await administrator.post("/v1/users", user(username=taken.username)), 422)
    assert [(error["pointer"], error["code"]) for error in body["errors"]] == [("/username", "taken")]


async def test_nobody_becomes_operator_by_a_patch(registry: Registry, problem: Problem) -> None:
    operator = await registry.caller(None)
    account = await registry.account(await registry.organization(), Role.VIEWER)
    answer = await operator.patch(f"/v1/users/{account.id}", {"roles": ["operator"]}, **{"If-Match": '"v1"'})
    assert pointers(problem(answer, 422)) == ["/roles/0"]
    own = await operator.patch(f"/v1/users/{operator.actor.id}", {"roles": ["viewer"]}, **{"If-Match": '"v1"'})
    assert pointers(problem(own, 422)) == ["/roles"]


async def test_a_change_needs_the_version_it_was_decided_on(registry: Registry, problem: Problem) -> None:
    administrator = await administrator_of(registry)
    path = f"/v1/users/{administrator.actor.id}"
    problem(await administrator.patch(path, {"name": "A"}), 428)
    problem(await administrator.patch(path, {"name": "A"}, **{"If-Match": '"v0"'}), 412)
    answer = await administrator.patch(path, {"name": "A"}, **{"If-Match": '"v1"'})
    assert answer.json()["version"] == 2


async def test_a_patch_that_changes_nothing_makes_no_version(registry: Registry) -> None:
    organization = await registry.organization()
    administrator = await registry.caller(organization, Role.ADMINISTRATOR)
    colleague = await registry.account(organization, Role.VIEWER, active=False)
    path = f"/v1/users/{colleague.id}"
    same = {"name": colleague.name, "email": colleague.email, "roles": ["viewer", "viewer"], "active": False}
    for body in ({}, same):
        answer = await administrator.patch(path, body, **{"If-Match": '"v1"'})
        assert (answer.status_code, answer.json()["version"]) == (200, 1), answer.text
    mine = await administrator.patch("/v1/me", {"language": "vi"}, **{"If-Match": '"v1"'})
    assert (mine.status_code, mine.json()["version"]) == (200, 1), mine.text
    assert await registry.outbox(organization.id) == []


async def test_users_come_by_name_page_after_page(registry: Registry) -> None:
    organization = await registry.organization()
    administrator = await registry.caller(organization, Role.ADMINISTRATOR)
    for _ in range(4):
        await registry.account(organization, Role.VIEWER)
    inactive = await registry.account(organization, Role.VIEWER, active=False)
    first = (await administrator.get("/v1/users", limit=4)).json()
    rest = (await administrator.get("/v1/users", limit=4, cursor=first["next_cursor"])).json()
    names = [item["username"] for item in first["items"] + rest["items"]]
    assert (len(names), names, rest["next_cursor"]) == (6, sorted(names), None)
    away = (await administrator.get("/v1/users", active=False)).json()["items"]
    assert [item["id"] for item in away] == [str(inactive.id)]


async def test_everyone_sees_and_changes_his_own_account(registry: Registry) -> None:
    organization = await registry.organization("UBND huyện Sơn Động")
    caller = await registry.caller(organization, Role.VIEWER)
    seen = await caller.get("/v1/me")
    assert (seen.json()["organization"]["name"], seen.json()["version"]) == ("UBND huyện Sơn Động", 1)
    assert (await caller.get("/v1/me", headers={"If-None-Match": seen.headers["etag"]})).status_code == 304
    changed = await caller.patch("/v1/me", {"language": "en", "email": None}, **{"If-Match": '"v1"'})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["language"], changed.json()["email"], changed.json()["version"]) == ("en", None, 2)
    (event,) = await registry.outbox(organization.id)
    assert event["data"]["organization"]["people"][0]["language"] == "en"


async def test_nobody_gives_himself_a_role(registry: Registry, problem: Problem) -> None:
    caller = await registry.caller(await registry.organization(), Role.VIEWER)
    answer = await caller.patch("/v1/me", {"roles": ["leader"]}, **{"If-Match": '"v1"'})
    assert pointers(problem(answer, 422)) == ["/roles"]


async def test_ones_own_new_password_needs_the_current_one(
    registry: Registry, http: httpx.AsyncClient, problem: Problem
) -> None:
    organization = await registry.organization()
    account = await registry.account(organization, Role.VIEWER)
    caller = registry.as_account(account, organization)
    for body in ({"password": NEW_PASSWORD}, {"password": NEW_PASSWORD, "current_password": "đoán bừa"}):
        assert pointers(problem(await caller.patch("/v1/me", body, **{"If-Match": '"v1"'}), 422)) == [
            "/current_password"
        ]
    assert await can_sign_in(http, account.username, PASSWORD)
    headers = caller.unsafe(**{"If-Match": '"v1"'})
    body = {"password": NEW_PASSWORD, "current_password": PASSWORD}
    changed = await http.patch("/v1/me", json=body, headers=headers)
    assert changed.status_code == 200, changed.text
    assert await can_sign_in(http, account.username, NEW_PASSWORD)
    # A repetition gets the same answer, although the current password is another one by now.
    again = await http.patch("/v1/me", json=body, headers=headers)
    assert (again.status_code, again.json()) == (200, changed.json())


async def test_a_client_has_no_account_of_its_own(registry: Registry, problem: Problem) -> None:
    client = registry.as_client(await registry.organization(), "localities:read")
    problem(await client.get("/v1/me"), 403)
    problem(await client.get("/v1/users"), 403)


async def test_the_same_key_makes_one_account_and_no_password_is_kept(registry: Registry) -> None:
    administrator = await administrator_of(registry)
    headers, body = administrator.unsafe(), user()
    first = await administrator.http.post("/v1/users", json=body, headers=headers)
    again = await administrator.http.post("/v1/users", json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    async with registry.database.read(SYSTEM) as connection:
        stored = await connection.fetchval(
            "select string_agg(convert_from(body, 'UTF8') || headers::text, '') from idempotency_record"
        )
    assert first.json()["id"] in stored
    assert PASSWORD not in stored


async def test_the_operator_is_made_once_and_a_known_password_signs_nobody_out(
    registry: Registry, http: httpx.AsyncClient
) -> None:
    passwords = Passwords(at_once=1, waiting=0)

    async def ensure(password: str) -> str:
        async with passwords.turn(), registry.database.transaction(SYSTEM) as session:
            return await service.ensure_operator(session, passwords, username="operator", password=password)

    assert await ensure(PASSWORD) == "created"
    session = (await http.post("/v1/sessions", json={"username": "operator", "password": PASSWORD})).json()
    assert session["account"]["roles"] == ["operator"]
    assert await ensure(PASSWORD) == "unchanged"
    form = {"grant_type": "refresh_token", "refresh_token": session["refresh_token"]}
    renewed = await http.post("/v1/oauth/token", data=form)
    assert renewed.status_code == 200
    assert await ensure(NEW_PASSWORD) == "changed"
    form["refresh_token"] = renewed.json()["refresh_token"]
    assert (await http.post("/v1/oauth/token", data=form)).status_code == 401
    assert await can_sign_in(http, "operator", NEW_PASSWORD)


async def test_the_operator_takes_nobodys_name(registry: Registry) -> None:
    account = await registry.account(await registry.organization(), Role.LEADER)
    passwords = Passwords(at_once=1, waiting=0)
    with pytest.raises(InvalidAccount):
        async with passwords.turn(), registry.database.transaction(SYSTEM) as session:
            await service.ensure_operator(session, passwords, username=account.username, password=NEW_PASSWORD)


async def test_row_level_security_hides_what_a_query_forgets_to_scope(registry: Registry) -> None:
    one, two = await administrator_of(registry), await administrator_of(registry)
    async with registry.database.read(one.actor) as connection:
        seen = await connection.fetch("select id from account where id = any($1)", [one.actor.id, two.actor.id])
    assert [row["id"] for row in seen] == [one.actor.id]
    assert isinstance(seen[0]["id"], UUID)
