"""All SQL of assignments; every statement is scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.assignments.models import AssignmentAction, SubjectKind
from shared.auth import Actor
from shared.ids import new_id

# Assignments of one organisation change one after the other: what is handed over stays what was counted.
_LOCK = "select pg_advisory_xact_lock(hashtextextended($1::text, 353))"
# Caller ($1), record ($2), and the instant ($3) at which it was to be there.
_TASK = """
select t.agreement_id, array(
    select distinct m.relation from agreement_member m where m.agreement_id = t.agreement_id
      and m.organization_id = $1 and m.source_id in (t.agreement_id, t.id)) as relations
from task t
where t.id = $2 and ($3::timestamptz is null or t.created_at <= $3)
  and t.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
"""
_AGREEMENT = """
select a.id as agreement_id, array(
    select distinct m.relation from agreement_member m where m.agreement_id = a.id
      and m.organization_id = $1 and m.source_id = a.id) as relations
from agreement a
where a.id = $2 and ($3::timestamptz is null or a.created_at <= $3)
  and a.id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
"""
SUBJECTS = {SubjectKind.TASK: _TASK, SubjectKind.AGREEMENT: _AGREEMENT}
_VERSION = """
select count(*) from work_assignment_log l
where l.organization_id = $1 and l.subject_id = $2 and ($3::timestamptz is null or l.occurred_at <= $3)
"""
_ASSIGNEES = """
select w.account_id, c.name, c.roles, c.active, w.since
from work_assignment w join account c on c.id = w.account_id
where w.organization_id = $1 and w.subject_id = $2 order by w.id
"""
# Whoever began by an instant ($3), and has not ended since, handled it: from the first of these beginnings on.
PAST_ASSIGNEES = """
with told as (
    select l.id, l.occurred_at, l.action, l.account_id, l.to_account_id from work_assignment_log l
    where l.organization_id = $1 and l.subject_id = $2 and l.occurred_at <= $3
), begun as (
    select coalesce(b.to_account_id, b.account_id) as account_id, b.id, b.occurred_at
    from told b where b.action <> 'released'
)
select b.account_id, c.name, c.roles, c.active, min(b.occurred_at) as since
from begun b join account c on c.id = b.account_id
where not exists (
    select from told e where e.action <> 'assigned' and e.account_id = b.account_id and e.id > b.id)
group by b.account_id, c.name, c.roles, c.active order by min(b.id::text), b.account_id
"""
LOG = """
select l.id, l.action, l.account_id, c.name, l.to_account_id, r.name as to_name, l.actor_name, l.occurred_at
from work_assignment_log l join account c on c.id = l.account_id left join account r on r.id = l.to_account_id
where l.organization_id = $1 and l.subject_id = $2 and ($3::uuid is null or l.id < $3)
  and ($5::timestamptz is null or l.occurred_at <= $5)
order by l.id desc limit $4
"""
_PEOPLE = """
select id, active, roles from account where organization_id = $1 and id = any($2::uuid[]) order by id for share
"""
_ASSIGN = """
insert into work_assignment
    (id, organization_id, account_id, subject_kind, subject_id, agreement_id, assigned_by, since)
select w.id, $1, w.account_id, w.subject_kind, w.subject_id, w.agreement_id, $2, $3
from unnest($4::uuid[], $5::uuid[], $6::text[], $7::uuid[], $8::uuid[])
    as w(id, account_id, subject_kind, subject_id, agreement_id)
on conflict (subject_id, organization_id, account_id) do nothing
"""
_RELEASE = """
delete from work_assignment where organization_id = $1 and subject_id = any($2::uuid[]) and account_id = any($3::uuid[])
"""
_TELL = """
insert into work_assignment_log (id, organization_id, account_id, subject_kind, subject_id, agreement_id, action,
                                 to_account_id, actor_id, actor_name, occurred_at)
select l.id, $1, l.account_id, l.subject_kind, l.subject_id, l.agreement_id, l.action, l.to_account_id, $2, $3, $4
from unnest($5::uuid[], $6::uuid[], $7::text[], $8::uuid[], $9::uuid[], $10::text[], $11::uuid[])
    as l(id, account_id, subject_kind, subject_id, agreement_id, action, to_account_id)
"""
# Of a new agreement: nobody handles it yet, and who has no account in the organisation does not begin to.
_TAKE_ON = """
with drafter as (
    select id from account where id = $2 and organization_id = $1
), given as (
    insert into work_assignment
        (id, organization_id, account_id, subject_kind, subject_id, agreement_id, assigned_by, since)
    select $3, $1, d.id, 'agreement', $4, $4, d.id, $6 from drafter d
)
insert into work_assignment_log (id, organization_id, account_id, subject_kind, subject_id, agreement_id, action,
                                 actor_id, actor_name, occurred_at)
select $3, $1, d.id, 'agreement', $4, $4, 'assigned', d.id, $5, $6 from drafter d
"""
# What the person ($2) still has to do: a task until it is completed or given up, an agreement until it is in force.
_OPEN = """
from work_assignment w join agreement a on a.id = w.agreement_id
    left join task t on w.subject_kind = 'task' and t.id = w.subject_id
where w.organization_id = $1 and w.account_id = $2
  and a.id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
  and case w.subject_kind when 'task' then t.status not in ('completed', 'cancelled')
      else a.status in ('draft', 'open_for_signature') end
