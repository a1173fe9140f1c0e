"""All SQL of dossiers of boundary areas; every read is scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from agreements_api.boundary_cases.models import Side
from agreements_api.history.service import as_json
from agreements_api.party_succession.standing import in_task
from shared.auth import Actor
from shared.db import Parameters
from shared.events import Change
from shared.ids import new_id

Connection: TypeAlias = "asyncpg.Connection[Any]"

SCOPE = "b.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
_RELATIONS = """array(select distinct r.relation from agreement_member r where r.agreement_id = t.agreement_id
    and r.organization_id = $1 and r.source_id in (t.agreement_id, t.id)) as relations"""


def _answering(side: Side) -> str:
    """Who stands in the task in the place of the party that this side was."""
    holder = in_task("b.agreement_id", "b.task_id", "t.parties", "(y.one->>'organization_id')::uuid")
    return f"""coalesce((select {holder}
        from (select t.parties->'lead' union all select jsonb_array_elements(t.parties->'coordinating')) y(one)
        where coalesce(y.one->>'promised_by_organization_id', y.one->>'organization_id') = b.{side}_promiser_id::text
        limit 1), b.{side}_organization_id)"""  # noqa: S608


def _side(side: Side) -> str:
    return f"""json_build_object('organization_id', b.{side}_organization_id, 'name', b.{side}_name,
        'unit_id', b.{side}_unit_id, 'unit_name', b.{side}_unit_name,
        'answering_organization_id', {_answering(side)})"""


def _confirmation(side: Side) -> str:
    return f"""json_build_object('confirmed_at', s.{side}_confirmed_at, 'confirmed_by', s.{side}_confirmed_by,
        'remark', s.{side}_remark)"""


# What BoundaryCasePublic shows, but for allowed_actions, which depend on the caller.
_JSON = f"""json_build_object('id', b.id, 'version', b.version,
    'agreement_id', b.agreement_id, 'task_id', b.task_id, 'task_title', t.title, 'kind', b.kind, 'state', b.state,
    'place', b.place, 'households', b.households, 'plots', b.plots, 'area_m2', b.area_m2, 'note', b.note,
    'sides', json_build_array({_side(Side.FIRST)}, {_side(Side.SECOND)}),
    'steps', coalesce((select json_agg(json_build_object('id', s.id, 'ordinal', s.ordinal, 'title', s.title,
        'due_on', s.due_on, 'confirmations', json_build_array({_confirmation(Side.FIRST)},
        {_confirmation(Side.SECOND)}), 'completed_at', s.completed_at) order by s.ordinal)
        from boundary_case_step s where s.case_id = b.id), '[]'),
    'handed_over_on', b.handed_over_on, 'closed_on', b.closed_on, 'close_remark', b.close_remark,
    'demonstration', t.demonstration, 'created_at', b.created_at, 'updated_at', b.updated_at)"""  # noqa: S608
_SHOWN = f"b.id, b.version, b.state, {_RELATIONS}, {_JSON}::text as body"
_FROM = "from boundary_case b join task t on t.id = b.task_id"
_READ = f"select {_SHOWN} {_FROM} where b.id = $2 and {SCOPE}"
_THERE = "($3::timestamptz is null or b.created_at <= $3)"
_IS_VISIBLE = f"select exists (select from boundary_case b where b.id = $2 and {SCOPE} and {_THERE})"  # noqa: S608
_TASK_IS_VISIBLE = f"select exists (select from task b where b.id = $2 and {SCOPE} and {_THERE})"  # noqa: S608
LOG = f"""
select b.version, json_build_object('version', b.version, 'action', b.action, 'occurred_at', b.occurred_at,
    'actor', json_build_object('id', b.actor_id, 'kind', b.actor_kind, 'name', b.actor_name,
        'organization_id', b.organization_id), 'changes', b.changes, 'remark', b.remark)::text as body
