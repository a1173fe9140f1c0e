"""What the API shows of units, successions and organisations."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, EmailStr, Field
from pydantic.config import JsonDict

from agreements_api.localities.models import OrganizationKind, SuccessionKind, UnitLevel
from shared.schemas import Line, Model

ShortLine = Annotated[Line, Field(max_length=200)]
# The Republic's first day, and a century that nobody plans beyond.
Day = Annotated[date, Field(ge=date(1945, 9, 2), le=date(2199, 12, 31), examples=["2025-07-01"])]
Ref = Annotated[str, Field(min_length=1, max_length=40, description="A name within this request only.")]
Code = Annotated[str, Field(pattern=r"^[0-9]{2,5}$", description="Code of the unit, reused over time")]

UNIT_EXAMPLE: JsonDict = {
    "id": "5f0c1b3e-6f0d-5d5e-9c55-0d5a5d4c9a11",
    "version": 1,
    "level": "district",
    "code": "205",
    "name": "Thành phố Đông Triều",
    "type": "Thành phố",
    "valid_from": "2024-11-01",
    "valid_to": "2025-06-30",
    "latitude": 21.095815,
    "longitude": 106.605553,
    "parent": {
        "id": "0b8e9c1a-1111-5f77-8f0c-0c9b5a3d2e10",
        "code": "22",
        "name": "Tỉnh Quảng Ninh",
        "level": "province",
    },
    "province": {"id": "0b8e9c1a-1111-5f77-8f0c-0c9b5a3d2e10", "code": "22", "name": "Tỉnh Quảng Ninh"},
}
SUCCESSOR_EXAMPLE: JsonDict = {
    **UNIT_EXAMPLE,
    "id": "9a4f7e20-7c1d-5b7e-8b57-3a1c9f0e6d21",
    "level": "commune",
    "code": "07093",
    "name": "Phường Đông Triều",
    "type": "Phường",
    "valid_from": "2025-07-01",
    "valid_to": None,
    "is_default": True,
    "partial": False,
    "effective_on": "2025-07-01",
}
SUCCESSION_EXAMPLE: JsonDict = {
    "kind": "merge",
    "effective_on": "2027-01-01",
    "legal_basis": "Nghị quyết số 1/2026/QH16",
    "edges": [
        {
            "old_unit_id": "5f0c1b3e-6f0d-5d5e-9c55-0d5a5d4c9a11",
            "new_unit_id": "9a4f7e20-7c1d-5b7e-8b57-3a1c9f0e6d21",
            "partial": False,
            "is_default": True,
        }
    ],
}
ORGANIZATION_EXAMPLE: JsonDict = {
    "name": "UBND thành phố Đông Triều",
    "short_name": "UBND Đông Triều",
    "kind": "peoples_committee",
    "unit_id": "5f0c1b3e-6f0d-5d5e-9c55-0d5a5d4c9a11",
    "superior_organization_id": "01990000-0000-7000-8000-000000000001",
    "contact": {"name": "Văn phòng UBND", "title": "Đầu mối", "phone": "0203 3670 000", "email": "vp@example.vn"},
}


class ProvinceRef(Model):
    id: UUID
    code: str
    name: str


class ParentRef(ProvinceRef):
    level: UnitLevel


class UnitPublic(Model):
    """A unit as it was on the date asked for, or on the nearest day on which it was in force."""

    model_config = ConfigDict(json_schema_extra={"examples": [UNIT_EXAMPLE]})

    id: UUID
    version: int
    level: UnitLevel
    code: str
    name: str
    type: str
    valid_from: date | None
    valid_to: date | None
    latitude: float | None
    longitude: float | None
    parent: ParentRef | None
    province: ProvinceRef | None


class UnitRelative(UnitPublic):
    """A successor or predecessor: whether the main line leads there, and whether only a part of a unit went there."""

    model_config = ConfigDict(json_schema_extra={"examples": [SUCCESSOR_EXAMPLE]})

    is_default: bool
    partial: bool
    effective_on: date | None


class NewUnit(Model):
    """A unit that the resolution creates; edges name it by `ref`."""

    ref: Ref
    level: UnitLevel
    code: Code
    name: Line
    type: Annotated[Line, Field(max_length=40)]
    parent_id: UUID | None = Field(
        default=None, description="Without it and `parent_ref`, the parent of the unit of the same level it succeeds."
    )
    parent_ref: Ref | None = Field(default=None, description="The parent, where this request creates it too.")
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None


class SuccessionEdge(Model):
    """Old unit → new unit; exactly one of `new_unit_id` and `new_unit_ref`.

    Where a resolution of the kind `dissolve` names nobody to follow a unit, its only edge has neither.
    """

    old_unit_id: UUID
    new_unit_id: UUID | None = None
    new_unit_ref: Ref | None = None
    partial: bool = Field(default=False, description="Only a part of the old unit goes there.")
    is_default: bool = Field(
        default=True,
        description="Where most of the old unit goes. A unit with no such edge keeps most of itself and lives on.",
    )

    @property
    def is_followed(self) -> bool:
        """Whether a unit is named to follow the old one."""
        return self.new_unit_id is not None or self.new_unit_ref is not None


class UnitMove(Model):
    """A unit that lies under another one from the effective date on; exactly one of the two parents."""

    unit_id: UUID
    parent_id: UUID | None = None
    parent_ref: Ref | None = None


class SuccessionCreate(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [SUCCESSION_EXAMPLE]})

    kind: SuccessionKind
    effective_on: Day
    legal_basis: Line
    new_units: Annotated[list[NewUnit], Field(max_length=500)] = []
    edges: Annotated[list[SuccessionEdge], Field(min_length=1, max_length=2000)]
    moves: Annotated[list[UnitMove], Field(max_length=2000)] = []


class SuccessionEdgePublic(Model):
    id: UUID
    old_unit_id: UUID
    new_unit_id: UUID
    partial: bool
    is_default: bool


class SuccessionPublic(Model):
    """What was recorded: every edge, the units that ended the day before and those that begin.

    A unit that nobody is named to follow has no edge here.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "merge",
                    "effective_on": "2027-01-01",
                    "legal_basis": "Nghị quyết số 1/2026/QH16",
                    "edges": [
                        {
                            "id": "01990000-0000-7000-8000-00000000000a",
                            "old_unit_id": "5f0c1b3e-6f0d-5d5e-9c55-0d5a5d4c9a11",
                            "new_unit_id": "9a4f7e20-7c1d-5b7e-8b57-3a1c9f0e6d21",
                            "partial": False,
                            "is_default": True,
                        }
                    ],
                    "ended_unit_ids": ["5f0c1b3e-6f0d-5d5e-9c55-0d5a5d4c9a11"],
                    "registered_unit_ids": [],
                    "moved_unit_ids": [],
                }
            ]
        }
    )

    kind: SuccessionKind
    effective_on: date
    legal_basis: str
    edges: list[SuccessionEdgePublic]
    ended_unit_ids: list[UUID]
    registered_unit_ids: list[UUID]
    moved_unit_ids: list[UUID]


