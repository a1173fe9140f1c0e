"""HTTP of dossiers of boundary areas."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Query, Request, Response

from agreements_api.boundary_cases import errors, past_repository, repository, service
from agreements_api.boundary_cases.models import CaseKind, CaseState, Side
from agreements_api.boundary_cases.permissions import allowed_actions, step_actions
from agreements_api.boundary_cases.repository import Connection, Filter
from agreements_api.boundary_cases.schemas import (
    BoundaryCaseCreate,
    BoundaryCasePublic,
    BoundaryCaseUpdate,
    Closing,
    StepConfirmation,
)
from agreements_api.history.instants import AsOf
from agreements_api.history.past import NotOfThePast, body_of
from agreements_api.history.schemas import LogEntryPublic
from agreements_api.policy import check_scope
from agreements_api.representation import page_response, record_response
from agreements_api.tasks.errors import TaskNotFound
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
from shared.etags import not_modified, unless_held
from shared.idempotency import write_once
from shared.pagination import Cursors, cut
from shared.schemas import Page

router = APIRouter(tags=["boundary cases"])

States = Annotated[Sequence[CaseState], Query()]
Kinds = Annotated[Sequence[CaseKind], Query()]


@router.get("/boundary-cases", operation_id="list_boundary_cases", response_model=Page[BoundaryCasePublic])
async def list_boundary_cases(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    agreement_id: UUID | None = None,
    state: States = (),
    kind: Kinds = (),
    locality: Annotated[UUID | None, Query(description="Unit of one of the two sides.")] = None,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Dossiers of the agreements that the caller's organisation is a member of, the newest first.

    With `as_of`, of one agreement.
    """
    if as_of is not None and agreement_id is None:
        raise NotOfThePast(
            "agreement_id",
            "Cần agreement_id khi hỏi as_of: hồ sơ của quá khứ được liệt kê theo từng thỏa thuận.",
            "as_of needs agreement_id: dossiers of the past are listed for one agreement.",
            code="missing",
        )
    narrowed = Filter(agreement_id=agreement_id, states=state, kinds=kind, locality=locality)
    async with database.read(actor) as connection:
        return await _page(request, connection, actor, cursors, narrowed, limit, cursor, as_of)


