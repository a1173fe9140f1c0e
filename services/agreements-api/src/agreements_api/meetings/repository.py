"""All SQL of meetings; every read is scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from agreements_api.history.service import as_json
from agreements_api.party_succession.standing import in_place_of
from shared.auth import Actor
from shared.db import Parameters
from shared.events import Change
from shared.ids import new_id

Connection: TypeAlias = "asyncpg.Connection[Any]"

SCOPE = "m.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
_RELATIONS = """array(select r.relation from agreement_member r where r.agreement_id = a.id
    and r.organization_id = $1 and r.source_id = a.id)"""
# The host of its day, or whoever stands in its place by now.
HOSTING = in_place_of("m.agreement_id", "m.host_organization_id")
_ASSIGNABLE = "a.status = 'in_force' and a.amends_agreement_id is null"
# What MeetingPublic shows, but for allowed_actions, which depend on the caller.
_SHOWN = f"""m.id, m.version, m.status, m.starts_at, {HOSTING} as hosting_id, {_RELATIONS} as relations,
    {_ASSIGNABLE} as assignable, json_build_object(
    'id', m.id, 'version', m.version, 'agreement_id', m.agreement_id, 'agreement_title', a.title, 'kind', m.kind,
    'title', m.title, 'status', m.status, 'host_organization_id', m.host_organization_id, 'host_name', m.host_name,
    'place', m.place, 'online_url', m.online_url, 'starts_at', m.starts_at, 'ends_at', m.ends_at,
    'held_on', m.held_on, 'cancel_reason', m.cancel_reason, 'agenda', m.agenda,
    'participants', coalesce((select json_agg(json_build_object('organization_id', p.organization_id,
        'organization_name', p.organization_name, 'unit_id', p.unit_id, 'invited', p.invited,
        'attendance', p.attendance, 'person_name', p.person_name, 'person_title', p.person_title)
        order by p.organization_name, p.organization_id)
        from meeting_participant p where p.meeting_id = m.id), '[]'),
    'minutes_revision', (select max(n.revision) from meeting_minutes n where n.meeting_id = m.id),
    'outcomes', coalesce((select json_agg(json_build_object('id', o.id, 'ordinal', o.ordinal, 'text', o.text,
        'responsible_organization_id', o.responsible_organization_id, 'responsible_name', o.responsible_name,
        'due_on', o.due_on, 'task_id', o.task_id) order by o.ordinal)
        from meeting_outcome o where o.meeting_id = m.id), '[]'),
    'demonstration', a.demonstration, 'created_at', m.created_at, 'updated_at', m.updated_at)::text as body"""  # noqa: S608
_FROM = "from meeting m join agreement a on a.id = m.agreement_id"
_READ = f"select {_SHOWN} {_FROM} where m.id = $2 and {SCOPE}"
_IS_VISIBLE = f"""
select exists (select from meeting m where m.id = $2 and {SCOPE} and ($3::timestamptz is null or m.created_at <= $3))
"""  # noqa: S608
_MINUTES = f"""
select n.revision, json_build_object('id', n.id, 'revision', n.revision, 'text', n.text,
    'organization_id', n.organization_id, 'written_by', n.written_by, 'written_at', n.written_at)::text as body
from meeting_minutes n join meeting m on m.id = n.meeting_id
where n.meeting_id = $2 and {SCOPE} and n.revision < $3 and ($5::timestamptz is null or n.written_at <= $5)
order by n.revision desc limit $4
"""  # noqa: S608
LOG = """
select m.version, json_build_object('version', m.version, 'action', m.action, 'occurred_at', m.occurred_at,
    'actor', json_build_object('id', m.actor_id, 'kind', m.actor_kind, 'name', m.actor_name,
        'organization_id', m.organization_id), 'changes', m.changes, 'remark', m.remark)::text as body
from meeting_log m
where m.subject_id = $2 and m.version < $3 and ($5::timestamptz is null or m.occurred_at <= $5)
  and m.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
