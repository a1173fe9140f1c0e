"""What tests of migrations need: a database of their own as it was before, and statements in it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade
from tests.parts import Parts, in_thread


@contextmanager
def own_database(parts: Parts, *, at: str | None = None, holding: str | None = None) -> Iterator[DatabaseAddress]:
    """A database that nobody else uses, as the revision `at` left it, with what the script `holding` puts there."""
    name = f"agreements_{secrets.token_hex(5)}"
    address = parts.create("agreements", name)
    if at is not None:
        downgrade("agreements_api", address.owner_url, at)
    if holding is not None:
        run(address.owner_url, holding)
    yield address
    parts.drop(name)


def run(url: str, script: str) -> list[dict[str, Any]]:
    """Every statement of the script, each by itself; the rows of the last."""

    async def work() -> list[dict[str, Any]]:
        connection = await asyncpg.connect(url)
        try:
            rows: list[asyncpg.Record] = []
            for statement in script.split(";\n"):
                rows = await connection.fetch(statement)
            return [dict(row) for row in rows]
        finally:
            await connection.close()

    return in_thread(work)
