"""What the API takes and shows of meetings."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from agreements_api.agreements.schemas import Day, FieldName, Title
from agreements_api.meetings.models import Attendance, MeetingKind, MeetingStatus
from agreements_api.tasks.schemas import ParticipantCreate
from shared.schemas import CLEAN, Line, Model, Text

MOST_OUTCOMES = 100
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)


def _rfc_3339(value: Any) -> Any:
    """A number, even as text, would be read as seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and _MOMENT.match(value)):
        return value
    raise PydanticCustomError("datetime_parsing", "Input should be an RFC 3339 instant with its offset")


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_rfc_3339),
    Field(
        ge=datetime(1945, 9, 2, tzinfo=UTC), le=datetime(2199, 12, 31, tzinfo=UTC), examples=["2026-12-10T01:00:00Z"]
    ),
]
Url = Annotated[str, Field(max_length=2000, pattern=r"^https://[^\s<>\"]+$"), CLEAN]
Invited = Annotated[list[UUID], Field(max_length=200)]

_HOST = "01990000-0000-7000-8000-000000000002"
_OTHER = "01990000-0000-7000-8000-000000000004"
_AGREEMENT = "01990000-0000-7000-8000-0000000000a1"
_MEETING = "01990000-0000-7000-8000-0000000000f1"
_PLANNED: dict[str, Any] = {
    "kind": "regular",
    "title": "Hội nghị giao ban quý IV (minh họa)",
    "place": "Trụ sở UBND thị xã Đông Triều (minh họa)",
    "online_url": None,
    "starts_at": "2026-12-10T01:00:00Z",
    "ends_at": "2026-12-10T04:00:00Z",
    "agenda": [{"title": "Đánh giá kết quả phối hợp", "presenter": "UBND thị xã Đông Triều", "minutes": 45}],
}
_ATTENDED: dict[str, Any] = {
    "organization_id": _OTHER,
    "attendance": "attended",
    "person_name": "Nguyễn Văn A",
    "person_title": "Phó Chủ tịch",
}
_ABSENT: dict[str, Any] = {"organization_id": _HOST, "attendance": "represented"}
_OUTCOME: dict[str, Any] = {
    "text": "Rà soát các hộ xâm canh tại khu vực giáp ranh (minh họa)",
    "responsible_organization_id": _OTHER,
    "due_on": "2027-03-31",
}


class AgendaItem(Model):
    """One item; the list gives the order."""

    title: Line
    presenter: Line | None = Field(default=None, description="Who presents it.")
    minutes: Annotated[int, Field(strict=True, ge=1, le=1440)] | None = None


Agenda = Annotated[list[AgendaItem], Field(max_length=100)]


class MeetingCreate(Model):
    """A meeting of an agreement in force or suspended."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PLANNED]})

    kind: MeetingKind
    title: Title
    host_organization_id: UUID | None = Field(default=None, description="The caller's own organisation where absent.")
    place: Line | None = None
    online_url: Url | None = None
    starts_at: Moment
    ends_at: Moment | None = None
    agenda: Agenda = []
    invited_organization_ids: Invited | None = Field(
        default=None, description="Where absent, all parties of the agreement."
    )


class MeetingUpdate(Model):
    """A merge patch of a planned meeting: what is absent stays, null clears, lists are replaced whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"starts_at": "2026-12-12T01:00:00Z", "ends_at": None}]})

    kind: MeetingKind = MeetingKind.REGULAR
    title: Title = "-"
    host_organization_id: UUID = UUID(int=0)
    place: Line | None = None
    online_url: Url | None = None
    starts_at: Moment = datetime(1970, 1, 1, tzinfo=UTC)
    ends_at: Moment | None = None
    agenda: Agenda = []
    invited_organization_ids: Invited = []


class Attendee(Model):
    """Whether an organisation came, and who for it."""

    organization_id: UUID
    attendance: Attendance
    person_name: Line | None = None
    person_title: Line | None = None


Attendees = Annotated[list[Attendee], Field(min_length=1, max_length=200)]


class Holding(Model):
    """It was held. Where its times were others than planned, they are named."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"starts_at": "2026-11-20T01:00:00Z", "attendance": [_ATTENDED, _ABSENT]}]}
    )

    starts_at: Moment | None = None
    ends_at: Moment | None = None
    attendance: Attendees
    minutes: Text | None = None


class AttendanceReplace(Model):
    """The whole attendance; of an invited organisation that is not named nothing is known."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"attendance": [_ATTENDED, _ABSENT]}]})

    attendance: Attendees


