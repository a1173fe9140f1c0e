"""Tables of units, their parents and successions, and organisations."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Column, DateTime, FetchedValue, Text
from sqlmodel import Field

from agreements_api.tables import Table
from shared.ids import new_id


class UnitLevel(StrEnum):
    PROVINCE = "province"
    DISTRICT = "district"
    COMMUNE = "commune"


class SuccessionKind(StrEnum):
    RENAME = "rename"
    UPGRADE = "upgrade"
    MERGE = "merge"
    SPLIT = "split"
    DISSOLVE = "dissolve"
    REARRANGEMENT = "rearrangement"


class OrganizationKind(StrEnum):
    STANDING_COMMITTEE = "standing_committee"
    PEOPLES_COMMITTEE = "peoples_committee"
    DEPARTMENT = "department"
    OTHER = "other"


LEVEL_WORDING: dict[UnitLevel, str] = {
    UnitLevel.PROVINCE: "cấp tỉnh",
    UnitLevel.DISTRICT: "cấp huyện",
    UnitLevel.COMMUNE: "cấp xã",
}
SUCCESSION_WORDING: dict[SuccessionKind, str] = {
    SuccessionKind.RENAME: "đổi tên",
    SuccessionKind.UPGRADE: "nâng cấp",
    SuccessionKind.MERGE: "sáp nhập",
    SuccessionKind.SPLIT: "chia tách",
    SuccessionKind.DISSOLVE: "giải thể",
    SuccessionKind.REARRANGEMENT: "sắp xếp",
}
ORGANIZATION_WORDING: dict[OrganizationKind, str] = {
    OrganizationKind.STANDING_COMMITTEE: "ban thường vụ",
    OrganizationKind.PEOPLES_COMMITTEE: "ủy ban nhân dân",
    OrganizationKind.DEPARTMENT: "sở, phòng, ban",
    OrganizationKind.OTHER: "cơ quan khác",
}


class Unit(Table, table=True):
    """A unit under one name and code, while it lasted; its code may mean another unit at another date."""

    __tablename__ = "unit"

    id: UUID = Field(primary_key=True)
    version: int = 1
    level: str
    code: str
    name: str
    type: str
    folded: str
    sort_key: str
    valid_from: date | None = None
    valid_to: date | None = None
    latitude: float | None = None
    longitude: float | None = None
    # By which resolution it ended with nobody named to follow it.
    dissolved_by: str | None = None
    # Since when it is known that it ends; always, where nobody knows.
    end_recorded_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))

    def has_ended(self, on: date) -> bool:
        return self.valid_to is not None and self.valid_to < on


class UnitParent(Table, table=True):
    """Under which unit another lay, and when: a parent can change while the child stays what it is."""

    __tablename__ = "unit_parent"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    unit_id: UUID = Field(foreign_key="unit.id")
    parent_id: UUID = Field(foreign_key="unit.id")
    valid_from: date | None = None
    valid_to: date | None = None
    # Since when this is known, and that it ends.
    recorded_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    end_recorded_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class UnitSuccession(Table, table=True):
    """One edge old → new, in force from its date on."""

    __tablename__ = "unit_succession"

    id: UUID = Field(primary_key=True)
    version: int = 1
    old_unit_id: UUID = Field(foreign_key="unit.id")
    new_unit_id: UUID = Field(foreign_key="unit.id")
    effective_on: date
    partial: bool = False
    is_default: bool = True
    kind: str
    legal_basis: str | None = None
    # Since when it is known.
    recorded_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class Organization(Table, table=True):
    """A body that signs, leads or confirms for one unit."""

    __tablename__ = "organization"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int = 1
    unit_id: UUID = Field(foreign_key="unit.id")
    name: str
    short_name: str | None = None
    kind: str
    folded: str
    sort_key: str
    superior_organization_id: UUID | None = Field(default=None, foreign_key="organization.id")
    # The first focal point, as it stands among the others.
    contact_name: str | None = None
    contact_title: str | None = None
    contact_phone: str | None = None
    contact_email: str | None = Field(default=None, sa_column=Column(Text))
    # Named by rule, because nobody had registered who answers for a unit.
    by_succession: bool = False
    created_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=FetchedValue())
    )
    updated_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=FetchedValue())
    )


class OrganizationContact(Table, table=True):
    """A focal point: whom other localities reach an organisation by, for all or for one field of work."""

    __tablename__ = "organization_contact"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int = 1
    organization_id: UUID = Field(foreign_key="organization.id")
    position: int
    name: str | None = None
    title: str | None = None
    phone: str | None = None
    email: str | None = None
    field: str | None = None
    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    updated_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
