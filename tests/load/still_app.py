"""An application that does nothing but answer: with the keys where they are asked for, else with one small document."""

import socket
import sys
from pathlib import Path

import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

BODY = b'{"status": "still", "note": "' + b"x" * 480 + b'"}'


class StillApp:
    """The same bytes for every request."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        body = self._keys if scope["path"].endswith("jwks.json") else BODY
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
                "trailers": False,
            }
        )
        await send({"type": "http.response.body", "body": body, "more_body": False})


def main() -> None:
    """Serve on the named Unix socket and on a port of this machine, with the keys of the named file."""
    path, port, keys = sys.argv[1:]
    sockets = [socket.socket(socket.AF_UNIX), socket.socket(socket.AF_INET)]
    sockets[0].bind(path)
    sockets[1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sockets[1].bind(("127.0.0.1", int(port)))
    config = uvicorn.Config(
        StillApp(Path(keys).read_bytes()),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        # Longer than Envoy keeps an idle connection.
        timeout_keep_alive=75,
    )
    uvicorn.Server(config).run(sockets)


if __name__ == "__main__":
    main()
