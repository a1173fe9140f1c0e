"""All SQL of publication. The public's reads go through the views `public_…` only, which hold nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.publication.models import Publication, PublishedTask
from shared.auth import Actor
from shared.db import Parameters
from shared.text import escape_like

# What the schemas show to the public; a test holds the two together.
_AGREEMENT = """json_build_object(
    'id', a.id, 'version', a.publication_version, 'published_at', a.published_at, 'modified_at', a.modified_at,
    'instrument', a.instrument, 'number', a.number, 'title', a.title, 'status', a.status, 'parent', a.parent,
    'parent_agreement_id', a.parent_agreement_id, 'fields', a.fields, 'custodian_name', a.custodian_name,
    'term_from', a.term_from, 'term_to', a.term_to, 'signed_on', a.signed_on, 'in_force_on', a.in_force_on,
    'text_digest', a.text_digest, 'demonstration', a.demonstration, 'source_url', a.source_url,
    'parties', coalesce((select json_agg(json_build_object(
        'organization_name', y.organization_name, 'unit_id', y.unit_id, 'unit_name', y.unit_name, 'role', y.role,
        'signatory_name', y.signatory_name, 'signatory_title', y.signatory_title, 'signed_at', y.signed_at)
        order by y.ordinal) from public_party y where y.agreement_id = a.id), '[]'),
    'task_count', (select count(*) from public_task t where t.agreement_id = a.id))::text"""
_TOMBSTONE = "json_build_object('id', c.id, 'removed_at', c.removed_at)::text"
_TASK = """json_build_object(
    'id', t.id, 'clause_ordinal', t.clause_ordinal, 'title', t.title, 'deliverable', t.deliverable, 'field', t.field,
    'status', t.status, 'due_on', t.due_on, 'percent', t.percent, 'completed_on', t.completed_on,
    'demonstration', t.demonstration, 'lead', t.lead, 'coordinating', t.coordinating)::text"""

PUBLIC_READ = f"select {_AGREEMENT} as body, a.modified_at from public_agreement a where a.id = $1"  # noqa: S608
PUBLIC_TEXT = """
select x.frozen_text, x.text_format, x.text_digest, x.opened_at, x.modified_at
from public_text x where x.agreement_id = $1
"""
PUBLIC_TASKS = f"""
select {_TASK} as body, t.id from public_task t
where t.agreement_id = $1 and ($2::uuid is null or t.id > $2) order by t.id limit $3
"""  # noqa: S608
_PUBLIC_MODIFIED = "select a.modified_at from public_agreement a where a.id = $1"
# As PostgreSQL writes a moment in the JSON of lists: the same moment is the same text wherever it is shown.
_REMOVED = "select to_json(b.removed_at)#>>'{}' from public_tombstone b where b.id = $1"
_LAST_CHANGE = "select max(c.modified_at) from public_change c"

SORTS: dict[str, str] = {"modified_at": ">", "-modified_at": "<"}


@dataclass(frozen=True)
class Filter:
    """What a list for the public is narrowed to; what is empty does not narrow it."""

    # With it, what was taken back since then is told as well, whatever the other conditions are.
    modified_since: datetime | None = None
    instruments: Sequence[str] = ()
    field: str | None = None
    locality: UUID | None = None
    folded: str | None = None


async def list_public(
    connection: asyncpg.Connection[Any],
    narrowed: Filter,
    *,
    sort: str,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[asyncpg.Record]:
    return await connection.fetch(*list_statement(narrowed, sort=sort, after=after, limit=limit))


async def last_change(connection: asyncpg.Connection[Any]) -> datetime | None:
    """When anything public last changed, appeared or was taken back."""
    moment: datetime | None = await connection.fetchval(_LAST_CHANGE)
    return moment


def list_statement(narrowed: Filter, *, sort: str, after: tuple[datetime, UUID] | None, limit: int) -> tuple[Any, ...]:
    """The statement of a page and its parameters."""
    values = Parameters()
    value = values.place
    living = " and ".join(["a.id = c.id", *_conditions(narrowed, values)])
    conditions = ["found.is_public"]
    if narrowed.folded:
        conditions.append(f"c.folded like {value('%' + escape_like(narrowed.folded) + '%')}")
    if narrowed.locality:
        # Kept from the planner: it would take longer to plan for every locality anew than a list takes.
        conditions.append(f"c.unit_ids @> array[(select {value(narrowed.locality)}::uuid)]")
    if narrowed.modified_since is not None:
        conditions = [f"(c.removed_at is not null or {condition})" for condition in conditions]
        conditions.append(f"c.modified_at >= {value(narrowed.modified_since)}")
    where = " and ".join(conditions)
    direction = SORTS[sort]
    if after is not None:
        where += f" and (c.modified_at, c.id) {direction} ({value(after[0])}::timestamptz, {value(after[1])}::uuid)"
    order = "desc" if direction == "<" else "asc"
    # Looked up one by one, as the changes come along their index: joined, all of them would be gathered and sorted.
    statement = f"""
