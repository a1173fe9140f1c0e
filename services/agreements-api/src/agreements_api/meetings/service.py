"""Rules of meetings, from the invitation to the minutes. Every function runs inside the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.agreements.errors import AgreementNotFound
from agreements_api.agreements.models import AgreementStatus
from agreements_api.meetings import attendance, errors, repository
from agreements_api.meetings.changing import PERSON, Step, begin, changes_of, tell
from agreements_api.meetings.models import MeetingStatus
from agreements_api.meetings.permissions import may
from agreements_api.meetings.repository import Connection, ParticipantRow
from agreements_api.meetings.schemas import (
    AgendaItem,
    AttendanceReplace,
    Attendee,
    Holding,
    MeetingCreate,
    MeetingUpdate,
)
from agreements_api.party_succession.standing import standing_name
from shared import clock
from shared.auth import Actor
from shared.events import Change, MeetingCancelled, MeetingChanged, MeetingHeld, MeetingPlanned
from shared.ids import new_id

# Meetings are planned while the parties are bound.
BINDING = (AgreementStatus.IN_FORCE, AgreementStatus.SUSPENDED)
_PATCHED = ("kind", "title", "place", "online_url", "starts_at", "ends_at")


async def plan(connection: Connection, actor: Actor, agreement_id: UUID, body: MeetingCreate) -> asyncpg.Record:
    """A meeting to come, with whom it invites."""
    agreement = await repository.hold_agreement(connection, actor.organization_id, agreement_id)
    if agreement is None:
        raise AgreementNotFound
    if not may(actor, "plan", agreement["relations"]):
        raise errors.NotAllowed
    if agreement["status"] not in BINDING:
        raise errors.AgreementNotBinding
    _check_times(body.starts_at, body.ends_at)
    host_id, host_name = await _host(connection, agreement_id, body.host_organization_id or actor.organization_id)
    invited = body.invited_organization_ids
    guests = agreement["parties"] if invited is None else await _known(connection, invited)
    columns = body.model_dump(include=set(_PATCHED)) | {
        "status": MeetingStatus.PLANNED,
        "host_organization_id": host_id,
        "host_name": host_name,
        "held_on": None,
        "cancel_reason": None,
        "agenda": _agenda(body.agenda),
    }
    meeting_id, now = new_id(), clock.now()
    await repository.insert(connection, meeting_id, agreement_id, columns, at=now)
    await repository.write_participants(connection, meeting_id, [ParticipantRow(guest, True) for guest in guests])
    changes = [*changes_of({}, columns), *_participants_changed({}, dict.fromkeys(guests, "invited"))]
    return await tell(connection, actor, meeting_id, agreement_id, 1, "plan", MeetingPlanned, changes, at=now)


async def update(
    connection: Connection, actor: Actor, meeting_id: UUID, if_match: str | None, body: MeetingUpdate
) -> asyncpg.Record:
    """Change what the patch names, before the meeting is held."""
    step = await begin(connection, actor, meeting_id, "update", if_match)
    given = body.model_fields_set
    after = step.columns | body.model_dump(include=given & set(_PATCHED))
    if "agenda" in given:
        after["agenda"] = _agenda(body.agenda)
    if given & {"starts_at", "ends_at"}:
        _check_times(after["starts_at"], after["ends_at"])
    # A host that has left the agreement since is not named anew by a patch that repeats it.
    if "host_organization_id" in given and body.host_organization_id != after["host_organization_id"]:
        host = await _host(connection, step.agreement_id, body.host_organization_id)
        after["host_organization_id"], after["host_name"] = host
    more: list[Change] = []
    if "invited_organization_ids" in given:
        more = await _invite(connection, meeting_id, body.invited_organization_ids)
    return await step.end(after, "update", MeetingChanged, more)


async def hold(
    connection: Connection, actor: Actor, meeting_id: UUID, if_match: str | None, body: Holding
) -> asyncpg.Record:
    """It was held: who came, when, and what the minutes say where they are written already."""
    step = await begin(connection, actor, meeting_id, "hold", if_match)
    after = dict(step.columns)
    if body.starts_at is not None:
        # The planned end says nothing of a meeting that was held at another time.
        after |= {"starts_at": body.starts_at, "ends_at": body.ends_at}
    elif body.ends_at is not None:
        after["ends_at"] = body.ends_at
    if after["starts_at"] > step.now:
        raise errors.not_begun("/starts_at")
    _check_times(after["starts_at"], after["ends_at"])
    more = await _attend(connection, meeting_id, body.attendance)
    if body.minutes is not None:
        more.append(await _write_minutes(step, body.minutes))
    after |= {"status": MeetingStatus.HELD, "held_on": clock.day_of(after["starts_at"])}
    return await step.end(after, "hold", MeetingHeld, more)


async def cancel(
    connection: Connection, actor: Actor, meeting_id: UUID, if_match: str | None, reason: str
) -> asyncpg.Record:
    """It will not be held; the record stays with the reason."""
    step = await begin(connection, actor, meeting_id, "cancel", if_match)
    after = step.columns | {"status": MeetingStatus.CANCELLED, "cancel_reason": reason}
    return await step.end(after, "cancel", MeetingCancelled, remark=reason)


async def record_attendance(
    connection: Connection, actor: Actor, meeting_id: UUID, if_match: str | None, body: AttendanceReplace
) -> asyncpg.Record:
    """Correct who came to a meeting that was held; the log keeps what was recorded before."""
    step = await begin(connection, actor, meeting_id, "record", if_match)
    more = await _attend(connection, meeting_id, body.attendance)
    return await step.end(step.columns, "record_attendance", MeetingChanged, more)


async def write_minutes(
    connection: Connection, actor: Actor, meeting_id: UUID, if_match: str | None, text: str
) -> asyncpg.Record:
    """The minutes, or a new text of them beside the earlier ones."""
    step = await begin(connection, actor, meeting_id, "record", if_match)
    change = await _write_minutes(step, text)
    return await step.end(step.columns, "write_minutes", MeetingChanged, [change])


async def _host(connection: Connection, agreement_id: UUID, host_id: UUID | None) -> tuple[UUID, str]:
    # Whoever has left the agreement reads on and hosts nothing.
    name = await standing_name(connection, agreement_id, host_id) if host_id is not None else None
    if host_id is None or name is None:
        raise errors.no_member("/host_organization_id")
    return host_id, name


async def _known(connection: Connection, invited: Sequence[UUID]) -> list[UUID]:
    """The organisations of a list in which each stands once."""
    known = await repository.names(connection, invited)
    for at, organization_id in enumerate(invited):
        pointer = f"/invited_organization_ids/{at}"
        if organization_id not in known:
            raise errors.unknown_reference(pointer)
        if organization_id in invited[:at]:
            raise errors.named_twice(pointer)
    return list(invited)


async def _invite(connection: Connection, meeting_id: UUID, invited: Sequence[UUID]) -> list[Change]:
    guests = await _known(connection, invited)
    present = await repository.participants(connection, meeting_id)
    withdrawn = [organization_id for organization_id in present if organization_id not in guests]
    added = [ParticipantRow(organization_id, True) for organization_id in guests if organization_id not in present]
    await repository.write_participants(connection, meeting_id, added, withdrawn=withdrawn)
    return _participants_changed(dict.fromkeys(present, "invited"), dict.fromkeys(guests, "invited"))


async def _attend(connection: Connection, meeting_id: UUID, attendees: Sequence[Attendee]) -> list[Change]:
    """The attendance as it is recorded now."""
    known = await repository.names(connection, [one.organization_id for one in attendees])
    attendance.check(attendees, known)
    present = await repository.participants(connection, meeting_id)
    rows, withdrawn = attendance.recorded(present, attendees)
    await repository.write_participants(connection, meeting_id, rows, withdrawn=withdrawn)
    return [
        *_participants_changed(attendance.told(present.values()), attendance.told(rows)),
        *_participants_changed(attendance.people(present.values()), attendance.people(rows), PERSON),
    ]


async def _write_minutes(step: Step, text: str) -> Change:
    revision = await repository.add_minutes(step.connection, step.actor, step.id, text, at=step.now)
    return Change(field="minutes_revision", from_=revision - 1 or None, to=revision)


def _check_times(starts_at: datetime, ends_at: datetime | None) -> None:
    if ends_at is not None and ends_at < starts_at:
        raise errors.ends_first("/ends_at")


def _agenda(items: Sequence[AgendaItem]) -> list[dict[str, Any]]:
    return [{"ordinal": at, **item.model_dump()} for at, item in enumerate(items, start=1)]


def _participants_changed(before: Mapping[UUID, str], after: Mapping[UUID, str], part: str = "") -> list[Change]:
    """Each organisation whose invitation or attendance differs, or who came for it."""
    return [
        Change(field=f"participants/{guest}{part}", from_=before.get(guest), to=after.get(guest))
        for guest in sorted({*before, *after})
        if before.get(guest) != after.get(guest)
    ]
