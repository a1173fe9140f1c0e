"""The contracts of every event: snapshots, events and the catalogue of types."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

LOCALITIES = "lienvung.localities"
AGREEMENTS = "lienvung.agreements"
TASKS = "lienvung.tasks"
ALERTS = "lienvung.alerts"
REPORTS = "lienvung.reports"


class EventModel(BaseModel):
    # A reader ignores what it does not know: that is what lets a field be added without a new version.
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class ActorLike(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def kind(self) -> Any: ...
    @property
    def name(self) -> str: ...
    @property
    def organization_id(self) -> UUID | None: ...


class EventActor(EventModel):
    id: UUID
    kind: str
    name: str
    organization_id: UUID | None = None

    @classmethod
    def of(cls, actor: ActorLike) -> "EventActor":
        return cls(id=actor.id, kind=str(actor.kind), name=actor.name, organization_id=actor.organization_id)


class Change(EventModel):
    field: str
    from_: Any = Field(default=None, alias="from")
    to: Any = None


class ProvinceRef(EventModel):
    id: UUID
    name: str


class UnitRef(EventModel):
    id: UUID
    code: str
    name: str
    level: str
    province: ProvinceRef | None = None


class Person(EventModel):
    account_id: UUID
    name: str
    email: str | None = None
    roles: list[str]
    language: str = "vi"
    active: bool = True


class ContactPoint(EventModel):
    """A focal point of an organisation, in its order; the first one is for whatever no other one is for."""

    id: UUID
    position: int
    name: str | None = None
    title: str | None = None
    phone: str | None = None
    email: str | None = None
    field: str | None = None
    account_id: UUID | None = None


class OrganizationSnapshot(EventModel):
    id: UUID
    version: int
    name: str
    short_name: str | None = None
    kind: str
    unit: UnitRef
    superior_organization_id: UUID | None = None
    people: list[Person] = []
    contacts: list[ContactPoint] = []


class UnitSnapshot(EventModel):
    id: UUID
    version: int
    code: str
    name: str
    type: str | None = None
    level: str
    province: ProvinceRef | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class SuccessionSnapshot(EventModel):
    id: UUID
    version: int
    old_unit_id: UUID
    new_unit_id: UUID
    effective_on: date
    kind: str | None = None
    partial: bool = False
    legal_basis: str | None = None


class ParentInstrument(EventModel):
    instrument: str | None = None
    number: str | None = None
    title: str | None = None
    issued_by: str | None = None


class PartySnapshot(EventModel):
    id: UUID
    organization_id: UUID
    organization_name: str
    signatory_name: str | None = None
    signatory_title: str | None = None
    required: bool = True
    signed_at: datetime | None = None
    role: str = "signatory"
    ordinal: int = 0
    # Who answers for it, where that is another one by now.
    responsible_organization_id: UUID | None = None
    responsible_organization_name: str | None = None


class ClauseSnapshot(EventModel):
    id: UUID
    ordinal: int
    heading: str | None = None
    text: str
    field: str | None = None


class AgreementSnapshot(EventModel):
    id: UUID
    version: int
    instrument: str
    number: str | None = None
    title: str
    status: str
    parent: ParentInstrument | None = None
    fields: list[str] = []
    custodian_organization_id: UUID
    signing_order: str = "parallel"
    term_from: date | None = None
    term_to: date | None = None
    text_digest: str | None = None
    in_force_on: date | None = None
    signed_on: date | None = None
    demonstration: bool = False
    source_url: str | None = None
    parties: list[PartySnapshot] = []
    # Those in force.
    clauses: list[ClauseSnapshot] = []
    sign_by: date | None = None
    text_format: str | None = None
    original_term_to: date | None = None
    amends_agreement_id: UUID | None = None
    amendment_kind: str | None = None
    ended_on: date | None = None


class ResponsibilitySnapshot(EventModel):
    """Who took the place of a promiser whose unit ended."""

    promised_by_organization_id: UUID
    promised_by_name: str
    organization_id: UUID
    organization_name: str
    effective_on: date
    # Nobody has decided yet between several successors.
    provisional: bool = False
    case_id: UUID | None = None


class OpenPointSnapshot(EventModel):
    id: UUID
    version: int
    kind: str
    text: str
    state: str
    raised_by: str
    raised_on: date
    evaluation_id: UUID | None = None
    carried_to_agreement_id: UUID | None = None
    carried_to_clause_id: UUID | None = None
    carried_to_task_id: UUID | None = None
    remark: str | None = None


class DocumentSnapshot(EventModel):
    """A file that is attached to something; its content is fetched by a link, and never part of an event."""

    id: UUID
    version: int
    agreement_id: UUID
    subject_kind: str
    subject_id: UUID
    task_id: UUID | None = None
    name: str
    description: str | None = None
    media_type: str
    size: int
    digest: str
    organization_id: UUID
    organization_name: str
    created_at: datetime
    removed_at: datetime | None = None
    removal_reason: str | None = None


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


class LastReport(EventModel):
    period_start: date | None = None
    period_end: date | None = None
    percent: int
    narrative: str | None = None
    difficulties: str | None = None
    reported_at: datetime


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


class CorridorSnapshot(EventModel):
    id: UUID
    version: int
    agreement_id: UUID
    task_id: UUID | None = None
    clause_ids: list[UUID] = []
    name: str
    from_place: str | None = None
    to_place: str | None = None
    description: str | None = None
    demonstration: bool = False


class SegmentSnapshot(EventModel):
    """A segment without its geometry, which is read from `corridors/{corridor_id}/geojson`."""

    id: UUID
    version: int
    corridor_id: UUID
    agreement_id: UUID
    organization_id: UUID
    position: int
    name: str
    from_place: str | None = None
    to_place: str | None = None
    length_m: int | None = None
    road_class: str | None = None
    width_m: float | None = None
    plan_period: str | None = None
    funding_source: str | None = None
    funding_amount: int | None = None
    funding_status: str
    planned_start: date | None = None
    planned_finish: date | None = None
    actual_start: date | None = None
    actual_finish: date | None = None
    percent: int = 0
    geometry_source: str | None = None
    withdrawn_at: datetime | None = None


class UrgingSnapshot(EventModel):
    """What a leader asked of an organisation in a task, and what it answered."""

    id: UUID
    version: int
    kind: str
    status: str
    # Who has to answer.
    organization_id: UUID
    organization_name: str
    asked_by_organization_id: UUID
    asked_by_organization_name: str
    message: str
    answer_due_on: date
    asked_at: datetime
    answer: str | None = None
    answered_at: datetime | None = None


class MeasureSnapshot(EventModel):
    id: UUID
    text: str
    organization_id: UUID
    organization_name: str
    due_on: date
    done_at: datetime | None = None
    remark: str | None = None


class ObstacleSnapshot(EventModel):
    """What stands in the way of a task, in whose hands it is, and until when."""

    id: UUID
    version: int
    agreement_id: UUID
    agreement_title: str
    task_id: UUID
    task_title: str
    origin: str
    text: str
    status: str
    level: str
    raised_by_organization_id: UUID
    raised_by_organization_name: str
    # In whose hands it is.
    organization_id: UUID
    organization_name: str
    # The last day of its present clock.
    due_on: date
    escalated_at: datetime | None = None
    escalated_by: str | None = None
    resolved_at: datetime | None = None
    resolution: str | None = None
    demonstration: bool = False
    measures: list[MeasureSnapshot] = []
    created_at: datetime
    updated_at: datetime


class Mention(EventModel):
    account_id: UUID
    organization_id: UUID


class CommentSnapshot(EventModel):
    """That something was said, and whom it names. The words are read from the API: its author may take them back."""

    id: UUID
    version: int
    agreement_id: UUID
    agreement_title: str
    task_id: UUID
    task_title: str
    organization_id: UUID
    organization_name: str
    mentions: list[Mention] = []
    demonstration: bool = False
    created_at: datetime
    updated_at: datetime


class AlertSnapshot(EventModel):
    id: UUID
    version: int = 1
    task_id: UUID
    agreement_id: UUID
    step: str
    due_on: date | None = None
    recipients: int = 0
    task_title: str | None = None
    deadline_revision: int | None = None
    organization_ids: list[UUID] = []
    channel: str | None = None
    reason: str | None = None


class SigningAlertSnapshot(EventModel):
    """A reminder of a signature; what is due is the agreement, so that it names no task."""

    id: UUID
    version: int = 1
    agreement_id: UUID
    agreement_title: str | None = None
    step: str
    due_on: date | None = None
    recipients: int = 0
    deadline_revision: int | None = None
    organization_ids: list[UUID] = []
    channel: str | None = None
    reason: str | None = None


class ReportSnapshot(EventModel):
    id: UUID
    version: int
    agreement_id: UUID | None = None
    kind: str
    status: str
    requested_by: UUID | None = None
    organization_id: UUID | None = None
    period_start: date | None = None
    period_end: date | None = None
    as_of: date | None = None
    error: str | None = None


class Event(EventModel):
    """What goes under `data`; the class says which type, topic, owner and aggregate it is about."""

    type: ClassVar[str]
    topic: ClassVar[str]
    source: ClassVar[str]
    subject_kind: ClassVar[str]

    version: int = Field(ge=1)
    actor: EventActor
    occurred_at: datetime
    # Every organisation that may see the event; a feed filters by it without asking the owner.
    members: list[UUID] = []
    changes: list[Change] = []

    @property
    def aggregate_id(self) -> UUID:
        raise NotImplementedError

    @property
    def key(self) -> str:
        raise NotImplementedError

    @property
    def subject(self) -> str:
        return f"{self.subject_kind}/{self.aggregate_id}"

    @property
    def payload(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)


class OrganizationEvent(Event):
    topic = LOCALITIES
    source = "/agreements-api"
    subject_kind = "organizations"
    organization: OrganizationSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.organization.id

    @property
    def key(self) -> str:
        return str(self.organization.id)


class UnitEvent(Event):
    topic = LOCALITIES
    source = "/agreements-api"
    subject_kind = "units"
    unit: UnitSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.unit.id

    @property
    def key(self) -> str:
        return str(self.unit.id)


class SuccessionEvent(Event):
    topic = LOCALITIES
    source = "/agreements-api"
    subject_kind = "successions"
    succession: SuccessionSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.succession.id

    @property
    def key(self) -> str:
        return str(self.succession.old_unit_id)


class AgreementEvent(Event):
    topic = AGREEMENTS
    source = "/agreements-api"
    subject_kind = "agreements"
    agreement: AgreementSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.agreement.id

    @property
    def key(self) -> str:
        return str(self.agreement.id)


class DocumentEvent(Event):
    topic = AGREEMENTS
    source = "/agreements-api"
    subject_kind = "documents"
    document: DocumentSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.document.id

    @property
    def key(self) -> str:
        return str(self.document.agreement_id)


class CorridorEvent(Event):
    topic = AGREEMENTS
    source = "/agreements-api"
    subject_kind = "corridors"
    corridor: CorridorSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.corridor.id

    @property
    def key(self) -> str:
        return str(self.corridor.agreement_id)


class SegmentEvent(Event):
    topic = AGREEMENTS
    source = "/agreements-api"
    subject_kind = "segments"
    segment: SegmentSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.segment.id

    @property
    def key(self) -> str:
        return str(self.segment.agreement_id)


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


class ObstacleEvent(Event):
    topic = TASKS
    source = "/agreements-api"
    subject_kind = "obstacles"
    obstacle: ObstacleSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.obstacle.id

    @property
    def key(self) -> str:
        return str(self.obstacle.agreement_id)


class CommentEvent(Event):
    topic = TASKS
    source = "/agreements-api"
    subject_kind = "comments"
    comment: CommentSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.comment.id

    @property
    def key(self) -> str:
        return str(self.comment.agreement_id)


class AlertEvent(Event):
    topic = ALERTS
    source = "/notifier"
    subject_kind = "alerts"
    alert: AlertSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.alert.id

    @property
    def key(self) -> str:
        return str(self.alert.agreement_id)


class SigningAlertEvent(Event):
    topic = ALERTS
    source = "/notifier"
    subject_kind = "alerts"
    alert: SigningAlertSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.alert.id

    @property
    def key(self) -> str:
        return str(self.alert.agreement_id)


class ReportEvent(Event):
    topic = REPORTS
    source = "/reporting"
    subject_kind = "reports"
    report: ReportSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.report.id

    @property
    def key(self) -> str:
        return str(self.report.agreement_id or self.report.id)


class OrganizationChanged(OrganizationEvent):
    type = "vn.lienvung.organization.changed.v1"


class UnitRegistered(UnitEvent):
    type = "vn.lienvung.unit.registered.v1"


class UnitSucceeded(SuccessionEvent):
    type = "vn.lienvung.unit.succeeded.v1"


class AgreementDrafted(AgreementEvent):
    type = "vn.lienvung.agreement.drafted.v1"


class AgreementUpdated(AgreementEvent):
    type = "vn.lienvung.agreement.updated.v1"


class AgreementOpenedForSignature(AgreementEvent):
    type = "vn.lienvung.agreement.opened_for_signature.v1"


class AgreementSigned(AgreementEvent):
    type = "vn.lienvung.agreement.signed.v1"


class AgreementInForce(AgreementEvent):
    type = "vn.lienvung.agreement.in_force.v1"


class AgreementDeclined(AgreementEvent):
    type = "vn.lienvung.agreement.declined.v1"


class AgreementDiscarded(AgreementEvent):
    """Its custodian deleted a draft that nobody else had seen."""

    type = "vn.lienvung.agreement.discarded.v1"


class AgreementRecalled(AgreementEvent):
    type = "vn.lienvung.agreement.recalled.v1"


class AgreementSigningExpired(AgreementEvent):
    """The last day for signatures passed without all of them; the text is a draft again."""

    type = "vn.lienvung.agreement.signing_expired.v1"


class AgreementAmended(AgreementEvent):
    """An amendment came into force: the snapshot has the clauses that hold from now on."""

    type = "vn.lienvung.agreement.amended.v1"
    amendment_id: UUID | None = None


class AgreementRenewed(AgreementEvent):
    type = "vn.lienvung.agreement.renewed.v1"
    amendment_id: UUID | None = None


class AgreementSuspended(AgreementEvent):
    type = "vn.lienvung.agreement.suspended.v1"


class AgreementResumed(AgreementEvent):
    type = "vn.lienvung.agreement.resumed.v1"


class AgreementConcluded(AgreementEvent):
    type = "vn.lienvung.agreement.concluded.v1"


class AgreementTerminated(AgreementEvent):
    type = "vn.lienvung.agreement.terminated.v1"


class AgreementLapsed(AgreementEvent):
    """Its term is over."""

    type = "vn.lienvung.agreement.lapsed.v1"


class AgreementSucceeded(AgreementEvent):
    """Units ended, and others answer for what was promised; or somebody decided between several."""

    type = "vn.lienvung.agreement.succeeded.v1"
    responsibilities: list[ResponsibilitySnapshot] = []


class AgreementPublished(AgreementEvent):
    """Shown to the public, or shown with other tasks than before."""

    type = "vn.lienvung.agreement.published.v1"
    public_task_ids: list[UUID] = []


class AgreementUnpublished(AgreementEvent):
    type = "vn.lienvung.agreement.unpublished.v1"
    public_task_ids: list[UUID] = []


class AgreementOpenPointChanged(AgreementEvent):
    type = "vn.lienvung.agreement.open_point_changed.v1"
    open_point: OpenPointSnapshot | None = None


class DocumentAdded(DocumentEvent):
    type = "vn.lienvung.document.added.v1"


class DocumentRemoved(DocumentEvent):
    type = "vn.lienvung.document.removed.v1"


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


class CorridorChanged(CorridorEvent):
    type = "vn.lienvung.corridor.changed.v1"


class SegmentChanged(SegmentEvent):
    """A segment was added, changed, handed over or withdrawn; `changes` says what of it."""

    type = "vn.lienvung.segment.changed.v1"


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


class TaskRefused(TaskEvent):
    """A coordinating party does not confirm, and says why: an obstacle, and the task goes back to its lead."""

    type = "vn.lienvung.task.refused.v1"
    obstacle_id: UUID | None = None


class TaskConfirmationLapsed(TaskEvent):
    """The window in which parties could answer a submission is over; who did not answer counts as having confirmed."""

    type = "vn.lienvung.task.confirmation_lapsed.v1"
    lapsed_organization_ids: list[UUID] = []


class TaskUrged(TaskEvent):
    type = "vn.lienvung.task.urged.v1"
    urging: UrgingSnapshot | None = None


class TaskUrgingAnswered(TaskEvent):
    type = "vn.lienvung.task.urging_answered.v1"
    urging: UrgingSnapshot | None = None


class TaskExplanationRequested(TaskEvent):
    type = "vn.lienvung.task.explanation_requested.v1"
    urging: UrgingSnapshot | None = None


class TaskExplanationGiven(TaskEvent):
    type = "vn.lienvung.task.explanation_given.v1"
    urging: UrgingSnapshot | None = None


class ObstacleRaised(ObstacleEvent):
    type = "vn.lienvung.obstacle.raised.v1"


class ObstacleUpdated(ObstacleEvent):
    type = "vn.lienvung.obstacle.updated.v1"


class ObstacleMeasureChanged(ObstacleEvent):
    """A measure was planned, changed or carried out."""

    type = "vn.lienvung.obstacle.measure_changed.v1"
    measure_id: UUID | None = None


class ObstacleEscalated(ObstacleEvent):
    """It is in the hands of the body above, by a person's step or because its clock ran out."""

    type = "vn.lienvung.obstacle.escalated.v1"


