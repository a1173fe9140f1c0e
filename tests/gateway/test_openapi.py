"""One document of the API, made of those of the services."""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from lienvung.openapi import METHODS, OpenApiError, merge, merged_document
from lienvung.routes import RESOURCES, needs_token, pattern_of
from shared.app import PROBLEM_RESPONSES

Json = dict[str, Any]


class Task(BaseModel):
    """A task."""

    id: int


class Alert(BaseModel):
    """An alert."""

    task: Task


async def list_tasks() -> list[Task]:
    return []


async def create_task(task: Task) -> Task:
    return task


async def list_alerts() -> list[Alert]:
    return []


def document(*routes: tuple[str, str, Any], tag: str = "tasks") -> Json:
    """What a service with these routes says of itself."""
    router = APIRouter(prefix="/v1", tags=[tag], responses=PROBLEM_RESPONSES)
    for method, path, endpoint in routes:
        router.add_api_route(path, endpoint, methods=[method])
    app = FastAPI(title="service", version="1", generate_unique_id_function=lambda route: route.name)
    app.include_router(router)
    return deepcopy(app.openapi())


@pytest.fixture
def tasks() -> Json:
    return document(("GET", "/tasks", list_tasks), ("POST", "/tasks", create_task))


@pytest.fixture
def alerts() -> Json:
    return document(("GET", "/alerts", list_alerts), tag="alerts")


def test_paths_and_schemas_of_all_services_are_there_once(tasks: Json, alerts: Json) -> None:
    merged = merge({"agreements-api": tasks, "notifier": alerts})
    assert list(merged["paths"]) == ["/v1/alerts", "/v1/tasks"]
    assert set(merged["components"]["schemas"]) == {"Task", "Alert", "Problem"}
    assert [tag["name"] for tag in merged["tags"]] == ["tasks", "alerts"]
    assert merged["openapi"].startswith("3.1")
    assert merged["servers"] == [{"url": "/"}]
    _check_references(merged)


def test_the_same_name_for_something_else_is_an_error(tasks: Json, alerts: Json) -> None:
    alerts["components"]["schemas"]["Task"]["properties"]["id"]["type"] = "string"
    with pytest.raises(OpenApiError, match="notifier means something else by #/components/schemas/Task"):
        merge({"agreements-api": tasks, "notifier": alerts})


def test_the_same_path_in_two_services_is_an_error(tasks: Json) -> None:
    with pytest.raises(OpenApiError, match="/v1/tasks"):
        merge({"agreements-api": tasks, "notifier": deepcopy(tasks)})


def test_the_same_operation_name_twice_is_an_error(tasks: Json) -> None:
    other = document(("GET", "/alerts", list_tasks))
    with pytest.raises(OpenApiError, match="list_tasks"):
        merge({"agreements-api": tasks, "notifier": other})


def test_services_of_different_versions_are_an_error(tasks: Json, alerts: Json) -> None:
    alerts["info"]["version"] = "2"
    with pytest.raises(OpenApiError, match="versions"):
        merge({"agreements-api": tasks, "notifier": alerts})


def test_a_problem_has_one_schema(tasks: Json) -> None:
    merged = merge({"agreements-api": tasks})
    for status in ("401", "404", "422"):
        response = merged["paths"]["/v1/tasks"]["get"]["responses"][status]
        content = response["content"]["application/problem+json"]
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert merged["components"]["schemas"]["Problem"]["required"] == ["type", "title", "status", "code"]


def test_what_the_gateway_answers_is_told_on_every_operation(tasks: Json) -> None:
    item = merge({"agreements-api": tasks})["paths"]["/v1/tasks"]
    assert {"429", "503"} <= item["get"]["responses"].keys()
    assert "413" not in item["get"]["responses"]
    assert "413" in item["post"]["responses"]


def test_only_open_operations_are_said_to_need_no_token() -> None:
    sessions = document(("POST", "/sessions", create_task), ("GET", "/sessions", list_tasks))
    merged = merge({"agreements-api": sessions})
    assert merged["security"] == [{"bearer": []}]
    assert merged["paths"]["/v1/sessions"]["post"]["security"] == []
    assert "security" not in merged["paths"]["/v1/sessions"]["get"]


@pytest.fixture(scope="module")
def product() -> Json:
    """The document of the services as they are."""
    return merged_document()


def test_the_services_make_one_api(product: Json) -> None:
    _check_references(product)
    for resource in ("/v1/agreements", "/v1/tasks", "/v1/alerts", "/v1/deadlines", "/v1/indicators", "/v1/reports"):
        assert resource in product["paths"]


def test_the_gateway_routes_every_path_of_the_services(product: Json) -> None:
    patterns = [pattern_of(segments) for segments in RESOURCES.values()]
    unrouted = [path for path in product["paths"] if not any(re.fullmatch(pattern, path) for pattern in patterns)]
    assert not unrouted


def test_every_operation_of_the_services_has_a_readable_name_of_its_own(product: Json) -> None:
    names = [operation["operationId"] for _, _, operation in _operations(product)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)


def test_the_document_says_of_each_operation_whether_it_needs_a_token(product: Json) -> None:
    for path, method, operation in _operations(product):
        assert operation.get("security", product["security"]) == ([{"bearer": []}] if needs_token(method, path) else [])


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield path, method, item[method]


def _check_references(document: Json) -> None:
    """Every reference leads to something."""
    for reference in _references(document):
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from _references(member)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
