"""What the API takes and shows of agreements."""

import re
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, HttpUrl, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from agreements_api.agreements.models import (
    AgreementStatus,
    AmendmentKind,
    Authority,
    ClauseOperation,
    Instrument,
    PartyRole,
    SigningOrder,
    TextFormat,
    Withdrawal,
)
from shared.schemas import CLEAN, Line, Model, Text


def _iso_day(value: Any) -> Any:
    """Only YYYY-MM-DD: a number, even as text, would be read as seconds since 1970."""
    if isinstance(value, date) or (isinstance(value, str) and _DAY.match(value)):
        return value
    raise PydanticCustomError("date_parsing", "Input should be a date as YYYY-MM-DD")


_DAY = re.compile("[0-9]{4,}-[0-9]{2}-[0-9]{2}$")

# The Republic's first day, and a century that no agreement outlives.
Day = Annotated[
    date,
    BeforeValidator(_iso_day),
    Field(ge=date(1945, 9, 2), le=date(2199, 12, 31), examples=["2026-12-31"]),
]
Title = Annotated[str, Field(min_length=1, max_length=1000), CLEAN]
FieldName = Annotated[str, Field(min_length=1, max_length=100), CLEAN]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
SignBy = Annotated[
    Day | None,
    Field(description="Last day for signatures; where it is no working day, the next one. They are void afterwards."),
]
ResponseDays = Annotated[
    int,
    Field(
        strict=True,
        ge=1,
        le=60,
        description="Working days in which the coordinating parties of its tasks can answer a submission; where it is"
        " null, as the system is set.",
    ),
]

AGREEMENT_EXAMPLE: dict[str, Any] = {
    "instrument": "plan",
    "number": None,
    "title": "Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD về thúc đẩy liên kết vùng",
    "parent": {
        "instrument": "conclusion",
        "number": "352-KL/TUQN-TUBG-TUHD",
        "title": "Kết luận về thúc đẩy liên kết vùng giữa 3 tỉnh",
        "issued_by": "Ban Thường vụ Tỉnh ủy Quảng Ninh, Tỉnh ủy Bắc Giang, Tỉnh ủy Hải Dương",
    },
    "fields": ["hạ tầng giao thông", "du lịch"],
    "parties": [{"organization_id": "01990000-0000-7000-8000-000000000002", "signatory_title": "Bí thư Thành ủy"}],
    "clauses": [
        {
            "heading": "Sản phẩm và du lịch",
            "text": "Hợp tác quảng bá, tiêu thụ sản phẩm, thông tin du lịch.",
            "field": "du lịch",
        }
    ],
}
PARTY_EXAMPLE: dict[str, Any] = {
    "id": "01990000-0000-7000-8000-0000000000b9",
    "organization_id": "01990000-0000-7000-8000-000000000002",
    "organization_name": "Ban Thường vụ Thị ủy Đông Triều",
    "role": "signatory",
    "required": True,
    "signatory_name": "Nguyễn Văn A",
    "signatory_title": "Bí thư Thị ủy",
    "signed_at": "2026-11-23T03:00:00Z",
    "responsible_organization_id": None,
    "responsible_organization_name": None,
}


class TextKind(StrEnum):
    ORIGINAL = "original"
    AMENDMENT = "amendment"
    RENEWAL = "renewal"
    WITHDRAWN = "withdrawn"


class CheckKind(StrEnum):
    """What a verification looks at."""

    TEXT = "text"
    RENDERING = "rendering"
    SIGNATURE = "signature"
    PARTY = "party"
    WITHDRAWN_TEXT = "withdrawn_text"


class Outcome(StrEnum):
    MATCHES = "matches"
    DIFFERS = "differs"
    # A text that was taken back before such texts were kept.
    NOT_KEPT = "not_kept"


class ParentInstrument(Model):
    """The document that this one carries out, where it is not an agreement of this system."""

    instrument: Instrument
    number: Line | None = None
    title: Line
    issued_by: Line | None = None


class PartyCreate(Model):
    organization_id: UUID
    role: PartyRole = PartyRole.SIGNATORY
    required: bool = True
    signatory_name: Line | None = None
    signatory_title: Line | None = None


class ClauseCreate(Model):
    heading: Line | None = None
    text: Text
    field: FieldName | None = None
    operation: ClauseOperation | None = Field(default=None, description="In an amendment only; `add` by default.")
    target_clause_id: UUID | None = Field(default=None, description="The clause that is replaced or repealed.")