class ObstacleResolved(ObstacleEvent):
    type = "vn.lienvung.obstacle.resolved.v1"


class ObstacleReopened(ObstacleEvent):
    type = "vn.lienvung.obstacle.reopened.v1"


class CommentAdded(CommentEvent):
    type = "vn.lienvung.comment.added.v1"


class CommentEdited(CommentEvent):
    type = "vn.lienvung.comment.edited.v1"


class CommentDeleted(CommentEvent):
    type = "vn.lienvung.comment.deleted.v1"


class DeadlineApproaching(AlertEvent):
    type = "vn.lienvung.deadline.approaching.v1"


class DeadlineDue(AlertEvent):
    type = "vn.lienvung.deadline.due.v1"


class DeadlinePassed(AlertEvent):
    type = "vn.lienvung.deadline.passed.v1"


class DeadlineEscalated(AlertEvent):
    type = "vn.lienvung.deadline.escalated.v1"


class DeliveryFailed(AlertEvent):
    type = "vn.lienvung.delivery.failed.v1"


class SigningApproaching(SigningAlertEvent):
    """The last day for signatures comes near, and a party whose turn it is has not signed."""

    type = "vn.lienvung.signing.approaching.v1"


class SigningDue(SigningAlertEvent):
    """This is the last day for signatures, and a party whose turn it is has not signed."""

    type = "vn.lienvung.signing.due.v1"


