"""Agreements, from the first draft to their end."""

from datetime import date, datetime
from uuid import UUID

from shared.events.models.base import AGREEMENTS, Event, EventModel


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
    # Working days in which coordinating parties answer a submission; none: as the system is set.
    response_working_days: int | None = None
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
