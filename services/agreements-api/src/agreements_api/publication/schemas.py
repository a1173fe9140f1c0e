"""What publishing takes, and all that the public ever sees: a field that is not here cannot come out."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from agreements_api.agreements.models import AgreementStatus, Instrument, PartyRole
from agreements_api.agreements.schemas import AGREEMENT_EXAMPLE, PARTY_EXAMPLE
from agreements_api.tasks.models import TaskStatus
from shared.schemas import Model, Text

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}")


def _rfc3339(value: Any) -> Any:
    """A number, even as text, would be read as seconds since 1970."""
    if isinstance(value, str) and _MOMENT.match(value):
        return value
    raise PydanticCustomError("datetime_parsing", "Input should be a moment as RFC 3339 writes it")


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_rfc3339),
    Field(
        ge=datetime(1945, 9, 2, tzinfo=UTC), le=datetime(2199, 12, 31, tzinfo=UTC), examples=["2026-11-23T03:00:00Z"]
    ),
]

_AGREEMENT = "01990000-0000-7000-8000-0000000000a1"
_TASK = "01990000-0000-7000-8000-0000000000b1"
_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_MODIFIED = "2026-11-23T03:00:00Z"


class PublicationCreate(Model):
    """No task of it is public unless it is named here, or published by itself later."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"task_ids": [_TASK]}]})

    task_ids: Annotated[list[UUID], Field(max_length=100)] = []


class Withdrawal(Model):
    """Why the public no longer sees it; the public is not told."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Chờ đính chính phụ lục."}]})

    reason: Text | None = None


class PublicationPublic(Model):
    """How an agreement stands to the public, for its members."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agreement_id": _AGREEMENT,
                    "public": True,
                    "version": 1,
                    "published_at": _MODIFIED,
                    "unpublished_at": None,
                    "task_ids": [_TASK],
                    "allowed_actions": ["unpublish"],
                }
            ]
        }
    )

    agreement_id: UUID
    public: bool
    version: int = Field(description="Raised by every publishing and unpublishing; 0 where there was none.")
    published_at: datetime | None
    unpublished_at: datetime | None
    task_ids: list[UUID] = Field(description="Its tasks that are public as well.")
    allowed_actions: list[str]


class PublicParent(BaseModel):
    """The document that an agreement carries out."""

    instrument: Instrument | None
    number: str | None
    title: str | None
    issued_by: str | None


class PublicParty(BaseModel):
    """A party under the name that it signed with; nobody's address."""

    organization_name: str
    unit_id: UUID
    unit_name: str
    role: PartyRole
    signatory_name: str | None = Field(description="Whose signature stands under the text.")
    signatory_title: str | None
    signed_at: datetime | None


class PublicAgreement(BaseModel):
    """A published agreement."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _AGREEMENT,
                    "version": 1,
                    "published_at": _MODIFIED,
                    "modified_at": _MODIFIED,
                    "instrument": "plan",
                    "number": None,
                    "title": AGREEMENT_EXAMPLE["title"],
                    "status": "in_force",
                    "parent": AGREEMENT_EXAMPLE["parent"],
                    "parent_agreement_id": None,
                    "fields": AGREEMENT_EXAMPLE["fields"],
                    "custodian_name": "Ban Thường vụ Thị ủy Đông Triều",
                    "term_from": None,
                    "term_to": None,
                    "signed_on": "2026-11-23",
                    "in_force_on": "2026-11-23",
                    "text_digest": _DIGEST,
                    "demonstration": True,
                    "source_url": None,
                    "parties": [
                        {
                            "organization_name": PARTY_EXAMPLE["organization_name"],
                            "unit_id": "5f0c1b3e-6f0d-5d5e-9c55-0d5a5d4c9a11",
                            "unit_name": "Thị xã Đông Triều",
                            "role": "signatory",
                            "signatory_name": PARTY_EXAMPLE["signatory_name"],
                            "signatory_title": PARTY_EXAMPLE["signatory_title"],
                            "signed_at": PARTY_EXAMPLE["signed_at"],
                        }
                    ],
                    "task_count": 1,
                }
            ]
        }
    )

    id: UUID
    version: int = Field(description="Of the publication.")
    published_at: datetime
    modified_at: datetime = Field(description="When anything that the public sees of it last changed.")
    instrument: Instrument
    number: str | None
    title: str
    status: AgreementStatus
    parent: PublicParent | None
    parent_agreement_id: UUID | None = Field(description="Where the parent is public as well.")
    fields: list[str]
    custodian_name: str
    term_from: date | None
    term_to: date | None
    signed_on: date | None
    in_force_on: date | None
    text_digest: str | None
    demonstration: bool
    source_url: str | None
    parties: list[PublicParty]
    task_count: int = Field(description="Published tasks only.")


class PublicTombstone(BaseModel):
    """What was public and no longer is: remove your copy."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": _AGREEMENT, "removed_at": _MODIFIED}]})

    id: UUID
    removed_at: datetime