class Cancellation(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Trùng lịch công tác (minh họa)."}]})

    reason: Text


class MinutesCreate(Model):
    """The text of the minutes; an earlier one is kept."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "Hội nghị thống nhất các nội dung (minh họa)."}]}
    )

    text: Text


class OutcomeCreate(Model):
    """What the meeting concluded."""

    model_config = ConfigDict(json_schema_extra={"examples": [_OUTCOME]})

    text: Title
    responsible_organization_id: UUID | None = None
    due_on: Day | None = None


class OutcomeUpdate(Model):
    """A merge patch of an outcome that is no task yet."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"due_on": "2027-06-30"}]})

    text: Title = "-"
    responsible_organization_id: UUID | None = None
    due_on: Day | None = None


class OutcomeAssign(Model):
    """The task that an outcome becomes; what is absent is the outcome's own."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"coordinating": [{"organization_id": _OTHER}]}]})

    title: Title | None = Field(default=None, description="The outcome's text where absent.")
    lead_organization_id: UUID | None = Field(default=None, description="Who is responsible where absent.")
    coordinating: Annotated[list[ParticipantCreate], Field(max_length=100)] = []
    monitoring: Annotated[list[ParticipantCreate], Field(max_length=20)] = []
    due_on: Day | None = Field(default=None, description="The outcome's where absent.")
    clause_id: UUID | None = None
    description: Text | None = None
    deliverable: Text | None = None
    field: FieldName | None = None
    note: Text | None = None


class AgendaItemPublic(Model):
    ordinal: int
    title: str
    presenter: str | None
    minutes: int | None


class ParticipantPublic(Model):
    """An organisation under the name that it was invited with."""

    organization_id: UUID
    organization_name: str
    unit_id: UUID
    invited: bool
    attendance: Attendance | None = Field(description="Null until it is recorded.")
    person_name: str | None
    person_title: str | None


class OutcomePublic(Model):
    id: UUID
    ordinal: int
    text: str
    responsible_organization_id: UUID | None
    responsible_name: str | None
    due_on: date | None
    task_id: UUID | None = Field(description="The task that it became.")
    allowed_actions: list[str]


class MeetingPublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _MEETING,
                    "version": 2,
                    "agreement_id": _AGREEMENT,
                    "agreement_title": "Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD",
                    **{name: value for name, value in _PLANNED.items() if name != "agenda"},
                    "status": "held",
                    "host_organization_id": _HOST,
                    "host_name": "Ban Thường vụ Thị ủy Đông Triều",
                    "held_on": "2026-12-10",
                    "cancel_reason": None,
                    "agenda": [{"ordinal": 1, **_PLANNED["agenda"][0]}],
                    "participants": [
                        {
                            "organization_name": "UBND thị xã Kinh Môn",
                            "unit_id": "5f0c1b3e-6f0d-5d5e-9c55-0d5a5d4c9a12",
                            "invited": True,
                            **_ATTENDED,
                        }
                    ],
                    "minutes_revision": 1,
                    "outcomes": [
                        {
                            "id": "01990000-0000-7000-8000-0000000000f2",
                            "ordinal": 1,
                            **_OUTCOME,
                            "responsible_name": "UBND thị xã Kinh Môn",
                            "task_id": None,
                            "allowed_actions": ["update", "assign"],
                        }
                    ],
                    "demonstration": True,
                    "created_at": "2026-11-23T03:00:00Z",
                    "updated_at": "2026-12-10T04:00:00Z",
                    "allowed_actions": ["record"],
                }
            ]
        }
    )

    id: UUID
    version: int
    agreement_id: UUID
    agreement_title: str
    kind: MeetingKind
    title: str
    status: MeetingStatus
    host_organization_id: UUID
    host_name: str
    place: str | None
    online_url: str | None
    starts_at: datetime
    ends_at: datetime | None
    held_on: date | None = Field(description="The day in Vietnam on which it was held.")
    cancel_reason: str | None
    agenda: list[AgendaItemPublic]
    participants: list[ParticipantPublic]
    minutes_revision: int | None = Field(description="The newest text of the minutes, where there is one.")
    outcomes: list[OutcomePublic]
    demonstration: bool
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str]


class MinutesPublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000f3",
                    "revision": 1,
                    "text": "Hội nghị thống nhất các nội dung (minh họa).",
                    "organization_id": _HOST,
                    "written_by": "Chuyên viên (minh họa)",
                    "written_at": "2026-12-10T04:00:00Z",
                }
            ]
        }
    )

    id: UUID
    revision: int
    text: str
    organization_id: UUID | None
    written_by: str
    written_at: datetime
