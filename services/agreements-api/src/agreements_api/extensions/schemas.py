"""What the API takes and shows of extensions."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from agreements_api.agreements.schemas import Day
from agreements_api.extensions.models import ExtensionState
from shared.schemas import Model, Text

_REASON = "Hồ sơ địa chính hai bên chưa khớp, cần đo đạc lại (minh họa)."
_EXAMPLE: dict[str, Any] = {
    "id": "01990000-0000-7000-8000-0000000000f1",
    "version": 1,
    "task_id": "01990000-0000-7000-8000-0000000000b1",
    "state": "requested",
    "due_on": "2026-12-31",
    "requested_due_on": "2027-02-26",
    "granted_due_on": None,
    "reason": _REASON,
    "requested_by_organization_id": "01990000-0000-7000-8000-000000000003",
    "requested_by_name": "UBND thị xã Đông Triều",
    "requested_by": "Chuyên viên UBND thị xã Đông Triều",
    "requested_at": "2026-12-10T03:00:00Z",
    "decided_by_organization_id": None,
    "decided_by_name": None,
    "decided_by": None,
    "decided_at": None,
    "remark": None,
    "allowed_actions": ["grant", "deny"],
}


class ExtensionCreate(Model):
    """A later deadline, and why it is needed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"due_on": "2027-02-26", "reason": _REASON}]})

    due_on: Day
    reason: Text


class Grant(Model):
    """What was asked for, unless another later day is given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"remark": "Đồng ý (minh họa)."}]})

    due_on: Day | None = None
    remark: Text | None = None


class ExtensionPublic(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    version: int
    task_id: UUID
    state: ExtensionState
    due_on: date = Field(description="The deadline that was in force when it was asked for.")
    requested_due_on: date
    granted_due_on: date | None
    reason: str
    requested_by_organization_id: UUID
    requested_by_name: str
    requested_by: str
    requested_at: datetime
    decided_by_organization_id: UUID | None = Field(description="Who granted or denied it, or withdrew it.")
    decided_by_name: str | None
    decided_by: str | None
    decided_at: datetime | None
    remark: str | None
    allowed_actions: list[str]