class _Term(Model):
    term_from: Day | None = None
    term_to: Day | None = None

    @field_validator("term_to")
    @classmethod
    def _in_order(cls, value: date | None, info: ValidationInfo) -> date | None:
        begins = info.data.get("term_from")
        if begins and value and value < begins:
            raise PydanticCustomError("term_reversed", "The term ends before it begins")
        return value


class AgreementCreate(_Term):
    """A draft. Its custodian is the caller's organisation."""

    model_config = ConfigDict(json_schema_extra={"examples": [AGREEMENT_EXAMPLE]})

    instrument: Instrument
    number: Line | None = None
    title: Title
    parent: ParentInstrument | None = None
    parent_agreement_id: UUID | None = None
    fields: Annotated[list[FieldName], Field(max_length=50)] = []
    signing_order: SigningOrder = SigningOrder.PARALLEL
    sign_by: SignBy = None
    response_working_days: ResponseDays | None = None
    demonstration: bool = False
    source_url: Annotated[HttpUrl, Field(max_length=2000)] | None = None
    note: Text | None = None
    parties: Annotated[list[PartyCreate], Field(max_length=200)] = []
    clauses: Annotated[list[ClauseCreate], Field(max_length=500)] = []


class AgreementUpdate(_Term):
    """A merge patch of a draft: what is absent stays, null clears, lists are replaced whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"number": "15-KH/BTV", "term_to": "2027-12-31"}]})

    instrument: Instrument = Instrument.PLAN
    number: Line | None = None
    title: Title = "-"
    parent: ParentInstrument | None = None
    parent_agreement_id: UUID | None = None
    fields: Annotated[list[FieldName], Field(max_length=50)] = []
    signing_order: SigningOrder = SigningOrder.PARALLEL
    sign_by: SignBy = None
    response_working_days: ResponseDays | None = None
    demonstration: bool = False
    source_url: Annotated[HttpUrl, Field(max_length=2000)] | None = None
    note: Text | None = None
    parties: Annotated[list[PartyCreate], Field(max_length=200)] = []
    clauses: Annotated[list[ClauseCreate], Field(max_length=500)] = []


class AmendmentCreate(Model):
    """An amendment of an agreement: a draft of its own, which is opened and signed like any other."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "number": "01-PL/BTV",
                    "clauses": [
                        {
                            "operation": "replace",
                            "target_clause_id": "01990000-0000-7000-8000-0000000000c1",
                            "heading": "Sản phẩm và du lịch",
                            "text": "Hợp tác quảng bá sản phẩm, du lịch; mỗi năm tổ chức một hội chợ chung.",
                        }
                    ],
                }
            ]
        }
    )

    number: Line | None = None
    title: Title | None = Field(default=None, description="Named after the agreement where it is not given.")
    signing_order: SigningOrder | None = Field(default=None, description="The agreement's where it is not given.")
    sign_by: SignBy = None
    response_working_days: ResponseDays | None = Field(
        default=None, description="The agreement's from the day on which the amendment is in force; null leaves it."
    )
    note: Text | None = None
    parties: Annotated[list[PartyCreate], Field(max_length=200)] | None = Field(
        default=None, description="All who sign: the agreement's parties where they are not given, and who joins."
    )
    clauses: Annotated[list[ClauseCreate], Field(max_length=500)] = []


class RenewalCreate(AmendmentCreate):
    """A renewal: an amendment that moves the end of the term, and may change clauses as well."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"number": "02-PL/BTV", "term_to": "2030-12-31", "sign_by": "2026-12-15"}]}
    )

    term_to: Day


class OpenForSignature(Model):
    """`sign_by`, where given, stands in the place of the draft's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sign_by": "2026-12-15"}]})

    sign_by: SignBy = None


class DelegationCreate(Model):
    """The ground of signing for somebody else."""

    basis: Line = Field(description="The decision or regulation that it rests on.")
    number: Line | None = None
    principal_title: Line | None = Field(default=None, description="Title of whom it is signed for.")
    valid_until: Day | None = None


def _as_basis(value: Any) -> Any:
    """Free words, which once were all that a delegation could be."""
    return {"basis": value} if isinstance(value, str) else value


Delegation = Annotated[DelegationCreate, BeforeValidator(_as_basis, json_schema_input_type=DelegationCreate | Line)]


