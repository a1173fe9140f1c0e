"""SQL of lists of tasks: how they are narrowed and ordered; scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.tasks.models import TaskRelation
from agreements_api.tasks.reading_repository import SCOPE, TIMELINESS, shown_columns
from agreements_api.tasks.timeliness import Timeliness
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

_DAY = timedelta(days=1)


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
    begins = _begins(narrowed, values)
    where = " and ".join((begins[0] if len(begins) == 1 else _GATHERED, *narrow(narrowed, today, soon, values)))
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
    begins = _begins(narrowed, values)
    conditions = narrow(narrowed, today, soon, values)
    statement = _list_sql(begins, conditions, len(values), sort, after is not None, limit)
    return (statement, *values, *(after or ()))


_ACCESS = "select x.agreement_id from agreement_access x where x.organization_id = $1"
# Asked once, and not of each task anew.
_VISIBLE = f"coalesce(t.agreement_id in ({_ACCESS}), false)"
_GATHERED = f"t.agreement_id = any(array({_ACCESS}))"
_SEEN = "t.agreement_id = any((select s.ids from seen s)::uuid[])"
# Up to so many visible agreements all of their tasks are gathered. Above it a page is taken from everybody's tasks in
# the order of the list, many of which are visible then; that takes the longer the fewer of them fit what is asked for.
_GATHERED_OF_ALL, _GATHERED_OF_SOME = 1_000, 5_000


def _begins(narrowed: Filter, values: Parameters) -> tuple[str, ...]:
    """What the tasks of a page are looked up by; where there are two ways, one of them finds nothing.

    A statement has one plan for every organisation, and no statistics tell how much is visible to one: PostgreSQL is
    not left to choose.
    """
    if _taking_part(narrowed):
        return (f"t.id = any(array({_members(narrowed, values)})) and {_VISIBLE}",)
    if narrowed.agreement_id:
        return (SCOPE,)
    most = _GATHERED_OF_ALL if narrowed == Filter() else _GATHERED_OF_SOME
    few = f"(select cardinality(s.ids) <= {most} from seen s)"  # noqa: S608
    return (f"{_SEEN} and {few}", f"{_VISIBLE} and not {few}")


# There are as many statements as ways to narrow and order a list; each is built, and prepared, once. First the keys of
# the page, from an index alone where it can be, and only then its rows: wide as they are, they are read for what is
# shown and never for what is sorted away. The limit is no parameter, because a plan for any limit is one for a tenth of
# the table.
@lru_cache(maxsize=512)
def _list_sql(
    begins: tuple[str, ...], conditions: tuple[str, ...], count: int, sort: str, following: bool, limit: int
) -> str:
    key, kind, direction = SORTS[sort]
    order = "desc" if direction == "<" else "asc"
    if following:
        conditions += (f"({key}, t.id) {direction} (${count + 1}::{kind}, ${count + 2}::uuid)",)
    found = " union all ".join(
        _KEYS.format(key=key, where=" and ".join((begin, *conditions)), order=order, limit=limit) for begin in begins
    )
    return f"""
with seen as materialized (
    select array({_ACCESS} limit {_GATHERED_OF_SOME + 1}) as ids
), page as materialized (
    select * from ({found}) f order by f.sort_value {order}, f.id {order} limit {limit:d}
)
select {shown_columns("$2", "$3")}, p.sort_value
from page p join task t on t.id = p.id join agreement a on a.id = t.agreement_id
order by p.sort_value {order}, p.id {order}
"""  # noqa: S608


_KEYS = """(
    select t.id, {key} as sort_value from task t where {where} order by {key} {order}, t.id {order} limit {limit:d})"""


def narrow(narrowed: Filter, today: date, soon: date, values: Parameters) -> tuple[str, ...]:
    """The conditions that each task of a list meets by itself; `values` gains what they are about."""
    conditions: list[str] = []
    value = values.place
    if narrowed.statuses:
        conditions.append(f"t.status = any({value(list(narrowed.statuses))}::text[])")
    if narrowed.timeliness:
        stand = TIMELINESS.format(today=value(today), soon=value(soon))
        conditions.append(f"{stand} = any({value(list(narrowed.timeliness))}::text[])")
        conditions += _due(narrowed.timeliness, today, soon, values)
    if narrowed.agreement_id:
        conditions.append(f"t.agreement_id = {value(narrowed.agreement_id)}")
    if narrowed.due_before:
        conditions.append(f"t.due_key < {value(narrowed.due_before)}")
    if narrowed.due_after:
        conditions.append(f"t.due_key > {value(narrowed.due_after)} and t.due_on is not null")
    if narrowed.field:
        conditions.append(f"t.field = {value(narrowed.field)}")
    if narrowed.folded:
        conditions.append(f"t.folded like {value('%' + escape_like(narrowed.folded) + '%')}")
    return tuple(conditions)


def _due(timeliness: Sequence[str], today: date, soon: date, values: Parameters) -> list[str]:
    """Between which deadlines tasks stand so, which an index knows; nothing where every deadline is possible."""
    spans = {
        Timeliness.OVERDUE: (date.min, today - _DAY),
        Timeliness.DUE_SOON: (today, soon),
        Timeliness.NOT_DUE: (soon + _DAY, date.max),
        Timeliness.IN_TIME: (soon + _DAY, date.max),
        Timeliness.NO_DEADLINE: (date.max, date.max),
    }
    asked = [spans.get(Timeliness(one), (date.min, date.max)) for one in timeliness]
    first, last = min(one for one, _ in asked), max(one for _, one in asked)
    conditions = [] if first == date.min else [f"t.due_key >= {values.place(first)}"]
    return conditions if last == date.max else [*conditions, f"t.due_key <= {values.place(last)}"]


def _taking_part(narrowed: Filter) -> bool:
    return bool(narrowed.locality or narrowed.organization or narrowed.relations)


def _members(narrowed: Filter, values: Parameters) -> str:
    """The tasks in which some one organisation takes part that is meant by all of unit, organisation and relation.

    What is over keeps the names of its day: it is found by them, also where another one stands in their place by now.
    """
    value = values.place
    relations = f"{value(list(narrowed.relations) or [relation.value for relation in TaskRelation])}::text[]"
    whose, joined = [], ""
    if narrowed.locality:
        joined = " join organization o on o.id = m.organization_id"
        whose.append(f"o.unit_id = {value(narrowed.locality)}")
    if narrowed.organization:
        whose.append(f"m.organization_id = {value(narrowed.organization)}")
    elif not narrowed.locality:
        whose.append("m.organization_id = $1")
    if narrowed.agreement_id:
        whose.append(f"m.agreement_id = {value(narrowed.agreement_id)}")
    condition = " and ".join(whose)
    return f"""
        select m.source_id from agreement_member m{joined} where m.relation = any({relations}) and {condition}
        union all
        select m.source_id from agreement_member m{joined} join task n on n.id = m.source_id
        where m.relation = 'former' and {condition} and {_named(relations)}"""  # noqa: S608


def _named(relations: str) -> str:
    """Whether `m` is named in task `n`, which is over, as one of these."""
    party = "jsonb_build_array(jsonb_build_object('organization_id', m.organization_id))"
    return f"""n.status in ('completed', 'cancelled') and (
            'lead' = any({relations}) and n.lead_organization_id = m.organization_id
            or 'coordinating' = any({relations}) and n.parties->'coordinating' @> {party}
            or 'monitor' = any({relations}) and n.parties->'monitoring' @> {party})"""
