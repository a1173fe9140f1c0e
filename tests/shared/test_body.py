"""What no route should see: bodies over the limit and text that no database holds."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from shared.body import BodyGuard

app = FastAPI()
app.add_middleware(BodyGuard, max_body=1000, streamed={"/file"}, larger={"/files": 5000})


@app.post("/file")
@app.post("/echo")
async def echo(request: Request) -> Any:
    return {"bytes": len(await request.body()), "query": dict(request.query_params)}


@app.post("/files")
async def take_file(request: Request) -> Any:
    return {"bytes": len(await request.body())}


async def call(content: bytes, query: str = "", *, path: str = "/echo") -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        return await http.post(f"{path}{query}", content=content)


async def test_a_body_comes_through_unchanged() -> None:
    body = json.dumps({"a": "Đông Triều \\u0000 as text"}).encode()
    assert (await call(body)).json()["bytes"] == len(body)


async def test_a_body_over_the_limit_is_refused() -> None:
    answer = await call(b"x" * 1001)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


async def test_a_path_by_which_files_come_in_has_a_limit_of_its_own() -> None:
    assert (await call(b"x" * 5000, path="/files")).json() == {"bytes": 5000}
    answer = await call(b"x" * 5001, path="/files")
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ('{"a": "\\u0000"}', "/a"),
        ('{"a": [1, {"b": "x\\ud800y"}]}', "/a/1/b"),
        ('{"a/b": "\\udfff"}', "/a~1b"),
        ('{"\\u0000": 1}', "/\ufffd"),
    ],
)
async def test_what_cannot_be_stored_is_named_by_its_pointer(document: str, pointer: str) -> None:
    answer = await call(document.encode())
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_pair_of_surrogates_is_a_character() -> None:
    assert (await call(b'{"a": "\\ud83d\\ude00"}')).status_code == 200


async def test_a_nul_in_the_query_is_named() -> None:
    answer = await call(b"{}", "?q=a%00b")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/q"


async def test_a_file_is_left_to_its_route_and_its_query_is_not() -> None:
    assert (await call(b"x" * 5000, path="/file")).json()["bytes"] == 5000
    assert (await call(b'{"a": "\\u0000"}', path="/file")).status_code == 200
    assert (await call(b"x", "?q=a%00b", path="/file")).status_code == 422
