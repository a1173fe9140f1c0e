"""Tables of plan periods and of the funding of tasks."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime
from sqlmodel import Field

from agreements_api.tables import Table


class FundingStatus(StrEnum):
    """How far the money is, from nothing to capital that is given out."""

    NONE = "none"
    PROPOSED = "proposed"
    IN_PLAN = "in_plan"
    ALLOCATED = "allocated"


class Gate(StrEnum):
    """How a task that needs public investment stands to the end of its plan period."""

    OPEN = "open"
    CLOSING_SOON = "closing_soon"
    MISSED = "missed"
    FUNDED = "funded"


STATUS_WORDING: dict[FundingStatus, str] = {
    FundingStatus.NONE: "chưa đề xuất",
    FundingStatus.PROPOSED: "đã đề xuất",
    FundingStatus.IN_PLAN: "có trong kế hoạch trung hạn",
    FundingStatus.ALLOCATED: "đã được giao vốn",
}
GATE_WORDING: dict[Gate, str] = {
    Gate.OPEN: "còn thời gian",
    Gate.CLOSING_SOON: "sắp hết kỳ",
    Gate.MISSED: "lỡ kỳ kế hoạch",
    Gate.FUNDED: "đã có nguồn",
}
# What the gate asks for is a place in the medium-term plan; capital is given out year by year after that.
IN_THE_PLAN = frozenset({FundingStatus.IN_PLAN, FundingStatus.ALLOCATED})


def _moment() -> Any:
    return Column(DateTime(timezone=True), nullable=False)


class PlanPeriod(Table, table=True):
    """A period of medium-term public investment plans (kỳ kế hoạch đầu tư công trung hạn)."""

    __tablename__ = "plan_period"

    id: str = Field(primary_key=True)
    first_on: date
    last_on: date
    # Nobody's for those that the product came with.
    added_by: UUID | None = None
    added_by_name: str | None = None
    added_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class TaskFunding(Table, table=True):
    """What a task needs of public investment, and how far it is."""

    __tablename__ = "task_funding"

    task_id: UUID = Field(foreign_key="task.id", primary_key=True)
    agreement_id: UUID
    version: int = 1
    needs_public_investment: bool
    plan_period: str | None = Field(default=None, foreign_key="plan_period.id")
    closes_on: date | None = None
    source: str | None = None
    amount: int | None = Field(default=None, sa_column=Column(BigInteger))
    status: str = FundingStatus.NONE
    remark: str | None = None
    told: bool = False
    updated_at: datetime = Field(sa_column=_moment())


class FundingMiss(Table, table=True):
    """A period that closed without the task in its plan, told once."""

    __tablename__ = "task_funding_miss"

    task_id: UUID = Field(foreign_key="task.id", primary_key=True)
    plan_period: str = Field(foreign_key="plan_period.id", primary_key=True)
    agreement_id: UUID
    status: str
    told_at: datetime = Field(sa_column=_moment())
