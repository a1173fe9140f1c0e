"""What is learned of organisations, people and what comes due for them; all of it can be learned again from events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Column, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from notifier.tables import Table


class DeadlineSubject(StrEnum):
    """What comes due: a task to be done, an agreement to be signed, or what somebody is asked or told about a task."""

    TASK = "task"
    AGREEMENT = "agreement"
    RESPONSE = "response"
    URGING = "urging"
    EXPLANATION = "explanation"
    OBSTACLE = "obstacle"
    # Never due: these are only told.
    MENTION = "mention"
    FUNDING = "funding"
    REFUSAL = "refusal"


SUBJECT_WORDING: dict[DeadlineSubject, dict[str, str]] = {
    DeadlineSubject.TASK: {"vi": "nhiệm vụ", "en": "task"},
    DeadlineSubject.AGREEMENT: {"vi": "thỏa thuận chờ ký", "en": "agreement to be signed"},
    DeadlineSubject.RESPONSE: {"vi": "nhiệm vụ chờ xác nhận", "en": "task to be confirmed"},
    DeadlineSubject.URGING: {"vi": "đôn đốc", "en": "urging"},
    DeadlineSubject.EXPLANATION: {"vi": "yêu cầu giải trình", "en": "request for an explanation"},
    DeadlineSubject.OBSTACLE: {"vi": "khó khăn, vướng mắc được chuyển lên", "en": "escalated obstacle"},
    DeadlineSubject.MENTION: {"vi": "ý kiến có nhắc tên", "en": "comment that names you"},
    DeadlineSubject.FUNDING: {"vi": "kỳ kế hoạch đã kết thúc", "en": "plan period that closed without a task"},
    DeadlineSubject.REFUSAL: {"vi": "kết quả bị từ chối xác nhận", "en": "result that was not confirmed"},
}


class DeadlineRole(StrEnum):
    """What the organisation is in the task, or in the signing; where it is several things, the first of these."""

    LEAD = "lead"
    COORDINATING = "coordinating"
    MONITORING = "monitoring"
    SIGNATORY = "signatory"
    APPROVER = "approver"
    ASKED = "asked"


ROLE_WORDING: dict[DeadlineRole, dict[str, str]] = {
    DeadlineRole.LEAD: {"vi": "chủ trì", "en": "lead"},
    DeadlineRole.COORDINATING: {"vi": "phối hợp", "en": "coordinating"},
    DeadlineRole.MONITORING: {"vi": "theo dõi", "en": "monitoring"},
    DeadlineRole.SIGNATORY: {"vi": "ký kết", "en": "signatory"},
    DeadlineRole.APPROVER: {"vi": "phê duyệt", "en": "approver"},
    DeadlineRole.ASKED: {"vi": "được hỏi, được giao xử lý", "en": "asked"},
}

# What nobody can be late with.
ONLY_TOLD = frozenset({DeadlineSubject.MENTION, DeadlineSubject.FUNDING, DeadlineSubject.REFUSAL})

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
    """The last state of what has deadlines, as far as an alert tells of it: a task, or an agreement to be signed.

    An agreement is its own `agreement_id`, and its `lead_name` is its custodian's, where that is a party. No ORM here:
    every event of a task makes some of these.
    """

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
    subject_kind: str = DeadlineSubject.TASK
    # Of what is asked about a task: that task, and where it is read.
    about_task_id: UUID | None = None
    path: str | None = None
    # Why, in the words of whoever says so.
    remark: str | None = None


@dataclass(frozen=True)
class Deadline:
    """One organisation's deadline in one task: its own date where it has one, else the task's.

    Where `subject_kind` says so, it is the day until which the organisation can sign the agreement `task_id`.
    """

    task_id: UUID
    organization_id: UUID
    role: str
    due_on: date | None
    # Rises with every change of date or role, so that the alerts of the new date are new alerts.
    revision: int
    is_open: bool
    since: datetime
    task_version: int
    subject_kind: str = DeadlineSubject.TASK
    # Only these people of the organisation; None: all of them.
    account_ids: Sequence[UUID] | None = None
