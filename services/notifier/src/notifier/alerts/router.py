"""HTTP of alerts: the caller's own, nobody else's."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response

from notifier.alerts import repository, service
from notifier.alerts.models import Alert
from notifier.alerts.schemas import AlertPublic, AlertSummary, ReadAll, ReadAllResult, Snooze
from notifier.representation import json_response, page_response
from shared.dependencies import (
    PAGE,
    ActorDep,
    CursorParameter,
    CursorsDep,
    DatabaseDep,
    IdempotencyKey,
    Language,
    Limit,
    SessionDep,
)
from shared.etags import etag
from shared.idempotency import run_idempotent
from shared.pagination import cut
from shared.schemas import Page

router = APIRouter(prefix="/alerts", tags=["alerts"])

OptionalIfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="Optional here, because an alert has one owner; 412 when it is stale."),
]
_SCOPE = "alerts"


@router.get("", operation_id="list_alerts", response_model=Page[AlertPublic])
async def list_alerts(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    language: Language,
    unread: Annotated[bool, Query(description="Only those that are neither read nor snoozed.")] = False,
    task_id: Annotated[UUID | None, Query(description="Only those of this task.")] = None,
    count: Annotated[bool, Query(description="Also count all that match.")] = False,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """The caller's alerts, the newest first."""
    after = None
    if cursor is not None:
        moment, identity = cursors.decode(_SCOPE, cursor)
        after = (datetime.fromisoformat(moment), UUID(identity))
    async with database.read(actor) as connection:
        rows = await repository.list_alerts(
            connection, actor.id, unread=unread, task_id=task_id, after=after, limit=limit + 1
        )
        total = await repository.count_alerts(connection, actor.id, unread=unread, task_id=task_id) if count else None
    items, last = cut(rows, limit)
    page = Page[AlertPublic](
        items=[service.shown(dict(row), language) for row in items],
        next_cursor=cursors.encode(_SCOPE, [last["fired_at"], last["id"]]) if last else None,
        total=total,
    )
    return page_response(request, page)


@router.get("/summary", operation_id="read_alert_summary", response_model=AlertSummary)
async def read_alert_summary(database: DatabaseDep, actor: ActorDep) -> Response:
    """How many of the caller's alerts wait to be read."""
    async with database.read(actor) as connection:
        return json_response(await service.summary(connection, actor))


@router.post("/read-all", operation_id="read_all_alerts", response_model=ReadAllResult)
async def read_all_alerts(
    request: Request, session: SessionDep, actor: ActorDep, key: IdempotencyKey, body: ReadAll | None = None
) -> Response:
    """Mark all of the caller's alerts as read."""

    async def handle() -> Response:
        wanted = body or ReadAll()
        return json_response(
            ReadAllResult(read=await service.mark_all_read(session, actor, wanted.before, wanted.task_id))
        )

    return await run_idempotent(request, session, actor, key, handle)


@router.post("/{alert_id}/read", operation_id="read_alert", response_model=AlertPublic)
async def read_alert(
    alert_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    language: Language,
    if_match: OptionalIfMatch = None,
) -> Response:
    """Mark one alert as read; marking it again changes nothing."""

    async def handle() -> Response:
        return _shown(await service.mark_read(session, actor, alert_id, if_match), language)

    return await run_idempotent(request, session, actor, key, handle)


@router.post("/{alert_id}/snooze", operation_id="snooze_alert", response_model=AlertPublic)
async def snooze_alert(
    alert_id: UUID,
    body: Snooze,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    language: Language,
    if_match: OptionalIfMatch = None,
) -> Response:
    """Put one alert off; until then it does not count as unread."""

    async def handle() -> Response:
        return _shown(await service.snooze(session, actor, alert_id, if_match, body.until), language)

    return await run_idempotent(request, session, actor, key, handle)


def _shown(alert: Alert, language: str) -> Response:
    return json_response(service.shown(alert.model_dump(), language), headers={"ETag": etag(alert.version)})