class SigningDeliveryFailed(SigningAlertEvent):
    """A reminder of a signature could not be delivered by mail."""

    type = "vn.lienvung.signing.delivery_failed.v1"


class ReportRequested(ReportEvent):
    type = "vn.lienvung.report.requested.v1"


class ReportReady(ReportEvent):
    type = "vn.lienvung.report.ready.v1"


class ReportFailed(ReportEvent):
    type = "vn.lienvung.report.failed.v1"


class MeetingParticipantSnapshot(EventModel):
    """An organisation of a meeting. Who came for it is no business of those who hear of the event."""

    organization_id: UUID
    organization_name: str
    unit_id: UUID | None = None
    invited: bool = True
    # None until it is recorded.
    attendance: str | None = None


class MeetingOutcomeSnapshot(EventModel):
    id: UUID
    ordinal: int
    text: str
    responsible_organization_id: UUID | None = None
    responsible_name: str | None = None
    due_on: date | None = None
    task_id: UUID | None = None


class MeetingSnapshot(EventModel):
    id: UUID
    version: int
    agreement_id: UUID
    agreement_title: str
    kind: str
    title: str
    status: str
    host_organization_id: UUID
    host_name: str
    place: str | None = None
    online_url: str | None = None
    starts_at: datetime
    ends_at: datetime | None = None
    # The day in Vietnam.
    held_on: date | None = None
    cancel_reason: str | None = None
    minutes_revision: int | None = None
    demonstration: bool = False
    participants: list[MeetingParticipantSnapshot] = []
    outcomes: list[MeetingOutcomeSnapshot] = []


