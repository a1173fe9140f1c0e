"""What the API takes and shows of tasks."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from agreements_api.agreements.schemas import Day, FieldName, Title
from agreements_api.tasks.models import Decision, TaskStatus
from agreements_api.tasks.timeliness import Timeliness
from shared import clock
from shared.schemas import Model, Text

MOST_EVIDENCE = 50
Percent = Annotated[int, Field(strict=True, ge=0, le=100)]
Flag = Annotated[bool, Field(strict=True)]

_LEAD = "01990000-0000-7000-8000-000000000003"
_OTHER = "01990000-0000-7000-8000-000000000004"
TASK_EXAMPLE: dict[str, Any] = {
    "title": "Rà soát, giải quyết vướng mắc đối với người dân tại các khu vực xâm canh, xâm cư",
    "clause_id": "01990000-0000-7000-8000-0000000000c2",
    "deliverable": "Biên bản giải quyết vướng mắc",
    "field": "địa giới hành chính",
    "due_on": "2026-12-31",
    "lead_organization_id": _LEAD,
    "coordinating": [{"organization_id": _OTHER, "due_on": "2026-12-15"}],
    "monitoring": [],
}
REPORT_EXAMPLE: dict[str, Any] = {
    "period_start": "2026-10-15",
    "period_end": "2026-11-14",
    "percent": 40,
    "narrative": "Đã rà soát 40 % khu vực giáp ranh.",
    "difficulties": "Hồ sơ địa chính hai bên chưa khớp.",
}
_EVIDENCE: dict[str, Any] = {
    "document_id": "01990000-0000-7000-8000-0000000000f1",
    "name": "Biên bản rà soát (minh họa).pdf",
    "media_type": "application/pdf",
    "size": 48213,
    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}


class ParticipantCreate(Model):
    """A coordinating or monitoring organisation; without a deadline of its own the task's holds."""

    organization_id: UUID
    due_on: Day | None = None


class TaskCreate(Model):
    """A task for an agreement in force. Lead and others may be any organisation, a party or not."""

    model_config = ConfigDict(json_schema_extra={"examples": [TASK_EXAMPLE]})

    title: Title
    clause_id: UUID | None = Field(default=None, description="The clause of this agreement that the task fulfils.")
    description: Text | None = None
    deliverable: Text | None = None
    field: FieldName | None = Field(default=None, description="Where absent, the field of the clause.")
    due_on: Day | None = None
    lead_organization_id: UUID
    lead_due_on: Day | None = Field(default=None, description="Where the lead has to be ready before all others are.")
    coordinating: Annotated[list[ParticipantCreate], Field(max_length=100)] = []
    monitoring: Annotated[list[ParticipantCreate], Field(max_length=20)] = []
    demonstration: Flag = False
    note: Text | None = None


class TaskUpdate(Model):
    """A merge patch: what is absent stays, null clears.

    `coordinating` and `monitoring` change deadlines only: each must list the organisations that it has.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"due_on": "2027-01-31"}]})

    title: Title = "-"
    description: Text | None = None
    deliverable: Text | None = None
    field: FieldName | None = None
    due_on: Day | None = None
    lead_due_on: Day | None = None
    coordinating: Annotated[list[ParticipantCreate], Field(max_length=100)] = []
    monitoring: Annotated[list[ParticipantCreate], Field(max_length=20)] = []
    note: Text | None = None


class Reassignment(Model):
    """Who leads, coordinates and monitors from now on; what is absent stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"lead_organization_id": _OTHER, "coordinating": [], "reason": "Đổi đơn vị chủ trì (minh họa)."}
            ]
        }
    )

    lead_organization_id: UUID | None = None
    coordinating: Annotated[list[ParticipantCreate], Field(max_length=100)] | None = None
    monitoring: Annotated[list[ParticipantCreate], Field(max_length=20)] | None = None
    reason: Text

    @model_validator(mode="after")
    def _somebody(self) -> "Reassignment":
        if self.lead_organization_id is None and self.coordinating is None and self.monitoring is None:
            raise PydanticCustomError("nobody_named", "Name who leads, who coordinates or who monitors from now on")
        return self


