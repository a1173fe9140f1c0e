"""Rules of what repeats a task: set and ended by its custodian; each is a version of the task."""

from datetime import timedelta
from itertools import islice, takewhile
from uuid import UUID

import asyncpg

from agreements_api.history.service import plain
from agreements_api.recurrence import errors, repository
from agreements_api.recurrence.models import Frequency, Recurrence
from agreements_api.recurrence.periods import RULES, next_occurrence, upcoming
from agreements_api.recurrence.schemas import OccurrencePublic, RecurrencePublic, RecurrenceUpdate
from agreements_api.tasks import writing_repository
from agreements_api.tasks.steps import Connection, Step, begin
from shared import clock
from shared.auth import Actor
from shared.events import Change, TaskUpdated

DAY = timedelta(days=1)
SHOWN = 4


async def set_recurrence(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, body: RecurrenceUpdate
) -> asyncpg.Record:
    """The task comes again from now on, or otherwise than before; its next occurrence is never due in the past."""
    step = await begin(connection, actor, task_id, "set_recurrence", if_match)
    task, known = step.locked.task, await _known(step)
    due_on = task.original_due_on or task.due_on
    if due_on is None:
        raise errors.NothingToRepeat
    after = max(due_on, clock.day_of(step.now) - DAY)
    following = next_occurrence(body.frequency, after, body.working_days_after)
    if body.until is not None and following.due_on > body.until:
        raise errors.ends_too_early()
    before = None if known is None or known.ended_at is not None else known.frequency
    recurrence = Recurrence(
        agreement_id=task.agreement_id,
        frequency=body.frequency.value,
        rule=RULES[body.frequency],
        working_days_after=body.working_days_after,
        until=body.until,
        current_task_id=task_id,
        next_due_on=following.due_on,
        next_from=due_on + DAY,
        created_at=step.now,
        updated_at=step.now,
    )
    if known is None:
        await repository.insert(connection, recurrence)
    else:
        recurrence.id = known.id
        await repository.update(connection, recurrence)
    changes = [
        Change(field="recurrence", from_=before, to=recurrence.frequency),
        Change(field="next_due_on", from_=known and plain(known.next_due_on), to=plain(following.due_on)),
    ]
    return await _end(step, recurrence.id, "set_recurrence", changes)


async def end_recurrence(connection: Connection, actor: Actor, task_id: UUID, if_match: str | None) -> asyncpg.Record:
    """No other occurrence is made; those that were stay."""
    step = await begin(connection, actor, task_id, "set_recurrence", if_match)
    known = await _known(step)
    if known is None or known.ended_at is not None:
        raise errors.RecurrenceNotFound
    known.ended_at = known.updated_at = step.now
    await repository.update(connection, known)
    return await _end(step, known.id, "end_recurrence", [Change(field="recurrence", from_=known.frequency)])


def public(recurrence: Recurrence) -> RecurrencePublic:
    """The rule, and what will come of it."""
    until = recurrence.until
    coming = upcoming(Frequency(recurrence.frequency), recurrence.next_due_on - DAY, recurrence.working_days_after)
    within = takewhile(lambda one: until is None or one.due_on <= until, coming)
    shown = [] if recurrence.ended_at is not None else list(islice(within, SHOWN))
    return RecurrencePublic(
        **recurrence.model_dump(include=set(RecurrencePublic.model_fields)),
        upcoming=[OccurrencePublic.model_validate(vars(one)) for one in shown],
    )


async def _known(step: Step) -> Recurrence | None:
    """What repeats the task until now, which is held; only its newest occurrence can change that."""
    recurrence_id = step.locked.task.recurrence_id
    if recurrence_id is None:
        return None
    known = await repository.lock(step.connection, recurrence_id)
    if known.current_task_id != step.locked.task.id:
        raise errors.NotCurrent(current_task_id=str(known.current_task_id))
    return known


async def _end(step: Step, recurrence_id: UUID, action: str, changes: list[Change]) -> asyncpg.Record:
    task = step.locked.task
    await writing_repository.set_beside(
        step.connection, task.id, extension_count=task.extension_count, recurrence_id=recurrence_id
    )
    return await step.end(step.after(recurrence_id=recurrence_id), action, TaskUpdated, changes=changes)
