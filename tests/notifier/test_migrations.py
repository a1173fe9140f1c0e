"""The migrations go up and down again, and the tables fit what the code thinks of them."""

import asyncio
from dataclasses import fields

import asyncpg

from notifier.alerts.models import Alert
from notifier.deadlines.models import Deadline, Organization, Person, Task
from notifier.tables import Table
from shared.db.migrate import downgrade, upgrade
from tests.notifier.conftest import World
from tests.parts import Parts


async def test_the_schema_can_be_taken_down_and_built_again(parts: Parts) -> None:
    database = await asyncio.to_thread(parts.create, "notifier", "notifier_down_and_up")
    try:
        await asyncio.to_thread(downgrade, "notifier", database.owner_url, "base")
        connection = await asyncpg.connect(database.owner_url)
        try:
            left = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        finally:
            await connection.close()
        assert [row["tablename"] for row in left] == ["alembic_version"]
        await asyncio.to_thread(upgrade, "notifier", database.owner_url)
    finally:
        await asyncio.to_thread(parts.drop, database.name)


async def test_models_have_the_columns_of_their_tables(world: World) -> None:
    of_models = {
        str(model.__tablename__): set(Table.metadata.tables[str(model.__tablename__)].columns.keys())
        for model in (Organization, Person, Alert)
    }
    plain = {"task": {one.name for one in fields(Task)}, "deadline": {one.name for one in fields(Deadline)}}
    for table, columns in (of_models | plain).items():
        rows = await world.owner.fetch(
            "select column_name from information_schema.columns where table_name = $1", table
        )
        assert {row["column_name"] for row in rows} == columns
