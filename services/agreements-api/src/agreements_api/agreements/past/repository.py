"""All SQL of agreements as they were at an instant: from the states that history keeps, scoped like the present."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.agreements.reading_repository import SCOPE, SORTS, Filter, page
from shared.db import Parameters

# The last state until the instant ($2) of each agreement that was there, along the order of creation.
_OF_THE_PAST = f"""
from agreement a cross join lateral (
    select e.state from history e where e.subject_id = a.id and e.occurred_at <= $2 order by e.version desc limit 1) h
where a.created_at <= $2 and {SCOPE}
"""  # noqa: S608
_TASKS = f"""
select h.clause_id, count(*) as tasks
from agreement a join task t on t.agreement_id = a.id cross join lateral (
    select (e.state->>'clause_id')::uuid as clause_id, e.state->>'status' as status from history e
    where e.subject_id = t.id and e.occurred_at <= $3 order by e.version desc limit 1) h
where a.id = $2 and {SCOPE} and h.clause_id is not null and h.status <> 'cancelled'
group by h.clause_id
"""  # noqa: S608


async def list_agreements(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    as_of: datetime,
    sort: str,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[asyncpg.Record]:
    """A page of the agreements that the caller may see today, as they were at an instant."""
    statement = list_statement(organization_id, narrowed, as_of=as_of, sort=sort, after=after, limit=limit)
    return await connection.fetch(*statement)


async def count_agreements(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, narrowed: Filter, *, as_of: datetime
) -> int:
    values = Parameters(organization_id, as_of)
    where = _conditions(narrowed, values)
    return int(await connection.fetchval(f"select count(*) {_OF_THE_PAST}{where}", *values))


async def count_tasks(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID, as_of: datetime
) -> dict[UUID, int]:
    """How many tasks fulfilled each clause at an instant."""
    rows = await connection.fetch(_TASKS, organization_id, agreement_id, as_of)
    return {row["clause_id"]: row["tasks"] for row in rows}


def list_statement(
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    as_of: datetime,
    sort: str,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> tuple[Any, ...]:
    """The statement of a page of the past and its parameters."""
    values = Parameters(organization_id, as_of)
    where = _conditions(narrowed, values)
    following, order = page(sort, after, values)
    statement = (
        f"select h.state::text as state, a.id, {SORTS[sort][0]} as sort_value"
        f" {_OF_THE_PAST}{where}{following}{order} limit {values.place(limit)}"
    )
    return (statement, *values)


def _conditions(narrowed: Filter, values: Parameters) -> str:
    """The conditions of the past beside those that every list of it has; `values` gains what they are about."""
    conditions: list[str] = []
    value = values.place
    if narrowed.statuses:
        conditions.append(f"h.state->>'status' = any({value(list(narrowed.statuses))}::text[])")
    if narrowed.instruments:
        conditions.append(f"h.state->>'instrument' = any({value(list(narrowed.instruments))}::text[])")
    if narrowed.amends:
        conditions.append(f"a.amends_agreement_id = {value(narrowed.amends)}")
    if narrowed.field:
        conditions.append(f"h.state->'fields' @> to_jsonb({value(narrowed.field)}::text)")
    if narrowed.party:
        party = f"{value(narrowed.party)}::uuid"
        conditions.append(
            f"(h.state->'parties' @> jsonb_build_array(jsonb_build_object('organization_id', {party}))"
            f" or h.state->'parties' @> jsonb_build_array(jsonb_build_object('responsible_organization_id', {party})))"
        )
    if narrowed.locality:
        conditions.append(
            "exists (select from jsonb_array_elements(h.state->'parties') y"
            " join organization o"
            " on o.id in ((y->>'organization_id')::uuid, (y->>'responsible_organization_id')::uuid)"
            f" where o.unit_id = {value(narrowed.locality)})"
        )
    return "".join(f" and {condition}" for condition in conditions)
