"""What the API takes and shows of milestones."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from agreements_api.agreements.schemas import Day
from agreements_api.tasks.schemas import Flag
from shared.schemas import Line, Model

Position = Annotated[int, Field(strict=True, ge=1, le=10_000)]

_EXAMPLE: dict[str, Any] = {
    "id": "01990000-0000-7000-8000-0000000000f2",
    "version": 1,
    "task_id": "01990000-0000-7000-8000-0000000000b1",
    "position": 1,
    "title": "Thống nhất danh sách khu vực xâm canh (minh họa)",
    "due_on": "2026-11-30",
    "done_on": None,
    "created_at": "2026-11-02T03:00:00Z",
    "updated_at": "2026-11-02T03:00:00Z",
    "allowed_actions": ["update", "delete"],
}


class MilestoneCreate(Model):
    """What is to be reached, and by when; without a position it comes last."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title": _EXAMPLE["title"], "due_on": _EXAMPLE["due_on"]}]}
    )

    title: Line
    due_on: Day | None = None
    position: Position | None = None


class MilestoneUpdate(Model):
    """A merge patch: what is absent stays. `done` notes today as the day on which it was reached, or takes it back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"done": True}]})

    title: Line = "-"
    due_on: Day | None = None
    position: Position = 1
    done: Flag = False


class MilestonePublic(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    version: int
    task_id: UUID
    position: int
    title: str
    due_on: date | None
    done_on: date | None
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str]
