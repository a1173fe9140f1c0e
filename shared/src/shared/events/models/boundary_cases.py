"""Dossiers of areas that lie across a boundary, and their hand-over step by step."""

from datetime import date, datetime
from uuid import UUID

from shared.events.models.base import TASKS, Event, EventModel


class BoundarySideSnapshot(EventModel):
    organization_id: UUID
    name: str
    unit_id: UUID
    unit_name: str


class BoundaryStepSnapshot(EventModel):
    id: UUID
    ordinal: int
    title: str
    due_on: date | None = None
    # One for each side, in their order; None until it has confirmed.
    confirmed_at: list[datetime | None] = []
    completed_at: datetime | None = None


class BoundaryCaseSnapshot(EventModel):
    """A dossier of a cross-cultivated or cross-inhabited area: counts only, nobody's data."""

    id: UUID
    version: int
    agreement_id: UUID
    task_id: UUID
    task_title: str
    kind: str
    state: str
    sides: list[BoundarySideSnapshot]
    households: int | None = None
    plots: int | None = None
    area_m2: int | None = None
    steps: list[BoundaryStepSnapshot] = []
    handed_over_on: date | None = None
    closed_on: date | None = None
    demonstration: bool = False


class BoundaryCaseEvent(Event):
    topic = TASKS
    source = "/agreements-api"
    subject_kind = "boundary-cases"
    boundary_case: BoundaryCaseSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.boundary_case.id

    @property
    def key(self) -> str:
        return str(self.boundary_case.agreement_id)


class BoundaryCaseOpened(BoundaryCaseEvent):
    type = "vn.lienvung.boundary_case.opened.v1"


class BoundaryCaseChanged(BoundaryCaseEvent):
    type = "vn.lienvung.boundary_case.changed.v1"


class BoundaryCaseStepConfirmed(BoundaryCaseEvent):
    """By one side, or by both where one organisation answers for both; with the second side the step is completed."""

    type = "vn.lienvung.boundary_case.step_confirmed.v1"
    step_id: UUID | None = None


class BoundaryCaseStepTakenBack(BoundaryCaseEvent):
    type = "vn.lienvung.boundary_case.step_taken_back.v1"
    step_id: UUID | None = None


class BoundaryCaseHandedOver(BoundaryCaseEvent):
    """Both sides have confirmed every step."""

    type = "vn.lienvung.boundary_case.handed_over.v1"


class BoundaryCaseClosed(BoundaryCaseEvent):
    type = "vn.lienvung.boundary_case.closed.v1"
