"""All SQL of who answers: the successions of units, cases, the queue, and the tables that follow them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements.models import Agreement, Clause, Party
from agreements_api.agreements.repository import STATE as AGREEMENT_STATE
from agreements_api.party_succession.answering import Ended, Successor, Taken, judge
from agreements_api.party_succession.models import CaseState, Reason
from agreements_api.party_succession.relations import Moves, Row, Standing
from agreements_api.tasks.repository import STATE as TASK_STATE
from shared.auth import Actor
from shared.db import driver_connection
from shared.text import fold, vietnamese_sort_key

Connection = asyncpg.Connection

# The same lock as for a change of superiors: who founds an organisation decides what stands above it.
_HIERARCHY_LOCK = 352_002

# Everybody who promised something in an agreement: its parties, its custodian, and who takes part in its tasks. What a
# party signed under stays as it was; a task's parties stand in it under the names they were assigned with.
_PROMISES = """
select 'party' as relation, p.id as party_id, null::uuid as task_id, null::text as task_title, p.organization_id,
       p.organization_name as name, p.ordinal, null::timestamptz as assigned_at
from agreement_party p
where p.agreement_id = $2
  and p.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
union all
select 'custodian', null, null, null, coalesce(a.original_custodian_organization_id, a.custodian_organization_id),
       coalesce(a.original_custodian_name, a.custodian_name), 2000, null
from agreement a
where a.id = $2 and a.id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
union all
select taking.relation, null, t.id, t.title,
       coalesce(taking.party->>'promised_by_organization_id', taking.party->>'organization_id')::uuid,
       coalesce(taking.party->>'promised_by_name', taking.party->>'name'), taking.ordinal, t.created_at
from task t
cross join lateral (
    select 'lead' as relation, t.parties->'lead' as party, 1 as ordinal
    union all
    select 'coordinating', c.value, 1 + c.place
    from jsonb_array_elements(t.parties->'coordinating') with ordinality as c(value, place)
    union all
    select 'monitor', m.value, 1000 + m.place
    from jsonb_array_elements(t.parties->'monitoring') with ordinality as m(value, place)
) taking
where t.agreement_id = $2
  and t.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
order by assigned_at nulls first, task_id, ordinal
"""
_IS_MEMBER = "select exists (select from agreement_access where agreement_id = $2 and organization_id = $1)"
_TAKEN_COLUMNS = """c.id, c.task_id, c.promised_by_organization_id, c.old_unit_id, c.unit_id, c.organization_id,
    c.organization_name, c.state, c.decided_by_name,
    (c.decided_at at time zone 'Asia/Ho_Chi_Minh')::date as decided_on, c.reason"""
_TAKEN = f"""
select {_TAKEN_COLUMNS} from succession_case c
where c.agreement_id = $2 and c.state <> 'superseded'
  and c.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
"""  # noqa: S608 - constants of this module
_TAKEN_OF_ALL = f"""
select {_TAKEN_COLUMNS} from succession_case c where c.agreement_id = $1 and c.state <> 'superseded'
"""  # noqa: S608 - constants of this module
_ORGANIZATIONS = """
select o.id, o.name, o.kind, o.superior_organization_id, o.contact_name, o.contact_title, o.contact_phone,
       o.contact_email, u.id as unit_id, u.name as unit_name, u.level as unit_level
