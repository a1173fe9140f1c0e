"""Rules of milestones: planned by whoever leads or keeps the task; each change is a version of the task."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from agreements_api.history.service import plain
from agreements_api.milestones import errors, repository
from agreements_api.milestones.models import Milestone
from agreements_api.milestones.permissions import ACTION
from agreements_api.milestones.schemas import MilestoneCreate, MilestoneUpdate
from agreements_api.tasks.steps import Connection, Step, begin, check_possible, hold
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.events import Change, TaskUpdated

MOST = 100


async def add(connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, body: MilestoneCreate) -> UUID:
    step = await begin(connection, actor, task_id, "set_milestones", if_match)
    _check_day(step, body.due_on)
    number, last = await repository.standing(connection, task_id)
    if number >= MOST:
        raise errors.TooManyMilestones
    milestone = Milestone(
        task_id=task_id,
        agreement_id=step.locked.task.agreement_id,
        position=body.position or last + 1,
        title=body.title,
        due_on=body.due_on,
        created_at=step.now,
        updated_at=step.now,
    )
    await repository.insert(connection, milestone)
    # All that it is planned with: the chain of history vouches for every value that a milestone ever had.
    key = f"milestones/{milestone.id}"
    planned = {"position": milestone.position, "due_on": milestone.due_on}
    changes = [Change(field=f"{key}/{name}", to=plain(value)) for name, value in planned.items() if value is not None]
    await _tell(step, "add_milestone", [Change(field=key, to=milestone.title), *changes])
    return milestone.id


async def change(
    connection: Connection,
    actor: Actor,
    task_id: UUID,
    milestone_id: UUID,
    if_match: str | None,
    body: MilestoneUpdate,
) -> None:
    """Change what the patch names; what changes nothing makes no version."""
    step, milestone = await _begin(connection, actor, task_id, milestone_id, if_match)
    changed = _changed(milestone, body, clock.day_of(step.now))
    if "due_on" in changed:
        _check_day(step, body.due_on)
    changes = [
        Change(field=f"milestones/{milestone_id}/{name}", from_=plain(getattr(milestone, name)), to=plain(value))
        for name, value in changed.items()
    ]
    if not changes:
        return
    for name, value in changed.items():
        setattr(milestone, name, value)
    milestone.version += 1
    milestone.updated_at = step.now
    await repository.update(connection, milestone)
    await _tell(step, "change_milestone", changes)


async def remove(connection: Connection, actor: Actor, task_id: UUID, milestone_id: UUID, if_match: str | None) -> None:
    """It is planned no more; history keeps what it was called."""
    step, milestone = await _begin(connection, actor, task_id, milestone_id, if_match)
    await repository.delete(connection, milestone_id, step.now)
    await _tell(step, "remove_milestone", [Change(field=f"milestones/{milestone_id}", from_=milestone.title)])


async def _begin(
    connection: Connection, actor: Actor, task_id: UUID, milestone_id: UUID, if_match: str | None
) -> tuple[Step, Milestone]:
    step = await hold(connection, actor, task_id, ACTION)
    milestone = await repository.lock(connection, task_id, milestone_id)
    if milestone is None:
        raise errors.MilestoneNotFound
    check_if_match(if_match, milestone.version)
    check_possible(step, "set_milestones")
    return step, milestone


def _changed(milestone: Milestone, body: MilestoneUpdate, today: date) -> dict[str, Any]:
    """The fields that become others; a milestone that was reached keeps its day."""
    given = body.model_fields_set
    wanted: dict[str, Any] = {name: getattr(body, name) for name in ("title", "due_on", "position") if name in given}
    if "done" in given:
        wanted["done_on"] = (milestone.done_on or today) if body.done else None
    return {name: value for name, value in wanted.items() if getattr(milestone, name) != value}


def _check_day(step: Step, due_on: date | None) -> None:
    deadline = step.locked.task.due_on
    if due_on is not None and deadline is not None and due_on > deadline:
        raise errors.after_deadline()


async def _tell(step: Step, action: str, changes: Sequence[Change]) -> None:
    await step.end(step.after(), action, TaskUpdated, changes=changes)