class SignatureCreate(Model):
    """Whose hand signs; `text_digest`, where given, must be that of the text that was read."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"signatory_name": "Nguyễn Văn A", "signatory_title": "Bí thư Thành ủy"},
                {
                    "signatory_name": "Trần Thị B",
                    "signatory_title": "Phó Chủ tịch",
                    "authority": "for_superior",
                    "delegation": {
                        "basis": "Quyết định phân công nhiệm vụ của Chủ tịch",
                        "number": "12/QĐ-UBND",
                        "principal_title": "Chủ tịch",
                        "valid_until": "2026-12-31",
                    },
                },
            ]
        }
    )

    signatory_name: Line
    signatory_title: Line
    authority: Authority = Field(
        default=Authority.OWN,
        description="`own`; `on_behalf_of` TM. (thay mặt), `for_superior` KT. (ký thay), `by_order` TL. (thừa lệnh),"
        " `by_authorization` TUQ. (thừa ủy quyền). The last three need a `delegation`.",
    )
    delegation: (
        Annotated[DelegationCreate, BeforeValidator(_as_basis, json_schema_input_type=DelegationCreate | Line)] | None
    ) = None
    text_digest: Digest | None = None


class Decline(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Đề nghị bổ sung thời hạn ở Điều 2."}]})

    reason: Text


class Empty(Model):
    """A transition that needs no words."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})


class Reason(Model):
    """Why: it stands in the history for good."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Theo kết luận của hội nghị sơ kết."}]})

    reason: Text


class PartyPublic(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [PARTY_EXAMPLE]})

    id: UUID
    organization_id: UUID
    organization_name: str
    role: PartyRole
    required: bool
    signatory_name: str | None
    signatory_title: str | None
    signed_at: datetime | None
    responsible_organization_id: UUID | None = Field(
        description="Who answers for the party today, where its own unit has ended; null: the party itself."
    )
    responsible_organization_name: str | None


class ClausePublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000c1",
                    "ordinal": 1,
                    "heading": "Sản phẩm và du lịch",
                    "text": "Hợp tác quảng bá, tiêu thụ sản phẩm, thông tin du lịch.",
                    "field": "du lịch",
                    "operation": None,
                    "target_clause_id": None,
                    "amendment_id": None,
                    "started_on": None,
                    "ended_on": None,
                    "ended_by": None,
                    "replaced_by": None,
                    "task_count": 1,
                }
            ]
        }
    )

    id: UUID
    ordinal: int
    heading: str | None
    text: str
    field: str | None
    operation: ClauseOperation | None
    target_clause_id: UUID | None
    amendment_id: UUID | None = Field(description="The amendment that brought it in.")
    started_on: date | None = Field(description="From when it holds, where an amendment brought it in.")
    ended_on: date | None = Field(description="The first day on which it holds no longer.")
    ended_by: UUID | None = Field(description="The amendment that replaced or repealed it.")
    replaced_by: UUID | None
    task_count: int


class SignaturePublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000f1",
                    "organization_id": PARTY_EXAMPLE["organization_id"],
                    "signatory_name": "Nguyễn Văn A",
                    "signatory_title": "Bí thư Thị ủy",
                    "organization_name": "Ban Thường vụ Thị ủy Đông Triều",
                    "role": "signatory",
                    "authority": "on_behalf_of",
                    "principal_title": None,
                    "delegation": None,
                    "delegation_number": None,
                    "delegation_valid_until": None,
                    "text_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "signed_at": "2026-11-23T03:00:00Z",
                    "voided_at": None,
                    "void_reason": None,
                    "signature_block": ["TM. BAN THƯỜNG VỤ THỊ ỦY ĐÔNG TRIỀU", "BÍ THƯ THỊ ỦY", "Nguyễn Văn A"],
                }
            ]
        }
    )

    id: UUID
    organization_id: UUID
    signatory_name: str
    signatory_title: str
    organization_name: str
    role: PartyRole
    authority: Authority | None = Field(description="Null for an old delegation in free words.")
    principal_title: str | None
    delegation: str | None
    delegation_number: str | None
    delegation_valid_until: date | None
    text_digest: str
    signed_at: datetime
    voided_at: datetime | None
    void_reason: Withdrawal | None
    signature_block: list[str] = Field(description="The signature as it is printed, line by line.")


class AgreementText(Model):
    """The frozen text and its SHA-256: as people read it, or (`jcs`, older ones) in canonical JSON (RFC 8785)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "KẾ HOẠCH PHỐI HỢP\nSố: 15-KH/BTV\n\nĐiều 1. Sản phẩm và du lịch\n  Hợp tác quảng bá.\n",
                    "text_format": "text",
                    "text_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "frozen_at": "2026-11-23T03:00:00Z",
                }
            ]
        }
    )

    text: str
    text_format: TextFormat
    text_digest: str
    frozen_at: datetime