"""
OPEN_WORK = f"""
select w.id as assignment_id, w.subject_kind as kind, w.subject_id as id, w.agreement_id, a.title as agreement_title,
    coalesce(t.title, a.title) as title, coalesce(t.status, a.status) as status, t.due_on, w.since
{_OPEN} and ($3::uuid is null or w.id > $3) order by w.id limit $4
"""
_COUNT_OPEN = f"select count(*) {_OPEN}"
_EVERY_OPEN = f"""
select w.subject_kind, w.subject_id, w.agreement_id {_OPEN} order by w.id
"""


@dataclass(frozen=True)
class Subject:
    """A task or an agreement that somebody handles."""

    kind: SubjectKind
    id: UUID
    agreement_id: UUID


@dataclass(frozen=True)
class Entry:
    """What happened to the assignment of one person to one subject."""

    subject: Subject
    account_id: UUID
    action: AssignmentAction
    to_account_id: UUID | None = None


async def lock(connection: asyncpg.Connection[Any], organization_id: UUID) -> None:
    """Hold the assignments of an organisation until the end of the transaction."""
    await connection.execute(_LOCK, str(organization_id))


async def subject_of(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    kind: SubjectKind,
    subject_id: UUID,
    as_of: datetime | None = None,
) -> tuple[Subject, list[str]] | None:
    """The record, if the caller is a member and it was there at the instant, and how his organisation stands to it."""
    row = await connection.fetchrow(SUBJECTS[kind], organization_id, subject_id, as_of)
    return (Subject(kind, subject_id, row["agreement_id"]), row["relations"]) if row is not None else None


async def version_of(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    subject_id: UUID,
    as_of: datetime | None = None,
) -> int:
    """How often an organisation had changed who handles something, by an instant or by now."""
    count: int = await connection.fetchval(_VERSION, organization_id, subject_id, as_of)
    return count


async def assignees(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    subject_id: UUID,
    as_of: datetime | None = None,
) -> list[asyncpg.Record]:
    """Who handles something, or handled it at an instant."""
    if as_of is None:
        return await connection.fetch(_ASSIGNEES, organization_id, subject_id)
    return await connection.fetch(PAST_ASSIGNEES, organization_id, subject_id, as_of)


async def log(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    subject_id: UUID,
    *,
    before: UUID | None,
    limit: int,
    as_of: datetime | None = None,
) -> list[asyncpg.Record]:
    """What happened, the newest first."""
    return await connection.fetch(LOG, organization_id, subject_id, before, limit, as_of)


async def hold_people(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, account_ids: Sequence[UUID]
) -> dict[UUID, asyncpg.Record]:
    """Accounts of an organisation, which stay as they are until the end of the transaction."""
    return {row["id"]: row for row in await connection.fetch(_PEOPLE, organization_id, account_ids)}


async def take_on(
    connection: asyncpg.Connection[Any], actor: Actor, organization_id: UUID, agreement_id: UUID, *, at: datetime
) -> None:
    """Whoever drafted an agreement handles it, if he is one of the organisation's people."""
    await connection.execute(_TAKE_ON, organization_id, actor.id, new_id(), agreement_id, actor.name, at)


async def write(
    connection: asyncpg.Connection[Any],
    actor: Actor,
    organization_id: UUID,
    entries: Sequence[Entry],
    *,
    at: datetime,
) -> None:
    """Carry out what the entries say, and keep them."""
    ended = [entry for entry in entries if entry.action != AssignmentAction.ASSIGNED]
    begun = [
        (entry.subject, entry.to_account_id or entry.account_id)
        for entry in entries
        if entry.action != AssignmentAction.RELEASED
    ]
    if ended:
        subjects, people = {entry.subject.id for entry in ended}, {entry.account_id for entry in ended}
        await connection.execute(_RELEASE, organization_id, list(subjects), list(people))
    if begun:
        await connection.execute(
            _ASSIGN,
            organization_id,
            actor.id,
            at,
            [new_id() for _ in begun],
            [account_id for _, account_id in begun],
            [subject.kind.value for subject, _ in begun],
            [subject.id for subject, _ in begun],
            [subject.agreement_id for subject, _ in begun],
        )
    await connection.execute(
        _TELL,
        organization_id,
        actor.id,
        actor.name,
        at,
        [new_id() for _ in entries],
        [entry.account_id for entry in entries],
        [entry.subject.kind.value for entry in entries],
        [entry.subject.id for entry in entries],
        [entry.subject.agreement_id for entry in entries],
        [entry.action.value for entry in entries],
        [entry.to_account_id for entry in entries],
    )


async def open_work(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    account_id: UUID,
    *,
    after: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """A person's open work, what was given first before what was given later."""
    return await connection.fetch(OPEN_WORK, organization_id, account_id, after, limit)


async def count_open_work(connection: asyncpg.Connection[Any], organization_id: UUID | None, account_id: UUID) -> int:
    count: int = await connection.fetchval(_COUNT_OPEN, organization_id, account_id)
    return count


async def every_open(connection: asyncpg.Connection[Any], organization_id: UUID, account_id: UUID) -> list[Subject]:
    """All of a person's open work, for whoever takes it over."""
    rows = await connection.fetch(_EVERY_OPEN, organization_id, account_id)
    return [Subject(SubjectKind(row["subject_kind"]), row["subject_id"], row["agreement_id"]) for row in rows]
