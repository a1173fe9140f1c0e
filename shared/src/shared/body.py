"""What no route should see: bodies over the limit, NUL and unpaired surrogates anywhere in a request."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.problem_handlers import pointer_of, respond
from shared.problems import FieldError, PayloadTooLarge, Problem, Unprocessable, language_of

MAX_BODY = 1024 * 1024
# PostgreSQL takes neither; both are legal JSON, so the parser lets them through. Few bodies have such an escape at all.
_SUSPECT = re.compile(rb"\\u(0000|[dD][89abAB]|[dD][c-fC-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_WITH_BODY = (b"content-length", b"transfer-encoding")
_REFUSED = {
    "vi": "Chứa ký tự không lưu được (NUL hoặc nửa cặp surrogate).",
    "en": "Contains a character that cannot be stored (NUL or an unpaired surrogate).",
}


class BodyGuard:
    """Plain ASGI: reads the body once, refuses what cannot be stored and hands the same bytes on.

    Bodies for the `streamed` paths are files: their routes read them piece by piece and have limits of their own.
    The `larger` paths take files as a whole, each up to its own limit.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_body: int = MAX_BODY,
        streamed: Collection[str] = (),
        larger: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._max_body = max_body
        self._streamed = frozenset(streamed)
        self._larger = dict(larger or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        problem = _refused_parameters(scope["query_string"])
        if problem is not None:
            await respond(problem, _language(scope))(scope, receive, send)
            return
        if scope["path"] in self._streamed or not any(name in _WITH_BODY for name, _ in scope["headers"]):
            await self._app(scope, receive, send)
            return
        most = self._larger.get(scope["path"], self._max_body)
        body = await self._read(receive, most)
        if body is None:
            return
        problem = PayloadTooLarge() if len(body) > most else _refused_body(body)
        if problem is not None:
            await respond(problem, _language(scope))(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive, most: int) -> bytes | None:
        """The whole body, or a little more than the limit; none if the caller went away."""
        body = bytearray()
        while len(body) <= most:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        return bytes(body)


def _language(scope: Scope) -> str:
    accepted = dict(scope["headers"]).get(b"accept-language", b"")
    return language_of(accepted.decode("latin-1"))


def _replay(body: bytes, receive: Receive) -> Receive:
    delivered = False

    async def replay() -> Message:
        nonlocal delivered
        if delivered:
            return await receive()
        delivered = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _refused_parameters(query: bytes) -> Problem | None:
    if b"%00" not in query:
        return None
    errors = [
        FieldError(f"/query/{name}".replace("\0", "\ufffd"), "unstorable_character", _REFUSED)
        for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        if "\0" in name + value
    ]
    return Unprocessable(errors=errors) if errors else None


def _refused_body(body: bytes) -> Problem | None:
    if not _SUSPECT.search(body):
        return None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        # The route's own parser says so, in the form that broken JSON always gets.
        return None
    errors = [FieldError(pointer_of(path), "unstorable_character", _REFUSED) for path in _unstorable(document)]
    return Unprocessable(errors=errors) if errors else None


def _unstorable(value: Any, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    if isinstance(value, str):
        return [path] if _UNSTORABLE.search(value) else []
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in _unstorable(item, (*path, index))]
    if isinstance(value, dict):
        found = []
        for name, item in value.items():
            shown = _UNSTORABLE.sub("\ufffd", name)
            found += [(*path, shown)] if shown != name else _unstorable(item, (*path, name))
        return found
    return []
