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
    WITNESS = "witness"


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
    signing_order: str = SigningOrder.PARALLEL
    term_from: date | None = None
    term_to: date | None = None
    frozen_text: str | None = None
    text_digest: str | None = None
    opened_at: datetime | None = Field(default=None, sa_column=_moment())
    signed_on: date | None = None
    in_force_on: date | None = None
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


class Clause(Table, table=True):
    """What a task fulfils."""

    __tablename__ = "agreement_clause"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    agreement_id: UUID = Field(foreign_key="agreement.id")
    ordinal: int
    heading: str | None = None
    text: str
    field: str | None = None


class Signature(Table, table=True):
    """A leader's signature under one digest; void once the text went back to draft."""

    __tablename__ = "signature"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    agreement_id: UUID = Field(foreign_key="agreement.id")
    party_id: UUID
    organization_id: UUID
    account_id: UUID
    signatory_name: str
    signatory_title: str
    delegation: str | None = None
    text_digest: str
    signed_at: datetime = Field(sa_column=_moment(nullable=False))
    voided_at: datetime | None = Field(default=None, sa_column=_moment())


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
