"""The whole product in one folder: which parts it is made of, in which order they start, and how to reach them."""

import asyncio
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from lienvung import mock_broker
from lienvung.kafka import Kafka, KafkaUnavailable, TamperedJar, wait_for_broker
from lienvung.nursery import Fork, Nursery, NurseryError
from lienvung.postgres import (
    SOCKET_PATH_LIMIT,
    DatabaseAddress,
    Passwords,
    Postgres,
    free_port,
    provision,
    wait_for_server,
    write_private,
)
from lienvung.processes import Launch, Ledger, start_guard
from lienvung.supervisor import Part, State, Supervisor, logged, together, until
from shared.kafka import ensure_topics

OPERATOR = "operator"
OPERATOR_ORGANIZATION = "Liên Vùng"
COMMAND_SECONDS = 180.0
EXTERNAL_SECONDS = 15.0
READY_POLL = 0.05
MOCK_SECONDS = 15.0


# Without the compiled form of what they import, the services start several times slower.
_NOT_FOR_CHILDREN = {"PYTHONDONTWRITEBYTECODE"}


class StackError(RuntimeError):
    """The stack could not be started; the message says why and what to do."""


@dataclass(frozen=True)
class Service:
    """One service: its command, its database and its worker roles."""

    name: str
    database: str
    workers: tuple[str, ...]

    @property
    def package(self) -> str:
        return self.name.replace("-", "_")

    @property
    def prefix(self) -> str:
        return self.package.upper()


AGREEMENTS = Service("agreements-api", "agreements", ("relay", "lifecycle", "succession", "scan", "imports"))
SERVICES = (
    AGREEMENTS,
    Service("notifier", "notifier", ("consume", "schedule", "send", "relay")),
    Service("reporting", "reporting", ("consume", "render", "relay")),
)


class Observer:
    """Hears what happens; the base class keeps it to itself."""

    def say(self, text: str) -> None:
        """A line of progress."""

    def part_changed(self, part: Part, what: str) -> None:
        """A part started, became ready, died or was stopped."""


