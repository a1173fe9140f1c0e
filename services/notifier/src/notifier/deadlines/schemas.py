"""What the API shows of deadlines."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from notifier.alerts.models import Audience, StepKind
from notifier.deadlines.models import DeadlineRole, DeadlineSubject
from shared.schemas import Model

DEADLINE_EXAMPLE: dict[str, Any] = {
    "subject_kind": "task",
    "subject_url": "/v1/tasks/01990000-0000-7000-8000-0000000000b1",
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
SIGNING_DEADLINE_EXAMPLE: dict[str, Any] = DEADLINE_EXAMPLE | {
    "subject_kind": "agreement",
    "subject_url": "/v1/agreements/01990000-0000-7000-8000-0000000000a1",
    "task_id": None,
    "task_title": None,
    "task_status": None,
    "lead_name": "Ban Thường vụ Thị ủy Đông Triều",
    "role": "signatory",
    "steps": [{"step": "before_1", "kind": "approaching", "audience": "signers", "fire_at": "2026-12-30T01:00:00Z"}],
}


class StepPublic(Model):
    """An alert that will fire unless before that the deadline changes, the task is completed or the signature given."""

    step: str
    kind: StepKind
    audience: Audience
    fire_at: datetime


class DeadlinePublic(Model):
    """A deadline of the caller's organisation."""

    model_config = ConfigDict(json_schema_extra={"examples": [DEADLINE_EXAMPLE, SIGNING_DEADLINE_EXAMPLE]})

    subject_kind: DeadlineSubject = Field(
        description="What comes due: a task, an agreement that waits for a signature, or what is asked or told of one."
    )
    subject_url: str = Field(description="Where it is read.")
    task_id: UUID | None = Field(description="None where an agreement waits for a signature.")
    task_title: str | None
    task_status: str | None
    agreement_id: UUID
    agreement_title: str
    agreement_number: str | None
    lead_name: str | None = Field(description="Of an agreement: its custodian, where that is one of the parties.")
    role: DeadlineRole = Field(description="What the caller's organisation is in the task, or in the signing.")
    due_on: date = Field(
        description="Of a signature: `sign_by`, or the first working day after it, at whose end the signing lapses."
    )
    revision: int
    working_days_left: int = Field(description="Negative once the deadline has passed.")
    demonstration: bool
    steps: list[StepPublic] = Field(
        description="What will fire until fifteen working days after the deadline; of a signature, until that day."
    )
