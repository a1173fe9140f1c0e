"""All SQL of who could answer: the successions of units, and the organisations that act for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.localities.models import SuccessionKind
from agreements_api.party_succession.answering import Ended, Successor, Taken, judge
from agreements_api.party_succession.known import cases_at, statement
from agreements_api.party_succession.models import CaseState, Reason
from shared.db import driver_connection
from shared.text import fold, vietnamese_sort_key

Connection = asyncpg.Connection

# The same lock as for a change of superiors: who founds an organisation decides what stands above it.
_HIERARCHY_LOCK = 352_002


def _promises(parties: str = "agreement_party", tasks: str = "task", *, there: str = "true") -> str:
    """Everybody who promised something in an agreement: its parties, its custodian, and who takes part in its tasks.

    What a party signed under stays as it was; a task's parties stand in it under the names they were assigned with. Who
    had custody at first never changes. From what stands now, or from what stood at an instant.
    """
    return f"""
select 'party' as relation, p.id as party_id, null::uuid as task_id, null::text as task_title, p.organization_id,
       p.organization_name as name, p.ordinal, null::timestamptz as assigned_at
from {parties} p
where p.agreement_id = $2
  and p.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
union all
select 'custodian', null, null, null, coalesce(a.original_custodian_organization_id, a.custodian_organization_id),
       coalesce(a.original_custodian_name, a.custodian_name), 2000, null
from agreement a
where a.id = $2 and {there} and a.id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
union all
select taking.relation, null, t.id, t.title,
       coalesce(taking.party->>'promised_by_organization_id', taking.party->>'organization_id')::uuid,
       coalesce(taking.party->>'promised_by_name', taking.party->>'name'), taking.ordinal, t.created_at
from {tasks} t
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
"""  # noqa: S608 - names of tables


_PROMISES = _promises()
# The last states until the instant ($3).
PROMISES_PAST = f"""
with was as materialized (
    select h.state from history h
    where h.subject_id = $2 and h.subject_kind = 'agreement' and h.occurred_at <= $3 order by h.version desc limit 1
), parties as (
    select (y.party->>'id')::uuid as id, $2::uuid as agreement_id,
           (y.party->>'organization_id')::uuid as organization_id, y.party->>'organization_name' as organization_name,
           y.place::int as ordinal
    from was cross join jsonb_array_elements(was.state->'parties') with ordinality as y(party, place)
), tasks as materialized (
    select distinct on (h.subject_id) h.subject_id as id, h.agreement_id, h.state->>'title' as title,
           h.state as parties, (h.state->>'created_at')::timestamptz as created_at
    from history h where h.agreement_id = $2 and h.subject_kind = 'task' and h.occurred_at <= $3
    order by h.subject_id, h.version desc
)
{_promises("parties", "tasks", there="exists (select from was)")}
"""  # noqa: S608 - constants of this module
_IS_MEMBER = "select exists (select from agreement_access where agreement_id = $2 and organization_id = $1)"
_IS_VISIBLE = """
select exists (
    select from agreement a join agreement_access x on x.agreement_id = a.id and x.organization_id = $1
    where a.id = $2 and ($3::timestamptz is null or a.created_at <= $3))
"""
_TAKEN_COLUMNS = """c.id, c.task_id, c.promised_by_organization_id, c.old_unit_id, c.unit_id, c.organization_id,
    c.organization_name, c.state, c.decided_by_name,
    (c.decided_at at time zone 'Asia/Ho_Chi_Minh')::date as decided_on, c.reason"""
_TAKEN = f"""
select {_TAKEN_COLUMNS} from succession_case c
where c.agreement_id = $2 and c.state <> 'superseded'
  and c.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
"""  # noqa: S608 - constants of this module
_TAKEN_PAST = f"""
with cases as materialized ({cases_at("$2", "$3")})
select {_TAKEN_COLUMNS} from cases c
where c.state <> 'superseded'
  and c.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
