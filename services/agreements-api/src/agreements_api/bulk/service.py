"""Rules of many changes at once: each is made as if it came alone, and all of them or none."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from agreements_api.bulk import errors, repository
from agreements_api.bulk.permissions import may_send
from agreements_api.bulk.schemas import (
    AcceptChange,
    AssignChange,
    BulkAction,
    BulkResult,
    Change,
    ChangedTask,
    ExtendChange,
    ReasonedChange,
    ReassignChange,
    RemarkedChange,
    ReportChange,
    SubmitChange,
    UpdateChange,
)
from agreements_api.extensions import service as extensions
from agreements_api.extensions.schemas import ExtensionCreate
from agreements_api.tasks import reassignment
from agreements_api.tasks import service as tasks
from agreements_api.tasks.answers import etag_of
from agreements_api.tasks.schemas import ProgressReportCreate, Reassignment, Submission, TaskCreate, TaskUpdate
from shared.auth import Actor
from shared.problems import FieldError, Problem

Connection: TypeAlias = "asyncpg.Connection[Any]"
M = TypeVar("M", bound=BaseModel)

_OWN = {"action", "task_id", "if_match", "agreement_id"}

_WithReason: TypeAlias = Callable[[Connection, Actor, UUID, str | None, str], Awaitable[asyncpg.Record]]
_WithRemark: TypeAlias = Callable[[Connection, Actor, UUID, str | None, str | None], Awaitable[asyncpg.Record]]
_BY_REASON: dict[BulkAction, _WithReason] = {
    BulkAction.RETURN: tasks.send_back,
    BulkAction.SUSPEND: tasks.suspend,
    BulkAction.RESUME: tasks.resume,
    BulkAction.REOPEN: tasks.reopen,
    BulkAction.CANCEL: tasks.cancel,
}
_BY_REMARK: dict[BulkAction, _WithRemark] = {
    BulkAction.CONFIRM: tasks.confirm,
    BulkAction.COMPLETE: tasks.complete,
}


@dataclass(frozen=True)
class Days:
    """Working days of the clocks that a change can start."""

    response: int
    obstacle: int


def check_may_send(actor: Actor) -> None:
    if not may_send(actor):
        raise errors.NotAllowed


async def change_all(connection: Connection, actor: Actor, changes: Sequence[Change], days: Days) -> BulkResult:
    """Make every change; where any is not possible, say of each one what is wrong and make none."""
    if len(changes) > errors.MOST:
        raise errors.TooMany(len(changes))
    await repository.hold(
        connection,
        actor.organization_id,
        agreement_ids=[change.agreement_id for change in changes if isinstance(change, AssignChange)],
        task_ids=[change.task_id for change in changes if not isinstance(change, AssignChange)],
    )
    found: list[FieldError] = []
    changed: list[ChangedTask] = []
    seen: set[UUID] = set()
    for at, change in enumerate(changes):
        if not isinstance(change, AssignChange):
            if change.task_id in seen:
                found.append(errors.named_twice(at))
                continue
            seen.add(change.task_id)
        try:
            row = await _one(connection, actor, change, days)
        except Problem as problem:
            # The rules refuse before they write: what the earlier changes did is still there to be judged by.
            found += errors.of_change(at, problem)
            continue
        changed.append(_shown(row))
    if found:
        raise errors.NothingChanged(found)
    return BulkResult(changed=changed)


async def _one(connection: Connection, actor: Actor, change: Change, days: Days) -> asyncpg.Record:
    match change:
        case AssignChange():
            return await tasks.assign(connection, actor, change.agreement_id, _body(TaskCreate, change))
        case UpdateChange():
            return await tasks.update(connection, actor, change.task_id, change.if_match, _body(TaskUpdate, change))
        case AcceptChange():
            return await tasks.accept(connection, actor, change.task_id, change.if_match)
        case ReportChange():
            body = _body(ProgressReportCreate, change)
            return await tasks.report(connection, actor, change.task_id, change.if_match, body)
        case SubmitChange():
            submission = _body(Submission, change)
            return await tasks.submit(
                connection, actor, change.task_id, change.if_match, submission, response_days=days.response
            )
        case RemarkedChange():
            return await _BY_REMARK[change.action](connection, actor, change.task_id, change.if_match, change.remark)
        case ReasonedChange(action=BulkAction.REFUSE):
            return await tasks.refuse(
                connection, actor, change.task_id, change.if_match, change.reason, obstacle_days=days.obstacle
            )
        case ReasonedChange():
            return await _BY_REASON[change.action](connection, actor, change.task_id, change.if_match, change.reason)
        case ReassignChange():
            given = _body(Reassignment, change)
            return await reassignment.reassign(connection, actor, change.task_id, change.if_match, given)
        case ExtendChange():
            asked = _body(ExtensionCreate, change)
            _, row = await extensions.request(connection, actor, change.task_id, change.if_match, asked)
            return row


def _body(model: type[M], change: Change) -> M:
    """The change without what says which task it is of; what was not given stays not given."""
    return model.model_validate({name: getattr(change, name) for name in change.model_fields_set - _OWN})


def _shown(row: asyncpg.Record) -> ChangedTask:
    return ChangedTask(task_id=row["id"], version=row["version"], etag=etag_of(row), status=row["status"])
