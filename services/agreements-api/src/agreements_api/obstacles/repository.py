"""All SQL of obstacles and measures; every read is scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from agreements_api.history.service import as_json
from agreements_api.party_succession.standing import in_place_at, stands
from shared.auth import Actor
from shared.db import Parameters
from shared.events import Change, ObstacleSnapshot
from shared.ids import new_id

SCOPE = "o.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
_MEMBERS = "array(select distinct m.organization_id from agreement_member m where m.agreement_id = o.agreement_id)"
# The caller ($1) stands to an obstacle as to its task, and as the one who raised it or has its place by now.
_RAISER = in_place_at("o.agreement_id", "o.task_id", "t.parties", "o.raised_by_organization_id")
_RELATIONS = f"""array(select m.relation from agreement_member m where m.agreement_id = o.agreement_id
    and m.organization_id = $1 and m.source_id in (o.agreement_id, o.task_id)
    union all select 'own' where {_RAISER} = $1)"""  # noqa: S608
# What is shown of an obstacle on a day.
_JSON = """json_build_object(
    'id', o.id, 'version', o.version, 'agreement_id', o.agreement_id, 'agreement_title', a.title,
    'task_id', o.task_id, 'task_title', t.title, 'origin', o.origin, 'text', o.text, 'status', o.status,
    'level', o.level, 'raised_by_organization_id', o.raised_by_organization_id,
    'raised_by_organization_name', o.raised_by_organization_name, 'raised_by', o.raised_by,
    'organization_id', coalesce(o.superior_organization_id, t.lead_organization_id),
    'organization_name', coalesce(o.superior_organization_name, t.parties->'lead'->>'name'),
    'respond_by', o.respond_by, 'due_on', o.due_on, 'overdue', o.status = 'open' and o.due_on < {day},
    'escalated_at', o.escalated_at, 'escalated_by', o.escalated_by, 'resolved_at', o.resolved_at,
    'resolution', o.resolution, 'demonstration', t.demonstration,
    'measures', coalesce((select json_agg(json_build_object('id', m.id, 'text', m.text,
        'organization_id', m.organization_id, 'organization_name', m.organization_name, 'due_on', m.due_on,
        'overdue', m.done_at is null and m.due_on < {day}, 'done_at', m.done_at, 'remark', m.remark) order by m.id)
        from obstacle_measure m where m.obstacle_id = o.id), '[]'),
    'created_at', o.created_at, 'updated_at', o.updated_at)"""
# The body above the lead, where it is a member of the agreement: what `superior_of` finds.
_ABOVE = """from organization l join agreement_member m on m.organization_id = l.superior_organization_id
    where l.id = t.lead_organization_id and m.agreement_id = o.agreement_id and m.relation <> 'former'"""
# Whether there is one to escalate it to. Through a scalar, which is asked of the rows of a page alone.
_ESCALATABLE = f"""(o.status = 'open' and o.level = 'locality'
    and (select true {_ABOVE} limit 1) is not null)"""
# Caller ($1), and the day ($2) by which something is overdue.
_SHOWN = f"""{_JSON.format(day="$2")}::text as body, o.id, o.version, o.status, o.level,
    o.respond_by, {_RELATIONS} as relations, {_MEMBERS} as members, {_ESCALATABLE} as escalatable"""
_FROM = "from obstacle o join task t on t.id = o.task_id join agreement a on a.id = o.agreement_id"
READ = f"select {_SHOWN} {_FROM} where o.id = $3 and {SCOPE}"
# Beside the version that is locked, the one that everything else in the row is of.
_SEEN = "(select s.version from obstacle s where s.id = o.id) as seen_version"
_LOCK = f"select {_SHOWN}, {_SEEN} {_FROM} where o.id = $3 and {SCOPE} for no key update of o"
_READ_ANY = f"select {_SHOWN} {_FROM} where o.id = $3"
# The obstacle whose clock has run out for longest, and that a body above can take over. Nothing presses while the task
# is suspended, or once it is over.
_LOCK_RUN_OUT = f"""
select {_SHOWN}, {_SEEN} {_FROM}
where o.status = 'open' and o.level = 'locality' and o.due_on < $2
  and t.status not in ('completed', 'cancelled', 'suspended')
  and exists (select {_ABOVE})
order by o.due_on, o.id limit 1 for no key update of o skip locked
"""
_LOG = f"""
select h.version, json_build_object('version', h.version, 'action', h.action, 'occurred_at', h.occurred_at,
    'actor', json_build_object('id', h.actor_id, 'kind', h.actor_kind, 'name', h.actor_name,
        'organization_id', h.organization_id), 'changes', h.changes, 'remark', h.remark)::text as body