class MeetingPromiseSnapshot(EventModel):
    """How often the parties of an agreement promised to meet."""

    id: UUID
    version: int
    agreement_id: UUID
    clause_id: UUID | None = None
    frequency: str
    from_on: date
    until_on: date | None = None
    basis: str | None = None


class BoundarySideSnapshot(EventModel):
    organization_id: UUID
    name: str
    unit_id: UUID
    unit_name: str


class BoundaryStepSnapshot(EventModel):
    id: UUID
    ordinal: int
    title: str
    due_on: date | None = None
    # One for each side, in their order; None until it has confirmed.
    confirmed_at: list[datetime | None] = []
    completed_at: datetime | None = None


class BoundaryCaseSnapshot(EventModel):
    """A dossier of a cross-cultivated or cross-inhabited area: counts only, nobody's data."""

    id: UUID
    version: int
    agreement_id: UUID
    task_id: UUID
    task_title: str
    kind: str
    state: str
    sides: list[BoundarySideSnapshot]
    households: int | None = None
    plots: int | None = None
    area_m2: int | None = None
    steps: list[BoundaryStepSnapshot] = []
    handed_over_on: date | None = None
    closed_on: date | None = None
    demonstration: bool = False


class MeetingEvent(Event):
    topic = AGREEMENTS
    source = "/agreements-api"
    subject_kind = "meetings"
    meeting: MeetingSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.meeting.id

    @property
    def key(self) -> str:
        return str(self.meeting.agreement_id)


