"""What a delivery goes through, and everything that one letter is made of."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from notifier.deadlines.models import DeadlineSubject


class DeliveryStatus(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


DELIVERY_WORDING: dict[DeliveryStatus, str] = {
    DeliveryStatus.QUEUED: "chờ gửi",
    DeliveryStatus.SENT: "đã gửi",
    DeliveryStatus.FAILED: "gửi không được",
    DeliveryStatus.WITHDRAWN: "đã thu hồi",
}


@dataclass(frozen=True)
class Letter:
    """A claimed delivery with what it says and to whom; `token` proves the claim."""

    id: UUID
    token: int
    attempts: int
    traceparent: str | None
    recipient_id: UUID
    organization_id: UUID
    name: str | None
    email: str | None
    language: str | None
    is_wanted: bool
    alert_id: UUID
    task_id: UUID
    agreement_id: UUID
    agreement_title: str
    agreement_number: str | None
    task_title: str
    lead_name: str | None
    party_role: str
    kind: str
    step: str
    policy: str
    deadline_revision: int
    due_on: date
    demonstration: bool
    fired_at: datetime
    subject_kind: str = DeadlineSubject.TASK
    about_task_id: UUID | None = None
    path: str | None = None
    remark: str | None = None
