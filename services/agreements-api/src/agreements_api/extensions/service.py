"""Rules of extensions: asked for by the lead, decided or withdrawn once; each step is a version of the task."""

from collections.abc import Callable
from datetime import date
from functools import partial
from uuid import UUID

import asyncpg

from agreements_api.extensions import errors, repository
from agreements_api.extensions.models import Extension, ExtensionState
from agreements_api.extensions.permissions import allowed_actions, steps
from agreements_api.extensions.schemas import ExtensionCreate
from agreements_api.history.service import plain
from agreements_api.policy import Caller
from agreements_api.tasks import writing_repository
from agreements_api.tasks.steps import Connection, Further, Step, begin, hold
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.events import (
    Change,
    ExtensionSnapshot,
    TaskDeadlineChanged,
    TaskEvent,
    TaskExtensionDecided,
    TaskExtensionRequested,
    TaskExtensionWithdrawn,
)

# The action of history and the event, of each way in which a request ends.
_TOLD: dict[ExtensionState, tuple[str, Callable[..., TaskEvent]]] = {
    ExtensionState.GRANTED: ("grant_extension", TaskExtensionDecided),
    ExtensionState.DENIED: ("deny_extension", TaskExtensionDecided),
    ExtensionState.WITHDRAWN: ("withdraw_extension", TaskExtensionWithdrawn),
}


async def request(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, body: ExtensionCreate
) -> tuple[UUID, asyncpg.Record]:
    """The lead asks; the deadline in force stays until somebody decides. One request waits at a time.

    Gives the request, and the task after it.
    """
    step = await begin(connection, actor, task_id, "extend", if_match)
    task = step.locked.task
    if task.due_on is None:
        raise errors.NoDeadline
    if body.due_on <= task.due_on:
        raise errors.not_later()
    if body.due_on < clock.day_of(step.now):
        raise errors.past()
    undecided = await repository.undecided(connection, task_id)
    if undecided is not None:
        raise errors.ExtensionUndecided(extension_id=str(undecided))
    extension = Extension(
        task_id=task_id,
        agreement_id=task.agreement_id,
        due_on=task.due_on,
        requested_due_on=body.due_on,
        reason=body.reason,
        requested_by_organization_id=task.lead.organization_id,
        requested_by_name=task.lead.name,
        requested_by=actor.name,
        requested_at=step.now,
    )
    await repository.insert(connection, extension)
    changes = [
        Change(field=f"extensions/{extension.id}", to=ExtensionState.REQUESTED.value),
        Change(field="requested_due_on", from_=plain(task.due_on), to=plain(body.due_on)),
    ]
    event = partial(TaskExtensionRequested, extension=snapshot_of(extension))
    row = await step.end(step.after(), "request_extension", event, changes=changes, remark=body.reason)
    return extension.id, row


async def grant(
    connection: Connection,
    actor: Actor,
    task_id: UUID,
    extension_id: UUID,
    if_match: str | None,
    *,
    due_on: date | None,
    remark: str | None,
) -> None:
    """What was asked for, or another later day, is the deadline from now on; the first one stays on record."""
    step, extension = await _begin(connection, actor, task_id, extension_id, "grant", if_match)
    task = step.locked.task
    granted = due_on or extension.requested_due_on
    if granted <= max(extension.due_on, task.due_on or extension.due_on):
        raise errors.not_later()
    await writing_repository.set_beside(
        connection, task_id, extension_count=task.extension_count + 1, recurrence_id=task.recurrence_id
    )
    extension.granted_due_on = granted
    moved = Further("change_deadline", TaskDeadlineChanged, {"due_on": granted})
    await _decide(step, extension, ExtensionState.GRANTED, remark, moved)


async def deny(
    connection: Connection, actor: Actor, task_id: UUID, extension_id: UUID, if_match: str | None, *, reason: str
) -> None:
    """The deadline stays what it is."""
    step, extension = await _begin(connection, actor, task_id, extension_id, "deny", if_match)
    await _decide(step, extension, ExtensionState.DENIED, reason, None)


async def withdraw(
    connection: Connection,
    actor: Actor,
    task_id: UUID,
    extension_id: UUID,
    if_match: str | None,
    *,
    remark: str | None,
) -> None:
    """The lead no longer asks: the deadline stays what it is, and another request may follow."""
    step, extension = await _begin(connection, actor, task_id, extension_id, "withdraw", if_match)
    await _decide(step, extension, ExtensionState.WITHDRAWN, remark, None)


async def _begin(
    connection: Connection, actor: Actor, task_id: UUID, extension_id: UUID, verb: str, if_match: str | None
) -> tuple[Step, Extension]:
    """The rows to change, once the caller, the version and the state allow it; whoever comes second sees the first."""
    step = await hold(connection, actor, task_id, f"extension.{verb}")
    extension = await repository.lock(connection, task_id, extension_id)
    if extension is None:
        raise errors.ExtensionNotFound
    check_if_match(if_match, extension.version)
    status = step.locked.task.status
    if verb not in steps(extension.state, status):
        relations = step.locked.relations.split(",")
        raise errors.NotPossible(extension.state, allowed_actions(Caller.of(actor), extension.state, status, relations))
    return step, extension


async def _decide(
    step: Step, extension: Extension, state: ExtensionState, remark: str | None, moved: Further | None
) -> None:
    before, extension.state = extension.state, state
    extension.version += 1
    extension.decided_by_organization_id = step.actor.organization_id
    extension.decided_by_name = await repository.name_of(step.connection, step.actor.organization_id)
    extension.decided_by, extension.decided_at, extension.remark = step.actor.name, step.now, remark
    await repository.decide(step.connection, extension)
    after = step.after(extension_count=step.locked.task.extension_count + (state is ExtensionState.GRANTED))
    changes = [Change(field=f"extensions/{extension.id}", from_=before, to=state.value)]
    action, kind = _TOLD[state]
    event = partial(kind, extension=snapshot_of(extension))
    await step.end(after, action, event, changes=changes, remark=remark, further=moved)


def snapshot_of(extension: Extension) -> ExtensionSnapshot:
    return ExtensionSnapshot.model_validate(extension.model_dump())
