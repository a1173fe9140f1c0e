"""HTTP of what repeats a task."""

from uuid import UUID

import asyncpg
from fastapi import APIRouter, Request, Response

from agreements_api.history.instants import AsOf
from agreements_api.policy import check_scope
from agreements_api.recurrence import errors, repository, service
from agreements_api.recurrence.schemas import RecurrencePublic, RecurrenceUpdate
from agreements_api.tasks.answers import change, check_visible
from agreements_api.tasks.schemas import TaskPublic
from agreements_api.tasks.steps import Connection
from shared.dependencies import ActorDep, DatabaseDep, IdempotencyKey, IfMatch

router = APIRouter(tags=["tasks"])


@router.get("/tasks/{task_id}/recurrence", operation_id="read_recurrence", response_model=RecurrencePublic)
async def read_recurrence(
    task_id: UUID, database: DatabaseDep, actor: ActorDep, as_of: AsOf = None
) -> RecurrencePublic:
    """What repeats the task, and its next occurrences."""
    check_scope(actor, "task.read")
    async with database.read(actor) as connection:
        if as_of is None:
            found = await repository.read(connection, actor.organization_id, task_id)
        else:
            found = await repository.read_past(connection, actor.organization_id, task_id, as_of)
        if found is None:
            await check_visible(connection, actor, task_id, as_of)
            raise errors.RecurrenceNotFound
    return service.public(found)


@router.put("/tasks/{task_id}/recurrence", operation_id="set_recurrence", response_model=TaskPublic)
async def set_recurrence(
    task_id: UUID,
    body: RecurrenceUpdate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Let the task come again with every official period; the answer is the task, `If-Match` its ETag."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.set_recurrence(connection, actor, task_id, if_match, body)

    return await change(request, actor, key, step)


@router.delete("/tasks/{task_id}/recurrence", operation_id="end_recurrence", response_model=TaskPublic)
async def end_recurrence(
    task_id: UUID, request: Request, actor: ActorDep, key: IdempotencyKey, if_match: IfMatch = None
) -> Response:
    """No other occurrence is made; the answer is the task, `If-Match` its ETag."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.end_recurrence(connection, actor, task_id, if_match)

    return await change(request, actor, key, step)
