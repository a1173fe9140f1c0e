"""Tables of the projections; everything here can be dropped and learned again from the events."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from reporting.tables import Table


class Organization(Table, table=True):
    """A body of the register, as its last event told it."""

    __tablename__ = "organization"

    id: UUID = Field(primary_key=True)
    version: int = Field(sa_type=BigInteger)
    name: str
    short_name: str | None = None
    kind: str
    unit_id: UUID
    unit_code: str
    unit_name: str
    unit_level: str
    province_id: UUID | None = None
    province_name: str | None = None
    superior_organization_id: UUID | None = None


class Agreement(Table, table=True):
    """An agreement's current version."""

    __tablename__ = "agreement"

    id: UUID = Field(primary_key=True)
    version: int = Field(sa_type=BigInteger)
    instrument: str
    number: str | None = None
    title: str
    status: str
    parent: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    fields: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    custodian_organization_id: UUID
    term_from: date | None = None
    term_to: date | None = None
    in_force_on: date | None = None
    signed_on: date | None = None
    demonstration: bool = False
    source_url: str | None = None


class Party(Table, table=True):
    """A party under the name that it signed with."""

    __tablename__ = "party"

    id: UUID = Field(primary_key=True)
    agreement_id: UUID
    organization_id: UUID
    organization_name: str
    signatory_name: str | None = None
    signatory_title: str | None = None
    required: bool = True
    signed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class Clause(Table, table=True):
    """A clause of an agreement, which its tasks fulfil."""

    __tablename__ = "clause"

    id: UUID = Field(primary_key=True)
    agreement_id: UUID
    ordinal: int
    heading: str | None = None
    text: str
    field: str | None = None


class AgreementMember(Table, table=True):
    """Who may see an agreement, by the record that says so: the agreement itself or one of its tasks."""

    __tablename__ = "agreement_member"

    agreement_id: UUID = Field(primary_key=True)
    source_id: UUID = Field(primary_key=True)
    organization_id: UUID = Field(primary_key=True)


class TaskVersion(Table, table=True):
    """One version of a task and the time during which it was the true one; the current one ends at infinity."""

    __tablename__ = "task_version"

    task_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True, sa_type=BigInteger)
    valid_from: datetime = Field(sa_type=DateTime(timezone=True))
    valid_to: datetime = Field(
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("'infinity'"))
    )
    agreement_id: UUID
    clause_id: UUID | None = None
    title: str
    description: str | None = None
    deliverable: str | None = None
    field: str | None = None
    status: str
    due_on: date | None = None
    original_due_on: date | None = None
    percent: int
    completed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    submitted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    demonstration: bool
    lead_organization_id: UUID
    lead_name: str
    lead_unit_id: UUID | None = None
    lead_unit_name: str | None = None
    coordinating: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    monitoring: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    last_report: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class ProjectionState(Table, table=True):
    """One row: how often the projections were made again, and until when they hold all that had been sent."""

    __tablename__ = "projection_state"

    id: int = Field(primary_key=True, sa_type=SmallInteger)
    rebuilds: int = Field(sa_type=BigInteger)
    complete_until: datetime = Field(sa_type=DateTime(timezone=True))
