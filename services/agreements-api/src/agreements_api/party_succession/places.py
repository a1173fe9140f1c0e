"""Places of promisers, and who takes them in an agreement and in a task; no database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from agreements_api.agreements.models import Agreement, Party
from agreements_api.party_succession.answering import Step
from agreements_api.party_succession.following import Heir
from agreements_api.party_succession.models import CaseState
from shared.events import Change, ResponsibilitySnapshot, TaskParty, TaskSnapshot
from shared.ids import new_id


@dataclass(frozen=True)
class Place:
    """A place of a promiser, and who takes it: `holder` is who answered until now."""

    promised_by: UUID
    promised_by_name: str
    holder: UUID
    holder_name: str
    heir_id: UUID
    heir_name: str


@dataclass
class Succession:
    """One version of an agreement, or of a task, in the making."""

    changes: list[Change] = field(default_factory=list)
    places: dict[UUID, Place] = field(default_factory=dict)

    def take(self, place: Place, what: str) -> None:
        self.changes.append(Change(field=what, from_=place.holder_name, to=place.heir_name))
        self.places[place.promised_by] = place


# Who takes the place of the organisation that answers for a promise of another: (promised by, holder).
TakesPlace = Callable[[UUID, UUID], Heir | None]


def succeed(agreement: Agreement, parties: Sequence[Party], takes: TakesPlace) -> Succession:
    """Parties and custodian of an agreement after a succession; the names that were signed under stay."""
    succession = Succession()
    for party in parties:
        heir = takes(party.organization_id, party.answering_id)
        if heir is not None:
            name, holder_name = party.organization_name, party.answering_name
            place = _place(party.organization_id, name, party.answering_id, holder_name, heir)
            succession.take(place, f"responsible/{party.organization_id}")
            own = heir.organization_id == party.organization_id
            party.responsible_organization_id = None if own else heir.organization_id
            party.responsible_organization_name = None if own else heir.name
    holder, name = agreement.custodian_organization_id, agreement.custodian_name
    first = agreement.original_custodian_organization_id or holder
    heir = takes(first, holder)
    if heir is not None:
        place = _place(first, agreement.original_custodian_name or name, holder, name, heir)
        succession.take(place, "custodian")
        own = heir.organization_id == first
        agreement.original_custodian_organization_id = None if own else first
        agreement.original_custodian_name = None if own else place.promised_by_name
        agreement.custodian_organization_id, agreement.custodian_name = heir.organization_id, heir.name
    return succession


def reassign(
    task: TaskSnapshot, takes: TakesPlace, confirmed: Mapping[UUID, datetime]
) -> tuple[TaskSnapshot, Succession]:
    """A task after a succession. Pure.

    Whoever has confirmed this submission already (`confirmed`) has done so for everybody whose place it takes.
    """
    succession = Succession()

    def taken(party: TaskParty, what: str) -> TaskParty:
        first = party.promised_by_organization_id or party.organization_id
        heir = takes(first, party.organization_id)
        if heir is None:
            return party
        place = _place(first, party.promised_by_name or party.name, party.organization_id, party.name, heir)
        succession.take(place, what)
        own = heir.organization_id == first
        # Nobody but a coordinating party is asked to confirm.
        since = confirmed.get(heir.organization_id) if what == "coordinating" else None
        return party.model_copy(
            update={
                "organization_id": heir.organization_id,
                "name": heir.name,
                "unit_id": heir.unit_id,
                "unit_name": heir.unit_name,
                "confirmed_at": party.confirmed_at or since,
                "promised_by_organization_id": None if own else first,
                "promised_by_name": None if own else place.promised_by_name,
            }
        )

    lead = taken(task.lead, "lead")
    coordinating = [taken(party, "coordinating") for party in task.coordinating]
    monitoring = [taken(party, "monitoring") for party in task.monitoring]
    return (
        task.model_copy(update={"lead": lead, "coordinating": coordinating, "monitoring": monitoring}),
        succession,
    )


def promisers(task: TaskSnapshot) -> set[UUID]:
    """Who was given a part in the task, whoever answers for it by now."""
    return {
        party.promised_by_organization_id or party.organization_id
        for party in (task.lead, *task.coordinating, *task.monitoring)
    }


def case_rows(
    agreement_id: UUID, task_id: UUID | None, promised_by: UUID, name: str, heir: Heir
) -> list[dict[str, Any]]:
    """What is recorded of the successions by which somebody takes a place."""
    return [_case_row(agreement_id, task_id, promised_by, name, heir, step) for step in heir.steps]


def remark(heirs: Iterable[Heir]) -> str:
    """What history says of places that these took."""
    days = sorted({step.successor.effective_on for heir in heirs for step in heir.steps})
    return f"Kế thừa theo sắp xếp đơn vị hành chính có hiệu lực ngày {', '.join(f'{day:%d/%m/%Y}' for day in days)}."


def responsibility(
    place: Place, *, effective_on: date, provisional: bool = False, case_id: UUID | None = None
) -> ResponsibilitySnapshot:
    return ResponsibilitySnapshot(
        promised_by_organization_id=place.promised_by,
        promised_by_name=place.promised_by_name,
        organization_id=place.heir_id,
        organization_name=place.heir_name,
        effective_on=effective_on,
        provisional=provisional,
        case_id=case_id,
    )


def _case_row(
    agreement_id: UUID, task_id: UUID | None, promised_by: UUID, name: str, heir: Heir, step: Step
) -> dict[str, Any]:
    # Only the last of several took over anything.
    last = step is heir.steps[-1]
    return {
        "id": str(new_id()),
        "agreement_id": str(agreement_id),
        "task_id": str(task_id) if task_id else None,
        "promised_by_organization_id": str(promised_by),
        "promised_by_name": name,
        "old_unit_id": str(step.ended.unit_id),
        "unit_id": str(step.successor.unit_id),
        "organization_id": str(heir.organization_id) if last else None,
        "organization_name": heir.name if last else None,
        "effective_on": step.successor.effective_on.isoformat(),
        "state": CaseState.OPEN if step.provisional else CaseState.AUTOMATIC,
    }


def _place(promised_by: UUID, promised_by_name: str, holder: UUID, holder_name: str, heir: Heir) -> Place:
    return Place(promised_by, promised_by_name, holder, holder_name, heir.organization_id, heir.name)
