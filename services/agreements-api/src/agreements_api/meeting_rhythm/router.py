"""HTTP of promises to meet and of how they are kept."""

from typing import Annotated
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Query, Request, Response

from agreements_api.agreements.errors import AgreementNotFound
from agreements_api.agreements.schemas import Day
from agreements_api.history.instants import AsOf
from agreements_api.history.past import Json, body_of, shown
from agreements_api.history.schemas import LogEntryPublic
from agreements_api.meeting_rhythm import errors, repository, service
from agreements_api.meeting_rhythm.permissions import allowed_actions
from agreements_api.meeting_rhythm.repository import Connection
from agreements_api.meeting_rhythm.schemas import MeetingRhythm, PromiseCreate, PromisePublic, PromiseUpdate
from agreements_api.policy import check_scope
from agreements_api.representation import json_response, page_response, record_response, with_actions
from shared import clock
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
from shared.etags import content_etag, etag, not_modified, unless_held
from shared.idempotency import write_once
from shared.pagination import cut
from shared.schemas import Page

router = APIRouter(tags=["meetings"])


@router.get(
    "/agreements/{agreement_id}/meeting-rhythm", operation_id="read_meeting_rhythm", response_model=MeetingRhythm
)
async def read_meeting_rhythm(
    agreement_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    on: Annotated[
        Day | None, Query(description="The day to look from; that of `as_of`, or today in Vietnam, where absent.")
    ] = None,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Promised meetings against those that were held: which are missing, which came late, which is due next."""
    check_scope(actor, "meeting_promise.read")
    async with database.read(actor) as connection:
        day = on or clock.day_of(as_of or clock.now())
        rhythm = await service.read_rhythm(connection, actor, agreement_id, day, as_of)
    body = rhythm.model_dump_json()
    # Of the content: it changes with every meeting and with the day.
    tag = content_etag(body)
    return not_modified(if_none_match, tag) or json_response(body, headers={"ETag": tag})


@router.get(
    "/agreements/{agreement_id}/meeting-promises",
    operation_id="list_meeting_promises",
    response_model=Page[PromisePublic],
)
async def list_meeting_promises(
    agreement_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """How often the parties promised to meet, in the order in which it was recorded."""
    check_scope(actor, "meeting_promise.read")
    scope = f"meeting-promises:{agreement_id}"
    after = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    seer = actor.organization_id
    async with database.read(actor) as connection:
        if as_of is None:
            rows = await repository.list_promises(connection, seer, agreement_id, after=after, limit=limit + 1)
        else:
            rows = await repository.list_past(connection, seer, agreement_id, as_of, after=after, limit=limit + 1)
        if not rows and await repository.agreement(connection, seer, agreement_id, as_of) is None:
            raise AgreementNotFound
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["id"]]) if last else None
    bodies = [_body(actor, row) if as_of is None else _past(orjson.loads(row["state"])) for row in items]
    return page_response(request, bodies, following, None)


@router.post(
    "/agreements/{agreement_id}/meeting-promises",
    operation_id="record_meeting_promise",
    status_code=201,
    response_model=PromisePublic,
)
async def record_meeting_promise(
    agreement_id: UUID, body: PromiseCreate, request: Request, actor: ActorDep, key: IdempotencyKey
) -> Response:
    """Record how often the parties of the agreement promised to meet."""

    async def step(connection: Connection) -> Response:
        row = await service.record(connection, actor, agreement_id, body)
        location = f"/v1/agreements/{agreement_id}/meeting-promises/{row['id']}"
        return _shown(actor, row, status_code=201, location=location)

    return await write_once(request, actor, key, step)


@router.get(
    "/agreements/{agreement_id}/meeting-promises/{promise_id}",
    operation_id="read_meeting_promise",
    response_model=PromisePublic,
)
async def read_meeting_promise(
    agreement_id: UUID,
    promise_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One promise."""
    check_scope(actor, "meeting_promise.read")
    if as_of is not None:
        async with database.read(actor) as connection:
            was = await repository.read_past(connection, actor.organization_id, agreement_id, as_of, promise_id)
        if was is None:
            raise errors.PromiseNotFound
        state = orjson.loads(was["state"])
        tag = etag(state["version"])
        return not_modified(if_none_match, tag) or json_response(_past(state), headers={"ETag": tag})
    async with database.read(actor) as connection:
        row = await repository.read(connection, actor.organization_id, agreement_id, promise_id)
    if row is None:
        raise errors.PromiseNotFound
    return unless_held(if_none_match, _shown(actor, row))


@router.patch(
    "/agreements/{agreement_id}/meeting-promises/{promise_id}",
    operation_id="update_meeting_promise",
    response_model=PromisePublic,
)
async def update_meeting_promise(
    agreement_id: UUID,
    promise_id: UUID,
    body: PromiseUpdate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Correct a promise, or end it by its last day."""

    async def step(connection: Connection) -> Response:
        return _shown(actor, await service.update(connection, actor, agreement_id, promise_id, if_match, body))

    return await write_once(request, actor, key, step)


@router.get(
    "/agreements/{agreement_id}/meeting-promises/{promise_id}/history",
    operation_id="list_meeting_promise_history",
    response_model=Page[LogEntryPublic],
)
async def list_meeting_promise_history(
    agreement_id: UUID,
    promise_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """What was recorded of the promise, by whom and when, the newest first."""
    check_scope(actor, "meeting_promise.read")
    scope = f"meeting-promise-history:{promise_id}"
    before = int(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        rows = await service.read_log(
            connection, actor, agreement_id, promise_id, before=before, limit=limit + 1, as_of=as_of
        )
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["version"]]) if last else None
    return page_response(request, [row["body"] for row in items], following, None)


def _shown(actor: Actor, row: asyncpg.Record, *, status_code: int = 200, location: str | None = None) -> Response:
    return record_response(_body(actor, row), row["version"], status_code=status_code, location=location)


def _past(state: Json) -> str:
    return with_actions(body_of(shown(PromisePublic, state)), ())


def _body(actor: Actor, row: asyncpg.Record) -> str:
    return with_actions(row["body"], allowed_actions(actor, row["relations"]))
