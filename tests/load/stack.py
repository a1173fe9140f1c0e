"""The parts that the bench runs on: PostgreSQL that syncs, Kafka, keys, and the services' own processes."""

import asyncio
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID

import asyncpg

from lienvung.postgres import DatabaseAddress
from lienvung.processes import Launch, same_process, spawn, start_of, stop_process
from shared.auth import Actor, TokenIssuer
from shared.ids import new_id
from tests.load.dataset import synthetic_id
from tests.load.processes import ROOT, cores, pin
from tests.parts import Parts

OUTPUT = ROOT / ".run" / "bench"
POOL_SIZE = 16
START_SECONDS = 30.0
PREFIXES = {"agreements": "AGREEMENTS_API", "notifier": "NOTIFIER", "reporting": "REPORTING"}
COMMANDS = {"agreements": "agreements-api", "notifier": "notifier", "reporting": "reporting"}


@dataclass(frozen=True)
class Running:
    """A process that was started for a measurement."""

    pid: int
    log: Path


class Bench:
    """Everything lies in one folder that is gone afterwards; whatever still runs is stopped with it."""

    def __init__(self) -> None:
        # Beside the checkout, because /tmp may be memory, where syncing costs nothing.
        OUTPUT.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="parts-", dir=OUTPUT))
        # Sockets lie elsewhere: their paths may only be short.
        self.sockets = Path(tempfile.mkdtemp(prefix="lienvung-bench-"))
        self.parts = Parts(self.folder, os.getpid(), durable=True)
        self.core, self.other_core = cores()
        self.topic_prefix = f"bench-{secrets.token_hex(3)}."
        self.jwks = self.folder / "jwks.json"
        self.keys = self.folder / "keys"
        issuer = TokenIssuer(self.keys)
        issuer.rotate()
        issuer.write_jwks(self.jwks)
        self.issuer = issuer

    def __enter__(self) -> "Bench":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.parts.stop()
        shutil.rmtree(self.sockets, ignore_errors=True)

    def actor(self, organization: int = 0) -> Actor:
        """Somebody of a synthetic organisation who may read, report and sign."""
        return Actor(
            id=synthetic_id("account", organization),
            kind="user",
            name="Người thử tải",
            organization_id=synthetic_id("organization", organization),
            roles=frozenset({"specialist", "leader"}),
            unit_id=synthetic_id("unit", organization),
            session_id=new_id(),
        )

    def token(self, actor: Actor) -> str:
        return self.issuer.issue(actor, timedelta(hours=1))

    def environment(self, database: DatabaseAddress, service: str) -> dict[str, str]:
        """What a service's process reads; the broker only where it was started."""
        prefix = PREFIXES[service]
        environment = {
            **os.environ,
            f"{prefix}_DATABASE_URL": database.url,
            f"{prefix}_MIGRATION_DATABASE_URL": database.owner_url,
            f"{prefix}_POOL_SIZE": str(POOL_SIZE),
            "JWKS_PATH": str(self.jwks),
            "LIENVUNG_ENVIRONMENT": "test",
            "KAFKA_TOPIC_PREFIX": self.topic_prefix,
            "LOG_LEVEL": "WARNING",
            "AGREEMENTS_API_KEYS_DIR": str(self.keys),
        }
        if (self.folder / "kafka.json").exists():
            environment["KAFKA_BOOTSTRAP_SERVERS"] = self.parts.kafka()
        return environment

    @asynccontextmanager
    async def service(
        self, service: str, database: DatabaseAddress, *arguments: str, core: int | None = None
    ) -> AsyncIterator[Running]:
        """One role of a service, run by its own command."""
        command = str(Path(sys.executable).parent / COMMANDS[service])
        async with self.process(
            f"{service}-{arguments[0]}", (command, *arguments), self.environment(database, service), core=core
        ) as running:
            yield running

    @asynccontextmanager
    async def process(
        self, name: str, command: Sequence[str], environment: dict[str, str], *, core: int | None = None
    ) -> AsyncIterator[Running]:
        """Any process, stopped at the end of the block."""
        log = self.folder / f"{name}.log"
        launch = Launch(command=tuple(command), environment=environment, grace=5)
        child = spawn(name, launch, log=log, ledger=self.parts.ledger)
        started = start_of(child.pid)
        pin(child.pid, core)
        try:
            yield Running(child.pid, log)
        finally:
            process = same_process(child.pid, started)
            if process is not None:
                await asyncio.to_thread(stop_process, process, launch.stop_signal, launch.grace)
            _reap(child)
            self.parts.ledger.strike(child.pid)

    async def settle(self) -> None:
        """Write out what PostgreSQL still holds, so that it is not written during the next measurement."""
        connection = await asyncpg.connect(self.parts.cluster().admin_url)
        await connection.execute("checkpoint")
        await connection.close()

    def plain_environment(self) -> dict[str, str]:
        """For what is no service."""
        return dict(os.environ)

    async def answering(self, port: int, running: Running) -> str:
        """The address of a port of this machine, once somebody answers there."""
        address = f"127.0.0.1:{port}"
        await self._until(lambda: asyncio.open_connection("127.0.0.1", port), address, running)
        return address

    async def listening(self, path: Path, running: Running) -> str:
        """The address of a Unix socket, once somebody answers there."""
        await self._until(lambda: asyncio.open_unix_connection(str(path)), str(path), running)
        return f"unix:{path}"

    async def _until(self, connect: Callable[[], Awaitable[tuple[Any, Any]]], address: str, running: Running) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + START_SECONDS
        while True:
            try:
                _, writer = await connect()
            except OSError as error:
                if loop.time() > until or same_process(running.pid, start_of(running.pid)) is None:
                    raise RuntimeError(f"nobody listens on {address}: {running.log.read_text()[-2000:]}") from error
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def task_id(number: int) -> UUID:
    return synthetic_id("task", number)


def _reap(child: "subprocess.Popen[bytes]") -> None:
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
