"""HTTP of obstacles and of the measures against them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Query, Request, Response

from agreements_api.dependencies import SettingsDep
from agreements_api.history.instants import AsOf
from agreements_api.obstacles import errors, repository, service
from agreements_api.obstacles.models import ObstacleLevel, ObstacleStatus
from agreements_api.obstacles.past import repository as past_repository
from agreements_api.obstacles.past import service as past
from agreements_api.obstacles.permissions import allowed_actions
from agreements_api.obstacles.repository import Filter
from agreements_api.obstacles.schemas import (
    EscalationReason,
    MeasureCreate,
    MeasureUpdate,
    ObstacleCreate,
    ObstacleEntry,
    ObstaclePublic,
    ObstacleResolution,
    ObstacleUpdate,
    ReopeningReason,
)
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
from shared.etags import etag, not_modified, unless_held
from shared.idempotency import write_once
from shared.pagination import cut
from shared.schemas import Page

router = APIRouter(tags=["obstacles"])

Connection: TypeAlias = "asyncpg.Connection[Any]"


@router.post(
    "/tasks/{task_id}/obstacles", operation_id="raise_obstacle", status_code=201, response_model=ObstaclePublic
)
async def raise_obstacle(
    task_id: UUID,
    body: ObstacleCreate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    settings: SettingsDep,
) -> Response:
    """Say what stands in the way of a task; the lead has so many working days, then the body above it."""

    async def step(connection: Connection) -> asyncpg.Record:
        days = settings.obstacle_working_days
        return await service.raise_obstacle(connection, actor, task_id, body.text, days=days)

    return await _change(request, actor, key, step, status_code=201)


@router.get("/obstacles", operation_id="list_obstacles", response_model=Page[ObstaclePublic])
async def list_obstacles(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    agreement_id: UUID | None = None,
    task_id: UUID | None = None,
    status: Annotated[Sequence[ObstacleStatus], Query()] = (),
    level: Annotated[Sequence[ObstacleLevel], Query()] = (),
    organization: Annotated[UUID | None, Query(description="In whose hands it is.")] = None,
    overdue: Annotated[bool | None, Query(description="Whether its clock has run out.")] = None,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Obstacles of the agreements that the caller's organisation is a member of, the newest first.

    As of an instant they are those of one agreement or one task (`agreement_id`, `task_id`).
    """
    check_scope(actor, "obstacle.read")
    before = UUID(cursors.decode("obstacles", cursor)[0]) if cursor is not None else None
    narrowed = Filter(agreement_id, task_id, status, level, organization, overdue)
    if as_of is not None:
        past.check_narrowing(narrowed)
    seer, today = actor.organization_id, clock.day_of(as_of or clock.now())
    async with database.read(actor) as connection:
        if as_of is None:
            rows = await repository.list_obstacles(
                connection, seer, narrowed, today=today, before=before, limit=limit + 1
            )
        else:
            rows = await past_repository.list_obstacles(
                connection, seer, narrowed, as_of=as_of, day=today, before=before, limit=limit + 1
            )
    items, last = cut(rows, limit)
    following = cursors.encode("obstacles", [last["id"]]) if last else None
    bodies = [
        _body(actor, row) if as_of is None else past.body(past.on_day(orjson.loads(row["state"]), today))
        for row in items
    ]
    return page_response(request, bodies, following, None)


