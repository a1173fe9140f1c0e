"""What the API takes and shows of agreements."""

import re
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, HttpUrl, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from agreements_api.agreements.models import AgreementStatus, Instrument, PartyRole, SigningOrder
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
}


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
    fields: Annotated[list[FieldName], Field(max_length=50)] = []
    signing_order: SigningOrder = SigningOrder.PARALLEL
    demonstration: bool = False
    source_url: Annotated[HttpUrl, Field(max_length=2000)] | None = None
    note: Text | None = None
    parties: Annotated[list[PartyCreate], Field(max_length=200)] = []
    clauses: Annotated[list[ClauseCreate], Field(max_length=500)] = []


class SignatureCreate(Model):
    """Whose hand signs; `text_digest`, where given, must be that of the text that was read."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"signatory_name": "Nguyễn Văn A", "signatory_title": "Bí thư Thành ủy"}]}
    )

    signatory_name: Line
    signatory_title: Line
    delegation: Line | None = None
    text_digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None


class Decline(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Đề nghị bổ sung thời hạn ở Điều 2."}]})

    reason: Text


class Empty(Model):
    """A transition that needs no words."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})


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
                    "delegation": None,
                    "text_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "signed_at": "2026-11-23T03:00:00Z",
                    "voided_at": None,
                }
            ]
        }
    )

    id: UUID
    organization_id: UUID
    signatory_name: str
    signatory_title: str
    delegation: str | None
    text_digest: str
    signed_at: datetime
    voided_at: datetime | None


class AgreementText(Model):
    """The frozen text in canonical JSON (RFC 8785) and its SHA-256."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": '{"clauses":[],"title":"Kế hoạch phối hợp"}',
                    "text_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "frozen_at": "2026-11-23T03:00:00Z",
                }
            ]
        }
    )

    text: str
    text_digest: str
    frozen_at: datetime


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
                    "text_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "opened_at": "2026-11-23T03:00:00Z",
                    "signed_on": "2026-11-23",
                    "in_force_on": "2026-11-23",
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
    text_digest: str | None
    opened_at: datetime | None
    signed_on: date | None
    in_force_on: date | None
    demonstration: bool
    source_url: str | None
    note: str | None
    parties: list[PartyPublic]
    clause_count: int
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str]