class ProgressReportCreate(Model):
    """What was done in a period. A lower percentage than before is taken: the narrative says why."""

    model_config = ConfigDict(json_schema_extra={"examples": [REPORT_EXAMPLE]})

    period_start: Day
    period_end: Day
    percent: Percent
    narrative: Text
    difficulties: Text | None = None
    evidence_ids: Annotated[list[UUID], Field(max_length=MOST_EVIDENCE)] = Field(
        default=[],
        description="Documents of the task, of its reports or its obstacles that prove it; none that the virus scan"
        " holds. The report keeps them.",
    )
    corrects: UUID | None = Field(
        default=None, description="An earlier report of the task that was wrong; it is kept and marked as corrected."
    )

    @field_validator("period_start")
    @classmethod
    def _begun(cls, value: date) -> date:
        if value > clock.today():
            raise PydanticCustomError("period_not_begun", "The period has not begun yet")
        return value

    @field_validator("period_end")
    @classmethod
    def _in_order(cls, value: date, info: ValidationInfo) -> date:
        begins = info.data.get("period_start")
        if begins and value < begins:
            raise PydanticCustomError("period_reversed", "The period ends before it begins")
        return value


class ReportPeriod(StrEnum):
    """The official reporting periods (Decree 09/2019/NĐ-CP, article 12)."""

    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    NINE_MONTH = "nine_month"
    YEAR = "year"


PERIOD_WORDING: dict[ReportPeriod, str] = {
    ReportPeriod.MONTH: "tháng",
    ReportPeriod.QUARTER: "quý",
    ReportPeriod.HALF_YEAR: "6 tháng",
    ReportPeriod.NINE_MONTH: "9 tháng",
    ReportPeriod.YEAR: "năm",
}


