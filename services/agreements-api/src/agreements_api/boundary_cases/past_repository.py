"""All SQL of dossiers as they were at an instant: from the states that their log keeps, scoped like the present."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.boundary_cases.models import Side
from agreements_api.boundary_cases.repository import SCOPE, Connection, Filter, conditions_of
from shared.db import Parameters


def _side(side: Side, at: int) -> str:
    """A side, with who stood in the task in its place then."""
    return f"""(l.state->'sides'->{at}) || jsonb_build_object('answering_organization_id', coalesce((
        select y.one->>'organization_id'
        from (select t.state->'lead' union all select jsonb_array_elements(t.state->'coordinating')) y(one)
        where coalesce(y.one->>'promised_by_organization_id', y.one->>'organization_id') = b.{side}_promiser_id::text
        limit 1), b.{side}_organization_id::text))"""  # noqa: S608


# The last state until the instant ($2); what it shows of its task is what that was.
_THEN = f"""
from boundary_case b
cross join lateral (
    select g.state from boundary_case_log g where g.case_id = b.id and g.occurred_at <= $2
    order by g.version desc limit 1) l
cross join lateral (
    select h.state from history h where h.subject_id = b.task_id and h.occurred_at <= $2
    order by h.version desc limit 1) t
cross join lateral (
    select l.state || jsonb_build_object('task_title', t.state->'title', 'demonstration', t.state->'demonstration',
        'sides', jsonb_build_array({_side(Side.FIRST, 0)}, {_side(Side.SECOND, 1)})) as state) s
"""  # noqa: S608
_READ = f"select s.state::text as state {_THEN} where b.id = $3 and {SCOPE}"


async def read(connection: Connection, organization_id: UUID | None, case_id: UUID, as_of: datetime) -> str | None:
    """The state of one dossier, if it was there and the caller may see it today."""
    state: str | None = await connection.fetchval(_READ, organization_id, as_of, case_id)
    return state


async def list_cases(
    connection: Connection,
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    as_of: datetime,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Dossiers of an agreement or a task as they were at an instant, the newest first."""
    return await connection.fetch(*list_statement(organization_id, narrowed, as_of=as_of, before=before, limit=limit))


def list_statement(
    organization_id: UUID | None, narrowed: Filter, *, as_of: datetime, before: UUID | None, limit: int
) -> tuple[Any, ...]:
    """The statement of a list and its values."""
    values = Parameters(organization_id, as_of)
    where = conditions_of(narrowed, before, values, state="s.state->>'state'", kind="s.state->>'kind'")
    return (f"select b.id, s.state::text as state {_THEN} where {where} order by b.id desc limit {limit:d}", *values)
