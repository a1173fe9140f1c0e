"""The migrations of agreements-api: there and back again, and the tables that the models believe in."""

import secrets
from collections.abc import Iterator
from importlib import import_module

import asyncpg
import pytest

from agreements_api.tables import Table
from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.parts import Parts, in_thread

_TABLES = "select table_name, column_name from information_schema.columns where table_schema = 'public'"


async def columns(address: DatabaseAddress) -> dict[str, set[str]]:
    connection = await asyncpg.connect(address.owner_url)
    try:
        found: dict[str, set[str]] = {}
        for table, column in await connection.fetch(_TABLES):
            found.setdefault(table, set()).add(column)
        return found
    finally:
        await connection.close()


@pytest.fixture
def database(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database of this test's own: it is taken apart."""
    name = f"agreements_{secrets.token_hex(5)}"
    yield parts.create("agreements", name)
    parts.drop(name)


def test_everything_can_be_taken_back_and_done_again(database: DatabaseAddress) -> None:
    before = in_thread(lambda: columns(database))
    downgrade("agreements_api", database.owner_url, "base")
    assert set(in_thread(lambda: columns(database))) == {"alembic_version"}
    upgrade("agreements_api", database.owner_url)
    assert in_thread(lambda: columns(database)) == before


def test_doing_it_twice_changes_nothing(database: DatabaseAddress) -> None:
    before = in_thread(lambda: columns(database))
    upgrade("agreements_api", database.owner_url)
    assert in_thread(lambda: columns(database)) == before


def test_every_model_has_its_table_with_the_same_columns(agreements_database: DatabaseAddress) -> None:
    # The application imports every model.
    import_module("agreements_api.app")
    found = in_thread(lambda: columns(agreements_database))
    expected = {name: {column.name for column in table.columns} for name, table in Table.metadata.tables.items()}
    assert {"unit", "account", "session"} <= set(expected)
    assert {name: found.get(name) for name in expected} == expected


async def test_the_application_owns_nothing(agreements_database: DatabaseAddress) -> None:
    connection = await asyncpg.connect(agreements_database.url)
    try:
        owned = await connection.fetchval("select count(*) from pg_class where relowner = current_user::regrole")
        assert owned == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("delete from unit")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("alter table account disable row level security")
    finally:
        await connection.close()
