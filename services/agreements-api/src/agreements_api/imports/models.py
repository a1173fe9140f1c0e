"""How far an import is, what is said of its cells, and the tables of imports."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from agreements_api.tables import Table


class ImportStatus(StrEnum):
    QUEUED = "queued"
    CHECKING = "checking"
    CHECKED = "checked"
    WRITING = "writing"
    COMPLETED = "completed"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"


class Severity(StrEnum):
    """An error keeps everything from being written; a notice says how something was understood."""

    ERROR = "error"
    NOTICE = "notice"


class TemplateFormat(StrEnum):
    XLSX = "xlsx"
    CSV = "csv"


STATUS_WORDING: dict[ImportStatus, str] = {
    ImportStatus.QUEUED: "chờ xử lý",
    ImportStatus.CHECKING: "đang kiểm tra",
    ImportStatus.CHECKED: "đã kiểm tra, chờ ghi",
    ImportStatus.WRITING: "đang ghi",
    ImportStatus.COMPLETED: "đã ghi",
    ImportStatus.REFUSED: "có lỗi, không ghi",
    ImportStatus.DUPLICATE: "tệp đã được nhập trước đó",
    ImportStatus.CANCELLED: "đã hủy",
    ImportStatus.EXPIRED: "quá hạn chờ ghi",
    ImportStatus.FAILED: "không xử lý được",
}
SEVERITY_WORDING: dict[Severity, str] = {Severity.ERROR: "lỗi", Severity.NOTICE: "lưu ý"}
# A worker has such an import, or takes it next.
UNDER_WAY = frozenset({ImportStatus.QUEUED, ImportStatus.CHECKING, ImportStatus.WRITING})


class ImportJob(Table, table=True):
    """A file that somebody sent; the queue's own columns (attempts, lease, free_at) are the repository's."""

    __tablename__ = "import_job"

    id: UUID = Field(primary_key=True)
    version: int = 1
    organization_id: UUID
    kind: str
    agreement_id: UUID | None = None
    file_name: str
    size_bytes: int
    digest: str
    dry_run: bool
    again: bool = False
    demonstration: bool = False
    status: str = ImportStatus.QUEUED
    sheet: str | None = None
    rows_total: int | None = None
    rows_read: int = 0
    rows_checked: int = 0
    rows_written: int = 0
    errors: int = 0
    notices: int = 0
    ignored_columns: list[str] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    refusal: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    duplicate_of: UUID | None = None
    requested_by: UUID
    requested_by_kind: str
    requested_by_name: str
    roles: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    attempts: int = 0
    lease: int = 0
    free_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=False))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    updated_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    finished_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