from boundary_case_log b
where b.case_id = $2 and b.version < $3 and {SCOPE} and ($5::timestamptz is null or b.occurred_at <= $5)
order by b.version desc limit $4
"""  # noqa: S608
NEWEST = 2**31 - 1

# The agreement before the task, as whoever changes both: what refers to it holds it anyway.
_HOLD_AGREEMENT = """
select a.id from agreement a where a.id = (select t.agreement_id from task t where t.id = $1) for key share of a
"""
_HOLD_TASK = f"""
select t.id, t.agreement_id, t.status, t.parties::text as parties, {_RELATIONS} from task t
where t.id = $2 and t.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
for share of t
"""  # noqa: S608
_LOCK = f"""
select b.id, b.version, b.agreement_id, b.kind, b.place, b.households, b.plots, b.area_m2, b.note, b.state,
    b.handed_over_on, b.closed_on, b.close_remark, {_RELATIONS}, {_answering(Side.FIRST)} as first_answering_id,
    {_answering(Side.SECOND)} as second_answering_id, b.first_name, b.second_name
{_FROM} where b.id = $2 and {SCOPE} for no key update of b
"""
_MEMBERS = "select distinct organization_id from agreement_member where agreement_id = $1 order by 1"
_STEPS = """
select id, ordinal, title, due_on, first_confirmed_at, second_confirmed_at, first_confirmed_by, second_confirmed_by
from boundary_case_step where case_id = $1 order by ordinal
"""
_ADD_STEPS = """
insert into boundary_case_step (id, case_id, ordinal, title, due_on)
select s.id, $1, s.ordinal, s.title, s.due_on
from unnest($2::uuid[], $3::int[], $4::text[], $5::date[]) as s(id, ordinal, title, due_on)
"""
_DROP_STEPS = "delete from boundary_case_step where case_id = $1"
_SIDES = tuple(
    f"{side}_{name}" for side in Side for name in ("organization_id", "promiser_id", "name", "unit_id", "unit_name")
)
# What a change of a dossier can write.
COLUMNS = (
    *("kind", "place", "households", "plots", "area_m2", "note"),
    *("state", "handed_over_on", "closed_on", "close_remark"),
)
_INSERT = (
    f"insert into boundary_case (id, agreement_id, task_id, created_at, updated_at, {', '.join((*_SIDES, *COLUMNS))})"  # noqa: S608
    f" values ($1, $2, $3, $4, $4, {', '.join(f'${5 + at}' for at in range(len(_SIDES) + len(COLUMNS)))})"
)
_UPDATE = (
    "update boundary_case set version = $2, updated_at = $3,"  # noqa: S608
    f" {', '.join(f'{name} = ${4 + at}' for at, name in enumerate(COLUMNS))} where id = $1"
)
_CONFIRM = {
    side: f"""
update boundary_case_step set {side}_confirmed_at = $2, {side}_confirmed_by = $3, {side}_account_id = $4,
    {side}_remark = $5, completed_at = case when {other}_confirmed_at is not null then $2::timestamptz end
where id = $1
"""  # noqa: S608
    for side, other in ((Side.FIRST, Side.SECOND), (Side.SECOND, Side.FIRST))
}
_TAKE_BACK = {
    side: f"""
update boundary_case_step set {side}_confirmed_at = null, {side}_confirmed_by = null, {side}_account_id = null,
    {side}_remark = null
where id = $1 and completed_at is null
"""  # noqa: S608
    for side in Side
}
# The log keeps each version as it is shown.
_ADD_LOG = f"""
insert into boundary_case_log (id, case_id, agreement_id, version, action, actor_id, actor_kind, actor_name,
                               organization_id, changes, remark, occurred_at, state)
select $1, b.id, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb, $11, $12, {_JSON}::jsonb {_FROM} where b.id = $2
"""


@dataclass(frozen=True)
class Filter:
    """Which dossiers a list is narrowed to."""

    task_id: UUID | None = None
    agreement_id: UUID | None = None
    states: Sequence[str] = ()
    kinds: Sequence[str] = ()
    locality: UUID | None = None


async def read(connection: Connection, organization_id: UUID | None, case_id: UUID) -> asyncpg.Record | None:
    """One dossier as JSON, with what decides on the steps that the caller can take."""
    return await connection.fetchrow(_READ, organization_id, case_id)


async def is_visible(
    connection: Connection, organization_id: UUID | None, case_id: UUID, as_of: datetime | None = None
) -> bool:
    """Whether the caller sees the dossier, and it was there."""
    return bool(await connection.fetchval(_IS_VISIBLE, organization_id, case_id, as_of))


async def task_is_visible(
    connection: Connection, organization_id: UUID | None, task_id: UUID, as_of: datetime | None = None
) -> bool:
    return bool(await connection.fetchval(_TASK_IS_VISIBLE, organization_id, task_id, as_of))


async def list_cases(
    connection: Connection, organization_id: UUID | None, narrowed: Filter, *, before: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """Dossiers, the newest first."""
    return await connection.fetch(*list_statement(organization_id, narrowed, before=before, limit=limit))


def list_statement(
    organization_id: UUID | None, narrowed: Filter, *, before: UUID | None, limit: int
) -> tuple[Any, ...]:
    """The statement of a list and its values."""
    values = Parameters(organization_id)
    where = conditions_of(narrowed, before, values, state="b.state", kind="b.kind")
    return (f"select {_SHOWN} {_FROM} where {where} order by b.id desc limit {limit:d}", *values)


def conditions_of(narrowed: Filter, before: UUID | None, values: Parameters, *, state: str, kind: str) -> str:
    """The conditions of a list of dossiers `b`, of which state and kind stand where the statement has them."""
    conditions = [SCOPE]
    if narrowed.task_id:
        conditions.append(f"b.task_id = {values.place(narrowed.task_id)}")
    if narrowed.agreement_id:
        conditions.append(f"b.agreement_id = {values.place(narrowed.agreement_id)}")
    if narrowed.states:
        conditions.append(f"{state} = any({values.place([str(one) for one in narrowed.states])}::text[])")
    if narrowed.kinds:
        conditions.append(f"{kind} = any({values.place([str(one) for one in narrowed.kinds])}::text[])")
    if narrowed.locality:
        conditions.append(f"{values.place(narrowed.locality)} in (b.first_unit_id, b.second_unit_id)")
    if before:
        conditions.append(f"b.id < {values.place(before)}")
    return " and ".join(conditions)


async def log(
    connection: Connection,
    organization_id: UUID | None,
    case_id: UUID,
    *,
    before: int | None,
    limit: int,
    as_of: datetime | None,
) -> list[asyncpg.Record]:
    """What happened to a dossier, or had until an instant, the newest first."""
    return await connection.fetch(LOG, organization_id, case_id, before or NEWEST, limit, as_of)


async def hold_task(connection: Connection, organization_id: UUID | None, task_id: UUID) -> asyncpg.Record | None:
    """The task, held so that its status and its parties stay, if the caller is a member."""
    await connection.execute(_HOLD_AGREEMENT, task_id)
    return await connection.fetchrow(_HOLD_TASK, organization_id, task_id)


async def lock(connection: Connection, organization_id: UUID | None, case_id: UUID) -> asyncpg.Record | None:
    """The dossier's row for a change, if the caller is a member."""
    return await connection.fetchrow(_LOCK, organization_id, case_id)


