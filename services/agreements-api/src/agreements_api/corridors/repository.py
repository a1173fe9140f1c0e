"""All SQL of corridors and segments; every read is scoped to the caller's organisation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from agreements_api.corridors.models import Corridor, CorridorHistory, Segment
from agreements_api.corridors.synchrony import Stretch
from agreements_api.history.service import as_json
from agreements_api.party_succession.standing import acts, stands
from shared.auth import Actor
from shared.events import CorridorEvent, SegmentEvent
from shared.outbox import publish_on

SEEN = "exists (select from agreement_access x where x.agreement_id = c.agreement_id and x.organization_id = $1)"
# How the caller ($1) stands to the agreement itself.
_RELATIONS = """array(select m.relation from agreement_member m where m.agreement_id = c.agreement_id
    and m.organization_id = $1 and m.source_id = c.agreement_id)"""
_CORRIDOR = f"""c.id, c.version, c.agreement_id, a.title as agreement_title, c.task_id, c.clause_ids, c.name,
    c.from_place, c.to_place, c.description, c.demonstration, c.created_at, c.updated_at, {_RELATIONS} as relations,
    {stands("c.agreement_id", "$1")} as stands, a.status as agreement_status"""
READ = f"""
select {_CORRIDOR} from corridor c join agreement a on a.id = c.agreement_id where c.id = $2 and {SEEN}
"""  # noqa: S608
CORRIDORS = f"""
select {_CORRIDOR} from corridor c join agreement a on a.id = c.agreement_id
where c.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
  and ($2::uuid is null or c.agreement_id = $2)
  and ($3::uuid is null or exists (select from corridor_segment s where s.corridor_id = c.id
       and s.organization_id = $3 and s.withdrawn_at is null))
  and ($4::text is null or c.folded like '%' || $4 || '%')
  and ($5::uuid is null or c.id < $5)
order by c.id desc limit $6
"""  # noqa: S608
# Whoever holds the corridor changes its segments one after the other: their positions, and the size of their lines.
_LOCK = f"""
select c.*, a.status as agreement_status, {_RELATIONS} as relations, {stands("c.agreement_id", "$1")} as stands,
    array(select distinct m.organization_id from agreement_member m where m.agreement_id = c.agreement_id) as members
from corridor c join agreement a on a.id = c.agreement_id where c.id = $2 and {SEEN}
for no key update of c
"""  # noqa: S608
_SEGMENT = """s.id, s.version, s.corridor_id, s.agreement_id, s.organization_id, o.name as organization_name,
    s.position, s.name, s.from_place, s.to_place, s.length_m, s.road_class, s.width_m, s.plan_period, s.funding_source,
    s.funding_amount, s.funding_status, s.planned_start, s.planned_finish, s.actual_start, s.actual_finish, s.percent,
    s.geometry_source, s.geometry_positions, s.withdrawn_at, s.created_at, s.updated_at"""
# A body of an ended unit may still be named as the owner: it does nothing any more.
_OWN = f"(s.organization_id = $1 and {acts('s.agreement_id', 's.organization_id')})"
_READ_SEGMENT = f"""
select {_SEGMENT}, {_RELATIONS} as relations, {_OWN} as own
from corridor c join corridor_segment s on s.corridor_id = c.id join organization o on o.id = s.organization_id
where c.id = $2 and s.id = $3 and {SEEN}
"""  # noqa: S608
SEGMENTS = f"""
select {_SEGMENT}, {_RELATIONS} as relations, {_OWN} as own
from corridor c join corridor_segment s on s.corridor_id = c.id join organization o on o.id = s.organization_id
where c.id = $2 and {SEEN} and s.withdrawn_at is null and ($3::int is null or s.position > $3)
order by s.position limit $4
"""  # noqa: S608
_STRETCHES = f"""
select s.id, s.name, s.organization_id as owner_id, o.name as owner, s.road_class, s.width_m, s.plan_period,
    p.last_on as closes_on, s.funding_status, s.planned_start, s.planned_finish, s.actual_start, s.actual_finish