with page as materialized (
    select c.id, c.modified_at, c.removed_at
    from public_change c
        left join lateral (select true as is_public from public_agreement a where {living} limit 1) found on true
    where {where} order by c.modified_at {order}, c.id {order} limit {limit:d}
)
select c.id, c.modified_at, case when c.removed_at is null then shown.body else {_TOMBSTONE} end as body
from page c
    left join lateral (select {_AGREEMENT} as body from public_agreement a where a.id = c.id limit 1) shown on true
order by c.modified_at {order}, c.id {order}
"""  # noqa: S608
    return (statement, *values)


def _conditions(narrowed: Filter, values: Parameters) -> list[str]:
    conditions, value = [], values.place
    if narrowed.instruments:
        conditions.append(f"a.instrument = any({value(list(narrowed.instruments))}::text[])")
    if narrowed.field:
        conditions.append(f"{value(narrowed.field)} = any(a.fields)")
    return conditions


async def read_public(connection: asyncpg.Connection[Any], agreement_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(PUBLIC_READ, agreement_id)


async def read_public_text(connection: asyncpg.Connection[Any], agreement_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(PUBLIC_TEXT, agreement_id)


async def public_since(connection: asyncpg.Connection[Any], agreement_id: UUID) -> datetime | None:
    """When the public face of the agreement last changed; none where it has none."""
    moment: datetime | None = await connection.fetchval(_PUBLIC_MODIFIED, agreement_id)
    return moment


async def list_public_tasks(
    connection: asyncpg.Connection[Any], agreement_id: UUID, *, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    return await connection.fetch(PUBLIC_TASKS, agreement_id, after, limit)


async def removed_at(connection: asyncpg.Connection[Any], agreement_id: UUID) -> str | None:
    """When the agreement was taken back from the public; none where it never was."""
    moment: str | None = await connection.fetchval(_REMOVED, agreement_id)
    return moment


_UNITS = """
select u.code, u.id, u.name, p.name as province_name
from unit u
    left join unit_parent up on up.unit_id = u.id
        and coalesce(up.valid_from, '-infinity') <= $2 and coalesce(up.valid_to, 'infinity') >= $2
    left join unit p on p.id = up.parent_id
where u.level = 'district' and u.code = any($1::text[])
  and coalesce(u.valid_from, '-infinity') <= $2 and coalesce(u.valid_to, 'infinity') >= $2
"""


async def districts(
    connection: asyncpg.Connection[Any], codes: Sequence[str], *, on: date
) -> dict[str, asyncpg.Record]:
    """The districts that had these codes on the day: a code means something only with a date."""
    return {row["code"]: row for row in await connection.fetch(_UNITS, list(codes), on)}


_SCOPE = "exists (select from agreement_access x where x.agreement_id = a.id and x.organization_id = $1)"
_STANDING = f"""
select a.id as agreement_id, a.version as agreement_version, a.in_force_on is not null as was_in_force,
    p.version, to_json(p.published_at)#>>'{{}}' as published_at, to_json(p.unpublished_at)#>>'{{}}' as unpublished_at,
    array(select k.task_id from publication_task k where k.agreement_id = a.id order by k.task_id) as task_ids,
    array(select m.relation from agreement_member m
          where m.agreement_id = a.id and m.organization_id = $1 and m.source_id = a.id) as relations