async def members(connection: Connection, agreement_id: UUID) -> list[UUID]:
    """Every organisation that may see the agreement, and with it the dossier."""
    return [row["organization_id"] for row in await connection.fetch(_MEMBERS, agreement_id)]


async def insert(
    connection: Connection,
    case_id: UUID,
    task: asyncpg.Record,
    sides: Mapping[Side, Mapping[str, Any]],
    columns: Mapping[str, Any],
    *,
    at: datetime,
) -> None:
    """A new dossier of two parties of a task, as the task names them."""
    named = [
        value
        for side in Side
        for value in (
            UUID(sides[side]["organization_id"]),
            UUID(sides[side].get("promised_by_organization_id") or sides[side]["organization_id"]),
            sides[side]["name"],
            UUID(sides[side]["unit_id"]),
            sides[side]["unit_name"],
        )
    ]
    await connection.execute(_INSERT, case_id, task["agreement_id"], task["id"], at, *named, *_values(columns))


async def update(
    connection: Connection, case_id: UUID, version: int, columns: Mapping[str, Any], *, at: datetime
) -> None:
    await connection.execute(_UPDATE, case_id, version, at, *_values(columns))


async def steps(connection: Connection, case_id: UUID) -> list[asyncpg.Record]:
    return await connection.fetch(_STEPS, case_id)


async def replace_steps(connection: Connection, case_id: UUID, new: Sequence[Mapping[str, Any]]) -> None:
    """Other steps than before; the database keeps those that a side has confirmed."""
    await connection.execute(_DROP_STEPS, case_id)
    await connection.execute(
        _ADD_STEPS,
        case_id,
        [new_id() for _ in new],
        list(range(1, len(new) + 1)),
        [step["title"] for step in new],
        [step["due_on"] for step in new],
    )


async def confirm(
    connection: Connection, actor: Actor, step_id: UUID, side: Side, remark: str | None, *, at: datetime
) -> None:
    await connection.execute(_CONFIRM[side], step_id, at, actor.name, actor.id, remark)


async def take_back(connection: Connection, step_id: UUID, side: Side) -> None:
    await connection.execute(_TAKE_BACK[side], step_id)


async def add_log(
    connection: Connection,
    actor: Actor,
    case_id: UUID,
    agreement_id: UUID,
    version: int,
    action: str,
    changes: Sequence[Change],
    *,
    at: datetime,
    remark: str | None,
) -> None:
    """What was done to a dossier, and what it changed."""
    await connection.execute(
        _ADD_LOG,
        new_id(),
        case_id,
        agreement_id,
        version,
        action,
        actor.id,
        actor.kind,
        actor.name,
        actor.organization_id,
        orjson.dumps(as_json(changes)).decode(),
        remark,
        at,
    )


def _values(columns: Mapping[str, Any]) -> list[Any]:
    return [columns[name] for name in COLUMNS]
