"""What the API takes and shows of assignments, of a person's open work and of its handing over."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from agreements_api.assignments.models import AssignmentAction, SubjectKind
from agreements_api.policy import Role
from shared.schemas import Model

MOST = 20
ASSIGNEE_EXAMPLE: JsonDict = {
    "account_id": "01990000-0000-7000-8000-000000000009",
    "name": "Chuyên viên UBND thị xã Đông Triều (minh họa)",
    "roles": ["specialist"],
    "active": True,
    "since": "2026-11-23T03:00:00Z",
}


class AssigneesReplace(Model):
    """Everybody of the caller's organisation who handles it from now on; nobody where the list is empty."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"account_ids": ["01990000-0000-7000-8000-000000000009"]}]}
    )

    account_ids: Annotated[list[UUID], Field(max_length=MOST)]


class Assignee(Model):
    account_id: UUID
    name: str
    roles: list[Role]
    active: bool
    since: datetime


class Assignees(Model):
    """Who handles it in the caller's organisation. What other organisations do among themselves is not shown."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version": 1, "items": [ASSIGNEE_EXAMPLE], "allowed_actions": ["replace"]}]}
    )

    version: int
    items: list[Assignee]
    allowed_actions: list[str]


class AssignmentLogEntry(Model):
    """One change of who handles it; never altered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000e1",
                    "action": "handed_over",
                    "account_id": "01990000-0000-7000-8000-000000000009",
                    "name": "Chuyên viên A (minh họa)",
                    "to_account_id": "01990000-0000-7000-8000-000000000010",
                    "to_name": "Chuyên viên B (minh họa)",
                    "actor_name": "Quản trị UBND thị xã Đông Triều (minh họa)",
                    "occurred_at": "2026-11-23T03:00:00Z",
                }
            ]
        }
    )

    id: UUID
    action: AssignmentAction
    account_id: UUID
    name: str
    to_account_id: UUID | None
    to_name: str | None
    actor_name: str
    occurred_at: datetime


class WorkItem(Model):
    """A task that is not completed, or a draft that is not in force."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "task",
                    "id": "01990000-0000-7000-8000-0000000000a1",
                    "agreement_id": "01990000-0000-7000-8000-0000000000a0",
                    "agreement_title": "Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD",
                    "title": "Rà soát, giải quyết vướng mắc khu vực xâm canh, xâm cư",
                    "status": "in_progress",
                    "due_on": "2026-12-31",
                    "since": "2026-11-23T03:00:00Z",
                }
            ]
        }
    )

    kind: SubjectKind
    id: UUID
    agreement_id: UUID
    agreement_title: str
    title: str
    status: str
    due_on: date | None
    since: datetime


class HandOver(Model):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"to_account_id": "01990000-0000-7000-8000-000000000010", "deactivate": True}]}
    )

    to_account_id: UUID = Field(description="A colleague of the same organisation.")
    deactivate: bool = Field(default=False, description="Also end the account of who leaves, with its sessions.")


class HandedOver(Model):
    """How much went from one to the other."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "from_account_id": "01990000-0000-7000-8000-000000000009",
                    "to_account_id": "01990000-0000-7000-8000-000000000010",
                    "tasks": 12,
                    "agreements": 1,
                    "contacts": 1,
                    "deactivated": True,
                    "version": 3,
                }
            ]
        }
    )

    from_account_id: UUID
    to_account_id: UUID
    tasks: int
    agreements: int = Field(description="Drafts, and what is open for signature.")
    contacts: int = Field(description="Focal points of the organisation; title and number are to be filled in again.")
    deactivated: bool
    version: int = Field(description="Of the account that was handed over from, as in its ETag.")
