"""SQL of lists of tasks: how they are narrowed and ordered; scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.tasks.models import TaskRelation
from agreements_api.tasks.reading_repository import SCOPE, TIMELINESS, shown_columns
from shared.db import Parameters
from shared.text import escape_like

# Sort key, its type and direction. A task without a deadline comes after every other.
SORTS: dict[str, tuple[str, str, str]] = {
    "due_on": ("t.due_key", "date", ">"),
    "-due_on": ("t.due_key", "date", "<"),
    "updated_at": ("t.updated_at", "timestamptz", ">"),
    "-updated_at": ("t.updated_at", "timestamptz", "<"),
    "created_at": ("t.created_at", "timestamptz", ">"),
    "-created_at": ("t.created_at", "timestamptz", "<"),
}


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed to; what is empty does not narrow it."""

    statuses: Sequence[str] = ()
    timeliness: Sequence[str] = ()
    agreement_id: UUID | None = None
    due_before: date | None = None
    due_after: date | None = None
    locality: UUID | None = None
    organization: UUID | None = None
    relations: Sequence[str] = ()
    field: str | None = None
    folded: str | None = None


async def list_tasks(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    sort: str,
    after: tuple[date | datetime, UUID] | None,
    limit: int,
    today: date,
    soon: date,
) -> list[asyncpg.Record]:
    """A page of the tasks that the caller may see."""
    return await connection.fetch(
        *list_statement(organization_id, narrowed, sort=sort, after=after, limit=limit, today=today, soon=soon)
    )


async def count_tasks(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, narrowed: Filter, *, today: date, soon: date
) -> int:
    values = Parameters(organization_id)
    where = " and ".join((SCOPE, *narrow(narrowed, today, soon, values)))
    return int(await connection.fetchval(f"select count(*) from task t where {where}", *values))  # noqa: S608


def list_statement(
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    sort: str,
    after: tuple[date | datetime, UUID] | None,
    limit: int,
    today: date,
    soon: date,
) -> tuple[Any, ...]:
    """The statement of a page and its parameters."""
    values = Parameters(organization_id, today, soon)
    conditions = narrow(narrowed, today, soon, values)
    statement = _list_sql(conditions, len(values), sort, after is not None, limit)
    return (statement, *values, *(after or ()))


# There are as many statements as ways to narrow and order a list; each is built, and prepared, once. First the keys of
# the page, from an index alone where it can be, and only then its rows: wide as they are, they are read for what is
# shown and never for what is sorted away. The limit is no parameter, because a plan for any limit is one for a tenth of
# the table.
@lru_cache(maxsize=512)
def _list_sql(conditions: tuple[str, ...], count: int, sort: str, following: bool, limit: int) -> str:
    key, kind, direction = SORTS[sort]
    order = "desc" if direction == "<" else "asc"
    position = f" and ({key}, t.id) {direction} (${count + 1}::{kind}, ${count + 2}::uuid)" if following else ""
    if not conditions and key == "t.due_key":
        keys = _EVERY_TASK.format(position=position, order=order, limit=limit)
    else:
        where = " and ".join((SCOPE, *conditions)) + position
        keys = _KEYS.format(key=key, where=where, order=order, limit=limit)
    return f"""
with {keys}
select {shown_columns("$2", "$3")}, p.sort_value
from page p join task t on t.id = p.id join agreement a on a.id = t.agreement_id
order by p.sort_value {order}, p.id {order}
"""  # noqa: S608


_KEYS = """page as materialized (
    select t.id, {key} as sort_value from task t where {where} order by {key} {order}, t.id {order} limit {limit:d}
)"""
# Who takes part in more agreements than this reads by deadline through everybody's tasks, a share of which are its own.
_FEW_AGREEMENTS = 1_000
# What a frontend shows first, every task by its deadline. The plan of a statement is the same for every organisation,
# and no statistics tell how much is visible to one: each of the two ways is written down, and taken by what there is.
_EVERY_TASK = f"""seen as materialized (
    select array(select x.agreement_id from agreement_access x where x.organization_id = $1
                 limit {_FEW_AGREEMENTS + 1}) as ids
), page as materialized (
    select * from (
        (select t.id, t.due_key as sort_value from task t
         where t.agreement_id = any((select s.ids from seen s)::uuid[]){{position}}
           and (select cardinality(s.ids) <= {_FEW_AGREEMENTS} from seen s)
         order by t.due_key {{order}}, t.id {{order}} limit {{limit:d}})
        union all
        (select t.id, t.due_key from task t
         where exists (select from agreement_access x
                       where x.agreement_id = t.agreement_id and x.organization_id = $1 offset 0){{position}}
           and (select cardinality(s.ids) > {_FEW_AGREEMENTS} from seen s)
         order by t.due_key {{order}}, t.id {{order}} limit {{limit:d}})
    ) k order by k.sort_value {{order}}, k.id {{order}} limit {{limit:d}}
)"""  # noqa: S608


def narrow(narrowed: Filter, today: date, soon: date, values: Parameters) -> tuple[str, ...]:
    """The conditions of a list of tasks; `values` gains what they are about."""
    conditions: list[str] = []
    value = values.place
    if narrowed.statuses:
        conditions.append(f"t.status = any({value(list(narrowed.statuses))}::text[])")
    if narrowed.timeliness:
        stand = TIMELINESS.format(today=value(today), soon=value(soon))
        conditions.append(f"{stand} = any({value(list(narrowed.timeliness))}::text[])")
    if narrowed.agreement_id:
        conditions.append(f"t.agreement_id = {value(narrowed.agreement_id)}")
    if narrowed.due_before:
        conditions.append(f"t.due_key < {value(narrowed.due_before)}")
    if narrowed.due_after:
        conditions.append(f"t.due_key > {value(narrowed.due_after)} and t.due_on is not null")
    if narrowed.locality or narrowed.organization or narrowed.relations:
        conditions.append(_taking_part(narrowed, values))
    if narrowed.field:
        conditions.append(f"t.field = {value(narrowed.field)}")
    if narrowed.folded:
        conditions.append(f"t.folded like {value('%' + escape_like(narrowed.folded) + '%')}")
    return tuple(conditions)


def _taking_part(narrowed: Filter, values: Parameters) -> str:
    """Some one organisation takes part that is meant by all of unit, organisation and relation."""
    value = values.place
    relations = list(narrowed.relations) or [relation.value for relation in TaskRelation]
    condition = f"m.source_id = t.id and m.relation = any({value(relations)}::text[])"
    if narrowed.organization:
        condition += f" and m.organization_id = {value(narrowed.organization)}"
    elif not narrowed.locality:
        condition += " and m.organization_id = $1"
    joined = ""
    if narrowed.locality:
        joined = " join organization o on o.id = m.organization_id"
        condition += f" and o.unit_id = {value(narrowed.locality)}"
    return f"exists (select from agreement_member m{joined} where {condition})"
