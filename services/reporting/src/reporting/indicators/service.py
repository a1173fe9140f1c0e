"""Figures of a scope, by group, and the tasks behind each."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from pydantic import PlainValidator

from reporting.indicators import errors, repository
from reporting.indicators.figures import Figures, Group
from reporting.indicators.links import Cell, Scope
from reporting.indicators.periods import FIRST_DAY, LAST_DAY, InvalidPeriod, Period, between, parse
from reporting.indicators.schemas import (
    FigurePublic,
    FiguresPublic,
    FigureTaskPublic,
    GroupBy,
    GroupPublic,
    IndicatorsPublic,
    PeriodPublic,
    RatesPublic,
)
from shared import clock
from shared.text import vietnamese_sort_key


def _moment(value: object) -> date | datetime:
    """A bare day stays a day: read as a moment it would be its midnight in UTC, seven o'clock in Việt Nam."""
    if not isinstance(value, str):
        raise ValueError("a moment is written as RFC 3339 says, or as a day")
    moment = date.fromisoformat(value) if len(value) == len("2024-12-14") else datetime.fromisoformat(value)
    if not FIRST_DAY.year <= moment.year <= LAST_DAY.year:
        raise ValueError(f"a moment lies between {FIRST_DAY.year} and {LAST_DAY.year}")
    return moment


# A moment, or a day for its last instant in Việt Nam.
Moment = Annotated[date | datetime, PlainValidator(_moment, json_schema_input_type=date | datetime)]

# A list parameter of each grouping; the group's id is its value.
PARAMETERS = {
    GroupBy.LOCALITY: "locality",
    GroupBy.FIELD: "field",
    GroupBy.AGREEMENT: "agreement_id",
    GroupBy.ORGANIZATION: "lead",
}
UNNAMED = {
    GroupBy.LOCALITY: "Chưa xác định địa phương",
    GroupBy.FIELD: "Chưa phân lĩnh vực",
    GroupBy.AGREEMENT: "Thỏa thuận hợp tác",
    GroupBy.ORGANIZATION: "Chưa xác định cơ quan chủ trì",
}


async def indicators(
    connection: asyncpg.Connection[Any], organization_id: UUID, scope: Scope, group_by: GroupBy
) -> IndicatorsPublic:
    """Figures of every task of the scope that the organization may see, in total and by group."""
    groups = await repository.groups(connection, organization_id, scope, group_by.value)
    groups.sort(key=lambda group: (not group.id, vietnamese_sort_key(group.name), group.id))
    total = sum((group.figures for group in groups), Figures())
    return IndicatorsPublic(
        group_by=group_by,
        period=None
        if scope.period is None
        else PeriodPublic(
            kind=scope.period.kind, label=scope.period.label, first=scope.period.first, last=scope.period.last
        ),
        as_of=scope.as_of,
        total=FiguresPublic(**_public(total, scope, {})),
        groups=[_group(group, scope, group_by) for group in groups],
    )


async def tasks(
    connection: asyncpg.Connection[Any],
    organization_id: UUID,
    scope: Scope,
    cell: Cell,
    *,
    after: tuple[date | None, UUID] | None,
    limit: int,
) -> list[FigureTaskPublic]:
    """The tasks that a figure counts, as they were at its moment."""
    rows = await repository.tasks(connection, organization_id, scope, cell, after=after, limit=limit)
    return [
        FigureTaskPublic(
            id=row["task_id"],
            version=row["version"],
            agreement_id=row["agreement_id"],
            title=row["title"],
            field=row["field"],
            status=row["status"],
            timeliness=row["timeliness"],
            due_on=row["due_on"],
            completed_at=row["completed_at"],
            percent=row["percent"],
            lead_organization_id=row["lead_organization_id"],
            lead_name=row["lead_name"],
            lead_unit_id=row["locality_id"],
            lead_unit_name=row["locality_name"],
            demonstration=row["demonstration"],
            task=f"/v1/tasks/{row['task_id']}",
        )
        for row in rows
    ]


async def rows(
    connection: asyncpg.Connection[Any], organization_id: UUID, scope: Scope, cell: Cell
) -> list[asyncpg.Record]:
    """Every task version that a figure counts, for a document that shows them all."""
    return await repository.tasks(connection, organization_id, scope, cell, after=None, limit=None)


def period_of(text: str | None, first: date | None, last: date | None) -> Period | None:
    """The period that a request names, by its official name or by its days."""
    if text is not None and (first is not None or last is not None):
        raise errors.PeriodInvalid("/query/period")
    try:
        if text is not None:
            return parse(text)
        if first is not None and last is not None:
            return between(first, last)
    except InvalidPeriod as error:
        raise errors.PeriodInvalid("/query/period" if text is not None else "/query/to") from error
    if first is not None or last is not None:
        raise errors.PeriodInvalid("/query/to" if last is None else "/query/from")
    return None


def moment_of(
    as_of: datetime | date | None, period: Period | None, now: datetime, *, pointer: str = "/query/as_of"
) -> datetime:
    """The moment of the figures: the one asked for, else the last of the period, never one that has not come yet."""
    if as_of is None:
        # A period ends with its last microsecond: what happens at the next instant belongs to the next one.
        return now if period is None else min(now, period.ends - timedelta(microseconds=1))
    if isinstance(as_of, datetime):
        moment = as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)
    else:
        if as_of > now.astimezone(clock.VN_TZ).date():
            raise errors.MomentInFuture(pointer)
        moment = min(now, clock.start_of(as_of + timedelta(days=1)) - timedelta(microseconds=1))
    if moment > now:
        raise errors.MomentInFuture(pointer)
    return moment


def _group(group: Group, scope: Scope, group_by: GroupBy) -> GroupPublic:
    return GroupPublic(
        id=group.id or None,
        name=group.name or UNNAMED[group_by],
        **_public(group.figures, scope, {PARAMETERS[group_by]: group.id}),
    )


def _public(figures: Figures, scope: Scope, extra: dict[str, str]) -> dict[str, Any]:
    counts = {
        Cell.TOTAL: figures.total,
        Cell.COMPLETED: figures.completed,
        Cell.COMPLETED_ON_TIME: figures.on_time,
        Cell.COMPLETED_LATE: figures.late,
        Cell.OPEN: figures.open,
        Cell.OPEN_IN_TIME: figures.open_in_time,
        Cell.NO_DEADLINE: figures.no_deadline,
        Cell.OVERDUE: figures.overdue,
        Cell.DUE: figures.due,
    }
    cells: dict[str, Any] = {
        cell.value: FigurePublic(count=count, tasks=scope.link(cell, extra)) for cell, count in counts.items()
    }
    cells["rates"] = RatesPublic(
        completed=figures.rate(figures.completed),
        on_time=figures.rate(figures.on_time),
        late=figures.rate(figures.late),
        overdue=figures.rate(figures.overdue),
    )
    return cells