from corridor c join corridor_segment s on s.corridor_id = c.id join organization o on o.id = s.organization_id
    left join plan_period p on p.id = s.plan_period
where c.id = $2 and {SEEN} and s.withdrawn_at is null
order by s.position
"""  # noqa: S608
_FEATURES = f"""
select json_build_object('type', 'Feature', 'id', s.id, 'geometry', s.geometry, 'properties', json_build_object(
    'name', s.name, 'version', s.version, 'position', s.position, 'organization_id', s.organization_id,
    'organization_name', o.name, 'road_class', s.road_class, 'percent', s.percent, 'demonstration', c.demonstration,
    'source', s.geometry_source))::text as body
from corridor c join corridor_segment s on s.corridor_id = c.id join organization o on o.id = s.organization_id
where c.id = $2 and {SEEN} and s.withdrawn_at is null and s.geometry is not null
order by s.position
"""  # noqa: S608
HISTORY = f"""
select h.id, json_build_object('id', h.id, 'segment_id', h.segment_id, 'version', h.version, 'action', h.action,
    'actor', json_build_object('id', h.actor_id, 'kind', h.actor_kind, 'name', h.actor_name,
        'organization_id', h.organization_id),
    'changes', h.changes, 'remark', h.remark, 'occurred_at', h.occurred_at)::text as body
from corridor c join corridor_history h on h.corridor_id = c.id
where c.id = $2 and {SEEN} and ($3::uuid is null or h.id < $3)
  and ($5::timestamptz is null or h.occurred_at <= $5)
order by h.id desc limit $4
"""  # noqa: S608
_VISIBLE = f"""
select exists (select from corridor c where c.id = $2 and {SEEN} and ($3::timestamptz is null or c.created_at <= $3))
"""  # noqa: S608
_GET_SEGMENT = "select s.* from corridor_segment s where s.id = $1 and s.corridor_id = $2"
# The segments of owners whose places are taken, with their corridors held.
_OWNED = """
select s.* from corridor c join corridor_segment s on s.corridor_id = c.id
where c.agreement_id = any($1::uuid[]) and s.organization_id = any($2::uuid[]) and s.withdrawn_at is null
order by c.id, s.position for no key update of c, s
"""
# How each segment came from owner to owner, the first one from nobody.
_PASSED = """
select h.segment_id, h.action, (k->>'from')::uuid as owner
from corridor_history h, jsonb_array_elements(h.changes) k
where h.segment_id = any($1::uuid[]) and k->>'field' = 'organization_id' order by h.segment_id, h.version
"""
_TASKS_OF = "select id, task_id from corridor where id = any($1::uuid[])"
_OTHERS = """
select count(*) as segments, coalesce(max(s.position), 0) as last, coalesce(sum(s.geometry_positions), 0) as positions,
    coalesce(bool_or(s.position = $3), false) as taken
from corridor_segment s where s.corridor_id = $1 and s.withdrawn_at is null and s.id <> $2
"""
# What of an agreement a corridor can belong to.
_PARTS = """
select array(select t.id from task t where t.agreement_id = $1 and t.id = $2 and t.status <> 'cancelled') as tasks,
    array(select k.id from agreement_clause k where k.agreement_id = $1 and k.id = any($3::uuid[])) as clauses
