"""All SQL of urgings and of requests for an explanation; every read is scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.party_succession.standing import acts, in_task
from shared.auth import Actor
from shared.db import Parameters

SCOPE = "u.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"


def holder_in(parties: str, holder: str = "h") -> str:
    """Who stands in the place that was asked, whoever that was at first, among the parties of a task."""
    return f"""left join lateral (
    select (y.party->>'organization_id')::uuid as id, y.party->>'name' as name
    from (select {parties}->'lead' as party
          union all select jsonb_array_elements({parties}->'coordinating')
          union all select jsonb_array_elements({parties}->'monitoring')) y
    where coalesce(y.party->>'promised_by_organization_id', y.party->>'organization_id')
        = u.promised_by_organization_id::text
    limit 1) {holder} on true"""  # noqa: S608


def overdue_of(*, said: str, task_status: str) -> str:
    """Whether an answer is late on a day ($2). Nobody is late with one that nobody needs, any more or for now."""
    return f"""({said}.status = 'open' and u.answer_due_on < $2 and {task_status} not in ('suspended', 'cancelled')
    and (u.kind = 'explanation' or {task_status} <> 'completed'))"""


# A party of a task that is over keeps its name there; whoever has its place by now answers. Asked of one row after the
# other (`offset 0`), that a list stays as short as its page.
_TODAY = f"""case when t.status in ('completed', 'cancelled')
    then {in_task("u.agreement_id", "u.task_id", "t.parties", "named.id")} else named.id end"""
_FROM = f"""from task_urging u join task t on t.id = u.task_id join agreement a on a.id = u.agreement_id
{holder_in("t.parties", "named")} left join lateral (
    select today.id, case when today.id = named.id then named.name
        else (select o.name from organization o where o.id = today.id) end as name
    from (select {_TODAY} as id offset 0) today) h on true"""  # noqa: S608
_OVERDUE = overdue_of(said="u", task_status="t.status")


def body_of(*, said: str, agreement_title: str, task_title: str, demonstration: str, overdue: str) -> str:
    """The JSON of an urging `u` in the words of those days: what was answered is `said`."""
    return f"""json_build_object(
    'id', u.id, 'version', {said}.version, 'kind', u.kind, 'status', {said}.status, 'agreement_id', u.agreement_id,
    'agreement_title', {agreement_title}, 'task_id', u.task_id, 'task_title', {task_title}, 'message', u.message,
    'asked_by_organization_id', u.asked_by_organization_id,
    'asked_by_organization_name', u.asked_by_organization_name, 'asked_by', u.asked_by, 'asked_at', u.asked_at,
    'organization_id', coalesce(h.id, u.organization_id),
    'organization_name', coalesce(h.name, u.organization_name),
    'promised_by_organization_id', u.promised_by_organization_id, 'answer_due_on', u.answer_due_on,
    'overdue', {overdue}, 'answer', {said}.answer, 'answered_by_organization_id', {said}.answered_by_organization_id,
    'answered_by', {said}.answered_by, 'answered_at', {said}.answered_at, 'demonstration', {demonstration})::text"""


_BODY = body_of(
    said="u", agreement_title="a.title", task_title="t.title", demonstration="t.demonstration", overdue=_OVERDUE
)
# Caller ($1), and the day ($2) by which something is overdue.
_SHOWN = f"""{_BODY} as body,
    u.id, u.version, u.kind, u.status, {_OVERDUE} as overdue,
    array(select m.relation from agreement_member m where m.agreement_id = u.agreement_id
        and m.organization_id = $1 and m.source_id in (u.agreement_id, u.task_id)
        union all select 'own' where coalesce(h.id, u.organization_id) = $1 and {acts("u.agreement_id", "$1")}
        ) as relations"""  # noqa: S608
READ = f"select {_SHOWN} {_FROM} where u.id = $3 and u.task_id = $4 and u.kind = $5 and {SCOPE}"
_LOCK = f"{READ} for no key update of u"
_HOLDER = f"select {in_task('t.agreement_id', 't.id', 't.parties', '$2')} from task t where t.id = $1"  # noqa: S608
_MEMBER_NAME = "select name from organization where id = $1"
_INSERT = """
insert into task_urging (id, agreement_id, task_id, kind, message, asked_by_organization_id,
    asked_by_organization_name, asked_by, asked_at, promised_by_organization_id, organization_id, organization_name,
    answer_due_on)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_ANSWER = """
update task_urging set version = version + 1, status = 'answered', answer = $2, answered_by_organization_id = $3,
    answered_by = $4, answered_at = $5
where id = $1
"""


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed to; what is empty does not narrow it."""

    agreement_id: UUID | None = None
    task_id: UUID | None = None
    kinds: Sequence[str] = ()
    statuses: Sequence[str] = ()
    organization: UUID | None = None
    overdue: bool | None = None


@dataclass(frozen=True)
class Asked:
    """A new urging, or a request for an explanation."""

    id: UUID
    agreement_id: UUID
    task_id: UUID
    kind: str
    message: str
    asked_by_organization_id: UUID
    asked_by_organization_name: str
    asked_by: str
    asked_at: datetime
    promised_by_organization_id: UUID
    organization_id: UUID
    organization_name: str
    answer_due_on: date


async def read(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    task_id: UUID,
    kind: str,
    urging_id: UUID,
    *,
    today: date,
) -> asyncpg.Record | None:
    """One as JSON, with the caller's relations to it."""
    return await connection.fetchrow(READ, organization_id, today, urging_id, task_id, kind)


