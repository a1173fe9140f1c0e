"""HTTP of the feed: a page after a cursor, or a stream of server-sent events."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Query, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from notifier.dependencies import FollowerDep, SettingsDep
from notifier.feed import service
from notifier.feed.consumers import HANDLERS
from notifier.feed.errors import CursorExpired
from notifier.feed.schemas import EventPage, EventTypePublic
from notifier.feed.service import SCOPE, Filter
from notifier.feed.stream import stream
from notifier.permissions import EVENTS, check_scope
from notifier.representation import next_link
from shared.auth import SYSTEM
from shared.dependencies import PAGE, ActorDep, CursorParameter, CursorsDep, DatabaseDep, Limit
from shared.events import EVENT_TYPES
from shared.events.export import schema_of
from shared.pagination import Cursors
from shared.problems import InvalidCursor
from shared.schemas import Page

router = APIRouter(tags=["events"])

_STREAM = "text/event-stream"


@router.get(
    "/events",
    operation_id="list_events",
    response_model=EventPage,
    responses={
        200: {
            "description": "A page as JSON, or with `Accept: text/event-stream` a stream that does not end.",
            "content": {_STREAM: {"schema": {"type": "string"}}},
        },
        410: {"description": "Events after the cursor are no longer retained; the problem's `cursor` is the way on."},
    },
)
async def list_events(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    settings: SettingsDep,
    follower: FollowerDep,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", max_length=2000, description="Where a broken stream goes on.")
    ] = None,
    type: Annotated[Sequence[str], Query(description="Only events of these types.")] = (),
    agreement_id: Annotated[UUID | None, Query(description="Only events of this agreement.")] = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Events of the agreements that the caller's organisation is a member of, in order, as they are on Kafka.

    As a page: history after the cursor, from the oldest event without one. As a stream: what follows `Last-Event-ID`
    (or the cursor), or what happens from now on; each event's id is a cursor, a comment comes every 15 seconds, and an
    event `reset` says that events after that id are no longer retained: read the state anew.
    """
    check_scope(actor, EVENTS)
    wanted = Filter(types=type, agreement_id=agreement_id)
    is_stream = _STREAM in accept
    after = int(cursors.decode(SCOPE, cursor)[0]) if cursor else None
    if is_stream and last_event_id:
        after = _resumed_after(cursors, last_event_id)
    if is_stream:
        return EventSourceResponse(
            stream(database, cursors, follower, actor, wanted, after, lifetime=settings.feed_stream_seconds),
            ping=settings.feed_heartbeat_seconds,
            ping_message_factory=lambda: ServerSentEvent(comment="heartbeat"),
        )
    async with database.read(SYSTEM) as connection:
        trimmed_to, newest = await service.bounds(connection)
    if after is not None and not trimmed_to <= after <= newest:
        raise CursorExpired(cursors.encode(SCOPE, [trimmed_to]))
    async with database.read(actor) as connection:
        found = await service.read(connection, actor, wanted, after=after or trimmed_to, upto=newest, limit=limit)
    following = cursors.encode(SCOPE, [found.reached])
    items = ",".join(event["payload"] for event in found.events)
    body = f'{{"items":[{items}],"next_cursor":"{following}","has_more":{str(found.has_more).lower()}}}'
    headers = {"Link": next_link(request, following)} if found.has_more else {}
    return Response(body.encode(), media_type="application/json", headers=headers)


@router.get("/event-types", operation_id="list_event_types", response_model=Page[EventTypePublic])
async def list_event_types(actor: ActorDep) -> Response:
    """Every type of event with its JSON Schema."""
    return Response(_event_types(), media_type="application/json")


def _resumed_after(cursors: Cursors, last_event_id: str) -> int:
    try:
        return int(cursors.decode(SCOPE, last_event_id)[0])
    except InvalidCursor as error:
        raise InvalidCursor(errors=[replace(one, pointer="/header/Last-Event-ID") for one in error.errors]) from error


@lru_cache(maxsize=1)
def _event_types() -> bytes:
    items = []
    for event_type, kind in sorted(EVENT_TYPES.items()):
        schema = schema_of(kind)
        items.append(
            {
                "type": event_type,
                "topic": kind.topic,
                "source": kind.source,
                "dataschema": schema["$id"],
                "is_in_feed": event_type in HANDLERS,
                "schema": schema,
            }
        )
    return orjson.dumps({"items": items, "next_cursor": None})