"""
_STANDS = f"select {stands('$1', '$2')}"
_IS_OWN = f"select {_OWN} from corridor_segment s where s.id = $2"  # noqa: S608
_IS_PERIOD = "select exists (select from plan_period where id = $1)"


@dataclass(frozen=True)
class Held:
    """A corridor whose row is held until the transaction ends, and how the caller stands to it."""

    corridor: Corridor
    agreement_status: str
    relations: list[str]
    # Also through a task of it, and not as a reader of what it once took part in.
    stands: bool
    members: list[UUID]


@dataclass(frozen=True)
class Passed:
    """One step by which a segment left an owner."""

    action: str
    owner: UUID | None


@dataclass(frozen=True)
class Others:
    """What the corridor has beside one segment."""

    segments: int
    last: int
    positions: int
    taken: bool


async def read(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, corridor_id: UUID
) -> asyncpg.Record | None:
    return await connection.fetchrow(READ, organization_id, corridor_id)


async def list_corridors(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    *,
    agreement_id: UUID | None,
    owner: UUID | None,
    folded: str | None,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Corridors that the caller sees, the newest first."""
    return await connection.fetch(CORRIDORS, organization_id, agreement_id, owner, folded, before, limit)


async def lock(connection: asyncpg.Connection[Any], organization_id: UUID | None, corridor_id: UUID) -> Held | None:
    """The corridor for a change of it or of its segments, if the caller is a member of its agreement."""
    row = await connection.fetchrow(_LOCK, organization_id, corridor_id)
    if row is None:
        return None
    values = dict(row)
    names = ("agreement_status", "relations", "stands", "members")
    status, relations, standing, members = (values.pop(name) for name in names)
    return Held(Corridor(**values), status, relations, standing, members)


async def is_visible(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, corridor_id: UUID, as_of: datetime | None = None
) -> bool:
    """Whether the caller sees the corridor, and it was there."""
    return bool(await connection.fetchval(_VISIBLE, organization_id, corridor_id, as_of))


async def read_segment(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, corridor_id: UUID, segment_id: UUID
) -> asyncpg.Record | None:
    return await connection.fetchrow(_READ_SEGMENT, organization_id, corridor_id, segment_id)


async def list_segments(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    corridor_id: UUID,
    *,
    after: int | None,
    limit: int,
) -> list[asyncpg.Record]:
    """The segments in their order along the corridor, without those that were withdrawn."""
    return await connection.fetch(SEGMENTS, organization_id, corridor_id, after, limit)


async def stretches(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, corridor_id: UUID
) -> list[Stretch]:
    """What synchrony asks of the segments, in their order along the corridor."""
    return [Stretch(**row) for row in await connection.fetch(_STRETCHES, organization_id, corridor_id)]


async def features(connection: asyncpg.Connection[Any], organization_id: UUID | None, corridor_id: UUID) -> list[str]:
    """The segments that have a line, each as a GeoJSON feature."""
    return [row["body"] for row in await connection.fetch(_FEATURES, organization_id, corridor_id)]


async def history(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    corridor_id: UUID,
    *,
    before: UUID | None,
    limit: int,
    as_of: datetime | None,
) -> list[asyncpg.Record]:
    """Changes of the corridor and of its segments, or those until an instant, the newest first."""
    return await connection.fetch(HISTORY, organization_id, corridor_id, before, limit, as_of)


async def segment_of(connection: asyncpg.Connection[Any], corridor_id: UUID, segment_id: UUID) -> Segment | None:
    """A segment of a corridor that is held."""
    row = await connection.fetchrow(_GET_SEGMENT, segment_id, corridor_id)
    return None if row is None else _segment(row)


async def lock_owned(
    connection: asyncpg.Connection[Any], agreement_ids: Sequence[UUID], owners: Sequence[UUID]
) -> list[Segment]:
    """What these organisations own on corridors of the agreements, for a change that no organisation makes."""
    return [_segment(row) for row in await connection.fetch(_OWNED, agreement_ids, owners)]


async def passed(connection: asyncpg.Connection[Any], segment_ids: Sequence[UUID]) -> dict[UUID, list[Passed]]:
    """How these segments came from owner to owner, by segment."""
    found: dict[UUID, list[Passed]] = defaultdict(list)
    for row in await connection.fetch(_PASSED, segment_ids):
        found[row["segment_id"]].append(Passed(row["action"], row["owner"]))
    return found