from organization o join unit u on u.id = o.unit_id where o.id = any($1::uuid[])
"""
_UNITS = "select id, code, name, type, level, valid_from, valid_to from unit where id = any($1::uuid[])"
# Of several old units of one name, the one that bears the code of the new unit goes on in it.
_CONTINUING = """
select s.old_unit_id from unit_succession s join unit old on old.id = s.old_unit_id
where s.new_unit_id = {unit}.id and not s.partial and old.level = {unit}.level and old.name = {unit}.name
order by (old.code = {unit}.code) desc, old.id limit 1
"""
# From each unit that ended along its successions to whatever is in force on the day after. A unit that ended without an
# edge of its own (a district of 2025) goes on in the successors of its parts.
_SUCCESSORS = f"""
with recursive walk (root, day, part, id, is_default, partial, kind, legal_basis) as (
    select u.id, (u.valid_to + 1)::date, null::uuid, u.id, true, false, null::text, null::text
    from unit u where u.id = any($1::uuid[]) and u.valid_to is not null
    union
    select walk.root, walk.day, coalesce(walk.part, step.part), step.id, walk.is_default and step.is_default,
           walk.partial or step.partial, coalesce(step.kind, walk.kind), coalesce(step.legal_basis, walk.legal_basis)
    from walk
    join unit ended on ended.id = walk.id and ended.valid_to < walk.day
    cross join lateral (
        select s.new_unit_id as id, null::uuid as part, s.is_default, s.partial, s.kind, s.legal_basis
        from unit_succession s where s.old_unit_id = ended.id and s.effective_on <= walk.day
        union all
        select part.unit_id, part.unit_id, true, false, null, null
        from unit_parent part
        where part.parent_id = ended.id
          and coalesce(part.valid_from, '-infinity') <= ended.valid_to
          and coalesce(part.valid_to, 'infinity') >= ended.valid_to
          and not exists (
              select from unit_succession s where s.old_unit_id = ended.id and s.effective_on <= walk.day)
    ) step
), found as (
    select w.root, w.day, u.id as unit_id, bool_or(w.is_default) as is_default, bool_and(w.partial) as partial,
           count(distinct w.part) filter (where w.is_default) as parts, count(w.part) > 0 as of_parts,
           max(w.kind) as kind, max(w.legal_basis) as legal_basis
    from walk w join unit u on u.id = w.id
    where w.id <> w.root and coalesce(u.valid_from, '-infinity') <= w.day and coalesce(u.valid_to, 'infinity') >= w.day
    group by w.root, w.day, u.id
)
select f.root, f.unit_id, u.name, u.type, u.level, u.sort_key, f.is_default, f.partial, f.parts, f.of_parts,
       f.day as effective_on, f.kind, f.legal_basis,
       coalesce(({_CONTINUING.format(unit="u")}) = f.root, false) as continues