async def lock(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    task_id: UUID,
    kind: str,
    urging_id: UUID,
    *,
    today: date,
) -> asyncpg.Record | None:
    """The same, with its row held until the transaction ends."""
    return await connection.fetchrow(_LOCK, organization_id, today, urging_id, task_id, kind)


def narrow(narrowed: Filter, before: UUID | None, values: Parameters, *, said: str, overdue: str) -> list[str]:
    """The conditions of a list, as urgings are or as they were; `values` gains what they are about."""
    conditions: list[str] = []
    value = values.place
    if before is not None:
        conditions.append(f"u.id < {value(before)}::uuid")
    if narrowed.agreement_id is not None:
        conditions.append(f"u.agreement_id = {value(narrowed.agreement_id)}")
    if narrowed.task_id is not None:
        conditions.append(f"u.task_id = {value(narrowed.task_id)}")
    if narrowed.kinds:
        conditions.append(f"u.kind = any({value(list(narrowed.kinds))}::text[])")
    if narrowed.statuses:
        conditions.append(f"{said}.status = any({value(list(narrowed.statuses))}::text[])")
    if narrowed.organization is not None:
        conditions.append(f"coalesce(h.id, u.organization_id) = {value(narrowed.organization)}")
    if narrowed.overdue is not None:
        conditions.append(f"{overdue} = {value(narrowed.overdue)}::boolean")
    return conditions


def list_statement(
    organization_id: UUID | None, narrowed: Filter, *, today: date, before: UUID | None, limit: int
) -> tuple[Any, ...]:
    """The statement of a page, the newest first, and its parameters."""
    values = Parameters(organization_id, today)
    conditions = [SCOPE, *narrow(narrowed, before, values, said="u", overdue=_OVERDUE)]
    where = " and ".join(conditions)
    return f"select {_SHOWN} {_FROM} where {where} order by u.id desc limit {limit:d}", *values


async def list_urgings(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    today: date,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """What was asked in tasks that the caller sees, the newest first."""
    return await connection.fetch(*list_statement(organization_id, narrowed, today=today, before=before, limit=limit))


async def name_of(connection: asyncpg.Connection[Any], organization_id: UUID) -> str:
    name: str = await connection.fetchval(_MEMBER_NAME, organization_id)
    return name


async def holder(connection: asyncpg.Connection[Any], task_id: UUID, organization_id: UUID) -> UUID | None:
    """Whoever has the place of a party of the task by now; None where nobody does."""
    found: UUID | None = await connection.fetchval(_HOLDER, task_id, organization_id)
    return found


async def insert(connection: asyncpg.Connection[Any], asked: Asked) -> None:
    await connection.execute(_INSERT, *vars(asked).values())


async def answer(connection: asyncpg.Connection[Any], actor: Actor, urging_id: UUID, text: str, at: datetime) -> None:
    await connection.execute(_ANSWER, urging_id, text, actor.organization_id, actor.name, at)
