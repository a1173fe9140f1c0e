"""What the API takes and shows of open points and of the chain."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from agreements_api.agreements.models import AgreementStatus, Instrument
from agreements_api.agreements.schemas import AGREEMENT_EXAMPLE, Day
from agreements_api.provenance.models import OpenPointKind, OpenPointState
from agreements_api.tasks.models import TaskStatus
from agreements_api.tasks.schemas import LastReportPublic
from shared.schemas import Line, Model, Text

_AGREEMENT = "01990000-0000-7000-8000-0000000000a1"
_CLAUSE = "01990000-0000-7000-8000-0000000000c1"
_TASK = "01990000-0000-7000-8000-0000000000b1"
_POINT: dict[str, Any] = {
    "id": "01990000-0000-7000-8000-0000000000d9",
    "version": 1,
    "agreement_id": _AGREEMENT,
    "kind": "shortcoming",
    "text": "Công tác phối hợp chưa thường xuyên, liên tục.",
    "raised_by": "Báo cáo sơ kết (minh họa)",
    "evaluation_id": None,
    "raised_on": "2026-11-20",
    "state": "open",
    "carried_to_agreement_id": None,
    "carried_to_clause_id": None,
    "carried_to_task_id": None,
    "remark": None,
    "created_at": "2026-11-23T03:00:00Z",
    "updated_at": "2026-11-23T03:00:00Z",
}


class OpenPointCreate(Model):
    """What an evaluation (sơ kết, tổng kết) found wanting, or proposes."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{name: _POINT[name] for name in ("kind", "text", "raised_by", "raised_on")}]}
    )

    kind: OpenPointKind
    text: Text
    raised_by: Line = Field(description="The evaluation, as people call it.")
    raised_on: Day | None = Field(default=None, description="Today where absent.")


class Carrying(Model):
    """Where it is taken up: exactly one of another agreement, a clause, a task."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"clause_id": _CLAUSE}]})

    agreement_id: UUID | None = None
    clause_id: UUID | None = None
    task_id: UUID | None = None
    remark: Text | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Carrying":
        if sum(value is not None for value in (self.agreement_id, self.clause_id, self.task_id)) != 1:
            raise PydanticCustomError(
                "exactly_one", "Exactly one of agreement_id, clause_id and task_id says where it is taken up"
            )
        return self


class Resolution(Model):
    """How it was settled."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"remark": "Đã ban hành quy chế họp định kỳ."}]})

    remark: Text


class OpenPointPublic(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{**_POINT, "allowed_actions": ["carry", "resolve"]}]})

    id: UUID
    version: int
    agreement_id: UUID
    kind: OpenPointKind
    text: str
    raised_by: str
    evaluation_id: UUID | None
    raised_on: date
    state: OpenPointState
    carried_to_agreement_id: UUID | None = Field(description="The agreement that takes it up, also by clause or task.")
    carried_to_clause_id: UUID | None
    carried_to_task_id: UUID | None
    remark: str | None
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str]


class ChainRelation(StrEnum):
    """How the lower of two agreements stands to the upper one."""

    CARRIES_OUT = "carries_out"
    AMENDS = "amends"
    RENEWS = "renews"


RELATION_WORDING: dict[ChainRelation, str] = {
    ChainRelation.CARRIES_OUT: "thực hiện",
    ChainRelation.AMENDS: "sửa đổi, bổ sung",
    ChainRelation.RENEWS: "gia hạn",
}


class ChainAgreement(Model):
    id: UUID
    version: int
    instrument: Instrument
    number: str | None
    title: str
    status: AgreementStatus
    signed_on: date | None
    in_force_on: date | None
    term_to: date | None


class ChainParent(Model):
    """A document above: recorded here and visible, recorded but not visible to the caller, or only named."""

    depth: int = Field(description="1 is what stands right above the agreement.")
    child_id: UUID = Field(description="The agreement that it stands above.")
    relation: ChainRelation
    id: UUID | None
    recorded: bool
    visible: bool
    instrument: Instrument | None
    number: str | None
    title: str | None
    issued_by: str | None
    status: AgreementStatus | None


class ChainChild(Model):
    """An agreement below, that the caller sees."""

    depth: int
    id: UUID
    parent_id: UUID
    relation: ChainRelation
    instrument: Instrument
    number: str | None
    title: str
    status: AgreementStatus


class ChainConfirmation(Model):
    organization_id: UUID
    name: str
    confirmed_at: datetime | None


class ChainTask(Model):
    """A task and what became of it."""

    id: UUID
    version: int
    title: str
    status: TaskStatus
    due_on: date | None
    percent: int
    lead: str
    last_report: LastReportPublic | None
    submitted_at: datetime | None
    completed_at: datetime | None
    confirmations: list[ChainConfirmation] = Field(description="Of each coordinating party; null: not yet.")
    open_points: list[UUID] = Field(description="Open points that were carried into the task.")


class ChainClause(Model):
    id: UUID
    ordinal: int
    heading: str | None
    text: str
    field: str | None
    ended_on: date | None = Field(description="When an amendment ended it.")
    tasks: list[ChainTask]
    open_points: list[UUID] = Field(description="Open points that were carried into the clause.")


class ChainPoint(Model):
    """An open point: raised about this agreement, or carried into it from another."""

    id: UUID
    agreement_id: UUID
    kind: OpenPointKind
    text: str
    raised_by: str
    evaluation_id: UUID | None
    raised_on: date
    state: OpenPointState
    carried_to_agreement_id: UUID | None
    carried_to_clause_id: UUID | None
    carried_to_task_id: UUID | None


class Gaps(Model):
    """Where the chain is broken."""

    clauses_without_tasks: list[UUID]
    tasks_without_clause: list[UUID]
    tasks_without_reports: list[UUID] = Field(description="In progress or due, and never reported of.")
    open_points_not_carried: list[UUID] = Field(
        description="Open, or carried into a task of this agreement that was cancelled."
    )
    parent_not_recorded: bool = Field(description="A parent is named that is no agreement of this system.")


class Provenance(Model):
    """Conclusion → Plan → clause → task → result → evaluation, of one agreement."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agreement": {
                        "id": _AGREEMENT,
                        "version": 8,
                        "instrument": "plan",
                        "number": None,
                        "title": AGREEMENT_EXAMPLE["title"],
                        "status": "in_force",
                        "signed_on": "2026-11-23",
                        "in_force_on": "2026-11-23",
                        "term_to": None,
                    },
                    "parents": [
                        {
                            "depth": 1,
                            "child_id": _AGREEMENT,
                            "relation": "carries_out",
                            "id": None,
                            "recorded": False,
                            "visible": False,
                            **AGREEMENT_EXAMPLE["parent"],
                            "status": None,
                        }
                    ],
                    "children": [],
                    "clauses": [
                        {
                            "id": _CLAUSE,
                            "ordinal": 1,
                            **AGREEMENT_EXAMPLE["clauses"][0],
                            "ended_on": None,
                            "tasks": [],
                            "open_points": [],
                        }
                    ],
                    "tasks_without_clause": [],
                    "open_points": [],
                    "gaps": {
                        "clauses_without_tasks": [_CLAUSE],
                        "tasks_without_clause": [],
                        "tasks_without_reports": [],
                        "open_points_not_carried": [],
                        "parent_not_recorded": True,
                    },
                }
            ]
        }
    )

    agreement: ChainAgreement
    parents: list[ChainParent] = Field(description="The nearest first.")
    children: list[ChainChild] = Field(description="The nearest first.")
    clauses: list[ChainClause]
    tasks_without_clause: list[ChainTask]
    open_points: list[ChainPoint]
    gaps: Gaps
