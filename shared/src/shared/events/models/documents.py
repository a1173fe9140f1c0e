"""Files that are attached to something."""

from datetime import datetime
from uuid import UUID

from shared.events.models.base import AGREEMENTS, Event, EventModel


class DocumentSnapshot(EventModel):
    """A file that is attached to something; its content is fetched by a link, and never part of an event."""

    id: UUID
    version: int
    agreement_id: UUID
    subject_kind: str
    subject_id: UUID
    task_id: UUID | None = None
    name: str
    description: str | None = None
    media_type: str
    size: int
    digest: str
    organization_id: UUID
    organization_name: str
    created_at: datetime
    removed_at: datetime | None = None
    removal_reason: str | None = None


class DocumentEvent(Event):
    topic = AGREEMENTS
    source = "/agreements-api"
    subject_kind = "documents"
    document: DocumentSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.document.id

    @property
    def key(self) -> str:
        return str(self.document.agreement_id)


class DocumentAdded(DocumentEvent):
    type = "vn.lienvung.document.added.v1"


class DocumentRemoved(DocumentEvent):
    type = "vn.lienvung.document.removed.v1"
