"""What the API shows and takes of alerts."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from notifier.alerts.models import StepKind
from notifier.deadlines.models import DeadlineRole, DeadlineSubject
from shared.schemas import Model

ALERT_EXAMPLE: dict[str, Any] = {
    "id": "01990000-0000-7000-8000-0000000000d1",
    "version": 1,
    "kind": "approaching",
    "step": "before_3",
    "message": "Còn 3 ngày làm việc (hạn 31/12/2026): Hợp tác quảng bá, tiêu thụ sản phẩm, thông tin du lịch",
    "subject_kind": "task",
    "subject_id": "01990000-0000-7000-8000-0000000000b1",
    "subject_url": "/v1/tasks/01990000-0000-7000-8000-0000000000b1",
    "task_id": "01990000-0000-7000-8000-0000000000b1",
    "task_title": "Hợp tác quảng bá, tiêu thụ sản phẩm, thông tin du lịch",
    "agreement_id": "01990000-0000-7000-8000-0000000000a1",
    "agreement_title": "Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD",
    "organization_id": "01990000-0000-7000-8000-000000000002",
    "role": "lead",
    "due_on": "2026-12-31",
    "deadline_revision": 1,
    "working_days_left": 3,
    "demonstration": True,
    "fired_at": "2026-12-28T01:00:00Z",
    "read_at": None,
    "snoozed_until": None,
    "allowed_actions": ["read", "snooze"],
}
SIGNING_ALERT_EXAMPLE: dict[str, Any] = ALERT_EXAMPLE | {
    "id": "01990000-0000-7000-8000-0000000000d2",
    "message": "Sắp đến hạn ký, còn 3 ngày làm việc (hạn ký 31/12/2026): Kế hoạch phối hợp thực hiện Kết luận số"
    " 352-KL/TUQN-TUBG-TUHD",
    "subject_kind": "agreement",
    "subject_id": "01990000-0000-7000-8000-0000000000a1",
    "subject_url": "/v1/agreements/01990000-0000-7000-8000-0000000000a1",
    "task_id": None,
    "task_title": None,
    "role": "signatory",
}


class AlertPublic(Model):
    """An alert of the caller; its message says how things stood when it fired."""

    model_config = ConfigDict(json_schema_extra={"examples": [ALERT_EXAMPLE, SIGNING_ALERT_EXAMPLE]})

    id: UUID
    version: int
    kind: StepKind
    step: str = Field(
        description="Step of the policy, such as `asked`, `before_3`, `due`, `overdue_8` or `escalation_5`."
    )
    message: str = Field(description="In the language of Accept-Language.")
    subject_kind: DeadlineSubject = Field(
        description="What comes due: a task, an agreement that waits for a signature, or what is asked or told of one."
    )
    subject_id: UUID = Field(description="By which alerts of the same are known.")
    subject_url: str = Field(description="Where it is read.")
    task_id: UUID | None = Field(description="None where an agreement waits for a signature.")
    task_title: str | None
    agreement_id: UUID
    agreement_title: str
    organization_id: UUID = Field(description="The organisation whose deadline it is.")
    role: DeadlineRole = Field(description="What that organisation is in the task, or in the signing.")
    due_on: date
    deadline_revision: int
    working_days_left: int = Field(description="As of today; negative once the deadline has passed.")
    demonstration: bool
    fired_at: datetime
    read_at: datetime | None
    snoozed_until: datetime | None
    allowed_actions: list[Literal["read", "snooze"]]


class AlertSummary(Model):
    """How many alerts wait to be read."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "unread": 3,
                    "snoozed": 1,
                    "by_kind": {"asked": 0, "approaching": 2, "due": 0, "overdue": 1, "escalated": 0},
                    "newest_at": "2026-12-28T01:00:00Z",
                }
            ]
        }
    )

    unread: int = Field(description="Neither read nor snoozed.")
    snoozed: int
    by_kind: dict[StepKind, int] = Field(description="The unread ones.")
    newest_at: datetime | None


class Snooze(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"until": "2026-12-29T01:00:00Z"}]})

    until: datetime = Field(description="From then on it counts as unread again; at most 30 days ahead.")


class ReadAll(Model):
    """Which alerts to mark as read; without limits, all."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"before": "2026-12-28T01:00:00Z"}]})

    before: datetime | None = Field(
        default=None, description="Only those that fired up to this moment, so that a newer one is not missed."
    )
    task_id: UUID | None = Field(default=None, description="Only those of this task.")


class ReadAllResult(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"read": 3}]})

    read: int = Field(description="How many were unread before.")
