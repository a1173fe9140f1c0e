"""What the API takes and shows of comments."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from agreements_api.comments.models import CommentState
from shared.schemas import Model, Text

MOST_MENTIONS = 20
_TEXT = "Đề nghị hai bên thống nhất mốc giới trước khi họp (minh họa)."
_ACCOUNT = "01990000-0000-7000-8000-000000000009"
_PERSON: dict[str, Any] = {
    "account_id": _ACCOUNT,
    "name": "Chuyên viên UBND thị xã Đông Triều (minh họa)",
    "organization_id": "01990000-0000-7000-8000-000000000003",
    "organization_name": "UBND thị xã Đông Triều",
}
Mentions = Annotated[list[UUID], Field(max_length=MOST_MENTIONS)]


class CommentCreate(Model):
    """What is said, and the accounts of those who are named in it: only of who sees the task."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": _TEXT, "mentions": []}]})

    text: Text
    mentions: Mentions = []


class CommentUpdate(Model):
    """A merge patch: what is absent stays. What it said before is kept."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": _TEXT}]})

    text: Text = "-"
    mentions: Mentions = []


class PersonPublic(Model):
    """Somebody whom a comment on the task can name."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PERSON]})

    account_id: UUID
    name: str
    organization_id: UUID
    organization_name: str


class CommentPublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000f8",
                    "version": 1,
                    "agreement_id": "01990000-0000-7000-8000-0000000000a1",
                    "task_id": "01990000-0000-7000-8000-0000000000b1",
                    "state": "published",
                    "text": _TEXT,
                    "account_id": "01990000-0000-7000-8000-000000000010",
                    "author_name": "Chuyên viên UBND thị xã Kinh Môn (minh họa)",
                    "organization_id": "01990000-0000-7000-8000-000000000004",
                    "organization_name": "UBND thị xã Kinh Môn",
                    "mentions": [_PERSON],
                    "edited_at": None,
                    "deleted_at": None,
                    "created_at": "2026-11-24T03:00:00Z",
                    "updated_at": "2026-11-24T03:00:00Z",
                    "allowed_actions": ["update", "delete"],
                }
            ]
        }
    )

    id: UUID
    version: int
    agreement_id: UUID
    task_id: UUID
    state: CommentState
    text: str | None = Field(
        description="None once its author has taken it back; of the past (`as_of`) also where it was worded anew or"
        " taken back since, unless the caller reads its versions."
    )
    account_id: UUID
    author_name: str
    organization_id: UUID
    organization_name: str
    mentions: list[PersonPublic]
    edited_at: datetime | None
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str] = Field(description="The steps that the caller can take now.")


class CommentVersion(Model):
    """What a comment said from a moment on; the last one of a deleted comment says nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"version": 1, "text": _TEXT, "mentions": [_PERSON], "written_at": "2026-11-24T03:00:00Z"}]
        }
    )

    version: int
    text: str | None
    mentions: list[PersonPublic]
    written_at: datetime
