"""Connections are shared by callers, and none of them ever speaks for another."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from lienvung.postgres import DatabaseAddress
from shared.auth import SYSTEM, Actor, Kind
from shared.db import Database, driver_connection, is_database_away
from shared.ids import new_id
from shared.settings import Environment, ServiceSettings

WHO = "select current_setting('lienvung.organization_id', true), current_setting('lienvung.system', true)"
WHOSE = "select current_setting('lienvung.account_id', true)"
STORE = """
insert into idempotency_record (actor_id, key, fingerprint, status, headers, body) values ($1, 'k', '', 200, '{}', '')
"""
STORED = "select count(*) from idempotency_record where actor_id = $1"


@pytest.fixture
async def narrow(reporting_database: DatabaseAddress) -> AsyncIterator[Database]:
    """A database with two connections, so that callers must share them."""
    settings = ServiceSettings(
        service_name="shared-test",
        database_url=reporting_database.url,
        environment=Environment.TEST,
        pool_size=2,
    )
    database = Database(settings)
    await database.start()
    yield database
    await database.stop()


def caller() -> Actor:
    return Actor(id=new_id(), kind="user", name="Người dùng", organization_id=new_id(), roles=frozenset({"viewer"}))


async def test_every_block_speaks_for_its_own_caller(narrow: Database) -> None:
    callers = [*(caller() for _ in range(6)), SYSTEM]

    async def ask(actor: Actor) -> tuple[str, str]:
        async with narrow.read(actor) as connection:
            await asyncio.sleep(0)
            return await who(connection)

    async def ask_in_a_transaction(actor: Actor) -> tuple[str, str]:
        async with narrow.write(actor) as connection:
            await asyncio.sleep(0)
            return await who(connection)

    asked = callers * 5
    read = await asyncio.gather(*(ask(actor) for actor in asked))
    written = await asyncio.gather(*(way(actor) for actor in asked for way in (ask_in_a_transaction, ask)))

    assert read == [spoken_for(actor) for actor in asked]
    assert written == [spoken_for(actor) for actor in asked for _ in range(2)]


@pytest.mark.parametrize("kind", ["user", "client", "system"])
async def test_a_transaction_says_whose_account_asks(narrow: Database, kind: Kind) -> None:
    """Of a person alone, and for as long as the transaction lasts."""
    actor = SYSTEM if kind == "system" else replace(caller(), kind=kind)
    async with narrow.transaction(actor) as session:
        connection = await driver_connection(session)
        assert await connection.fetchval(WHOSE) == (str(actor.id) if kind == "user" else "")
    async with narrow.transaction(SYSTEM) as session:
        assert await (await driver_connection(session)).fetchval(WHOSE) == ""
    async with narrow.read(actor) as connection:
        assert not await connection.fetchval(WHOSE)


async def test_a_block_cancelled_in_the_middle_leaves_nothing_behind(narrow: Database) -> None:
    first, second = caller(), caller()
    started = asyncio.Event()

    async def write_forever() -> None:
        async with narrow.write(first) as connection:
            await connection.execute(STORE, first.id)
            started.set()
            await connection.execute("select pg_sleep(60)")

    for _ in range(4):
        started.clear()
        task = asyncio.create_task(write_forever())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async with narrow.read(second) as connection:
        assert await who(connection) == spoken_for(second)
        assert await connection.fetchval(STORED, first.id) == 0


async def test_a_cancelled_block_tells_of_that_where_its_statement_could_not_be_ended(
    narrow: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancellation that is at PostgreSQL before its statement ends nothing, and asyncpg closes the connection."""
    actor, started, release = caller(), asyncio.Event(), asyncpg.Pool.release

    async def in_vain(pool: Any, connection: Any, **given: Any) -> None:
        await release(pool, connection, **given)
        raise TimeoutError

    async def write_forever() -> None:
        async with narrow.write(actor) as connection:
            started.set()
            await connection.execute("select pg_sleep(60)")

    monkeypatch.setattr(asyncpg.Pool, "release", in_vain)
    for _ in range(3):
        started.clear()
        task = asyncio.create_task(write_forever())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await stored(narrow, actor.id) == 0


async def test_a_failed_block_is_rolled_back_and_its_connection_used_again(narrow: Database) -> None:
    actor = caller()

    async def fail() -> None:
        async with narrow.write(actor) as connection:
            await connection.execute(STORE, actor.id)
            raise LookupError

    for _ in range(5):
        with pytest.raises(LookupError):
            await fail()

    assert await stored(narrow, actor.id) == 0


async def test_a_transaction_whose_statement_failed_is_not_taken_for_committed(narrow: Database) -> None:
    actor = caller()

    async def store_twice() -> None:
        async with narrow.write(actor) as connection:
            await connection.execute(STORE, actor.id)
            with pytest.raises(asyncpg.UniqueViolationError):
                await connection.execute(STORE, actor.id)

    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        await store_twice()

    assert await stored(narrow, actor.id) == 0


async def test_a_connection_that_died_is_replaced(narrow: Database, reporting_database: DatabaseAddress) -> None:
    actor = caller()
    async with narrow.read(actor) as connection:
        dead = await connection.fetchval("select pg_backend_pid()")
    await terminate(reporting_database, dead)
    await until_noticed(narrow, actor)

    async with narrow.read(actor) as connection:
        assert await connection.fetchval("select pg_backend_pid()") != dead
        assert await who(connection) == spoken_for(actor)


async def test_whoever_finds_every_connection_in_use_waits_for_one(narrow: Database) -> None:
    order: list[str] = []

    async def hold(name: str) -> None:
        async with narrow.read(caller()) as connection:
            await connection.execute("select pg_sleep(0.02)")
            order.append(name)

    await asyncio.gather(*(hold(str(number)) for number in range(12)))

    assert sorted(order, key=int) == [str(number) for number in range(12)]


async def test_the_products_clock_is_followed_on_after_a_read_met_a_closing_connection(
    narrow: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_again = asyncio.Event()
    faults: list[Exception] = [asyncpg.InternalClientError("cannot switch to state 15"), OSError("reset")]

    async def read() -> None:
        if faults:
            raise faults.pop()
        read_again.set()

    monkeypatch.setattr("shared.db.database.CLOCK_INTERVAL", 0.01)
    monkeypatch.setattr(narrow, "_read_clock", read)

    await asyncio.wait_for(read_again.wait(), 10)


async def who(connection: Any) -> tuple[str, str]:
    organization, system = await connection.fetchrow(WHO)
    return organization, system


def spoken_for(actor: Actor) -> tuple[str, str]:
    return (str(actor.organization_id or ""), "on" if actor.kind == "system" else "off")


async def stored(database: Database, actor_id: UUID) -> Any:
    async with database.read(SYSTEM) as connection:
        return await connection.fetchval(STORED, actor_id)


async def terminate(address: DatabaseAddress, pid: int) -> None:
    connection = await asyncpg.connect(address.url)
    await connection.execute("select pg_terminate_backend($1)", pid)
    await connection.close()


async def until_noticed(database: Database, actor: Actor) -> None:
    """The end of a connection arrives with the next turn of the loop, or with the statement that meets it."""
    try:
        async with database.read(actor) as connection:
            await connection.execute("select 1")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, asyncpg.InternalClientError) as error:
        # Whichever it is, a caller is told to come again and not that something is broken.
        if not is_database_away(error):
            raise
