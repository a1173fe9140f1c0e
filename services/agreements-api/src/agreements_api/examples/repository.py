"""All SQL of the example data."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

_LOCK = "select pg_advisory_xact_lock(hashtextextended('example data', 517))"
_UNIT = """
select u.id from unit u
where u.level = $1 and u.name = $2 and (u.valid_from is null or u.valid_from <= $3)
  and (u.valid_to is null or u.valid_to >= $3)
"""
_ORGANIZATION = "select o.id from organization o where o.unit_id = $1 and o.name = $2"
_IS_THERE = "select exists (select from agreement a where a.id = $1)"


async def lock(connection: asyncpg.Connection[Any]) -> None:
    """One loader at a time."""
    await connection.execute(_LOCK)


async def unit(connection: asyncpg.Connection[Any], level: str, name: str, day: date) -> UUID | None:
    """The unit that had this name on the day."""
    found: UUID | None = await connection.fetchval(_UNIT, level, name, day)
    return found


async def organization(connection: asyncpg.Connection[Any], unit_id: UUID, name: str) -> UUID | None:
    found: UUID | None = await connection.fetchval(_ORGANIZATION, unit_id, name)
    return found


async def is_there(connection: asyncpg.Connection[Any], agreement_id: UUID) -> bool:
    found: bool = await connection.fetchval(_IS_THERE, agreement_id)
    return found