order by m.version desc limit $4
"""
NEWEST = 2**31 - 1

_AGREEMENT = f"""
select a.id, a.title, a.status, {_RELATIONS} as relations,
    array(select distinct coalesce(p.responsible_organization_id, p.organization_id) from agreement_party p
          where p.agreement_id = a.id order by 1) as parties
from agreement a
where a.id = $2 and a.id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
for share of a
"""  # noqa: S608
_LOCK = f"""
select m.id, m.version, m.agreement_id, m.kind, m.title, m.status, m.host_organization_id, m.host_name, m.place,
    m.online_url, m.starts_at, m.ends_at, m.held_on, m.cancel_reason, m.agenda::text as agenda, a.demonstration,
    {HOSTING} as hosting_id, {_RELATIONS} as relations
{_FROM} where m.id = $2 and {SCOPE} for no key update of m
"""
_MEMBERS = "select distinct organization_id from agreement_member where agreement_id = $1 order by 1"
_ORGANIZATIONS = "select id, name, unit_id from organization where id = any($1::uuid[])"
_PARTICIPANTS = """
select organization_id, invited, attendance, person_name, person_title from meeting_participant
where meeting_id = $1 order by organization_id
"""
_WITHDRAW = "delete from meeting_participant where meeting_id = $1 and organization_id = any($2::uuid[])"
_PARTICIPATE = """
insert into meeting_participant (meeting_id, organization_id, organization_name, unit_id, invited, attendance,
                                 person_name, person_title)
select $1, p.organization_id, o.name, o.unit_id, p.invited, p.attendance, p.person_name, p.person_title
from unnest($2::uuid[], $3::boolean[], $4::text[], $5::text[], $6::text[])
    as p(organization_id, invited, attendance, person_name, person_title)
    join organization o on o.id = p.organization_id
on conflict (meeting_id, organization_id) do update set invited = excluded.invited, attendance = excluded.attendance,
    person_name = excluded.person_name, person_title = excluded.person_title
"""
_ADD_MINUTES = """
insert into meeting_minutes (id, meeting_id, revision, text, account_id, organization_id, written_by, written_at)
select $2, $1, coalesce(max(n.revision), 0) + 1, $3, $4, $5, $6, $7 from meeting_minutes n where n.meeting_id = $1
returning revision
"""
_OUTCOMES = """
select id, ordinal, text, responsible_organization_id, responsible_name, due_on, task_id from meeting_outcome
where meeting_id = $1 order by ordinal
"""
_ADD_OUTCOME = """
insert into meeting_outcome (id, meeting_id, ordinal, text, responsible_organization_id, responsible_name, due_on)
values ($1, $2, $3, $4, $5, $6, $7)
"""
_CHANGE_OUTCOME = """
update meeting_outcome set text = $2, responsible_organization_id = $3, responsible_name = $4, due_on = $5
where id = $1
"""
_ADD_LOG = """
insert into meeting_log (id, agreement_id, subject_kind, subject_id, version, action, actor_id, actor_kind, actor_name,
                         organization_id, changes, remark, occurred_at, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::jsonb, $12, $13, $14::text::jsonb)
