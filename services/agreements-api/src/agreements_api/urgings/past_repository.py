"""All SQL of urgings as they were at an instant: asked before, answered since or not, of the task as that was."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.urgings.repository import SCOPE, Filter, body_of

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
left join lateral (
    select (y.party->>'organization_id')::uuid as id, y.party->>'name' as name
    from (select t.state->'lead' as party
          union all select jsonb_array_elements(t.state->'coordinating')
          union all select jsonb_array_elements(t.state->'monitoring')) y
    where coalesce(y.party->>'promised_by_organization_id', y.party->>'organization_id')
        = u.promised_by_organization_id::text
    limit 1) h on true"""  # noqa: S608
_OVERDUE = """(s.status = 'open' and u.answer_due_on < $2 and t.state->>'status' <> 'cancelled'
    and (u.kind = 'explanation' or t.state->>'status' <> 'completed'))"""
_BODY = body_of(
    said="s",
    agreement_title="a.state->'title'",
    task_title="t.state->'title'",
    demonstration="t.state->'demonstration'",
    overdue=_OVERDUE,
)
_PAST = f"""
select {_BODY} as body, u.id, s.version, {_OVERDUE} as overdue {_THEN}
where u.task_id = $4 and u.kind = any($5::text[]) and u.asked_at <= $3 and {SCOPE}"""
_READ = f"{_PAST} and u.id = $6"
LIST = f"""{_PAST} and ($6::uuid is null or u.id < $6) and (cardinality($7::text[]) = 0 or s.status = any($7))
    and ($8::boolean is null or {_OVERDUE} = $8)
order by u.id desc limit $9"""


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
    return await connection.fetchrow(_READ, organization_id, day, as_of, task_id, [kind], urging_id)


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
    """What was asked in a task by then, the newest first."""
    statuses = list(narrowed.statuses)
    about = (narrowed.task_id, list(narrowed.kinds), before, statuses, narrowed.overdue)
    return await connection.fetch(LIST, organization_id, day, as_of, *about, limit)
