"""Whatever arrives at the gateway gets a clear problem document, never a 500, and leaves nothing half-written."""

import base64
import json
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.e2e.conftest import Signed

AGREEMENT: dict[str, Any] = {
    "instrument": "plan",
    "title": "Kế hoạch thử đầu vào",
    "fields": ["du lịch"],
    "demonstration": True,
    "parties": [],
    "clauses": [{"heading": "Điều 1", "text": "Nội dung", "field": "du lịch"}],
}


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of an answer, held to RFC 9457."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["code"]
    return body


def pointers(body: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in body["errors"]]


async def post_raw(signed: Signed, content: bytes, path: str = "/v1/agreements") -> httpx.Response:
    return await signed.http.post(
        path,
        content=content,
        headers=signed.headers | {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())},
    )


async def test_broken_json_is_named_as_such(specialist: Signed) -> None:
    assert problem(await post_raw(specialist, b'{"title": '), 400)["code"] == "invalid_json"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", 12),
        ("title", None),
        ("instrument", "poem"),
        ("clauses", "none"),
        ("term_from", "2024-02-30"),
        ("term_to", "9999999-01-01"),
        ("unheard_of", "x"),
    ],
)
async def test_a_wrong_field_is_named_by_its_pointer(specialist: Signed, field: str, value: Any) -> None:
    before = await specialist.http.get("/v1/agreements?count=true", headers=specialist.headers)
    answer = await post_raw(specialist, json.dumps(AGREEMENT | {field: value}).encode())
    assert f"/{field}" in pointers(problem(answer, 422))
    after = await specialist.http.get("/v1/agreements?count=true", headers=specialist.headers)
    assert after.json() == before.json()


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800"])
async def test_text_that_no_database_holds_is_refused(specialist: Signed, escape: str) -> None:
    body = json.dumps(AGREEMENT | {"title": "MARK"}).replace("MARK", f"a{escape}b").encode()
    assert "/title" in pointers(problem(await post_raw(specialist, body), 422))


async def test_a_body_of_two_megabytes_is_refused(specialist: Signed) -> None:
    problem(await post_raw(specialist, json.dumps(AGREEMENT | {"title": "x" * 2_000_000}).encode()), 413)


@pytest.mark.parametrize("cursor", ["x", "AAAA", base64.urlsafe_b64encode(b'{"id": 1}').decode()])
async def test_a_forged_cursor_is_refused(specialist: Signed, cursor: str) -> None:
    for path in ("/v1/agreements", "/v1/tasks", "/v1/units", "/v1/alerts"):
        answer = await specialist.http.get(path, params={"cursor": cursor}, headers=specialist.headers)
        assert problem(answer, 400)["code"] == "invalid_cursor"


async def test_another_organisations_ids_do_not_exist(outsider: Signed, plan: dict[str, Any]) -> None:
    answer = await outsider.http.get(f"/v1/agreements/{plan['id']}", headers=outsider.headers)
    assert problem(answer, 404)["code"] == "not_found"


async def test_a_transition_needs_the_state_it_was_decided_on(leader: Signed, plan: dict[str, Any]) -> None:
    path = f"/v1/agreements/{plan['id']}/sign"
    body = {"signatory_name": "A", "signatory_title": "B"}
    without = await leader.http.post(path, json=body, headers=leader.unsafe())
    problem(without, 428)
    stale = await leader.http.post(path, json=body, headers=leader.unsafe() | {"If-Match": '"v0"'})
    problem(stale, 412)


async def test_the_same_key_with_another_payload_is_refused_and_with_the_same_is_replayed(specialist: Signed) -> None:
    headers = specialist.unsafe()
    first = await specialist.http.post("/v1/agreements", json=AGREEMENT, headers=headers)
    assert first.status_code == 201, first.text
    again = await specialist.http.post("/v1/agreements", json=AGREEMENT, headers=headers)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    other = await specialist.http.post("/v1/agreements", json=AGREEMENT | {"title": "Khác"}, headers=headers)
    assert problem(other, 422)["code"] == "idempotency_key_reused"


