"""Who came to a meeting: what can be recorded, and what it makes of the invitations."""

from collections.abc import Container, Iterable, Mapping, Sequence
from uuid import UUID

from agreements_api.meetings import errors
from agreements_api.meetings.models import Attendance
from agreements_api.meetings.repository import ParticipantRow
from agreements_api.meetings.schemas import Attendee

# A meeting is of several: one organisation by itself met nobody.
LEAST = 2


def check(attendees: Sequence[Attendee], known: Container[UUID]) -> None:
    """Each organisation once, and at least two of them there."""
    seen: set[UUID] = set()
    for at, attendee in enumerate(attendees):
        pointer = f"/attendance/{at}/organization_id"
        if attendee.organization_id not in known:
            raise errors.unknown_reference(pointer)
        if attendee.organization_id in seen:
            raise errors.named_twice(pointer)
        seen.add(attendee.organization_id)
    if sum(attendee.attendance is not Attendance.ABSENT for attendee in attendees) < LEAST:
        raise errors.nobody_met("/attendance")


def recorded(
    present: Mapping[UUID, ParticipantRow], attendees: Sequence[Attendee]
) -> tuple[list[ParticipantRow], list[UUID]]:
    """The rows as they are from now on, and whose row goes: who was not invited is there by attendance alone."""
    rows = [
        ParticipantRow(
            attendee.organization_id,
            attendee.organization_id in present and present[attendee.organization_id].invited,
            attendee.attendance,
            attendee.person_name,
            attendee.person_title,
        )
        for attendee in attendees
    ]
    named = {row.organization_id for row in rows}
    unnamed = [row for organization_id, row in present.items() if organization_id not in named]
    rows += [ParticipantRow(row.organization_id, True) for row in unnamed if row.invited]
    return rows, [row.organization_id for row in unnamed if not row.invited]


def told(rows: Iterable[ParticipantRow]) -> dict[UUID, str]:
    """What is told of each organisation: that it was invited, or whether it came."""
    return {row.organization_id: row.attendance or "invited" for row in rows}


def people(rows: Iterable[ParticipantRow]) -> dict[UUID, str]:
    """Who came for each organisation, as the log keeps it."""
    named = {row.organization_id: ", ".join(filter(None, (row.person_name, row.person_title))) for row in rows}
    return {organization_id: who for organization_id, who in named.items() if who}
