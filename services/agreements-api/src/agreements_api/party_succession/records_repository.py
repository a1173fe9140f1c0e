"""All SQL of the records that follow a succession: agreements, tasks, who stands in them, their history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements.models import Agreement, Clause, Party
from agreements_api.agreements.reading_repository import STATE as AGREEMENT_STATE
from agreements_api.party_succession.relations import Moves, Row, Standing
from agreements_api.party_succession.repository import connection_of
from agreements_api.tasks.reading_repository import STATE as TASK_STATE
from shared.auth import Actor

Connection = asyncpg.Connection


async def lock_agreements(session: AsyncSession, agreement_ids: Sequence[UUID]) -> list[Agreement]:
    """The rows for a change: amendments before what they amend, as whoever signs one takes them.

    Not of drafts that somebody has deleted since they were queued.
    """
    statement = (
        select(Agreement)
        .where(col(Agreement.id).in_(agreement_ids), col(Agreement.discarded_at).is_(None))
        .order_by(col(Agreement.amends_agreement_id).is_(None), col(Agreement.id))
        .with_for_update()
    )
    return list((await session.exec(statement)).all())


async def parties_of(session: AsyncSession, agreement_ids: Sequence[UUID]) -> dict[UUID, list[Party]]:
    statement = select(Party).where(col(Party.agreement_id).in_(agreement_ids)).order_by(col(Party.ordinal))
    found: dict[UUID, list[Party]] = defaultdict(list)
    for party in (await session.exec(statement)).all():
        found[party.agreement_id].append(party)
    return found


async def clauses_of(session: AsyncSession, agreement_ids: Sequence[UUID]) -> dict[UUID, list[Clause]]:
    """Those in force."""
    statement = (
        select(Clause)
        .where(col(Clause.agreement_id).in_(agreement_ids), col(Clause.ended_on).is_(None))
        .order_by(col(Clause.ordinal))
    )
    found: dict[UUID, list[Clause]] = defaultdict(list)
    for clause in (await session.exec(statement)).all():
        found[clause.agreement_id].append(clause)
    return found


_STANDING = """
select m.agreement_id, m.organization_id, m.source_id, m.relation, t.id is not null as through_task
from agreement_member m left join task t on t.id = m.source_id where m.agreement_id = any($1::uuid[])
"""
_ABOVE = """
with recursive chain (root, id) as (
    select id, superior_organization_id from organization
    where id = any($1::uuid[]) and superior_organization_id is not null
    union
    select c.root, o.superior_organization_id from chain c join organization o on o.id = c.id
    where o.superior_organization_id is not null
)
select root, array_agg(id) as above from chain group by root
"""
_COME = """
insert into agreement_member (agreement_id, organization_id, source_id, relation)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) on conflict do nothing
"""
_GO = """
delete from agreement_member m
using unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) as g(agreement_id, organization_id, source_id, relation)
where m.agreement_id = g.agreement_id and m.organization_id = g.organization_id and m.source_id = g.source_id
  and m.relation = g.relation
"""


# What these have of tasks that are over because of the names that stand there, or of whose promise it was: what was
# completed by whoever answered provisionally keeps that one's name.
_OVER = """
select m.organization_id, m.source_id, m.relation from agreement_member m join task t on t.id = m.source_id
where m.agreement_id = $1 and m.organization_id = any($2::uuid[]) and t.status in ('completed', 'cancelled')
  and exists (
    select from jsonb_array_elements(case m.relation when 'lead' then jsonb_build_array(t.parties->'lead')
        when 'coordinating' then t.parties->'coordinating' when 'monitor' then t.parties->'monitoring' end) y
    where (y->>'organization_id')::uuid = any($3::uuid[])
       or (y->>'promised_by_organization_id')::uuid = any($3::uuid[]))
"""


async def over_for(
    connection: Connection[Any], agreement_id: UUID, holders: Collection[UUID], names: Collection[UUID]
) -> list[Row]:
    """How holders of places stand to tasks that are over and keep these names."""
    rows = await connection.fetch(_OVER, agreement_id, list(holders), list(names))
    return [(row["organization_id"], row["source_id"], row["relation"]) for row in rows]


async def standing_of(connection: Connection[Any], agreement_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """Everybody who stands in each of these agreements."""
    rows: dict[UUID, set[Row]] = defaultdict(set)
    through: dict[UUID, set[UUID]] = defaultdict(set)
    for row in await connection.fetch(_STANDING, agreement_ids):
        rows[row["agreement_id"]].add((row["organization_id"], row["source_id"], row["relation"]))
        if row["through_task"]:
            through[row["agreement_id"]].add(row["source_id"])
    return {one: Standing(rows[one], through[one]) for one in agreement_ids}


async def above(connection: Connection[Any], organization_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Everything above each of these."""
    return {row["root"]: row["above"] for row in await connection.fetch(_ABOVE, list(organization_ids))}


async def change_members(connection: Connection[Any], moves: Mapping[UUID, Moves]) -> None:
    """First who comes, then who goes: nobody loses access in between."""
    coming = [(agreement_id, *row) for agreement_id, one in moves.items() for row in one.add]
    going = [(agreement_id, *row) for agreement_id, one in moves.items() for row in one.drop]
    for statement, rows in ((_COME, coming), (_GO, going)):
        if rows:
            await connection.execute(statement, *map(list, zip(*rows, strict=True)))


