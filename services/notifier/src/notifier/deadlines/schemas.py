"""What the API shows of deadlines."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from notifier.alerts.models import Audience, StepKind
from notifier.deadlines.models import DeadlineRole
from shared.schemas import Model

DEADLINE_EXAMPLE: dict[str, Any] = {
    "task_id": "01990000-0000-7000-8000-0000000000b1",
    "task_title": "Hợp tác quảng bá, tiêu thụ sản phẩm, thông tin du lịch",
    "task_status": "in_progress",
    "agreement_id": "01990000-0000-7000-8000-0000000000a1",
    "agreement_title": "Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD",
    "agreement_number": None,
    "lead_name": "UBND huyện Lục Nam",
    "role": "coordinating",
    "due_on": "2026-12-31",
    "revision": 1,
    "working_days_left": 3,
    "demonstration": True,
    "steps": [{"step": "before_1", "kind": "approaching", "audience": "party", "fire_at": "2026-12-30T01:00:00Z"}],
}


class StepPublic(Model):
    """An alert that will fire unless the deadline changes or the task is completed before."""

    step: str
    kind: StepKind
    audience: Audience
    fire_at: datetime


class DeadlinePublic(Model):
    """A deadline of the caller's organisation."""

    model_config = ConfigDict(json_schema_extra={"examples": [DEADLINE_EXAMPLE]})

    task_id: UUID
    task_title: str
    task_status: str
    agreement_id: UUID
    agreement_title: str
    agreement_number: str | None
    lead_name: str
    role: DeadlineRole = Field(description="What the caller's organisation is in the task.")
    due_on: date
    revision: int
    working_days_left: int = Field(description="Negative once the deadline has passed.")
    demonstration: bool
    steps: list[StepPublic] = Field(description="What will fire until fifteen working days after the deadline.")
