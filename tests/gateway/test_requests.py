"""What becomes of a request on its way through the gateway."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from lienvung.gateway import GatewaySettings
from lienvung.routes import RESOURCES
from tests.gateway.answers import eventually, problem, received, send_raw
from tests.gateway.conftest import Backstage, Start

MEGABYTE = 1024 * 1024
FORGED = {
    "X-User": "1",
    "X-User-Id": "1",
    "X-Actor-Roles": "operator",
    "X-Organization-Id": "1",
    "X-Auth-Request-User": "root",
    "X-Jwt-Payload": "e30",
    "X-Envoy-Retry-On": "5xx",
    "X-Envoy-Upstream-Rq-Timeout-Ms": "1",
    "X-Real-Ip": "10.0.0.1",
    "X-Forwarded-User": "root",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Client-Cert": "Subject=root",
    "X-Original-Url": "/v1/sessions",
    "X-Http-Method-Override": "DELETE",
    "Forwarded": "for=10.0.0.1",
    "Remote-User": "root",
    "True-Client-Ip": "10.0.0.1",
}


@pytest.mark.parametrize("service", list(RESOURCES))
async def test_each_resource_reaches_the_service_that_owns_it(
    gateway: httpx.AsyncClient, backstage: Backstage, service: str
) -> None:
    # The small services answer these in their own way.
    special = {"events", ".well-known"}
    for segment in set(RESOURCES[service]) - special:
        for path in (f"/v1/{segment}", f"/v1/{segment}/a/b"):
            answer = await gateway.get(path, params={"q": "Đông Triều"}, headers=backstage.bearer())
            assert (answer.json()["service"], answer.json()["path"]) == (service, path)


async def test_what_nobody_answers_is_not_found(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    for path in ("/", "/nothing", "/v2/tasks", "/health/ready", "/metrics"):
        assert problem(await gateway.get(path), 404)["code"] == "not_found"
    for path in ("/v1/nothing", "/v1/tasksx", "/v1/"):
        problem(await gateway.get(path), 401)
        problem(await gateway.get(path, headers=backstage.bearer()), 404)


async def test_the_services_own_answers_pass_as_they_are(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    answer = await gateway.get("/v1/tasks/missing", headers=backstage.bearer())
    assert (answer.status_code, answer.json()) == (404, {"from": "service"})


async def test_no_header_but_the_token_says_who_calls(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    fields = received(await gateway.get("/v1/tasks", headers=backstage.bearer() | FORGED | {"Idempotency-Key": "k"}))
    assert not {name.lower() for name in FORGED} & fields.keys()
    assert fields["idempotency-key"] == ["k"]


async def test_a_forged_chain_of_addresses_is_dropped(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    headers = backstage.bearer() | {"X-Forwarded-For": "203.0.113.9, 10.0.0.1", "X-Forwarded-Proto": "https"}
    fields = received(await gateway.get("/v1/tasks", headers=headers))
    assert fields["x-forwarded-for"] == ["127.0.0.1"]
    assert fields["x-forwarded-proto"] == ["http"]


async def test_behind_a_proxy_the_last_address_is_the_callers(start: Start, backstage: Backstage) -> None:
    async with start(trusted_hops=1) as gateway:
        headers = backstage.bearer() | {"X-Forwarded-For": "10.0.0.1, 203.0.113.9"}
        assert received(await gateway.get("/v1/tasks", headers=headers))["x-forwarded-for"] == ["203.0.113.9"]


async def test_a_request_gets_its_own_id_and_keeps_its_trace(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = backstage.bearer() | {"X-Request-Id": "chosen-by-caller", "traceparent": traceparent}
    answer = await gateway.get("/v1/tasks", headers=headers)
    fields = received(answer)
    assert fields["traceparent"] == [traceparent]
    assert fields["x-request-id"] == [answer.headers["x-request-id"]]
    assert fields["x-request-id"] != ["chosen-by-caller"]


async def test_paths_are_tidied_before_anything_is_decided(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    token = f"Authorization: {backstage.bearer()['Authorization']}"
    for path in ("/v1/units/../tasks", "//v1///tasks", "/v1/./tasks", "/docs/../v1/tasks", "/v1/%74asks"):
        status, _ = await send_raw(gateway, f"GET {path} HTTP/1.1")
        assert status == 401, path
        status, answer = await send_raw(gateway, f"GET {path} HTTP/1.1", token)
        assert status == 200, path
        assert json.loads(answer.rpartition("\r\n\r\n")[2])["path"] == "/v1/tasks"


@pytest.mark.parametrize("line", ["GET /v1/public%2f..%2ftasks HTTP/1.1", "GET /v1/public%5C..%5Ctasks HTTP/1.1"])
async def test_escaped_slashes_are_refused(gateway: httpx.AsyncClient, line: str) -> None:
    status, answer = await send_raw(gateway, line)
    assert status == 400
    assert "application/problem+json" in answer


async def test_header_names_with_underscores_are_refused(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    problem(await gateway.get("/v1/tasks", headers=backstage.bearer() | {"X_User_Id": "1"}), 400)


async def test_too_large_a_header_is_refused(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    answer = await gateway.get("/v1/tasks", headers=backstage.bearer() | {"Padding": "x" * 40_000})
    assert problem(answer, 431)["code"] == "headers_too_large"


async def test_a_body_over_the_limit_is_refused_before_the_service(
    gateway: httpx.AsyncClient, backstage: Backstage
) -> None:
    seen = len(backstage.upstreams["agreements-api"].seen)
    answer = await gateway.post("/v1/agreements", content=b"x" * (2 * MEGABYTE), headers=backstage.bearer())
    assert problem(answer, 413)["code"] == "payload_too_large"
    assert ("POST", "/v1/agreements") not in backstage.upstreams["agreements-api"].seen[seen:]


async def test_a_body_of_unknown_length_is_measured_as_it_comes(
    gateway: httpx.AsyncClient, backstage: Backstage
) -> None:
    async def endless() -> object:
        for _ in range(64):
            yield b"x" * 65_536

    problem(await gateway.post("/v1/agreements", content=endless(), headers=backstage.bearer()), 413)  # type: ignore[arg-type]


async def test_a_body_up_to_the_limit_passes(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    answer = await gateway.post("/v1/agreements", content=b"x" * MEGABYTE, headers=backstage.bearer())
    assert answer.json()["body_length"] == MEGABYTE


async def test_uploads_have_a_limit_of_their_own(start: Start, backstage: Backstage) -> None:
    async with start(upload_limit=3 * MEGABYTE) as gateway:
        fits = await gateway.post("/v1/documents", content=b"x" * (2 * MEGABYTE), headers=backstage.bearer())
        assert fits.json()["body_length"] == 2 * MEGABYTE
        over = await gateway.post("/v1/documents", content=b"x" * (4 * MEGABYTE), headers=backstage.bearer())
        assert problem(over, 413)["code"] == "payload_too_large"


async def test_an_upload_of_fifty_megabytes_passes_with_what_wraps_it(
    gateway: httpx.AsyncClient, backstage: Backstage
) -> None:
    files = {"file": ("Bản đồ.pdf", b"x" * (50 * MEGABYTE), "application/pdf")}
    answer = await gateway.post("/v1/documents", files=files, headers=backstage.bearer())
    assert answer.json()["body_length"] > 50 * MEGABYTE


async def test_an_upload_that_says_it_is_too_large_does_not_reach_the_service(
    gateway: httpx.AsyncClient, backstage: Backstage
) -> None:
    backstage.upstreams["agreements-api"].seen.clear()
    token = backstage.bearer()["Authorization"]
    # Not one byte of it is sent.
    lines = ("POST /v1/documents HTTP/1.1", f"Authorization: {token}", f"Content-Length: {52 * MEGABYTE}")
    status, text = await send_raw(gateway, *lines)
    assert status == 413
    assert "application/problem+json" in text
    assert ("POST", "/v1/documents") not in backstage.upstreams["agreements-api"].seen


async def test_nobody_without_a_token_learns_what_is_too_large(gateway: httpx.AsyncClient) -> None:
    status, _ = await send_raw(gateway, "POST /v1/documents HTTP/1.1", f"Content-Length: {52 * MEGABYTE}")
    assert status == 401


async def test_an_upload_reaches_the_service_as_it_comes(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    """The gateway does not keep it until it is whole."""
    upstream = backstage.upstreams["agreements-api"]
    upstream.seen.clear()
    arrived = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"x" * (2 * MEGABYTE)
        await eventually(lambda: asyncio.sleep(0, ("POST", "/v1/documents") in upstream.seen))
        arrived.set()
        yield b"x"

    answer = await gateway.post("/v1/documents", content=body(), headers=backstage.bearer())
    assert answer.json()["body_length"] == 2 * MEGABYTE + 1
    assert arrived.is_set()


async def test_an_upload_has_longer_to_arrive_than_another_request(start: Start, backstage: Backstage) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(6):
            yield b"x" * 70_000
            await asyncio.sleep(0.5)

    async with start(request_timeout_seconds=1) as gateway:
        upload = await gateway.post("/v1/documents", content=slowly(), headers=backstage.bearer())
        assert upload.json()["body_length"] == 420_000
        token = backstage.bearer()["Authorization"]
        lines = ("POST /v1/agreements HTTP/1.1", f"Authorization: {token}", "Content-Length: 10")
        status, text = await send_raw(gateway, *lines)
        assert (status, "request_timeout" in text) == (408, True)


async def test_a_link_to_a_content_needs_no_token(gateway: httpx.AsyncClient) -> None:
    assert (await gateway.get("/v1/documents/1/content?signature=x")).json()["path"] == "/v1/documents/1/content"
    problem(await gateway.post("/v1/documents/1/content"), 401)
    problem(await gateway.get("/v1/documents/1"), 401)


async def test_a_content_may_take_longer_than_another_answer(start: Start, backstage: Backstage) -> None:
    async with start(request_timeout_seconds=1) as gateway:
        assert (await gateway.get("/v1/documents/slow/content")).status_code == 200
        problem(await gateway.get("/v1/documents/slow", headers=backstage.bearer()), 504)


async def test_a_service_that_does_not_answer_in_time(start: Start, backstage: Backstage) -> None:
    async with start(request_timeout_seconds=1) as gateway:
        answer = await gateway.post("/v1/tasks/slow", headers=backstage.bearer())
        assert problem(answer, 504)["code"] == "gateway_timeout"


async def test_answers_with_a_strong_etag_are_not_compressed(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    answer = await gateway.get("/v1/tasks", headers=backstage.bearer() | {"Accept-Encoding": "gzip, br"})
    assert answer.headers["etag"] == '"v1"'
    assert "content-encoding" not in answer.headers


async def test_only_listed_origins_may_call_from_a_page(gateway: httpx.AsyncClient, backstage: Backstage) -> None:
    def preflight(origin: str) -> dict[str, str]:
        return {"Origin": origin, "Access-Control-Request-Method": "PATCH"}

    listed = await gateway.options("/v1/tasks/1", headers=preflight("https://lienvung.example"))
    assert listed.headers["access-control-allow-origin"] == "https://lienvung.example"
    assert "if-match" in listed.headers["access-control-allow-headers"]
    other = await gateway.options("/v1/tasks/1", headers=preflight("https://lienvung.example.evil.example"))
    assert "access-control-allow-origin" not in other.headers
    refused = await gateway.get("/v1/tasks", headers={"Origin": "https://lienvung.example"})
    problem(refused, 401)
    # A page could not read the refusal otherwise.
    assert refused.headers["access-control-allow-origin"] == "https://lienvung.example"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "vi"),
        ("en", "en"),
        ("en-GB;q=0.9", "en"),
        ("vi, en", "vi"),
        ("en, vi", "en"),
        ("fr-FR, fr;q=0.9, en;q=0.8", "en"),
        ("fr", "vi"),
        ("vi-VN,vi;q=0.9,fr;q=0.8,en;q=0.7", "vi"),
        ("*", "vi"),
    ],
)
async def test_the_gateways_problems_speak_the_callers_language(
    gateway: httpx.AsyncClient, accepted: str | None, language: str
) -> None:
    answer = await gateway.get("/v1/tasks", headers={"Accept-Language": accepted} if accepted else {})
    titles = {"vi": "Chưa đăng nhập hoặc phiên đã hết hạn", "en": "Not signed in, or the token has expired"}
    assert problem(answer, 401)["title"] == titles[language]
    assert answer.headers["content-language"] == language


async def test_the_log_names_the_subject_but_not_the_query(
    gateway: httpx.AsyncClient, backstage: Backstage, settings: GatewaySettings
) -> None:
    headers = backstage.bearer()
    answer = await gateway.get("/v1/tasks", params={"q": "Nguyễn Văn A"}, headers=headers)
    request_id = answer.headers["x-request-id"]
    log = Path(settings.access_log)

    async def written() -> bool:
        return request_id in await asyncio.to_thread(log.read_text)

    await eventually(written)
    text = await asyncio.to_thread(log.read_text)
    line = next(json.loads(line) for line in text.splitlines() if request_id in line)
    assert (line["path"], line["status"], line["method"]) == ("/v1/tasks", 200, "GET")
    assert line["subject"]
    assert "Nguy" not in json.dumps(line)
    assert headers["Authorization"].split(".")[1] not in text