async def tasks_of(connection: asyncpg.Connection[Any], corridor_ids: Sequence[UUID]) -> dict[UUID, UUID | None]:
    """The task, where there is one, that each of these corridors belongs to."""
    return {row["id"]: row["task_id"] for row in await connection.fetch(_TASKS_OF, corridor_ids)}


async def others(connection: asyncpg.Connection[Any], segment: Segment) -> Others:
    row = await connection.fetchrow(_OTHERS, segment.corridor_id, segment.id, segment.position)
    assert row is not None
    return Others(**row)


async def parts(
    connection: asyncpg.Connection[Any], agreement_id: UUID, task_id: UUID | None, clause_ids: Sequence[UUID]
) -> tuple[list[UUID], list[UUID]]:
    """Which of these task and clauses are the agreement's."""
    row = await connection.fetchrow(_PARTS, agreement_id, task_id, clause_ids)
    assert row is not None
    return row["tasks"], row["clauses"]


async def is_standing(connection: asyncpg.Connection[Any], agreement_id: UUID, organization_id: UUID) -> bool:
    """Whether an organisation takes part in the agreement, and does not only read what it once took part in."""
    return bool(await connection.fetchval(_STANDS, agreement_id, organization_id))


async def is_own(connection: asyncpg.Connection[Any], organization_id: UUID | None, segment_id: UUID) -> bool:
    """Whether the caller can do with a segment what its owner can."""
    return bool(await connection.fetchval(_IS_OWN, organization_id, segment_id))


async def is_period(connection: asyncpg.Connection[Any], plan_period: str) -> bool:
    return bool(await connection.fetchval(_IS_PERIOD, plan_period))


async def write_corridor(connection: asyncpg.Connection[Any], corridor: Corridor) -> None:
    """The row of version 1, or the next version of the row that is held."""
    await _write(connection, "corridor", corridor.model_dump(), ("agreement_id", "demonstration", "created_at"))


async def write_segment(connection: asyncpg.Connection[Any], segment: Segment) -> None:
    """The row of version 1, or the next version under the corridor that is held."""
    values = segment.model_dump()
    values["geometry"] = None if segment.geometry is None else orjson.dumps(segment.geometry).decode()
    await _write(connection, "corridor_segment", values, ("corridor_id", "agreement_id", "created_at"))


async def tell(
    connection: asyncpg.Connection[Any],
    actor: Actor,
    event: CorridorEvent | SegmentEvent,
    entry: CorridorHistory,
) -> None:
    """What happened, for history and for everybody else."""
    values = entry.model_dump()
    values["changes"] = orjson.dumps(as_json(event.changes)).decode()
    values["state"] = orjson.dumps(entry.state).decode()
    await connection.execute(_insert("corridor_history", list(values)), *values.values())
    await publish_on(connection, event)


def _segment(row: asyncpg.Record) -> Segment:
    geometry = row["geometry"]
    return Segment(**{**row, "geometry": None if geometry is None else orjson.loads(geometry)})


async def _write(
    connection: asyncpg.Connection[Any], table: str, values: dict[str, Any], fixed: tuple[str, ...]
) -> None:
    if values["version"] == 1:
        await connection.execute(_insert(table, list(values)), *values.values())
        return
    changing = [name for name in values if name not in (*fixed, "id")]
    columns = ", ".join(f"{name} = {_value(name, place)}" for place, name in enumerate(changing, 2))
    statement = f"update {table} set {columns} where id = $1"  # noqa: S608 - names of our own columns
    await connection.execute(statement, values["id"], *(values[name] for name in changing))


def _insert(table: str, columns: Sequence[str]) -> str:
    places = ", ".join(_value(name, place) for place, name in enumerate(columns, 1))
    return f"insert into {table} ({', '.join(columns)}) values ({places})"  # noqa: S608 - names of our own columns


def _value(name: str, place: int) -> str:
    return f"${place}::text::jsonb" if name in ("geometry", "changes", "state") else f"${place}"