"""  # noqa: S608 - constants of this module
_TAKEN_OF_ALL = f"""
select {_TAKEN_COLUMNS} from succession_case c where c.agreement_id = $1 and c.state <> 'superseded'
"""  # noqa: S608 - constants of this module
# What is recorded of promises in several agreements, as far as somebody decided about any of it.
_DECIDED = f"""
select c.agreement_id, {_TAKEN_COLUMNS} from succession_case c
where c.agreement_id = any($1::uuid[]) and c.promised_by_organization_id = any($2::uuid[]) and c.task_id is null
  and c.state <> 'superseded' and exists (
    select from succession_case d where d.agreement_id = c.agreement_id and d.task_id is null
      and d.promised_by_organization_id = c.promised_by_organization_id and d.state = 'decided')
"""  # noqa: S608 - constants of this module
_ORGANIZATIONS = """
select o.id, o.name, o.kind, o.superior_organization_id, o.contact_name, o.contact_title, o.contact_phone,
       o.contact_email, u.id as unit_id, u.name as unit_name, u.level as unit_level
from organization o join unit u on u.id = o.unit_id where o.id = any($1::uuid[])
"""
_UNITS = statement(
    "select id, code, name, type, level, valid_from, valid_to, dissolved_by from unit where id = any($1::uuid[])",
    parameters=1,
)
# Of several old units of one name, the one that bears the code of the new unit goes on in it.
_CONTINUING = """
select s.old_unit_id from unit_succession s join unit old on old.id = s.old_unit_id
where s.new_unit_id = {unit}.id and not s.partial and old.level = {unit}.level and old.name = {unit}.name
order by (old.code = {unit}.code) desc, old.id limit 1
"""
# From each unit that ended along its successions to whatever is in force on the day after. A unit that ended without an
# edge of its own (a district of 2025) goes on in the successors of its parts. Where nobody was named to follow it, a
# part that lives on leads to that under which it lies from then on; the part itself and the unit above are further
# ones; what it had given away before it ended is none of this.
_SUCCESSORS = statement(
    f"""
with recursive walk (root, day, part, id, is_default, partial, further, kind, legal_basis) as (
    select u.id, (u.valid_to + 1)::date, null::uuid, u.id, true, false, false, null::text, null::text
    from unit u where u.id = any($1::uuid[]) and u.valid_to is not null
    union
    select walk.root, walk.day, coalesce(walk.part, step.part), step.id, walk.is_default and step.is_default,
           walk.partial or step.partial, walk.further or step.further, coalesce(step.kind, walk.kind),
           coalesce(step.legal_basis, walk.legal_basis)
    from walk
    join unit ended on ended.id = walk.id and ended.valid_to < walk.day
    cross join lateral (
        select s.new_unit_id as id, null::uuid as part, s.is_default, s.partial, false as further, s.kind,
               s.legal_basis
        from unit_succession s
        where s.old_unit_id = ended.id and s.effective_on <= walk.day and ended.dissolved_by is null
        union all
        select lies.parent_id, part.unit_id, true, true, false, 'dissolve', ended.dissolved_by
        from unit_parent part
        join unit_parent lies on lies.unit_id = part.unit_id and lies.valid_from = ended.valid_to + 1
        where ended.dissolved_by is not null and part.parent_id = ended.id
          and coalesce(part.valid_from, '-infinity') <= ended.valid_to
          and coalesce(part.valid_to, 'infinity') >= ended.valid_to
        union all
        select up.parent_id, null, true, true, true, 'dissolve', ended.dissolved_by
        from unit_parent up
        where ended.dissolved_by is not null and walk.part is null and up.unit_id = ended.id
          and coalesce(up.valid_from, '-infinity') <= ended.valid_to
          and coalesce(up.valid_to, 'infinity') >= ended.valid_to
        union all
        select part.unit_id, part.unit_id, true, ended.dissolved_by is not null,
               ended.dissolved_by is not null and not exists (
                   select from unit own where own.id = part.unit_id and own.valid_to <= ended.valid_to), null, null
        from unit_parent part
        where part.parent_id = ended.id
          and (ended.dissolved_by is null or not walk.further or exists (
              select from unit own where own.id = part.unit_id and own.valid_to <= ended.valid_to))
          and coalesce(part.valid_from, '-infinity') <= ended.valid_to
          and coalesce(part.valid_to, 'infinity') >= ended.valid_to
          and (ended.dissolved_by is not null or not exists (
              select from unit_succession s where s.old_unit_id = ended.id and s.effective_on <= walk.day))
    ) step
), found as (
    select w.root, w.day, u.id as unit_id, bool_or(w.is_default) as is_default, bool_and(w.partial) as partial,
           bool_and(w.further) as further,
           count(distinct w.part) filter (where w.is_default and not w.further) as parts,
           count(w.part) > 0 as of_parts, bool_or(w.part = w.id) is true as itself,
           max(w.kind) as kind, max(w.legal_basis) as legal_basis
    from walk w join unit u on u.id = w.id
    where w.id <> w.root and coalesce(u.valid_from, '-infinity') <= w.day and coalesce(u.valid_to, 'infinity') >= w.day
    group by w.root, w.day, u.id
)
select f.root, f.unit_id, u.name, u.type, u.level, u.sort_key, f.is_default, f.partial, f.further, f.parts, f.of_parts,
       f.itself, f.day as effective_on, f.kind, f.legal_basis,
       coalesce(({_CONTINUING.format(unit="u")}) = f.root, false) as continues
