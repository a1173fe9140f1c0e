"""HTTP of dependencies."""

from typing import Annotated
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Query, Request, Response

from agreements_api.agreements.schemas import Day
from agreements_api.history.instants import AsOf
from agreements_api.history.past import body_of, shown
from agreements_api.policy import Caller, check_scope
from agreements_api.representation import json_response, page_response, with_actions
from agreements_api.task_dependencies import repository, service
from agreements_api.task_dependencies.models import Direction
from agreements_api.task_dependencies.permissions import allowed_actions
from agreements_api.task_dependencies.schemas import DependencyCreate, DependencyPublic, Impact
from agreements_api.tasks.answers import check_visible
from agreements_api.tasks.steps import Connection
from shared.dependencies import (
    PAGE,
    ActorDep,
    CursorParameter,
    CursorsDep,
    DatabaseDep,
    IdempotencyKey,
    IfMatch,
    Limit,
)
from shared.idempotency import write_once
from shared.pagination import cut
from shared.schemas import Page

router = APIRouter(tags=["tasks"])


@router.get("/tasks/{task_id}/dependencies", operation_id="list_dependencies", response_model=Page[DependencyPublic])
async def list_dependencies(
    task_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    direction: Annotated[Direction, Query(description="What it waits for, or what waits for it.")] = (
        Direction.PREDECESSORS
    ),
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """The tasks that have to be finished first, or those that wait for this one; the newest link first."""
    check_scope(actor, "task.read")
    scope = f"dependencies:{task_id}:{direction}"
    before = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    seer = actor.organization_id
    async with database.read(actor) as connection:
        if as_of is None:
            rows = await repository.list_of(connection, seer, task_id, direction, before=before, limit=limit + 1)
        else:
            rows = await repository.list_past(
                connection, seer, task_id, as_of, direction, before=before, limit=limit + 1
            )
        if not rows:
            await check_visible(connection, actor, task_id, as_of)
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["id"]]) if last else None
    caller = Caller.of(actor)
    bodies = [_body(caller, row) if as_of is None else _past(row) for row in items]
    return page_response(request, bodies, following, None)


@router.get("/tasks/{task_id}/dependencies/impact", operation_id="read_dependency_impact", response_model=Impact)
async def read_dependency_impact(
    task_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    due_on: Annotated[
        Day | None, Query(description="The day on which the task is finished; by default when due, or today if late.")
    ] = None,
) -> Impact:
    """What a slip of the task does to those behind it, by working days."""
    check_scope(actor, "task.read")
    async with database.read(actor) as connection:
        return await service.impact(connection, actor, task_id, due_on)


@router.post(
    "/tasks/{task_id}/dependencies",
    operation_id="add_dependency",
    status_code=201,
    response_model=DependencyPublic,
)
async def add_dependency(
    task_id: UUID,
    body: DependencyCreate,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Let the task wait for another one of its agreement; `If-Match` is the ETag of the task."""

    async def answer(connection: Connection) -> Response:
        dependency_id = await service.add(connection, actor, task_id, if_match, body)
        row = await repository.read(connection, actor.organization_id, task_id, dependency_id)
        assert row is not None
        return json_response(_body(Caller.of(actor), row), status_code=201)

    return await write_once(request, actor, key, answer)


@router.delete("/tasks/{task_id}/dependencies/{dependency_id}", operation_id="remove_dependency", status_code=204)
async def remove_dependency(
    task_id: UUID,
    dependency_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """The task waits for the other one no more; `If-Match` is the ETag of the task."""

    async def answer(connection: Connection) -> Response:
        await service.remove(connection, actor, task_id, dependency_id, if_match)
        return Response(status_code=204)

    return await write_once(request, actor, key, answer)


def _body(caller: Caller, row: asyncpg.Record) -> str:
    return with_actions(row["body"], allowed_actions(caller, row["status"], row["relations"]))


def _past(row: asyncpg.Record) -> str:
    return with_actions(body_of(shown(DependencyPublic, orjson.loads(row["state"]))), ())
