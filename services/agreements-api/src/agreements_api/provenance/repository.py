"""All SQL of the chain and of open points; every read is scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements.models import Agreement
from agreements_api.provenance.models import OpenPoint
from shared import clock
from shared.auth import Actor
from shared.ids import new_id

_SEEN = "exists (select from agreement_access x where x.agreement_id = {key} and x.organization_id = $1)"
_TASK = """json_build_object(
    'id', t.id, 'version', t.version, 'title', t.title, 'status', t.status, 'due_on', t.due_on, 'percent', t.percent,
    'lead', t.parties->'lead'->>'name', 'last_report', t.last_report, 'submitted_at', t.submitted_at,
    'completed_at', t.completed_at,
    'confirmations', coalesce((select json_agg(json_build_object('organization_id', y.one->'organization_id',
        'name', y.one->'name', 'confirmed_at', y.one->'confirmed_at') order by y.nth)
        from jsonb_array_elements(t.parties->'coordinating') with ordinality as y(one, nth)), '[]'),
    'open_points', coalesce(k.ids, '[]'))"""

# Caller ($1), agreement ($2), today ($3). Each table is gone through once; what belongs together is joined in memory.
CHAIN = f"""
with recursive asked as materialized (
    select a.* from agreement a where a.id = $2 and {_SEEN.format(key="a.id")}
), upwards (depth, id, child_id, relation) as (
    select 1, l.parent_id, l.child_id, l.relation from asked join agreement_link l on l.child_id = asked.id
    union
    select u.depth + 1, l.parent_id, l.child_id, l.relation
    from upwards u join agreement_link l on l.child_id = u.id where u.depth < 32
), above as (
    select u.depth, u.id, u.child_id, u.relation, p.id is not null as visible, p.instrument, p.number, p.title,
        null as issued_by, p.status
    from upwards u left join agreement p on p.id = u.id and {_SEEN.format(key="p.id")}
    union all
    -- A document that is only named ends the chain.
    select b.depth + 1, null, b.id, 'carries_out', false, b.parent->>'instrument', b.parent->>'number',
        b.parent->>'title', b.parent->>'issued_by', null
    from (select 0 as depth, asked.id, asked.parent, asked.parent_agreement_id from asked
          union
          select u.depth, p.id, p.parent, p.parent_agreement_id
          from upwards u join agreement p on p.id = u.id and {_SEEN.format(key="p.id")}) b
    where b.parent is not null and b.parent_agreement_id is null
), downwards (depth, id, parent_id, relation) as (
    select 1, l.child_id, l.parent_id, l.relation from asked join agreement_link l on l.parent_id = asked.id
    union
    select d.depth + 1, l.child_id, l.parent_id, l.relation
    from downwards d join agreement_link l on l.parent_id = d.id where d.depth < 32
), points as materialized (
    select o.* from asked join open_point o on o.agreement_id = asked.id
    union all
    select o.* from asked join open_point o on o.carried_to_agreement_id = asked.id
    where o.agreement_id <> asked.id and {_SEEN.format(key="o.agreement_id")}
), carried as materialized (
    select coalesce(o.carried_to_task_id, o.carried_to_clause_id) as target, json_agg(o.id order by o.id) as ids
    from points o where o.carried_to_agreement_id = $2 group by 1
), tasks as materialized (
    select t.id, t.clause_id, t.due_key, t.status <> 'cancelled' as counts,
        t.last_report is null and (t.status = 'in_progress'
            or (t.status in ('not_started', 'submitted') and t.due_on <= $3)) as unreported,
        {_TASK} as body
    from asked join task t on t.agreement_id = asked.id left join carried k on k.target = t.id
), of_clause as materialized (
    select t.clause_id, json_agg(t.body order by t.due_key, t.id) as bodies, bool_or(t.counts) as fulfilled
    from tasks t where t.clause_id is not null group by t.clause_id
), clauses as materialized (
    -- What an amendment says is to be done becomes a clause of the agreement that it amends.
    select c.id, c.ordinal, coalesce(y.fulfilled, false) as fulfilled,
        c.ended_on is null and asked.amends_agreement_id is null as binding, json_build_object(
        'id', c.id, 'ordinal', c.ordinal, 'heading', c.heading, 'text', c.text, 'field', c.field,
        'ended_on', c.ended_on,
        'tasks', coalesce(y.bodies, '[]'), 'open_points', coalesce(k.ids, '[]')) as body
    from asked join agreement_clause c on c.agreement_id = asked.id
        left join of_clause y on y.clause_id = c.id left join carried k on k.target = c.id
)
select json_build_object(
    'agreement', json_build_object('id', a.id, 'version', a.version, 'instrument', a.instrument, 'number', a.number,
        'title', a.title, 'status', a.status, 'signed_on', a.signed_on, 'in_force_on', a.in_force_on,
        'term_to', a.term_to),
    'parents', coalesce((select json_agg(json_build_object('depth', u.depth, 'child_id', u.child_id,
        'relation', u.relation, 'id', u.id, 'recorded', u.id is not null, 'visible', u.visible,
        'instrument', u.instrument, 'number', u.number, 'title', u.title, 'issued_by', u.issued_by,
        'status', u.status) order by u.depth, u.id) from above u), '[]'),
    'children', coalesce((select json_agg(json_build_object('depth', d.depth, 'id', c.id, 'parent_id', d.parent_id,
        'relation', d.relation, 'instrument', c.instrument, 'number', c.number, 'title', c.title, 'status', c.status)
        order by d.depth, c.id) from downwards d join agreement c on c.id = d.id
        where {_SEEN.format(key="c.id")}), '[]'),
    'clauses', coalesce((select json_agg(c.body order by c.ordinal, c.id) from clauses c), '[]'),
    'tasks_without_clause',
        coalesce((select json_agg(t.body order by t.due_key, t.id) from tasks t where t.clause_id is null), '[]'),
    'open_points', coalesce((select json_agg(json_build_object('id', o.id, 'agreement_id', o.agreement_id,
        'kind', o.kind, 'text', o.text, 'raised_by', o.raised_by, 'evaluation_id', o.evaluation_id,
        'raised_on', o.raised_on, 'state', o.state, 'carried_to_agreement_id', o.carried_to_agreement_id,
        'carried_to_clause_id', o.carried_to_clause_id, 'carried_to_task_id', o.carried_to_task_id) order by o.id)
        from points o), '[]'),
    'gaps', json_build_object(
        'clauses_without_tasks',
            coalesce((select json_agg(c.id order by c.ordinal) from clauses c
                where c.binding and not c.fulfilled), '[]'),
        'tasks_without_clause', coalesce((select json_agg(t.id order by t.due_key, t.id) from tasks t
            where t.clause_id is null and t.counts), '[]'),
        'tasks_without_reports', coalesce((select json_agg(t.id order by t.due_key, t.id) from tasks t
            where t.unreported), '[]'),
        'open_points_not_carried', coalesce((select json_agg(o.id order by o.id) from points o
            where (o.agreement_id = a.id and o.state = 'open') or (o.state = 'carried'
                and o.carried_to_task_id in (select t.id from tasks t where not t.counts))), '[]'),
        'parent_not_recorded', a.parent is not null and a.parent_agreement_id is null))::text as body
