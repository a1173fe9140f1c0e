"""A gateway with its three upstream services, and tokens that they believe."""

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from lienvung.gateway import GatewaySettings
from shared.auth import Actor, TokenIssuer
from tests.gateway.running import Upstream, running_gateway

Start = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@dataclass
class Backstage:
    """What stands behind the gateway: the services, the signing keys, and the directory of it all."""

    directory: Path
    issuer: TokenIssuer
    upstreams: dict[str, Upstream]

    def token(self, *, ttl: timedelta = timedelta(minutes=5), **changes: Any) -> str:
        someone: dict[str, Any] = {"id": uuid4(), "kind": "user", "name": "Nguyễn Văn A", "organization_id": uuid4()}
        actor = Actor(**(someone | changes))
        return self.issuer.issue(actor, ttl)

    def bearer(self, **changes: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(**changes)}"}

    def settings(self, **changes: Any) -> GatewaySettings:
        directory = Path(tempfile.mkdtemp(dir=self.directory))
        sockets = {name.replace("-", "_"): f"unix:{upstream.socket}" for name, upstream in self.upstreams.items()}
        values: dict[str, Any] = {
            "listen_port": 0,
            "directory": directory,
            "admin": f"unix:{directory}/admin.sock",
            "access_log": str(directory / "access.log"),
            "jwks_path": self.directory / "jwks.json",
            "allowed_origins": ["https://lienvung.example"],
        }
        return GatewaySettings(**(values | sockets | changes))


@pytest.fixture(scope="session")
def short_directory() -> Iterator[Path]:
    """Sockets have a limit of length that pytest's own directories may exceed."""
    directory = Path(tempfile.mkdtemp(prefix="lv-"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
async def backstage(short_directory: Path) -> AsyncIterator[Backstage]:
    directory = Path(tempfile.mkdtemp(dir=short_directory))
    issuer = TokenIssuer(directory / "keys", settle=timedelta(0))
    issuer.rotate()
    issuer.write_jwks(directory / "jwks.json")
    names = ("agreements-api", "notifier", "reporting")
    upstreams = {name: Upstream(name, directory / f"{name}.sock", issuer) for name in names}
    async with AsyncExitStack() as stack:
        for upstream in upstreams.values():
            await upstream.start()
            stack.push_async_callback(upstream.stop)
        yield Backstage(directory, issuer, upstreams)


@pytest.fixture(scope="module")
async def settings(backstage: Backstage) -> GatewaySettings:
    return backstage.settings()


@pytest.fixture(scope="module")
async def gateway(settings: GatewaySettings) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway with its usual settings, one for each module of tests."""
    async with running_gateway(settings) as client:
        yield client


@pytest.fixture
def start(backstage: Backstage) -> Start:
    """Another gateway in front of the same services, with some settings of its own."""

    @contextlib.asynccontextmanager
    async def started(**changes: Any) -> AsyncIterator[httpx.AsyncClient]:
        async with running_gateway(backstage.settings(**changes)) as client:
            yield client

    return started
