"""Tables of the report jobs and of what they made."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from reporting.tables import Table


class ReportKind(StrEnum):
    """Kinds of reports."""

    EVALUATION = "evaluation"


class ReportFormat(StrEnum):
    """What the content is written in."""

    PDF = "pdf"
    JSON = "json"


class ReportLanguage(StrEnum):
    """Languages of official documents."""

    VIETNAMESE = "vi"


class ReportStatus(StrEnum):
    """How far the job is."""

    QUEUED = "queued"
    RENDERING = "rendering"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


# What each status may become; a renderer that lost its report puts it back in the queue.
TRANSITIONS: dict[ReportStatus, frozenset[ReportStatus]] = {
    ReportStatus.QUEUED: frozenset({ReportStatus.RENDERING, ReportStatus.CANCELLED}),
    ReportStatus.RENDERING: frozenset(
        {ReportStatus.READY, ReportStatus.FAILED, ReportStatus.QUEUED, ReportStatus.CANCELLED}
    ),
    ReportStatus.READY: frozenset(),
    ReportStatus.FAILED: frozenset(),
    ReportStatus.CANCELLED: frozenset(),
}


class Report(Table, table=True):
    """A report that somebody asked for; the queue's own columns (queued_at, free_at, lease) are the repository's."""

    __tablename__ = "report"

    id: UUID = Field(primary_key=True)
    version: int = Field(sa_type=BigInteger)
    organization_id: UUID
    agreement_id: UUID
    kind: str
    layout: str
    format: str
    language: str
    number: str | None = None
    place: str
    signer: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    period_label: str
    period_from: date
    period_to: date
    as_of: datetime = Field(sa_type=DateTime(timezone=True))
    issued_on: date
    status: str
    progress: int
    attempts: int
    failure: str | None = None
    media_type: str | None = None
    size_bytes: int | None = Field(default=None, sa_type=BigInteger)
    digest: str | None = None
    requested_by: UUID
    requested_by_kind: str
    requested_by_name: str
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
    finished_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class ReportContent(Table, table=True):
    """The finished document, apart from its job so that lists never touch it."""

    __tablename__ = "report_content"

    report_id: UUID = Field(primary_key=True)
    organization_id: UUID
    content: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a report is, without the rest of it."""

    version: int
    status: ReportStatus
    progress: int
    failure: str | None

    @property
    def ended(self) -> bool:
        return not TRANSITIONS[self.status]
