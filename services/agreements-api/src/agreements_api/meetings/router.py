"""HTTP of meetings."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Query, Request, Response

from agreements_api.history.instants import AsOf
from agreements_api.history.past import body_of
from agreements_api.history.schemas import LogEntryPublic
from agreements_api.meetings import errors, outcomes, past, past_repository, repository, service
from agreements_api.meetings.changing import relations_of
from agreements_api.meetings.models import MeetingKind, MeetingStatus
from agreements_api.meetings.permissions import allowed_actions, outcome_actions
from agreements_api.meetings.repository import Connection, Filter
from agreements_api.meetings.schemas import (
    AttendanceReplace,
    Cancellation,
    Holding,
    MeetingCreate,
    MeetingPublic,
    MeetingUpdate,
    MinutesCreate,
    MinutesPublic,
    Moment,
    OutcomeAssign,
    OutcomeCreate,
    OutcomeUpdate,
)
from agreements_api.policy import check_scope
from agreements_api.representation import page_response, record_response
from shared.auth import Actor
from shared.db import Database
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
from shared.etags import not_modified, unless_held
from shared.idempotency import write_once
from shared.pagination import Cursors, cut
from shared.schemas import Page

router = APIRouter(tags=["meetings"])

Rows = Callable[[Connection, UUID | None, UUID, int | None, int], Awaitable[list[asyncpg.Record]]]


class MeetingSort(StrEnum):
    FIRST = "starts_at"
    LATEST = "-starts_at"


@router.get("/meetings", operation_id="list_meetings", response_model=Page[MeetingPublic])
async def list_meetings(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    agreement_id: UUID | None = None,
    status: Annotated[Sequence[MeetingStatus], Query()] = (),
    kind: Annotated[Sequence[MeetingKind], Query()] = (),
    organization: Annotated[UUID | None, Query(description="Hosts it, is invited or came.")] = None,
    starts_after: Moment | None = None,
    starts_before: Moment | None = None,
    sort: MeetingSort = MeetingSort.LATEST,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Meetings of the agreements that the caller's organisation is a member of, the latest first.

    With `as_of`, of one agreement.
    """
    check_scope(actor, "meeting.read")
    if as_of is not None:
        past.check_narrowing(agreement_id)
    narrowed = Filter(agreement_id, status, kind, organization, starts_after, starts_before)
    scope = f"meetings:{sort}"
    after = _position(cursors.decode(scope, cursor)) if cursor is not None else None
    seer, latest_first = actor.organization_id, sort is MeetingSort.LATEST
    async with database.read(actor) as connection:
        if as_of is None:
            rows = await repository.list_meetings(
                connection, seer, narrowed, after=after, latest_first=latest_first, limit=limit + 1
            )
        else:
            rows = await past_repository.list_meetings(
                connection, seer, narrowed, as_of=as_of, after=after, latest_first=latest_first, limit=limit + 1
            )
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["starts_at"], last["id"]]) if last else None
    bodies = [_body(actor, row) if as_of is None else body_of(past.as_it_was(row["state"])) for row in items]
    return page_response(request, bodies, following, None)


@router.post(
    "/agreements/{agreement_id}/meetings", operation_id="plan_meeting", status_code=201, response_model=MeetingPublic
)
async def plan_meeting(
    agreement_id: UUID, body: MeetingCreate, request: Request, actor: ActorDep, key: IdempotencyKey
) -> Response:
    """Plan a meeting of the agreement's parties and invite them."""

    async def step(connection: Connection) -> Response:
        row = await service.plan(connection, actor, agreement_id, body)
        return _shown(actor, row, status_code=201, location=f"/v1/meetings/{row['id']}")

    return await write_once(request, actor, key, step)


@router.get("/meetings/{meeting_id}", operation_id="read_meeting", response_model=MeetingPublic)
async def read_meeting(
    meeting_id: UUID, database: DatabaseDep, actor: ActorDep, as_of: AsOf = None, if_none_match: IfNoneMatch = None
) -> Response:
    """One meeting, with whom it invited, who came, what it concluded and what the caller may do with it."""
    check_scope(actor, "meeting.read")
    if as_of is not None:
        async with database.read(actor) as connection:
            was = await past_repository.read(connection, actor.organization_id, meeting_id, as_of)
        if was is None:
            raise errors.MeetingNotFound
        meeting = past.as_it_was(was["state"])
        return unless_held(if_none_match, record_response(body_of(meeting), meeting["version"]))
    async with database.read(actor) as connection:
        row = await repository.read(connection, actor.organization_id, meeting_id)
    if row is None:
        raise errors.MeetingNotFound
    shown = _shown(actor, row)
    return not_modified(if_none_match, shown.headers["etag"]) or shown


