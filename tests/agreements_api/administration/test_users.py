"""What is told of accounts: who gave a role, invited, deactivated somebody, and never what lets anybody in."""

from datetime import datetime
from uuid import UUID, uuid4

import httpx
import pytest

from agreements_api.accounts import service
from agreements_api.accounts.passwords import Passwords
from agreements_api.policy import Role
from shared.auth import SYSTEM
from tests.agreements_api.administration.telling import administered, by, history, new_user, steps, told, user
from tests.agreements_api.conftest import PASSWORD, Registry

NEW_PASSWORD = "một mật khẩu khác"


async def test_who_made_an_account_and_gave_a_role(registry: Registry) -> None:
    administrator, _, _ = await administered(registry)
    other = await registry.caller(None)
    created = await new_user(administrator)
    path = f"/v1/users/{created['id']}"
    changed = await other.patch(path, {"roles": ["leader"], "name": "Lãnh đạo (minh họa)"}, **{"If-Match": '"v1"'})
    assert changed.status_code == 200, changed.text
    second, first = await history(administrator, path)
    assert (first["version"], first["action"], first["actor"]) == (1, "create", by(administrator))
    assert told(first) == {
        "username": (None, created["username"]),
        "name": (None, "Chuyên viên (minh họa)"),
        "roles": (None, ["specialist"]),
        "language": (None, "vi"),
        "active": (None, True),
        "password": (None, None),
    }
    assert (second["version"], second["action"], second["actor"]) == (2, "update", by(other))
    assert told(second) == {
        "name": ("Chuyên viên (minh họa)", "Lãnh đạo (minh họa)"),
        "roles": (["specialist"], ["leader"]),
    }
    assert (second["remark"], second["reconstructed"]) == (None, False)
    happened_at, changed_at = (
        datetime.fromisoformat(at) for at in (second["occurred_at"], changed.json()["updated_at"])
    )
    assert happened_at == changed_at


async def test_who_was_deactivated_and_taken_back(registry: Registry) -> None:
    administrator, _, _ = await administered(registry)
    created = await new_user(administrator)
    path = f"/v1/users/{created['id']}"
    await administrator.patch(path, {"active": False}, **{"If-Match": '"v1"'})
    await administrator.patch(path, {"active": True, "email": "a@demo.lienvung.example"}, **{"If-Match": '"v2"'})
    back, away, _ = await history(administrator, path)
    assert (away["action"], told(away)) == ("deactivate", {"active": (True, False)})
    assert (back["action"], told(back)) == (
        "activate",
        {"active": (False, True), "email": (None, "a@demo.lienvung.example")},
    )


async def test_an_invitation_from_its_first_day_to_its_acceptance(registry: Registry, http: httpx.AsyncClient) -> None:
    administrator, organization, _ = await administered(registry)
    created = (await administrator.post("/v1/users", user())).json()
    path = f"/v1/users/{created['id']}"
    again = (await administrator.post(f"{path}/invite", **{"If-Match": '"v1"'})).json()
    token = again["invitation"]["token"]
    accepted = await http.post("/v1/invitations/accept", json={"token": token, "password": NEW_PASSWORD})
    assert accepted.status_code == 200, accepted.text
    entries = await history(administrator, path)
    assert steps(entries) == [(3, "accept_invitation"), (2, "invite"), (1, "create")]
    last, resent, first = entries
    untils = [told(entry)["invited_until"] for entry in (first, resent, last)]
    assert [until[0] for until in untils] == [None, untils[0][1], untils[1][1]]
    assert untils[2][1] is None
    assert told(last)["password"] == (None, None)
    assert last["actor"] == {
        "id": created["id"],
        "kind": "user",
        "name": created["name"],
        "organization_id": str(organization.id),
    }


async def test_one_tells_of_what_one_changed_oneself(registry: Registry) -> None:
    organization = await registry.organization()
    account = await registry.account(organization, Role.VIEWER)
    caller = registry.as_account(account, organization)
    await caller.patch("/v1/me", {"language": "en"}, **{"If-Match": '"v1"'})
    body = {"password": NEW_PASSWORD, "current_password": PASSWORD}
    assert (await caller.patch("/v1/me", body, **{"If-Match": '"v2"'})).status_code == 200
    entries = await history(caller, f"/v1/users/{account.id}")
    assert [(entry["action"], told(entry)) for entry in entries[:2]] == [
        ("update", {"password": (None, None)}),
        ("update", {"language": ("vi", "en")}),
    ]
    assert entries[0]["actor"] == by(caller)


async def test_what_changes_nothing_is_not_told(registry: Registry) -> None:
    administrator, _, _ = await administered(registry)
    created = await new_user(administrator)
    path = f"/v1/users/{created['id']}"
    await administrator.patch(path, {"name": created["name"], "active": True}, **{"If-Match": '"v1"'})
    mine = f"/v1/users/{administrator.actor.id}"
    await administrator.patch("/v1/me", {"language": "vi"}, **{"If-Match": '"v1"'})
    assert steps(await history(administrator, path)) == [(1, "create")]
    assert steps(await history(administrator, mine)) == [(1, "create")]


