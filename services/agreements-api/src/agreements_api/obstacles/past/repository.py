"""All SQL of obstacles as they were at an instant: from the states that their log keeps, scoped like the present."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.obstacles.repository import SCOPE, Columns, Filter, conditions_of
from shared.db import Parameters

_RECORD = """
cross join lateral (
    select h.state from history h where h.subject_id = o.{key} and h.occurred_at <= $2
    order by h.version desc limit 1) {alias}"""
# The last state until the instant ($2); what it shows of its task and its agreement is what these were.
_THEN = f"""
from obstacle o
cross join lateral (
    select g.state from obstacle_log g where g.obstacle_id = o.id and g.occurred_at <= $2
    order by g.version desc limit 1) l
{_RECORD.format(key="task_id", alias="t")}
{_RECORD.format(key="agreement_id", alias="a")}
cross join lateral (
    select l.state || jsonb_build_object('task_title', t.state->'title', 'agreement_title', a.state->'title')
        || case when l.state->>'level' = 'province' then '{{}}'::jsonb else jsonb_build_object(
            'organization_id', t.state->'lead'->'organization_id', 'organization_name', t.state->'lead'->'name') end
        as state) s
"""  # noqa: S608
READ = f"select s.state::text as state {_THEN} where o.id = $3 and {SCOPE}"


async def read(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, obstacle_id: UUID, as_of: datetime
) -> str | None:
    """The state of one obstacle, if it was there and the caller may see it today."""
    state: str | None = await connection.fetchval(READ, organization_id, as_of, obstacle_id)
    return state


async def list_obstacles(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    as_of: datetime,
    day: date,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """A page of the obstacles of an agreement or a task as they were at an instant, the newest first."""
    return await connection.fetch(
        *list_statement(organization_id, narrowed, as_of=as_of, day=day, before=before, limit=limit)
    )


def list_statement(
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    as_of: datetime,
    day: date,
    before: UUID | None,
    limit: int,
) -> tuple[Any, ...]:
    """The statement of a page and its parameters."""
    values = Parameters(organization_id, as_of)
    # A value that no condition is about would have no type.
    last_day = values.place(day) if narrowed.overdue is not None else ""
    then = Columns(
        status="s.state->>'status'",
        level="s.state->>'level'",
        holder="(s.state->>'organization_id')::uuid",
        overdue=f"(s.state->>'status' = 'open' and (s.state->>'due_on')::date < {last_day}::date)",
    )
    where = conditions_of(narrowed, then, before, values)
    return f"select o.id, s.state::text as state {_THEN} where {where} order by o.id desc limit {limit:d}", *values
