"""The tables of imports: there and gone again, and what the application may do with them."""

from collections.abc import Iterator

import asyncpg
import pytest

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.migrating import own_database
from tests.parts import Parts, in_thread

TABLES = {"import_job", "import_content", "import_error"}


@pytest.fixture
def database(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database of this test's own: it is taken apart."""
    with own_database(parts) as address:
        yield address


async def tables(address: DatabaseAddress) -> set[str]:
    connection = await asyncpg.connect(address.owner_url)
    try:
        rows = await connection.fetch("select relname from pg_class where relkind = 'r' and relname like 'import%'")
        return {row["relname"] for row in rows}
    finally:
        await connection.close()


def test_they_can_be_taken_back_and_made_again(database: DatabaseAddress) -> None:
    assert in_thread(lambda: tables(database)) == TABLES
    downgrade("agreements_api", database.owner_url, "0017")
    assert in_thread(lambda: tables(database)) == set()
    upgrade("agreements_api", database.owner_url)
    assert in_thread(lambda: tables(database)) == TABLES


async def test_an_import_is_never_deleted(agreements_database: DatabaseAddress) -> None:
    connection = await asyncpg.connect(agreements_database.url)
    try:
        await connection.execute("select set_config('lienvung.system', 'on', false)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("delete from import_job")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update import_content set content = ''")
    finally:
        await connection.close()
