"""HTTP of tasks."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request, Response

from agreements_api.agreements.schemas import Day, Empty
from agreements_api.dependencies import SettingsDep
from agreements_api.history.instants import AsOf
from agreements_api.history.router import history_page
from agreements_api.history.schemas import HistoryPublic
from agreements_api.policy import check_scope
from agreements_api.representation import json_response, page_response
from agreements_api.tasks import drafts, errors, lists_repository, reading_repository, service
from agreements_api.tasks.answers import bodies_of, change, etag_of, shown
from agreements_api.tasks.lists_repository import Filter
from agreements_api.tasks.models import TaskRelation, TaskStatus
from agreements_api.tasks.past import repository as past_repository
from agreements_api.tasks.past import service as past
from agreements_api.tasks.schemas import (
    ConfirmationPublic,
    ProgressReportCreate,
    ProgressReportPublic,
    Reason,
    Remark,
    ReportDraft,
    ReportPeriod,
    Submission,
    TaskCreate,
    TaskPublic,
    TaskUpdate,
)
from agreements_api.tasks.steps import Connection
from agreements_api.tasks.timeliness import Timeliness, soon_until
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
    get_actor,
)
from shared.etags import etag, not_modified
from shared.pagination import Cursors, cut
from shared.routes import HotRoute, plain
from shared.schemas import Page
from shared.text import fold

router = APIRouter(tags=["tasks"])


class TaskSort(StrEnum):
    DUE = "due_on"
    LAST_DUE = "-due_on"
    UPDATED = "updated_at"
    LATEST = "-updated_at"
    CREATED = "created_at"
    NEWEST = "-created_at"


def _read_plainly(request: Request) -> Awaitable[Response] | None:
    if request.scope["query_string"]:
        return None
    try:
        task_id = UUID(request.path_params["task_id"])
    except ValueError:
        return None
    return _read(request, task_id, request.headers.get("if-none-match"))


@plain(_read_plainly)
async def read_task(task_id: UUID, request: Request, as_of: AsOf = None, if_none_match: IfNoneMatch = None) -> Response:
    """One task, with its timeliness today and what the caller may do with it."""
    if as_of is not None:
        return await _read_past(request, task_id, as_of, if_none_match)
    return await _read(request, task_id, if_none_match)


# The most frequent request of all: its route is the first that is looked at.
router.add_api_route(
    "/tasks/{task_id}",
    read_task,
    methods=["GET"],
    operation_id="read_task",
    response_model=TaskPublic,
    route_class_override=HotRoute,
)


@dataclass(frozen=True)
class _Asked:
    """What a list was asked for, once its parameters are known to be right."""

    narrowed: Filter
    sort: TaskSort
    count: bool
    limit: int
    cursor: str | None


# Lists are asked for in few ways and again and again: what a query means is found out once. Filled with what was valid.
_ASKED: dict[bytes, _Asked] = {}
_MOST_ASKED = 1024


def _list_plainly(request: Request) -> Awaitable[Response] | None:
    asked = _ASKED.get(request.scope["query_string"])
    return None if asked is None else _list(request, asked)


@plain(_list_plainly)
async def list_tasks(
    request: Request,
    _: ActorDep,
    status: Annotated[Sequence[TaskStatus], Query()] = (),
    timeliness: Annotated[Sequence[Timeliness], Query(description="Of today; `overdue` lists what is late.")] = (),
    agreement_id: UUID | None = None,
    due_before: Annotated[Day | None, Query(description="Due on a day before this one.")] = None,
    due_after: Annotated[Day | None, Query(description="Due on a day after this one.")] = None,
    locality: Annotated[UUID | None, Query(description="Unit of an organisation that takes part.")] = None,
    organization: Annotated[UUID | None, Query(description="Organisation that takes part.")] = None,
    relation: Annotated[
        Sequence[TaskRelation],
        Query(description="How it takes part; of the caller's own organisation where no other is named."),
    ] = (),
    field: Annotated[str | None, Query(max_length=100)] = None,
    q: Annotated[str | None, Query(max_length=200, description="Words of the title; diacritics do not count.")] = None,
    as_of: AsOf = None,
    sort: TaskSort = TaskSort.DUE,
    count: Annotated[bool, Query(description="Also count all that match.")] = False,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Tasks of the agreements that the caller's organisation is a member of; tasks without a deadline come last.

    As of an instant they are those of one agreement (`agreement_id`), without `q`.
    """
    narrowed = Filter(
        statuses=status,
        timeliness=timeliness,
        agreement_id=agreement_id,
        due_before=due_before,
        due_after=due_after,
        locality=locality,
        organization=organization,
        relations=relation,
        field=field,
        folded=fold(q) if q else None,
    )
    asked = _Asked(narrowed, sort, count, limit, cursor)
    if as_of is not None:
        return await _list_past(request, asked, as_of)
    if cursor is None:
        if len(_ASKED) >= _MOST_ASKED:
            _ASKED.clear()
        _ASKED[request.scope["query_string"]] = asked
    return await _list(request, asked)