from found f join unit u on u.id = f.unit_id
""",  # noqa: S608 - constants of this module
    parameters=1,
)
# The provinces above some units on a day: they follow whatever lay in them.
_PROVINCES = statement(
    """
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
""",
    parameters=3,
)
# Whoever acts for a unit: what is registered for it, or for the unit that goes on in it under the same name.
_ACTING = statement(
    f"""
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
""",  # noqa: S608 - constants of this module
    parameters=2,
)


@dataclass(frozen=True)
class Founded:
    """An organisation that a succession makes necessary, after the one whose place it takes."""

    id: UUID
    unit_id: UUID
    name: str
    superior_id: UUID | None
    template_id: UUID


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
    # By which resolution it ended with nobody named to follow it.
    dissolved_by: str | None

    def has_ended(self, on: date) -> bool:
        return self.valid_to is not None and self.valid_to < on


@dataclass(frozen=True)
class Acting:
    """An organisation that could act for a unit, under the unit that it is registered for."""

    id: UUID
    name: str
    unit_name: str


async def promises(
    connection: Connection[Any], organization_id: UUID | None, agreement_id: UUID, *, as_of: datetime | None = None
) -> list[asyncpg.Record] | None:
    """Who promised what in the agreement, parties first; None where the caller is no member, or it was not there."""
    if as_of is not None:
        # An agreement has a custodian at least.
        return await connection.fetch(PROMISES_PAST, organization_id, agreement_id, as_of) or None
    if not await connection.fetchval(_IS_MEMBER, organization_id, agreement_id):
        return None
    return await connection.fetch(_PROMISES, organization_id, agreement_id)


async def taken(
    connection: Connection[Any], organization_id: UUID | None, agreement_id: UUID, *, as_of: datetime | None = None
) -> dict[tuple[UUID | None, UUID], dict[UUID, Taken]]:
    """What is recorded of promises, by task decided apart and promiser, and then by the unit that ended."""
    if as_of is not None:
        return _by_promise(await connection.fetch(_TAKEN_PAST, organization_id, agreement_id, as_of))
    return _by_promise(await connection.fetch(_TAKEN, organization_id, agreement_id))


async def taken_of_all(
    connection: Connection[Any], agreement_id: UUID
) -> dict[tuple[UUID | None, UUID], dict[UUID, Taken]]:
    """The same of a locked agreement, whoever asks."""
    return _by_promise(await connection.fetch(_TAKEN_OF_ALL, agreement_id))


async def decided(
    connection: Connection[Any], agreement_ids: Sequence[UUID], organization_ids: Sequence[UUID]
) -> dict[tuple[UUID, UUID], dict[UUID, Taken]]:
    """Where somebody decided about what these promised: by agreement and promiser, and then by the unit that ended."""
    found: dict[tuple[UUID, UUID], dict[UUID, Taken]] = defaultdict(dict)
    for row in await connection.fetch(_DECIDED, agreement_ids, organization_ids):
        found[row["agreement_id"], row["promised_by_organization_id"]][row["old_unit_id"]] = _taken(row)
    return found


def _by_promise(rows: Sequence[asyncpg.Record]) -> dict[tuple[UUID | None, UUID], dict[UUID, Taken]]:
    found: dict[tuple[UUID | None, UUID], dict[UUID, Taken]] = defaultdict(dict)
    for row in rows:
        found[row["task_id"], row["promised_by_organization_id"]][row["old_unit_id"]] = _taken(row)
    return found


def _taken(row: asyncpg.Record) -> Taken:
    return Taken(
        case_id=row["id"],
        unit_id=row["unit_id"],
        organization_id=row["organization_id"],
        organization_name=row["organization_name"],
        state=CaseState(row["state"]),
        decided_by_name=row["decided_by_name"],
        decided_on=row["decided_on"],
        reason=row["reason"],
    )


async def organizations(connection: Connection[Any], ids: Sequence[UUID]) -> dict[UUID, Organization]:
    """Organisations with the unit that each acts for."""
    return {row["id"]: Organization(**row) for row in await connection.fetch(_ORGANIZATIONS, ids)}


async def units(connection: Connection[Any], ids: Sequence[UUID], *, as_of: datetime | None = None) -> dict[UUID, Unit]:
    """Units as they are known now, or were at an instant."""
    return {row["id"]: Unit(**row) for row in await _UNITS.fetch(connection, ids, as_of=as_of)}


async def ends(
    connection: Connection[Any], ended: Sequence[Unit], *, as_of: datetime | None = None
) -> dict[UUID, Ended]:
    """Of each unit that ended, who follows it; of all that is known now, or was at an instant."""
    followed: dict[UUID, list[Successor]] = defaultdict(list)
    further: dict[UUID, list[Successor]] = defaultdict(list)
    dissolved = {unit.id: unit.dissolved_by for unit in ended if unit.dissolved_by is not None}
    for row in await _SUCCESSORS.fetch(connection, [unit.id for unit in ended], as_of=as_of):
        values = dict(row)
        root, reason = values.pop("root"), _reason(row, dissolved=row["root"] in dissolved)
        if root in dissolved:
            values |= {"kind": SuccessionKind.DISSOLVE.value, "legal_basis": dissolved[root]}
        for what in ("further", "of_parts", "itself"):
            values.pop(what)
        (further if row["further"] else followed)[root].append(Successor(**values, reason=reason))
    provinces = await _provinces(connection, ended, followed, further, as_of)
    return {
        unit.id: Ended(unit.id, unit.name, judge(followed[unit.id], [*further[unit.id], *provinces[unit.id]]))
        for unit in ended
    }


def _reason(row: asyncpg.Record, *, dissolved: bool) -> Reason:
    if row["further"]:
        return Reason.SUBUNIT if row["itself"] else Reason.ABOVE
    if row["of_parts"]:
        return Reason.SUBUNITS if dissolved else Reason.COMMUNES
    if row["partial"]:
        return Reason.MOST if row["is_default"] else Reason.PART
    return Reason.WHOLE


async def _provinces(
    connection: Connection[Any],
    ended: Sequence[Unit],
    followed: Mapping[UUID, Sequence[Successor]],
    further: Mapping[UUID, Sequence[Successor]],
    as_of: datetime | None,
) -> dict[UUID, list[Successor]]:
    """The provinces in which districts have gone on, and of what nobody follows, the one in which it lay."""
    asked: list[tuple[UUID, date, UUID]] = []
    effective: dict[UUID, date] = {}
    for unit in ended:
        successors = followed.get(unit.id, ())
        assert unit.valid_to is not None
        if successors and unit.level == "district":
            asked += [(unit.id, one.effective_on, one.unit_id) for one in successors if one.level != "province"]
            effective[unit.id] = successors[0].effective_on
        elif not successors and not further.get(unit.id):
            asked.append((unit.id, unit.valid_to, unit.id))
            effective[unit.id] = date.fromordinal(unit.valid_to.toordinal() + 1)
    known = {(root, one.unit_id) for each in (followed, further) for root, some in each.items() for one in some}
    found: dict[UUID, list[Successor]] = defaultdict(list)
    columns = map(list, zip(*asked, strict=True)) if asked else ([], [], [])
    for row in await _PROVINCES.fetch(connection, *columns, as_of=as_of):
        if (row["root"], row["unit_id"]) in known:
            continue
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
    rows = await _PROVINCES.fetch(connection, unit_ids, [on] * len(unit_ids), unit_ids, as_of=None)
    return {row["root"]: row["unit_id"] for row in rows}


async def acting_for(
    connection: Connection[Any], unit_ids: Sequence[UUID], kinds: Sequence[str], *, as_of: datetime | None = None
) -> dict[tuple[UUID, str], list[Acting]]:
    """The organisations of a kind that act for a unit, the one that everybody has known longest first."""
    found: dict[tuple[UUID, str], list[Acting]] = defaultdict(list)
    for row in await _ACTING.fetch(connection, unit_ids, kinds, as_of=as_of):
        found[row["unit_id"], row["kind"]].append(Acting(row["id"], row["name"], row["unit_name"]))
    return found


_FOUND = """
insert into organization (id, unit_id, name, kind, folded, sort_key, superior_organization_id, contact_name,
    contact_title, contact_phone, contact_email, by_succession, created_at, updated_at)
