"""The files that the gateway serves itself."""

import gzip
import html
import json
import re
from pathlib import Path

import httpx
import pytest

import shared.events
from agreements_api.agreements import errors
from lienvung.gateway import GatewayTimeout
from shared.problems import BY_STATUS, Problem
from tests.gateway.answers import problem
from tests.gateway.running import DOCUMENT

SCHEMAS = Path(shared.events.__file__).with_name("schemas")


async def test_the_gateway_lives_without_any_service(gateway: httpx.AsyncClient) -> None:
    answer = await gateway.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


async def test_the_documentation_page_asks_nobody_but_us(gateway: httpx.AsyncClient) -> None:
    page = await gateway.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.findall(r"(?:https?:)?//[a-z]", page.text)
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert "/docs/swagger-ui-bundle.js" in links
    for link in links:
        assert (await gateway.get(link)).status_code == 200, link
    script = (await gateway.get("/docs/documentation.js")).text
    # Without this Swagger UI sends the document to a public validator.
    assert "validatorUrl: null" in script
    assert 'url: "/v1/openapi.json"' in script


async def test_a_slash_too_many_still_finds_the_documentation(gateway: httpx.AsyncClient) -> None:
    answer = await gateway.get("/docs/")
    assert answer.status_code == 301
    assert answer.headers["location"].endswith("/docs")


async def test_a_browser_is_forbidden_to_ask_anybody_else(gateway: httpx.AsyncClient) -> None:
    policy = (await gateway.get("/docs")).headers["content-security-policy"]
    directives = {name: sources for name, *sources in (part.split() for part in policy.split(";"))}
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == directives["connect-src"] == ["'self'"]
    allowed = {source for sources in directives.values() for source in sources}
    assert allowed <= {"'none'", "'self'", "data:", "'unsafe-inline'"}
    # Inline text may be style, never script.
    assert "'unsafe-inline'" not in directives["script-src"]


async def test_the_openapi_document_needs_no_token(gateway: httpx.AsyncClient) -> None:
    answer = await gateway.get("/v1/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == DOCUMENT


async def test_large_files_come_compressed_to_those_who_take_it(gateway: httpx.AsyncClient) -> None:
    plain = await gateway.get("/docs/swagger-ui.css", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    async with gateway.stream("GET", "/docs/swagger-ui.css", headers={"Accept-Encoding": "br, gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "accept-encoding"
        body = b"".join([part async for part in answer.aiter_raw()])
    assert len(body) < len(plain.content)
    assert gzip.decompress(body) == plain.content


async def test_every_event_schema_is_public(gateway: httpx.AsyncClient) -> None:
    paths = sorted(SCHEMAS.rglob("*.json"))
    assert paths
    for path in paths:
        answer = await gateway.get(f"/schemas/{path.relative_to(SCHEMAS).as_posix()}")
        assert answer.headers["content-type"] == "application/schema+json"
        assert answer.json() == json.loads(path.read_text())


async def test_the_type_of_a_problem_leads_to_what_it_means(gateway: httpx.AsyncClient) -> None:
    named: list[type[Problem]] = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Problem)
    ]
    services_own = [kind for kind in named if kind.__module__ == errors.__name__]
    assert services_own
    every: list[type[Problem]] = [*BY_STATUS.values(), GatewayTimeout, *services_own]
    for kind in every:
        page = await gateway.get(f"/problems/{kind.code}")
        assert page.status_code == 200, kind
        assert html.escape(kind.title["vi"]) in page.text


@pytest.mark.parametrize("path", ["/docs/nothing.js", "/schemas/none/1.json", "/problems/none"])
async def test_a_file_that_is_not_there_is_not_found(gateway: httpx.AsyncClient, path: str) -> None:
    problem(await gateway.get(path), 404)


async def test_files_are_only_read(gateway: httpx.AsyncClient) -> None:
    assert (await gateway.head("/docs")).status_code == 200
    problem(await gateway.post("/docs"), 404)