router.add_api_route(
    "/tasks",
    list_tasks,
    methods=["GET"],
    operation_id="list_tasks",
    response_model=Page[TaskPublic],
    route_class_override=HotRoute,
)


@router.post("/agreements/{agreement_id}/tasks", operation_id="assign_task", status_code=201, response_model=TaskPublic)
async def assign_task(
    agreement_id: UUID, body: TaskCreate, request: Request, actor: ActorDep, key: IdempotencyKey
) -> Response:
    """Assign a task of an agreement in force to a lead, with coordinating and monitoring organisations."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.assign(connection, actor, agreement_id, body)

    return await change(request, actor, key, step, status_code=201)


@router.patch("/tasks/{task_id}", operation_id="update_task", response_model=TaskPublic)
async def update_task(
    task_id: UUID,
    body: TaskUpdate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Change a task, or its deadlines, by a merge patch (RFC 7396); the first deadline stays on record."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.update(connection, actor, task_id, if_match, body)

    return await change(request, actor, key, step)


@router.post("/tasks/{task_id}/accept", operation_id="accept_task", response_model=TaskPublic)
async def accept_task(
    task_id: UUID,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
    body: Empty | None = None,
) -> Response:
    """The lead takes the task on."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.accept(connection, actor, task_id, if_match)

    return await change(request, actor, key, step)


