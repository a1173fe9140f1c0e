"""Routes stand in the application one by one, and a hot one answers plain requests by the short way."""

from collections.abc import Awaitable
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query, Request, Response

from shared.problem_handlers import install_problem_handlers
from shared.problems import NotFound
from shared.routes import HotRoute, add_routes, plain


def shortly(request: Request) -> Awaitable[Response] | None:
    number = request.path_params["number"]
    return answer(number) if number.isdecimal() else None


async def answer(number: str) -> Response:
    if number == "0":
        raise NotFound
    return Response(f"short {number}")


@plain(shortly)
async def read_thing(number: int, limit: Annotated[int, Query(ge=1)] = 1) -> Response:
    """A thing."""
    return Response(f"long {number} {limit}")


async def list_things() -> dict[str, str]:
    """All things."""
    return {"things": "all"}


@pytest.fixture
def app() -> FastAPI:
    router = APIRouter(prefix="/things", tags=["things"])
    router.add_api_route(
        "/{number}", read_thing, operation_id="read_thing", methods=["GET"], route_class_override=HotRoute
    )
    router.add_api_route("", list_things, operation_id="list_things", status_code=203)
    app = FastAPI()
    add_routes(app, router, prefix="/v1", responses={404: {"description": "Not there."}})
    install_problem_handlers(app)
    return app


@pytest.fixture
async def http(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lienvung.test")


async def test_a_plain_request_takes_the_short_way(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/things/7")).text == "short 7"


async def test_whatever_is_not_plain_is_answered_like_everywhere(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/things/-7", params={"limit": 3})).text == "long -7 3"
    refused = await http.get("/v1/things/x")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/path/number"


async def test_a_problem_on_the_short_way_is_a_problem_document(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/things/0")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_other_methods_and_paths_are_refused_as_before(http: httpx.AsyncClient) -> None:
    assert (await http.delete("/v1/things/7")).status_code == 405
    assert (await http.get("/things/7")).status_code == 404


async def test_a_parameter_that_a_call_does_not_have_is_refused_by_its_name(http: httpx.AsyncClient) -> None:
    refused = await http.get("/v1/things/-7?limt=3&limit=3&a~/b", headers={"Accept-Language": "en"})
    assert refused.status_code == 422
    first, second = refused.json()["errors"]
    assert (first["pointer"], first["code"]) == ("/query/limt", "unknown_parameter")
    assert first["detail"] == "There is no such parameter; there are: limit."
    assert second["pointer"] == "/query/a~0~1b"
    assert (await http.get("/v1/things/-7", params={"limit": 3})).status_code == 200


async def test_a_call_without_parameters_says_so(http: httpx.AsyncClient) -> None:
    refused = await http.get("/v1/things", params={"q": ""}, headers={"Accept-Language": "vi"})
    assert refused.json()["errors"] == [
        {"pointer": "/query/q", "code": "unknown_parameter", "detail": "Lời gọi này không có tham số nào."}
    ]


async def test_a_route_keeps_all_that_its_router_said_of_it(app: FastAPI, http: httpx.AsyncClient) -> None:
    paths = app.openapi()["paths"]
    described = paths["/v1/things/{number}"]["get"]
    assert described["operationId"] == "read_thing"
    assert described["tags"] == ["things"]
    assert {"200", "404", "422"} <= described["responses"].keys()
    assert [parameter["name"] for parameter in described["parameters"]] == ["number", "limit"]
    assert (await http.get("/v1/things")).status_code == 203


def test_what_is_no_route_of_a_request_is_refused() -> None:
    router = APIRouter()
    router.mount("/files", FastAPI())
    with pytest.raises(TypeError):
        add_routes(FastAPI(), router)
