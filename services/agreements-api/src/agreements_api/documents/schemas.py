"""What the API takes and shows of documents."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import ConfigDict, Field

from agreements_api.documents.media_types import MediaType
from agreements_api.documents.models import ScanState, SubjectKind
from shared.schemas import CLEAN, Model

_DOCUMENT = "01990000-0000-7000-8000-0000000000f1"
_TASK = "01990000-0000-7000-8000-0000000000b1"
_EXAMPLE: dict[str, Any] = {
    "id": _DOCUMENT,
    "version": 1,
    "agreement_id": "01990000-0000-7000-8000-0000000000a1",
    "subject_kind": "task",
    "subject_id": _TASK,
    "task_id": _TASK,
    "name": "Biên bản bàn giao (minh họa).pdf",
    "description": None,
    "media_type": "application/pdf",
    "size": 48213,
    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "scan": {"state": "clean", "detail": None, "scanned_at": "2026-11-23T03:00:04Z"},
    "organization_id": "01990000-0000-7000-8000-0000000000e1",
    "organization_name": "UBND thị xã Đông Triều",
    "added_by": "Nguyễn Văn A (minh họa)",
    "created_at": "2026-11-23T03:00:00Z",
    "removed_at": None,
    "removed_by": None,
    "removal_reason": None,
    "allowed_actions": ["download", "remove"],
}

Description = Annotated[
    str | None, Query(min_length=1, max_length=1000, description="What it is, in a few words."), CLEAN
]
Reason = Annotated[str | None, Query(min_length=1, max_length=1000, description="Why it is removed."), CLEAN]
GivenName = Annotated[
    str | None, Query(min_length=1, max_length=1000, description="The file's name, before any other that is sent.")
]


class Scan(Model):
    state: ScanState = Field(
        description="Held while `pending`, `error` and `infected`; `not_scanned` where the installation has no scanner."
    )
    detail: str | None = Field(description="What was found, or why there is no verdict yet.")
    scanned_at: datetime | None


class DocumentPublic(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    version: int
    agreement_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    task_id: UUID | None = Field(description="Of a task, of its reports and its obstacles.")
    name: str
    description: str | None
    media_type: MediaType = Field(description="Told from the content.")
    size: int = Field(description="Bytes.")
    digest: str = Field(description="SHA-256 of the content, in hexadecimal digits.")
    scan: Scan
    organization_id: UUID
    organization_name: str
    added_by: str
    created_at: datetime
    removed_at: datetime | None
    removed_by: str | None
    removal_reason: str | None
    allowed_actions: list[str]


class DocumentLink(Model):
    """Where the content is, for a short time and without a token."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "url": f"https://lienvung.example/v1/documents/{_DOCUMENT}/content?for=01990000-0000-7000-8000-"
                    "0000000000e1&expires=1795402800&signature=q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ",
                    "expires_at": "2026-11-23T03:05:00Z",
                }
            ]
        }
    )

    url: str
    expires_at: datetime


class EvidenceCreate(Model):
    """A document that is attached to something already, to be evidence here as well."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"document_id": _DOCUMENT}]})

    document_id: UUID
    report_id: UUID | None = Field(default=None, description="A report of the task; without one it is the task's.")