class PublicAgreementPage(BaseModel):
    """One page; tombstones stand among the agreements where `modified_since` was given."""

    items: list[PublicAgreement | PublicTombstone]
    next_cursor: str | None = None


class PublicText(BaseModel):
    """The signed text and the SHA-256 of its UTF-8."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": '{"clauses":[],"title":"Kế hoạch phối hợp"}',
                    "format": "jcs",
                    "text_digest": _DIGEST,
                    "frozen_at": _MODIFIED,
                }
            ]
        }
    )

    text: str
    format: str = Field(description="`text`: for people; `jcs`: canonical JSON (RFC 8785).")
    text_digest: str
    frozen_at: datetime | None


class PublicTaskParty(BaseModel):
    name: str
    unit_name: str | None


class PublicTask(BaseModel):
    """A task that was chosen to be public: what is to be delivered, by whom, until when, and how far it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _TASK,
                    "clause_ordinal": 2,
                    "title": "Rà soát, giải quyết vướng mắc đối với người dân tại các khu vực xâm canh, xâm cư",
                    "deliverable": "Biên bản giải quyết vướng mắc",
                    "field": "địa giới hành chính",
                    "status": "in_progress",
                    "due_on": "2026-12-31",
                    "percent": 40,
                    "completed_on": None,
                    "demonstration": True,
                    "lead": {"name": "UBND thị xã Đông Triều", "unit_name": "Thị xã Đông Triều"},
                    "coordinating": [{"name": "UBND thị xã Kinh Môn", "unit_name": "Thị xã Kinh Môn"}],
                }
            ]
        }
    )

    id: UUID
    clause_ordinal: int | None
    title: str
    deliverable: str | None
    field: str | None
    status: TaskStatus
    due_on: date | None
    percent: int
    completed_on: date | None
    demonstration: bool
    lead: PublicTaskParty
    coordinating: list[PublicTaskParty]


class Attribution(BaseModel):
    """Whose data it is; to be named wherever it is shown."""

    source: str
    url: str
    licence: str
    note: str


class LocalityProperties(BaseModel):
    """The unit as it was on the last day before the districts were dissolved."""

    name: str
    unit_id: UUID | None = Field(description="Null where the units of this installation are not loaded.")
    unit_name: str | None
    code: str
    level: Literal["district"]
    province_name: str | None
    as_of: date


class Polygon(BaseModel):
    """Longitude and latitude (WGS 84)."""

    type: Literal["Polygon"]
    coordinates: list[list[list[float]]]


class LocalityFeature(BaseModel):
    type: Literal["Feature"]
    id: UUID | None = None
    properties: LocalityProperties
    geometry: Polygon


class LocalityCollection(BaseModel):
    """Outlines of the five localities of Conclusion 352 (GeoJSON, RFC 7946)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "FeatureCollection",
                    "attribution": {
                        "source": "vietnamese-provinces-database",
                        "url": "https://github.com/thanglequoc/vietnamese-provinces-database",
                        "licence": "MIT",
                        "note": "Simplified outlines for orientation; not for areas.",
                    },
                    "features": [],
                }
            ]
        }
    )

    type: Literal["FeatureCollection"]
    attribution: Attribution
    features: list[LocalityFeature]