from found f join unit u on u.id = f.unit_id
"""  # noqa: S608 - constants of this module
# The provinces above some units on a day: they follow whatever lay in them.
_PROVINCES = """
with recursive above (root, day, id) as (
    select r.root, r.day, p.parent_id
    from unnest($1::uuid[], $2::date[], $3::uuid[]) as r(root, day, unit_id)
    join unit_parent p on p.unit_id = r.unit_id and coalesce(p.valid_from, '-infinity') <= r.day
        and coalesce(p.valid_to, 'infinity') >= r.day
    union
    select a.root, a.day, p.parent_id from above a
    join unit_parent p on p.unit_id = a.id and coalesce(p.valid_from, '-infinity') <= a.day
        and coalesce(p.valid_to, 'infinity') >= a.day
)
select a.root, u.id as unit_id, u.code, u.name, u.type, u.level, u.sort_key
from above a join unit u on u.id = a.id where u.level = 'province'
"""
# Whoever acts for a unit: what is registered for it, or for the unit that goes on in it under the same name.
_ACTING = f"""
with recursive home (unit_id, held_by, depth) as (
    select id, id, 0 from unnest($1::uuid[]) as id
    union all
    select h.unit_id, c.old_unit_id, h.depth + 1
    from home h join unit u on u.id = h.held_by cross join lateral ({_CONTINUING.format(unit="u")}) c
    where h.depth < 20
)
select h.unit_id, o.kind, o.id, o.name, u.name as unit_name
from home h join organization o on o.unit_id = h.held_by join unit u on u.id = h.held_by
where o.kind = any($2::text[])
order by h.depth, o.created_at, o.id
"""  # noqa: S608 - constants of this module


@dataclass(frozen=True)
class Organization:
    """A body with the unit that it acts for."""

    id: UUID
    name: str
    kind: str
    superior_organization_id: UUID | None
    contact_name: str | None
    contact_title: str | None
    contact_phone: str | None
    contact_email: str | None
    unit_id: UUID
    unit_name: str
    unit_level: str


@dataclass(frozen=True)
class Unit:
    id: UUID
    code: str
    name: str
    type: str
    level: str
    valid_from: date | None
    valid_to: date | None

    def has_ended(self, on: date) -> bool:
        return self.valid_to is not None and self.valid_to < on


@dataclass(frozen=True)
class Acting:
    """An organisation that could act for a unit, under the unit that it is registered for."""

    id: UUID
    name: str
    unit_name: str


async def promises(
    connection: Connection[Any], organization_id: UUID | None, agreement_id: UUID
) -> list[asyncpg.Record] | None:
    """Who promised what in the agreement, parties first; None where the caller is no member."""
    if not await connection.fetchval(_IS_MEMBER, organization_id, agreement_id):
        return None
    return await connection.fetch(_PROMISES, organization_id, agreement_id)


async def taken(
    connection: Connection[Any], organization_id: UUID | None, agreement_id: UUID
) -> dict[tuple[UUID | None, UUID], dict[UUID, Taken]]:
    """What is recorded of promises, by task decided apart and promiser, and then by the unit that ended."""
    return _by_promise(await connection.fetch(_TAKEN, organization_id, agreement_id))


async def taken_of_all(
    connection: Connection[Any], agreement_id: UUID
) -> dict[tuple[UUID | None, UUID], dict[UUID, Taken]]:
    """The same of a locked agreement, whoever asks."""
    return _by_promise(await connection.fetch(_TAKEN_OF_ALL, agreement_id))


def _by_promise(rows: Sequence[asyncpg.Record]) -> dict[tuple[UUID | None, UUID], dict[UUID, Taken]]:
    found: dict[tuple[UUID | None, UUID], dict[UUID, Taken]] = defaultdict(dict)
    for row in rows:
        found[row["task_id"], row["promised_by_organization_id"]][row["old_unit_id"]] = Taken(
            case_id=row["id"],
            unit_id=row["unit_id"],
            organization_id=row["organization_id"],
            organization_name=row["organization_name"],
            state=CaseState(row["state"]),
            decided_by_name=row["decided_by_name"],
            decided_on=row["decided_on"],
            reason=row["reason"],
        )
    return found


async def organizations(connection: Connection[Any], ids: Sequence[UUID]) -> dict[UUID, Organization]:
    """Organisations with the unit that each acts for."""
    return {row["id"]: Organization(**row) for row in await connection.fetch(_ORGANIZATIONS, ids)}


async def units(connection: Connection[Any], ids: Sequence[UUID]) -> dict[UUID, Unit]:
    return {row["id"]: Unit(**row) for row in await connection.fetch(_UNITS, ids)}


async def ends(connection: Connection[Any], ended: Sequence[Unit]) -> dict[UUID, Ended]:
    """Of each unit that ended, who follows it."""
    followed: dict[UUID, list[Successor]] = defaultdict(list)
    for row in await connection.fetch(_SUCCESSORS, [unit.id for unit in ended]):
        values = dict(row)
        root, of_parts = values.pop("root"), values.pop("of_parts")
        reason = Reason.COMMUNES if of_parts else Reason.WHOLE
        if values["partial"] and not of_parts:
            reason = Reason.MOST if values["is_default"] else Reason.PART
        followed[root].append(Successor(**values, reason=reason))
    provinces = await _provinces(connection, ended, followed)
    return {unit.id: Ended(unit.id, unit.name, judge(followed[unit.id], provinces[unit.id])) for unit in ended}


async def _provinces(
    connection: Connection[Any], ended: Sequence[Unit], followed: dict[UUID, list[Successor]]
) -> dict[UUID, list[Successor]]:
    """The provinces in which districts have gone on, and of what nobody follows, the one in which it lay."""
    asked: list[tuple[UUID, date, UUID]] = []
    effective: dict[UUID, date] = {}
    for unit in ended:
        successors = followed[unit.id]
        assert unit.valid_to is not None
        if successors and unit.level == "district":
            asked += [(unit.id, one.effective_on, one.unit_id) for one in successors if one.level != "province"]
            effective[unit.id] = successors[0].effective_on
        elif not successors:
            asked.append((unit.id, unit.valid_to, unit.id))
            effective[unit.id] = date.fromordinal(unit.valid_to.toordinal() + 1)
    found: dict[UUID, list[Successor]] = defaultdict(list)
    for row in await connection.fetch(_PROVINCES, *(map(list, zip(*asked, strict=True)) if asked else ([], [], []))):
        found[row["root"]].append(
            Successor(
                unit_id=row["unit_id"],
                name=row["name"],
                type=row["type"],
                level=row["level"],
                sort_key=row["sort_key"],
                is_default=False,
                partial=True,
                parts=0,
                effective_on=effective[row["root"]],
                kind=None,
                legal_basis=None,
                reason=Reason.PROVINCE,
            )
        )
    return found


async def provinces_of(connection: Connection[Any], unit_ids: Sequence[UUID], on: date) -> dict[UUID, UUID]:
    """The province above each unit on a day; provinces have none."""
    rows = await connection.fetch(_PROVINCES, unit_ids, [on] * len(unit_ids), unit_ids)
    return {row["root"]: row["unit_id"] for row in rows}


async def acting_for(
    connection: Connection[Any], unit_ids: Sequence[UUID], kinds: Sequence[str]
) -> dict[tuple[UUID, str], list[Acting]]:
    """The organisations of a kind that act for a unit, the one that everybody has known longest first."""
    found: dict[tuple[UUID, str], list[Acting]] = defaultdict(list)
    for row in await connection.fetch(_ACTING, unit_ids, kinds):
        found[row["unit_id"], row["kind"]].append(Acting(row["id"], row["name"], row["unit_name"]))
    return found


_FOUND = """
insert into organization (id, unit_id, name, kind, folded, sort_key, superior_organization_id, contact_name,
    contact_title, contact_phone, contact_email, by_succession, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, true, $12, $12)
