"""Whom a step tells, of the people of the organisation it turns to."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from notifier.alerts.models import Audience


@dataclass(frozen=True)
class Candidate:
    """An active person of the organisation."""

    account_id: UUID
    is_specialist: bool
    is_leader: bool
    wants_mail: bool


def recipients(audience: Audience, people: Sequence[Candidate]) -> list[Candidate]:
    """Ordinary steps of a task tell the specialists, or the leaders where there are none; all others the leaders."""
    if audience is Audience.MENTIONED:
        return list(people)
    leaders = [person for person in people if person.is_leader]
    if audience is not Audience.PARTY:
        return leaders
    return [person for person in people if person.is_specialist] or leaders
