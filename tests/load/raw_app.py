"""The limit of one worker: a bare ASGI application on an asyncpg pool that sends the product's own statements."""

import pickle
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

TASK = "/v1/tasks/"


@dataclass(frozen=True)
class RawSettings:
    """What it answers with: the statement of one task, whose second parameter is its id, and that of a page."""

    uds: str
    url: str
    pool_size: int
    set_up: tuple[str, Sequence[Any]]
    read: tuple[str, Sequence[Any]]
    page: tuple[str, Sequence[Any]]


class RawApp:
    """Paths told apart by an `if`, no header looked at, no rule asked."""

    def __init__(self, settings: RawSettings) -> None:
        self._settings = settings
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        assert scope["type"] == "http"
        assert self._pool is not None
        path = scope["path"]
        if path.startswith(TASK):
            statement, (organization, _, *rest) = self._settings.read
            row = await self._pool.fetchrow(statement, organization, UUID(path[len(TASK) :]), *rest)
            assert row is not None
            body = row["body"].encode()
        else:
            statement, arguments = self._settings.page
            rows = await self._pool.fetch(statement, *arguments)
            body = f'{{"items": [{", ".join([row["body"] for row in rows[:-1]])}]}}'.encode()
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
                "trailers": False,
            }
        )
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _lifespan(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await receive()
        size = self._settings.pool_size
        self._pool = await asyncpg.create_pool(
            self._settings.url, min_size=size, max_size=size, init=self._set_up, reset=_leave
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._pool.terminate()
        await send({"type": "lifespan.shutdown.complete"})

    async def _set_up(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        statement, arguments = self._settings.set_up
        await connection.execute(statement, *arguments)


async def _leave(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """The pool's own reset would be one more round trip for each request."""
    return None


def main() -> None:
    """Serve what the pickled settings in the named file say."""
    with open(sys.argv[1], "rb") as file:
        settings: RawSettings = pickle.load(file)
    uvicorn.run(
        RawApp(settings),
        uds=settings.uds,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
