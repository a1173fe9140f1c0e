"""What the API takes and shows of plan periods and of the funding of tasks."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from agreements_api.agreements.schemas import Day
from agreements_api.funding.models import FundingStatus, Gate
from agreements_api.tasks.schemas import Flag
from shared.schemas import Line, Model, Text

PeriodId = Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{4}$", examples=["2026-2030"])]
# Đồng; more than any programme of the country, and far from what a 64-bit integer holds.
Amount = Annotated[int, Field(strict=True, ge=1, le=10**16, description="In đồng (VND).")]

_FUNDING: dict[str, Any] = {
    "needs_public_investment": True,
    "plan_period": "2026-2030",
    "source": "Ngân sách tỉnh (minh họa)",
    "amount": 120_000_000_000,
    "status": "proposed",
    "remark": None,
}
_TASK = "01990000-0000-7000-8000-0000000000b1"
_AGREEMENT = "01990000-0000-7000-8000-0000000000a1"
_MESSAGE = (
    "Nhiệm vụ đã đề xuất, chưa được đưa vào kế hoạch đầu tư công trung hạn 2026-2030;"
    " kỳ kế hoạch kết thúc ngày 31/12/2030."
)


class PlanPeriodCreate(Model):
    """The days of a further period; its `id` follows from their years."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"first_on": "2031-01-01", "last_on": "2035-12-31"}]})

    first_on: Day
    last_on: Day


class PlanPeriodPublic(Model):
    """A period of medium-term public investment plans, five years long (Law on Public Investment)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "2026-2030",
                    "first_on": "2026-01-01",
                    "last_on": "2030-12-31",
                    "added_by": None,
                    "added_at": None,
                }
            ]
        }
    )

    id: str
    first_on: date
    last_on: date
    added_by: str | None = Field(description="Null for the periods that the product came with.")
    added_at: datetime | None


class PlanPeriods(Model):
    items: list[PlanPeriodPublic]


class FundingReplace(Model):
    """The whole funding of a task. A task that needs no public investment has nothing else to say."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FUNDING]})

    needs_public_investment: Flag
    plan_period: PeriodId | None = Field(default=None, description="The medium-term plan that it has to get into.")
    source: Line | None = Field(default=None, description="Where the money comes from, in words.")
    amount: Amount | None = None
    status: FundingStatus = FundingStatus.NONE
    remark: Text | None = None


class MissedPeriod(Model):
    plan_period: str
    closed_on: date
    told_at: datetime


class FundingPublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "task_id": _TASK,
                    "agreement_id": _AGREEMENT,
                    "version": 1,
                    **_FUNDING,
                    "closes_on": "2030-12-31",
                    "gate": "open",
                    "message": _MESSAGE,
                    "next_period": "2026-2030",
                    "missed_periods": [],
                    "updated_at": "2026-11-23T03:00:00Z",
                    "allowed_actions": ["update"],
                }
            ]
        }
    )

    task_id: UUID
    agreement_id: UUID
    version: int = Field(description="0 as long as nobody has said anything.")
    needs_public_investment: bool | None = Field(description="Null as long as nobody has said it.")
    plan_period: str | None
    closes_on: date | None = Field(description="The last day of the plan period.")
    source: str | None
    amount: int | None
    status: FundingStatus
    remark: str | None
    gate: Gate | None = Field(description="Computed for the day; null where nothing is needed, or the task is over.")
    message: str | None = Field(description="What the state means, in the language of Accept-Language.")
    next_period: str | None = Field(description="The first period that is not closed.")
    missed_periods: list[MissedPeriod] = Field(description="Periods that closed without it, the first one first.")
    updated_at: datetime | None
    allowed_actions: list[str]


class FundingGatePublic(Model):
    """One task that needs public investment, and how it stands to the end of its plan period."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "task_id": _TASK,
                    "task_title": "Nâng cấp tuyến kết nối (minh họa)",
                    "task_status": "in_progress",
                    "agreement_id": _AGREEMENT,
                    "agreement_title": "Kế hoạch phối hợp (minh họa)",
                    "lead": "UBND thị xã Đông Triều",
                    "plan_period": "2026-2030",
                    "closes_on": "2030-12-31",
                    "source": "Ngân sách tỉnh (minh họa)",
                    "amount": 120_000_000_000,
                    "status": "proposed",
                    "gate": "open",
                    "message": _MESSAGE,
                }
            ]
        }
    )

    task_id: UUID
    task_title: str
    task_status: str
    agreement_id: UUID
    agreement_title: str
    lead: str
    plan_period: str
    closes_on: date
    source: str | None
    amount: int | None
    status: FundingStatus
    gate: Gate
    message: str
