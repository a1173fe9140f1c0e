"""District systems: their secrets, scopes and tokens."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from agreements_api.config import Settings
from agreements_api.policy import Role
from shared.auth import SYSTEM, TokenVerifier
from tests.agreements_api.conftest import Caller, Registry

Problem = Callable[[httpx.Response, int], dict[str, Any]]


async def administrator_of(registry: Registry) -> Caller:
    return await registry.caller(await registry.organization(), Role.ADMINISTRATOR)


async def create(caller: Caller, *scopes: str, **more: Any) -> dict[str, Any]:
    name = f"Hệ thống {uuid4().hex[:8]} (minh họa)"
    answer = await caller.post("/v1/clients", {"name": name, "scopes": scopes or ["localities:read"], **more})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def grant(http: httpx.AsyncClient, client: dict[str, Any], **more: str) -> httpx.Response:
    form = {
        "grant_type": "client_credentials",
        "client_id": client["id"],
        "client_secret": client["client_secret"],
        **more,
    }
    return await http.post("/v1/oauth/token", data=form)


def basic(identity: str, secret: str) -> dict[str, str]:
    credentials = f"{quote(identity, safe='')}:{quote(secret, safe='')}"
    return {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}


async def test_a_client_gets_a_token_for_its_organisation_and_scopes(
    registry: Registry, http: httpx.AsyncClient, settings: Settings
) -> None:
    organization = await registry.organization()
    client = await create(await registry.caller(organization, Role.ADMINISTRATOR), "localities:read", "agreements:read")
    answer = await grant(http, client)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["scope"]) == ("Bearer", "agreements:read localities:read")
    assert "refresh_token" not in body
    actor = TokenVerifier(settings.jwks_path).verify(body["access_token"])
    assert (str(actor.id), actor.kind, actor.roles) == (client["id"], "client", frozenset({"client"}))
    assert (actor.organization_id, actor.unit_id) == (organization.id, organization.unit_id)


async def test_basic_does_what_the_form_does(registry: Registry, http: httpx.AsyncClient) -> None:
    client = await create(await administrator_of(registry))
    form = {"grant_type": "client_credentials"}
    answer = await http.post("/v1/oauth/token", data=form, headers=basic(client["id"], client["client_secret"]))
    assert answer.status_code == 200, answer.text


async def test_one_way_of_authenticating_at_a_time(
    registry: Registry, http: httpx.AsyncClient, problem: Problem
) -> None:
    client = await create(await administrator_of(registry))
    form = {"grant_type": "client_credentials", "client_secret": client["client_secret"]}
    answer = await http.post("/v1/oauth/token", data=form, headers=basic(client["id"], client["client_secret"]))
    assert problem(answer, 400)["error"] == "invalid_request"


async def test_fewer_scopes_can_be_asked_for_but_not_more(
    registry: Registry, http: httpx.AsyncClient, problem: Problem
) -> None:
    client = await create(await administrator_of(registry), "localities:read", "agreements:read")
    assert (await grant(http, client, scope="localities:read")).json()["scope"] == "localities:read"
    other = await create(await administrator_of(registry), "localities:read")
    for scope in ("localities:read agreements:read", "everything", "a\0b", " "):
        assert problem(await grant(http, other, scope=scope), 400)["error"] == "invalid_scope"


async def test_whatever_is_wrong_with_a_client_reads_the_same(
    registry: Registry, http: httpx.AsyncClient, problem: Problem
) -> None:
    client = await create(await administrator_of(registry))
    documents = [
        problem(await grant(http, client, **wrong), 401)
        for wrong in (
            {"client_secret": "x"},
            {"client_id": str(uuid4())},
            {"client_id": "nobody"},
            {"client_secret": ""},
        )
    ]
    for document in documents:
        document.pop("trace_id", None)
    assert documents[1:] == documents[:1] * 3
    assert documents[0]["error"] == "invalid_client"


@pytest.mark.parametrize("credentials", ["Basic", "Basic !!!", "Basic gICA", "Basic bm9ib2R5"])
async def test_basic_that_is_no_basic_is_an_invalid_client(
    http: httpx.AsyncClient, problem: Problem, credentials: str
) -> None:
    form = {"grant_type": "client_credentials"}
    answer = await http.post("/v1/oauth/token", data=form, headers={"Authorization": credentials})
    assert problem(answer, 401)["code"] == "invalid_client"
    assert answer.headers["www-authenticate"].startswith("Basic")


async def test_a_secret_is_told_once_and_stored_nowhere(registry: Registry) -> None:
    administrator = await administrator_of(registry)
    headers = administrator.unsafe()
    body = {"name": "Hệ thống một lần", "scopes": ["localities:read"]}
    first = await administrator.http.post("/v1/clients", json=body, headers=headers)
    again = await administrator.http.post("/v1/clients", json=body, headers=headers)
    secret = first.json()["client_secret"]
    assert len(secret) >= 40
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == first.json() | {"client_secret": None}
    read = await administrator.get(f"/v1/clients/{first.json()['id']}")
    assert "client_secret" not in read.json()
    async with registry.database.read(SYSTEM) as connection:
        stored = await connection.fetchval(
            "select string_agg(encode(body, 'escape') || headers::text, '') from idempotency_record"
        )
        digests = await connection.fetchval("select string_agg(encode(digest, 'escape'), '') from client_secret")
    assert first.json()["id"] in stored
    assert secret not in stored + digests


async def test_after_a_rotation_both_secrets_are_good_for_a_while(registry: Registry, http: httpx.AsyncClient) -> None:
    administrator = await administrator_of(registry)
    client = await create(administrator)
    rotated = await administrator.act(f"/v1/clients/{client['id']}", "rotate-secret")
    assert rotated.status_code == 200, rotated.text
    body = rotated.json()
    assert body["version"] == 2
    assert sorted(secret["expires_at"] is None for secret in body["secrets"]) == [False, True]
    assert (await grant(http, client)).status_code == 200
    assert (await grant(http, client, client_secret=body["client_secret"])).status_code == 200


async def test_a_leaked_secret_is_ended_at_once(registry: Registry, http: httpx.AsyncClient, problem: Problem) -> None:
    administrator = await administrator_of(registry)
    client = await create(administrator)
    path = f"/v1/clients/{client['id']}"
    rotated = (await administrator.act(path, "rotate-secret", {"overlap_hours": 0})).json()
    problem(await grant(http, client), 401)
    assert (await grant(http, client, client_secret=rotated["client_secret"])).status_code == 200
    assert len(rotated["secrets"]) == 1


async def test_a_later_rotation_lengthens_no_secrets_life(registry: Registry) -> None:
    administrator = await administrator_of(registry)
    client = await create(administrator)
    path = f"/v1/clients/{client['id']}"
    first = (await administrator.act(path, "rotate-secret", {"overlap_hours": 1})).json()
    second = (await administrator.act(path, "rotate-secret", {"overlap_hours": 100})).json()
    ends = {secret["id"]: secret["expires_at"] for secret in second["secrets"]}
    (ending,) = [secret for secret in first["secrets"] if secret["expires_at"] is not None]
    assert ends[ending["id"]] == ending["expires_at"]


async def test_a_rotation_needs_the_version_it_was_decided_on(registry: Registry, problem: Problem) -> None:
    administrator = await administrator_of(registry)
    path = f"/v1/clients/{(await create(administrator))['id']}/rotate-secret"
    problem(await administrator.post(path), 428)
    answers = await asyncio.gather(*(administrator.post(path, **{"If-Match": '"v1"'}) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 412]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SPECIALIST, Role.LEADER])
async def test_only_administrators_deal_with_clients(registry: Registry, problem: Problem, role: Role) -> None:
    organization = await registry.organization()
    client = await create(await registry.caller(organization, Role.ADMINISTRATOR))
    caller = await registry.caller(organization, role)
    problem(await caller.get("/v1/clients"), 403)
    problem(await caller.get(f"/v1/clients/{client['id']}"), 403)
    problem(await caller.post("/v1/clients", {"name": "x", "scopes": ["localities:read"]}), 403)
    problem(await caller.post(f"/v1/clients/{client['id']}/rotate-secret", **{"If-Match": '"v1"'}), 403)


async def test_another_organisations_clients_do_not_exist(registry: Registry, problem: Problem) -> None:
    client = await create(await administrator_of(registry))
    stranger = await administrator_of(registry)
    problem(await stranger.get(f"/v1/clients/{client['id']}"), 404)
    problem(await stranger.post(f"/v1/clients/{client['id']}/rotate-secret", **{"If-Match": '"v1"'}), 404)
    assert (await stranger.get("/v1/clients")).json()["items"] == []


async def test_clients_are_listed_page_after_page(registry: Registry) -> None:
    administrator = await administrator_of(registry)
    made = [(await create(administrator))["id"] for _ in range(3)]
    first = (await administrator.get("/v1/clients", limit=2)).json()
    rest = (await administrator.get("/v1/clients", limit=2, cursor=first["next_cursor"])).json()
    assert sorted(item["id"] for item in first["items"] + rest["items"]) == sorted(made)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"scopes": ["everything"]}, "/scopes/0"),
        ({"scopes": ["localities:read", "x"]}, "/scopes/1"),
        ({"scopes": []}, "/scopes"),
        ({"name": ""}, "/name"),
        ({"active": False}, "/active"),
    ],
)
async def test_a_wrong_field_is_named(registry: Registry, problem: Problem, body: dict[str, Any], pointer: str) -> None:
    administrator = await administrator_of(registry)
    answer = await administrator.post("/v1/clients", {"name": "Hệ thống", "scopes": ["localities:read"], **body})
    assert [error["pointer"] for error in problem(answer, 422)["errors"]] == [pointer]


async def test_a_taken_name_is_refused(registry: Registry, problem: Problem) -> None:
    administrator = await administrator_of(registry)
    client = await create(administrator)
    answer = await administrator.post("/v1/clients", {"name": client["name"], "scopes": ["localities:read"]})
    assert [error["code"] for error in problem(answer, 422)["errors"]] == ["taken"]


async def test_a_client_that_is_not_active_gets_no_more_tokens(
    registry: Registry, http: httpx.AsyncClient, problem: Problem
) -> None:
    administrator = await administrator_of(registry)
    client = await create(administrator)
    path = f"/v1/clients/{client['id']}"
    off = await administrator.patch(path, {"active": False}, **{"If-Match": '"v1"'})
    assert (off.status_code, off.json()["active"], off.json()["version"]) == (200, False, 2)
    problem(await grant(http, client), 401)
    on = await administrator.patch(path, {"active": True}, **{"If-Match": '"v2"'})
    assert on.json()["active"] is True
    assert (await grant(http, client)).status_code == 200


async def test_the_scopes_of_a_client_can_be_narrowed(
    registry: Registry, http: httpx.AsyncClient, problem: Problem
) -> None:
    administrator = await administrator_of(registry)
    client = await create(administrator, "localities:read", "agreements:read")
    path = f"/v1/clients/{client['id']}"
    narrowed = await administrator.patch(path, {"scopes": ["localities:read"]}, **{"If-Match": '"v1"'})
    assert narrowed.json()["scopes"] == ["localities:read"]
    assert (await grant(http, client)).json()["scope"] == "localities:read"
    unknown = await administrator.patch(path, {"scopes": ["localities:read", "all"]}, **{"If-Match": '"v2"'})
    assert [error["pointer"] for error in problem(unknown, 422)["errors"]] == ["/scopes/1"]


async def test_a_client_is_changed_by_its_own_administrator_on_what_he_read(
    registry: Registry, problem: Problem
) -> None:
    administrator = await administrator_of(registry)
    one, two = await create(administrator), await create(administrator)
    path = f"/v1/clients/{one['id']}"
    problem(await administrator.patch(path, {"active": False}), 428)
    problem(await administrator.patch(path, {"active": False}, **{"If-Match": '"v9"'}), 412)
    taken = await administrator.patch(path, {"name": two["name"]}, **{"If-Match": '"v1"'})
    assert [error["pointer"] for error in problem(taken, 422)["errors"]] == ["/name"]
    problem(await (await administrator_of(registry)).patch(path, {"active": False}, **{"If-Match": '"v1"'}), 404)
    same = await administrator.patch(path, {"active": True}, **{"If-Match": '"v1"'})
    assert same.json()["version"] == 1
