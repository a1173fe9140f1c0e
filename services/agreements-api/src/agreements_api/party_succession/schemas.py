"""What the API takes and shows of who answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from agreements_api.localities.models import UnitLevel
from agreements_api.localities.schemas import SuccessionPublic
from agreements_api.party_succession.answering import Step, Successor
from agreements_api.party_succession.models import REASON_WORDING, CaseState, Reason, RunState
from shared.schemas import Model, Text

UNIT_EXAMPLE: dict[str, Any] = {
    "id": "01990000-0000-7000-8000-000000000024",
    "name": "Phường Chí Linh",
    "level": "commune",
}
ANSWERING_EXAMPLE: dict[str, Any] = {"organization_id": None, "name": None, "unit": UNIT_EXAMPLE}
REASON_EXAMPLE: dict[str, Any] = {
    "code": "communes",
    "vi": "nhận xã, phường của đơn vị cấp huyện cũ",
    "en": "communes of the old district went there",
}
SUCCESSION_EXAMPLE: dict[str, Any] = {
    "old_unit": {"id": "01990000-0000-7000-8000-000000000290", "name": "Thành phố Chí Linh"},
    "effective_on": "2025-07-01",
    "kind": "rearrangement",
    "legal_basis": None,
    "partial": False,
    "parts": 3,
    "reason": REASON_EXAMPLE,
    "provisional": True,
    "decision": None,
}
PROMISER_EXAMPLE: dict[str, Any] = {
    "organization_id": "01990000-0000-7000-8000-000000000002",
    "name": "Ban Thường vụ Thành ủy Chí Linh",
}
CANDIDATE_EXAMPLE: dict[str, Any] = {
    "answering": ANSWERING_EXAMPLE,
    "reason": REASON_EXAMPLE,
    "effective_on": "2025-07-01",
    "partial": False,
    "parts": 3,
    "proposed": True,
}


class UnitShown(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [UNIT_EXAMPLE]})

    id: UUID
    name: str
    level: UnitLevel


class Answering(Model):
    """Who answers: the organisation that acts for the unit; none where nobody has registered one of that kind yet."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERING_EXAMPLE]})

    organization_id: UUID | None
    name: str | None
    unit: UnitShown


class ReasonShown(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [REASON_EXAMPLE]})

    code: Reason
    vi: str
    en: str

    @classmethod
    def of(cls, reason: Reason) -> ReasonShown:
        return cls(code=reason, **REASON_WORDING[reason])


class EndedUnit(Model):
    id: UUID
    name: str


class Decision(Model):
    """Who chose between several successors."""

    case_id: UUID
    decided_by: str
    decided_on: date
    reason: str | None


class SuccessionShown(Model):
    """One change of units on the way; `parts` counts the sub-units of the old unit that went this way.

    `provisional` where several units follow and nobody has decided yet.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [SUCCESSION_EXAMPLE]})

    old_unit: EndedUnit
    effective_on: date
    kind: str | None
    legal_basis: str | None
    partial: bool
    parts: int
    reason: ReasonShown
    provisional: bool
    decision: Decision | None

    @classmethod
    def of(cls, step: Step) -> SuccessionShown:
        successor, taken = step.successor, step.taken
        decision = None
        if taken is not None and taken.state == CaseState.DECIDED:
            assert taken.decided_by_name is not None
            assert taken.decided_on is not None
            decision = Decision(
                case_id=taken.case_id,
                decided_by=taken.decided_by_name,
                decided_on=taken.decided_on,
                reason=taken.reason,
            )
        return cls(
            old_unit=EndedUnit(id=step.ended.unit_id, name=step.ended.name),
            effective_on=successor.effective_on,
            kind=successor.kind,
            legal_basis=successor.legal_basis,
            partial=successor.partial,
            parts=successor.parts,
            reason=ReasonShown.of(successor.reason),
            provisional=step.provisional,
            decision=decision,
        )


class Candidate(Model):
    """One of several units that could take the place, in the order in which they are proposed."""

    model_config = ConfigDict(json_schema_extra={"examples": [CANDIDATE_EXAMPLE]})

    answering: Answering
    reason: ReasonShown
    effective_on: date
    partial: bool
    parts: int
    proposed: bool

    @classmethod
    def of(cls, successor: Successor, organization_id: UUID | None, name: str | None, *, proposed: bool) -> Candidate:
        return cls(
            answering=Answering(
                organization_id=organization_id,
                name=name,
                unit=UnitShown(id=successor.unit_id, name=successor.name, level=UnitLevel(successor.level)),
            ),
            reason=ReasonShown.of(successor.reason),
            effective_on=successor.effective_on,
            partial=successor.partial,
            parts=successor.parts,
            proposed=proposed,
        )


class Promiser(Model):
    """Who promised, under the name that was signed or assigned."""

    model_config = ConfigDict(json_schema_extra={"examples": [PROMISER_EXAMPLE]})

    organization_id: UUID
    name: str


class Promise(Model):
    """One promise: of a party to the agreement, of its custodian, or of somebody who takes part in one of its tasks.

    `provisional` where a unit was divided and nobody has decided yet: the proposed one answers meanwhile.
    """

    relation: str
    party_id: UUID | None
    task_id: UUID | None
    task_title: str | None
    promised_by: Promiser
    answers: Answering | None
    provisional: bool
    successions: list[SuccessionShown]
    candidates: list[Candidate]


class Responsible(Model):
    """Who answers for each promise of an agreement on a day."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agreement_id": "01990000-0000-7000-8000-0000000000a1",
                    "on": "2025-07-02",
                    "items": [
                        {
                            "relation": "party",
                            "party_id": "01990000-0000-7000-8000-0000000000b1",
                            "task_id": None,
                            "task_title": None,
                            "promised_by": PROMISER_EXAMPLE,
                            "answers": ANSWERING_EXAMPLE,
                            "provisional": True,
                            "successions": [SUCCESSION_EXAMPLE],
                            "candidates": [CANDIDATE_EXAMPLE],
                        }
                    ],
                }
            ]
        }
    )

    agreement_id: UUID
    on: date
    items: list[Promise]