"""

# What a change of a meeting can write.
COLUMNS = (
    *("kind", "title", "status", "host_organization_id", "host_name", "place", "online_url", "starts_at", "ends_at"),
    *("held_on", "cancel_reason", "agenda"),
)
_INSERT = (
    f"insert into meeting (id, agreement_id, created_at, updated_at, {', '.join(COLUMNS)})"  # noqa: S608
    f" values ($1, $2, $3, $3, {', '.join(f'${4 + at}' for at in range(len(COLUMNS) - 1))}, $15::text::jsonb)"
)
_UPDATE = (
    f"update meeting set version = $2, updated_at = $3,"  # noqa: S608
    f" {', '.join(f'{name} = ${4 + at}' for at, name in enumerate(COLUMNS[:-1]))}, agenda = $15::text::jsonb"
    " where id = $1"
)


@dataclass(frozen=True)
class Filter:
    """Which meetings a list is narrowed to."""

    agreement_id: UUID | None = None
    statuses: Sequence[str] = ()
    kinds: Sequence[str] = ()
    organization: UUID | None = None
    starts_after: datetime | None = None
    starts_before: datetime | None = None


@dataclass(frozen=True)
class ParticipantRow:
    organization_id: UUID
    invited: bool
    attendance: str | None = None
    person_name: str | None = None
    person_title: str | None = None


async def read(connection: Connection, organization_id: UUID | None, meeting_id: UUID) -> asyncpg.Record | None:
    """One meeting as JSON, with what decides on the steps that the caller can take."""
    return await connection.fetchrow(_READ, organization_id, meeting_id)


async def is_visible(
    connection: Connection, organization_id: UUID | None, meeting_id: UUID, as_of: datetime | None = None
) -> bool:
    """Whether the caller sees the meeting, and it was there."""
    return bool(await connection.fetchval(_IS_VISIBLE, organization_id, meeting_id, as_of))


async def list_meetings(
    connection: Connection,
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    after: tuple[datetime, UUID] | None,
    latest_first: bool,
    limit: int,
) -> list[asyncpg.Record]:
    return await connection.fetch(
        *list_statement(organization_id, narrowed, after=after, latest_first=latest_first, limit=limit)
    )


def list_statement(
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    after: tuple[datetime, UUID] | None,
    latest_first: bool,
    limit: int,
) -> tuple[Any, ...]:
    """The statement of a list and its values."""
    values = Parameters(organization_id)
    value = values.place
    conditions = [SCOPE]
    if narrowed.agreement_id:
        conditions.append(f"m.agreement_id = {value(narrowed.agreement_id)}")
    if narrowed.statuses:
        conditions.append(f"m.status = any({value([str(status) for status in narrowed.statuses])}::text[])")
    if narrowed.kinds:
        conditions.append(f"m.kind = any({value([str(kind) for kind in narrowed.kinds])}::text[])")
    if narrowed.organization:
        taking_part = value(narrowed.organization)
        conditions.append(
            f"(m.host_organization_id = {taking_part} or exists (select from meeting_participant p"
            f" where p.meeting_id = m.id and p.organization_id = {taking_part}) or {HOSTING} = {taking_part})"
        )
    if narrowed.starts_after:
        conditions.append(f"m.starts_at > {value(narrowed.starts_after)}")
    if narrowed.starts_before:
        conditions.append(f"m.starts_at < {value(narrowed.starts_before)}")
    if after:
        conditions.append(f"(m.starts_at, m.id) {'<' if latest_first else '>'} ({value(after[0])}, {value(after[1])})")
    order = "desc" if latest_first else "asc"
    statement = (
        f"select {_SHOWN} {_FROM} where {' and '.join(conditions)}"
        f" order by m.starts_at {order}, m.id {order} limit {limit:d}"
    )
    return (statement, *values)


async def minutes(
    connection: Connection,
    organization_id: UUID | None,
    meeting_id: UUID,
    *,
    before: int | None,
    limit: int,
    as_of: datetime | None,
) -> list[asyncpg.Record]:
    """The texts of the minutes, or those that there were at an instant, the newest first."""
    return await connection.fetch(_MINUTES, organization_id, meeting_id, before or NEWEST, limit, as_of)


async def log(
    connection: Connection,
    organization_id: UUID | None,
    subject_id: UUID,
    *,
    before: int | None,
    limit: int,
    as_of: datetime | None,
) -> list[asyncpg.Record]:
    """What happened to a meeting or a promise, or had until an instant, the newest first."""
    return await connection.fetch(LOG, organization_id, subject_id, before or NEWEST, limit, as_of)


async def hold_agreement(
    connection: Connection, organization_id: UUID | None, agreement_id: UUID
) -> asyncpg.Record | None:
    """The agreement, held so that its status stays, if the caller is a member."""
    return await connection.fetchrow(_AGREEMENT, organization_id, agreement_id)


async def lock(connection: Connection, organization_id: UUID | None, meeting_id: UUID) -> asyncpg.Record | None:
    """The meeting's row for a change, if the caller is a member of its agreement."""
    return await connection.fetchrow(_LOCK, organization_id, meeting_id)