@router.post("/tasks/{task_id}/reports", operation_id="report_progress", status_code=201, response_model=TaskPublic)
async def report_progress(
    task_id: UUID,
    body: ProgressReportCreate,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Report the progress of a period; the answer is the task, which shows the report as its last one."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.report(connection, actor, task_id, if_match, body)

    return await change(request, actor, key, step, status_code=201)


@router.post("/tasks/{task_id}/submit", operation_id="submit_task", response_model=TaskPublic)
async def submit_task(
    task_id: UUID,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    settings: SettingsDep,
    if_match: IfMatch = None,
    body: Submission | None = None,
) -> Response:
    """Submit a finished task: its progress becomes 100 percent, and its coordinating parties confirm or return it.

    Whoever has not answered by the end of `respond_by` counts as having confirmed.
    """

    async def step(connection: Connection) -> asyncpg.Record:
        days = settings.response_working_days
        return await service.submit(connection, actor, task_id, if_match, body or Submission(), response_days=days)

    return await change(request, actor, key, step)


@router.post("/tasks/{task_id}/confirm", operation_id="confirm_task", response_model=TaskPublic)
async def confirm_task(
    task_id: UUID,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
    body: Remark | None = None,
) -> Response:
    """Confirm a submission from the other side; with the last coordinating party the task is completed."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.confirm(connection, actor, task_id, if_match, body.remark if body else None)

    return await change(request, actor, key, step)


@router.post("/tasks/{task_id}/return", operation_id="return_task", response_model=TaskPublic)
async def return_task(
    task_id: UUID,
    body: Reason,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Send a submission back to its lead; the confirmations that it had are void."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.send_back(connection, actor, task_id, if_match, body.reason)

    return await change(request, actor, key, step)


@router.post("/tasks/{task_id}/refuse", operation_id="refuse_task", response_model=TaskPublic)
async def refuse_task(
    task_id: UUID,
    body: Reason,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    settings: SettingsDep,
    if_match: IfMatch = None,
) -> Response:
    """Refuse to confirm a submission: the reason becomes an obstacle, and the task goes back to its lead."""

    async def step(connection: Connection) -> asyncpg.Record:
        days = settings.obstacle_working_days
        return await service.refuse(connection, actor, task_id, if_match, body.reason, obstacle_days=days)

    return await change(request, actor, key, step)


@router.post("/tasks/{task_id}/complete", operation_id="complete_task", response_model=TaskPublic)
async def complete_task(
    task_id: UUID,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
    body: Remark | None = None,
) -> Response:
    """Complete a submitted task that has no coordinating party to confirm it."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.complete(connection, actor, task_id, if_match, body.remark if body else None)

    return await change(request, actor, key, step)


@router.post("/tasks/{task_id}/cancel", operation_id="cancel_task", response_model=TaskPublic)
async def cancel_task(
    task_id: UUID,
    body: Reason,
    request: Request,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Cancel a task that is not completed; it stays on record and counts in no figure."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.cancel(connection, actor, task_id, if_match, body.reason)

    return await change(request, actor, key, step)


@router.get("/tasks/{task_id}/reports", operation_id="list_progress_reports", response_model=Page[ProgressReportPublic])
async def list_progress_reports(
    task_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Every progress report, the newest first, also those that were corrected."""
    return await _parts(request, database, actor, cursors, task_id, "reports", limit, cursor, as_of)


@router.get("/tasks/{task_id}/reports/draft", operation_id="draft_progress_report", response_model=ReportDraft)
async def draft_progress_report(
    task_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    period: Annotated[
        ReportPeriod | None, Query(description="By default the period in which the task comes again, else the month.")
    ] = None,
) -> ReportDraft:
    """The next report, begun with what the last one said, for the official period that is due."""
    check_scope(actor, "task.read")
    async with database.read(actor) as connection:
        return await drafts.draft(connection, actor, task_id, period)


@router.get(
    "/tasks/{task_id}/confirmations", operation_id="list_confirmations", response_model=Page[ConfirmationPublic]
)
async def list_confirmations(
    task_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Every confirmation and return, the newest first, also those that no longer hold."""
    return await _parts(request, database, actor, cursors, task_id, "confirmations", limit, cursor, as_of)


@router.get("/tasks/{task_id}/history", operation_id="list_task_history", response_model=Page[HistoryPublic])
async def list_task_history(
    task_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Every change of the task: who, when, what, from → to; the newest first."""
    check_scope(actor, "task.read")
    return await history_page(request, database, actor, cursors, task_id, limit, cursor, errors.TaskNotFound, as_of)


async def _read(request: Request, task_id: UUID, if_none_match: str | None) -> Response:
    actor = await get_actor(request)
    check_scope(actor, "task.read")
    database: Database = request.app.state.database
    today = clock.today()
    async with database.read(actor) as connection:
        row = await reading_repository.read(
            connection, actor.organization_id, task_id, today=today, soon=soon_until(today)
        )
    if row is None:
        raise errors.TaskNotFound
    return not_modified(if_none_match, etag_of(row)) or shown(actor, row)


async def _read_past(request: Request, task_id: UUID, as_of: datetime, if_none_match: str | None) -> Response:
    actor = await get_actor(request)
    check_scope(actor, "task.read")
    database: Database = request.app.state.database
    async with database.read(actor) as connection:
        version, stand, body = await past.read(connection, actor, task_id, as_of)
    tag = etag(version, stand)
    return not_modified(if_none_match, tag) or json_response(body, headers={"ETag": tag})


async def _parts(
    request: Request,
    database: Database,
    actor: Actor,
    cursors: CursorsDep,
    task_id: UUID,
    part: str,
    limit: int,
    cursor: str | None,
    as_of: datetime | None,
) -> Response:
    check_scope(actor, "task.read")
    scope = f"{part}:{task_id}"
    before = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        rows = await reading_repository.read_parts(
            connection, actor.organization_id, task_id, part, before=before, limit=limit + 1, as_of=as_of
        )
        if not rows and not await reading_repository.is_visible(connection, actor.organization_id, task_id, as_of):
            raise errors.TaskNotFound
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["id"]]) if last else None
    return page_response(request, [row["body"] for row in items], following, None)


async def _list(request: Request, asked: _Asked) -> Response:
    actor = await get_actor(request)
    check_scope(actor, "task.read")
    cursors: Cursors = request.app.state.cursors
    database: Database = request.app.state.database
    scope = f"tasks:{asked.sort}"
    after = None if asked.cursor is None else _position(asked.sort, cursors.decode(scope, asked.cursor))
    organization_id, narrowed = actor.organization_id, asked.narrowed
    today = clock.today()
    soon = soon_until(today)
    async with database.read(actor) as connection:
        rows = await lists_repository.list_tasks(
            connection,
            organization_id,
            narrowed,
            sort=asked.sort,
            after=after,
            limit=asked.limit + 1,
            today=today,
            soon=soon,
        )
        total = (
            await lists_repository.count_tasks(connection, organization_id, narrowed, today=today, soon=soon)
            if asked.count
            else None
        )
    items, last = cut(rows, asked.limit)
    following = cursors.encode(scope, [last["sort_value"], last["id"]]) if last else None
    return page_response(request, bodies_of(actor, items), following, total)


async def _list_past(request: Request, asked: _Asked, as_of: datetime) -> Response:
    actor = await get_actor(request)
    check_scope(actor, "task.read")
    past.check_narrowing(asked.narrowed)
    cursors: Cursors = request.app.state.cursors
    database: Database = request.app.state.database
    scope = f"tasks:{asked.sort}:{asked.narrowed.agreement_id}:past"
    after = None if asked.cursor is None else _position(asked.sort, cursors.decode(scope, asked.cursor))
    organization_id, narrowed = actor.organization_id, asked.narrowed
    today = clock.day_of(as_of)
    soon = soon_until(today)
    async with database.read(actor) as connection:
        rows = await past_repository.list_tasks(
            connection,
            organization_id,
            narrowed,
            as_of=as_of,
            sort=asked.sort,
            after=after,
            limit=asked.limit + 1,
            today=today,
            soon=soon,
        )
        total = (
            await past_repository.count_tasks(
                connection, organization_id, narrowed, as_of=as_of, today=today, soon=soon
            )
            if asked.count
            else None
        )
    items, last = cut(rows, asked.limit)
    following = cursors.encode(scope, [last["sort_value"], last["id"]]) if last else None
    return page_response(request, past.bodies(items), following, total)


def _position(sort: TaskSort, values: Sequence[str]) -> tuple[date | datetime, UUID]:
    value, identity = values
    kind = date if sort in (TaskSort.DUE, TaskSort.LAST_DUE) else datetime
    return kind.fromisoformat(value), UUID(identity)
