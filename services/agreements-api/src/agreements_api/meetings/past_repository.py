"""All SQL of meetings as they were at an instant: from the states that their log keeps, scoped like the present."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.meetings.repository import SCOPE, Connection, Filter
from shared.db import Parameters

# The last state until the instant ($2); what it shows of its agreement is what that was.
_THEN = """
from meeting m
cross join lateral (
    select g.state from meeting_log g where g.subject_id = m.id and g.occurred_at <= $2
    order by g.version desc limit 1) l
cross join lateral (
    select h.state from history h where h.subject_id = m.agreement_id and h.occurred_at <= $2
    order by h.version desc limit 1) a
cross join lateral (
    select l.state || jsonb_build_object('agreement_title', a.state->'title',
        'demonstration', a.state->'demonstration') as state) s
"""
_SHOWN = "m.id, s.state::text as state, (s.state->>'starts_at')::timestamptz as starts_at"
_READ = f"select {_SHOWN} {_THEN} where m.id = $3 and {SCOPE}"


async def read(
    connection: Connection, organization_id: UUID | None, meeting_id: UUID, as_of: datetime
) -> asyncpg.Record | None:
    """The state of one meeting, if it was there and the caller may see it today."""
    return await connection.fetchrow(_READ, organization_id, as_of, meeting_id)


async def list_meetings(
    connection: Connection,
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    as_of: datetime,
    after: tuple[datetime, UUID] | None,
    latest_first: bool,
    limit: int,
) -> list[asyncpg.Record]:
    """Meetings of an agreement as they were at an instant, in the order of the times that they had then."""
    return await connection.fetch(
        *list_statement(organization_id, narrowed, as_of=as_of, after=after, latest_first=latest_first, limit=limit)
    )


def list_statement(
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    as_of: datetime,
    after: tuple[datetime, UUID] | None,
    latest_first: bool,
    limit: int,
) -> tuple[Any, ...]:
    """The statement of a list and its values."""
    values = Parameters(organization_id, as_of)
    starts_at = "(s.state->>'starts_at')::timestamptz"
    conditions = [SCOPE, f"m.agreement_id = {values.place(narrowed.agreement_id)}"]
    if narrowed.statuses:
        conditions.append(f"s.state->>'status' = any({values.place([str(one) for one in narrowed.statuses])}::text[])")
    if narrowed.kinds:
        conditions.append(f"s.state->>'kind' = any({values.place([str(one) for one in narrowed.kinds])}::text[])")
    if narrowed.organization:
        taking_part = f"{values.place(str(narrowed.organization))}::text"
        conditions.append(
            f"(s.state->>'host_organization_id' = {taking_part} or s.state->'participants'"
            f" @> jsonb_build_array(jsonb_build_object('organization_id', {taking_part})))"
        )
    if narrowed.starts_after:
        conditions.append(f"{starts_at} > {values.place(narrowed.starts_after)}")
    if narrowed.starts_before:
        conditions.append(f"{starts_at} < {values.place(narrowed.starts_before)}")
    if after:
        beyond = "<" if latest_first else ">"
        conditions.append(f"({starts_at}, m.id) {beyond} ({values.place(after[0])}, {values.place(after[1])})")
    order = "desc" if latest_first else "asc"
    statement = (
        f"select {_SHOWN} {_THEN} where {' and '.join(conditions)}"
        f" order by starts_at {order}, m.id {order} limit {limit:d}"
    )
    return (statement, *values)