from obstacle o join obstacle_log h on h.obstacle_id = o.id
where o.id = $2 and {SCOPE} and ($3::int is null or h.version < $3)
  and ($5::timestamptz is null or h.occurred_at <= $5)
order by h.version desc limit $4
"""  # noqa: S608
_SUPERIOR = f"""
select s.id, s.name from organization l join organization s on s.id = l.superior_organization_id
where l.id = $1 and {stands("$2", "s.id")}
"""  # noqa: S608
_INSERT = """
insert into obstacle (id, agreement_id, task_id, origin, text, raised_by_organization_id, raised_by_organization_name,
                      raised_by, respond_by, due_on, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $10)
"""
# The log keeps each version as it is shown, whichever the day is.
_TELL = f"""
insert into obstacle_log (id, obstacle_id, agreement_id, version, action, actor_id, actor_kind, actor_name,
                          organization_id, changes, remark, occurred_at, state)
select $1, o.id, o.agreement_id, o.version, $3, $4, $5, $6, $7, $8::text::jsonb, $9, o.updated_at,
    {_JSON.format(day="null::date")}::jsonb - 'overdue'
{_FROM} where o.id = $2
"""
_ADD_MEASURE = """
insert into obstacle_measure (id, obstacle_id, agreement_id, text, organization_id, organization_name, due_on,
                              created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_CHANGE_MEASURE = """
update obstacle_measure set text = $3, organization_id = $4, organization_name = $5, due_on = $6, done_at = $7,
    remark = $8
where id = $2 and obstacle_id = $1
"""
_COLUMNS = frozenset(
    {
        *("text", "status", "level", "superior_organization_id", "superior_organization_name", "respond_by"),
        *("due_on", "escalated_at", "escalated_by", "resolved_at", "resolution"),
    }
)


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed to; what is empty does not narrow it."""

    agreement_id: UUID | None = None
    task_id: UUID | None = None
    statuses: Sequence[str] = ()
    levels: Sequence[str] = ()
    organization: UUID | None = None
    overdue: bool | None = None


@dataclass(frozen=True)
class Locked:
    """An obstacle whose row is held until the transaction ends, and how the caller stands to it."""

    obstacle: ObstacleSnapshot
    respond_by: date
    relations: list[str]
    members: list[UUID]
    escalatable: bool


async def read(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, obstacle_id: UUID, *, today: date
) -> asyncpg.Record | None:
    """One obstacle as JSON, with the caller's relations to it."""
    return await connection.fetchrow(READ, organization_id, today, obstacle_id)


async def read_any(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, obstacle_id: UUID, *, today: date
) -> asyncpg.Record:
    """One that the transaction has just written, whoever the caller is."""
    row: asyncpg.Record | None = await connection.fetchrow(_READ_ANY, organization_id, today, obstacle_id)
    assert row is not None
    return row


async def lock(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, obstacle_id: UUID, *, today: date
) -> Locked | None:
    """The obstacle's row for a change, if the caller is a member."""
    row = await connection.fetchrow(_LOCK, organization_id, today, obstacle_id)
    if row is not None and row["version"] != row["seen_version"]:
        # It waited for another change, and the measures were read before that one came.
        row = await connection.fetchrow(_LOCK, organization_id, today, obstacle_id)
    return None if row is None else _locked(row)


async def lock_run_out(connection: asyncpg.Connection[Any], today: date) -> Locked | None:
    """An obstacle whose clock has run out; one that another transaction holds is left to it."""
    row = await connection.fetchrow(_LOCK_RUN_OUT, None, today)
    if row is not None and row["version"] != row["seen_version"]:
        row = await read_any(connection, None, row["id"], today=today)
    return None if row is None else _locked(row)


@dataclass(frozen=True)
class Columns:
    """Where what a list is narrowed by stands: in the obstacle as it is, or in what was kept of it."""

    status: str
    level: str
    holder: str
    overdue: str


def conditions_of(narrowed: Filter, columns: Columns, before: UUID | None, values: Parameters) -> str:
    """The conditions of a list of obstacles, newest first; `values` gains what they are about."""
    conditions, value = [SCOPE], values.place
    if before is not None:
        conditions.append(f"o.id < {value(before)}::uuid")
    if narrowed.agreement_id is not None:
        conditions.append(f"o.agreement_id = {value(narrowed.agreement_id)}")
    if narrowed.task_id is not None:
        conditions.append(f"o.task_id = {value(narrowed.task_id)}")
    if narrowed.statuses:
        conditions.append(f"{columns.status} = any({value(list(narrowed.statuses))}::text[])")
    if narrowed.levels:
        conditions.append(f"{columns.level} = any({value(list(narrowed.levels))}::text[])")
    if narrowed.organization is not None:
        conditions.append(f"{columns.holder} = {value(narrowed.organization)}")
    if narrowed.overdue is not None:
        conditions.append(f"{columns.overdue} = {value(narrowed.overdue)}::boolean")
    return " and ".join(conditions)


_NOW = Columns(
    status="o.status",
    level="o.level",
    holder="coalesce(o.superior_organization_id, t.lead_organization_id)",
    overdue="(o.status = 'open' and o.due_on < $2)",
)


def list_statement(
    organization_id: UUID | None, narrowed: Filter, *, today: date, before: UUID | None, limit: int
) -> tuple[Any, ...]:
    """The statement of a page, the newest first, and its parameters."""
    values = Parameters(organization_id, today)
    where = conditions_of(narrowed, _NOW, before, values)
    return f"select {_SHOWN} {_FROM} where {where} order by o.id desc limit {limit:d}", *values


async def list_obstacles(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    today: date,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Obstacles that the caller sees, the newest first."""
    return await connection.fetch(*list_statement(organization_id, narrowed, today=today, before=before, limit=limit))


async def log(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    obstacle_id: UUID,
    *,
    before: int | None,
    limit: int,
    as_of: datetime | None = None,
) -> list[asyncpg.Record]:
    """What happened to an obstacle, the newest first; every obstacle has at least one entry."""
    return await connection.fetch(_LOG, organization_id, obstacle_id, before, limit, as_of)


async def superior_of(
    connection: asyncpg.Connection[Any], organization_id: UUID, agreement_id: UUID
) -> asyncpg.Record | None:
    """The body above an organisation, where it is a member of the agreement."""
    return await connection.fetchrow(_SUPERIOR, organization_id, agreement_id)


async def insert(
    connection: asyncpg.Connection[Any],
    obstacle_id: UUID,
    *,
    agreement_id: UUID,
    task_id: UUID,
    origin: str,
    text: str,
    organization: tuple[UUID, str],
    raised_by: str,
    respond_by: date,
    at: datetime,
) -> None:
    await connection.execute(
        _INSERT, obstacle_id, agreement_id, task_id, origin, text, *organization, raised_by, respond_by, at
    )


async def update(connection: asyncpg.Connection[Any], obstacle_id: UUID, at: datetime, changed: dict[str, Any]) -> None:
    """The next version of a locked obstacle."""
    assert changed.keys() <= _COLUMNS
    columns = "".join(f", {name} = ${number}" for number, name in enumerate(changed, start=3))
    await connection.execute(
        f"update obstacle set version = version + 1, updated_at = $2{columns} where id = $1",  # noqa: S608
        obstacle_id,
        at,
        *changed.values(),
    )


async def tell(
    connection: asyncpg.Connection[Any],
    actor: Actor,
    obstacle_id: UUID,
    action: str,
    changes: Sequence[Change],
    remark: str | None,
) -> None:
    """What happened in the version that was just written."""
    told = orjson.dumps(as_json(changes)).decode()
    await connection.execute(
        _TELL, new_id(), obstacle_id, action, actor.id, actor.kind, actor.name, actor.organization_id, told, remark
    )


async def add_measure(
    connection: asyncpg.Connection[Any],
    obstacle: ObstacleSnapshot,
    *,
    measure_id: UUID,
    text: str,
    organization: tuple[UUID, str],
    due_on: date,
    at: datetime,
) -> None:
    await connection.execute(
        _ADD_MEASURE, measure_id, obstacle.id, obstacle.agreement_id, text, *organization, due_on, at
    )


async def change_measure(
    connection: asyncpg.Connection[Any],
    obstacle_id: UUID,
    measure_id: UUID,
    *,
    text: str,
    organization: tuple[UUID, str],
    due_on: date,
    done_at: datetime | None,
    remark: str | None,
) -> None:
    await connection.execute(_CHANGE_MEASURE, obstacle_id, measure_id, text, *organization, due_on, done_at, remark)


def _locked(row: asyncpg.Record) -> Locked:
    obstacle = ObstacleSnapshot.model_validate_json(row["body"])
    return Locked(obstacle, row["respond_by"], row["relations"], row["members"], row["escalatable"])