@router.get(
    "/tasks/{task_id}/boundary-cases",
    operation_id="list_task_boundary_cases",
    response_model=Page[BoundaryCasePublic],
)
async def list_task_boundary_cases(
    task_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    state: States = (),
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Dossiers of one task, the newest first."""
    check_scope(actor, "boundary_case.read")
    narrowed = Filter(task_id=task_id, states=state)
    async with database.read(actor) as connection:
        if not await repository.task_is_visible(connection, actor.organization_id, task_id, as_of):
            raise TaskNotFound
        return await _page(request, connection, actor, cursors, narrowed, limit, cursor, as_of)


@router.post(
    "/tasks/{task_id}/boundary-cases",
    operation_id="open_boundary_case",
    status_code=201,
    response_model=BoundaryCasePublic,
)
async def open_boundary_case(
    task_id: UUID, body: BoundaryCaseCreate, request: Request, actor: ActorDep, key: IdempotencyKey
) -> Response:
    """Open a dossier of an area that people of one locality cultivate or inhabit in another."""

    async def step(connection: Connection) -> Response:
        return _shown(actor, await service.open_case(connection, actor, task_id, body), status_code=201)

    return await write_once(request, actor, key, step)


@router.get("/boundary-cases/{boundary_case_id}", operation_id="read_boundary_case", response_model=BoundaryCasePublic)
async def read_boundary_case(
    boundary_case_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One dossier, with its steps and what the caller may do with each."""
    check_scope(actor, "boundary_case.read")
    if as_of is not None:
        async with database.read(actor) as connection:
            was = await past_repository.read(connection, actor.organization_id, boundary_case_id, as_of)
        if was is None:
            raise errors.CaseNotFound
        case = service.as_it_was(was)
        return unless_held(if_none_match, record_response(body_of(case), case["version"]))
    async with database.read(actor) as connection:
        row = await repository.read(connection, actor.organization_id, boundary_case_id)
    if row is None:
        raise errors.CaseNotFound
    shown = _shown(actor, row)
    return not_modified(if_none_match, shown.headers["etag"]) or shown


@router.patch(
    "/boundary-cases/{boundary_case_id}", operation_id="update_boundary_case", response_model=BoundaryCasePublic
)
async def update_boundary_case(
    boundary_case_id: UUID,
    body: BoundaryCaseUpdate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Change what is counted, or the steps before anybody has confirmed one."""

    async def step(connection: Connection) -> Response:
        return _shown(actor, await service.update(connection, actor, boundary_case_id, if_match, body))

    return await write_once(request, actor, key, step)


@router.post(
    "/boundary-cases/{boundary_case_id}/steps/{step_id}/confirm",
    operation_id="confirm_boundary_step",
    response_model=BoundaryCasePublic,
)
async def confirm_boundary_step(
    boundary_case_id: UUID,
    step_id: UUID,
    body: StepConfirmation,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Confirm a step for one's own side; with both sides it is completed."""

    async def step(connection: Connection) -> Response:
        row = await service.confirm(connection, actor, boundary_case_id, step_id, if_match, body.remark)
        return _shown(actor, row)

    return await write_once(request, actor, key, step)


@router.post(
    "/boundary-cases/{boundary_case_id}/steps/{step_id}/take-back",
    operation_id="take_back_boundary_step",
    response_model=BoundaryCasePublic,
)
async def take_back_boundary_step(
    boundary_case_id: UUID,
    step_id: UUID,
    body: StepConfirmation,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Take back one's own side's confirmation, until the other side has confirmed as well."""

    async def step(connection: Connection) -> Response:
        row = await service.take_back(connection, actor, boundary_case_id, step_id, if_match, body.remark)
        return _shown(actor, row)

    return await write_once(request, actor, key, step)


@router.post(
    "/boundary-cases/{boundary_case_id}/close", operation_id="close_boundary_case", response_model=BoundaryCasePublic
)
async def close_boundary_case(
    boundary_case_id: UUID,
    body: Closing,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Close the dossier of an area that was handed over."""

    async def step(connection: Connection) -> Response:
        return _shown(actor, await service.close(connection, actor, boundary_case_id, if_match, body.remark))

    return await write_once(request, actor, key, step)


@router.get(
    "/boundary-cases/{boundary_case_id}/history",
    operation_id="list_boundary_case_history",
    response_model=Page[LogEntryPublic],
)
async def list_boundary_case_history(
    boundary_case_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Every change of the dossier, by whom and when, the newest first."""
    check_scope(actor, "boundary_case.read")
    scope = f"boundary-case-history:{boundary_case_id}"
    before = int(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        seer = actor.organization_id
        rows = await repository.log(connection, seer, boundary_case_id, before=before, limit=limit + 1, as_of=as_of)
        if not rows and not await repository.is_visible(connection, seer, boundary_case_id, as_of):
            raise errors.CaseNotFound
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["version"]]) if last else None
    return page_response(request, [row["body"] for row in items], following, None)


async def _page(
    request: Request,
    connection: Connection,
    actor: Actor,
    cursors: Cursors,
    narrowed: Filter,
    limit: int,
    cursor: str | None,
    as_of: datetime | None,
) -> Response:
    check_scope(actor, "boundary_case.read")
    scope, seer = f"boundary-cases:{narrowed.task_id}", actor.organization_id
    before = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    if as_of is None:
        rows = await repository.list_cases(connection, seer, narrowed, before=before, limit=limit + 1)
    else:
        rows = await past_repository.list_cases(connection, seer, narrowed, as_of=as_of, before=before, limit=limit + 1)
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["id"]]) if last else None
    bodies = [_body(actor, row) if as_of is None else body_of(service.as_it_was(row["state"])) for row in items]
    return page_response(request, bodies, following, None)


def _shown(actor: Actor, row: asyncpg.Record, *, status_code: int = 200) -> Response:
    location = f"/v1/boundary-cases/{row['id']}"
    return record_response(_body(actor, row), row["version"], status_code=status_code, location=location)


def _body(actor: Actor, row: asyncpg.Record) -> str:
    case = orjson.loads(row["body"])
    answering = {
        side: UUID(shown["answering_organization_id"]) for side, shown in zip(Side, case["sides"], strict=True)
    }
    sides = service.sides_of(actor, answering, row["relations"])
    relations = service.relations_of(row["relations"], sides)
    for step, possible in zip(case["steps"], service.possible_with(case, sides), strict=True):
        step["allowed_actions"] = step_actions(actor, row["state"], relations, possible)
    case["allowed_actions"] = allowed_actions(actor, row["state"], relations)
    return orjson.dumps(case).decode()