on conflict (unit_id, name) do nothing returning id
"""


async def lock_hierarchy(connection: Connection[Any]) -> None:
    await connection.execute("select pg_advisory_xact_lock($1)", _HIERARCHY_LOCK)


async def found(
    connection: Connection[Any],
    *,
    organization_id: UUID,
    unit_id: UUID,
    name: str,
    template: Organization,
    superior_id: UUID | None,
    now: datetime,
) -> bool:
    """A new organisation with the focal point of the one that it follows; false where the unit has one of this name."""
    contact = (template.contact_name, template.contact_title, template.contact_phone, template.contact_email)
    values = (organization_id, unit_id, name, template.kind, fold(name), vietnamese_sort_key(name), superior_id)
    return await connection.fetchval(_FOUND, *values, *contact, now) is not None


async def named(connection: Connection[Any], unit_id: UUID, name: str) -> UUID | None:
    statement = "select id from organization where unit_id = $1 and name = $2"
    found: UUID | None = await connection.fetchval(statement, unit_id, name)
    return found


@asynccontextmanager
async def as_system(connection: Connection[Any]) -> AsyncIterator[None]:
    """Within a transaction whose caller has been checked: what the product itself does because of his decision."""
    before = await connection.fetchval("select current_setting('lienvung.system', true)")
    await connection.execute("select set_config('lienvung.system', 'on', true)")
    yield
    await connection.execute("select set_config('lienvung.system', $1, true)", before or "off")


# Agreements with what is to be followed: whoever stands in them, or in an open task of theirs, for a unit that ended.
# A completed task stays with whoever completed it; his successor gets to read it once.
_AFFECTED = """
select m.agreement_id
from unit u join organization o on o.unit_id = u.id join agreement_member m on m.organization_id = o.id
where u.valid_to < $1 and ($2::uuid[] is null or u.id = any($2)) and m.relation <> 'former'
  and (not exists (select from task t where t.id = m.source_id and t.status in ('completed', 'cancelled'))
       or not exists (select from agreement_member f where f.agreement_id = m.agreement_id
                      and f.organization_id = m.organization_id and f.relation = 'former'))
