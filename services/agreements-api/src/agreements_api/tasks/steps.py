"""One step of a task: who may take it, on which version and in which status, and the versions that come of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from agreements_api.history.service import changes_between
from agreements_api.policy import Caller, allowed
from agreements_api.tasks import errors, reading_repository, repository, responses, writing_repository
from agreements_api.tasks.models import TaskStatus
from agreements_api.tasks.permissions import ANSWERS, allowed_actions, steps
from agreements_api.tasks.repository import Locked
from agreements_api.tasks.timeliness import soon_until
from agreements_api.tasks.writing_repository import DecisionRow, ReportRow, Told
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.events import Change, EventActor, TaskCompleted, TaskEvent, TaskParty, TaskSnapshot

Connection: TypeAlias = "asyncpg.Connection[Any]"

# Fields whose changes history tells of.
_TOLD = (
    "title",
    "description",
    "deliverable",
    "field",
    "status",
    "due_on",
    "percent",
    "submitted_at",
    "completed_at",
    "extension_count",
)


@dataclass(frozen=True)
class Further:
    """A second fact of the same step, which is a version of its own."""

    action: str
    kind: Callable[..., TaskEvent]
    changed: Mapping[str, Any]


@dataclass
class Step:
    """One step under way: the locked task, what becomes of it beside its snapshot, and the moment it happens at."""

    connection: Connection
    actor: Actor
    locked: Locked
    submission: int
    note: str | None
    now: datetime

    def after(self, **changed: Any) -> TaskSnapshot:
        return self.locked.task.model_copy(update=changed)

    def own_party(self) -> TaskParty:
        """The party of the task that the caller speaks for."""
        task = self.locked.task
        return next(
            party
            for party in (*task.coordinating, *task.monitoring)
            if party.organization_id == self.actor.organization_id
        )

    async def end(
        self,
        after: TaskSnapshot,
        action: str,
        kind: Callable[..., TaskEvent],
        *,
        changes: Sequence[Change] | None = None,
        remark: str | None = None,
        report: ReportRow | None = None,
        decision: DecisionRow | None = None,
        completes: bool = False,
        further: Further | None = None,
    ) -> asyncpg.Record:
        """Write the next version with its history and its event; and the one after it, where there are two facts."""
        after = self._next(after)
        if changes is None:
            changes = changes_of(self.locked.task, after)
        told = [Told(action, self._event(kind, after, changes), remark)]
        if completes:
            # The last confirmation is two facts, so two versions: it was confirmed, and the task was completed.
            completed = {"status": TaskStatus.COMPLETED.value, "completed_at": self.now}
            further = Further("complete", TaskCompleted, completed)
        if further is not None:
            before, after = after, self._next(after.model_copy(update=further.changed))
            told.append(Told(further.action, self._event(further.kind, after, changes_of(before, after))))
        change = writing_repository.Change(after, self.submission, self.note, told, report, decision)
        today = clock.day_of(self.now)
        return await writing_repository.write(self.connection, self.actor, change, today=today, soon=soon_until(today))

    async def unchanged(self) -> asyncpg.Record:
        """What a read shows: a patch that changes nothing makes no version."""
        today = clock.day_of(self.now)
        row = await reading_repository.read(
            self.connection, self.actor.organization_id, self.locked.task.id, today=today, soon=soon_until(today)
        )
        assert row is not None
        return row

    def _next(self, task: TaskSnapshot) -> TaskSnapshot:
        return task.model_copy(update={"version": task.version + 1, "updated_at": self.now})

    def _event(self, kind: Callable[..., TaskEvent], task: TaskSnapshot, changes: Sequence[Change]) -> TaskEvent:
        return event_of(kind, self.actor, task, self.locked.members, changes)


async def begin(connection: Connection, actor: Actor, task_id: UUID, step: str, if_match: str | None) -> Step:
    """Lock the row, once the caller, the version and the status allow the step, asked in this order."""
    begun = await hold(connection, actor, task_id, f"task.{step}")
    check_if_match(if_match, begun.locked.task.version)
    check_possible(begun, step)
    return begun


async def hold(connection: Connection, actor: Actor, task_id: UUID, action: str) -> Step:
    """Lock the row for what the caller may do; on which version and in which status is the matter of whoever asks."""
    locked = await repository.lock(connection, actor.organization_id, task_id)
    if locked is None:
        raise errors.TaskNotFound
    if not allowed(actor, action, locked.relations.split(",")):
        raise errors.NotAllowed
    return Step(connection, actor, locked, locked.submission, locked.note, clock.now())


def check_possible(begun: Step, step: str) -> None:
    """Refuse what the status does not have, or the caller has done already."""
    task, actor = begun.locked.task, begun.actor
    own = [party for party in task.coordinating if party.organization_id == actor.organization_id]
    confirmed = bool(own) and all(party.confirmed_at is not None for party in own)
    accepted = has_accepted(task, actor.organization_id)
    closed = responses.is_closed(task.coordinating, clock.day_of(begun.now))
    if confirmed and step in ("confirm", "refuse"):
        raise errors.AlreadyConfirmed
    coordinated = bool(task.coordinating)
    taken = (step == "accept" and accepted) or (step in ANSWERS and closed)
    if taken or step not in steps(task.status, coordinated=coordinated):
        possible = allowed_actions(
            Caller.of(actor),
            task.status,
            begun.locked.relations,
            coordinated=coordinated,
            confirmed=confirmed,
            closed=closed,
            accepted=accepted,
            extendable=begun.locked.extendable,
            repeatable=begun.locked.repeatable,
        )
        raise errors.NotPossible(task.status, possible)


def has_accepted(task: TaskSnapshot, organization_id: UUID | None) -> bool:
    """Whether an organisation has taken on all that it was given: the rule of `_ACCEPTED` in reading_repository."""
    if task.status == TaskStatus.NOT_STARTED and task.lead.organization_id == organization_id:
        return False
    return task.status not in (TaskStatus.NOT_STARTED, TaskStatus.IN_PROGRESS) or all(
        party.accepted_at is not None for party in task.coordinating if party.organization_id == organization_id
    )


def event_of(
    kind: Callable[..., TaskEvent],
    actor: Actor,
    task: TaskSnapshot,
    members: Sequence[UUID],
    changes: Sequence[Change],
) -> TaskEvent:
    return kind(
        version=task.version,
        actor=EventActor.of(actor),
        occurred_at=task.updated_at,
        members=list(members),
        changes=list(changes),
        task=task,
    )


def changes_of(before: TaskSnapshot | None, after: TaskSnapshot) -> list[Change]:
    return changes_between(vars(before) if before else {}, vars(after), _TOLD)