class Stack:
    """Every part of the product, running for real in a folder.

    An empty port is chosen for whatever is given none. `postgres_url`, `kafka_bootstrap_servers` and `smtp_url` put
    something outside in the place of the embedded part.
    """

    def __init__(
        self,
        run_dir: Path,
        *,
        gateway_port: int = 0,
        postgres_url: str | None = None,
        kafka_bootstrap_servers: str | None = None,
        smtp_url: str | None = None,
        durable: bool = True,
        postgres_settings: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.run_dir = run_dir.absolute()
        self.mail = self.run_dir / "mail"
        self.out = self.run_dir / "out"
        self.logs = self.run_dir / "logs"
        self.databases: dict[str, DatabaseAddress] = {}
        self.kafka = kafka_bootstrap_servers or ""
        self._gateway_port = gateway_port
        self._postgres_url = postgres_url
        self._external_kafka = kafka_bootstrap_servers is not None
        self._smtp_url = smtp_url
        self._durable = durable
        self._postgres_settings = postgres_settings
        self._given = dict(environment or {})
        self._observer = observer or Observer()
        self._passwords = Passwords(self.run_dir / "secrets" / "passwords.json")
        self._ports = Ports(self.run_dir / "ports.json")
        self._sockets = self.run_dir
        self._broker: Kafka | None = None
        self._supervisor: Supervisor | None = None
        self._ledger = Ledger(self.run_dir / "ledger" / secrets.token_hex(6))
        self._nurseries: dict[str, Nursery] = {}
        self._guard: subprocess.Popen[bytes] | None = None
        self._stopping = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self._gateway_port}"

    @property
    def operator(self) -> tuple[str, str]:
        return OPERATOR, self._passwords.of(OPERATOR)

    @property
    def accounts(self) -> list[dict[str, Any]]:
        username, password = self.operator
        first = {
            "username": username,
            "password": password,
            "organization": OPERATOR_ORGANIZATION,
            "roles": ["operator"],
        }
        return [first, *_read_json(self._accounts_file, [])]

    @property
    def parts(self) -> dict[str, Part]:
        return dict(self._running.parts)

    @property
    def processes(self) -> dict[str, int]:
        """Name → pid of what runs now."""
        return self._running.processes

    @property
    def broken(self) -> "asyncio.Future[str]":
        """Done, with the reason, once a part died that cannot be started again."""
        return self._running.broken

    @property
    def helpers(self) -> list[int]:
        """The pids of what only serves the parts: the guard, and what the services' roles are forked from."""
        pids = [self._guard.pid if self._guard is not None else None]
        pids += [nursery.pid for nursery in self._nurseries.values()]
        return [pid for pid in pids if pid is not None]

    async def start(self) -> None:
        """Start every part in order; raises StackError or PartFailed, after having stopped what had been started."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        # Whoever can enter reaches the sockets of the services, past the gateway.
        self.run_dir.chmod(0o700)
        clear_ledgers(self.run_dir)
        self._check_gateway_port()
        self._supervisor = Supervisor(ledger=self._ledger, logs=self.logs, observe=self._observer.part_changed)
        self._guard = start_guard(os.getpid(), self._ledger)
        try:
            await self._start_parts()
        except BaseException:
            await asyncio.shield(self.stop())
            raise

    async def stop(self) -> None:
        """Stop every part in reverse order."""
        # A start that fails stops by itself, and whoever started may tell it to stop in that moment.
        async with self._stopping:
            if self._supervisor is None:
                return
            await self._supervisor.stop_all()
            for nursery in self._nurseries.values():
                await asyncio.to_thread(nursery.stop)
            # What was being started when the stop came.
            await asyncio.to_thread(self._ledger.stop_all)
            if self._guard is not None:
                self._guard.terminate()
                await asyncio.to_thread(self._guard.wait)
            shutil.rmtree(self._ledger.folder, ignore_errors=True)
            if self._sockets != self.run_dir:
                shutil.rmtree(self._sockets, ignore_errors=True)
            self._supervisor = None

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Kill a part without warning; it comes back by itself. Gives the pid that died, 0 if there was none."""
        return self._running.kill(name, number)

    async def stop_part(self, name: str) -> None:
        """Stop one part for good, until `start_part`."""
        await self._running.stop(name)

    async def start_part(self, name: str) -> None:
        await self._running.start(self._running.parts[name])

    async def restart(self, name: str) -> None:
        await self._running.restart(name)

    async def wait_ready(self, seconds: float = 90.0) -> None:
        """Return once every part is ready, and was not stopped on purpose."""
        for name, part in self._running.parts.items():
            if part.state is not State.STOPPED:
                await self._running.wait_ready(name, seconds)

    async def wait_gone(self, name: str, pid: int, seconds: float = 30.0) -> None:
        """Return once a part's process is not the one with this pid any more."""
        await until(lambda: self._running.parts[name].pid != pid, seconds)

    async def wipe_broker(self) -> None:
        """Throw away the broker's data whole: a new, empty cluster answers at the same address."""
        if self._broker is None:
            raise StackError("only the embedded broker can be wiped")
        broker = self._broker
        await self._running.stop("kafka")
        await asyncio.to_thread(broker.wipe)
        await asyncio.to_thread(broker.prepare)
        await self._running.start(self._running.parts["kafka"])
        await ensure_topics(self.kafka)

    def remember(self, account: dict[str, Any]) -> None:
        """Keep an account, so that whoever starts the product can sign in as it."""
        known = [each for each in _read_json(self._accounts_file, []) if each["username"] != account["username"]]
        write_private(self._accounts_file, json.dumps([*known, account], ensure_ascii=False, indent=1))

    def describe(self) -> dict[str, Any]:
        """What `stack.json` says."""
        return {
            "gateway": self.gateway,
            "accounts": self.accounts,
            "mail": _shown(self.mail),
            "kafka": self.kafka,
            "databases": {
                name: {"url": database.url, "owner_url": database.owner_url}
                for name, database in self.databases.items()
            },
        }

    def write_description(self) -> Path:
        path = self.run_dir / "stack.json"
        write_private(path, json.dumps(self.describe(), ensure_ascii=False, indent=1) + "\n")
        return path

    @property
    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise StackError("the stack is not running")
        return self._supervisor

    @property
    def _accounts_file(self) -> Path:
        return self.run_dir / "secrets" / "accounts.json"

    async def _start_parts(self) -> None:
        self._sockets = _socket_folder(self.run_dir)
        await self._start_postgres()
        await self._prepare_services()
        await self._start_kafka()
        await self._start_mail()
        for service in SERVICES:
            await self._start_service(service)
        await self._start_gateway()

    async def _start_postgres(self) -> None:
        if self._postgres_url is not None:
            await wait_for_server(self._postgres_url, EXTERNAL_SECONDS)
            self.databases = await provision(self._postgres_url, self._passwords)
            self._observer.say("PostgreSQL: the one that LIENVUNG_POSTGRES_URL names")
            return
        postgres = Postgres(
            self.run_dir / "postgres",
            port=self._ports.of("postgres"),
            durable=self._durable,
            settings=self._postgres_settings,
        )
        await asyncio.to_thread(postgres.prepare)

        async def ready(_: Part) -> None:
            await postgres.wait_ready()

        await self._running.start(Part("postgres", f"127.0.0.1:{postgres.port}", postgres.launch, ready))
        self.databases = await postgres.provision()

    async def _prepare_services(self) -> None:
        """Migrations, and what agreements-api needs before anyone can sign in."""
        first = [("load-units",), *self._key_commands(), ("create-operator", OPERATOR)]
        await together(
            *(self._run(service, ("migrate",), *(first if service is AGREEMENTS else ())) for service in SERVICES)
        )
        self._observer.say("Databases migrated; units and their successions, keys, the operator's account")

    def _key_commands(self) -> list[tuple[str, ...]]:
        keys = self.run_dir / "secrets" / "keys"
        if not (keys.exists() and any(keys.iterdir())):
            return [("keys", "rotate")]
        return [] if (self.run_dir / "jwks.json").exists() else [("keys", "publish")]

    async def _start_kafka(self) -> None:
        if self._external_kafka:
            await wait_for_broker(self.kafka, EXTERNAL_SECONDS)
            self._observer.say("Kafka: the one that KAFKA_BOOTSTRAP_SERVERS names")
        else:
            broker = Kafka(self.run_dir / "kafka", port=self._ports.of("kafka"))
            try:
                await asyncio.to_thread(broker.prepare)
            except TamperedJar:
                raise
            except KafkaUnavailable as reason:
                await self._start_mock_broker(reason)
                return
            self._broker = broker
            self.kafka = broker.bootstrap_servers

            async def ready(_: Part) -> None:
                await broker.wait_ready()

            await self._running.start(Part("kafka", self.kafka, broker.launch, ready))
        await ensure_topics(self.kafka)
        self._observer.say("Topics: as declared")

    async def _start_mock_broker(self, reason: KafkaUnavailable) -> None:
        self._observer.say(f"{mock_broker.WARNING}\n{reason}")
        address_file = self.run_dir / "mock-broker"
        address_file.unlink(missing_ok=True)
        command = (sys.executable, "-m", "lienvung.mock_broker", str(address_file))

        async def ready(_: Part) -> None:
            await until(address_file.exists, MOCK_SECONDS)

        part = Part("kafka", "a stand-in", lambda: Launch(command, dict(os.environ)), ready, vital=True)
        await self._running.start(part)
        self.kafka = address_file.read_text()

    async def _start_mail(self) -> None:
        if self._smtp_url is not None:
            self._observer.say("Mail: the server that SMTP_URL names")
            return
        port = self._ports.of("mail")
        self._smtp_url = f"smtp://127.0.0.1:{port}"
        command = (sys.executable, "-m", "lienvung.mail", "127.0.0.1", str(port), str(self.mail))

        async def ready(_: Part) -> None:
            await until_connected(port)

        await self._running.start(Part("mail", self._smtp_url, lambda: Launch(command, dict(os.environ)), ready))

    async def _start_service(self, service: Service) -> None:
        uds = self._socket(service)
        roles = [
            Part(
                service.name,
                str(uds),
                self._launch(service, "serve", "--uds", str(uds)),
                lambda _: _until_healthy("http://service/health/ready", uds),
            ),
            *(
                Part(f"{service.name}-{worker}", "", self._launch(service, worker), logged("role_started"))
                for worker in service.workers
            ),
        ]
        await self._running.start(*roles)

    async def _start_gateway(self) -> None:
        from lienvung.gateway import envoy_command

        directory = self.run_dir / "gateway"
        config = directory / "envoy.yaml"
        config.unlink(missing_ok=True)
        port = self._gateway_port
        environment = {**os.environ, **self._gateway_environment(directory), **self._given}

        def launch() -> Launch:
            # The first start writes the configuration; after that there is only Envoy to start.
            command = envoy_command(config) if config.exists() else [sys.executable, "-m", "lienvung.gateway"]
            return Launch(tuple(str(word) for word in command), environment)

        async def ready(_: Part) -> None:
            await _until_healthy(f"http://127.0.0.1:{port}/health/live")

        await self._running.start(Part("gateway", self.gateway, launch, ready))

    def _gateway_environment(self, directory: Path) -> dict[str, str]:
        return {
            "GATEWAY_LISTEN_ADDRESS": "127.0.0.1",
            "GATEWAY_LISTEN_PORT": str(self._gateway_port),
            **{f"GATEWAY_{service.prefix}": f"unix:{self._socket(service)}" for service in SERVICES},
            "GATEWAY_JWKS_PATH": str(self.run_dir / "jwks.json"),
            "GATEWAY_DIRECTORY": str(directory),
            "GATEWAY_ACCESS_LOG": str(self.logs / "gateway-access.log"),
            "GATEWAY_ADMIN": f"unix:{self._sockets / 'gateway-admin.sock'}",
        }

    def _socket(self, service: Service) -> Path:
        return self._sockets / f"{service.name}.sock"

    def _launch(self, service: Service, *arguments: str) -> Callable[[], Fork]:
        return lambda: Fork(self._nursery(service), (arguments,), self._environment())

    def _environment(self) -> dict[str, str]:
        """What the services are told: addresses of this stack, then whatever was given to it."""
        own = {
            "LIENVUNG_ENVIRONMENT": "development",
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "JWKS_PATH": str(self.run_dir / "jwks.json"),
            "AGREEMENTS_API_KEYS_DIR": str(self.run_dir / "secrets" / "keys"),
            "AGREEMENTS_API_DOCUMENTS_URL": str(self.run_dir / "documents"),
            "LIENVUNG_OPERATOR_PASSWORD": self._passwords.of(OPERATOR),
            "PUBLIC_URL": self.gateway,
        }
        for service in SERVICES:
            if database := self.databases.get(service.database):
                own[f"{service.prefix}_DATABASE_URL"] = database.url
                own[f"{service.prefix}_MIGRATION_DATABASE_URL"] = database.owner_url
        if self._smtp_url is not None:
            own["SMTP_URL"] = self._smtp_url
        chosen = {name: os.environ[name] for name in ("LIENVUNG_ENVIRONMENT", "PUBLIC_URL") if name in os.environ}
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_CHILDREN}
        return {**inherited, **own, **chosen, **self._given}

    async def _run(self, service: Service, *commands: tuple[str, ...]) -> None:
        """Run commands of a service, one after the other, to their end."""
        log = self.logs / f"{service.name}-prepare.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        fork = Fork(self._nursery(service), commands, self._environment())
        try:
            process = await asyncio.to_thread(fork.nursery.fork, f"{service.name}-prepare", fork, log=log)
            await until(lambda: process.poll() is not None, COMMAND_SECONDS)
        except NurseryError as error:
            raise StackError(f"{service.name} was not prepared: {error}") from error
        if code := process.poll():
            lines = log.read_text(errors="replace").strip().splitlines()[-15:]
            shown = "\n".join(f"    {line}" for line in lines)
            words = ", ".join(" ".join(command) for command in commands)
            raise StackError(f"{service.name} ({words}) ended with exit code {code}:\n{shown}")
        self._ledger.strike(process.pid)

    def _nursery(self, service: Service) -> Nursery:
        if service.name not in self._nurseries:
            self.logs.mkdir(parents=True, exist_ok=True)
            self._nurseries[service.name] = Nursery(
                f"{service.package}.cli",
                log=self.logs / f"{service.name}-nursery.log",
                ledger=self._ledger,
                environment=self._environment(),
            )
        return self._nurseries[service.name]

    def _check_gateway_port(self) -> None:
        if not self._gateway_port:
            self._gateway_port = self._ports.of("gateway")
            return
        try:
            _bind(self._gateway_port)
        except OSError as error:
            raise StackError(
                f"Port {self._gateway_port} is taken ({error.strerror}). "
                f"Free it, or choose another one: GATEWAY_PORT={self._gateway_port + 1} make run"
            ) from error


