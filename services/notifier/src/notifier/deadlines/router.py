"""HTTP of deadlines."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from notifier.deadlines import repository
from notifier.deadlines.models import ONLY_TOLD, DeadlineRole, DeadlineSubject
from notifier.deadlines.schemas import DeadlinePublic
from notifier.deadlines.upcoming import last_day, shown
from notifier.dependencies import PlannerDep
from notifier.permissions import DEADLINES, SIGNINGS, check_scope, has_scope
from notifier.representation import page_response
from shared import clock
from shared.dependencies import PAGE, ActorDep, CursorParameter, CursorsDep, DatabaseDep, Limit
from shared.pagination import cut
from shared.schemas import Page

router = APIRouter(prefix="/deadlines", tags=["deadlines"])

_SCOPE = "deadlines"


@router.get("", operation_id="list_deadlines", response_model=Page[DeadlinePublic])
async def list_deadlines(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    planner: PlannerDep,
    within: Annotated[int, Query(ge=0, le=260, description="Working days ahead; what is overdue is always told.")] = 14,
    role: Annotated[Sequence[DeadlineRole], Query(description="Only where the organisation is this.")] = (),
    subject_kind: Annotated[Sequence[DeadlineSubject], Query(description="Only of these kinds.")] = (),
    count: Annotated[bool, Query(description="Also count all that match.")] = False,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Open deadlines of the caller's organisation, the earliest first, each with the alerts that will fire.

    They are of its tasks, of what it is asked about tasks, and of agreements that wait for its signature; the latter a
    client sees with `agreements:read` only.
    """
    check_scope(actor, DEADLINES)
    hidden = ONLY_TOLD | (set() if has_scope(actor, SIGNINGS) else {DeadlineSubject.AGREEMENT})
    visible = [kind for kind in DeadlineSubject if kind not in hidden]
    kinds = [kind for kind in visible if not subject_kind or kind in subject_kind]
    after = None
    if cursor is not None:
        due_on, task_id = cursors.decode(_SCOPE, cursor)
        after = (date.fromisoformat(due_on), UUID(task_id))
    now = clock.now()
    until = last_day(planner, clock.day_of(now), within)
    if actor.organization_id is None:
        return page_response(request, Page[DeadlinePublic](items=[], total=0 if count else None))
    async with database.read(actor) as connection:
        rows = await repository.list_open(
            connection, actor.organization_id, until=until, after=after, roles=role, kinds=kinds, limit=limit + 1
        )
        total = (
            await repository.count_open(connection, actor.organization_id, until=until, roles=role, kinds=kinds)
            if count
            else None
        )
    items, last = cut(rows, limit)
    page = Page[DeadlinePublic](
        items=[shown(dict(row), planner, now) for row in items],
        next_cursor=cursors.encode(_SCOPE, [last["due_on"], last["task_id"]]) if last else None,
        total=total,
    )
    return page_response(request, page)