Phone = Annotated[str, Field(pattern=r"^[0-9+() .-]{3,40}$")]


class Contact(Model):
    """The first focal point for other localities."""

    name: ShortLine | None = None
    title: ShortLine | None = None
    phone: Phone | None = None
    email: EmailStr | None = None


class ContactCreate(Model):
    """One more focal point; at least one of name, title, phone and e-mail."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Bộ phận đầu mối giao thông (minh họa)",
                    "title": "Phòng Kinh tế, Hạ tầng và Đô thị",
                    "phone": "0203 3670 001",
                    "email": "giaothong@demo.lienvung.example",
                    "field": "hạ tầng giao thông",
                }
            ]
        }
    )

    name: ShortLine | None = Field(default=None, description="The account's name without it, where one is linked.")
    title: ShortLine | None = None
    phone: Phone | None = None
    email: EmailStr | None = None
    field: ShortLine | None = Field(default=None, description="The field of work it is for; for all without it.")
    account_id: UUID | None = Field(default=None, description="The account of the person, of the same organisation.")
    position: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="Where it stands, 1 is the first; at the end without it."
    )


class ContactUpdate(Model):
    """A merge patch: what is absent stays, null clears; `position` moves it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"phone": "0203 3670 002", "position": 1}]})

    name: ShortLine | None = None
    title: ShortLine | None = None
    phone: Phone | None = None
    email: EmailStr | None = None
    field: ShortLine | None = None
    account_id: UUID | None = None
    position: Annotated[int, Field(ge=1, le=1000)] = 1


