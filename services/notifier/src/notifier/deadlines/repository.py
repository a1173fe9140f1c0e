"""All SQL of deadlines and of what is learned about organisations and people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from notifier.deadlines.models import Deadline, Organization, Person, Task

_DEADLINES_OF = """
select task_id, organization_id, role, due_on, revision, is_open, since, task_version, subject_kind,
    account_ids
from deadline where task_id = any($1::uuid[])
"""
# One statement for all tasks of a batch and their deadlines: most events of a task change no date at all.
_PUT_TASKS = """
with task_row as (
    insert into task (id, version, agreement_id, agreement_title, agreement_number, title, status, lead_name, members,
                      demonstration, traceparent, subject_kind, about_task_id, path, remark)
    select id, version, agreement_id, agreement_title, agreement_number, title, status, lead_name, members,
           demonstration, traceparent, subject_kind, about_task_id, path, remark
    from json_to_recordset($1::text::json) as t(id uuid, version int, agreement_id uuid, agreement_title text,
        agreement_number text, title text, status text, lead_name text, members uuid[], demonstration boolean,
        traceparent text, subject_kind text, about_task_id uuid, path text, remark text)
    on conflict (id) do update set
        version = excluded.version, agreement_id = excluded.agreement_id, agreement_title = excluded.agreement_title,
        agreement_number = excluded.agreement_number, title = excluded.title, status = excluded.status,
        lead_name = excluded.lead_name, members = excluded.members, demonstration = excluded.demonstration,
        traceparent = excluded.traceparent, remark = excluded.remark
)
insert into deadline (task_id, organization_id, role, due_on, revision, is_open, since, task_version, subject_kind,
                      account_ids)
select d.task_id, d.organization_id, d.role, d.due_on, d.revision, d.is_open, d.since, d.task_version, d.subject_kind,
    d.account_ids::uuid[]
from unnest($2::uuid[], $3::uuid[], $4::text[], $5::date[], $6::int[], $7::boolean[], $8::timestamptz[],
    $9::int[], $10::text[], $11::text[]) as d(task_id, organization_id, role, due_on, revision, is_open, since,
    task_version, subject_kind, account_ids)
on conflict (task_id, organization_id) do update set
    role = excluded.role, due_on = excluded.due_on, revision = excluded.revision, is_open = excluded.is_open,
    since = excluded.since, task_version = excluded.task_version, account_ids = excluded.account_ids
"""
# What is asked beside a task waits while that is suspended, and ends with it, but for an explanation of what is done.
_WANTED = """not exists (select from task about where about.id = t.about_task_id and (
    about.status in ('suspended', 'cancelled')
    or about.status = 'completed' and d.subject_kind <> 'explanation'))"""
_LIST = f"""
select d.task_id, d.subject_kind, d.role, d.due_on, d.revision, d.since, t.title, t.agreement_id, t.agreement_title,
       t.agreement_number, t.status, t.lead_name, t.demonstration, t.about_task_id, t.path
from deadline d join task t on t.id = d.task_id
where d.organization_id = $1 and d.is_open and d.due_on is not null and d.due_on <= $2
  and ($3::date is null or (d.due_on, d.task_id) > ($3, $4)) and ($5::text[] = '{{}}' or d.role = any($5))
  and d.subject_kind = any($6::text[]) and {_WANTED}
order by d.due_on, d.task_id limit $7
"""  # noqa: S608
_COUNT = f"""
select count(*) from deadline d join task t on t.id = d.task_id
where d.organization_id = $1 and d.is_open and d.due_on is not null and d.due_on <= $2
  and ($3::text[] = '{{}}' or d.role = any($3)) and d.subject_kind = any($4::text[]) and {_WANTED}
"""  # noqa: S608
_OFFSETS = "select topic, partition, next_offset from inbox_offset where consumer_group = $1 and cluster_id = $2"
_CLEAR = "delete from deadline", "delete from task", "delete from organization"


async def put_organization(session: AsyncSession, organization: Organization, people: Sequence[Person]) -> None:
    """The organisation has this state and exactly these people."""
    statement = insert(Organization).values(organization.model_dump())
    replaced = {name: statement.excluded[name] for name in organization.model_dump() if name != "id"}
    await _run(session, statement.on_conflict_do_update(index_elements=["id"], set_=replaced))
    await _run(session, delete(Person).where(_column(Person, "organization_id") == organization.id))
    if people:
        await _run(session, insert(Person).values([person.model_dump() for person in people]))


async def deadlines_of(connection: asyncpg.Connection[Any], task_ids: Sequence[UUID]) -> list[Deadline]:
    """What is known of the tasks' deadlines, closed ones included."""
    return [Deadline(**row) for row in await connection.fetch(_DEADLINES_OF, task_ids)]


async def put_tasks(connection: asyncpg.Connection[Any], tasks: Sequence[Task], deadlines: Sequence[Deadline]) -> None:
    """Insert or replace what has deadlines, and these."""
    await connection.execute(
        _PUT_TASKS,
        orjson.dumps([asdict(task) for task in tasks]).decode(),
        [deadline.task_id for deadline in deadlines],
        [deadline.organization_id for deadline in deadlines],
        [str(deadline.role) for deadline in deadlines],
        [deadline.due_on for deadline in deadlines],
        [deadline.revision for deadline in deadlines],
        [deadline.is_open for deadline in deadlines],
        [deadline.since for deadline in deadlines],
        [deadline.task_version for deadline in deadlines],
        [str(deadline.subject_kind) for deadline in deadlines],
        # As text: an array of arrays must not differ in length.
        [None if one.account_ids is None else "{" + ",".join(map(str, one.account_ids)) + "}" for one in deadlines],
    )


async def list_open(
    connection: asyncpg.Connection[Any],
    organization_id: UUID,
    *,
    until: date,
    after: tuple[date, UUID] | None,
    roles: Sequence[str],
    kinds: Sequence[str],
    limit: int,
) -> list[asyncpg.Record]:
    """Open deadlines of an organisation up to a day, the earliest first; without `roles`, whatever it is in them."""
    keyset = after or (None, None)
    return await connection.fetch(_LIST, organization_id, until, *keyset, list(roles), list(kinds), limit)


async def count_open(
    connection: asyncpg.Connection[Any],
    organization_id: UUID,
    *,
    until: date,
    roles: Sequence[str],
    kinds: Sequence[str],
) -> int:
    total: int = await connection.fetchval(_COUNT, organization_id, until, list(roles), list(kinds))
    return total


async def clear(connection: asyncpg.Connection[Any]) -> None:
    """Forget everything that is learned from events."""
    for statement in _CLEAR:
        await connection.execute(statement)


async def offsets(connection: asyncpg.Connection[Any], group: str, cluster_id: str) -> dict[tuple[str, int], int]:
    """How far a consumer group has come, by topic and partition."""
    rows = await connection.fetch(_OFFSETS, group, cluster_id)
    return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}


def _column(table: type[SQLModel], name: str) -> Any:
    return table.__table__.c[name]  # type: ignore[attr-defined]


async def _run(session: AsyncSession, statement: Any) -> None:
    await (await session.connection()).execute(statement)
