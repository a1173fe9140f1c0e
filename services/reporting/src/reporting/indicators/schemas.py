"""What the indicators look like."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from reporting.indicators.figures import FigureTimeliness
from reporting.indicators.periods import PeriodKind
from shared.schemas import Model


class GroupBy(StrEnum):
    """What the tasks are grouped by; a task belongs to the locality and the organization that lead it."""

    LOCALITY = "locality"
    FIELD = "field"
    AGREEMENT = "agreement"
    ORGANIZATION = "organization"


class FigurePublic(Model):
    """A number of tasks and the address that lists them."""

    count: int = Field(ge=0, examples=[16051])
    tasks: str = Field(examples=["/v1/indicators/tasks?figure=overdue&as_of=2024-12-14T17:00:00Z"])


class RatesPublic(Model):
    """Shares of the due tasks (completed + overdue), from 0 to 1; null while nothing was due."""

    completed: float | None = Field(examples=[0.9863])
    on_time: float | None = Field(examples=[0.8644])
    late: float | None = Field(examples=[0.1219])
    overdue: float | None = Field(examples=[0.0137])


class FiguresPublic(Model):
    """total = completed + open; completed = on time + late; open = in time + overdue.

    `open_in_time` includes `no_deadline`, the open tasks for which no deadline was set.
    """

    total: FigurePublic
    completed: FigurePublic
    completed_on_time: FigurePublic
    completed_late: FigurePublic
    open: FigurePublic
    open_in_time: FigurePublic
    no_deadline: FigurePublic
    overdue: FigurePublic
    due: FigurePublic
    rates: RatesPublic


class GroupPublic(FiguresPublic):
    """The figures of one group."""

    id: str | None = Field(description="Identifier of the group; null for tasks without one.")
    name: str


class PeriodPublic(Model):
    """A reporting period, both days included."""

    kind: PeriodKind | None
    label: str = Field(examples=["quý IV năm 2024"])
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")


class IndicatorsPublic(Model):
    """Figures of all tasks that the caller may see, and of each group."""

    group_by: GroupBy
    period: PeriodPublic | None
    as_of: datetime
    total: FiguresPublic
    groups: list[GroupPublic]


class FigureTaskPublic(Model):
    """A task as it was at the moment of the figure."""

    id: UUID
    version: int
    agreement_id: UUID
    title: str
    field: str | None
    status: str
    timeliness: FigureTimeliness
    due_on: date | None
    completed_at: datetime | None
    percent: int
    lead_organization_id: UUID
    lead_name: str
    lead_unit_id: UUID | None
    lead_unit_name: str | None
    demonstration: bool
    task: str = Field(description="Where the task of today is read.", examples=["/v1/tasks/0199…"])