from agreement a left join publication p on p.agreement_id = a.id where a.id = $2 and {_SCOPE}
"""  # noqa: S608
# Its version at an instant ($3), and every step until then with the tasks that had the title which the step tells of.
_STEPS = f"""
select h.agreement_id, h.version as agreement_version, (
    select coalesce(json_agg(json_build_object('action', s.action, 'occurred_at', s.occurred_at, 'changes', s.changes,
        'of_this_title', array(
            select t.id from jsonb_array_elements(s.changes) y, task t cross join lateral (
                select g.state->>'title' as title from history g
                where g.subject_id = t.id and g.occurred_at <= s.occurred_at order by g.version desc limit 1) was
            where y->>'field' = 'public_task' and t.agreement_id = $2
              and was.title = coalesce(y->>'to', y->>'from') order by t.id)) order by s.version), '[]')::text
    from history s where s.subject_id = $2 and s.occurred_at <= $3
      and s.action in ('publish', 'unpublish', 'publish_task', 'unpublish_task')) as steps
from history h join agreement a on a.id = h.subject_id
where h.subject_id = $2 and h.occurred_at <= $3 and {_SCOPE} order by h.version desc limit 1
"""  # noqa: S608


async def read(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID
) -> asyncpg.Record | None:
    """How the agreement stands to the public, and the caller to the agreement."""
    return await connection.fetchrow(_STANDING, organization_id, agreement_id)


async def read_past(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID, as_of: datetime
) -> asyncpg.Record | None:
    """The agreement's version at an instant, and as JSON the steps of publishing that had been taken by then."""
    return await connection.fetchrow(_STEPS, organization_id, agreement_id, as_of)


async def publication_of(session: AsyncSession, agreement_id: UUID) -> Publication | None:
    # Held: a task that changes meanwhile raises `modified_at` after us, and not under us.
    statement = select(Publication).where(Publication.agreement_id == agreement_id).with_for_update()
    return (await session.exec(statement)).one_or_none()


async def units_of_parties(session: AsyncSession, agreement_id: UUID) -> list[UUID]:
    """The units whose organisations are parties of the agreement, as they signed it."""
    rows = await (await session.connection()).execute(
        text(
            "select distinct o.unit_id from agreement_party y join organization o on o.id = y.organization_id"
            " where y.agreement_id = :agreement order by o.unit_id"
        ),
        {"agreement": agreement_id},
    )
    return [row.unit_id for row in rows]


async def published_tasks(session: AsyncSession, agreement_id: UUID) -> list[UUID]:
    statement = select(PublishedTask.task_id).where(PublishedTask.agreement_id == agreement_id)
    return list((await session.exec(statement)).all())


async def withdraw_tasks(session: AsyncSession, agreement_id: UUID, task_id: UUID | None = None) -> None:
    """All tasks of the agreement, or one, are no longer public."""
    statement = delete(PublishedTask).where(col(PublishedTask.agreement_id) == agreement_id)
    if task_id is not None:
        statement = statement.where(col(PublishedTask.task_id) == task_id)
    await session.exec(statement)


async def tasks_among(session: AsyncSession, agreement_id: UUID, task_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these that are tasks of the agreement."""
    rows = await (await session.connection()).execute(
        text("select id from task where agreement_id = :agreement and id = any(:ids)"),
        {"agreement": agreement_id, "ids": list(task_ids)},
    )
    return {row.id for row in rows}


async def agreement_of_task(session: AsyncSession, actor: Actor, task_id: UUID) -> UUID | None:
    """The agreement of a task that the caller may see."""
    row = (
        await (await session.connection()).execute(
            text(
                "select t.agreement_id from task t where t.id = :task and t.agreement_id in"
                " (select x.agreement_id from agreement_access x where x.organization_id = :organization)"
            ),
            {"task": task_id, "organization": actor.organization_id},
        )
    ).one_or_none()
    return None if row is None else row.agreement_id


async def lock_task(session: AsyncSession, task_id: UUID) -> tuple[int, str]:
    """Version and title of the task, which stay as they are until the transaction ends."""
    row = (
        await (await session.connection()).execute(
            text("select version, title from task where id = :task for share"), {"task": task_id}
        )
    ).one()
    return row.version, row.title


async def add(session: AsyncSession, *records: Publication | PublishedTask) -> None:
    session.add_all(records)
    await session.flush()
