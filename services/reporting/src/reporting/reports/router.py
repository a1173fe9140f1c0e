"""HTTP of the report jobs."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from reporting.config import Settings
from reporting.reports import service
from reporting.reports.models import Progress, Report, ReportStatus
from reporting.reports.schemas import ProgressPublic, ReportCreate, ReportPublic
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
    SessionDep,
)
from shared.etags import check_if_match, etag, not_modified
from shared.idempotency import run_idempotent
from shared.pagination import cut
from shared.progress import followed
from shared.roles import stopping_of
from shared.schemas import Page

router = APIRouter(prefix="/reports", tags=["reports"])


@router.post("", operation_id="request_report", status_code=202, response_model=ReportPublic)
async def request_report(
    body: ReportCreate, request: Request, session: SessionDep, actor: ActorDep, key: IdempotencyKey
) -> Response:
    """Ask for a report of an agreement. It is made in the background: `Location` says where to follow it."""

    async def handle() -> Response:
        return _shown(actor, await service.request(session, actor, body), status_code=202)

    return await run_idempotent(request, session, actor, key, handle)


@router.get("", operation_id="list_reports", response_model=Page[ReportPublic])
async def list_reports(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    agreement_id: UUID | None = None,
    status: Annotated[Sequence[ReportStatus], Query()] = (),
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Reports of the caller's organization, the newest first."""
    before = None
    if cursor is not None:
        moment, identity = cursors.decode("reports", cursor)
        before = (datetime.fromisoformat(moment), UUID(identity))
    found = await service.reports(
        session, actor, agreement_id=agreement_id, statuses=status, before=before, limit=limit + 1
    )
    reports, last = cut(found, limit)
    page = Page[ReportPublic](
        items=[service.public(actor, report) for report in reports],
        next_cursor=cursors.encode("reports", [last.created_at, last.id]) if last else None,
    )
    headers = {}
    if page.next_cursor is not None:
        following = request.url.include_query_params(cursor=page.next_cursor)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return Response(page.model_dump_json(by_alias=True), headers=headers, media_type="application/json")


@router.get("/{report_id}", operation_id="read_report", response_model=ReportPublic)
async def read_report(
    report_id: UUID, session: SessionDep, actor: ActorDep, if_none_match: IfNoneMatch = None
) -> Response:
    """A report and how far it is, in percent."""
    report = await service.read(session, actor, report_id)
    return not_modified(if_none_match, etag(report.version)) or _shown(actor, report)


async def get_watched_report(report_id: UUID, database: DatabaseDep, actor: ActorDep) -> Progress:
    # A dependency, because a stream that has begun cannot turn into a 404 any more.
    async with database.read(actor) as connection:
        return await service.watched(connection, actor, report_id)


@router.get("/{report_id}/events", operation_id="stream_report_progress", response_class=EventSourceResponse)
async def stream_report_progress(
    report_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    progress: Annotated[Progress, Depends(get_watched_report)],
) -> AsyncIterator[ServerSentEvent]:
    """The report's progress as server-sent events, one for each change; the stream ends when the report does."""
    settings: Settings = request.app.state.settings

    async def read() -> Progress:
        async with database.read(actor) as connection:
            return await service.watched(connection, actor, report_id)

    async for state in followed(
        progress,
        read,
        ended=lambda state: state.ended,
        every=settings.progress_poll_seconds,
        stopping=stopping_of(request.app),
    ):
        yield ServerSentEvent(event="progress", id=str(state.version), data=ProgressPublic.of(report_id, state))


@router.get(
    "/{report_id}/content",
    operation_id="read_report_content",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}, "application/json": {}}}},
)
async def read_report_content(
    report_id: UUID, session: SessionDep, actor: ActorDep, if_none_match: IfNoneMatch = None
) -> Response:
    """The finished document; 409 until it is ready."""
    report, document = await service.content(session, actor, report_id)
    tag = f'"{report.digest}"'
    name = f"bao-cao-{report.issued_on}-{report.layout}.{report.format}"
    headers = {"ETag": tag, "Content-Disposition": f'attachment; filename="{name}"'}
    return not_modified(if_none_match, tag) or Response(document, media_type=report.media_type, headers=headers)


@router.post("/{report_id}/cancel", operation_id="cancel_report", response_model=ReportPublic)
async def cancel_report(
    report_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Stop a report that is not finished."""

    async def handle() -> Response:
        report = await service.read(session, actor, report_id, lock=True)
        check_if_match(if_match, report.version)
        return _shown(actor, await service.cancel(session, actor, report))

    return await run_idempotent(request, session, actor, key, handle)


def _shown(actor: Actor, report: Report, *, status_code: int = 200) -> Response:
    headers = {"ETag": etag(report.version)}
    if status_code == 202:
        headers["Location"] = f"/v1/reports/{report.id}"
    body = service.public(actor, report).model_dump_json(by_alias=True)
    return Response(body, status_code, headers, media_type="application/json")