class TextEntry(Model):
    """One text of an agreement: what was signed first, an amendment, or one that was taken back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agreement_id": "01990000-0000-7000-8000-0000000000a1",
                    "kind": "original",
                    "number": "15-KH/BTV",
                    "title": "Kế hoạch phối hợp",
                    "status": "in_force",
                    "text_format": "text",
                    "text_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "opened_at": "2026-11-23T03:00:00Z",
                    "signed_on": "2026-11-23",
                    "in_force_on": "2026-11-23",
                    "withdrawn_at": None,
                    "withdrawal": None,
                }
            ]
        }
    )

    agreement_id: UUID
    kind: TextKind
    number: str | None
    title: str
    status: AgreementStatus
    text_format: TextFormat
    text_digest: str
    opened_at: datetime | None
    signed_on: date | None
    in_force_on: date | None
    withdrawn_at: datetime | None
    withdrawal: Withdrawal | None


class TextCheck(Model):
    """One thing that was recomputed; `differs` makes the whole text invalid."""

    check: CheckKind
    subject_id: UUID | None = Field(description="The signature, party or withdrawn text that was looked at.")
    name: str | None
    expected: str | None
    found: str | None
    void: bool = Field(description="It binds nobody any more.")
    outcome: Outcome


class TextVerification(Model):
    """Whether the text is what was signed: digests recomputed, and the text rendered again from the records."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agreement_id": "01990000-0000-7000-8000-0000000000a1",
                    "text_format": "text",
                    "text_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "valid": True,
                    "checks": [
                        {
                            "check": "rendering",
                            "subject_id": None,
                            "name": None,
                            "expected": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                            "found": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                            "void": False,
                            "outcome": "matches",
                        }
                    ],
                }
            ]
        }
    )

    agreement_id: UUID
    text_format: TextFormat | None
    text_digest: str | None
    valid: bool
    checks: list[TextCheck]


class AgreementPublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000a1",
                    "version": 8,
                    "instrument": "plan",
                    "number": None,
                    "title": AGREEMENT_EXAMPLE["title"],
                    "status": "in_force",
                    "parent": AGREEMENT_EXAMPLE["parent"],
                    "parent_agreement_id": None,
                    "fields": AGREEMENT_EXAMPLE["fields"],
                    "custodian_organization_id": "01990000-0000-7000-8000-000000000002",
                    "custodian_name": "Ban Thường vụ Thị ủy Đông Triều",
                    "signing_order": "parallel",
                    "term_from": None,
                    "term_to": None,
                    "original_term_from": None,
                    "original_term_to": None,
                    "sign_by": "2026-12-15",
                    "response_working_days": None,
                    "original_response_working_days": None,
                    "amends_agreement_id": None,
                    "amendment_kind": None,
                    "text_format": "text",
                    "text_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "opened_at": "2026-11-23T03:00:00Z",
                    "signed_on": "2026-11-23",
                    "in_force_on": "2026-11-23",
                    "ended_on": None,
                    "demonstration": True,
                    "source_url": None,
                    "note": None,
                    "parties": [PARTY_EXAMPLE],
                    "clause_count": 4,
                    "created_at": "2026-11-23T03:00:00Z",
                    "updated_at": "2026-11-23T03:00:00Z",
                    "allowed_actions": ["assign_task"],
                }
            ]
        }
    )

    id: UUID
    version: int
    instrument: Instrument
    number: str | None
    title: str
    status: AgreementStatus
    parent: ParentInstrument | None
    parent_agreement_id: UUID | None
    fields: list[str]
    custodian_organization_id: UUID
    custodian_name: str
    signing_order: SigningOrder
    term_from: date | None
    term_to: date | None
    original_term_from: date | None = Field(description="As signed; a renewal moves `term_to` only.")
    original_term_to: date | None
    sign_by: date | None
    response_working_days: int | None = Field(
        description="Working days in which coordinating parties answer a submission; null: as the system is set."
    )
    original_response_working_days: int | None = Field(
        description="As signed; an amendment moves `response_working_days` only."
    )
    amends_agreement_id: UUID | None = Field(description="The agreement that this one amends or renews.")
    amendment_kind: AmendmentKind | None
    text_format: TextFormat | None
    text_digest: str | None
    opened_at: datetime | None
    signed_on: date | None
    in_force_on: date | None
    ended_on: date | None
    demonstration: bool
    source_url: str | None
    note: str | None
    parties: list[PartyPublic]
    clause_count: int
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str]
