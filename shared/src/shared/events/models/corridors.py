"""Corridors, and the segments that localities own of them."""

from datetime import date, datetime
from uuid import UUID

from shared.events.models.base import AGREEMENTS, Event, EventModel


class CorridorSnapshot(EventModel):
    id: UUID
    version: int
    agreement_id: UUID
    task_id: UUID | None = None
    clause_ids: list[UUID] = []
    name: str
    from_place: str | None = None
    to_place: str | None = None
    description: str | None = None
    demonstration: bool = False


class SegmentSnapshot(EventModel):
    """A segment without its geometry, which is read from `corridors/{corridor_id}/geojson`."""

    id: UUID
    version: int
    corridor_id: UUID
    agreement_id: UUID
    organization_id: UUID
    position: int
    name: str
    from_place: str | None = None
    to_place: str | None = None
    length_m: int | None = None
    road_class: str | None = None
    width_m: float | None = None
    plan_period: str | None = None
    funding_source: str | None = None
    funding_amount: int | None = None
    funding_status: str
    planned_start: date | None = None
    planned_finish: date | None = None
    actual_start: date | None = None
    actual_finish: date | None = None
    percent: int = 0
    geometry_source: str | None = None
    withdrawn_at: datetime | None = None


class CorridorEvent(Event):
    topic = AGREEMENTS
    source = "/agreements-api"
    subject_kind = "corridors"
    corridor: CorridorSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.corridor.id

    @property
    def key(self) -> str:
        return str(self.corridor.agreement_id)


class SegmentEvent(Event):
    topic = AGREEMENTS
    source = "/agreements-api"
    subject_kind = "segments"
    segment: SegmentSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.segment.id

    @property
    def key(self) -> str:
        return str(self.segment.agreement_id)


class CorridorChanged(CorridorEvent):
    type = "vn.lienvung.corridor.changed.v1"


class SegmentChanged(SegmentEvent):
    """A segment was added, changed, handed over or withdrawn; `changes` says what of it."""

    type = "vn.lienvung.segment.changed.v1"
