"""Tasks: their parties, deadlines and funding, and every step that they take."""

from datetime import date, datetime
from uuid import UUID

from shared.events.models.agreements import ResponsibilitySnapshot
from shared.events.models.base import TASKS, Event, EventModel


class TaskParty(EventModel):
    organization_id: UUID
    name: str
    unit_id: UUID | None = None
    unit_name: str | None = None
    due_on: date | None = None
    confirmed_at: datetime | None = None
    accepted_at: datetime | None = None
    # Who was given the task, where another one answers for it by now.
    promised_by_organization_id: UUID | None = None
    promised_by_name: str | None = None
    # The last day on which it can answer the present submission.
    respond_by: date | None = None
    # When that day had passed without an answer, which counts as its confirmation.
    lapsed_at: datetime | None = None


class ReportEvidence(EventModel):
    """A document that a report names; its content is fetched by a link, and never part of an event."""

    document_id: UUID
    name: str
    media_type: str
    size: int
    digest: str


class LastReport(EventModel):
    period_start: date | None = None
    period_end: date | None = None
    percent: int
    narrative: str | None = None
    difficulties: str | None = None
    reported_at: datetime
    evidence: list[ReportEvidence] = []


class TaskSnapshot(EventModel):
    id: UUID
    version: int
    agreement_id: UUID
    agreement_title: str
    agreement_number: str | None = None
    clause_id: UUID | None = None
    title: str
    description: str | None = None
    deliverable: str | None = None
    field: str | None = None
    status: str
    due_on: date | None = None
    original_due_on: date | None = None
    percent: int = 0
    completed_at: datetime | None = None
    submitted_at: datetime | None = None
    demonstration: bool = False
    lead: TaskParty
    coordinating: list[TaskParty] = []
    monitoring: list[TaskParty] = []
    last_report: LastReport | None = None
    created_at: datetime
    updated_at: datetime
    # How often an extension of the deadline was granted.
    extension_count: int = 0
    # What repeats it, and the occurrence before this one.
    recurrence_id: UUID | None = None
    previous_occurrence_id: UUID | None = None


class ExtensionSnapshot(EventModel):
    """A request for a later deadline, with the deadline that it was asked against and the one that was granted."""

    id: UUID
    version: int
    state: str
    due_on: date | None = None
    requested_due_on: date
    granted_due_on: date | None = None
    reason: str
    requested_by_organization_id: UUID
    requested_by_name: str
    decided_by_organization_id: UUID | None = None
    decided_by_name: str | None = None
    remark: str | None = None


class FundingSnapshot(EventModel):
    """The state of a task's public investment; `gate` is how it stood to its plan period on the day of the event."""

    version: int
    needs_public_investment: bool
    plan_period: str | None = None
    closes_on: date | None = None
    source: str | None = None
    amount: int | None = None
    status: str
    gate: str | None = None


class TaskEvent(Event):
    topic = TASKS
    source = "/agreements-api"
    subject_kind = "tasks"
    task: TaskSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.task.id

    @property
    def key(self) -> str:
        return str(self.task.agreement_id)


class TaskAssigned(TaskEvent):
    type = "vn.lienvung.task.assigned.v1"


class TaskUpdated(TaskEvent):
    type = "vn.lienvung.task.updated.v1"


class TaskAccepted(TaskEvent):
    type = "vn.lienvung.task.accepted.v1"


class TaskProgressReported(TaskEvent):
    type = "vn.lienvung.task.progress_reported.v1"
    report_id: UUID | None = None
    # The earlier report that this one is to be read in the place of.
    corrects_report_id: UUID | None = None
    evidence: list[ReportEvidence] = []


class TaskSubmitted(TaskEvent):
    type = "vn.lienvung.task.submitted.v1"


class TaskConfirmed(TaskEvent):
    type = "vn.lienvung.task.confirmed.v1"


class TaskReturned(TaskEvent):
    type = "vn.lienvung.task.returned.v1"


class TaskDeadlineChanged(TaskEvent):
    type = "vn.lienvung.task.deadline_changed.v1"


class TaskReassigned(TaskEvent):
    """Another organisation takes part: in the place of one whose unit ended, or because the custodian said so."""

    type = "vn.lienvung.task.reassigned.v1"
    responsibilities: list[ResponsibilitySnapshot] = []


class TaskCompleted(TaskEvent):
    type = "vn.lienvung.task.completed.v1"


class TaskCancelled(TaskEvent):
    type = "vn.lienvung.task.cancelled.v1"


class TaskFundingChanged(TaskEvent):
    type = "vn.lienvung.task.funding_changed.v1"
    funding: FundingSnapshot | None = None


class TaskFundingMissed(TaskEvent):
    """The plan period closed, and what the task needs is not in its plan; told once for each period."""

    type = "vn.lienvung.task.funding_missed.v1"
    funding: FundingSnapshot | None = None


class TaskSuspended(TaskEvent):
    """Nothing is asked of anybody until it is resumed."""

    type = "vn.lienvung.task.suspended.v1"


class TaskResumed(TaskEvent):
    type = "vn.lienvung.task.resumed.v1"


class TaskReopened(TaskEvent):
    """A task that was completed or cancelled is worked on again."""

    type = "vn.lienvung.task.reopened.v1"


class TaskExtensionRequested(TaskEvent):
    """The lead asks for a later deadline; the one in force stays until somebody decides."""

    type = "vn.lienvung.task.extension_requested.v1"
    extension: ExtensionSnapshot | None = None


class TaskExtensionDecided(TaskEvent):
    """Granted or denied; where it was granted, the next event says that the deadline changed."""

    type = "vn.lienvung.task.extension_decided.v1"
    extension: ExtensionSnapshot | None = None


class TaskExtensionWithdrawn(TaskEvent):
    """The lead took its request back before anybody had decided it; the deadline stays what it is."""

    type = "vn.lienvung.task.extension_withdrawn.v1"
    extension: ExtensionSnapshot | None = None


class TaskRefused(TaskEvent):
    """A coordinating party does not confirm, and says why: an obstacle, and the task goes back to its lead."""

    type = "vn.lienvung.task.refused.v1"
    obstacle_id: UUID | None = None


class TaskConfirmationLapsed(TaskEvent):
    """The window in which parties could answer a submission is over; who did not answer counts as having confirmed."""

    type = "vn.lienvung.task.confirmation_lapsed.v1"
    lapsed_organization_ids: list[UUID] = []