union
select p.agreement_id
from unit u join organization o on o.unit_id = u.id
join agreement_party p on coalesce(p.responsible_organization_id, p.organization_id) = o.id
where u.valid_to < $1 and ($2::uuid[] is null or u.id = any($2))
"""
_RUN = """
select r.id, r.effective_on, cardinality(r.unit_ids) as units, r.requested_by_name, r.agreements, r.done, r.repointed,
       r.tasks, r.decisions, r.created_at, r.started_at, r.finished_at
from succession_run r
"""
_ADD_RUN = """
insert into succession_run (id, effective_on, unit_ids, requested_by, requested_by_name, created_at)
values ($1, $2, $3, $4, $5, $6)
"""


async def add_run(
    connection: Connection[Any],
    actor: Actor,
    run_id: UUID,
    effective_on: date,
    unit_ids: Sequence[UUID] | None,
    *,
    now: datetime,
) -> None:
    """Queue what is to be carried out from a day on."""
    await connection.execute(_ADD_RUN, run_id, effective_on, unit_ids, actor.id, actor.name, now)


async def read_run(connection: Connection[Any], run_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(f"{_RUN} where r.id = $1", run_id)


async def list_runs(connection: Connection[Any], *, before: UUID | None, limit: int) -> list[asyncpg.Record]:
    """Runs, the newest first."""
    return await connection.fetch(
        f"{_RUN} where ($1::uuid is null or r.id < $1) order by r.id desc limit $2", before, limit
    )


async def due_run(connection: Connection[Any], today: date, *, run_id: UUID | None = None) -> asyncpg.Record | None:
    """The run to work on next: the oldest that is due and not finished, or the one named."""
    return await connection.fetchrow(
        "select id, unit_ids, effective_on, started_at from succession_run"
        " where finished_at is null and effective_on <= $1 and ($2::uuid is null or id = $2)"
        " order by effective_on, id limit 1",
        today,
        run_id,
    )


async def unfinished_run(connection: Connection[Any]) -> UUID | None:
    """A run over everything that was begun and stopped."""
    run: UUID | None = await connection.fetchval(
        "select id from succession_run where unit_ids is null and finished_at is null order by effective_on, id limit 1"
    )
    return run


async def begin_run(connection: Connection[Any], run_id: UUID, today: date, now: datetime) -> None:
    """Write down which agreements the run is about, once, whoever begins it."""
    row = await connection.fetchrow(
        "select unit_ids from succession_run where id = $1 and started_at is null for update", run_id
    )
    if row is None:
        return
    await connection.execute(
        f"insert into succession_step (run_id, agreement_id) select $3::uuid, agreement_id from ({_AFFECTED}) x",  # noqa: S608
        today,
        row["unit_ids"],
        run_id,
    )
    await connection.execute(
        "update succession_run set started_at = $2,"
        " agreements = (select count(*) from succession_step s where s.run_id = $1) where id = $1",
        run_id,
        now,
    )


async def take_steps(connection: Connection[Any], run_id: UUID, limit: int) -> list[UUID]:
    """Agreements of the run that no other worker is at, held until the transaction ends."""
    rows = await connection.fetch(
        "select agreement_id from succession_step where run_id = $1 order by agreement_id limit $2"
        " for update skip locked",
        run_id,
        limit,
    )
    return [row["agreement_id"] for row in rows]


async def finish_steps(
    connection: Connection[Any],
    run_id: UUID,
    agreement_ids: Sequence[UUID],
    *,
    repointed: int,
    tasks: int,
    decisions: int,
) -> None:
    """The last statement of a batch: other workers wait for the counters."""
    await connection.execute(
        "delete from succession_step where run_id = $1 and agreement_id = any($2::uuid[])", run_id, agreement_ids
    )
    await connection.execute(
        "update succession_run set done = done + $2, repointed = repointed + $3, tasks = tasks + $4,"
        " decisions = decisions + $5 where id = $1",
        run_id,
        len(agreement_ids),
        repointed,
        tasks,
        decisions,
    )


async def finish_run(connection: Connection[Any], run_id: UUID, now: datetime) -> bool:
    """Whether nothing is left of the run, not even with another worker."""
    done = await connection.execute(
        "update succession_run set finished_at = $2 where id = $1 and finished_at is null and started_at is not null"
        " and not exists (select from succession_step s where s.run_id = $1)",
        run_id,
        now,
    )
    return bool(done == "UPDATE 1")


_MISPLACED = """
select o.id, o.superior_organization_id from organization o join unit u on u.id = o.unit_id
join organization above on above.id = o.superior_organization_id join unit gone on gone.id = above.unit_id
where gone.valid_to < $1 and ($2::uuid[] is null or gone.id = any($2)) and coalesce(u.valid_to, 'infinity') >= $1
  and ($3::uuid is null or o.id > $3)
