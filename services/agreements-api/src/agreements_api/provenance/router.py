"""HTTP of the chain and of open points."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request, Response

from agreements_api.agreements.errors import AgreementNotFound
from agreements_api.history.instants import AsOf
from agreements_api.policy import check_scope
from agreements_api.provenance import errors, repository, service
from agreements_api.provenance.models import OpenPoint, OpenPointKind, OpenPointState
from agreements_api.provenance.permissions import allowed_actions
from agreements_api.provenance.schemas import Carrying, OpenPointCreate, OpenPointPublic, Provenance, Resolution
from agreements_api.representation import json_response, page_response, record_response, with_actions
from shared import clock
from shared.auth import Actor
from shared.db import driver_connection
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
    SessionDep,
)
from shared.etags import content_etag, etag, not_modified, unless_held
from shared.idempotency import run_idempotent
from shared.pagination import cut
from shared.schemas import Page

router = APIRouter(tags=["provenance"])


@router.get("/agreements/{agreement_id}/provenance", operation_id="read_provenance", response_model=Provenance)
async def read_provenance(
    agreement_id: UUID, database: DatabaseDep, actor: ActorDep, if_none_match: IfNoneMatch = None, as_of: AsOf = None
) -> Response:
    """From the conclusion to the result: what the agreement carries out, what carries it out, its gaps."""
    check_scope(actor, "provenance.read")
    async with database.read(actor) as connection:
        if as_of is None:
            body = await repository.read_chain(connection, actor.organization_id, agreement_id, today=clock.today())
        else:
            body = await repository.read_chain_as_of(connection, actor.organization_id, agreement_id, as_of=as_of)
    if body is None:
        raise AgreementNotFound
    # Of the content: the chain changes with every task and with every agreement above and below.
    tag = content_etag(body)
    return not_modified(if_none_match, tag) or json_response(body, headers={"ETag": tag})


@router.get(
    "/agreements/{agreement_id}/open-points", operation_id="list_open_points", response_model=Page[OpenPointPublic]
)
async def list_open_points(
    agreement_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    state: Annotated[Sequence[OpenPointState], Query()] = (),
    kind: Annotated[Sequence[OpenPointKind], Query()] = (),
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
    as_of: AsOf = None,
) -> Response:
    """What evaluations of the agreement found wanting or proposed, the newest first."""
    check_scope(actor, "open_point.read")
    scope = f"open-points:{agreement_id}" + (f":{as_of.isoformat()}" if as_of else "")
    before = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        rows = await repository.list_points(
            connection,
            actor.organization_id,
            agreement_id,
            states=state,
            kinds=kind,
            before=before,
            limit=limit + 1,
            as_of=as_of,
        )
        if not rows and not await repository.is_visible(connection, actor.organization_id, agreement_id, as_of):
            raise AgreementNotFound
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["id"]]) if last else None
    bodies = [_body(actor, row) for row in items] if as_of is None else [with_actions(row["body"], ()) for row in items]
    return page_response(request, bodies, following, None)


@router.post(
    "/agreements/{agreement_id}/open-points",
    operation_id="raise_open_point",
    status_code=201,
    response_model=OpenPointPublic,
)
async def raise_open_point(
    agreement_id: UUID,
    body: OpenPointCreate,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
) -> Response:
    """Record a shortcoming or a recommendation of an evaluation."""

    async def step() -> OpenPoint:
        return await service.raise_point(session, actor, agreement_id, body)

    return await _change(request, session, actor, key, step, status_code=201)


@router.get("/open-points/{point_id}", operation_id="read_open_point", response_model=OpenPointPublic)
async def read_open_point(
    point_id: UUID, database: DatabaseDep, actor: ActorDep, as_of: AsOf = None, if_none_match: IfNoneMatch = None
) -> Response:
    """One open point, and what the caller may do with it."""
    check_scope(actor, "open_point.read")
    async with database.read(actor) as connection:
        if as_of is None:
            row = await repository.read_point(connection, actor.organization_id, point_id)
        else:
            row = await repository.read_point_as_of(connection, actor.organization_id, point_id, as_of)
    if row is None:
        raise errors.OpenPointNotFound
    if as_of is not None:
        tag = etag(row["version"])
        return not_modified(if_none_match, tag) or json_response(with_actions(row["body"], ()), headers={"ETag": tag})
    return unless_held(if_none_match, _shown(actor, row))


@router.post("/open-points/{point_id}/carry", operation_id="carry_open_point", response_model=OpenPointPublic)
async def carry_open_point(
    point_id: UUID,
    body: Carrying,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Carry the point into another agreement, a clause or a task, where it is taken up."""

    async def step() -> OpenPoint:
        return await service.carry(session, actor, point_id, if_match, body)

    return await _change(request, session, actor, key, step)


@router.post("/open-points/{point_id}/resolve", operation_id="resolve_open_point", response_model=OpenPointPublic)
async def resolve_open_point(
    point_id: UUID,
    body: Resolution,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Settle the point, and say how."""

    async def step() -> OpenPoint:
        return await service.resolve(session, actor, point_id, if_match, body.remark)

    return await _change(request, session, actor, key, step)


async def _change(
    request: Request,
    session: SessionDep,
    actor: Actor,
    key: str,
    step: Callable[[], Awaitable[OpenPoint]],
    *,
    status_code: int = 200,
) -> Response:
    async def handle() -> Response:
        point = await step()
        row = await repository.read_point(await driver_connection(session), actor.organization_id, point.id)
        assert row is not None
        return _shown(actor, row, status_code=status_code)

    return await run_idempotent(request, session, actor, key, handle)


def _shown(actor: Actor, row: asyncpg.Record, *, status_code: int = 200) -> Response:
    location = f"/v1/open-points/{row['id']}"
    return record_response(_body(actor, row), row["version"], status_code=status_code, location=location)


def _body(actor: Actor, row: asyncpg.Record) -> str:
    return with_actions(row["body"], allowed_actions(actor, row["state"], row["relations"]))
