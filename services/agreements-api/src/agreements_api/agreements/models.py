"""Tables of agreements, parties, clauses, signatures and members."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Column, DateTime, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from agreements_api.tables import Table
from shared.ids import new_id


class Instrument(StrEnum):
    CONCLUSION = "conclusion"
    PLAN = "plan"
    PROGRAMME = "programme"
    REGULATION = "regulation"
    MEMORANDUM = "memorandum"
    AGREEMENT = "agreement"


class AgreementStatus(StrEnum):
    DRAFT = "draft"
    OPEN_FOR_SIGNATURE = "open_for_signature"
    IN_FORCE = "in_force"
    SUSPENDED = "suspended"
    CONCLUDED = "concluded"
    TERMINATED = "terminated"
    LAPSED = "lapsed"


class SigningOrder(StrEnum):
    PARALLEL = "parallel"
    SEQUENTIAL = "sequential"


class PartyRole(StrEnum):
    SIGNATORY = "signatory"
    APPROVER = "approver"
    WITNESS = "witness"


class Authority(StrEnum):
    """In whose name a hand signs (Decree 30/2020/NĐ-CP, article 13 and appendix I)."""

    OWN = "own"
    ON_BEHALF_OF = "on_behalf_of"
    FOR_SUPERIOR = "for_superior"
    BY_ORDER = "by_order"
    BY_AUTHORIZATION = "by_authorization"


class TextFormat(StrEnum):
    """How a text was frozen: as canonical JSON (RFC 8785), or as people read it."""

    JCS = "jcs"
    TEXT = "text"


class Withdrawal(StrEnum):
    """Why a text that was open for signature went back to draft."""

    DECLINED = "declined"
    RECALLED = "recalled"
    EXPIRED = "expired"


class AmendmentKind(StrEnum):
    AMENDMENT = "amendment"
    RENEWAL = "renewal"


class ClauseOperation(StrEnum):
    """What a clause of an amendment does to the agreement."""

    ADD = "add"
    REPLACE = "replace"
    REPEAL = "repeal"


INSTRUMENT_WORDING: dict[Instrument, str] = {
    Instrument.CONCLUSION: "kết luận",
    Instrument.PLAN: "kế hoạch phối hợp",
    Instrument.PROGRAMME: "chương trình",
    Instrument.REGULATION: "quy chế phối hợp",
    Instrument.MEMORANDUM: "biên bản ghi nhớ",
    Instrument.AGREEMENT: "thỏa thuận",
}
STATUS_WORDING: dict[AgreementStatus, str] = {
    AgreementStatus.DRAFT: "dự thảo",
    AgreementStatus.OPEN_FOR_SIGNATURE: "đang ký",
    AgreementStatus.IN_FORCE: "có hiệu lực",
    AgreementStatus.SUSPENDED: "tạm dừng",
    AgreementStatus.CONCLUDED: "đã kết thúc",
    AgreementStatus.TERMINATED: "chấm dứt",
    AgreementStatus.LAPSED: "hết hiệu lực",
}
ROLE_WORDING: dict[PartyRole, str] = {
    PartyRole.SIGNATORY: "ký kết",
    PartyRole.APPROVER: "phê duyệt",
    PartyRole.WITNESS: "chứng kiến",
}
AUTHORITY_WORDING: dict[Authority, str] = {
    Authority.OWN: "ký trực tiếp",
    Authority.ON_BEHALF_OF: "thay mặt tập thể",
    Authority.FOR_SUPERIOR: "ký thay",
    Authority.BY_ORDER: "thừa lệnh",
    Authority.BY_AUTHORIZATION: "thừa ủy quyền",
}
AMENDMENT_WORDING: dict[AmendmentKind, str] = {
    AmendmentKind.AMENDMENT: "phụ lục sửa đổi, bổ sung",
    AmendmentKind.RENEWAL: "phụ lục gia hạn",
}
OPERATION_WORDING: dict[ClauseOperation, str] = {
    ClauseOperation.ADD: "bổ sung",
    ClauseOperation.REPLACE: "sửa đổi",
    ClauseOperation.REPEAL: "bãi bỏ",
}
WITHDRAWAL_WORDING: dict[Withdrawal, str] = {
    Withdrawal.DECLINED: "bị từ chối ký",
    Withdrawal.RECALLED: "được thu hồi",
    Withdrawal.EXPIRED: "hết hạn ký",
}


def _moment(*, nullable: bool = True) -> Any:
    return Column(DateTime(timezone=True), nullable=nullable)


class Agreement(Table, table=True):
    """A document that localities sign with each other."""

    __tablename__ = "agreement"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int = 1
    instrument: str
    number: str | None = None
    title: str
    folded: str
    status: str = AgreementStatus.DRAFT
    parent: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    parent_agreement_id: UUID | None = None
    fields_: list[str] = Field(sa_column=Column("fields", ARRAY(Text), nullable=False))
    custodian_organization_id: UUID
    custodian_name: str
    # Who drafted it, where another one keeps it by now: its unit ended.
    original_custodian_organization_id: UUID | None = None
    original_custodian_name: str | None = None
    signing_order: str = SigningOrder.PARALLEL
    term_from: date | None = None
    term_to: date | None = None
    # The term in the text that was signed; a renewal moves the one in force.
    original_term_from: date | None = None
    original_term_to: date | None = None
    sign_by: date | None = None
    # In which coordinating parties answer a submission; where there is none, as the system is set.
    response_working_days: int | None = None
    # As it stands in the text that was signed; an amendment moves the one in force.
    original_response_working_days: int | None = None
    amends_agreement_id: UUID | None = None
    amendment_kind: str | None = None
    frozen_text: str | None = None
    text_digest: str | None = None
    text_format: str = TextFormat.TEXT
    opened_at: datetime | None = Field(default=None, sa_column=_moment())
    # When others saw a text of it for the first time.
    presented_at: datetime | None = Field(default=None, sa_column=_moment())
    discarded_at: datetime | None = Field(default=None, sa_column=_moment())
    signed_on: date | None = None
    in_force_on: date | None = None
    ended_on: date | None = None
    demonstration: bool = False
    source_url: str | None = None
    note: str | None = None
    created_at: datetime = Field(sa_column=_moment(nullable=False))
    updated_at: datetime = Field(sa_column=_moment(nullable=False))


class Party(Table, table=True):
    """An organisation that signs, under the name that it has then."""

    __tablename__ = "agreement_party"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    agreement_id: UUID = Field(foreign_key="agreement.id")
    ordinal: int
    organization_id: UUID
    organization_name: str
    role: str = PartyRole.SIGNATORY
    required: bool = True
    signatory_name: str | None = None
    signatory_title: str | None = None
    delegation: str | None = None
    signed_at: datetime | None = Field(default=None, sa_column=_moment())
    # The amendment by which it joined an agreement that others had signed before.
    amendment_id: UUID | None = None
    # Who answers for it, where that is another one by now: its unit ended.
    responsible_organization_id: UUID | None = None
    responsible_organization_name: str | None = None

    @property
    def answering_id(self) -> UUID:
        """Whose leaders act for the party today."""
        return self.responsible_organization_id or self.organization_id

    @property
    def answering_name(self) -> str:
        return self.responsible_organization_name or self.organization_name


class Clause(Table, table=True):
    """What a task fulfils."""

    __tablename__ = "agreement_clause"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    agreement_id: UUID = Field(foreign_key="agreement.id")
    ordinal: int
    heading: str | None = None
    text: str
    field: str | None = None
    # In an amendment: what this clause does to a clause of the agreement that is amended.
    operation: str | None = None
    target_clause_id: UUID | None = None
    # In an agreement: the amendment that brought the clause in and from when, and the one that ended it.
    amendment_id: UUID | None = None
    started_on: date | None = None
    ended_on: date | None = None
    ended_by: UUID | None = None
    replaced_by: UUID | None = None


class Signature(Table, table=True):
    """A leader's signature under one digest; void once the text went back to draft."""

    __tablename__ = "signature"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    agreement_id: UUID = Field(foreign_key="agreement.id")
    party_id: UUID
    organization_id: UUID
    organization_name: str
    role: str
    account_id: UUID
    signatory_name: str
    signatory_title: str
    # Not known for a delegation that was given in free words.
    authority: str | None = None
    principal_title: str | None = None
    delegation: str | None = None
    delegation_number: str | None = None
    delegation_valid_until: date | None = None
    text_digest: str
    signed_at: datetime = Field(sa_column=_moment(nullable=False))
    voided_at: datetime | None = Field(default=None, sa_column=_moment())
    void_reason: str | None = None


class WithdrawnText(Table, table=True):
    """What was open for signature once and went back to draft; its void signatures stand under it."""

    __tablename__ = "withdrawn_text"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    agreement_id: UUID = Field(foreign_key="agreement.id")
    text_format: str
    text_digest: str
    content: str
    opened_at: datetime = Field(sa_column=_moment(nullable=False))
    withdrawn_at: datetime = Field(sa_column=_moment(nullable=False))
    reason: str
    remark: str | None = None


class Member(Table, table=True):
    """How an organisation stands to an agreement, or to one of its tasks."""

    __tablename__ = "agreement_member"

    agreement_id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(primary_key=True)
    source_id: UUID = Field(primary_key=True)
    relation: str = Field(primary_key=True)


class Access(Table, table=True):
    """Who may see an agreement; kept by the database from its members."""

    __tablename__ = "agreement_access"

    organization_id: UUID = Field(primary_key=True)
    agreement_id: UUID = Field(primary_key=True)
