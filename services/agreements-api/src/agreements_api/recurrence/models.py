"""The table of what repeats tasks."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlmodel import Field

from agreements_api.tables import Table
from shared.ids import new_id


class Frequency(StrEnum):
    """How often a task comes again; each is an official reporting period."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "half_yearly"
    YEARLY = "yearly"


FREQUENCY_WORDING: dict[Frequency, str] = {
    Frequency.MONTHLY: "hằng tháng",
    Frequency.QUARTERLY: "hằng quý",
    Frequency.HALF_YEARLY: "6 tháng",
    Frequency.YEARLY: "hằng năm",
}


def _moment(*, nullable: bool) -> Any:
    return Column(DateTime(timezone=True), nullable=nullable)


class Recurrence(Table, table=True):
    """A series of tasks, each of which is made when the one before it is over."""

    __tablename__ = "task_recurrence"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    agreement_id: UUID = Field(foreign_key="agreement.id")
    frequency: str
    rule: str
    working_days_after: int = 0
    until: date | None = None
    current_task_id: UUID = Field(foreign_key="task.id", unique=True)
    next_due_on: date
    next_from: date
    ended_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    created_at: datetime = Field(sa_column=_moment(nullable=False))
    updated_at: datetime = Field(sa_column=_moment(nullable=False))
