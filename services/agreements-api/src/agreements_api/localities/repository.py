"""All SQL of units, successions and organisations."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import JSON, CursorResult, Executable, TextClause, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.localities.models import Organization, OrganizationContact, Unit, UnitParent, UnitSuccession
from shared.text import escape_like

Row = dict[str, Any]

# Successions change the dates of other rows, so two resolutions are recorded one after the other.
_SUCCESSION_LOCK = 352_001
_HIERARCHY_LOCK = 352_002

# A unit that was not in force on the date asked for is shown as it was on the nearest day on which it was.
_DAY = "least(greatest(cast(:on as date), coalesce(u.valid_from, :on)), coalesce(u.valid_to, :on))"


def _parent(child: str) -> str:
    return f"""
        select up.unit_id, x.id, x.code, x.name, x.level
        from unit_parent up join unit x on x.id = up.parent_id
        where up.unit_id = {child} and coalesce(up.valid_from, '-infinity') <= {_DAY}
          and coalesce(up.valid_to, 'infinity') >= {_DAY}"""  # noqa: S608 - constants of this module


_UNIT_COLUMNS = """
    u.id, u.version, u.level, u.code, u.name, u.type, u.valid_from, u.valid_to, u.latitude, u.longitude, u.sort_key,
    case when p.id is not null
        then json_build_object('id', p.id, 'code', p.code, 'name', p.name, 'level', p.level) end as parent,
    case when p.level = 'province' then json_build_object('id', p.id, 'code', p.code, 'name', p.name)
         when g.level = 'province' then json_build_object('id', g.id, 'code', g.code, 'name', g.name) end as province"""
_UNIT_JOINS = f"left join lateral ({_parent('u.id')}) p on true left join lateral ({_parent('p.id')}) g on true"
_IN_FORCE = "coalesce(u.valid_from, '-infinity') <= :on and coalesce(u.valid_to, 'infinity') >= :on"
_AFTER = '(cast(:after_key as text) is null or (u.sort_key, u.id) > (:after_key collate "C", cast(:after_id as uuid)))'
_PAGE = "order by u.sort_key, u.id limit :limit"


async def list_units(
    session: AsyncSession,
    *,
    on: date,
    after: tuple[str, UUID] | None,
    limit: int,
    levels: Sequence[str] = (),
    types: Sequence[str] = (),
    codes: Sequence[str] = (),
    parent_id: UUID | None = None,
    folded: str | None = None,
) -> list[Row]:
    """Units in force on a date, in the order of the Vietnamese alphabet."""
    where, values = _unit_conditions(levels, types, codes, parent_id, folded)
    return await _units(session, "unit u", f"{where} and {_AFTER}", values, on=on, after=after, limit=limit)


async def count_units(
    session: AsyncSession,
    *,
    on: date,
    levels: Sequence[str] = (),
    types: Sequence[str] = (),
    codes: Sequence[str] = (),
    parent_id: UUID | None = None,
    folded: str | None = None,
) -> int:
    where, values = _unit_conditions(levels, types, codes, parent_id, folded)
    result = await _execute(session, text(f"select count(*) from unit u where {where}"), {**values, "on": on})  # noqa: S608
    return int(result.scalar_one())


def _unit_conditions(
    levels: Sequence[str], types: Sequence[str], codes: Sequence[str], parent_id: UUID | None, folded: str | None
) -> tuple[str, Row]:
    conditions = [_IN_FORCE]
    values: Row = {}
    for column, accepted in (("level", levels), ("type", types), ("code", codes)):
        if accepted:
            conditions.append(f"u.{column} = any(cast(:{column} as text[]))")
            values[column] = list(accepted)
    if parent_id is not None:
        conditions.append(
            "exists (select from unit_parent up where up.unit_id = u.id and up.parent_id = :parent_id"
            " and coalesce(up.valid_from, '-infinity') <= :on and coalesce(up.valid_to, 'infinity') >= :on)"
        )
        values["parent_id"] = parent_id
    if folded:
        conditions.append("u.folded like :folded")
        values["folded"] = f"%{escape_like(folded)}%"
    return " and ".join(conditions), values


async def read_unit(session: AsyncSession, unit_id: UUID, *, on: date) -> Row | None:
    rows = await _units(session, "unit u", "u.id = :unit_id", {"unit_id": unit_id}, on=on, after=None, limit=1)
    return rows[0] if rows else None


async def list_children(
    session: AsyncSession, unit_id: UUID, *, on: date, after: tuple[str, UUID] | None, limit: int
) -> list[Row]:
    return await list_units(session, on=on, parent_id=unit_id, after=after, limit=limit)


# A dissolved unit without an edge of its own (a district of 2025) is succeeded by the successors of its parts. Where
# nobody was named to follow it, a part that lives on leads to that under which it lies from then on (`below` says of
# whose parts the way came); where no part leads to anybody, the unit above stands in its place (`above`).
_SUCCESSORS = f"""(
    with recursive walk (id, is_default, partial, effective_on, above, below) as (
        select cast(:unit_id as uuid), true, false, cast(null as date), cast(null as uuid), cast('{{}}' as uuid[])
        union
        select step.id, walk.is_default and step.is_default, walk.partial or step.partial, step.effective_on,
            coalesce(step.above, walk.above),
            case when step.below is null or step.below = any(walk.below) then walk.below
                else walk.below || step.below end
        from walk
        join unit ended on ended.id = walk.id and ended.valid_to < :on
        cross join lateral (
            select s.new_unit_id as id, s.is_default, s.partial, s.effective_on, cast(null as uuid) as above,
                cast(null as uuid) as below
            from unit_succession s
            where s.old_unit_id = ended.id and s.effective_on <= :on and ended.dissolved_by is null
            union all
            select up.parent_id, true, true, cast(ended.valid_to + 1 as date), ended.id, null
            from unit_parent up
            where ended.dissolved_by is not null and up.unit_id = ended.id and not up.parent_id = any(walk.below)
              and coalesce(up.valid_from, '-infinity') <= ended.valid_to
              and coalesce(up.valid_to, 'infinity') >= ended.valid_to
            union all
            select coalesce(lies.parent_id, part.unit_id), true, ended.dissolved_by is not null,
                cast(ended.valid_to + 1 as date), null, ended.id
            from unit_parent part
            left join unit_parent lies on ended.dissolved_by is not null and lies.unit_id = part.unit_id
              and lies.valid_from = ended.valid_to + 1
            where part.parent_id = ended.id
              and coalesce(part.valid_from, '-infinity') <= ended.valid_to
              and coalesce(part.valid_to, 'infinity') >= ended.valid_to
              and (ended.dissolved_by is not null or not exists (
                select from unit_succession s where s.old_unit_id = ended.id and s.effective_on <= :on))
        ) step
    )
    select id, bool_or(is_default) as is_default, bool_and(partial) as partial, max(effective_on) as effective_on
    from walk where id <> :unit_id and (above is null or not exists (
        select from walk part join unit u on u.id = part.id where walk.above = any(part.below) and {_IN_FORCE}))
    group by id
) s join unit u on u.id = s.id"""  # noqa: S608 - constants of this module

_PREDECESSORS = """(
    with recursive walk (id, is_default, partial, effective_on) as (
        select cast(:unit_id as uuid), true, false, cast(null as date)
        union
        select s.old_unit_id, walk.is_default and s.is_default, walk.partial or s.partial, s.effective_on
        from walk join unit_succession s on s.new_unit_id = walk.id
    )
    select id, bool_or(is_default) as is_default, bool_and(partial) as partial, max(effective_on) as effective_on
    from walk where id <> :unit_id group by id
) s join unit u on u.id = s.id"""

_EDGE_COLUMNS = ", s.is_default, s.partial, s.effective_on"


async def list_successors(
    session: AsyncSession,
    unit_id: UUID,
    *,
    on: date,
    only_default: bool,
    after: tuple[str, UUID] | None,
    limit: int,
) -> list[Row]:
    """Who stands in a unit's place on a date, through as many resolutions as lie between."""
    condition = f"{_IN_FORCE} and {_AFTER}" + (" and s.is_default" if only_default else "")
    values = {"unit_id": unit_id}
    return await _units(session, _SUCCESSORS, condition, values, on=on, after=after, limit=limit, more=_EDGE_COLUMNS)


