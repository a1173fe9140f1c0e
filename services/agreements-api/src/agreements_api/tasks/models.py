"""Tables of tasks, progress reports and confirmations."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Computed, Date, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from agreements_api.tables import Table
from shared.ids import new_id


class TaskStatus(StrEnum):
    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"
    COMPLETED = "completed"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


class TaskRelation(StrEnum):
    """How an organisation takes part in a task."""

    LEAD = "lead"
    COORDINATING = "coordinating"
    MONITOR = "monitor"


class Decision(StrEnum):
    """What a party says to a submission."""

    CONFIRMED = "confirmed"
    RETURNED = "returned"
    REFUSED = "refused"
    # It did not answer within the window, which counts as its confirmation.
    LAPSED = "lapsed"


STATUS_WORDING: dict[TaskStatus, str] = {
    TaskStatus.NOT_STARTED: "chưa thực hiện",
    TaskStatus.IN_PROGRESS: "đang thực hiện",
    TaskStatus.SUBMITTED: "chờ xác nhận",
    TaskStatus.COMPLETED: "hoàn thành",
    TaskStatus.SUSPENDED: "tạm dừng",
    TaskStatus.CANCELLED: "đã hủy",
}
RELATION_WORDING: dict[TaskRelation, str] = {
    TaskRelation.LEAD: "chủ trì",
    TaskRelation.COORDINATING: "phối hợp",
    TaskRelation.MONITOR: "theo dõi",
}
DECISION_WORDING: dict[Decision, str] = {
    Decision.CONFIRMED: "xác nhận",
    Decision.RETURNED: "trả lại",
    Decision.REFUSED: "không xác nhận",
    Decision.LAPSED: "quá thời hạn trả lời, coi như xác nhận",
}


def _moment(*, nullable: bool = True) -> Any:
    return Column(DateTime(timezone=True), nullable=nullable)


class Task(Table, table=True):
    """What one lead and its coordinating parties have to deliver for an agreement."""

    __tablename__ = "task"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int = 1
    agreement_id: UUID = Field(foreign_key="agreement.id")
    clause_id: UUID | None = Field(default=None, foreign_key="agreement_clause.id")
    title: str
    folded: str
    description: str | None = None
    deliverable: str | None = None
    field: str | None = None
    status: str = TaskStatus.NOT_STARTED
    due_on: date | None = None
    original_due_on: date | None = None
    due_key: date | None = Field(default=None, sa_column=Column(Date, Computed("coalesce(due_on, 'infinity'::date)")))
    percent: int = 0
    lead_organization_id: UUID
    parties: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    last_report: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    extension_count: int = 0
    recurrence_id: UUID | None = None
    previous_occurrence_id: UUID | None = Field(default=None, foreign_key="task.id")
    submission: int = 0
    submitted_at: datetime | None = Field(default=None, sa_column=_moment())
    completed_at: datetime | None = Field(default=None, sa_column=_moment())
    demonstration: bool = False
    note: str | None = None
    # Follows from the parties, by a trigger: whoever looks for windows that are over finds them by it.
    respond_by: date | None = None
    created_at: datetime = Field(sa_column=_moment(nullable=False))
    updated_at: datetime = Field(sa_column=_moment(nullable=False))


class ProgressReport(Table, table=True):
    """What the lead says of a period; the newest one stands in the task as well."""

    __tablename__ = "task_progress_report"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    task_id: UUID = Field(foreign_key="task.id")
    period_start: date
    period_end: date
    percent: int
    narrative: str
    difficulties: str | None = None
    organization_id: UUID | None = None
    account_id: UUID
    reported_by: str
    reported_at: datetime = Field(sa_column=_moment(nullable=False))
    # The earlier report that this one is to be read in the place of; both are kept.
    corrects_report_id: UUID | None = Field(default=None, foreign_key="task_progress_report.id")


class Confirmation(Table, table=True):
    """What a party said to one submission of the task; a return makes the confirmations of that submission void."""

    __tablename__ = "task_confirmation"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    task_id: UUID = Field(foreign_key="task.id")
    submission: int
    decision: str
    organization_id: UUID
    organization_name: str
    account_id: UUID
    decided_by: str
    remark: str | None = None
    decided_at: datetime = Field(sa_column=_moment(nullable=False))
