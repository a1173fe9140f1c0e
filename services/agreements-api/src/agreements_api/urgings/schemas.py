"""What the API takes and shows of urgings and of requests for an explanation."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from agreements_api.urgings.models import UrgingKind, UrgingStatus
from shared.schemas import Model, Text

_MESSAGE = "Đề nghị báo cáo tiến độ rà soát (minh họa)."
_ANSWER = "Đơn vị sẽ hoàn thành trước ngày 15/12 (minh họa)."
_LEAD = "01990000-0000-7000-8000-000000000003"


class UrgingCreate(Model):
    """What a leader asks of an organisation that takes part in the task; of its lead where none is named."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"message": _MESSAGE, "answer_days": 3}]})

    message: Text
    organization_id: UUID | None = Field(default=None, description="Takes part in the task; its lead where absent.")
    answer_days: Annotated[int, Field(strict=True, ge=1, le=60)] | None = Field(
        default=None, description="Working days to answer in; where absent, as the system is set."
    )


class Answer(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"answer": _ANSWER}]})

    answer: Text


class UrgingPublic(Model):
    """An urging (đôn đốc), or a request for an explanation (yêu cầu giải trình)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000f5",
                    "version": 1,
                    "kind": "urging",
                    "status": "open",
                    "agreement_id": "01990000-0000-7000-8000-0000000000a1",
                    "agreement_title": "Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD",
                    "task_id": "01990000-0000-7000-8000-0000000000b1",
                    "task_title": "Rà soát, giải quyết vướng mắc khu vực xâm canh, xâm cư",
                    "message": _MESSAGE,
                    "asked_by_organization_id": "01990000-0000-7000-8000-000000000002",
                    "asked_by_organization_name": "Ban Thường vụ Tỉnh ủy Quảng Ninh",
                    "asked_by": "Lãnh đạo (minh họa)",
                    "asked_at": "2026-11-24T03:00:00Z",
                    "organization_id": _LEAD,
                    "organization_name": "UBND thị xã Đông Triều",
                    "promised_by_organization_id": _LEAD,
                    "answer_due_on": "2026-11-27",
                    "overdue": False,
                    "answer": None,
                    "answered_by_organization_id": None,
                    "answered_by": None,
                    "answered_at": None,
                    "demonstration": True,
                    "allowed_actions": ["answer"],
                }
            ]
        }
    )

    id: UUID
    version: int
    kind: UrgingKind
    status: UrgingStatus
    agreement_id: UUID
    agreement_title: str
    task_id: UUID
    task_title: str
    message: str
    asked_by_organization_id: UUID
    asked_by_organization_name: str
    asked_by: str
    asked_at: datetime
    organization_id: UUID = Field(description="Who has to answer: who was asked, or who took its place in the task.")
    organization_name: str
    promised_by_organization_id: UUID = Field(description="Who was given the part in the task that is meant.")
    answer_due_on: date = Field(description="The last day to answer.")
    overdue: bool = Field(description="Not answered, its day is over, and the task still asks for it; computed.")
    answer: str | None
    answered_by_organization_id: UUID | None
    answered_by: str | None
    answered_at: datetime | None
    demonstration: bool
    allowed_actions: list[str] = Field(description="The steps that the caller can take now.")