class ReportDraft(Model):
    """The next report, begun with what the last one said: to be changed, and sent as a report."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"task_id": "01990000-0000-7000-8000-0000000000b1", "period": "month", **REPORT_EXAMPLE}]
        }
    )

    task_id: UUID
    period: ReportPeriod
    period_start: date
    period_end: date
    percent: int
    narrative: str | None = Field(description="Of the last report; null where there is none.")
    difficulties: str | None
    carried_from: datetime | None = Field(default=None, description="When the last report was given.")
    evidence_ids: list[UUID] = Field(
        default=[], description="What has been attached to the task and its obstacles since, and can be named."
    )


class Submission(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "Đề nghị các bên phối hợp xác nhận."}]})

    note: Text | None = None
    response_days: Annotated[int, Field(strict=True, ge=1, le=60)] | None = Field(
        default=None,
        description="Working days in which the coordinating parties can answer; where absent, as the agreement or"
        " else the system is set, and no fewer.",
    )


class Remark(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"remark": "Nhất trí."}]})

    remark: Text | None = None


class Reason(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Biên bản chưa có chữ ký của Kinh Môn."}]})

    reason: Text


class TaskPartyPublic(Model):
    """An organisation under the name that it was given the task with."""

    organization_id: UUID
    name: str
    unit_id: UUID | None
    unit_name: str | None
    due_on: date | None = Field(description="Its own deadline, where it has one.")
    confirmed_at: datetime | None = Field(description="When it confirmed the present submission.")
    accepted_at: datetime | None = Field(default=None, description="When it took on what it was given.")
    promised_by_organization_id: UUID | None = Field(
        default=None, description="Who was given the task, where another one answers for it by now."
    )
    promised_by_name: str | None = None
    respond_by: date | None = Field(
        default=None, description="The last day on which it can answer the present submission."
    )
    lapsed_at: datetime | None = Field(
        default=None, description="When that day had passed without an answer, which counts as its confirmation."
    )


class EvidencePublic(Model):
    """A document as a report names it; it is kept for as long as the report."""

    document_id: UUID
    name: str
    media_type: str
    size: int = Field(description="Bytes.")
    digest: str = Field(description="SHA-256 of the content, in hexadecimal digits.")


class LastReportPublic(Model):
    period_start: date | None
    period_end: date | None
    percent: int
    narrative: str | None
    difficulties: str | None
    reported_at: datetime
    evidence: list[EvidencePublic] = Field(
        default=[], description="Absent from what was reported before reports named their evidence."
    )


class TaskPublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000b1",
                    "version": 3,
                    "agreement_id": "01990000-0000-7000-8000-0000000000a1",
                    "agreement_title": "Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD",
                    "agreement_number": None,
                    "clause_id": TASK_EXAMPLE["clause_id"],
                    "title": TASK_EXAMPLE["title"],
                    "description": None,
                    "deliverable": TASK_EXAMPLE["deliverable"],
                    "field": TASK_EXAMPLE["field"],
                    "status": "in_progress",
                    "timeliness": "in_time",
                    "due_on": "2026-12-31",
                    "original_due_on": "2026-12-31",
                    "percent": 40,
                    "submitted_at": None,
                    "completed_at": None,
                    "demonstration": True,
                    "note": None,
                    "lead": {
                        "organization_id": _LEAD,
                        "name": "UBND thị xã Đông Triều",
                        "unit_id": "5f0c1b3e-6f0d-5d5e-9c55-0d5a5d4c9a11",
                        "unit_name": "Thị xã Đông Triều",
                        "due_on": None,
                        "confirmed_at": None,
                        "accepted_at": "2026-11-02T03:00:00Z",
                    },
                    "coordinating": [
                        {
                            "organization_id": _OTHER,
                            "name": "UBND thị xã Kinh Môn",
                            "unit_id": "5f0c1b3e-6f0d-5d5e-9c55-0d5a5d4c9a12",
                            "unit_name": "Thị xã Kinh Môn",
                            "due_on": "2026-12-15",
                            "confirmed_at": None,
                            "accepted_at": None,
                        }
                    ],
                    "monitoring": [],
                    "last_report": {**REPORT_EXAMPLE, "reported_at": "2026-11-14T03:00:00Z"},
                    "extension_count": 0,
                    "recurrence_id": None,
                    "previous_occurrence_id": None,
                    "created_at": "2026-11-01T03:00:00Z",
                    "updated_at": "2026-11-14T03:00:00Z",
                    "allowed_actions": ["report", "submit"],
                }
            ]
        }
    )

    id: UUID
    version: int
    agreement_id: UUID
    agreement_title: str
    agreement_number: str | None
    clause_id: UUID | None
    title: str
    description: str | None
    deliverable: str | None
    field: str | None
    status: TaskStatus
    timeliness: Timeliness | None = Field(
        description="Computed from the dates, the working calendar and now; null for a cancelled task."
    )
    due_on: date | None = Field(description="The deadline in force: the end of this day in Vietnam.")
    original_due_on: date | None = Field(description="The first deadline that was set.")
    percent: int
    submitted_at: datetime | None
    completed_at: datetime | None
    demonstration: bool
    note: str | None
    lead: TaskPartyPublic
    coordinating: list[TaskPartyPublic]
    monitoring: list[TaskPartyPublic]
    last_report: LastReportPublic | None
    extension_count: int = Field(description="How often a later deadline was granted.")
    recurrence_id: UUID | None = Field(description="The series that it is an occurrence of.")
    previous_occurrence_id: UUID | None
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str] = Field(description="The steps that the caller can take now.")


class ProgressReportPublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000d1",
                    **REPORT_EXAMPLE,
                    "organization_id": _LEAD,
                    "reported_by": "Chuyên viên UBND thị xã Đông Triều",
                    "reported_at": "2026-11-14T03:00:00Z",
                    "corrects": None,
                    "corrected_by": None,
                    "evidence": [_EVIDENCE],
                }
            ]
        }
    )

    id: UUID
    period_start: date
    period_end: date
    percent: int
    narrative: str
    difficulties: str | None
    organization_id: UUID | None
    reported_by: str
    reported_at: datetime
    corrects: UUID | None = Field(description="The report that this one corrects.")
    corrected_by: UUID | None = Field(description="The report that corrects this one.")
    evidence: list[EvidencePublic] = Field(description="What it names as its evidence, in its order.")


class ConfirmationPublic(Model):
    """What a party said to a submission; `valid` while the task stands on it.

    `lapsed` says that it did not answer in time, which counts as its confirmation.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000e1",
                    "submission": 1,
                    "decision": "confirmed",
                    "valid": True,
                    "organization_id": _OTHER,
                    "organization_name": "UBND thị xã Kinh Môn",
                    "decided_by": "Lãnh đạo UBND thị xã Kinh Môn",
                    "remark": "Nhất trí.",
                    "decided_at": "2026-12-10T03:00:00Z",
                }
            ]
        }
    )

    id: UUID
    submission: int
    decision: Decision
    valid: bool
    organization_id: UUID
    organization_name: str
    decided_by: str
    remark: str | None
    decided_at: datetime
