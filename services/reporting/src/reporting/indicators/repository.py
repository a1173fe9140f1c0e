"""All SQL that reads figures; row-level security and the join on members both keep them to the caller's agreements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from reporting.indicators.figures import Figures, Group
from reporting.indicators.links import Cell, Scope

# The status of each task at $1, in the scope of organization $2. `deadline` is the first instant after the due date in
# Việt Nam; the pure rule is figures.timeliness, and a test holds the two together.
_TASKS = """
    select t.task_id, t.version, t.agreement_id, t.clause_id, t.title, t.field, t.status, t.deliverable, t.due_on,
           t.original_due_on, t.percent, t.completed_at, t.demonstration, t.lead_organization_id, t.lead_name,
           t.coordinating, t.last_report,
           coalesce(t.lead_unit_name, o.unit_name, t.lead_name) as locality_name,
           coalesce(t.lead_unit_id, o.unit_id) as locality_id,
           case
               when t.status = 'completed' then case
                   when t.due_on is null or t.completed_at is null or t.completed_at < d.deadline
                   then 'completed_on_time' else 'completed_late' end
               when t.due_on is null then 'no_deadline'
               when $1 >= d.deadline then 'overdue'
               else 'in_time'
           end as timeliness
    from task_version t
    left join organization o on o.id = t.lead_organization_id
    cross join lateral (select (t.due_on + 1)::timestamp at time zone 'Asia/Ho_Chi_Minh' as deadline) d
    where t.valid_to > $1 and t.valid_from <= $1
      and t.status <> 'cancelled'
      and t.agreement_id in (select m.agreement_id from agreement_member m where m.organization_id = $2)
"""

# Only what is asked for is put into the statement: "$5 is null or …" would keep the planner from the index.
_FILTERS = {
    "begins": "(t.status <> 'completed' or t.completed_at is null or t.completed_at >= {})",
    "ends": "t.created_at < {}",
    "agreement_id": "t.agreement_id = {}",
    "field": "coalesce(t.field, '') = {}",
    "locality": "coalesce(coalesce(t.lead_unit_id, o.unit_id)::text, '') = {}",
    "lead": "t.lead_organization_id = {}",
}

_GROUPS = {
    "locality": ("coalesce(t.locality_id::text, '')", "max(t.locality_name)"),
    "field": ("coalesce(t.field, '')", "coalesce(max(t.field), '')"),
    "agreement": ("t.agreement_id::text", "coalesce(max(a.title), '')"),
    "organization": ("t.lead_organization_id::text", "max(t.lead_name)"),
}

_CELLS: Mapping[Cell, tuple[str, ...]] = {
    Cell.TOTAL: ("completed_on_time", "completed_late", "in_time", "no_deadline", "overdue"),
    Cell.COMPLETED: ("completed_on_time", "completed_late"),
    Cell.COMPLETED_ON_TIME: ("completed_on_time",),
    Cell.COMPLETED_LATE: ("completed_late",),
    Cell.OPEN: ("in_time", "no_deadline", "overdue"),
    Cell.OPEN_IN_TIME: ("in_time", "no_deadline"),
    Cell.IN_TIME: ("in_time",),
    Cell.NO_DEADLINE: ("no_deadline",),
    Cell.OVERDUE: ("overdue",),
    Cell.DUE: ("completed_on_time", "completed_late", "overdue"),
}


async def moment(connection: asyncpg.Connection[Any]) -> datetime:
    """The product's time, by the database's clock."""
    value: datetime = await connection.fetchval("select lienvung_now()")
    return value


async def groups(
    connection: asyncpg.Connection[Any], organization_id: UUID, scope: Scope, group_by: str
) -> list[Group]:
    """Figures by group; the caller puts them in order, because the alphabet is ours."""
    identity, name = _GROUPS[group_by]
    tasks, arguments = tasks_statement(organization_id, scope)
    rows = await connection.fetch(
        f"""
        select {identity} as id, {name} as name,
               count(*) filter (where t.timeliness = 'completed_on_time') as on_time,
               count(*) filter (where t.timeliness = 'completed_late') as late,
               count(*) filter (where t.timeliness = 'in_time') as in_time,
               count(*) filter (where t.timeliness = 'overdue') as overdue,
               count(*) filter (where t.timeliness = 'no_deadline') as no_deadline
        from ({tasks}) t left join agreement a on a.id = t.agreement_id
        group by 1
        """,  # noqa: S608 - put together from the constants of this module
        *arguments,
    )
    return [
        Group(
            row["id"],
            row["name"],
            Figures(row["on_time"], row["late"], row["in_time"], row["overdue"], row["no_deadline"]),
        )
        for row in rows
    ]


async def tasks(
    connection: asyncpg.Connection[Any],
    organization_id: UUID,
    scope: Scope,
    cell: Cell,
    *,
    after: tuple[date | None, UUID] | None,
    limit: int | None,
) -> list[asyncpg.Record]:
    """The tasks behind a figure: by deadline, those without one last."""
    statement, arguments = tasks_statement(organization_id, scope)
    arguments.append(list(_CELLS[cell]))
    page = f"t.timeliness = any(${len(arguments)}::text[])"
    if after is not None:
        arguments += after
        due_on, task_id = f"${len(arguments) - 1}::date", f"${len(arguments)}::uuid"
        page += f" and (coalesce(t.due_on, 'infinity'), t.task_id) > (coalesce({due_on}, 'infinity'), {task_id})"
    arguments.append(limit)
    rows: list[asyncpg.Record] = await connection.fetch(
        f"""
        select t.* from ({statement}) t where {page}
        order by coalesce(t.due_on, 'infinity'), t.task_id
        limit ${len(arguments)}
        """,  # noqa: S608 - put together from the constants of this module
        *arguments,
    )
    return rows


def tasks_statement(organization_id: UUID, scope: Scope) -> tuple[str, list[Any]]:
    """The tasks of a scope that the organization may see, each with where it stands, and the values for it."""
    statement, arguments = _TASKS, [scope.as_of, organization_id]
    for name, value in _values(scope).items():
        arguments.append(value)
        statement += f" and {_FILTERS[name].format(f'${len(arguments)}')}"
    return statement, arguments


def _values(scope: Scope) -> dict[str, Any]:
    period = {"begins": scope.period.begins, "ends": scope.period.ends} if scope.period else {}
    uuids = ("agreement_id", "lead")
    return period | {name: UUID(value) if name in uuids else value for name, value in scope.filters.items()}