async def test_an_unsafe_request_without_a_key_is_refused(specialist: Signed) -> None:
    answer = await specialist.http.post("/v1/agreements", json=AGREEMENT, headers=specialist.headers)
    assert problem(answer, 400)["code"] == "idempotency_key_missing"


def _forge(token: str, **changes: Any) -> str:
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    header = jwt.get_unverified_header(token)
    return jwt.encode(
        claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"kid": header["kid"]}
    )


@pytest.mark.parametrize("kind", ["none", "forged", "garbage", "absent"])
async def test_a_token_that_we_did_not_sign_opens_nothing(specialist: Signed, kind: str) -> None:
    token = specialist.token
    claims = jwt.decode(token, options={"verify_signature": False})
    offered = {
        "none": jwt.encode(claims, "", algorithm="none"),
        "forged": _forge(token, roles=["operator"]),
        "garbage": "a.b.c",
        "absent": "",
    }[kind]
    headers = {"Authorization": f"Bearer {offered}"} if offered else {}
    for path in ("/v1/agreements", "/v1/alerts", "/v1/indicators"):
        problem(await specialist.http.get(path, headers=headers), 401)


async def test_a_refresh_token_used_twice_ends_the_session(
    gateway: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    opened = (await gateway.post("/v1/sessions", json=credentials)).json()
    form = {"grant_type": "refresh_token", "refresh_token": opened["refresh_token"]}
    renewed = await gateway.post("/v1/oauth/token", data=form)
    assert renewed.status_code == 200, renewed.text
    problem(await gateway.post("/v1/oauth/token", data=form), 401)
    rotated = form | {"refresh_token": renewed.json()["refresh_token"]}
    problem(await gateway.post("/v1/oauth/token", data=rotated), 401)


async def test_a_wrong_password_and_an_unknown_name_read_the_same(
    gateway: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    wrong = problem(await gateway.post("/v1/sessions", json=credentials | {"password": "x" * 12}), 401)
    unknown = problem(await gateway.post("/v1/sessions", json={"username": "nobody", "password": "x" * 12}), 401)
    assert (wrong["code"], wrong["title"], wrong.get("detail")) == (
        unknown["code"],
        unknown["title"],
        unknown.get("detail"),
    )


async def test_problems_speak_the_callers_language(specialist: Signed) -> None:
    path = f"/v1/tasks/{uuid4()}"
    titles = {
        language: problem(
            await specialist.http.get(path, headers=specialist.headers | {"Accept-Language": language}), 404
        )["title"]
        for language in ("vi", "en")
    }
    assert titles["vi"] != titles["en"]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/nothing-here", 404), ("DELETE", "/v1/units", 405)])
async def test_what_is_not_there_is_a_problem_document_too(
    specialist: Signed, method: str, path: str, status: int
) -> None:
    problem(await specialist.http.request(method, path, headers=specialist.unsafe()), status)


async def test_a_succession_that_makes_a_cycle_is_refused(operator: Signed) -> None:
    units = (
        await operator.http.get(
            "/v1/units", params={"level": "province", "on": "2025-08-01", "limit": 2}, headers=operator.headers
        )
    ).json()["items"]
    a, b = units[0]["id"], units[1]["id"]

    async def succeed(old: str, new: str) -> httpx.Response:
        return await operator.http.post(
            "/v1/successions",
            json={
                "kind": "merge",
                "effective_on": "2030-01-01",
                "legal_basis": "Nghị quyết minh họa",
                "edges": [{"old_unit_id": old, "new_unit_id": new, "partial": False, "is_default": True}],
            },
            headers=operator.unsafe(),
        )

    problem(await succeed(a, a), 422)
    first = await succeed(a, b)
    if first.status_code == 201:
        assert problem(await succeed(b, a), 422)["code"] == "succession_cycle"
    else:
        problem(first, 422)
