"""HTTP of extensions."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Request, Response

from agreements_api.extensions import errors, repository, service
from agreements_api.extensions.permissions import allowed_actions
from agreements_api.extensions.schemas import ExtensionCreate, ExtensionPublic, Grant
from agreements_api.history.instants import AsOf
from agreements_api.history.past import Json, body_of, shown
from agreements_api.policy import Caller, check_scope
from agreements_api.representation import json_response, page_response, record_response, with_actions
from agreements_api.tasks.answers import check_visible
from agreements_api.tasks.schemas import Reason, Remark
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


@router.get("/tasks/{task_id}/extensions", operation_id="list_extensions", response_model=Page[ExtensionPublic])
async def list_extensions(
    task_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Every request for a later deadline, the newest first, with what was decided."""
    check_scope(actor, "task.read")
    scope = f"extensions:{task_id}"
    before = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    seer = actor.organization_id
    async with database.read(actor) as connection:
        if as_of is None:
            rows = await repository.list_of(connection, seer, task_id, before=before, limit=limit + 1)
        else:
            rows = await repository.list_past(connection, seer, task_id, as_of, before=before, limit=limit + 1)
        if not rows:
            await check_visible(connection, actor, task_id, as_of)
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["id"]]) if last else None
    bodies = [_body(actor, row) if as_of is None else _past(orjson.loads(row["state"])) for row in items]
    return page_response(request, bodies, following, None)


@router.post(
    "/tasks/{task_id}/extensions",
    operation_id="request_extension",
    status_code=201,
    response_model=ExtensionPublic,
)
async def request_extension(
    task_id: UUID,
    body: ExtensionCreate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Ask for a later deadline; `If-Match` is the ETag of the task."""

    async def step(connection: Connection) -> UUID:
        extension_id, _ = await service.request(connection, actor, task_id, if_match, body)
        return extension_id

    return await _change(request, actor, key, task_id, step, status_code=201)


@router.get("/tasks/{task_id}/extensions/{extension_id}", operation_id="read_extension", response_model=ExtensionPublic)
async def read_extension(
    task_id: UUID,
    extension_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One request, and what the caller may do with it."""
    check_scope(actor, "task.read")
    if as_of is not None:
        async with database.read(actor) as connection:
            was = await repository.read_past(connection, actor.organization_id, task_id, as_of, extension_id)
        if was is None:
            raise errors.ExtensionNotFound
        state = orjson.loads(was["state"])
        tag = etag(state["version"])
        return not_modified(if_none_match, tag) or json_response(_past(state), headers={"ETag": tag})
    async with database.read(actor) as connection:
        row = await repository.read(connection, actor.organization_id, task_id, extension_id)
    if row is None:
        raise errors.ExtensionNotFound
    return unless_held(if_none_match, _shown(actor, row))


@router.post(
    "/tasks/{task_id}/extensions/{extension_id}/grant",
    operation_id="grant_extension",
    response_model=ExtensionPublic,
)
async def grant_extension(
    task_id: UUID,
    extension_id: UUID,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
    body: Grant | None = None,
) -> Response:
    """Grant the date that was asked for, or another later one: it is the deadline from now on."""
    given = body or Grant()

    async def step(connection: Connection) -> UUID:
        await service.grant(
            connection, actor, task_id, extension_id, if_match, due_on=given.due_on, remark=given.remark
        )
        return extension_id

    return await _change(request, actor, key, task_id, step)


@router.post(
    "/tasks/{task_id}/extensions/{extension_id}/deny", operation_id="deny_extension", response_model=ExtensionPublic
)
async def deny_extension(
    task_id: UUID,
    extension_id: UUID,
    body: Reason,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Deny it, with a reason: the deadline stays what it is."""

    async def step(connection: Connection) -> UUID:
        await service.deny(connection, actor, task_id, extension_id, if_match, reason=body.reason)
        return extension_id

    return await _change(request, actor, key, task_id, step)


@router.post(
    "/tasks/{task_id}/extensions/{extension_id}/withdraw",
    operation_id="withdraw_extension",
    response_model=ExtensionPublic,
)
async def withdraw_extension(
    task_id: UUID,
    extension_id: UUID,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
    body: Remark | None = None,
) -> Response:
    """Take a request back before anybody has decided it; another one may follow."""
    remark = body.remark if body else None

    async def step(connection: Connection) -> UUID:
        await service.withdraw(connection, actor, task_id, extension_id, if_match, remark=remark)
        return extension_id

    return await _change(request, actor, key, task_id, step)


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
    location = f"/v1/tasks/{row['task_id']}/extensions/{row['id']}"
    return record_response(_body(actor, row), row["version"], status_code=status_code, location=location)


def _past(state: Json) -> str:
    return with_actions(body_of(shown(ExtensionPublic, state)), ())


def _body(actor: Actor, row: asyncpg.Record) -> str:
    actions = allowed_actions(Caller.of(actor), row["state"], row["status"], row["relations"])
    return with_actions(row["body"], actions)
