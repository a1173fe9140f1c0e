"""The migrations of the reporting database."""

import asyncio
import secrets

import asyncpg

from shared.db.migrate import downgrade, upgrade
from tests.parts import Parts


async def test_the_schema_can_be_taken_back_and_made_again(parts: Parts) -> None:
    name = f"reporting_{secrets.token_hex(5)}"
    database = await asyncio.to_thread(parts.create, "reporting", name)
    try:
        await asyncio.to_thread(downgrade, "reporting", database.owner_url, "base")
        assert await _tables(database.owner_url) == ["alembic_version"]
        await asyncio.to_thread(upgrade, "reporting", database.owner_url)
        assert {"agreement", "task_version", "report", "outbox"} <= set(await _tables(database.owner_url))
    finally:
        await asyncio.to_thread(parts.drop, name)


async def _tables(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public' order by 1")
    finally:
        await connection.close()
    return [row["tablename"] for row in rows]
