"""All SQL of tasks as they were at an instant: from the states that history keeps, scoped like that of the present."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.tasks.lists_repository import SORTS, Filter, narrow
from agreements_api.tasks.models import TaskRelation
from agreements_api.tasks.reading_repository import SCOPE, TIMELINESS
from shared.db import Parameters

# The last state until the instant ($3) of each task of an agreement ($2), with what a list goes by.
_OF_THE_PAST = f"""
select e.state, s.*, coalesce(s.due_on, 'infinity'::date) as due_key
from task t cross join lateral (
    select h.state from history h where h.subject_id = t.id and h.occurred_at <= $3 order by h.version desc limit 1) e
cross join lateral jsonb_to_record(e.state) as s(id uuid, status text, field text, due_on date,
    completed_at timestamptz, created_at timestamptz, updated_at timestamptz)
where t.agreement_id = $2 and {SCOPE}
"""  # noqa: S608


async def list_tasks(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    as_of: datetime,
    sort: str,
    after: tuple[date | datetime, UUID] | None,
    limit: int,
    today: date,
    soon: date,
) -> list[asyncpg.Record]:
    """A page of one agreement's tasks as they were at an instant, with their timeliness on the day of it."""
    return await connection.fetch(
        *list_statement(
            organization_id, narrowed, as_of=as_of, sort=sort, after=after, limit=limit, today=today, soon=soon
        )
    )


async def count_tasks(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    as_of: datetime,
    today: date,
    soon: date,
) -> int:
    values = Parameters(organization_id, narrowed.agreement_id, as_of)
    where = _conditions(narrowed, today, soon, values)
    return int(await connection.fetchval(f"select count(*) from ({_OF_THE_PAST}) t{where}", *values))  # noqa: S608


def list_statement(
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    as_of: datetime,
    sort: str,
    after: tuple[date | datetime, UUID] | None,
    limit: int,
    today: date,
    soon: date,
) -> tuple[Any, ...]:
    """The statement of a page of the past and its parameters."""
    values = Parameters(organization_id, narrowed.agreement_id, as_of)
    where = _conditions(narrowed, today, soon, values)
    key, kind, direction = SORTS[sort]
    if after is not None:
        position = f"{values.place(after[0])}::{kind}, {values.place(after[1])}::uuid"
        where += f"{' and' if where else ' where'} ({key}, t.id) {direction} ({position})"
    order = "desc" if direction == "<" else "asc"
    stand = TIMELINESS.format(today=f"{values.place(today)}::date", soon=f"{values.place(soon)}::date")
    statement = f"""
select t.state::text as state, t.id, {key} as sort_value, {stand} as timeliness
from ({_OF_THE_PAST}) t{where} order by {key} {order}, t.id {order} limit {limit:d}
"""  # noqa: S608
    return (statement, *values)


def _conditions(narrowed: Filter, today: date, soon: date, values: Parameters) -> str:
    """The conditions on states; `values` gains what they are about."""
    taking_part = Filter(locality=narrowed.locality, organization=narrowed.organization, relations=narrowed.relations)
    alone = replace(narrowed, agreement_id=None, locality=None, organization=None, relations=(), folded=None)
    conditions = narrow(alone, today, soon, values)
    if taking_part != Filter():
        conditions += (_taking_part_then(taking_part, values),)
    return f" where {' and '.join(conditions)}" if conditions else ""


def _taking_part_then(narrowed: Filter, values: Parameters) -> str:
    """Some one organisation took part that is meant by all of unit, organisation and relation."""
    value = values.place
    relations = list(narrowed.relations) or [relation.value for relation in TaskRelation]
    condition = f"r.relation = any({value(relations)}::text[])"
    joined = ""
    if narrowed.organization:
        condition += f" and (y->>'organization_id')::uuid = {value(narrowed.organization)}"
    elif not narrowed.locality:
        condition += " and (y->>'organization_id')::uuid = $1"
    if narrowed.locality:
        joined = " join organization o on o.id = (y->>'organization_id')::uuid"
        condition += f" and o.unit_id = {value(narrowed.locality)}"
    return f"""exists (
        select from (values ('lead', jsonb_build_array(t.state->'lead')), ('coordinating', t.state->'coordinating'),
            ('monitor', t.state->'monitoring')) r(relation, parties), jsonb_array_elements(r.parties) y{joined}
        where {condition})"""