class ContactPublic(Model):
    """A focal point of an organisation."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000d1",
                    "version": 1,
                    "organization_id": "01990000-0000-7000-8000-000000000002",
                    "position": 2,
                    "name": "Bộ phận đầu mối giao thông (minh họa)",
                    "title": "Phòng Kinh tế, Hạ tầng và Đô thị",
                    "phone": "0203 3670 001",
                    "email": "giaothong@demo.lienvung.example",
                    "field": "hạ tầng giao thông",
                    "account_id": None,
                    "created_at": "2026-11-23T03:00:00Z",
                    "updated_at": "2026-11-23T03:00:00Z",
                    "allowed_actions": ["update"],
                }
            ]
        }
    )

    id: UUID
    version: int
    organization_id: UUID
    position: int
    name: str | None
    title: str | None
    phone: str | None
    email: str | None
    field: str | None
    account_id: UUID | None
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str]


class OrganizationCreate(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [ORGANIZATION_EXAMPLE]})

    name: Line
    short_name: ShortLine | None = None
    kind: OrganizationKind
    unit_id: UUID
    superior_organization_id: UUID | None = None
    contact: Contact = Contact()


class OrganizationUpdate(Model):
    """A merge patch: what is absent stays, null clears."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"contact": {"phone": "0203 3670 001"}}]})

    name: Line = "-"
    short_name: ShortLine | None = None
    kind: OrganizationKind = OrganizationKind.OTHER
    superior_organization_id: UUID | None = None
    contact: Contact | None = None


class UnitOfOrganization(Model):
    id: UUID
    code: str
    name: str
    level: UnitLevel
    valid_from: date | None
    valid_to: date | None
    province: ProvinceRef | None


class OrganizationPublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-000000000002",
                    "version": 3,
                    "name": "UBND thành phố Đông Triều",
                    "short_name": "UBND Đông Triều",
                    "kind": "peoples_committee",
                    "unit": {
                        "id": "5f0c1b3e-6f0d-5d5e-9c55-0d5a5d4c9a11",
                        "code": "205",
                        "name": "Thành phố Đông Triều",
                        "level": "district",
                        "valid_from": "2024-11-01",
                        "valid_to": "2025-06-30",
                        "province": UNIT_EXAMPLE["province"],
                    },
                    "superior_organization_id": "01990000-0000-7000-8000-000000000001",
                    "by_succession": False,
                    "contact": ORGANIZATION_EXAMPLE["contact"],
                    "created_at": "2026-11-23T03:00:00Z",
                    "updated_at": "2026-11-23T03:00:00Z",
                    "allowed_actions": ["update", "govern"],
                }
            ]
        }
    )

    id: UUID
    version: int
    name: str
    short_name: str | None
    kind: OrganizationKind
    unit: UnitOfOrganization
    superior_organization_id: UUID | None
    by_succession: bool = Field(
        description="Named by rule when a unit ended, because nobody had registered who follows its organisation."
    )
    contact: Contact
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str]
