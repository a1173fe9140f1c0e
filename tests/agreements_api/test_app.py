"""What the whole application promises: readiness, documented operations, problem documents for everything."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from agreements_api.policy import Role
from tests.agreements_api.conftest import Registry

Problem = Callable[[httpx.Response, int], dict[str, Any]]
UNSAFE = ("post", "put", "patch", "delete")
# Sessions and tokens come before there is anybody whose key it could be.
WITHOUT_KEY = {"sign_in", "sign_out", "issue_token", "accept_invitation"}


def operations(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, item in app.openapi()["paths"].items()
        for method, operation in item.items()
        if method in {"get", *UNSAFE}
    ]


async def test_it_is_ready_with_its_database(http: httpx.AsyncClient) -> None:
    answer = await http.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["checks"]["database"] == "up"


def test_every_operation_has_a_readable_id_a_description_and_an_answer(app: FastAPI) -> None:
    lacking = [
        (path, method)
        for method, path, operation in operations(app)
        if not operation.get("description")
        or not operation["operationId"].replace("_", "").isalpha()
        or not any(status.startswith("2") for status in operation["responses"])
    ]
    assert lacking == []


def test_operation_ids_are_unique(app: FastAPI) -> None:
    names = [operation["operationId"] for _, _, operation in operations(app)]
    assert len(names) == len(set(names))


def test_every_change_takes_an_idempotency_key(app: FastAPI) -> None:
    lacking = [
        operation["operationId"]
        for method, _, operation in operations(app)
        if method in UNSAFE
        and operation["operationId"] not in WITHOUT_KEY
        and "Idempotency-Key" not in {parameter["name"] for parameter in operation.get("parameters", [])}
    ]
    assert lacking == []


def test_every_body_has_an_example(app: FastAPI) -> None:
    schemas = app.openapi()["components"]["schemas"]
    lacking = []
    for _, _, operation in operations(app):
        content = operation.get("requestBody", {}).get("content", {})
        for schema in (part["schema"] for media, part in content.items() if media == "application/json"):
            names = [schema.get("$ref")] + [choice.get("$ref") for choice in schema.get("anyOf", [])]
            known = [schemas[name.rpartition("/")[2]] for name in names if name]
            if not any("examples" in one for one in known):
                lacking.append(operation["operationId"])
    assert lacking == []


async def test_what_needs_a_token_says_so(http: httpx.AsyncClient, problem: Problem) -> None:
    answer = await http.get("/v1/units")
    assert problem(answer, 401)["code"] == "unauthorized"
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/nothing", 404), ("DELETE", "/v1/units", 405)])
async def test_what_is_not_there_is_a_problem_document(
    registry: Registry, problem: Problem, method: str, path: str, status: int
) -> None:
    caller = await registry.caller(await registry.organization(), Role.VIEWER)
    problem(await caller.http.request(method, path, headers=caller.unsafe()), status)


async def test_an_unsafe_request_without_a_key_changes_nothing(registry: Registry, problem: Problem) -> None:
    operator = await registry.caller(None)
    unit = await registry.unit()
    body = {"name": "UBND không khóa", "kind": "peoples_committee", "unit_id": str(unit.id)}
    answer = await operator.http.post("/v1/organizations", json=body, headers=operator.headers)
    assert problem(answer, 400)["code"] == "idempotency_key_missing"
    assert (await operator.get("/v1/organizations", unit=str(unit.id))).json()["items"] == []
