"""What the API shows of a worklist."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from agreements_api.worklist.models import Urgency, WorkKind, WorkReason, WorkSubjectKind
from shared.schemas import Model

_TASK = "01990000-0000-7000-8000-0000000000b1"
_EXAMPLE: dict[str, Any] = {
    "kind": "confirm",
    "reason": "window",
    "message": "Còn 2 ngày làm việc để xác nhận hoàn thành, quá hạn coi như đã xác nhận.",
    "urgency": "soon",
    "due_on": "2026-12-10",
    "due_at": "2026-12-10T17:00:00Z",
    "subject": {
        "type": "task",
        "id": _TASK,
        "version": 5,
        "title": "Rà soát, giải quyết vướng mắc đối với người dân tại các khu vực xâm canh, xâm cư",
        "href": f"/v1/tasks/{_TASK}",
        "task_id": _TASK,
        "agreement_id": "01990000-0000-7000-8000-0000000000a1",
        "agreement_number": None,
        "agreement_title": "Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD",
    },
    "action": {"name": "confirm", "method": "POST", "href": f"/v1/tasks/{_TASK}/confirm"},
    "counterpart": {"organization_id": "01990000-0000-7000-8000-000000000003", "name": "UBND thị xã Đông Triều"},
}
_COUNTS: dict[str, Any] = {
    "total": 1,
    "kinds": {"accept": 0, "report": 0, "confirm": 1, "sign": 0, "answer": 0, "decide": 0},
    "urgencies": {"overdue": 0, "today": 0, "soon": 1, "later": 0},
}


class WorkSubject(Model):
    """What the work is about. `version` is what a step on it takes as `If-Match`, as `"v5"`."""

    type: WorkSubjectKind
    id: UUID
    version: int
    title: str
    href: str
    task_id: UUID | None
    agreement_id: UUID
    agreement_number: str | None
    agreement_title: str


class WorkAction(Model):
    """The step that ends the work, as `allowed_actions` of its subject, or of a part of it, names it."""

    name: str
    method: str
    href: str


class Counterpart(Model):
    """Who waits."""

    organization_id: UUID
    name: str


class WorkPublic(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    kind: WorkKind
    reason: WorkReason
    message: str = Field(description="The reason in words, in the language of Accept-Language.")
    urgency: Urgency
    due_on: date | None = Field(description="The last day for it; null where nothing says one.")
    due_at: datetime | None = Field(description="The moment at which that day is over in Vietnam.")
    subject: WorkSubject
    action: WorkAction | None = Field(description="Null where the caller's role does not let him take the step.")
    counterpart: Counterpart | None = Field(description="Null where no other organisation waits.")


class WorkCounts(Model):
    """Of the whole list, whatever `kind` and `urgency` narrow the page to."""

    total: int
    kinds: dict[WorkKind, int]
    urgencies: dict[Urgency, int]


class Worklist(Model):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [_EXAMPLE], "next_cursor": None, "counts": _COUNTS}]}
    )

    items: list[WorkPublic]
    next_cursor: str | None
    counts: WorkCounts
