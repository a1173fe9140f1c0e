"""All SQL of urgings as they were at an instant: asked before, answered since or not, of the task as that was."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.urgings.repository import SCOPE, Filter, body_of, holder_in, narrow, overdue_of
from shared.db import Parameters

_RECORD = """
cross join lateral (
    select h.state from history h where h.subject_id = u.{key} and h.occurred_at <= $3
    order by h.version desc limit 1) {alias}"""
# Caller ($1), the day in Vietnam ($2) of the instant ($3). An answer is given once, and nothing else about it changes.
_THEN = f"""from task_urging u
{_RECORD.format(key="task_id", alias="t")}
{_RECORD.format(key="agreement_id", alias="a")}
cross join lateral (
    select u.version, u.status, u.answer, u.answered_by_organization_id, u.answered_by, u.answered_at
    where u.answered_at is null or u.answered_at <= $3
    union all select 1, 'open', null, null, null, null where u.answered_at > $3) s
{holder_in("t.state")}"""
_OVERDUE = overdue_of(said="s", task_status="t.state->>'status'")
_BODY = body_of(
    said="s",
    agreement_title="a.state->'title'",
    task_title="t.state->'title'",
    demonstration="t.state->'demonstration'",
    overdue=_OVERDUE,
)
_SHOWN = f"select {_BODY} as body, u.id, s.version, {_OVERDUE} as overdue {_THEN}"
_THERE = f"u.asked_at <= $3 and {SCOPE}"
_READ = f"{_SHOWN} where u.task_id = $4 and u.kind = $5 and u.id = $6 and {_THERE}"


async def read(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    task_id: UUID,
    kind: str,
    urging_id: UUID,
    *,
    as_of: datetime,
    day: date,
) -> asyncpg.Record | None:
    """One as JSON, if it was asked by then and the caller may see it today."""
    return await connection.fetchrow(_READ, organization_id, day, as_of, task_id, kind, urging_id)


async def list_urgings(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    as_of: datetime,
    day: date,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """What was asked in a task or under an agreement by then, the newest first."""
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
    values = Parameters(organization_id, day, as_of)
    conditions = [_THERE, *narrow(narrowed, before, values, said="s", overdue=_OVERDUE)]
    return f"{_SHOWN} where {' and '.join(conditions)} order by u.id desc limit {limit:d}", *values
