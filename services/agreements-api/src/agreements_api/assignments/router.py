"""HTTP of assignments, of a person's open work and of its handing over."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.assignments import service
from agreements_api.assignments.models import SubjectKind
from agreements_api.assignments.schemas import (
    Assignees,
    AssigneesReplace,
    AssignmentLogEntry,
    HandedOver,
    HandOver,
    WorkItem,
)
from agreements_api.history.instants import AsOf
from agreements_api.representation import json_response, page_response, record_response
from shared.auth import Actor
from shared.dependencies import (
    PAGE,
    ActorDep,
    CursorParameter,
    CursorsDep,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    Limit,
    SessionDep,
)
from shared.etags import etag, unless_held
from shared.idempotency import run_idempotent
from shared.pagination import Cursors, cut
from shared.schemas import Page

router = APIRouter(tags=["assignments"])


@router.get("/tasks/{task_id}/assignees", operation_id="list_task_assignees", response_model=Assignees)
async def list_task_assignees(
    task_id: UUID,
    session: SessionDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Who of the caller's own organisation handles the task."""
    return await _read(session, actor, SubjectKind.TASK, task_id, as_of, if_none_match)


@router.put("/tasks/{task_id}/assignees", operation_id="replace_task_assignees", response_model=Assignees)
async def replace_task_assignees(
    task_id: UUID,
    body: AssigneesReplace,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Name the people of one's own organisation who handle the task; others of it no longer do."""
    return await _replace(request, session, actor, key, SubjectKind.TASK, task_id, if_match, body)


@router.get(
    "/tasks/{task_id}/assignees/log",
    operation_id="list_task_assignment_log",
    response_model=Page[AssignmentLogEntry],
)
async def list_task_assignment_log(
    task_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Who handled the task in the caller's own organisation and since when, the newest change first."""
    return await _log(request, session, actor, cursors, SubjectKind.TASK, task_id, limit, cursor, as_of)


@router.get("/agreements/{agreement_id}/assignees", operation_id="list_agreement_assignees", response_model=Assignees)
async def list_agreement_assignees(
    agreement_id: UUID,
    session: SessionDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Who of the caller's own organisation handles the agreement; whoever drafts one does."""
    return await _read(session, actor, SubjectKind.AGREEMENT, agreement_id, as_of, if_none_match)


@router.put(
    "/agreements/{agreement_id}/assignees", operation_id="replace_agreement_assignees", response_model=Assignees
)
async def replace_agreement_assignees(
    agreement_id: UUID,
    body: AssigneesReplace,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Name the people of one's own organisation who handle the agreement; others of it no longer do."""
    return await _replace(request, session, actor, key, SubjectKind.AGREEMENT, agreement_id, if_match, body)


@router.get(
    "/agreements/{agreement_id}/assignees/log",
    operation_id="list_agreement_assignment_log",
    response_model=Page[AssignmentLogEntry],
)
async def list_agreement_assignment_log(
    agreement_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Who handled the agreement in the caller's own organisation and since when, the newest change first."""
    return await _log(request, session, actor, cursors, SubjectKind.AGREEMENT, agreement_id, limit, cursor, as_of)


@router.get("/users/{user_id}/open-work", operation_id="list_open_work", response_model=Page[WorkItem])
async def list_open_work(
    user_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    count: Annotated[bool, Query(description="Also count all of it.")] = False,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """What a person still has to do: tasks until they are completed, drafts until they are in force.

    One's own; the people's of the same organisation for its leaders and administrators.
    """
    scope = f"users:{user_id}:open-work"
    after = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    rows = await service.read_open_work(session, actor, user_id, after=after, limit=limit + 1)
    total = await service.count_open_work(session, actor, user_id) if count else None
    items, last = cut(rows, limit)
    return page_response(
        request,
        [
            WorkItem.model_validate(
                {name: value for name, value in row.items() if name != "assignment_id"}
            ).model_dump_json()
            for row in items
        ],
        cursors.encode(scope, [last["assignment_id"]]) if last else None,
        total,
    )


@router.post("/users/{user_id}/hand-over", operation_id="hand_over_work", response_model=HandedOver)
async def hand_over_work(
    user_id: UUID,
    body: HandOver,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Give all open work of a person, and the focal points that he is, to a colleague, all or nothing.

    Everybody hands over his own; an administrator anybody's, and may end the account in the same step.
    """

    async def handle() -> Response:
        handed = await service.hand_over(session, actor, user_id, if_match, body)
        return json_response(handed.model_dump_json(), headers={"ETag": etag(handed.version)})

    return await run_idempotent(request, session, actor, key, handle)


async def _read(
    session: AsyncSession,
    actor: Actor,
    kind: SubjectKind,
    subject_id: UUID,
    as_of: datetime | None,
    if_none_match: str | None,
) -> Response:
    return _shown(await service.read_assignees(session, actor, kind, subject_id, as_of), if_none_match)


async def _replace(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    key: str,
    kind: SubjectKind,
    subject_id: UUID,
    if_match: str | None,
    body: AssigneesReplace,
) -> Response:
    async def handle() -> Response:
        return _shown(await service.replace_assignees(session, actor, kind, subject_id, if_match, body))

    return await run_idempotent(request, session, actor, key, handle)


async def _log(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    cursors: Cursors,
    kind: SubjectKind,
    subject_id: UUID,
    limit: int,
    cursor: str | None,
    as_of: datetime | None,
) -> Response:
    scope = f"{kind}:{subject_id}:assignees"
    before = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    rows = await service.read_log(session, actor, kind, subject_id, before=before, limit=limit + 1, as_of=as_of)
    items, last = cut(rows, limit)
    return page_response(
        request,
        [AssignmentLogEntry.model_validate(dict(row)).model_dump_json() for row in items],
        cursors.encode(scope, [last["id"]]) if last else None,
        None,
    )


def _shown(assignees: Assignees, if_none_match: str | None = None) -> Response:
    # A colleague who is renamed or leaves shows here without a new version.
    return unless_held(if_none_match, record_response(assignees.model_dump_json(), assignees.version))
