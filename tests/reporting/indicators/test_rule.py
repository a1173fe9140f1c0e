"""The rule in SQL is the pure rule, and a figure's list holds what the figure counts."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest_asyncio

from reporting.indicators import repository
from reporting.indicators.figures import FigureTimeliness, count, timeliness
from reporting.indicators.links import Cell, Scope
from reporting.indicators.periods import Period, parse
from shared.auth import SYSTEM
from shared.db import Database
from shared.events import TaskSnapshot
from tests.reporting.factories import Plan, Story, Task, apply

STATUSES = ("not_started", "in_progress", "submitted", "completed", "suspended", "cancelled")
BORDER = datetime(2024, 12, 13, 17, tzinfo=UTC)
MOMENTS = (BORDER - timedelta(microseconds=1), BORDER, BORDER + timedelta(days=3))
DUE = (None, date(2024, 12, 12), date(2024, 12, 13), date(2024, 12, 14))
CREATED = (datetime(2024, 9, 1, tzinfo=UTC), datetime(2024, 12, 13, tzinfo=UTC))
AS_OF = datetime(2024, 12, 20, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cases(database: Database, plan: Story) -> dict[UUID, TaskSnapshot]:
    """Every status with every deadline, moment of completion and time of assignment, in a plan of its own."""
    own = Plan(plan.committees, [plan.issuer])
    tasks: list[Task] = []
    for status, due_on, moment, created_at in product(STATUSES, DUE, MOMENTS, CREATED):
        tasks.append(
            own.task(
                plan.people[len(tasks) % 5],
                status=status,
                due_on=due_on,
                completed_at=moment if status == "completed" else None,
                created_at=created_at,
                field=None if len(tasks) % 4 == 0 else f"lĩnh vực {len(tasks) % 3}",
            )
        )
    events = [task.event(at=datetime(2024, 9, 1, tzinfo=UTC)) for task in tasks]
    await apply(database, own.event(), *events)
    return {event.task.id: event.task for event in events}


def _scope(cases: dict[UUID, TaskSnapshot], as_of: datetime, period: Period | None = None) -> Scope:
    agreement_id = next(iter(cases.values())).agreement_id
    return Scope(as_of, period, {"agreement_id": str(agreement_id)})


async def test_every_case_stands_in_sql_where_the_pure_rule_puts_it(
    database: Database, plan: Story, cases: dict[UUID, TaskSnapshot]
) -> None:
    for as_of in (*MOMENTS, AS_OF):
        async with database.read(SYSTEM) as connection:
            rows = await repository.tasks(
                connection, plan.issuer.id, _scope(cases, as_of), Cell.TOTAL, after=None, limit=None
            )
        found = {row["task_id"]: FigureTimeliness(row["timeliness"]) for row in rows}
        expected = {
            task.id: standing
            for task in cases.values()
            if (standing := timeliness(task.status, task.due_on, task.completed_at, as_of)) is not None
        }
        assert found == expected


async def test_a_period_leaves_out_what_was_done_before_it_or_assigned_after_it(
    database: Database, plan: Story, cases: dict[UUID, TaskSnapshot]
) -> None:
    period = parse("quarter:2024-4")
    async with database.read(SYSTEM) as connection:
        rows = await repository.tasks(
            connection, plan.issuer.id, _scope(cases, AS_OF, period), Cell.TOTAL, after=None, limit=None
        )
    expected = {
        task.id
        for task in cases.values()
        if task.status != "cancelled"
        and task.created_at < period.ends
        and not (task.completed_at and task.completed_at < period.begins)
    }
    assert {row["task_id"] for row in rows} == expected


async def test_each_figure_counts_its_own_list_in_every_grouping(
    database: Database, plan: Story, cases: dict[UUID, TaskSnapshot]
) -> None:
    scope = _scope(cases, AS_OF)
    everything = count(timeliness(t.status, t.due_on, t.completed_at, AS_OF) for t in cases.values())
    async with database.read(SYSTEM) as connection:
        for group_by, parameter in (
            ("locality", "locality"),
            ("field", "field"),
            ("agreement", "agreement_id"),
            ("organization", "lead"),
        ):
            groups = await repository.groups(connection, plan.issuer.id, scope, group_by)
            assert sum((group.figures for group in groups[1:]), groups[0].figures) == everything
            for group in groups:
                narrowed = Scope(scope.as_of, None, {**scope.filters, parameter: group.id})
                for cell, number in (
                    (Cell.TOTAL, group.figures.total),
                    (Cell.OVERDUE, group.figures.overdue),
                    (Cell.COMPLETED_LATE, group.figures.late),
                    (Cell.DUE, group.figures.due),
                ):
                    rows = await repository.tasks(connection, plan.issuer.id, narrowed, cell, after=None, limit=None)
                    assert len(rows) == number
