"""What every event has: its topic, owner and aggregate, its actor and what it changed."""

from datetime import datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

LOCALITIES = "lienvung.localities"
AGREEMENTS = "lienvung.agreements"
TASKS = "lienvung.tasks"
ALERTS = "lienvung.alerts"
REPORTS = "lienvung.reports"


class EventModel(BaseModel):
    # A reader ignores what it does not know: that is what lets a field be added without a new version.
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class ActorLike(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def kind(self) -> Any: ...
    @property
    def name(self) -> str: ...
    @property
    def organization_id(self) -> UUID | None: ...


class EventActor(EventModel):
    id: UUID
    kind: str
    name: str
    organization_id: UUID | None = None

    @classmethod
    def of(cls, actor: ActorLike) -> "EventActor":
        return cls(id=actor.id, kind=str(actor.kind), name=actor.name, organization_id=actor.organization_id)


class Change(EventModel):
    field: str
    from_: Any = Field(default=None, alias="from")
    to: Any = None


class Event(EventModel):
    """What goes under `data`; the class says which type, topic, owner and aggregate it is about."""

    type: ClassVar[str]
    topic: ClassVar[str]
    source: ClassVar[str]
    subject_kind: ClassVar[str]

    version: int = Field(ge=1)
    actor: EventActor
    occurred_at: datetime
    # Every organisation that may see the event; a feed filters by it without asking the owner.
    members: list[UUID] = []
    changes: list[Change] = []

    @property
    def aggregate_id(self) -> UUID:
        raise NotImplementedError

    @property
    def key(self) -> str:
        raise NotImplementedError

    @property
    def subject(self) -> str:
        return f"{self.subject_kind}/{self.aggregate_id}"
