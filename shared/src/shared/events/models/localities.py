"""Units, and what took their place when they ended."""

from datetime import date
from uuid import UUID

from shared.events.models.base import LOCALITIES, Event, EventModel


class ProvinceRef(EventModel):
    id: UUID
    name: str


class UnitRef(EventModel):
    id: UUID
    code: str
    name: str
    level: str
    province: ProvinceRef | None = None


class UnitSnapshot(EventModel):
    id: UUID
    version: int
    code: str
    name: str
    type: str | None = None
    level: str
    province: ProvinceRef | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class SuccessionSnapshot(EventModel):
    id: UUID
    version: int
    old_unit_id: UUID
    new_unit_id: UUID
    effective_on: date
    kind: str | None = None
    partial: bool = False
    legal_basis: str | None = None


class UnitEvent(Event):
    topic = LOCALITIES
    source = "/agreements-api"
    subject_kind = "units"
    unit: UnitSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.unit.id

    @property
    def key(self) -> str:
        return str(self.unit.id)


class SuccessionEvent(Event):
    topic = LOCALITIES
    source = "/agreements-api"
    subject_kind = "successions"
    succession: SuccessionSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.succession.id

    @property
    def key(self) -> str:
        return str(self.succession.old_unit_id)


class UnitRegistered(UnitEvent):
    type = "vn.lienvung.unit.registered.v1"


class UnitSucceeded(SuccessionEvent):
    type = "vn.lienvung.unit.succeeded.v1"
