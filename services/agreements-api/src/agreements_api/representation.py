"""Answers from JSON that PostgreSQL built: no object is made of it on the way."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import orjson
from fastapi import Request, Response

from shared.etags import shown_etag


def with_actions(body: str, actions: tuple[str, ...]) -> str:
    """A JSON object and what its caller may do with it."""
    return f'{body[:-1]}, "allowed_actions": {_array(actions)}}}'


def json_response(body: str, *, status_code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body.encode(), status_code, dict(headers or {}), media_type="application/json")


def record_response(body: str, version: int, *, status_code: int = 200, location: str | None = None) -> Response:
    """A version of a record as it is shown, with its tag; where it was made (201), with its address."""
    headers = {"ETag": shown_etag(version, body)}
    if status_code == 201 and location is not None:
        headers["Location"] = location
    return json_response(body, status_code=status_code, headers=headers)


def page_response(
    request: Request,
    items: Sequence[str],
    next_cursor: str | None,
    total: int | None,
    *,
    beside: Mapping[str, str] | None = None,
) -> Response:
    """A page of ready items, with the link to the next one; `beside` are further members, ready as well."""
    cursor = "null" if next_cursor is None else f'"{next_cursor}"'
    count = "" if total is None else f', "total": {total}'
    count += "".join(f', "{name}": {value}' for name, value in (beside or {}).items())
    headers = {}
    if next_cursor is not None:
        headers["Link"] = f'<{request.scope["path"]}?{_following(request, next_cursor)}>; rel="next"'
    return json_response(f'{{"items": [{", ".join(items)}], "next_cursor": {cursor}{count}}}', headers=headers)


def _following(request: Request, cursor: str) -> str:
    """The query of the next page; taken apart only where it holds a cursor already."""
    query: bytes = request.scope["query_string"]
    if b"cursor" in query:
        return request.url.include_query_params(cursor=cursor).query
    # A cursor consists of characters that stand for themselves in a query.
    return "&".join(filter(None, (query.decode("latin-1"), f"cursor={cursor}")))


@lru_cache(maxsize=1024)
def _array(actions: tuple[str, ...]) -> str:
    return orjson.dumps(actions).decode()
