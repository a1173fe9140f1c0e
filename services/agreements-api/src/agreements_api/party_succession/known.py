"""What was known at an instant of units and the bodies that act for them, and who had taken which place, in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

# In the place of the tables: what had been recorded by then. What has no such instant was always known.
_TABLES = """unit as not materialized (
    select u.id, u.code, u.name, u.type, u.level, u.sort_key, u.valid_from,
           case when coalesce(u.end_recorded_at, '-infinity') <= {instant} then u.valid_to end as valid_to,
           case when coalesce(u.end_recorded_at, '-infinity') <= {instant} then u.dissolved_by end as dissolved_by
    from public.unit u
), unit_parent as not materialized (
    select p.unit_id, p.parent_id, p.valid_from,
           case when coalesce(p.end_recorded_at, '-infinity') <= {instant} then p.valid_to end as valid_to
    from public.unit_parent p where coalesce(p.recorded_at, '-infinity') <= {instant}
), unit_succession as not materialized (
    select s.* from public.unit_succession s where coalesce(s.recorded_at, '-infinity') <= {instant}
), organization as not materialized (
    select o.* from public.organization o where o.created_at <= {instant}
)"""


@dataclass(frozen=True)
class Statement:
    """A statement about units: of what is known now, and of what was at the instant that comes after its parameters."""

    now: str
    then: str

    async def fetch(
        self, connection: asyncpg.Connection[Any], *values: Any, as_of: datetime | None
    ) -> list[asyncpg.Record]:
        if as_of is None:
            return await connection.fetch(self.now, *values)
        return await connection.fetch(self.then, *values, as_of)


def statement(now: str, *, parameters: int) -> Statement:
    """A statement with this many parameters, and the same of the past."""
    tables = _TABLES.format(instant=f"${parameters + 1}::timestamptz")
    beginning, recursive, rest = now.partition("with recursive ")
    if recursive and not beginning.strip():
        return Statement(now, f"with recursive {tables}, {rest}")
    return Statement(now, f"with {tables} {now}")


def cases_at(agreement: str, instant: str) -> str:
    """The newest version until an instant of each case of an agreement, which are values of the statement."""
    return f"""
    select distinct on (v.id) v.* from (
        select k.* from succession_case k where k.agreement_id = {agreement}
        union all
        select r.* from succession_case_past p, jsonb_populate_record(null::succession_case, p.state) r
        where p.agreement_id = {agreement}) v
    where v.updated_at <= {instant} order by v.id, v.version desc
"""  # noqa: S608
