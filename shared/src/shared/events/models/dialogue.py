"""What is said about a task: urgings, explanations, obstacles and comments."""

from datetime import date, datetime
from uuid import UUID

from shared.events.models.base import TASKS, Event, EventModel
from shared.events.models.tasks import TaskEvent


class UrgingSnapshot(EventModel):
    """What a leader asked of an organisation in a task, and what it answered."""

    id: UUID
    version: int
    kind: str
    status: str
    # Who has to answer.
    organization_id: UUID
    organization_name: str
    asked_by_organization_id: UUID
    asked_by_organization_name: str
    message: str
    answer_due_on: date
    asked_at: datetime
    answer: str | None = None
    answered_at: datetime | None = None


class MeasureSnapshot(EventModel):
    id: UUID
    text: str
    organization_id: UUID
    organization_name: str
    due_on: date
    done_at: datetime | None = None
    remark: str | None = None


class ObstacleSnapshot(EventModel):
    """What stands in the way of a task, in whose hands it is, and until when."""

    id: UUID
    version: int
    agreement_id: UUID
    agreement_title: str
    task_id: UUID
    task_title: str
    origin: str
    text: str
    status: str
    level: str
    raised_by_organization_id: UUID
    raised_by_organization_name: str
    # In whose hands it is.
    organization_id: UUID
    organization_name: str
    # The last day of its present clock.
    due_on: date
    escalated_at: datetime | None = None
    escalated_by: str | None = None
    resolved_at: datetime | None = None
    resolution: str | None = None
    demonstration: bool = False
    measures: list[MeasureSnapshot] = []
    created_at: datetime
    updated_at: datetime


class Mention(EventModel):
    account_id: UUID
    organization_id: UUID


class CommentSnapshot(EventModel):
    """That something was said, and whom it names. The words are read from the API: its author may take them back."""

    id: UUID
    version: int
    agreement_id: UUID
    agreement_title: str
    task_id: UUID
    task_title: str
    organization_id: UUID
    organization_name: str
    mentions: list[Mention] = []
    demonstration: bool = False
    created_at: datetime
    updated_at: datetime


class ObstacleEvent(Event):
    topic = TASKS
    source = "/agreements-api"
    subject_kind = "obstacles"
    obstacle: ObstacleSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.obstacle.id

    @property
    def key(self) -> str:
        return str(self.obstacle.agreement_id)


class CommentEvent(Event):
    topic = TASKS
    source = "/agreements-api"
    subject_kind = "comments"
    comment: CommentSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.comment.id

    @property
    def key(self) -> str:
        return str(self.comment.agreement_id)


class TaskUrged(TaskEvent):
    type = "vn.lienvung.task.urged.v1"
    urging: UrgingSnapshot | None = None


class TaskUrgingAnswered(TaskEvent):
    type = "vn.lienvung.task.urging_answered.v1"
    urging: UrgingSnapshot | None = None


class TaskExplanationRequested(TaskEvent):
    type = "vn.lienvung.task.explanation_requested.v1"
    urging: UrgingSnapshot | None = None


class TaskExplanationGiven(TaskEvent):
    type = "vn.lienvung.task.explanation_given.v1"
    urging: UrgingSnapshot | None = None


class ObstacleRaised(ObstacleEvent):
    type = "vn.lienvung.obstacle.raised.v1"


class ObstacleUpdated(ObstacleEvent):
    type = "vn.lienvung.obstacle.updated.v1"


class ObstacleMeasureChanged(ObstacleEvent):
    """A measure was planned, changed or carried out."""

    type = "vn.lienvung.obstacle.measure_changed.v1"
    measure_id: UUID | None = None


class ObstacleEscalated(ObstacleEvent):
    """It is in the hands of the body above, by a person's step or because its clock ran out."""

    type = "vn.lienvung.obstacle.escalated.v1"


class ObstacleResolved(ObstacleEvent):
    type = "vn.lienvung.obstacle.resolved.v1"


class ObstacleReopened(ObstacleEvent):
    type = "vn.lienvung.obstacle.reopened.v1"


class CommentAdded(CommentEvent):
    type = "vn.lienvung.comment.added.v1"


class CommentEdited(CommentEvent):
    type = "vn.lienvung.comment.edited.v1"


class CommentDeleted(CommentEvent):
    type = "vn.lienvung.comment.deleted.v1"