@router.patch("/meetings/{meeting_id}", operation_id="update_meeting", response_model=MeetingPublic)
async def update_meeting(
    meeting_id: UUID,
    body: MeetingUpdate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Move a planned meeting, or change its agenda, its place, its guests."""

    async def step(connection: Connection) -> Response:
        return _shown(actor, await service.update(connection, actor, meeting_id, if_match, body))

    return await write_once(request, actor, key, step)


@router.post("/meetings/{meeting_id}/hold", operation_id="hold_meeting", response_model=MeetingPublic)
async def hold_meeting(
    meeting_id: UUID,
    body: Holding,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Record that the meeting was held, and who came."""

    async def step(connection: Connection) -> Response:
        return _shown(actor, await service.hold(connection, actor, meeting_id, if_match, body))

    return await write_once(request, actor, key, step)


@router.post("/meetings/{meeting_id}/cancel", operation_id="cancel_meeting", response_model=MeetingPublic)
async def cancel_meeting(
    meeting_id: UUID,
    body: Cancellation,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Call the meeting off, with a reason."""

    async def step(connection: Connection) -> Response:
        return _shown(actor, await service.cancel(connection, actor, meeting_id, if_match, body.reason))

    return await write_once(request, actor, key, step)


@router.put("/meetings/{meeting_id}/attendance", operation_id="record_attendance", response_model=MeetingPublic)
async def record_attendance(
    meeting_id: UUID,
    body: AttendanceReplace,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Correct who came to a meeting that was held."""

    async def step(connection: Connection) -> Response:
        return _shown(actor, await service.record_attendance(connection, actor, meeting_id, if_match, body))

    return await write_once(request, actor, key, step)


@router.get("/meetings/{meeting_id}/minutes", operation_id="list_minutes", response_model=Page[MinutesPublic])
async def list_minutes(
    meeting_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """The minutes, the newest text first; every earlier one is kept."""

    async def rows(
        connection: Connection, organization_id: UUID | None, subject: UUID, before: int | None, most: int
    ) -> list[asyncpg.Record]:
        return await repository.minutes(connection, organization_id, subject, before=before, limit=most, as_of=as_of)

    return await _parts(
        request, database, actor, cursors, meeting_id, ("minutes", "revision"), rows, limit, cursor, as_of
    )


@router.put(
    "/meetings/{meeting_id}/minutes", operation_id="write_minutes", status_code=201, response_model=MeetingPublic
)
async def write_minutes(
    meeting_id: UUID,
    body: MinutesCreate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Write the minutes of a meeting that was held, or a new text of them."""

    async def step(connection: Connection) -> Response:
        row = await service.write_minutes(connection, actor, meeting_id, if_match, body.text)
        return _shown(actor, row, status_code=201, location=f"/v1/meetings/{meeting_id}/minutes")

    return await write_once(request, actor, key, step)


@router.post(
    "/meetings/{meeting_id}/outcomes", operation_id="record_outcome", status_code=201, response_model=MeetingPublic
)
async def record_outcome(
    meeting_id: UUID,
    body: OutcomeCreate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Record what the meeting concluded."""

    async def step(connection: Connection) -> Response:
        row = await outcomes.record(connection, actor, meeting_id, if_match, body)
        return _shown(actor, row, status_code=201, location=f"/v1/meetings/{meeting_id}")

    return await write_once(request, actor, key, step)


@router.patch(
    "/meetings/{meeting_id}/outcomes/{outcome_id}", operation_id="update_outcome", response_model=MeetingPublic
)
async def update_outcome(
    meeting_id: UUID,
    outcome_id: UUID,
    body: OutcomeUpdate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Change an outcome that is no task yet."""

    async def step(connection: Connection) -> Response:
        return _shown(actor, await outcomes.update(connection, actor, meeting_id, outcome_id, if_match, body))

    return await write_once(request, actor, key, step)


@router.post(
    "/meetings/{meeting_id}/outcomes/{outcome_id}/assign",
    operation_id="assign_outcome",
    status_code=201,
    response_model=MeetingPublic,
)
async def assign_outcome(
    meeting_id: UUID,
    outcome_id: UUID,
    body: OutcomeAssign,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Make the outcome a task of the agreement; `Location` is the task's."""

    async def step(connection: Connection) -> Response:
        row, task_id = await outcomes.assign(connection, actor, meeting_id, outcome_id, if_match, body)
        return _shown(actor, row, status_code=201, location=f"/v1/tasks/{task_id}")

    return await write_once(request, actor, key, step)


@router.get("/meetings/{meeting_id}/history", operation_id="list_meeting_history", response_model=Page[LogEntryPublic])
async def list_meeting_history(
    meeting_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """What was changed of the meeting, by whom and when, the newest first."""

    async def rows(
        connection: Connection, organization_id: UUID | None, subject: UUID, before: int | None, most: int
    ) -> list[asyncpg.Record]:
        return await repository.log(connection, organization_id, subject, before=before, limit=most, as_of=as_of)

    return await _parts(
        request, database, actor, cursors, meeting_id, ("history", "version"), rows, limit, cursor, as_of
    )


async def _parts(
    request: Request,
    database: Database,
    actor: Actor,
    cursors: Cursors,
    meeting_id: UUID,
    part: tuple[str, str],
    read: Rows,
    limit: int,
    cursor: str | None,
    as_of: datetime | None,
) -> Response:
    """What lies beside a meeting (its name and what it is numbered by), the newest first."""
    check_scope(actor, "meeting.read")
    name, number = part
    scope = f"meeting-{name}:{meeting_id}"
    before = int(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        rows = await read(connection, actor.organization_id, meeting_id, before, limit + 1)
        if not rows and not await repository.is_visible(connection, actor.organization_id, meeting_id, as_of):
            raise errors.MeetingNotFound
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last[number]]) if last else None
    return page_response(request, [row["body"] for row in items], following, None)


def _position(values: Sequence[str]) -> tuple[datetime, UUID]:
    return datetime.fromisoformat(values[0]), UUID(values[1])


def _shown(actor: Actor, row: asyncpg.Record, *, status_code: int = 200, location: str | None = None) -> Response:
    return record_response(_body(actor, row), row["version"], status_code=status_code, location=location)


def _body(actor: Actor, row: asyncpg.Record) -> str:
    meeting = orjson.loads(row["body"])
    relations = relations_of(actor, row)
    for outcome in meeting["outcomes"]:
        outcome["allowed_actions"] = outcome_actions(
            actor, relations, assigned=outcome["task_id"] is not None, assignable=row["assignable"]
        )
    meeting["allowed_actions"] = allowed_actions(actor, row["status"], relations)
    return orjson.dumps(meeting).decode()
