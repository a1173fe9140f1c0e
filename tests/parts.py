"""The real parts that tests share: one cluster and one broker a run, however many processes run the tests."""

import asyncio
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from lienvung.kafka import Kafka
from lienvung.postgres import DatabaseAddress, Passwords, Postgres, address, create_database, provision, role_names
from lienvung.processes import Ledger, spawn, start_guard
from shared.db.migrate import upgrade
from shared.kafka import admin_client
from tests.s3 import S3, S3Proxy

T = TypeVar("T")

PACKAGES = {"agreements": "agreements_api", "notifier": "notifier", "reporting": "reporting"}


@dataclass(frozen=True)
class Cluster:
    """The running PostgreSQL: `admin_url` is its superuser's, on the database `postgres`."""

    admin_url: str
    passwords: Passwords

    def address(self, service: str, database: str) -> DatabaseAddress:
        return address(self.admin_url, service, database, self.passwords)


class Parts:
    """Starts a part when the first test asks for it; every process of the run finds it by the run's folder."""

    def __init__(self, folder: Path, watched: int, *, durable: bool = False) -> None:
        self.folder = folder
        self.watched = watched
        self._durable = durable
        self.ledger = Ledger(folder / "ledger")

    def cluster(self) -> Cluster:
        passwords = Passwords(self.folder / "postgres" / "passwords.json")
        admin_url = self._once("postgres", lambda: self._start_postgres(passwords))
        return Cluster(admin_url, passwords)

    def kafka(self) -> str:
        return self._once("kafka", self._start_kafka)

    def s3(self) -> S3:
        return S3(self._once("s3", self._start_s3))

    def create(self, service: str, database: str) -> DatabaseAddress:
        """A database with a service's tables, copied from a template that is migrated once a run."""
        cluster = self.cluster()
        template = self._once(f"template-{service}", lambda: self._migrate(cluster, service))
        in_thread(lambda: _create(cluster, service, database, template))
        return cluster.address(service, database)

    def drop(self, database: str) -> None:
        in_thread(lambda: _drop(self.cluster(), database))

    def stop(self) -> None:
        self.ledger.stop_all()
        if (self.folder / "postgres").exists():
            Postgres(self.folder / "postgres").remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_postgres(self, passwords: Passwords) -> str:
        settings = {"max_connections": "500", "shared_buffers": "96MB", "log_min_duration_statement": "-1"}
        if self._durable:
            # What is measured would wait, at random, for the checkpoints of what was filled in before.
            settings |= {"max_wal_size": "4GB", "checkpoint_timeout": "15min"}
            # A server for that much data has memory for it.
            settings |= {"shared_buffers": "1GB"}
        postgres = Postgres(self.folder / "postgres", durable=self._durable, settings=settings)
        postgres.prepare()
        spawn("postgres", postgres.launch(), log=self.folder / "postgres.log", ledger=self.ledger)
        in_thread(postgres.wait_ready)
        in_thread(lambda: provision(postgres.admin_url, passwords))
        return postgres.admin_url

    def _start_kafka(self) -> str:
        kafka = Kafka(self.folder / "kafka", small=True)
        kafka.prepare()
        spawn("kafka", kafka.launch(), log=self.folder / "kafka.log", ledger=self.ledger)
        in_thread(kafka.wait_ready)
        return kafka.bootstrap_servers

    def _start_s3(self) -> str:
        server = S3Proxy(self.folder / "s3")
        server.prepare()
        spawn("s3", server.launch(), log=self.folder / "s3.log", ledger=self.ledger)
        in_thread(server.wait_ready)
        return server.s3.endpoint

    def _migrate(self, cluster: Cluster, service: str) -> str:
        name = f"template_{service}"
        in_thread(lambda: _create(cluster, service, name, "template0"))
        try:
            _run_in_thread(lambda: upgrade(PACKAGES[service], cluster.address(service, name).owner_url))
        except BaseException:
            self.drop(name)
            raise
        return name

    def _once(self, name: str, make: Callable[[], str]) -> str:
        """What `make` gave to whichever process of the run asked first."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = self.folder / f"{name}.json"
        with _locked(self.folder / f"{name}.lock"):
            if not made.exists():
                self._guard()
                made.write_text(json.dumps(make()))
            value: str = json.loads(made.read_text())
        return value

    def _guard(self) -> None:
        # It outlives a killed run by a moment, and takes along what the run can no longer stop.
        with _locked(self.folder / "guard.lock"):
            if not (self.folder / "guard").exists():
                (self.folder / "guard").write_text(str(start_guard(self.watched, self.ledger).pid))


def in_thread(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end on a loop of its own: fixtures of any kind may call this."""
    return _run_in_thread(lambda: asyncio.run(work()))


def _run_in_thread(work: Callable[[], T]) -> T:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


async def delete_topics(bootstrap_servers: str, names: list[str]) -> None:
    async with admin_client(bootstrap_servers) as admin:
        await admin.delete_topics(names)


async def _create(cluster: Cluster, service: str, database: str, template: str) -> None:
    owner, app = role_names(service)
    connection = await asyncpg.connect(cluster.admin_url)
    try:
        await create_database(connection, database, owner=owner, app=app, template=template)
    finally:
        await connection.close()


async def _drop(cluster: Cluster, database: str) -> None:
    connection = await asyncpg.connect(cluster.admin_url)
    try:
        await connection.execute(f'drop database if exists "{database}" with (force)')
    finally:
        await connection.close()