async def members(connection: Connection, agreement_id: UUID) -> list[UUID]:
    """Every organisation that may see the agreement, and with it the meeting."""
    return [row["organization_id"] for row in await connection.fetch(_MEMBERS, agreement_id)]


async def names(connection: Connection, organization_ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = await connection.fetch(_ORGANIZATIONS, organization_ids)
    return {row["id"]: row["name"] for row in rows}


async def insert(
    connection: Connection, meeting_id: UUID, agreement_id: UUID, columns: Mapping[str, Any], *, at: datetime
) -> None:
    await connection.execute(_INSERT, meeting_id, agreement_id, at, *_values(columns))


async def update(
    connection: Connection, meeting_id: UUID, version: int, columns: Mapping[str, Any], *, at: datetime
) -> None:
    await connection.execute(_UPDATE, meeting_id, version, at, *_values(columns))


async def participants(connection: Connection, meeting_id: UUID) -> dict[UUID, ParticipantRow]:
    rows = await connection.fetch(_PARTICIPANTS, meeting_id)
    return {row["organization_id"]: ParticipantRow(**row) for row in rows}


async def write_participants(
    connection: Connection, meeting_id: UUID, rows: Sequence[ParticipantRow], *, withdrawn: Sequence[UUID] = ()
) -> None:
    if withdrawn:
        await connection.execute(_WITHDRAW, meeting_id, withdrawn)
    if rows:
        await connection.execute(
            _PARTICIPATE,
            meeting_id,
            [row.organization_id for row in rows],
            [row.invited for row in rows],
            [row.attendance for row in rows],
            [row.person_name for row in rows],
            [row.person_title for row in rows],
        )


async def add_minutes(connection: Connection, actor: Actor, meeting_id: UUID, text: str, *, at: datetime) -> int:
    """The next text of the minutes; gives its number."""
    revision: int = await connection.fetchval(
        _ADD_MINUTES, meeting_id, new_id(), text, actor.id, actor.organization_id, actor.name, at
    )
    return revision


async def outcomes(connection: Connection, meeting_id: UUID) -> list[asyncpg.Record]:
    return await connection.fetch(_OUTCOMES, meeting_id)


async def add_outcome(
    connection: Connection, outcome_id: UUID, meeting_id: UUID, ordinal: int, columns: Mapping[str, Any]
) -> None:
    await connection.execute(_ADD_OUTCOME, outcome_id, meeting_id, ordinal, *_of_outcome(columns))


async def change_outcome(connection: Connection, outcome_id: UUID, columns: Mapping[str, Any]) -> None:
    await connection.execute(_CHANGE_OUTCOME, outcome_id, *_of_outcome(columns))


async def keep_task(connection: Connection, outcome_id: UUID, task_id: UUID) -> None:
    await connection.execute("update meeting_outcome set task_id = $2 where id = $1", outcome_id, task_id)


async def add_log(
    connection: Connection,
    actor: Actor,
    subject: tuple[str, UUID],
    agreement_id: UUID,
    version: int,
    action: str,
    changes: Sequence[Change],
    state: str,
    *,
    at: datetime,
    remark: str | None = None,
) -> None:
    """What was done to a meeting or a promise (kind and id), what it changed, and how it is shown since."""
    await connection.execute(
        _ADD_LOG,
        new_id(),
        agreement_id,
        *subject,
        version,
        action,
        actor.id,
        actor.kind,
        actor.name,
        actor.organization_id,
        orjson.dumps(as_json(changes)).decode(),
        remark,
        at,
        state,
    )


def _values(columns: Mapping[str, Any]) -> list[Any]:
    return [*(columns[name] for name in COLUMNS[:-1]), orjson.dumps(columns["agenda"]).decode()]


def _of_outcome(columns: Mapping[str, Any]) -> list[Any]:
    return [columns[name] for name in ("text", "responsible_organization_id", "responsible_name", "due_on")]
