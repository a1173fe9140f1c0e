"""All SQL of corridors and segments as they were at an instant: by the states that their history keeps.

Scoped like the present. An owner goes by the name that it has today: history keeps who owned a segment, and no name.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.corridors.repository import SEEN
from agreements_api.corridors.synchrony import Stretch

# The last state until the instant ($3), and what the agreement was called then.
_CORRIDOR = f"""
select c.id, l.state::text as state, a.title as agreement_title from corridor c
cross join lateral (
    select h.state from corridor_history h where h.subject_id = c.id and h.occurred_at <= $3
    order by h.version desc limit 1) l
cross join lateral (
    select h.state->>'title' as title from history h where h.subject_id = c.agreement_id and h.occurred_at <= $3
    order by h.version desc limit 1) a
where {SEEN}"""  # noqa: S608
_READ = f"{_CORRIDOR} and c.id = $2"
# Those that are there now, and those that were withdrawn since: each has its own index.
_ALL = """(
    select p.id from corridor_segment p where p.corridor_id = c.id and p.withdrawn_at is null
    union all select p.id from corridor_segment p where p.corridor_id = c.id and p.withdrawn_at is not null) s"""
_SEGMENTS = f"""
from corridor c cross join lateral {_ALL}
cross join lateral (
    select h.state - 'geometry' as state from corridor_history h where h.subject_id = s.id and h.occurred_at <= $3
    order by h.version desc limit 1) l
join organization o on o.id = (l.state->>'organization_id')::uuid
{{more}}
where c.id = $2 and {SEEN}"""  # noqa: S608
_SEGMENT = f"select s.id, l.state::text as state, o.name as organization_name {_SEGMENTS.format(more='')}"
_READ_SEGMENT = f"{_SEGMENT} and s.id = $4"
_POSITION = "(l.state->>'position')::int"
_PRESENT = "and l.state->>'withdrawn_at' is null"
CORRIDORS = f"""{_CORRIDOR} and c.agreement_id = $2 and ($4::text is null or exists (
    select from {_ALL} cross join lateral (
        select h.state from corridor_history h where h.subject_id = s.id and h.occurred_at <= $3
        order by h.version desc limit 1) l
    where l.state->>'organization_id' = $4 {_PRESENT}))
    and ($5::uuid is null or c.id < $5)
order by c.id desc limit $6"""  # noqa: S608
SEGMENTS = f"""{_SEGMENT} {_PRESENT} and ($4::int is null or {_POSITION} > $4) order by {_POSITION} limit $5"""
_PERIOD = "left join plan_period p on p.id = l.state->>'plan_period'"
_STRETCHES = f"""
select s.id, l.state->>'name' as name, o.id as owner_id, o.name as owner, l.state->>'road_class' as road_class,
    (l.state->>'width_m')::numeric(5, 2) as width_m, l.state->>'plan_period' as plan_period, p.last_on as closes_on,
    l.state->>'funding_status' as funding_status, (l.state->>'planned_start')::date as planned_start,
    (l.state->>'planned_finish')::date as planned_finish, (l.state->>'actual_start')::date as actual_start,
    (l.state->>'actual_finish')::date as actual_finish
{_SEGMENTS.format(more=_PERIOD)} {_PRESENT} order by {_POSITION}
"""
# A line stands in history where it changed, and only there.
_LINE = """cross join lateral (
    select h.state->'geometry' as geometry from corridor_history h
    where h.subject_id = s.id and h.occurred_at <= $3 and h.state ? 'geometry' order by h.version desc limit 1) g"""
_FEATURES = f"""
select json_build_object('type', 'Feature', 'id', s.id, 'geometry', g.geometry, 'properties', json_build_object(
    'name', l.state->'name', 'version', l.state->'version', 'position', l.state->'position', 'organization_id', o.id,
    'organization_name', o.name, 'road_class', l.state->'road_class', 'percent', l.state->'percent',
    'demonstration', c.demonstration, 'source', l.state->'geometry_source'))::text as body
{_SEGMENTS.format(more=_LINE)} {_PRESENT} and g.geometry <> 'null' order by {_POSITION}
"""


async def read(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, corridor_id: UUID, as_of: datetime
) -> asyncpg.Record | None:
    return await connection.fetchrow(_READ, organization_id, corridor_id, as_of)


async def list_corridors(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    *,
    agreement_id: UUID | None,
    as_of: datetime,
    owner: UUID | None,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Corridors of an agreement, the newest first."""
    given = None if owner is None else str(owner)
    return await connection.fetch(CORRIDORS, organization_id, agreement_id, as_of, given, before, limit)


async def read_segment(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    corridor_id: UUID,
    as_of: datetime,
    segment_id: UUID,
) -> asyncpg.Record | None:
    return await connection.fetchrow(_READ_SEGMENT, organization_id, corridor_id, as_of, segment_id)


async def list_segments(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    corridor_id: UUID,
    as_of: datetime,
    *,
    after: int | None,
    limit: int,
) -> list[asyncpg.Record]:
    """The segments in the order that they had along the corridor, without those that had been withdrawn."""
    return await connection.fetch(SEGMENTS, organization_id, corridor_id, as_of, after, limit)


async def stretches(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, corridor_id: UUID, as_of: datetime
) -> list[Stretch]:
    """What synchrony asks of the segments, in the order that they had along the corridor."""
    return [Stretch(**row) for row in await connection.fetch(_STRETCHES, organization_id, corridor_id, as_of)]


async def features(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, corridor_id: UUID, as_of: datetime
) -> list[str]:
    """The segments that had a line, each as a GeoJSON feature."""
    return [row["body"] for row in await connection.fetch(_FEATURES, organization_id, corridor_id, as_of)]
