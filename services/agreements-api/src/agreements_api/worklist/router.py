"""HTTP of worklists."""

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from agreements_api.dependencies import SettingsDep
from agreements_api.representation import page_response
from agreements_api.worklist import service
from agreements_api.worklist.models import Urgency, WorkKind, WorkScope
from agreements_api.worklist.repository import Position
from agreements_api.worklist.schemas import Worklist
from agreements_api.worklist.service import Asked
from shared.dependencies import (
    PAGE,
    ActorDep,
    CursorParameter,
    CursorsDep,
    DatabaseDep,
    IfNoneMatch,
    Language,
    Limit,
)
from shared.etags import not_modified

router = APIRouter(tags=["my work"])


@router.get("/my-work", operation_id="list_my_work", response_model=Worklist)
async def list_my_work(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    settings: SettingsDep,
    language: Language,
    scope: Annotated[
        WorkScope,
        Query(description="What is the caller's own to do, or all that waits for his organisation."),
    ] = WorkScope.PERSON,
    kind: Annotated[Sequence[WorkKind], Query()] = (),
    urgency: Annotated[Sequence[Urgency], Query()] = (),
    agreement_id: UUID | None = None,
    assignee: Annotated[
        UUID | None, Query(description="Of the organisation: what this person handles. Others' for its leaders only.")
    ] = None,
    unassigned: Annotated[bool, Query(description="Of the organisation: what nobody handles.")] = False,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """What waits to be accepted, reported, confirmed, signed, answered or decided, the most urgent first.

    A person's list has what he handles, what his role alone may do and, for a leader, what nobody handles. Each item
    says in words why it is due and which call ends it; the counts are of the whole list.
    """
    asked = Asked(scope, kind, urgency, agreement_id, assignee, unassigned)
    service.check(actor, asked)
    named = f"my-work:{scope}"
    after = None if cursor is None else _position(cursors.decode(named, cursor))
    async with database.read(actor) as connection:
        found = await service.read(
            connection,
            actor,
            asked,
            report_days=settings.report_working_days,
            after=after,
            limit=limit,
        )
    following = None if found.following is None else cursors.encode(named, found.following)
    items = [service.shown(actor, row, found.day, language) for row in found.rows]
    answer = page_response(request, items, following, None, beside={"counts": found.counted.as_json()})
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    answer.headers.update({"ETag": tag, "Content-Language": language, "Vary": "Accept-Language"})
    return not_modified(if_none_match, tag) or answer


def _position(values: Sequence[str]) -> Position:
    due_on, subject_id, step = values
    return date.fromisoformat(due_on), UUID(subject_id), step
