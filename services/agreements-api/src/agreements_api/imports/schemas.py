"""What the API takes and shows of imports."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from agreements_api.imports.kinds import ImportKind
from agreements_api.imports.models import ImportStatus, Severity
from shared.schemas import Model

_ID = "01990000-0000-7000-8000-0000000000f1"
_AGREEMENT = "01990000-0000-7000-8000-0000000000a1"
FORM_EXAMPLE: dict[str, Any] = {"kind": "tasks", "agreement_id": _AGREEMENT, "dry_run": True, "file": "nhiem-vu.xlsx"}


class ImportCreate(Model):
    """The fields of the form beside the file."""

    kind: ImportKind
    agreement_id: UUID | None = Field(default=None, description="Whose tasks they are; only of tasks.")
    dry_run: bool = Field(default=True, description="Only check; `commit` writes afterwards.")
    again: bool = Field(default=False, description="Write the same file once more.")
    demonstration: bool = Field(default=False, description="What is written is marked as a demonstration.")


class Progress(Model):
    """Rows, counted as the work goes on. `total` is known once the file has been opened."""

    total: int | None
    read: int
    checked: int
    written: int


class RefusalPublic(Model):
    """Why the file as a whole was not taken."""

    code: str
    detail: str


class ImportPublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID,
                    "version": 3,
                    "kind": "tasks",
                    "agreement_id": _AGREEMENT,
                    "file_name": "nhiem-vu.xlsx",
                    "size_bytes": 51279,
                    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "dry_run": True,
                    "again": False,
                    "demonstration": False,
                    "status": "checked",
                    "sheet": "Nhiệm vụ",
                    "progress": {"total": 120, "read": 120, "checked": 120, "written": 0},
                    "errors": 0,
                    "notices": 2,
                    "ignored_columns": ["Kinh phí"],
                    "refusal": None,
                    "duplicate_of": None,
                    "requested_by": "Chuyên viên UBND thị xã Đông Triều",
                    "created_at": "2026-11-24T03:00:00Z",
                    "updated_at": "2026-11-24T03:00:02Z",
                    "finished_at": None,
                    "allowed_actions": ["commit", "cancel"],
                }
            ]
        }
    )

    id: UUID
    version: int
    kind: ImportKind
    agreement_id: UUID | None
    file_name: str
    size_bytes: int
    digest: str = Field(description="SHA-256 of the file: what is known by it is written once.")
    dry_run: bool
    again: bool
    demonstration: bool
    status: ImportStatus
    sheet: str | None = Field(description="The sheet that had the headers; null of CSV.")
    progress: Progress
    errors: int = Field(description="Found in the cells; with any, nothing is written.")
    notices: int = Field(description="How cells were understood that say a day in other words.")
    ignored_columns: list[str] = Field(description="Headers that mean nothing here.")
    refusal: RefusalPublic | None
    duplicate_of: UUID | None = Field(description="The import of one's own organisation that wrote the same file.")
    requested_by: str
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    allowed_actions: list[str] = Field(description="The steps that the caller can take now.")


class ImportErrorPublic(Model):
    """What is said of one cell, or of a row where `header` is null."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "severity": "error",
                    "row": 7,
                    "column": 5,
                    "cell": "E7",
                    "header": "Thời hạn",
                    "code": "no_date",
                    "detail": "«31/13/2026» không phải là ngày; hãy viết như 31/12/2026.",
                    "value": "31/13/2026",
                }
            ]
        }
    )

    severity: Severity
    row: int
    column: int | None = Field(description="Counted from 1.")
    cell: str = Field(description="As spreadsheets name it, or the number of the row.")
    header: str | None
    code: str
    detail: str
    value: str | None