from asked a
"""  # noqa: S608

# The same tables as they were at an instant, from history, for whichever agreements stand in the chain today: what
# comes after takes these for the tables. An agreement's place in the chain is fixed once it is opened.
_WERE = """
    above_today (id) as (
        select $2::uuid union select l.parent_id from above_today u join public.agreement_link l on l.child_id = u.id
    ), below_today (id) as (
        select $2::uuid union select l.child_id from below_today d join public.agreement_link l on l.parent_id = d.id
    ), was as materialized (
        select h.state from (select id from above_today union select id from below_today) n
        cross join lateral (select h.state from history h where h.subject_id = n.id and h.occurred_at <= <instant>
            order by h.version desc limit 1) h
    ), agreement as materialized (
        select r.* from was cross join lateral jsonb_to_record(was.state) as r(id uuid, version int, instrument text,
            number text, title text, status text, parent jsonb, parent_agreement_id uuid, amends_agreement_id uuid,
            amendment_kind text, signed_on date, in_force_on date, term_to date)
    ), agreement_link as materialized (
        select id as child_id, parent_agreement_id as parent_id, 'carries_out' as relation from agreement
        where parent_agreement_id is not null
        union all
        select id, amends_agreement_id, case amendment_kind when 'renewal' then 'renews' else 'amends' end
        from agreement where amends_agreement_id is not null
    ), agreement_clause as materialized (
        select $2::uuid as agreement_id, c.* from was
        cross join lateral jsonb_to_recordset(was.state->'clauses') as c(id uuid, ordinal int, heading text, text text,
            field text, ended_on date)
        where (was.state->>'id')::uuid = $2
    ), task as materialized (
        select r.*, coalesce(r.due_on, 'infinity') as due_key, jsonb_build_object(
            'lead', h.state->'lead', 'coordinating', h.state->'coordinating') as parties
        from public.task t cross join lateral (
            select h.state from history h where h.subject_id = t.id and h.occurred_at <= <instant>
            order by h.version desc limit 1) h
        cross join lateral jsonb_to_record(h.state) as r(id uuid, version int, agreement_id uuid, clause_id uuid,
            title text, status text, due_on date, percent int, last_report jsonb, submitted_at timestamptz,
            completed_at timestamptz)
        where t.agreement_id = $2
    )"""
_POINTS_WERE = """open_point as materialized (
        select o.id, o.agreement_id, o.kind, o.text, o.raised_by, o.evaluation_id, o.raised_on, o.created_at, s.*,
            case when s.state <> 'open' then o.carried_to_agreement_id end as carried_to_agreement_id,
            case when s.state <> 'open' then o.carried_to_clause_id end as carried_to_clause_id,
            case when s.state <> 'open' then o.carried_to_task_id end as carried_to_task_id
        from public.open_point o cross join lateral (
            select c.change->>'to' as state, count(*) over () as version, h.remark, h.occurred_at as updated_at
            from history h cross join lateral jsonb_array_elements(h.changes) as c(change)
            where h.subject_id = o.agreement_id and h.occurred_at <= <instant>
              and c.change->>'field' = 'open_points/' || o.id
            order by h.version desc limit 1) s
        where <which>
    )"""
_OF_AGREEMENT = _POINTS_WERE.replace("<which>", "o.agreement_id = $2 or o.carried_to_agreement_id = $2")
CHAIN_AS_OF = CHAIN.replace(
    "with recursive ", f"with recursive {_WERE}, {_OF_AGREEMENT}, ".replace("<instant>", "$4"), 1
)

_POINT = """json_build_object(
    'id', o.id, 'version', o.version, 'agreement_id', o.agreement_id, 'kind', o.kind, 'text', o.text,
    'raised_by', o.raised_by, 'evaluation_id', o.evaluation_id, 'raised_on', o.raised_on, 'state', o.state,
    'carried_to_agreement_id', o.carried_to_agreement_id, 'carried_to_clause_id', o.carried_to_clause_id,
    'carried_to_task_id', o.carried_to_task_id, 'remark', o.remark, 'created_at', o.created_at,
    'updated_at', o.updated_at)::text as body, o.id, o.version, o.state,
    array(select m.relation from agreement_member m where m.agreement_id = o.agreement_id and m.organization_id = $1
        and m.source_id = o.agreement_id) as relations"""
_READ = f"select {_POINT} from open_point o where o.id = $2 and {_SEEN.format(key='o.agreement_id')}"  # noqa: S608
POINTS = f"""
select {_POINT} from open_point o
where o.agreement_id = $2 and {_SEEN.format(key="o.agreement_id")} and ($3::uuid is null or o.id < $3)
  and ($4::text[] is null or o.state = any($4)) and ($5::text[] is null or o.kind = any($5))