@router.get("/obstacles/{obstacle_id}", operation_id="read_obstacle", response_model=ObstaclePublic)
async def read_obstacle(
    obstacle_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One obstacle with its measures, and what the caller may do with it."""
    check_scope(actor, "obstacle.read")
    if as_of is not None:
        async with database.read(actor) as connection:
            was = await past.read(connection, actor, obstacle_id, as_of)
        tag = etag(was["version"], past.stand(was))
        return not_modified(if_none_match, tag) or json_response(past.body(was), headers={"ETag": tag})
    async with database.read(actor) as connection:
        row = await repository.read(connection, actor.organization_id, obstacle_id, today=clock.today())
    if row is None:
        raise errors.ObstacleNotFound
    return unless_held(if_none_match, _shown(actor, row))


@router.patch("/obstacles/{obstacle_id}", operation_id="update_obstacle", response_model=ObstaclePublic)
async def update_obstacle(
    obstacle_id: UUID,
    body: ObstacleUpdate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Word an open obstacle anew by a merge patch (RFC 7396)."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.update(connection, actor, obstacle_id, if_match, body)

    return await _change(request, actor, key, step)


@router.post("/obstacles/{obstacle_id}/escalate", operation_id="escalate_obstacle", response_model=ObstaclePublic)
async def escalate_obstacle(
    obstacle_id: UUID,
    body: EscalationReason,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    settings: SettingsDep,
    if_match: IfMatch = None,
) -> Response:
    """Put it into the hands of the body above the lead, without waiting for its clock."""

    async def step(connection: Connection) -> asyncpg.Record:
        days = settings.obstacle_working_days
        return await service.escalate(connection, actor, obstacle_id, if_match, body.reason, days=days)

    return await _change(request, actor, key, step)


@router.post("/obstacles/{obstacle_id}/resolve", operation_id="resolve_obstacle", response_model=ObstaclePublic)
async def resolve_obstacle(
    obstacle_id: UUID,
    body: ObstacleResolution,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Settle it, and say how."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.resolve(connection, actor, obstacle_id, if_match, body.resolution)

    return await _change(request, actor, key, step)


@router.post("/obstacles/{obstacle_id}/reopen", operation_id="reopen_obstacle", response_model=ObstaclePublic)
async def reopen_obstacle(
    obstacle_id: UUID,
    body: ReopeningReason,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    settings: SettingsDep,
    if_match: IfMatch = None,
) -> Response:
    """It is not settled after all; its clock begins again."""

    async def step(connection: Connection) -> asyncpg.Record:
        days = settings.obstacle_working_days
        return await service.reopen(connection, actor, obstacle_id, if_match, body.reason, days=days)

    return await _change(request, actor, key, step)


@router.post(
    "/obstacles/{obstacle_id}/measures",
    operation_id="plan_measure",
    status_code=201,
    response_model=ObstaclePublic,
)
async def plan_measure(
    obstacle_id: UUID,
    body: MeasureCreate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Plan what is done about it, by whom and until when; the answer is the obstacle with its measures."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.plan_measure(connection, actor, obstacle_id, if_match, body)

    return await _change(request, actor, key, step, status_code=201)


@router.patch(
    "/obstacles/{obstacle_id}/measures/{measure_id}", operation_id="update_measure", response_model=ObstaclePublic
)
async def update_measure(
    obstacle_id: UUID,
    measure_id: UUID,
    body: MeasureUpdate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    settings: SettingsDep,
    if_match: IfMatch = None,
) -> Response:
    """Change a measure, or say that it is carried out; If-Match is the obstacle's."""

    async def step(connection: Connection) -> asyncpg.Record:
        days = settings.obstacle_working_days
        return await service.change_measure(connection, actor, obstacle_id, measure_id, if_match, body, days=days)

    return await _change(request, actor, key, step)


@router.get(
    "/obstacles/{obstacle_id}/history", operation_id="list_obstacle_history", response_model=Page[ObstacleEntry]
)
async def list_obstacle_history(
    obstacle_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Every change of the obstacle and of its measures: who, when, what; the newest first."""
    check_scope(actor, "obstacle.read")
    scope = f"obstacles:{obstacle_id}"
    before = int(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        rows = await repository.log(
            connection, actor.organization_id, obstacle_id, before=before, limit=limit + 1, as_of=as_of
        )
    if not rows and cursor is None:
        raise errors.ObstacleNotFound
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["version"]]) if last else None
    return page_response(request, [row["body"] for row in items], following, None)


async def _change(
    request: Request,
    actor: Actor,
    key: str,
    step: Callable[[Connection], Awaitable[asyncpg.Record]],
    *,
    status_code: int = 200,
) -> Response:
    """One step in one transaction, which is committed before the answer leaves."""

    async def answer(connection: Connection) -> Response:
        return _shown(actor, await step(connection), status_code=status_code)

    return await write_once(request, actor, key, answer)


def _shown(actor: Actor, row: asyncpg.Record, *, status_code: int = 200) -> Response:
    location = f"/v1/obstacles/{row['id']}"
    return record_response(_body(actor, row), row["version"], status_code=status_code, location=location)


def _body(actor: Actor, row: asyncpg.Record) -> str:
    relations = service.standing(row["relations"])
    actions = allowed_actions(actor, row["status"], row["level"], relations, escalatable=row["escalatable"])
    return with_actions(row["body"], actions)
