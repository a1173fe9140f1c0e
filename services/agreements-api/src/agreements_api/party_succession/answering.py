"""The rule of who answers: pure functions of units, their successions and the organisations that act for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True)
class Successor:
    """A unit that is in force on the day asked for, and follows another by one way or several."""

    unit_id: UUID
    name: str
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


@dataclass(frozen=True)
class Verdict:
    """Which successor answers; nobody where there is none. Provisional: the parties have yet to decide."""

    successor: Successor | None
    provisional: bool
    # In the order in which they are proposed.
    candidates: Sequence[Successor]


def judge(successors: Iterable[Successor]) -> Verdict:
    """One whole successor answers by itself; of several the one is proposed that took in most.

    Most of a unit that was divided is what the resolution names as default; most of a district is the successor of
    most of its communes. Equal ones are proposed in the order of the Vietnamese alphabet.
    """
    ordered = sorted(successors, key=lambda one: (not one.is_default, -one.parts, one.sort_key, one.unit_id))
    if not ordered:
        return Verdict(None, provisional=False, candidates=())
    whole = len(ordered) == 1 and not ordered[0].partial
    return Verdict(ordered[0], provisional=not whole, candidates=ordered)
