"""HTTP of comments."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Query, Request, Response

from agreements_api.comments import errors, repository, service
from agreements_api.comments.permissions import allowed_actions
from agreements_api.comments.schemas import CommentCreate, CommentPublic, CommentUpdate, CommentVersion, PersonPublic
from agreements_api.history.instants import AsOf
from agreements_api.history.past import Json, body_of
from agreements_api.policy import check_scope
from agreements_api.representation import json_response, page_response, record_response, with_actions
from agreements_api.tasks.answers import check_visible
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

router = APIRouter(tags=["comments"])

Connection: TypeAlias = "asyncpg.Connection[Any]"


@router.get("/tasks/{task_id}/comments", operation_id="list_comments", response_model=Page[CommentPublic])
async def list_comments(
    task_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """What was said about the task, the newest first; one that was taken back has no text."""
    check_scope(actor, "comment.read")
    scope = f"comments:{task_id}"
    before = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        if as_of is None:
            rows = await repository.list_comments(connection, actor, task_id, before=before, limit=limit + 1)
        else:
            rows = await repository.list_past(connection, actor, task_id, as_of, before=before, limit=limit + 1)
        if not rows:
            await check_visible(connection, actor, task_id, as_of)
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["id"]]) if last else None
    bodies = [_body(actor, row) if as_of is None else _past(service.as_it_was(actor, row)) for row in items]
    return page_response(request, bodies, following, None)


@router.post("/tasks/{task_id}/comments", operation_id="add_comment", status_code=201, response_model=CommentPublic)
async def add_comment(
    task_id: UUID, body: CommentCreate, request: Request, actor: ActorDep, key: IdempotencyKey
) -> Response:
    """Say something about the task to all who see it, and name those who should look."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.add(connection, actor, task_id, body)

    return await _change(request, actor, key, task_id, step, status_code=201)


@router.get("/tasks/{task_id}/comments/{comment_id}", operation_id="read_comment", response_model=CommentPublic)
async def read_comment(
    task_id: UUID,
    comment_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One comment, and what the caller may do with it."""
    check_scope(actor, "comment.read")
    if as_of is not None:
        async with database.read(actor) as connection:
            was = await repository.read_past(connection, actor, task_id, comment_id, as_of)
        if was is None:
            raise errors.CommentNotFound
        state = service.as_it_was(actor, was)
        tag = etag(state["version"])
        return not_modified(if_none_match, tag) or json_response(_past(state), headers={"ETag": tag})
    async with database.read(actor) as connection:
        row = await repository.read(connection, actor, task_id, comment_id)
    if row is None:
        raise errors.CommentNotFound
    return unless_held(if_none_match, _shown(actor, task_id, row))


@router.patch("/tasks/{task_id}/comments/{comment_id}", operation_id="update_comment", response_model=CommentPublic)
async def update_comment(
    task_id: UUID,
    comment_id: UUID,
    body: CommentUpdate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Word one's own comment anew by a merge patch (RFC 7396); what it said before is kept."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.update(connection, actor, task_id, comment_id, if_match, body)

    return await _change(request, actor, key, task_id, step)


@router.delete("/tasks/{task_id}/comments/{comment_id}", operation_id="delete_comment", response_model=CommentPublic)
async def delete_comment(
    task_id: UUID,
    comment_id: UUID,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Take one's own comment back: its place stays, its text is shown no more."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.delete(connection, actor, task_id, comment_id, if_match)

    return await _change(request, actor, key, task_id, step)


@router.get(
    "/tasks/{task_id}/comments/{comment_id}/versions",
    operation_id="list_comment_versions",
    response_model=Page[CommentVersion],
)
async def list_comment_versions(
    task_id: UUID,
    comment_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """What a comment has said, the newest first: for its author and for leaders of the custodian."""
    scope = f"comment-versions:{comment_id}"
    before = int(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        rows = await service.read_versions(
            connection, actor, task_id, comment_id, before=before, limit=limit + 1, as_of=as_of
        )
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["version"]]) if last else None
    return page_response(request, [row["body"] for row in items], following, None)


@router.get("/tasks/{task_id}/people", operation_id="list_task_people", response_model=Page[PersonPublic])
async def list_task_people(
    task_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    organization: Annotated[UUID | None, Query(description="Only people of this one.")] = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Whom a comment on the task can name: active people of the organisations that see it."""
    scope = f"people:{task_id}"
    after = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        rows = await service.people(connection, actor, task_id, organization=organization, after=after, limit=limit + 1)
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["account_id"]]) if last else None
    return page_response(request, [orjson.dumps(dict(row), default=str).decode() for row in items], following, None)


async def _change(
    request: Request,
    actor: Actor,
    key: str,
    task_id: UUID,
    step: Callable[[Connection], Awaitable[asyncpg.Record]],
    *,
    status_code: int = 200,
) -> Response:
    """One step in one transaction, which is committed before the answer leaves."""

    async def answer(connection: Connection) -> Response:
        return _shown(actor, task_id, await step(connection), status_code=status_code)

    return await write_once(request, actor, key, answer)


def _shown(actor: Actor, task_id: UUID, row: asyncpg.Record, *, status_code: int = 200) -> Response:
    location = f"/v1/tasks/{task_id}/comments/{row['id']}"
    return record_response(_body(actor, row), row["version"], status_code=status_code, location=location)


def _past(state: Json) -> str:
    return with_actions(body_of(state), ())


def _body(actor: Actor, row: asyncpg.Record) -> str:
    return with_actions(row["body"], allowed_actions(actor, row["state"], row["relations"]))
