"""HTTP of dead letters, for the operator."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from notifier.dead_letters.errors import LetterNotFound
from notifier.dead_letters.schemas import DeadLetterPublic, DiscardPublic, ReplayPublic
from notifier.deadlines.consumers import GROUP as DEADLINES
from notifier.deadlines.consumers import deadline_handlers
from notifier.dependencies import PlannerDep
from notifier.feed.consumers import GROUP as FEED
from notifier.feed.consumers import HANDLERS as FEED_HANDLERS
from notifier.permissions import check_operator
from notifier.representation import json_response, page_response
from shared.auth import SYSTEM
from shared.db import Database
from shared.dependencies import (
    PAGE,
    ActorDep,
    CursorParameter,
    CursorsDep,
    DatabaseDep,
    IdempotencyKey,
    Limit,
    SessionDep,
)
from shared.idempotency import run_idempotent
from shared.inbox import DeadLetter, discard, replay, waiting
from shared.pagination import cut
from shared.schemas import Page

router = APIRouter(prefix="/dead-letters", tags=["dead letters"])


class Group(StrEnum):
    DEADLINES = DEADLINES
    FEED = FEED


GroupQuery = Annotated[Group, Query(description="The consumer that put it aside.")]
LetterId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("", operation_id="list_notifier_dead_letters", response_model=Page[DeadLetterPublic])
async def list_dead_letters(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    group: GroupQuery = Group.DEADLINES,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Events that wait for somebody to look at them, the oldest first."""
    check_operator(actor)
    scope = f"dead-letters:{group}"
    after = int(cursors.decode(scope, cursor)[0]) if cursor is not None else 0
    async with database.transaction(SYSTEM) as session:
        letters = await waiting(session, group, after=after, limit=limit + 1)
    items, last = cut(letters, limit)
    page = Page[DeadLetterPublic](
        items=[_shown(group, letter) for letter in items],
        next_cursor=cursors.encode(scope, [last.id]) if last else None,
    )
    return page_response(request, page)


@router.post("/{letter_id}/replay", operation_id="replay_notifier_dead_letter", response_model=ReplayPublic)
async def replay_dead_letter(
    letter_id: LetterId,
    request: Request,
    database: DatabaseDep,
    session: SessionDep,
    actor: ActorDep,
    planner: PlannerDep,
    key: IdempotencyKey,
    group: GroupQuery = Group.DEADLINES,
) -> Response:
    """Apply everything that waits for the letter's key, in order; the key is let go if all of it succeeds."""
    check_operator(actor)

    async def handle() -> Response:
        letter = await _letter(database, group, letter_id)
        handlers = deadline_handlers(planner) if group is Group.DEADLINES else FEED_HANDLERS
        done = await replay(database, group, letter.topic, letter.key, handlers)
        return json_response(ReplayPublic(applied=done.applied, stopped_at=done.stopped_at, error=done.error))

    return await run_idempotent(request, session, actor, key, handle)


@router.post("/{letter_id}/discard", operation_id="discard_notifier_dead_letter", response_model=DiscardPublic)
async def discard_dead_letter(
    letter_id: LetterId,
    request: Request,
    database: DatabaseDep,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    group: GroupQuery = Group.DEADLINES,
) -> Response:
    """Give one event up; `replay` then applies what waits behind it."""
    check_operator(actor)

    async def handle() -> Response:
        await _letter(database, group, letter_id)
        return json_response(DiscardPublic(discarded=await discard(session, group, letter_id)))

    return await run_idempotent(request, session, actor, key, handle)


async def _letter(database: Database, group: Group, letter_id: int) -> DeadLetter:
    async with database.transaction(SYSTEM) as session:
        found = await waiting(session, group, after=letter_id - 1, limit=1)
    if not found or found[0].id != letter_id:
        raise LetterNotFound
    return found[0]


def _shown(group: Group, letter: DeadLetter) -> DeadLetterPublic:
    return DeadLetterPublic(
        id=letter.id,
        group=group,
        topic=letter.topic,
        key=letter.key,
        event_id=letter.event_id,
        type=letter.type,
        reason=letter.reason,
        error=letter.error,
        attempts=letter.attempts,
        created_at=letter.created_at,
    )
