"""What an alert is: its kind, whom it is for, and the row in a person's list."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import DateTime
from sqlmodel import Field

from notifier.deadlines.models import DeadlineRole, DeadlineSubject
from notifier.tables import Table


class StepKind(StrEnum):
    ASKED = "asked"  # at once, when something is asked, or told that asks for a decision
    APPROACHING = "approaching"
    DUE = "due"
    OVERDUE = "overdue"
    ESCALATED = "escalated"


KIND_WORDING: dict[StepKind, dict[str, str]] = {
    StepKind.ASKED: {"vi": "Việc cần trả lời", "en": "You are asked"},
    StepKind.APPROACHING: {"vi": "Sắp đến hạn", "en": "Coming due"},
    StepKind.DUE: {"vi": "Đến hạn hôm nay", "en": "Due today"},
    StepKind.OVERDUE: {"vi": "Quá hạn", "en": "Overdue"},
    StepKind.ESCALATED: {"vi": "Báo cáo quá hạn", "en": "Escalated: overdue"},
}


class Audience(StrEnum):
    """Who is told, resolved to people when the step fires."""

    PARTY = "party"  # specialists of the organisation whose deadline it is; its leaders where it has none
    LEADERS = "leaders"  # leaders of the lead party
    SUPERIOR = "superior"  # leaders of the organisation above the lead party
    SIGNERS = "signers"  # leaders of the organisation itself: nobody else can sign, confirm, explain or decide
    MENTIONED = "mentioned"  # those people of the organisation who are named

    def concerns(self, role: str) -> bool:
        """Whether a deadline of this role has steps for this audience: overdue tasks escalate by their lead alone."""
        return self in (Audience.PARTY, Audience.SIGNERS, Audience.MENTIONED) or role == DeadlineRole.LEAD


class Channel(StrEnum):
    IN_APP = "in_app"
    EMAIL = "email"


class Alert(Table, table=True):
    """One line in one person's list; the facts of its moment are copied, so that it keeps saying what it said."""

    __tablename__ = "alert"

    id: UUID = Field(primary_key=True)
    version: int
    step_id: UUID
    task_id: UUID
    deadline_revision: int
    policy: str
    step: str
    kind: str
    channel: str
    recipient_id: UUID
    organization_id: UUID
    party_organization_id: UUID
    party_role: str
    agreement_id: UUID
    agreement_title: str
    task_title: str
    due_on: date
    demonstration: bool
    subject_kind: str = DeadlineSubject.TASK
    about_task_id: UUID | None = None
    path: str | None = None
    fired_at: datetime = Field(sa_type=DateTime(timezone=True))
    read_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    snoozed_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
