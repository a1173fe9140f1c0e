"""PostgreSQL runs for root and for others, in folders that nobody else can enter, and keeps what it was given."""

import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from lienvung.postgres import DATABASES, Drop, Passwords, Postgres, role_names
from lienvung.processes import Ledger, spawn

WAYS = [Drop.NAMESPACE, Drop.NOBODY] if os.geteuid() == 0 else [Drop.NONE]


@pytest.fixture(params=WAYS)
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Postgres]:
    # Nobody else can enter: as in a clone in root's own home.
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    postgres = Postgres(private / "postgres", durable=False, drop=request.param)
    yield postgres
    postgres.remove()


@asynccontextmanager
async def running(postgres: Postgres, folder: Path) -> AsyncIterator[None]:
    postgres.prepare()
    ledger = Ledger(folder / "ledger")
    process = spawn("postgres", postgres.launch(), log=folder / "log", ledger=ledger)
    try:
        await postgres.wait_ready()
        yield
    finally:
        ledger.stop_all()
        assert process.wait(10) == 0, (folder / "log").read_text()


async def test_what_was_written_is_there_after_a_restart(postgres: Postgres, tmp_path: Path) -> None:
    async with running(postgres, tmp_path):
        databases = await postgres.provision()
        assert tuple(databases) == DATABASES
        owner = await asyncpg.connect(databases["notifier"].owner_url)
        await owner.execute("create extension pg_trgm; create table kept as select 'Đông Triều' as name")
        await owner.close()
    async with running(postgres, tmp_path):
        assert await postgres.provision() == databases
        owner = await asyncpg.connect(databases["notifier"].owner_url)
        assert await owner.fetchval("select lower(name) from kept") == "đông triều"
        await owner.close()


async def test_no_role_gets_in_without_its_password(postgres: Postgres, tmp_path: Path) -> None:
    async with running(postgres, tmp_path):
        databases = await postgres.provision()
        _, app = role_names("agreements")
        forged = databases["agreements"].url.replace(Passwords(postgres.folder / "passwords.json").of(app), "guess")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(forged)


def test_only_the_owner_reads_the_passwords(tmp_path: Path) -> None:
    passwords = Passwords(tmp_path / "passwords.json")
    assert passwords.of("one") != passwords.of("two")
    assert stat.S_IMODE((tmp_path / "passwords.json").stat().st_mode) == 0o600
    assert Passwords(tmp_path / "passwords.json").of("one") == passwords.of("one")


def test_nothing_is_left_of_a_removed_cluster(postgres: Postgres) -> None:
    postgres.prepare()
    data = postgres.data
    assert (data / "PG_VERSION").exists()
    postgres.remove()
    assert not data.parent.exists()
