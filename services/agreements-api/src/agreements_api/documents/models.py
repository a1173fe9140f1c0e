"""Tables of documents and of the contents that they refer to."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlmodel import Field

from agreements_api.tables import Table
from shared.ids import new_id


class SubjectKind(StrEnum):
    """What a document is attached to."""

    AGREEMENT = "agreement"
    TASK = "task"
    REPORT = "report"
    OBSTACLE = "obstacle"
    MEETING = "meeting"


class ScanState(StrEnum):
    """What is known about viruses in a content."""

    PENDING = "pending"
    CLEAN = "clean"
    INFECTED = "infected"
    ERROR = "error"
    NOT_SCANNED = "not_scanned"


SUBJECT_WORDING: dict[SubjectKind, str] = {
    SubjectKind.AGREEMENT: "thỏa thuận",
    SubjectKind.TASK: "nhiệm vụ",
    SubjectKind.REPORT: "báo cáo tiến độ",
    SubjectKind.OBSTACLE: "khó khăn, vướng mắc",
    SubjectKind.MEETING: "hội nghị",
}
SCAN_WORDING: dict[ScanState, str] = {
    ScanState.PENDING: "chờ quét vi-rút",
    ScanState.CLEAN: "không phát hiện vi-rút",
    ScanState.INFECTED: "có vi-rút",
    ScanState.ERROR: "chưa quét được vi-rút",
    ScanState.NOT_SCANNED: "không quét vi-rút",
}
# Until the scanner has found nothing, nobody gets such a content.
HELD = frozenset({ScanState.PENDING.value, ScanState.INFECTED.value, ScanState.ERROR.value})


def _moment(*, nullable: bool = True) -> Any:
    return Column(DateTime(timezone=True), nullable=nullable)


class DocumentContent(Table, table=True):
    """One content, however many documents refer to it."""

    __tablename__ = "document_content"

    digest: str = Field(primary_key=True)
    size: int
    state: str
    detail: str | None = None
    attempts: int = 0
    due_at: datetime | None = Field(default=None, sa_column=_moment())
    scanned_at: datetime | None = Field(default=None, sa_column=_moment())
    touched_at: datetime = Field(sa_column=_moment(nullable=False))
    removed_at: datetime | None = Field(default=None, sa_column=_moment())


class Document(Table, table=True):
    """A content under a name, attached to one subject; removed, it stays as a tombstone."""

    __tablename__ = "document"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int = 1
    agreement_id: UUID = Field(foreign_key="agreement.id")
    subject_kind: str
    subject_id: UUID
    task_id: UUID | None = Field(default=None, foreign_key="task.id")
    digest: str = Field(foreign_key="document_content.digest")
    size: int
    media_type: str
    name: str
    description: str | None = None
    organization_id: UUID = Field(foreign_key="organization.id")
    organization_name: str
    account_id: UUID
    added_by: str
    created_at: datetime = Field(sa_column=_moment(nullable=False))
    updated_at: datetime = Field(sa_column=_moment(nullable=False))
    removed_at: datetime | None = Field(default=None, sa_column=_moment())
    removed_by: str | None = None
    removal_reason: str | None = None
