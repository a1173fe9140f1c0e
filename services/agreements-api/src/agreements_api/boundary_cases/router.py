"""HTTP of dossiers of boundary areas."""

import hashlib
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Query, Request, Response

from agreements_api.boundary_cases import errors, repository, service
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
from agreements_api.history.schemas import LogEntryPublic
from agreements_api.policy import check_scope
from agreements_api.representation import json_response, page_response
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
from shared.etags import etag, not_modified
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
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Dossiers of the agreements that the caller's organisation is a member of, the newest first."""
    narrowed = Filter(agreement_id=agreement_id, states=state, kinds=kind, locality=locality)
    async with database.read(actor) as connection:
        return await _page(request, connection, actor, cursors, narrowed, limit, cursor)


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
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Dossiers of one task, the newest first."""
    check_scope(actor, "boundary_case.read")
    async with database.read(actor) as connection:
        if not await repository.task_is_visible(connection, actor.organization_id, task_id):
            raise TaskNotFound
        return await _page(request, connection, actor, cursors, Filter(task_id=task_id, states=state), limit, cursor)


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
    boundary_case_id: UUID, database: DatabaseDep, actor: ActorDep, if_none_match: IfNoneMatch = None
) -> Response:
    """One dossier, with its steps and what the caller may do with each."""
    check_scope(actor, "boundary_case.read")
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
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Every change of the dossier, by whom and when, the newest first."""
    check_scope(actor, "boundary_case.read")
    scope = f"boundary-case-history:{boundary_case_id}"
    before = int(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        rows = await repository.log(connection, actor.organization_id, boundary_case_id, before=before, limit=limit + 1)
        if not rows and not await repository.is_visible(connection, actor.organization_id, boundary_case_id):
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
) -> Response:
    check_scope(actor, "boundary_case.read")
    scope = f"boundary-cases:{narrowed.task_id}"
    before = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    rows = await repository.list_cases(connection, actor.organization_id, narrowed, before=before, limit=limit + 1)
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["id"]]) if last else None
    return page_response(request, [_body(actor, row) for row in items], following, None)


def _shown(actor: Actor, row: asyncpg.Record, *, status_code: int = 200) -> Response:
    body = _body(actor, row)
    # Who answers for a side changes with the task and without a version; variants are told apart by letters.
    content = "".join(chr(ord("a") + byte % 26) for byte in hashlib.sha256(body.encode()).digest()[:16])
    headers = {"ETag": etag(row["version"], content)}
    if status_code == 201:
        headers["Location"] = f"/v1/boundary-cases/{row['id']}"
    return json_response(body, status_code=status_code, headers=headers)


def _body(actor: Actor, row: asyncpg.Record) -> str:
    case = orjson.loads(row["body"])
    answering = {
        side: UUID(shown["answering_organization_id"]) for side, shown in zip(Side, case["sides"], strict=True)
    }
    sides = service.sides_of(actor, answering)
    relations = service.relations_of(row["relations"], sides)
    for step, possible in zip(case["steps"], service.possible_with(case, sides), strict=True):
        step["allowed_actions"] = step_actions(actor, row["state"], relations, possible)
    case["allowed_actions"] = allowed_actions(actor, row["state"], relations)
    return orjson.dumps(case).decode()
