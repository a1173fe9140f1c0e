"""HTTP of urgings and of requests for an explanation."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request, Response

from agreements_api.dependencies import SettingsDep
from agreements_api.history.instants import AsOf
from agreements_api.history.past import NotOfThePast
from agreements_api.policy import check_scope
from agreements_api.representation import json_response, page_response, record_response, with_actions
from agreements_api.tasks.answers import check_visible
from agreements_api.urgings import errors, past_repository, repository, service
from agreements_api.urgings.models import UrgingKind, UrgingStatus
from agreements_api.urgings.permissions import allowed_actions
from agreements_api.urgings.repository import Filter
from agreements_api.urgings.schemas import Answer, UrgingCreate, UrgingPublic
from shared import clock
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
from shared.etags import etag, not_modified, unless_held
from shared.idempotency import write_once
from shared.pagination import Cursors, cut
from shared.schemas import Page

router = APIRouter(tags=["urgings"])

Connection: TypeAlias = "asyncpg.Connection[Any]"
Overdue = Annotated[bool | None, Query(description="Whether the day to answer is over without an answer.")]
Statuses = Annotated[Sequence[UrgingStatus], Query()]
# The segment of each kind in the path of a task.
PATHS = {UrgingKind.URGING: "urgings", UrgingKind.EXPLANATION: "explanations"}


@router.get("/urgings", operation_id="list_urgings", response_model=Page[UrgingPublic])
async def list_urgings(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    kind: Annotated[Sequence[UrgingKind], Query()] = (),
    status: Statuses = (),
    agreement_id: UUID | None = None,
    task_id: UUID | None = None,
    organization: Annotated[UUID | None, Query(description="Who has to answer.")] = None,
    overdue: Overdue = None,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Urgings and requests for explanations in all tasks that the caller's organisation sees, the newest first.

    With `as_of`, of one agreement or task.
    """
    if as_of is not None and agreement_id is None and task_id is None:
        raise NotOfThePast(
            "agreement_id",
            "Cần agreement_id hoặc task_id khi hỏi as_of.",
            "as_of needs agreement_id or task_id: urgings of the past are listed for one agreement or task.",
            code="missing",
        )
    narrowed = Filter(agreement_id, task_id, kind, status, organization, overdue)
    return await _list(request, database, actor, cursors, "urgings", narrowed, limit, cursor, as_of)


@router.post("/tasks/{task_id}/urgings", operation_id="urge_task", status_code=201, response_model=UrgingPublic)
async def urge_task(
    task_id: UUID, body: UrgingCreate, request: Request, actor: ActorDep, key: IdempotencyKey, settings: SettingsDep
) -> Response:
    """Urge the lead of a task, or another organisation that takes part (đôn đốc); it has to answer."""
    return await _ask(request, actor, key, task_id, UrgingKind.URGING, body, settings.urging_working_days)