async def has_successor(session: AsyncSession, unit_id: UUID, *, on: date) -> bool:
    """Whether anybody stands in a unit's place on a date."""
    found = await list_successors(session, unit_id, on=on, only_default=False, after=None, limit=1)
    return bool(found)


async def list_predecessors(
    session: AsyncSession, unit_id: UUID, *, on: date, after: tuple[str, UUID] | None, limit: int
) -> list[Row]:
    values = {"unit_id": unit_id}
    return await _units(session, _PREDECESSORS, _AFTER, values, on=on, after=after, limit=limit, more=_EDGE_COLUMNS)


async def _units(
    session: AsyncSession,
    source: str,
    condition: str,
    values: Row,
    *,
    on: date,
    after: tuple[str, UUID] | None,
    limit: int,
    more: str = "",
) -> list[Row]:
    # The page is cut before the parents are looked up, so that only its rows pay for them.
    statement = f"""
        select {_UNIT_COLUMNS}{more.replace("s.", "u.")}
        from (select u.*{more} from {source} where {condition} {_PAGE}) u {_UNIT_JOINS}
        order by u.sort_key, u.id"""  # noqa: S608 - constants of this module; every value is bound
    bound = {
        **values,
        "on": on,
        "after_key": after[0] if after else None,
        "after_id": after[1] if after else None,
        "limit": limit,
    }
    result = await _execute(session, text(statement).columns(parent=JSON, province=JSON), bound)
    return [dict(row) for row in result.mappings()]