async def test_what_was_refused_is_not_told(registry: Registry) -> None:
    administrator, _, _ = await administered(registry)
    mine = f"/v1/users/{administrator.actor.id}"
    assert (await administrator.patch(mine, {"active": False}, **{"If-Match": '"v1"'})).status_code == 409
    assert (await administrator.patch(mine, {"name": "A"}, **{"If-Match": '"v9"'})).status_code == 412
    assert steps(await history(administrator, mine)) == [(1, "create")]


async def test_no_entry_holds_what_lets_anybody_in(registry: Registry, http: httpx.AsyncClient) -> None:
    administrator, _, _ = await administered(registry)
    created = (await administrator.post("/v1/users", user())).json()
    path = f"/v1/users/{created['id']}"
    await http.post("/v1/invitations/accept", json={"token": created["invitation"]["token"], "password": NEW_PASSWORD})
    await administrator.patch(path, {"password": PASSWORD}, **{"If-Match": '"v2"'})
    client = (await administrator.post("/v1/clients", {"name": "Hệ thống", "scopes": ["tasks:read"]})).json()
    rotated = await administrator.post(f"/v1/clients/{client['id']}/rotate-secret", **{"If-Match": '"v1"'})
    secrets = [created["invitation"]["token"], NEW_PASSWORD, PASSWORD, client["client_secret"]]
    secrets += [rotated.json()["client_secret"], "$argon2"]
    async with registry.database.read(SYSTEM) as connection:
        kept = await connection.fetchval("select string_agg(l::text, ' ') from administration_log l")
        digests = await connection.fetch(
            "select encode(digest, 'hex') as one from client_secret union all select password_hash from account"
            " union all select encode(invitation_digest, 'hex') from account where invitation_digest is not null"
        )
    assert [secret for secret in [*secrets, *(row["one"] for row in digests)] if secret in kept] == []


async def test_the_operators_account_is_told_of_as_made_by_the_system(registry: Registry) -> None:
    passwords = Passwords(at_once=1, waiting=0)
    for password in (PASSWORD, PASSWORD, NEW_PASSWORD):
        async with passwords.turn(), registry.database.transaction(SYSTEM) as session:
            await service.ensure_operator(session, passwords, username="operator", password=password)
    async with registry.database.read(SYSTEM) as connection:
        operator_id = await connection.fetchval("select id from account where username = 'operator'")
    entries = await history(await registry.caller(None), f"/v1/users/{operator_id}")
    assert steps(entries) == [(2, "update"), (1, "create")]
    assert entries[0]["actor"] == {"id": str(SYSTEM.id), "kind": "system", "name": "Liên Vùng", "organization_id": None}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SPECIALIST, Role.LEADER])
async def test_one_reads_ones_own_history_and_no_colleagues(registry: Registry, role: Role) -> None:
    administrator, organization, _ = await administered(registry)
    caller = await registry.caller(organization, role)
    assert steps(await history(caller, f"/v1/users/{caller.actor.id}")) == [(1, "create")]
    assert (await caller.get(f"/v1/users/{administrator.actor.id}/history")).status_code == 403
    async with registry.database.transaction(caller.actor) as session:
        connection = await session.connection()
        rows = await connection.exec_driver_sql("select subject_id from administration_log")
        assert [row.subject_id for row in rows] == [caller.actor.id]


async def test_another_organisations_people_have_no_history(registry: Registry) -> None:
    administrator, _, _ = await administered(registry)
    above, organization, _ = await administered(registry)
    below = await registry.organization(superior=organization)
    for owner in (await registry.organization(), below):
        stranger = await registry.account(owner, Role.VIEWER)
        for caller in (administrator, above):
            assert (await caller.get(f"/v1/users/{stranger.id}/history")).status_code == 404
    operator = await registry.caller(None)
    assert (await operator.get(f"/v1/users/{uuid4()}/history")).status_code == 404
    assert (await operator.get(f"/v1/users/{stranger.id}/history")).status_code == 200
    assert (await administrator.get(f"/v1/users/{operator.actor.id}/history")).status_code == 404


async def test_it_comes_page_after_page(registry: Registry) -> None:
    administrator, _, _ = await administered(registry)
    created = await new_user(administrator)
    path = f"/v1/users/{created['id']}"
    for version in range(1, 6):
        await administrator.patch(path, {"name": f"Tên {version}"}, **{"If-Match": f'"v{version}"'})
    first = (await administrator.get(f"{path}/history", limit=4)).json()
    rest = await administrator.get(f"{path}/history", limit=4, cursor=first["next_cursor"])
    versions = [item["version"] for item in first["items"] + rest.json()["items"]]
    assert (versions, rest.json()["next_cursor"]) == ([6, 5, 4, 3, 2, 1], None)
    assert (await administrator.get(f"/v1/users/{UUID(int=1)}/history", cursor=first["next_cursor"])).status_code == 400
