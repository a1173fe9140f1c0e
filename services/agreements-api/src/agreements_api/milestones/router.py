"""HTTP of milestones."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Request, Response

from agreements_api.history.instants import AsOf
from agreements_api.history.past import Json, body_of, shown
from agreements_api.milestones import errors, repository, service
from agreements_api.milestones.permissions import allowed_actions
from agreements_api.milestones.schemas import MilestoneCreate, MilestonePublic, MilestoneUpdate
from agreements_api.policy import Caller, check_scope
from agreements_api.representation import json_response, page_response, record_response, with_actions
from agreements_api.tasks.answers import check_visible
from agreements_api.tasks.steps import Connection
from shared.auth import Actor
from shared.dependencies import (
    PAGE,
    ActorDep,
    CursorParameter,
    CursorsDep,
    DatabaseDep,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    Limit,
)
from shared.etags import etag, not_modified, unless_held
from shared.idempotency import write_once
from shared.pagination import cut
from shared.schemas import Page

router = APIRouter(tags=["tasks"])


@router.get("/tasks/{task_id}/milestones", operation_id="list_milestones", response_model=Page[MilestonePublic])
async def list_milestones(
    task_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """What has to be reached on the way, in its order."""
    check_scope(actor, "task.read")
    scope = f"milestones:{task_id}"
    after = None
    if cursor is not None:
        position, milestone_id = cursors.decode(scope, cursor)
        after = (int(position), UUID(milestone_id))
    seer = actor.organization_id
    async with database.read(actor) as connection:
        if as_of is None:
            rows = await repository.list_of(connection, seer, task_id, after=after, limit=limit + 1)
        else:
            rows = await repository.list_past(connection, seer, task_id, as_of, after=after, limit=limit + 1)
        if not rows:
            await check_visible(connection, actor, task_id, as_of)
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["position"], last["id"]]) if last else None
    bodies = [_body(actor, row) if as_of is None else _past(orjson.loads(row["state"])) for row in items]
    return page_response(request, bodies, following, None)


@router.post(
    "/tasks/{task_id}/milestones", operation_id="add_milestone", status_code=201, response_model=MilestonePublic
)
async def add_milestone(
    task_id: UUID,
    body: MilestoneCreate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Add a milestone; `If-Match` is the ETag of the task."""

    async def step(connection: Connection) -> UUID:
        return await service.add(connection, actor, task_id, if_match, body)

    return await _change(request, actor, key, task_id, step, status_code=201)


@router.get("/tasks/{task_id}/milestones/{milestone_id}", operation_id="read_milestone", response_model=MilestonePublic)
async def read_milestone(
    task_id: UUID,
    milestone_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One milestone, and what the caller may do with it."""
    check_scope(actor, "task.read")
    if as_of is not None:
        async with database.read(actor) as connection:
            was = await repository.read_past(connection, actor.organization_id, task_id, as_of, milestone_id)
        if was is None:
            raise errors.MilestoneNotFound
        state = orjson.loads(was["state"])
        tag = etag(state["version"])
        return not_modified(if_none_match, tag) or json_response(_past(state), headers={"ETag": tag})
    async with database.read(actor) as connection:
        row = await repository.read(connection, actor.organization_id, task_id, milestone_id)
    if row is None:
        raise errors.MilestoneNotFound
    return unless_held(if_none_match, _shown(actor, row))


@router.patch(
    "/tasks/{task_id}/milestones/{milestone_id}", operation_id="update_milestone", response_model=MilestonePublic
)
async def update_milestone(
    task_id: UUID,
    milestone_id: UUID,
    body: MilestoneUpdate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Change a milestone, or say that it was reached, by a merge patch (RFC 7396)."""

    async def step(connection: Connection) -> UUID:
        await service.change(connection, actor, task_id, milestone_id, if_match, body)
        return milestone_id

    return await _change(request, actor, key, task_id, step)


@router.delete("/tasks/{task_id}/milestones/{milestone_id}", operation_id="remove_milestone", status_code=204)
async def remove_milestone(
    task_id: UUID,
    milestone_id: UUID,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Take a milestone out of the plan; the task's history keeps it."""

    async def answer(connection: Connection) -> Response:
        await service.remove(connection, actor, task_id, milestone_id, if_match)
        return Response(status_code=204)

    return await write_once(request, actor, key, answer)


async def _change(
    request: Request,
    actor: Actor,
    key: str,
    task_id: UUID,
    step: Callable[[Connection], Awaitable[UUID]],
    *,
    status_code: int = 200,
) -> Response:
    async def answer(connection: Connection) -> Response:
        row = await repository.read(connection, actor.organization_id, task_id, await step(connection))
        assert row is not None
        return _shown(actor, row, status_code=status_code)

    return await write_once(request, actor, key, answer)


def _shown(actor: Actor, row: asyncpg.Record, *, status_code: int = 200) -> Response:
    location = f"/v1/tasks/{row['task_id']}/milestones/{row['id']}"
    return record_response(_body(actor, row), row["version"], status_code=status_code, location=location)


def _past(state: Json) -> str:
    return with_actions(body_of(shown(MilestonePublic, state)), ())


def _body(actor: Actor, row: asyncpg.Record) -> str:
    return with_actions(row["body"], allowed_actions(Caller.of(actor), row["status"], row["relations"]))
