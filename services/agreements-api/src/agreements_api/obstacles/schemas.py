"""What the API takes and shows of obstacles and of the measures against them."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from agreements_api.agreements.schemas import Day
from agreements_api.history.schemas import HistoryActor, HistoryChange
from agreements_api.obstacles.models import Escalation, ObstacleLevel, ObstacleOrigin, ObstacleStatus
from shared.schemas import Model, Text

_TEXT = "Hồ sơ địa chính hai bên chưa khớp (minh họa)."
_ORGANIZATION = "01990000-0000-7000-8000-000000000003"
_MEASURE: dict[str, Any] = {
    "text": "Đo đạc lại ranh giới tại thực địa (minh họa).",
    "organization_id": _ORGANIZATION,
    "due_on": "2026-12-15",
}


class ObstacleCreate(Model):
    """What stands in the way of the task."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": _TEXT}]})

    text: Text


class ObstacleUpdate(Model):
    """A merge patch: what is absent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": _TEXT}]})

    text: Text = "-"


class EscalationReason(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Vượt thẩm quyền của hai địa phương."}]})

    reason: Text


class ObstacleResolution(Model):
    """How it was settled."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"resolution": "Hai bên đã ký biên bản thống nhất."}]})

    resolution: Text


class ReopeningReason(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Vướng mắc lại phát sinh."}]})

    reason: Text


class MeasureCreate(Model):
    """What will be done about it, by whom and until when."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MEASURE]})

    text: Text
    organization_id: UUID = Field(description="A member of the agreement.")
    due_on: Day = Field(description="Today or later.")


class MeasureUpdate(Model):
    """A merge patch: what is absent stays, null clears the remark."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"done": True, "remark": "Đã đo đạc xong."}]})

    text: Text = "-"
    organization_id: UUID = UUID(int=0)
    due_on: Day = date.min
    done: Annotated[bool, Field(strict=True)] = False
    remark: Text | None = None


class MeasurePublic(Model):
    id: UUID
    text: str
    organization_id: UUID
    organization_name: str
    due_on: date
    overdue: bool = Field(description="Not done, and its day is over.")
    done_at: datetime | None
    remark: str | None


class ObstaclePublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000f1",
                    "version": 2,
                    "agreement_id": "01990000-0000-7000-8000-0000000000a1",
                    "agreement_title": "Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD",
                    "task_id": "01990000-0000-7000-8000-0000000000b1",
                    "task_title": "Rà soát, giải quyết vướng mắc khu vực xâm canh, xâm cư",
                    "origin": "raised",
                    "text": _TEXT,
                    "status": "open",
                    "level": "locality",
                    "raised_by_organization_id": "01990000-0000-7000-8000-000000000004",
                    "raised_by_organization_name": "UBND thị xã Kinh Môn",
                    "raised_by": "Chuyên viên UBND thị xã Kinh Môn (minh họa)",
                    "organization_id": _ORGANIZATION,
                    "organization_name": "UBND thị xã Đông Triều",
                    "respond_by": "2026-12-01",
                    "due_on": "2026-12-15",
                    "overdue": False,
                    "escalated_at": None,
                    "escalated_by": None,
                    "resolved_at": None,
                    "resolution": None,
                    "demonstration": True,
                    "measures": [
                        {
                            "id": "01990000-0000-7000-8000-0000000000f2",
                            **_MEASURE,
                            "organization_name": "UBND thị xã Đông Triều",
                            "overdue": False,
                            "done_at": None,
                            "remark": None,
                        }
                    ],
                    "created_at": "2026-11-24T03:00:00Z",
                    "updated_at": "2026-11-24T03:10:00Z",
                    "allowed_actions": ["measure", "escalate", "resolve"],
                }
            ]
        }
    )

    id: UUID
    version: int
    agreement_id: UUID
    agreement_title: str
    task_id: UUID
    task_title: str
    origin: ObstacleOrigin
    text: str
    status: ObstacleStatus
    level: ObstacleLevel
    raised_by_organization_id: UUID
    raised_by_organization_name: str
    raised_by: str
    organization_id: UUID = Field(description="In whose hands it is: the lead of the task, or the body above it.")
    organization_name: str
    respond_by: date = Field(description="Until when whoever has it plans a measure, or resolves it.")
    due_on: date = Field(
        description="The last day of its clock, measures included; afterwards a locality's obstacle goes to the body"
        " above."
    )
    overdue: bool = Field(description="Open, and its clock has run out; computed.")
    escalated_at: datetime | None
    escalated_by: Escalation | None
    resolved_at: datetime | None
    resolution: str | None
    demonstration: bool
    measures: list[MeasurePublic]
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str] = Field(description="The steps that the caller can take now.")


class ObstacleEntry(Model):
    """One change of an obstacle; never altered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 2,
                    "action": "escalate",
                    "occurred_at": "2026-11-24T03:00:00Z",
                    "actor": {
                        "id": "01990000-0000-7000-8000-000000000009",
                        "kind": "user",
                        "name": "Lãnh đạo UBND thị xã Đông Triều (minh họa)",
                        "organization_id": _ORGANIZATION,
                    },
                    "changes": [{"field": "level", "from": "locality", "to": "province"}],
                    "remark": "Vượt thẩm quyền của hai địa phương.",
                }
            ]
        }
    )

    version: int
    action: str
    occurred_at: datetime
    actor: HistoryActor
    changes: list[HistoryChange]
    remark: str | None
