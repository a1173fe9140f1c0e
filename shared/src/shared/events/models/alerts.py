"""Reminders of deadlines and of signatures."""

from datetime import date
from uuid import UUID

from shared.events.models.base import ALERTS, Event, EventModel


class AlertSnapshot(EventModel):
    id: UUID
    version: int = 1
    task_id: UUID
    agreement_id: UUID
    step: str
    due_on: date | None = None
    recipients: int = 0
    task_title: str | None = None
    deadline_revision: int | None = None
    organization_ids: list[UUID] = []
    channel: str | None = None
    reason: str | None = None


class SigningAlertSnapshot(EventModel):
    """A reminder of a signature; what is due is the agreement, so that it names no task."""

    id: UUID
    version: int = 1
    agreement_id: UUID
    agreement_title: str | None = None
    step: str
    due_on: date | None = None
    recipients: int = 0
    deadline_revision: int | None = None
    organization_ids: list[UUID] = []
    channel: str | None = None
    reason: str | None = None


class AlertEvent(Event):
    topic = ALERTS
    source = "/notifier"
    subject_kind = "alerts"
    alert: AlertSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.alert.id

    @property
    def key(self) -> str:
        return str(self.alert.agreement_id)


class SigningAlertEvent(Event):
    topic = ALERTS
    source = "/notifier"
    subject_kind = "alerts"
    alert: SigningAlertSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.alert.id

    @property
    def key(self) -> str:
        return str(self.alert.agreement_id)


class DeadlineApproaching(AlertEvent):
    type = "vn.lienvung.deadline.approaching.v1"


class DeadlineDue(AlertEvent):
    type = "vn.lienvung.deadline.due.v1"


class DeadlinePassed(AlertEvent):
    type = "vn.lienvung.deadline.passed.v1"


class DeadlineEscalated(AlertEvent):
    type = "vn.lienvung.deadline.escalated.v1"


class DeliveryFailed(AlertEvent):
    type = "vn.lienvung.delivery.failed.v1"


class SigningApproaching(SigningAlertEvent):
    """The last day for signatures comes near, and a party whose turn it is has not signed."""

    type = "vn.lienvung.signing.approaching.v1"


class SigningDue(SigningAlertEvent):
    """This is the last day for signatures, and a party whose turn it is has not signed."""

    type = "vn.lienvung.signing.due.v1"


class SigningDeliveryFailed(SigningAlertEvent):
    """A reminder of a signature could not be delivered by mail."""

    type = "vn.lienvung.signing.delivery_failed.v1"
