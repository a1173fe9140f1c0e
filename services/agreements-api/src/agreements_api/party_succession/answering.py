"""The rule of who answers: pure functions of units and their successions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from agreements_api.party_succession.models import CaseState, Reason


@dataclass(frozen=True)
class Successor:
    """A unit that is in force on the day after another one ended, and follows it by one way or several."""

    unit_id: UUID
    name: str
    type: str
    level: str
    sort_key: str
    # Most of the old unit went this way.
    is_default: bool
    # Only a part of the old unit went this way.
    partial: bool
    # Of a unit that ended with its parts (a district of 2025): how many of these went this way.
    parts: int
    effective_on: date
    kind: str | None
    legal_basis: str | None
    # It is the same unit in a record of its own: whoever acts for the old one acts for it.
    continues: bool = False
    reason: Reason = Reason.WHOLE


@dataclass(frozen=True)
class Verdict:
    """Which successor answers; nobody where there is none. Provisional: the parties have yet to decide."""

    successor: Successor | None
    provisional: bool
    # In the order in which they are proposed.
    candidates: Sequence[Successor]


@dataclass(frozen=True)
class Ended:
    """A unit at the end of its time, with who follows it."""

    unit_id: UUID
    name: str
    verdict: Verdict


@dataclass(frozen=True)
class Taken:
    """What is recorded of a promise: which unit took the place of one that ended, and who said so."""

    case_id: UUID
    unit_id: UUID
    organization_id: UUID | None
    organization_name: str | None
    state: CaseState
    decided_by_name: str | None = None
    decided_on: date | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Step:
    """One succession on the way from who promised to who answers."""

    ended: Ended
    successor: Successor
    provisional: bool
    taken: Taken | None = None


def recorded(
    taken: Mapping[tuple[UUID | None, UUID], Mapping[UUID, Taken]], task_id: UUID | None, promised_by: UUID
) -> dict[UUID, Taken]:
    """What is recorded of a promise: of its task apart, and else of all that was promised in the agreement."""
    return {**taken.get((None, promised_by), {}), **(taken.get((task_id, promised_by), {}) if task_id else {})}


def judge(successors: Iterable[Successor], others: Iterable[Successor] = ()) -> Verdict:
    """One whole successor answers by itself; of several the one is proposed that took in most.

    Most of a unit that was divided is what the resolution names as default; most of a district is the successor of
    most of its communes. Equal ones are proposed in the order of the Vietnamese alphabet, and after all of them the
    units above, the province too: what a district promised can be its matter now. What lay under a dissolved unit and
    lives on comes last.
    """
    ordered = sorted(successors, key=lambda one: (not one.is_default, -one.parts, one.sort_key, one.unit_id))
    further = sorted(others, key=lambda one: (one.reason == Reason.SUBUNIT, one.sort_key, one.unit_id))
    if not ordered and not further:
        return Verdict(None, provisional=False, candidates=())
    whole = len(ordered) == 1 and not ordered[0].partial
    candidates = ordered if whole else [*ordered, *further]
    return Verdict(candidates[0], provisional=not whole, candidates=candidates)


def follow(
    unit_id: UUID, on: date, ended: Callable[[UUID, date], Ended | None], taken: Mapping[UUID, Taken]
) -> tuple[list[Step], bool]:
    """The successions from a unit to the one in force on a day, and whether anybody follows to the end.

    `ended` gives a unit that is no longer in force on the day; `taken` what is recorded of the promise, by unit: it
    goes before the rule, as long as the unit that was chosen is a candidate.
    """
    steps: list[Step] = []
    seen = {unit_id}
    while (end := ended(unit_id, on)) is not None:
        verdict = end.verdict
        record = taken.get(unit_id)
        chosen, provisional = verdict.successor, verdict.provisional
        if record is not None:
            recorded = next((one for one in verdict.candidates if one.unit_id == record.unit_id), None)
            if recorded is not None:
                chosen, provisional = recorded, record.state == CaseState.OPEN
            else:
                record = None
        if chosen is None or chosen.unit_id in seen:
            return steps, False
        steps.append(Step(end, chosen, provisional, record))
        unit_id = chosen.unit_id
        seen.add(unit_id)
    return steps, True