async def provinces_of(session: AsyncSession, unit_ids: Sequence[UUID], *, on: date) -> dict[UUID, Row | None]:
    """The province above each unit on a date, or on the nearest day on which the unit was in force."""
    rows = await _units(
        session, "unit u", "u.id = any(:ids)", {"ids": list(unit_ids)}, on=on, after=None, limit=len(unit_ids)
    )
    return {row["id"]: row["province"] for row in rows}


async def lock_successions(session: AsyncSession) -> None:
    await _execute(session, text("select pg_advisory_xact_lock(:lock)"), {"lock": _SUCCESSION_LOCK})


async def lock_units(session: AsyncSession, unit_ids: Sequence[UUID]) -> dict[UUID, Unit]:
    found = await _execute(
        session, text("select id from unit where id = any(:ids) order by id for update"), {"ids": list(unit_ids)}
    )
    locked = [row.id for row in found]
    units = await session.exec(select(Unit).where(col(Unit.id).in_(locked)).execution_options(populate_existing=True))
    return {unit.id: unit for unit in units}


async def reachable(session: AsyncSession, unit_ids: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """Every recorded edge that can be reached from these units."""
    result = await _execute(
        session,
        text("""
            with recursive walk (old_unit_id, new_unit_id) as (
                select old_unit_id, new_unit_id from unit_succession where old_unit_id = any(:ids)
                union
                select s.old_unit_id, s.new_unit_id from walk join unit_succession s on s.old_unit_id = walk.new_unit_id
            )
            select old_unit_id, new_unit_id from walk"""),
        {"ids": list(unit_ids)},
    )
    return [(row.old_unit_id, row.new_unit_id) for row in result]


# Plain tuples and not the tables' models: making 39,000 entities takes longer than writing them.
class UnitRow(NamedTuple):
    id: UUID
    level: str
    code: str
    name: str
    type: str
    folded: str
    sort_key: str
    valid_from: date | None
    valid_to: date | None
    latitude: float | None
    longitude: float | None


class ParentRow(NamedTuple):
    id: UUID
    unit_id: UUID
    parent_id: UUID
    valid_from: date | None
    valid_to: date | None


class SuccessionRow(NamedTuple):
    id: UUID
    old_unit_id: UUID
    new_unit_id: UUID
    effective_on: date
    partial: bool
    is_default: bool
    kind: str
    legal_basis: str | None


_INSERT_UNITS = text("""
    insert into unit (id, level, code, name, type, folded, sort_key, valid_from, valid_to, latitude, longitude,
        end_recorded_at)
    select n.*, case when n.valid_to is not null then cast(:recorded_at as timestamptz) end
    from unnest(cast(:id as uuid[]), cast(:level as text[]), cast(:code as text[]), cast(:name as text[]),
        cast(:type as text[]), cast(:folded as text[]), cast(:sort_key as text[]), cast(:valid_from as date[]),
        cast(:valid_to as date[]), cast(:latitude as float8[]), cast(:longitude as float8[]))
        as n(id, level, code, name, type, folded, sort_key, valid_from, valid_to, latitude, longitude)
    on conflict do nothing""")
_INSERT_PARENTS = text("""
    insert into unit_parent (id, unit_id, parent_id, valid_from, valid_to, recorded_at, end_recorded_at)
    select n.*, cast(:recorded_at as timestamptz),
        case when n.valid_to is not null then cast(:recorded_at as timestamptz) end
    from unnest(cast(:id as uuid[]), cast(:unit_id as uuid[]), cast(:parent_id as uuid[]),
        cast(:valid_from as date[]), cast(:valid_to as date[])) as n(id, unit_id, parent_id, valid_from, valid_to)
    on conflict do nothing""")
_INSERT_SUCCESSIONS = text("""
    insert into unit_succession
        (id, old_unit_id, new_unit_id, effective_on, partial, is_default, kind, legal_basis, recorded_at)
    select n.*, cast(:recorded_at as timestamptz)
    from unnest(cast(:id as uuid[]), cast(:old_unit_id as uuid[]), cast(:new_unit_id as uuid[]),
        cast(:effective_on as date[]), cast(:partial as bool[]), cast(:is_default as bool[]), cast(:kind as text[]),
        cast(:legal_basis as text[])) as n
    on conflict do nothing""")


async def insert_units(session: AsyncSession, units: Sequence[UnitRow], recorded_at: datetime) -> int:
    """Add what is not there yet in one statement; returns how many were added."""
    return await _insert_many(session, _INSERT_UNITS, units, recorded_at)


async def insert_parents(session: AsyncSession, links: Sequence[ParentRow], recorded_at: datetime) -> int:
    return await _insert_many(session, _INSERT_PARENTS, links, recorded_at)


async def insert_successions(session: AsyncSession, edges: Sequence[SuccessionRow], recorded_at: datetime) -> int:
    return await _insert_many(session, _INSERT_SUCCESSIONS, edges, recorded_at)


async def _insert_many(
    session: AsyncSession,
    statement: TextClause,
    rows: Sequence[UnitRow] | Sequence[ParentRow] | Sequence[SuccessionRow],
    recorded_at: datetime,
) -> int:
    values: Row = {column: [getattr(row, column) for row in rows] for column in rows[0]._fields}
    return (await _execute(session, statement, values | {"recorded_at": recorded_at})).rowcount


async def code_in_use(session: AsyncSession, *, level: str, code: str, on: date) -> bool:
    result = await _execute(
        session,
        text(
            "select exists (select from unit where level = :level and code = :code"
            " and coalesce(valid_to, 'infinity') >= :on)"
        ),
        {"level": level, "code": code, "on": on},
    )
    return bool(result.scalar_one())


async def parents_open_at(session: AsyncSession, parent_id: UUID, on: date) -> list[UnitParent]:
    """Rows of the children that lie under a unit on a date or later."""
    result = await _execute(
        session,
        text(
            "select id from unit_parent where parent_id = :parent_id and coalesce(valid_to, 'infinity') >= :on"
            " order by id for update"
        ),
        {"parent_id": parent_id, "on": on},
    )
    return [await session.get_one(UnitParent, row.id) for row in result]


async def own_parents_open_at(session: AsyncSession, unit_id: UUID, on: date) -> list[UnitParent]:
    result = await _execute(
        session,
        text(
            "select id from unit_parent where unit_id = :unit_id and coalesce(valid_to, 'infinity') >= :on"
            " order by id for update"
        ),
        {"unit_id": unit_id, "on": on},
    )
    return [await session.get_one(UnitParent, row.id) for row in result]


def add(session: AsyncSession, record: Unit | UnitParent | UnitSuccession | Organization | OrganizationContact) -> None:
    session.add(record)


_ORGANIZATION = f"""
    select o.id, o.version, o.name, o.short_name, o.kind, o.superior_organization_id, o.by_succession, o.sort_key,
        json_build_object('name', o.contact_name, 'title', o.contact_title, 'phone', o.contact_phone,
            'email', o.contact_email) as contact,
        o.created_at, o.updated_at,
        json_build_object('id', u.id, 'code', u.code, 'name', u.name, 'level', u.level,
            'valid_from', u.valid_from, 'valid_to', u.valid_to,
            'province', case
                when p.level = 'province' then json_build_object('id', p.id, 'code', p.code, 'name', p.name)
                when g.level = 'province' then json_build_object('id', g.id, 'code', g.code, 'name', g.name)
            end) as unit
    from organization o join unit u on u.id = o.unit_id {_UNIT_JOINS}"""  # noqa: S608 - constants of this module


async def list_organizations(
    session: AsyncSession,
    *,
    on: date,
    after: tuple[str, UUID] | None,
    limit: int,
    unit_id: UUID | None = None,
    kinds: Sequence[str] = (),
    superior_id: UUID | None = None,
    folded: str | None = None,
) -> list[Row]:
    where, values = _organization_conditions(unit_id, kinds, superior_id, folded)
    if after is not None:
        where += ' and (o.sort_key, o.id) > (:after_key collate "C", cast(:after_id as uuid))'
        values |= {"after_key": after[0], "after_id": after[1]}
    statement = f"{_ORGANIZATION} where {where} order by o.sort_key, o.id limit :limit"
    result = await _execute(
        session, text(statement).columns(contact=JSON, unit=JSON), {**values, "on": on, "limit": limit}
    )
    return [dict(row) for row in result.mappings()]


async def count_organizations(
    session: AsyncSession,
    *,
    unit_id: UUID | None = None,
    kinds: Sequence[str] = (),
    superior_id: UUID | None = None,
    folded: str | None = None,
) -> int:
    where, values = _organization_conditions(unit_id, kinds, superior_id, folded)
    result = await _execute(session, text(f"select count(*) from organization o where {where}"), values)  # noqa: S608
    return int(result.scalar_one())


def _organization_conditions(
    unit_id: UUID | None, kinds: Sequence[str], superior_id: UUID | None, folded: str | None
) -> tuple[str, Row]:
    conditions = ["true"]
    values: Row = {}
    for column, value in (("unit_id", unit_id), ("superior_organization_id", superior_id)):
        if value is not None:
            conditions.append(f"o.{column} = :{column}")
            values[column] = value
    if kinds:
        conditions.append("o.kind = any(cast(:kinds as text[]))")
        values["kinds"] = list(kinds)
    if folded:
        conditions.append("o.folded like :folded")
        values["folded"] = f"%{escape_like(folded)}%"
    return " and ".join(conditions), values


async def read_organization(session: AsyncSession, organization_id: UUID, *, on: date) -> Row | None:
    statement = text(f"{_ORGANIZATION} where o.id = :id").columns(contact=JSON, unit=JSON)
    result = await _execute(session, statement, {"id": organization_id, "on": on})
    row = result.mappings().one_or_none()
    return dict(row) if row else None


async def read_organizations(session: AsyncSession, organization_ids: Sequence[UUID], *, on: date) -> list[Row]:
    statement = text(f"{_ORGANIZATION} where o.id = any(:ids)").columns(contact=JSON, unit=JSON)
    result = await _execute(session, statement, {"ids": list(organization_ids), "on": on})
    return [dict(row) for row in result.mappings()]


async def lock_organization(session: AsyncSession, organization_id: UUID) -> Organization | None:
    # Not stronger than it must be: agreements and accounts that refer to it may be added meanwhile.
    return await session.get(Organization, organization_id, with_for_update={"key_share": True}, populate_existing=True)


async def lock_hierarchy(session: AsyncSession) -> None:
    """Two changes of superiors at once could make a cycle that neither of them sees."""
    await _execute(session, text("select pg_advisory_xact_lock(:lock)"), {"lock": _HIERARCHY_LOCK})


async def name_taken(session: AsyncSession, *, unit_id: UUID, name: str, except_id: UUID) -> bool:
    statement = select(Organization.id).where(
        Organization.unit_id == unit_id, Organization.name == name, Organization.id != except_id
    )
    return (await session.exec(statement)).first() is not None


async def organization_exists(session: AsyncSession, organization_id: UUID) -> bool:
    return (await session.exec(select(Organization.id).where(Organization.id == organization_id))).first() is not None


async def unit_exists(session: AsyncSession, unit_id: UUID) -> bool:
    return (await session.exec(select(Unit.id).where(Unit.id == unit_id))).first() is not None


async def superiors_of(session: AsyncSession, organization_id: UUID) -> list[UUID]:
    """The chain above an organisation, itself first."""
    result = await _execute(
        session,
        text("""
            with recursive chain (id, superior_organization_id) as (
                select id, superior_organization_id from organization where id = :id
                union
                select o.id, o.superior_organization_id
                from chain join organization o on o.id = chain.superior_organization_id
            )
            select id from chain"""),
        {"id": organization_id},
    )
    return [row.id for row in result]


async def contacts_of(session: AsyncSession, organization_id: UUID) -> Sequence[OrganizationContact]:
    """The focal points of an organisation in their order; they are few."""
    query = (
        select(OrganizationContact)
        .where(OrganizationContact.organization_id == organization_id)
        .order_by(col(OrganizationContact.position))
    )
    return (await session.exec(query)).all()


async def list_contacts(
    session: AsyncSession, organization_id: UUID, *, after: int, limit: int
) -> Sequence[OrganizationContact]:
    query = (
        select(OrganizationContact)
        .where(OrganizationContact.organization_id == organization_id, col(OrganizationContact.position) > after)
        .order_by(col(OrganizationContact.position))
        .limit(limit)
    )
    return (await session.exec(query)).all()


async def remove_contact(session: AsyncSession, contact: OrganizationContact) -> None:
    await session.delete(contact)


async def person_of(session: AsyncSession, account_id: UUID, *, organization_id: UUID) -> Row | None:
    """Name and address of an account of the organisation."""
    result = await _execute(
        session,
        text("select name, email, active from account where id = :id and organization_id = :organization_id"),
        {"id": account_id, "organization_id": organization_id},
    )
    row = result.mappings().one_or_none()
    return dict(row) if row else None


async def chains_of(session: AsyncSession, organization_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The chain above each of these, itself included."""
    result = await _execute(
        session,
        text("""
            with recursive chain (root, id) as (
                select id, id from organization where id = any(:ids)
                union
                select c.root, o.superior_organization_id from chain c join organization o on o.id = c.id
                where o.superior_organization_id is not null
            )
            select root, array_agg(id) as chain from chain group by root"""),
        {"ids": list(organization_ids)},
    )
    return {row.root: row.chain for row in result}


async def people_of(session: AsyncSession, organization_id: UUID) -> list[Row]:
    result = await _execute(
        session,
        text(
            "select id as account_id, name, email, roles, language, active from account"
            " where organization_id = :id order by username"
        ),
        {"id": organization_id},
    )
    return [dict(row) for row in result.mappings()]


async def _execute(session: AsyncSession, statement: Executable, values: Row) -> CursorResult[Any]:
    # Text goes to the connection: what a session adds to `execute` is for entities.
    return await (await session.connection()).execute(statement, values)
