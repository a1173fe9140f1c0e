"""Meetings, and how often the parties of an agreement promised to meet."""

from datetime import date, datetime
from uuid import UUID

from shared.events.models.base import AGREEMENTS, Event, EventModel


class MeetingParticipantSnapshot(EventModel):
    """An organisation of a meeting. Who came for it is no business of those who hear of the event."""

    organization_id: UUID
    organization_name: str
    unit_id: UUID | None = None
    invited: bool = True
    # None until it is recorded.
    attendance: str | None = None


class MeetingOutcomeSnapshot(EventModel):
    id: UUID
    ordinal: int
    text: str
    responsible_organization_id: UUID | None = None
    responsible_name: str | None = None
    due_on: date | None = None
    task_id: UUID | None = None


class MeetingSnapshot(EventModel):
    id: UUID
    version: int
    agreement_id: UUID
    agreement_title: str
    kind: str
    title: str
    status: str
    host_organization_id: UUID
    host_name: str
    place: str | None = None
    online_url: str | None = None
    starts_at: datetime
    ends_at: datetime | None = None
    # The day in Vietnam.
    held_on: date | None = None
    cancel_reason: str | None = None
    minutes_revision: int | None = None
    demonstration: bool = False
    participants: list[MeetingParticipantSnapshot] = []
    outcomes: list[MeetingOutcomeSnapshot] = []


class MeetingPromiseSnapshot(EventModel):
    """How often the parties of an agreement promised to meet."""

    id: UUID
    version: int
    agreement_id: UUID
    clause_id: UUID | None = None
    frequency: str
    from_on: date
    until_on: date | None = None
    basis: str | None = None


class MeetingEvent(Event):
    topic = AGREEMENTS
    source = "/agreements-api"
    subject_kind = "meetings"
    meeting: MeetingSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.meeting.id

    @property
    def key(self) -> str:
        return str(self.meeting.agreement_id)


class MeetingPromiseEvent(Event):
    topic = AGREEMENTS
    source = "/agreements-api"
    subject_kind = "meeting-promises"
    promise: MeetingPromiseSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.promise.id

    @property
    def key(self) -> str:
        return str(self.promise.agreement_id)


class MeetingPlanned(MeetingEvent):
    type = "vn.lienvung.meeting.planned.v1"


class MeetingChanged(MeetingEvent):
    """Its date, place, agenda or guests; of a meeting that was held its attendance, minutes or outcomes."""

    type = "vn.lienvung.meeting.changed.v1"


class MeetingHeld(MeetingEvent):
    type = "vn.lienvung.meeting.held.v1"


class MeetingCancelled(MeetingEvent):
    type = "vn.lienvung.meeting.cancelled.v1"


class MeetingPromiseChanged(MeetingPromiseEvent):
    """How often to meet was promised, or promised otherwise than before."""

    type = "vn.lienvung.meeting.promise_changed.v1"