order by o.id desc limit $6
"""  # noqa: S608
POINTS_AS_OF = f"with {_OF_AGREEMENT.replace('<instant>', '$7')} {POINTS}"
_READ_AS_OF = f"with {_POINTS_WERE.replace('<which>', 'o.id = $2').replace('<instant>', '$3')} {_READ}"
_VISIBLE = f"""
select exists (select from agreement a where a.id = $2 and ($3::timestamptz is null or a.created_at <= $3)
    and {_SEEN.format(key="a.id")})
"""  # noqa: S608


async def read_chain(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID, *, today: date
) -> str | None:
    """The whole chain of one agreement as JSON, in one statement."""
    body: str | None = await connection.fetchval(CHAIN, organization_id, agreement_id, today)
    return body


async def read_chain_as_of(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID, *, as_of: datetime
) -> str | None:
    """The same as it was at an instant; None also where the agreement was not there yet."""
    body: str | None = await connection.fetchval(CHAIN_AS_OF, organization_id, agreement_id, clock.day_of(as_of), as_of)
    return body


async def is_visible(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID, as_of: datetime | None
) -> bool:
    """Whether the caller sees the agreement, and it was there at the instant."""
    return bool(await connection.fetchval(_VISIBLE, organization_id, agreement_id, as_of))


async def read_point(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, point_id: UUID
) -> asyncpg.Record | None:
    """One open point as JSON, with the caller's relations to its agreement."""
    return await connection.fetchrow(_READ, organization_id, point_id)


async def read_point_as_of(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, point_id: UUID, as_of: datetime
) -> asyncpg.Record | None:
    """One point as it was at an instant, as its agreement's history tells."""
    return await connection.fetchrow(_READ_AS_OF, organization_id, point_id, as_of)


