"""HTTP of the history of users, clients and organisations."""

from collections.abc import Awaitable
from typing import Protocol
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Request, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.administration import service
from agreements_api.administration.schemas import AdministrationEntryPublic
from agreements_api.representation import page_response
from shared.auth import Actor
from shared.dependencies import PAGE, ActorDep, CursorParameter, CursorsDep, Limit, SessionDep
from shared.pagination import Cursors, cut
from shared.schemas import Page

router = APIRouter(tags=["administration"])


@router.get(
    "/users/{user_id}/history", operation_id="list_user_history", response_model=Page[AdministrationEntryPublic]
)
async def list_user_history(
    user_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """What was done to an account, by whom and when, the newest first; one's own, or as administrator."""
    return await _page(request, session, actor, cursors, service.history_of_user, user_id, limit, cursor)


@router.get(
    "/clients/{client_id}/history", operation_id="list_client_history", response_model=Page[AdministrationEntryPublic]
)
async def list_client_history(
    client_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """What was done to a district system, by whom and when, the newest first."""
    return await _page(request, session, actor, cursors, service.history_of_client, client_id, limit, cursor)


@router.get(
    "/organizations/{organization_id}/history",
    operation_id="list_organization_history",
    response_model=Page[AdministrationEntryPublic],
)
async def list_organization_history(
    organization_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """What was done to an organisation and its focal points, and whose accounts changed, the newest first."""
    return await _page(
        request, session, actor, cursors, service.history_of_organization, organization_id, limit, cursor
    )


class _History(Protocol):
    def __call__(
        self, session: AsyncSession, actor: Actor, subject_id: UUID, /, *, before: int | None, limit: int
    ) -> Awaitable[list[asyncpg.Record]]: ...


async def _page(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    cursors: Cursors,
    history: _History,
    subject_id: UUID,
    limit: int,
    cursor: str | None,
) -> Response:
    scope = f"administration:{subject_id}"
    before = int(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    rows = await history(session, actor, subject_id, before=before, limit=limit + 1)
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["entry"]]) if last else None
    return page_response(request, [row["body"] for row in items], following, None)
