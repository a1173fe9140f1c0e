"""A caller's temporary table must not come before the product's own, in nothing that guards or follows a record."""

import secrets
from collections.abc import Iterator
from uuid import UUID

import asyncpg
import httpx
import pytest

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.agreements.world import found
from tests.agreements_api.conftest import Registry
from tests.parts import Parts, in_thread

# Where PostgreSQL looks for a table first is written in `proconfig`. The outbox's own functions name no other table.
_LOOSE = """
select p.proname from pg_proc p join pg_language l on l.oid = p.prolang
where p.pronamespace = 'public'::regnamespace and l.lanname = 'plpgsql'
  and p.proname not like 'outbox%'
  and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
  and not 'search_path=pg_catalog, public, pg_temp' = any(coalesce(p.proconfig, '{}'))
order by p.proname
"""


@pytest.fixture
def database(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database of this test's own: rights on a database are not copied from a template."""
    name = f"agreements_{secrets.token_hex(5)}"
    yield parts.create("agreements", name)
    parts.drop(name)


async def test_every_function_that_guards_or_follows_looks_for_temporary_tables_last(
    agreements_database: DatabaseAddress,
) -> None:
    connection = await asyncpg.connect(agreements_database.owner_url)
    try:
        assert [row["proname"] for row in await connection.fetch(_LOOSE)] == []
    finally:
        await connection.close()


async def test_access_follows_into_the_real_table_whatever_the_caller_calls_his_own(
    registry: Registry, http: httpx.AsyncClient, agreements_database: DatabaseAddress
) -> None:
    """Otherwise whoever can run a statement would decide, with the owner's right, what is written down of access."""
    world = await found(registry, http, agreements_database)
    agreement = await world.draft()
    stranger = world.organizations["elsewhere"].id
    # The installation may have given the right by itself.
    await world.rows(f'grant temporary on database "{agreements_database.name}" to public')
    connection = await asyncpg.connect(agreements_database.url)
    try:
        await connection.execute("select set_config('lienvung.system', 'on', false)")
        await connection.execute("create temp table agreement_access (organization_id uuid, agreement_id uuid)")
        await connection.execute("grant all on agreement_access to public")
        await connection.execute(
            "insert into agreement_member (agreement_id, organization_id, source_id, relation) values ($1, $2, $1, $3)",
            UUID(agreement["id"]),
            stranger,
            "party",
        )
        assert await connection.fetchval("select count(*) from agreement_access") == 0
        assert await connection.fetchval(
            "select exists (select from public.agreement_access where organization_id = $1 and agreement_id = $2)",
            stranger,
            UUID(agreement["id"]),
        )
    finally:
        await connection.close()
        await world.rows(f'revoke temporary on database "{agreements_database.name}" from public')


def test_the_application_cannot_make_temporary_tables(database: DatabaseAddress) -> None:
    downgrade("agreements_api", database.owner_url, "0009")
    upgrade("agreements_api", database.owner_url)

    async def attempt() -> None:
        connection = await asyncpg.connect(database.url)
        try:
            await connection.execute("create temp table agreement (id uuid)")
        finally:
            await connection.close()

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="temporary"):
        in_thread(attempt)
