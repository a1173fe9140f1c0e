"""Answers as JSON, with the link to the next page."""

from collections.abc import Mapping
from typing import TypeVar

from fastapi import Request, Response
from pydantic import BaseModel

from shared.schemas import Page

T = TypeVar("T", bound=BaseModel)


def json_response(body: BaseModel, *, status_code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body.model_dump_json().encode(), status_code, dict(headers or {}), media_type="application/json")


def page_response(request: Request, page: Page[T]) -> Response:
    """A page, with the link to the next one where there is one."""
    headers = {}
    if page.next_cursor is not None:
        headers["Link"] = next_link(request, page.next_cursor)
    return json_response(page, headers=headers)


def next_link(request: Request, cursor: str) -> str:
    following = request.url.include_query_params(cursor=cursor)
    return f'<{following.path}?{following.query}>; rel="next"'
