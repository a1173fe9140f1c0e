"""What the API takes and shows of dependencies."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from agreements_api.tasks.models import TaskStatus
from shared.schemas import Model

_TASK = "01990000-0000-7000-8000-0000000000b1"
_OTHER = "01990000-0000-7000-8000-0000000000b2"
_NEIGHBOUR: dict[str, Any] = {
    "id": _OTHER,
    "title": "Thống nhất hướng tuyến kết nối (minh họa)",
    "status": "in_progress",
    "due_on": "2026-11-30",
    "completed_at": None,
    "lead": "UBND thị xã Kinh Môn",
}


class DependencyCreate(Model):
    """The task that has to be finished first, and how many working days lie between."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"depends_on_task_id": _OTHER, "lag_working_days": 5}]})

    depends_on_task_id: UUID = Field(description="Another task of the same agreement.")
    lag_working_days: Annotated[int, Field(strict=True, ge=0, le=1000)] = 0


class Neighbour(Model):
    id: UUID
    title: str
    status: TaskStatus
    due_on: date | None
    completed_at: datetime | None
    lead: str


class DependencyPublic(Model):
    """Finish to start: `task_id` begins when `depends_on_task_id` is finished and the lag has passed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000f3",
                    "task_id": _TASK,
                    "depends_on_task_id": _OTHER,
                    "lag_working_days": 5,
                    "neighbour": _NEIGHBOUR,
                    "created_at": "2026-11-02T03:00:00Z",
                    "allowed_actions": ["delete"],
                }
            ]
        }
    )

    id: UUID
    task_id: UUID
    depends_on_task_id: UUID
    lag_working_days: int
    neighbour: Neighbour = Field(description="The task at the other end.")
    created_at: datetime
    allowed_actions: list[str]


class ImpactItem(Model):
    """A task behind, with what the slip makes of its dates."""

    task_id: UUID
    title: str
    status: TaskStatus
    lead: str
    due_on: date | None
    earliest_start_on: date | None = Field(description="The first working day on which it could begin.")
    projected_due_on: date | None = Field(description="Its deadline, moved by as much as its beginning; null without.")
    slip_working_days: int
    cannot_be_met: bool = Field(description="It could only begin when its deadline has passed.")
    behind: list[UUID] = Field(description="What it waits for, of the tasks that are shown here.")


class Impact(Model):
    """What becomes of the tasks behind one that is finished on another day than was planned."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "task_id": _OTHER,
                    "due_on": "2026-11-30",
                    "asked_due_on": "2026-12-11",
                    "slip_working_days": 9,
                    "items": [
                        {
                            "task_id": _TASK,
                            "title": "Lập hồ sơ đầu tư đoạn tuyến (minh họa)",
                            "status": "not_started",
                            "lead": "UBND thị xã Đông Triều",
                            "due_on": "2026-12-31",
                            "earliest_start_on": "2026-12-21",
                            "projected_due_on": "2027-01-14",
                            "slip_working_days": 9,
                            "cannot_be_met": False,
                            "behind": [_OTHER],
                        }
                    ],
                }
            ]
        }
    )

    task_id: UUID
    due_on: date | None
    asked_due_on: date
    slip_working_days: int
    items: list[ImpactItem] = Field(description="Each after all that it waits for.")