@router.get("/tasks/{task_id}/urgings", operation_id="list_task_urgings", response_model=Page[UrgingPublic])
async def list_task_urgings(
    task_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    status: Statuses = (),
    overdue: Overdue = None,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """How often the task was urged, the newest first, with the answers."""
    narrowed = Filter(task_id=task_id, kinds=[UrgingKind.URGING], statuses=status, overdue=overdue)
    scope = f"urgings:{task_id}"
    return await _list(request, database, actor, cursors, scope, narrowed, limit, cursor, as_of)


@router.get("/tasks/{task_id}/urgings/{urging_id}", operation_id="read_urging", response_model=UrgingPublic)
async def read_urging(
    task_id: UUID,
    urging_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One urging, and whether the caller is to answer it."""
    return await _read(database, actor, task_id, UrgingKind.URGING, urging_id, as_of, if_none_match)


@router.post("/tasks/{task_id}/urgings/{urging_id}/answer", operation_id="answer_urging", response_model=UrgingPublic)
async def answer_urging(
    task_id: UUID,
    urging_id: UUID,
    body: Answer,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Answer an urging for the organisation that was asked, once."""
    return await _answer(request, actor, key, task_id, UrgingKind.URGING, urging_id, if_match, body)


@router.post(
    "/tasks/{task_id}/explanations",
    operation_id="request_explanation",
    status_code=201,
    response_model=UrgingPublic,
)
async def request_explanation(
    task_id: UUID, body: UrgingCreate, request: Request, actor: ActorDep, key: IdempotencyKey, settings: SettingsDep
) -> Response:
    """Ask the lead of a task, or another organisation that takes part, to explain itself (yêu cầu giải trình)."""
    return await _ask(request, actor, key, task_id, UrgingKind.EXPLANATION, body, settings.urging_working_days)


@router.get("/tasks/{task_id}/explanations", operation_id="list_explanations", response_model=Page[UrgingPublic])
async def list_explanations(
    task_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    status: Statuses = (),
    overdue: Overdue = None,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Which explanations were asked for in the task, the newest first, with what was given."""
    narrowed = Filter(task_id=task_id, kinds=[UrgingKind.EXPLANATION], statuses=status, overdue=overdue)
    scope = f"explanations:{task_id}"
    return await _list(request, database, actor, cursors, scope, narrowed, limit, cursor, as_of)


@router.get(
    "/tasks/{task_id}/explanations/{explanation_id}", operation_id="read_explanation", response_model=UrgingPublic
)
async def read_explanation(
    task_id: UUID,
    explanation_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One request for an explanation, and whether the caller is to give it."""
    return await _read(database, actor, task_id, UrgingKind.EXPLANATION, explanation_id, as_of, if_none_match)


@router.post(
    "/tasks/{task_id}/explanations/{explanation_id}/answer",
    operation_id="give_explanation",
    response_model=UrgingPublic,
)
async def give_explanation(
    task_id: UUID,
    explanation_id: UUID,
    body: Answer,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Give the explanation for the organisation that was asked, once."""
    return await _answer(request, actor, key, task_id, UrgingKind.EXPLANATION, explanation_id, if_match, body)


async def _ask(
    request: Request, actor: Actor, key: str, task_id: UUID, kind: UrgingKind, body: UrgingCreate, days: int
) -> Response:
    async def step(connection: Connection) -> asyncpg.Record:
        return await service.ask(connection, actor, task_id, kind, body, days=days)

    return await _change(request, actor, key, task_id, step, status_code=201)


async def _answer(
    request: Request,
    actor: Actor,
    key: str,
    task_id: UUID,
    kind: UrgingKind,
    urging_id: UUID,
    if_match: str | None,
    body: Answer,
) -> Response:
    async def step(connection: Connection) -> asyncpg.Record:
        return await service.answer(connection, actor, task_id, kind, urging_id, if_match, body.answer)

    return await _change(request, actor, key, task_id, step)


async def _read(
    database: Database,
    actor: Actor,
    task_id: UUID,
    kind: UrgingKind,
    urging_id: UUID,
    as_of: datetime | None,
    if_none_match: str | None,
) -> Response:
    check_scope(actor, "urging.read")
    if as_of is not None:
        return await _read_past(database, actor, task_id, kind, urging_id, as_of, if_none_match)
    async with database.read(actor) as connection:
        row = await repository.read(connection, actor.organization_id, task_id, kind, urging_id, today=clock.today())
    if row is None:
        raise errors.UrgingNotFound
    return unless_held(if_none_match, _shown(actor, task_id, row))


async def _read_past(
    database: Database,
    actor: Actor,
    task_id: UUID,
    kind: UrgingKind,
    urging_id: UUID,
    as_of: datetime,
    if_none_match: str | None,
) -> Response:
    seer, day = actor.organization_id, clock.day_of(as_of)
    async with database.read(actor) as connection:
        was = await past_repository.read(connection, seer, task_id, kind, urging_id, as_of=as_of, day=day)
    if was is None:
        raise errors.UrgingNotFound
    tag = _etag(was)
    return not_modified(if_none_match, tag) or json_response(with_actions(was["body"], ()), headers={"ETag": tag})


async def _list(
    request: Request,
    database: Database,
    actor: Actor,
    cursors: Cursors,
    scope: str,
    narrowed: Filter,
    limit: int,
    cursor: str | None,
    as_of: datetime | None = None,
) -> Response:
    check_scope(actor, "urging.read")
    before = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    seer = actor.organization_id
    async with database.read(actor) as connection:
        if as_of is None:
            rows = await repository.list_urgings(
                connection, seer, narrowed, today=clock.today(), before=before, limit=limit + 1
            )
        else:
            day = clock.day_of(as_of)
            rows = await past_repository.list_urgings(
                connection, seer, narrowed, as_of=as_of, day=day, before=before, limit=limit + 1
            )
        if not rows and scope != "urgings":
            assert narrowed.task_id is not None
            await check_visible(connection, actor, narrowed.task_id, as_of)
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["id"]]) if last else None
    bodies = [_body(actor, row) if as_of is None else with_actions(row["body"], ()) for row in items]
    return page_response(request, bodies, following, None)


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
    location = f"/v1/tasks/{task_id}/{PATHS[UrgingKind(row['kind'])]}/{row['id']}"
    return record_response(_body(actor, row), row["version"], status_code=status_code, location=location)


def _body(actor: Actor, row: asyncpg.Record) -> str:
    kind = UrgingKind(row["kind"])
    return with_actions(row["body"], allowed_actions(actor, kind, row["status"], row["relations"]))


def _etag(row: asyncpg.Record) -> str:
    # That a day is over changes without a version.
    return etag(row["version"], "overdue" if row["overdue"] else "in_time")