select f.id, f.unit_id, f.name, t.kind, f.folded, f.sort_key, f.superior_id, t.contact_name, t.contact_title,
    t.contact_phone, t.contact_email, true, $2, $2
from json_to_recordset($1::text::json) as f(id uuid, unit_id uuid, name text, folded text, sort_key text,
    superior_id uuid, template_id uuid) join organization t on t.id = f.template_id
"""
_NAMED = "select unit_id, name, id from organization where unit_id = any($1::uuid[])"


async def lock_hierarchy(connection: Connection[Any]) -> None:
    await connection.execute("select pg_advisory_xact_lock($1)", _HIERARCHY_LOCK)


async def found(connection: Connection[Any], founded: Sequence[Founded], now: datetime) -> None:
    """New organisations, each with the focal point of the one that it follows, while the hierarchy is locked."""
    rows = [
        {
            "id": str(one.id),
            "unit_id": str(one.unit_id),
            "name": one.name,
            "folded": fold(one.name),
            "sort_key": vietnamese_sort_key(one.name),
            "superior_id": str(one.superior_id) if one.superior_id else None,
            "template_id": str(one.template_id),
        }
        for one in founded
    ]
    await connection.execute(_FOUND, orjson.dumps(rows).decode(), now)


async def named(connection: Connection[Any], unit_ids: Collection[UUID]) -> dict[tuple[UUID, str], UUID]:
    """Every organisation of these units, by unit and name."""
    return {(row["unit_id"], row["name"]): row["id"] for row in await connection.fetch(_NAMED, list(unit_ids))}


async def is_visible(
    connection: Connection[Any], organization_id: UUID | None, agreement_id: UUID, as_of: datetime | None = None
) -> bool:
    """Whether the caller sees the agreement, and it was there at the instant."""
    return bool(await connection.fetchval(_IS_VISIBLE, organization_id, agreement_id, as_of))


async def connection_of(session: AsyncSession) -> Connection[Any]:
    """The connection under a session, once what waits in the session has been written."""
    await session.flush()
    return await driver_connection(session)
