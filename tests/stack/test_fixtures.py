"""The parts that every other test stands on."""

import asyncpg

from lienvung.postgres import DatabaseAddress
from shared.kafka import admin_client
from tests.parts import Cluster


async def test_the_application_role_owns_no_table(reporting_database: DatabaseAddress) -> None:
    connection = await asyncpg.connect(reporting_database.url)
    try:
        owned = await connection.fetchval("select count(*) from pg_tables where tableowner = current_user")
        there = await connection.fetchval("select count(*) from pg_tables where schemaname = 'public'")
    finally:
        await connection.close()
    assert (owned, there > 0) == (0, True)


async def test_a_database_lets_in_its_own_roles_only(cluster: Cluster, reporting_database: DatabaseAddress) -> None:
    stranger = cluster.address("notifier", reporting_database.name)
    try:
        await asyncpg.connect(stranger.url)
    except asyncpg.InsufficientPrivilegeError:
        return
    raise AssertionError("the notifier's role entered the database of reporting")


async def test_the_declared_topics_are_there_under_the_modules_prefix(kafka: str, topics: str) -> None:
    async with admin_client(kafka) as admin:
        assert f"{topics}lienvung.tasks" in await admin.list_topics()