class Ports:
    """A port once chosen is kept for the next start, as long as nobody else has taken it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, name: str) -> int:
        known: dict[str, int] = _read_json(self._path, {})
        port = known.get(name)
        if port is None or not _is_free(port):
            port = free_port()
            write_private(self._path, json.dumps({**known, name: port}))
        return port


def clear_ledgers(run_dir: Path) -> None:
    """Stop what a killed supervisor of this folder left running."""
    for folder in sorted((run_dir / "ledger").glob("*")):
        Ledger(folder).stop_all()
        shutil.rmtree(folder, ignore_errors=True)


def _read_json(path: Path, default: Any) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return default


def _shown(path: Path) -> str:
    """Relative to where the product is started, as one would type it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _bind(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def _is_free(port: int) -> bool:
    try:
        _bind(port)
    except OSError:
        return False
    return True


def _socket_folder(run_dir: Path) -> Path:
    """The run folder, or a private short one where the addresses of its sockets would be too long."""
    longest = max(len(os.fsencode(run_dir / f"{name}.sock")) for name in ("agreements-api", "gateway-admin"))
    if longest <= SOCKET_PATH_LIMIT:
        return run_dir
    digest = hashlib.sha256(os.fsencode(run_dir)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"lienvung-{os.geteuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise StackError(f"{folder} belongs to somebody else, and sockets must not lie there")
    folder.chmod(0o700)
    return folder


async def until_connected(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(READY_POLL)
        else:
            writer.close()
            return


async def _until_healthy(url: str, uds: Path | None = None) -> None:
    transport = httpx.AsyncHTTPTransport(uds=str(uds) if uds else None)
    async with httpx.AsyncClient(transport=transport, timeout=5) as http, asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await http.get(url)).status_code == 200:
                    return
            await asyncio.sleep(READY_POLL)
