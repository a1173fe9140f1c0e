"""Organisations, with their people and their focal points."""

from uuid import UUID

from shared.events.models.base import LOCALITIES, Event, EventModel
from shared.events.models.localities import UnitRef


class Person(EventModel):
    account_id: UUID
    name: str
    email: str | None = None
    roles: list[str]
    language: str = "vi"
    active: bool = True


class ContactPoint(EventModel):
    """A focal point of an organisation, in its order; the first one is for whatever no other one is for."""

    id: UUID
    position: int
    name: str | None = None
    title: str | None = None
    phone: str | None = None
    email: str | None = None
    field: str | None = None
    account_id: UUID | None = None


class OrganizationSnapshot(EventModel):
    id: UUID
    version: int
    name: str
    short_name: str | None = None
    kind: str
    unit: UnitRef
    superior_organization_id: UUID | None = None
    people: list[Person] = []
    contacts: list[ContactPoint] = []


class OrganizationEvent(Event):
    topic = LOCALITIES
    source = "/agreements-api"
    subject_kind = "organizations"
    organization: OrganizationSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.organization.id

    @property
    def key(self) -> str:
        return str(self.organization.id)


class OrganizationChanged(OrganizationEvent):
    type = "vn.lienvung.organization.changed.v1"