_UPDATE_AGREEMENTS = """
update agreement a set version = c.version, custodian_organization_id = c.custodian_organization_id,
    custodian_name = c.custodian_name, original_custodian_organization_id = c.original_custodian_organization_id,
    original_custodian_name = c.original_custodian_name, updated_at = c.updated_at
from json_to_recordset($1::text::json) as c(id uuid, version int, custodian_organization_id uuid, custodian_name text,
    original_custodian_organization_id uuid, original_custodian_name text, updated_at timestamptz)
where a.id = c.id
"""
_UPDATE_PARTIES = """
update agreement_party p set responsible_organization_id = c.responsible_organization_id,
    responsible_organization_name = c.responsible_organization_name
from json_to_recordset($1::text::json) as c(id uuid, responsible_organization_id uuid,
    responsible_organization_name text)
where p.id = c.id and (p.responsible_organization_id, p.responsible_organization_name)
    is distinct from (c.responsible_organization_id, c.responsible_organization_name)
"""
_OF_AGREEMENT = {
    "id",
    "version",
    "custodian_organization_id",
    "custodian_name",
    "original_custodian_organization_id",
    "original_custodian_name",
    "updated_at",
}
_OF_PARTY = {"id", "responsible_organization_id", "responsible_organization_name"}


async def update_agreements(session: AsyncSession, agreements: Sequence[Agreement], parties: Sequence[Party]) -> None:
    """What a succession changes of these: a statement for each table, where the session would make one for each row."""
    for record in (*agreements, *parties):
        session.expunge(record)
    connection = await connection_of(session)
    for statement, records, columns in (
        (_UPDATE_AGREEMENTS, agreements, _OF_AGREEMENT),
        (_UPDATE_PARTIES, parties, _OF_PARTY),
    ):
        if records:
            rows = [{name: getattr(record, name) for name in columns} for record in records]
            await connection.execute(statement, _json(rows))


_UPDATE_TASKS = """
update task t set version = c.version, parties = c.parties, lead_organization_id = c.lead_organization_id,
    status = c.status, completed_at = c.completed_at, updated_at = $2
from json_to_recordset($1::text::json) as c(id uuid, version int, parties jsonb, lead_organization_id uuid, status text,
    completed_at timestamptz)
where t.id = c.id
"""
_TOLD = """json_to_recordset($1::text::json) as h(id uuid, subject_id uuid, version int, action text, changes jsonb,
    remark text, before jsonb)"""
_COLUMNS = """id, subject_id, agreement_id, subject_kind, version, action, actor_id, actor_kind, actor_name,
    organization_id, changes, remark, occurred_at, state"""
_WHO = "$2::uuid, $3::text, $4::text, $5::uuid"
_AGREEMENT_HISTORY = f"""
insert into history ({_COLUMNS})
select h.id, a.id, a.id, 'agreement', h.version, h.action, {_WHO}, h.changes, h.remark, $6::timestamptz,
    {AGREEMENT_STATE}
from {_TOLD} join agreement a on a.id = h.subject_id
"""  # noqa: S608 - constants of this module
_TASK_HISTORY = f"""
insert into history ({_COLUMNS})
select h.id, t.id, t.agreement_id, 'task', h.version, h.action, {_WHO}, h.changes, h.remark, $6::timestamptz,
    {TASK_STATE} || h.before
from {_TOLD} join task t on t.id = h.subject_id join agreement a on a.id = t.agreement_id
order by t.id, h.version
"""  # noqa: S608 - constants of this module


_CONFIRMED = """
select c.task_id, c.organization_id, max(c.decided_at) as decided_at
from task t join task_confirmation c on c.task_id = t.id and c.submission = t.submission
where t.id = any($1::uuid[]) and t.status = 'submitted' and c.decision = 'confirmed'
group by c.task_id, c.organization_id
"""


async def confirmed(connection: Connection[Any], task_ids: Sequence[UUID]) -> dict[UUID, dict[UUID, datetime]]:
    """Who has confirmed the present submission of each task, and when."""
    found: dict[UUID, dict[UUID, datetime]] = defaultdict(dict)
    for row in await connection.fetch(_CONFIRMED, task_ids):
        found[row["task_id"]][row["organization_id"]] = row["decided_at"]
    return found


async def update_tasks(connection: Connection[Any], rows: Sequence[dict[str, Any]], at: datetime) -> None:
    await connection.execute(_UPDATE_TASKS, _json(rows), at)


async def add_history(
    connection: Connection[Any],
    actor: Actor,
    at: datetime,
    *,
    agreements: Sequence[dict[str, Any]],
    tasks: Sequence[dict[str, Any]],
) -> None:
    """Versions of several records, with these as they now stand in the tables."""
    who = actor.id, actor.kind, actor.name, actor.organization_id, at
    for statement, rows in ((_AGREEMENT_HISTORY, agreements), (_TASK_HISTORY, tasks)):
        if rows:
            done = await connection.execute(statement, orjson.dumps(rows).decode(), *who)
            # A version without its history must not be committed.
            assert done == f"INSERT 0 {len(rows)}"


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return orjson.dumps(rows, default=str, option=orjson.OPT_UTC_Z).decode()
