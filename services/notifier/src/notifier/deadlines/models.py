"""What is learned of organisations, people, tasks and their deadlines; all of it can be learned again from events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Column, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from notifier.tables import Table


class DeadlineRole(StrEnum):
    """What the organisation is in the task; where it is several things, the first of these."""

    LEAD = "lead"
    COORDINATING = "coordinating"
    MONITORING = "monitoring"


ROLE_WORDING: dict[DeadlineRole, dict[str, str]] = {
    DeadlineRole.LEAD: {"vi": "chủ trì", "en": "lead"},
    DeadlineRole.COORDINATING: {"vi": "phối hợp", "en": "coordinating"},
    DeadlineRole.MONITORING: {"vi": "theo dõi", "en": "monitoring"},
}

# A task in one of these asks nothing of anybody any more, or for the time being.
CLOSED_STATUSES = frozenset({"completed", "cancelled", "suspended"})


class Organization(Table, table=True):
    """A body and the one above it, to which its overdue tasks escalate."""

    __tablename__ = "organization"

    id: UUID = Field(primary_key=True)
    version: int = Field(sa_type=BigInteger)
    name: str
    short_name: str | None = None
    superior_organization_id: UUID | None = None


class Person(Table, table=True):
    """An account of an organisation, and how to reach its owner."""

    __tablename__ = "person"

    organization_id: UUID = Field(primary_key=True)
    account_id: UUID = Field(primary_key=True)
    name: str
    email: str | None = None
    roles: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    language: str = "vi"
    active: bool = True


@dataclass(frozen=True)
class Task:
    """A task's last state, as far as an alert tells of it. No ORM here: every event of a task makes some of these."""

    id: UUID
    version: int
    agreement_id: UUID
    agreement_title: str
    agreement_number: str | None
    title: str
    status: str
    lead_name: str
    members: Sequence[UUID]
    demonstration: bool
    traceparent: str | None


@dataclass(frozen=True)
class Deadline:
    """One organisation's deadline in one task: its own date where it has one, else the task's."""

    task_id: UUID
    organization_id: UUID
    role: str
    due_on: date | None
    # Rises with every change of date or role, so that the alerts of the new date are new alerts.
    revision: int
    is_open: bool
    since: datetime
    task_version: int