CASE_EXAMPLE: dict[str, Any] = {
    "id": "01990000-0000-7000-8000-0000000000e1",
    "version": 1,
    "agreement_id": "01990000-0000-7000-8000-0000000000a1",
    "agreement_title": "Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD",
    "agreement_number": None,
    "task_id": None,
    "concerns": ["party"],
    "tasks": [{"id": "01990000-0000-7000-8000-0000000000d1", "title": "Rà soát tuyến đường", "relation": "lead"}],
    "promised_by": PROMISER_EXAMPLE,
    "old_unit": {"id": "01990000-0000-7000-8000-000000000290", "name": "Thành phố Chí Linh", "level": "district"},
    "answers": ANSWERING_EXAMPLE
    | {"organization_id": "01990000-0000-7000-8000-000000000025", "name": "Ban Thường vụ Đảng ủy phường Chí Linh"},
    "effective_on": "2025-07-01",
    "proposed_unit_id": UNIT_EXAMPLE["id"],
    "candidates": [CANDIDATE_EXAMPLE],
    "state": "open",
    "decision": None,
    "created_at": "2026-11-23T03:00:00Z",
    "updated_at": "2026-11-23T03:00:00Z",
    "allowed_actions": ["decide"],
}


class ConcernedTask(Model):
    id: UUID
    title: str
    relation: str


class DecisionMade(Model):
    decided_by: str
    decided_by_organization_id: UUID | None
    decided_at: datetime
    reason: str | None


class SuccessionCase(Model):
    """One promiser of one agreement whose unit ended: who took the place, in the agreement and in its tasks.

    While it is `open` the proposed unit answers provisionally.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [CASE_EXAMPLE]})

    id: UUID
    version: int
    agreement_id: UUID
    agreement_title: str
    agreement_number: str | None
    task_id: UUID | None = Field(description="The one task that was decided apart; null: the agreement and its tasks.")
    concerns: list[str] = Field(description="As what it stood in the agreement: party, custodian.")
    tasks: list[ConcernedTask] = Field(description="Its open tasks, but for those that were decided apart.")
    promised_by: Promiser
    old_unit: UnitShown
    answers: Answering
    effective_on: date
    proposed_unit_id: UUID
    candidates: list[Candidate]
    state: CaseState
    decision: DecisionMade | None
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str]


class SuccessionDecision(Model):
    """Which of the candidates takes the place."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "unit_id": UNIT_EXAMPLE["id"],
                    "reason": "Khu vực giáp ranh thuộc địa bàn phường.",
                    "task_ids": None,
                    "whole_unit": True,
                }
            ]
        }
    )

    unit_id: UUID
    reason: Text | None = None
    task_ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)] | None = Field(
        default=None, description="Only of these tasks; the rest stays open. Everything that it promised without it."
    )
    whole_unit: bool = Field(
        default=False, description="The same for every body of the old unit in this agreement, each by its like."
    )


class SuccessionRecorded(SuccessionPublic):
    """A resolution with the run that lets others take the places of the units that ended."""

    run_id: UUID


class SuccessionRun(Model):
    """How far carrying out has come."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000f1",
                    "state": "running",
                    "effective_on": "2025-07-01",
                    "units": None,
                    "requested_by": "Quản trị hệ thống",
                    "agreements": 120,
                    "done": 60,
                    "repointed": 58,
                    "tasks": 240,
                    "decisions": 31,
                    "created_at": "2026-11-23T03:00:00Z",
                    "started_at": "2026-11-23T03:00:01Z",
                    "finished_at": None,
                }
            ]
        }
    )

    id: UUID
    state: RunState
    effective_on: date
    units: int | None = Field(description="How many units ended by the resolution; null: all that have ended.")
    requested_by: str
    agreements: int = Field(description="To be looked at; known once it has been begun.")
    done: int
    repointed: int = Field(description="In which another answers now.")
    tasks: int = Field(description="Open tasks in which another takes part now.")
    decisions: int = Field(description="What somebody has to decide.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