class MeetingPromiseEvent(Event):
    topic = AGREEMENTS
    source = "/agreements-api"
    subject_kind = "meeting-promises"
    promise: MeetingPromiseSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.promise.id

    @property
    def key(self) -> str:
        return str(self.promise.agreement_id)


class BoundaryCaseEvent(Event):
    topic = TASKS
    source = "/agreements-api"
    subject_kind = "boundary-cases"
    boundary_case: BoundaryCaseSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.boundary_case.id

    @property
    def key(self) -> str:
        return str(self.boundary_case.agreement_id)


class MeetingPlanned(MeetingEvent):
    type = "vn.lienvung.meeting.planned.v1"


class MeetingChanged(MeetingEvent):
    """Its date, place, agenda or guests; of a meeting that was held its attendance, minutes or outcomes."""

    type = "vn.lienvung.meeting.changed.v1"


class MeetingHeld(MeetingEvent):
    type = "vn.lienvung.meeting.held.v1"


class MeetingCancelled(MeetingEvent):
    type = "vn.lienvung.meeting.cancelled.v1"


class MeetingPromiseChanged(MeetingPromiseEvent):
    """How often to meet was promised, or promised otherwise than before."""

    type = "vn.lienvung.meeting.promise_changed.v1"


class BoundaryCaseOpened(BoundaryCaseEvent):
    type = "vn.lienvung.boundary_case.opened.v1"


class BoundaryCaseChanged(BoundaryCaseEvent):
    type = "vn.lienvung.boundary_case.changed.v1"


class BoundaryCaseStepConfirmed(BoundaryCaseEvent):
    """By one side, or by both where one organisation answers for both; with the second side the step is completed."""

    type = "vn.lienvung.boundary_case.step_confirmed.v1"
    step_id: UUID | None = None


class BoundaryCaseStepTakenBack(BoundaryCaseEvent):
    type = "vn.lienvung.boundary_case.step_taken_back.v1"
    step_id: UUID | None = None


class BoundaryCaseHandedOver(BoundaryCaseEvent):
    """Both sides have confirmed every step."""

    type = "vn.lienvung.boundary_case.handed_over.v1"


class BoundaryCaseClosed(BoundaryCaseEvent):
    type = "vn.lienvung.boundary_case.closed.v1"


def _concrete(kind: type[Event]) -> Iterator[type[Event]]:
    for subclass in kind.__subclasses__():
        if "type" in vars(subclass):
            yield subclass
        yield from _concrete(subclass)


EVENT_TYPES: dict[str, type[Event]] = {kind.type: kind for kind in _concrete(Event)}