order by o.id limit $4
"""


async def misplaced(
    connection: Connection[Any], today: date, unit_ids: Sequence[UUID] | None, *, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """Organisations of units in force whose superior's unit has ended."""
    return await connection.fetch(_MISPLACED, today, unit_ids, after, limit)


async def ended_in_steps(
    connection: Connection[Any], run_id: UUID, today: date, *, after: UUID | None, limit: int
) -> list[UUID]:
    """Organisations that a run is about."""
    rows = await connection.fetch(
        """
        select o.id from unit u join organization o on o.unit_id = u.id
        where u.valid_to < $2 and ($3::uuid is null or o.id > $3) and exists (
            select from agreement_member m join succession_step s on s.agreement_id = m.agreement_id and s.run_id = $1
            where m.organization_id = o.id and m.relation <> 'former')
        order by o.id limit $4""",
        run_id,
        today,
        after,
        limit,
    )
    return [row["id"] for row in rows]


async def lock_agreements(session: AsyncSession, agreement_ids: Sequence[UUID]) -> list[Agreement]:
    """The rows for a change: amendments before what they amend, as whoever signs one takes them."""
    statement = (
        select(Agreement)
        .where(col(Agreement.id).in_(agreement_ids))
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
    await connection.execute(_UPDATE_TASKS, orjson.dumps(rows, default=str, option=orjson.OPT_UTC_Z).decode(), at)


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


_ADD_CASES = """
insert into succession_case (id, agreement_id, task_id, promised_by_organization_id, promised_by_name, old_unit_id,
    unit_id, organization_id, organization_name, effective_on, proposed_unit_id, state, created_at, updated_at)
select c.id, c.agreement_id, c.task_id, c.promised_by_organization_id, c.promised_by_name, c.old_unit_id, c.unit_id,
    c.organization_id, c.organization_name, c.effective_on, c.unit_id, c.state, $2::timestamptz, $2::timestamptz
from json_to_recordset($1::text::json) as c(id uuid, agreement_id uuid, task_id uuid, promised_by_organization_id uuid,
    promised_by_name text, old_unit_id uuid, unit_id uuid, organization_id uuid, organization_name text,
    effective_on date, state text)
on conflict (coalesce(task_id, agreement_id), promised_by_organization_id, old_unit_id) where state <> 'superseded'
do nothing returning state
"""


async def add_cases(connection: Connection[Any], rows: Sequence[dict[str, Any]], at: datetime) -> int:
    """Record who took which place; how many of these somebody has to decide."""
    if not rows:
        return 0
    added = await connection.fetch(_ADD_CASES, orjson.dumps(rows).decode(), at)
    return sum(row["state"] == CaseState.OPEN for row in added)


_CASE_SCOPE = "c.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
_CASE = """
select c.id, c.version, c.agreement_id, a.title as agreement_title, a.number as agreement_number, c.task_id,
    c.promised_by_organization_id, c.promised_by_name, c.old_unit_id,
    old.name as old_unit_name, old.level as old_unit_level, c.unit_id, u.name as unit_name, u.level as unit_level,
    c.organization_id, c.organization_name, c.effective_on, c.proposed_unit_id, c.state, c.decided_by_name,
    c.decided_by_organization_id, c.decided_at, c.reason, c.created_at, c.updated_at, o.kind as organization_kind,
    o.name as template_name, ou.name as template_unit_name,
    array(
        select 'party' from agreement_party p
        where c.task_id is null and p.agreement_id = c.agreement_id
          and p.organization_id = c.promised_by_organization_id
        union all
        select 'custodian' where c.task_id is null and c.promised_by_organization_id
            = coalesce(a.original_custodian_organization_id, a.custodian_organization_id)) as concerns,
    coalesce((
        select json_agg(json_build_object('id', k.id, 'title', k.title, 'relation', k.relation) order by k.id)
        from (
            select t.id, t.title, taking.relation, taking.party from task t cross join lateral (
                select 'lead' as relation, t.parties->'lead' as party
                union all select 'coordinating', jsonb_array_elements(t.parties->'coordinating')
                union all select 'monitor', jsonb_array_elements(t.parties->'monitoring')) taking
            where t.agreement_id = c.agreement_id and t.status not in ('completed', 'cancelled')
              and (c.task_id is null or t.id = c.task_id)) k
        where coalesce(k.party->>'promised_by_organization_id', k.party->>'organization_id')::uuid
            = c.promised_by_organization_id
          and (c.task_id is not null or not exists (
            select from succession_case own where own.task_id = k.id and own.old_unit_id = c.old_unit_id
              and own.promised_by_organization_id = c.promised_by_organization_id and own.state <> 'superseded'))
    ), '[]')::text as tasks,
    array(select m.relation from agreement_member m where m.agreement_id = c.agreement_id and m.organization_id = $1
          and m.source_id = c.agreement_id) as relations
from succession_case c join agreement a on a.id = c.agreement_id join unit old on old.id = c.old_unit_id
join unit u on u.id = c.unit_id join organization o on o.id = c.promised_by_organization_id
join unit ou on ou.id = o.unit_id
"""
_READ_CASE = f"{_CASE} where c.id = $2 and {_CASE_SCOPE}"
WORKLIST = f"""
{_CASE} where c.state in ('open', 'decided') and c.state = any($2::text[])
  and ($3::uuid is null or c.agreement_id = $3) and ($4::uuid is null or c.id > $4) and {_CASE_SCOPE}
order by c.id limit $5
"""
OF_AGREEMENT = f"""
{_CASE} where c.agreement_id = $2 and ($3::text[] = '{{}}' or c.state = any($3))
  and ($4::uuid is null or c.id > $4) and {_CASE_SCOPE}
order by c.id limit $5
"""


async def read_case(connection: Connection[Any], organization_id: UUID | None, case_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_READ_CASE, organization_id, case_id)


async def list_worklist(
    connection: Connection[Any],
    organization_id: UUID | None,
    *,
    states: Sequence[str],
    agreement_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """What was or is to be decided in agreements that the caller sees, the oldest first."""
    return await connection.fetch(WORKLIST, organization_id, list(states), agreement_id, after, limit)


async def list_cases(
    connection: Connection[Any],
    organization_id: UUID | None,
    agreement_id: UUID,
    *,
    states: Sequence[str],
    after: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Every succession in one agreement, the oldest first."""
    return await connection.fetch(OF_AGREEMENT, organization_id, agreement_id, list(states), after, limit)


async def is_visible(connection: Connection[Any], organization_id: UUID | None, agreement_id: UUID) -> bool:
    return bool(await connection.fetchval(_IS_MEMBER, organization_id, agreement_id))


@dataclass(frozen=True)
class Case:
    """A case whose row is held until the transaction ends."""

    id: UUID
    version: int
    agreement_id: UUID
    task_id: UUID | None
    promised_by_organization_id: UUID
    promised_by_name: str
    old_unit_id: UUID
    unit_id: UUID
    effective_on: date
    state: CaseState


_CASE_COLUMNS = """id, version, agreement_id, task_id, promised_by_organization_id, promised_by_name, old_unit_id,
    unit_id, effective_on, state"""


async def lock_case(connection: Connection[Any], case_id: UUID) -> Case | None:
    row = await connection.fetchrow(f"select {_CASE_COLUMNS} from succession_case where id = $1 for update", case_id)  # noqa: S608
    return None if row is None else Case(**{**row, "state": CaseState(row["state"])})


async def lock_cases_alike(connection: Connection[Any], case: Case) -> list[Case]:
    """What else is open of the same unit in the agreement, whichever of its bodies promised it."""
    rows = await connection.fetch(
        f"select {_CASE_COLUMNS} from succession_case where agreement_id = $1 and old_unit_id = $2"  # noqa: S608
        " and task_id is null and state = 'open' and id <> $3 order by id for update",
        case.agreement_id,
        case.old_unit_id,
        case.id,
    )
    return [Case(**{**row, "state": CaseState(row["state"])}) for row in rows]


@dataclass(frozen=True)
class Choice:
    """Which unit was chosen, who acts for it, why and when; for `date` and person see the actor."""

    unit_id: UUID
    taken_by: Acting | None
    reason: str | None
    at: datetime

    @property
    def values(self) -> tuple[UUID, UUID | None, str | None, str | None, datetime]:
        by = self.taken_by
        return self.unit_id, by.id if by else None, by.name if by else None, self.reason, self.at


_DECIDE = """
update succession_case set state = 'decided', version = version + 1, unit_id = $2, organization_id = $3,
    organization_name = $4, reason = $5, decided_at = $6, updated_at = $6, decided_by = $7, decided_by_name = $8,
    decided_by_organization_id = $9
where id = $1
"""
_SUPERSEDE = """
update succession_case set state = 'superseded', version = version + 1, updated_at = $4
where agreement_id = $1 and task_id is null and promised_by_organization_id = $2 and old_unit_id = any($3::uuid[])
  and state <> 'superseded'
"""
# The task's own row: the agreement's goes on for everything else.
_DECIDE_TASKS = """
insert into succession_case (id, agreement_id, task_id, promised_by_organization_id, promised_by_name, old_unit_id,
    effective_on, proposed_unit_id, state, created_at, updated_at, unit_id, organization_id, organization_name, reason,
    decided_at, decided_by, decided_by_name, decided_by_organization_id)
select n.id, c.agreement_id, n.task_id, c.promised_by_organization_id, c.promised_by_name, c.old_unit_id,
    c.effective_on, c.proposed_unit_id, 'decided', $8::timestamptz, $8::timestamptz, $4::uuid, $5::uuid, $6::text,
    $7::text, $8::timestamptz, $9::uuid, $10::text, $11::uuid
from succession_case c, unnest($2::uuid[], $3::uuid[]) as n(id, task_id) where c.id = $1
"""


async def decide_case(connection: Connection[Any], actor: Actor, case: Case, choice: Choice) -> None:
    await connection.execute(_DECIDE, case.id, *choice.values, actor.id, actor.name, actor.organization_id)


async def supersede(connection: Connection[Any], case: Case, unit_ids: Sequence[UUID], at: datetime) -> None:
    """What came after the unit that another one was chosen instead of rests on nothing any more."""
    await connection.execute(_SUPERSEDE, case.agreement_id, case.promised_by_organization_id, unit_ids, at)


async def decide_tasks(
    connection: Connection[Any], actor: Actor, case: Case, tasks: Sequence[tuple[UUID, UUID]], choice: Choice
) -> None:
    """Decide of some tasks apart (row, task); the case has another version, since it concerns fewer of them."""
    rows, task_ids = [row for row, _ in tasks], [task for _, task in tasks]
    who = actor.id, actor.name, actor.organization_id
    await connection.execute(_DECIDE_TASKS, case.id, rows, task_ids, *choice.values, *who)
    await connection.execute(
        "update succession_case set version = version + 1, updated_at = $2 where id = $1", case.id, choice.at
    )


async def connection_of(session: AsyncSession) -> Connection[Any]:
    """The connection under a session, once what waits in the session has been written."""
    await session.flush()
    return await driver_connection(session)
