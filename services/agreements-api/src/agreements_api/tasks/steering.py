"""HTTP of how a task is steered: interrupted, taken up again, given to others."""

from uuid import UUID

import asyncpg
from fastapi import APIRouter, Request, Response

from agreements_api.tasks import reassignment, service
from agreements_api.tasks.answers import change
from agreements_api.tasks.schemas import Reason, Reassignment, TaskPublic
from agreements_api.tasks.steps import Connection
from shared.dependencies import ActorDep, IdempotencyKey, IfMatch

router = APIRouter(tags=["tasks"])


@router.post("/tasks/{task_id}/suspend", operation_id="suspend_task", response_model=TaskPublic)
async def suspend_task(
    task_id: UUID, body: Reason, request: Request, actor: ActorDep, key: IdempotencyKey, if_match: IfMatch = None
) -> Response:
    """Interrupt a task: nothing is asked of anybody, and nobody is reminded, until it is resumed."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.suspend(connection, actor, task_id, if_match, body.reason)

    return await change(request, actor, key, step)


@router.post("/tasks/{task_id}/resume", operation_id="resume_task", response_model=TaskPublic)
async def resume_task(
    task_id: UUID, body: Reason, request: Request, actor: ActorDep, key: IdempotencyKey, if_match: IfMatch = None
) -> Response:
    """Take a suspended task up again, where it stood and under the deadline that it had."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.resume(connection, actor, task_id, if_match, body.reason)

    return await change(request, actor, key, step)


@router.post("/tasks/{task_id}/reopen", operation_id="reopen_task", response_model=TaskPublic)
async def reopen_task(
    task_id: UUID, body: Reason, request: Request, actor: ActorDep, key: IdempotencyKey, if_match: IfMatch = None
) -> Response:
    """Work on a completed or cancelled task again; the confirmations that it had are void and stay on record."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.reopen(connection, actor, task_id, if_match, body.reason)

    return await change(request, actor, key, step)


@router.post("/tasks/{task_id}/reassign", operation_id="reassign_task", response_model=TaskPublic)
async def reassign_task(
    task_id: UUID, body: Reassignment, request: Request, actor: ActorDep, key: IdempotencyKey, if_match: IfMatch = None
) -> Response:
    """Give a task to other organisations; whoever took part until now reads on, and a new lead has yet to accept."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await reassignment.reassign(connection, actor, task_id, if_match, body)

    return await change(request, actor, key, step)