async def list_points(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    agreement_id: UUID,
    *,
    states: Sequence[str],
    kinds: Sequence[str],
    before: UUID | None,
    limit: int,
    as_of: datetime | None = None,
) -> list[asyncpg.Record]:
    """Open points of an agreement, the newest first; with `as_of` those that there were, as they stood."""
    values = (organization_id, agreement_id, before, list(states) or None, list(kinds) or None, limit)
    if as_of is None:
        return await connection.fetch(POINTS, *values)
    return await connection.fetch(POINTS_AS_OF, *values, as_of)


async def carried_into(connection: asyncpg.Connection[Any], agreement_id: UUID) -> list[asyncpg.Record]:
    """The points that an agreement takes up, held."""
    return await connection.fetch(
        "select id, state, carried_to_clause_id from open_point where carried_to_agreement_id = $1"
        " order by id for update",
        agreement_id,
    )


async def put_into_clauses(connection: asyncpg.Connection[Any], clauses: Mapping[UUID, UUID | None]) -> None:
    """Say of each point which clause takes it up."""
    await connection.execute(
        "update open_point o set carried_to_clause_id = n.clause_id"
        " from unnest($1::uuid[], $2::uuid[]) as n(id, clause_id) where o.id = n.id",
        list(clauses.keys()),
        list(clauses.values()),
    )


async def agreement_of(session: AsyncSession, actor: Actor, point_id: UUID) -> UUID | None:
    """The agreement of a point that the caller may see."""
    return await _one(session, "select agreement_id from open_point where id = :id", actor, point_id)


async def lock_point(session: AsyncSession, point_id: UUID) -> OpenPoint:
    return (await session.exec(select(OpenPoint).where(OpenPoint.id == point_id).with_for_update())).one()


async def lock_for_system(session: AsyncSession, agreement_id: UUID) -> Agreement | None:
    """The agreement's row for a change that no organisation makes."""
    return (await session.exec(select(Agreement).where(Agreement.id == agreement_id).with_for_update())).one_or_none()


_TARGETS = {
    "agreement_id": "select id as agreement_id from agreement where id = :id",
    "clause_id": "select agreement_id from agreement_clause where id = :id",
    "task_id": "select agreement_id from task where id = :id and status <> 'cancelled'",
}


async def agreement_taking_up(session: AsyncSession, actor: Actor, field: str, target: UUID) -> UUID | None:
    """The agreement of a record that the caller sees and that can take something up; it stays until the end."""
    found = await _one(session, _TARGETS[field], actor, target)
    if found is None:
        return None
    # Whoever edits or deletes a draft holds it: what he left of the record is there to be seen after him.
    await (await session.connection()).execute(
        text("select from agreement where id = :id for key share"), {"id": found}
    )
    return await _one(session, _TARGETS[field], actor, target)


async def _one(session: AsyncSession, statement: str, actor: Actor, key: UUID) -> UUID | None:
    rows = await (await session.connection()).execute(
        text(
            f"select r.agreement_id from ({statement}) r where exists (select from agreement_access x"  # noqa: S608
            " where x.agreement_id = r.agreement_id and x.organization_id = :organization)"
        ),
        {"id": key, "organization": actor.organization_id},
    )
    row = rows.one_or_none()
    return None if row is None else row.agreement_id


_RAISE = text("""
    insert into open_point (id, agreement_id, kind, text, raised_by, evaluation_id, raised_on, created_at, updated_at)
    select n.id, :agreement, n.kind, n.text, :raised_by, :evaluation, :raised_on, :at, :at
    from unnest(cast(:ids as uuid[]), cast(:kinds as text[]), cast(:texts as text[])) as n(id, kind, text)
    on conflict do nothing returning id
""")


async def raise_of_evaluation(
    session: AsyncSession,
    agreement_id: UUID,
    points: Sequence[tuple[str, str]],
    *,
    evaluation_id: UUID,
    raised_by: str,
    raised_on: date,
    at: datetime,
) -> list[OpenPoint]:
    """The points (kind, text) of an evaluation that were not there yet; it may be told of again and again."""
    result = await (await session.connection()).execute(
        _RAISE,
        {
            "agreement": agreement_id,
            "raised_by": raised_by,
            "evaluation": evaluation_id,
            "raised_on": raised_on,
            "at": at,
            "ids": [new_id() for _ in points],
            "kinds": [kind for kind, _ in points],
            "texts": [found for _, found in points],
        },
    )
    new = [row.id for row in result]
    return [await lock_point(session, point_id) for point_id in sorted(new)]


async def add(session: AsyncSession, point: OpenPoint) -> None:
    session.add(point)
    await session.flush()
