"""What the API shows of who answers."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import ConfigDict

from agreements_api.localities.models import UnitLevel
from agreements_api.party_succession.answering import Successor
from shared.schemas import Model

UNIT_EXAMPLE: dict[str, Any] = {
    "id": "01990000-0000-7000-8000-000000000024",
    "name": "Phường Chí Linh",
    "level": "commune",
}
ANSWERING_EXAMPLE: dict[str, Any] = {"organization_id": None, "name": None, "unit": UNIT_EXAMPLE}
SUCCESSION_EXAMPLE: dict[str, Any] = {
    "effective_on": "2025-07-01",
    "kind": "rearrangement",
    "legal_basis": None,
    "partial": False,
    "parts": 3,
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


class SuccessionShown(Model):
    """By which change of units; `parts` counts the communes of a district that went this way."""

    model_config = ConfigDict(json_schema_extra={"examples": [SUCCESSION_EXAMPLE]})

    effective_on: date
    kind: str | None
    legal_basis: str | None
    partial: bool
    parts: int


class Candidate(Model):
    """One of several successors, the first being proposed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"answering": ANSWERING_EXAMPLE, "succession": SUCCESSION_EXAMPLE}]}
    )

    answering: Answering
    succession: SuccessionShown

    @classmethod
    def of(cls, successor: Successor, organization_id: UUID | None, name: str | None) -> Candidate:
        return cls(
            answering=Answering(
                organization_id=organization_id,
                name=name,
                unit=UnitShown(id=successor.unit_id, name=successor.name, level=UnitLevel(successor.level)),
            ),
            succession=SuccessionShown(
                effective_on=successor.effective_on,
                kind=successor.kind,
                legal_basis=successor.legal_basis,
                partial=successor.partial,
                parts=successor.parts,
            ),
        )


class Promiser(Model):
    """Who promised, under the name that was signed or assigned."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "organization_id": "01990000-0000-7000-8000-000000000002",
                    "name": "Ban Thường vụ Thành ủy Chí Linh",
                }
            ]
        }
    )

    organization_id: UUID
    name: str


class Promise(Model):
    """One promise: of a party to the agreement, or of somebody who takes part in one of its tasks.

    `provisional` where the unit was divided and nobody has decided yet: the first candidate answers meanwhile.
    """

    relation: str
    party_id: UUID | None
    task_id: UUID | None
    task_title: str | None
    promised_by: Promiser
    answers: Answering | None
    provisional: bool
    succession: SuccessionShown | None = None
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
                            "promised_by": {
                                "organization_id": "01990000-0000-7000-8000-000000000002",
                                "name": "Ban Thường vụ Thành ủy Chí Linh",
                            },
                            "answers": ANSWERING_EXAMPLE,
                            "provisional": True,
                            "succession": SUCCESSION_EXAMPLE,
                            "candidates": [{"answering": ANSWERING_EXAMPLE, "succession": SUCCESSION_EXAMPLE}],
                        }
                    ],
                }
            ]
        }
    )

    agreement_id: UUID
    on: date
    items: list[Promise]
