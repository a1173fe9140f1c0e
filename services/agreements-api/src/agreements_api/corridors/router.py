"""HTTP of corridors and segments."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request, Response

from agreements_api.agreements.schemas import Day
from agreements_api.corridors import errors, past, past_repository, repository, service
from agreements_api.corridors.permissions import corridor_actions, segment_actions
from agreements_api.corridors.schemas import (
    CorridorChangePublic,
    CorridorCreate,
    CorridorGeoJson,
    CorridorPublic,
    CorridorUpdate,
    FundingPlan,
    HandOver,
    SegmentCreate,
    SegmentPublic,
    SegmentUpdate,
)
from agreements_api.corridors.standing import SynchronyPublic, shown
from agreements_api.corridors.synchrony import synchrony_of
from agreements_api.history.instants import AsOf
from agreements_api.policy import Relation, check_scope
from agreements_api.representation import json_response, page_response, record_response
from agreements_api.tasks.schemas import Reason
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
    Language,
    Limit,
)
from shared.etags import content_etag, not_modified
from shared.idempotency import run_idempotent
from shared.pagination import cut
from shared.schemas import Page
from shared.text import escape_like, fold

router = APIRouter(tags=["corridors"])

Connection = asyncpg.Connection


@router.get("/corridors", operation_id="list_corridors", response_model=Page[CorridorPublic])
async def list_corridors(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    agreement_id: UUID | None = None,
    organization: Annotated[UUID | None, Query(description="Corridors on which it owns a segment.")] = None,
    q: Annotated[str | None, Query(max_length=200, description="Words of the name; diacritics do not count.")] = None,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Corridors of the agreements that the caller's organisation is a member of, the newest first.

    With `as_of`, of one agreement, and without `q`.
    """
    check_scope(actor, "corridor.read")
    if as_of is not None:
        past.check_narrowing(agreement_id, q)
    before = UUID(cursors.decode("corridors", cursor)[0]) if cursor is not None else None
    seer = actor.organization_id
    async with database.read(actor) as connection:
        if as_of is None:
            rows = await repository.list_corridors(
                connection,
                seer,
                agreement_id=agreement_id,
                owner=organization,
                folded=escape_like(fold(q)) if q else None,
                before=before,
                limit=limit + 1,
            )
        else:
            rows = await past_repository.list_corridors(
                connection,
                seer,
                agreement_id=agreement_id,
                as_of=as_of,
                owner=organization,
                before=before,
                limit=limit + 1,
            )
    items, last = cut(rows, limit)
    following = cursors.encode("corridors", [last["id"]]) if last else None
    corridors = [_corridor(actor, row) if as_of is None else past.corridor(row) for row in items]
    return page_response(request, [one.model_dump_json() for one in corridors], following, None)


@router.post(
    "/agreements/{agreement_id}/corridors",
    operation_id="create_corridor",
    status_code=201,
    response_model=CorridorPublic,
)
async def create_corridor(
    agreement_id: UUID,
    body: CorridorCreate,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    key: IdempotencyKey,
) -> Response:
    """Begin a corridor of an agreement in force; its segments are added one by one."""

    async def step(connection: "Connection[Any]") -> Response:
        corridor_id = await service.create(connection, actor, agreement_id, body)
        return await _shown_corridor(connection, actor, corridor_id, status_code=201)

    return await _change(request, database, actor, key, step)


@router.get("/corridors/{corridor_id}", operation_id="read_corridor", response_model=CorridorPublic)
async def read_corridor(
    corridor_id: UUID, database: DatabaseDep, actor: ActorDep, as_of: AsOf = None, if_none_match: IfNoneMatch = None
) -> Response:
    """One corridor, and what the caller may do with it."""
    check_scope(actor, "corridor.read")
    async with database.read(actor) as connection:
        answer = await _shown_corridor(connection, actor, corridor_id, as_of=as_of)
    return not_modified(if_none_match, answer.headers["etag"]) or answer


@router.patch("/corridors/{corridor_id}", operation_id="update_corridor", response_model=CorridorPublic)
async def update_corridor(
    corridor_id: UUID,
    body: CorridorUpdate,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Change a corridor by a merge patch (RFC 7396)."""

    async def step(connection: "Connection[Any]") -> Response:
        await service.update(connection, actor, corridor_id, if_match, body)
        return await _shown_corridor(connection, actor, corridor_id)

    return await _change(request, database, actor, key, step)


@router.get("/corridors/{corridor_id}/segments", operation_id="list_segments", response_model=Page[SegmentPublic])
async def list_segments(
    corridor_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """The segments in their order along the corridor, without those that were withdrawn."""
    check_scope(actor, "corridor.read")
    scope = f"segments:{corridor_id}"
    after = int(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    seer = actor.organization_id
    async with database.read(actor) as connection:
        if as_of is None:
            rows = await repository.list_segments(connection, seer, corridor_id, after=after, limit=limit + 1)
        else:
            rows = await past_repository.list_segments(
                connection, seer, corridor_id, as_of, after=after, limit=limit + 1
            )
        await _check_visible(connection, actor, corridor_id, as_of, found=bool(rows))
    items, last = cut(rows, limit)
    segments = [_segment(actor, row) if as_of is None else past.segment(row) for row in items]
    following = cursors.encode(scope, [segments[-1].position]) if last else None
    return page_response(request, [one.model_dump_json() for one in segments], following, None)


@router.post(
    "/corridors/{corridor_id}/segments", operation_id="add_segment", status_code=201, response_model=SegmentPublic
)
async def add_segment(
    corridor_id: UUID,
    body: SegmentCreate,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    key: IdempotencyKey,
) -> Response:
    """Add a segment of one's own; the custodian may add those of others, whose owners then say their plans."""

    async def step(connection: "Connection[Any]") -> Response:
        segment_id = await service.add_segment(connection, actor, corridor_id, body)
        return await _shown_segment(connection, actor, corridor_id, segment_id, status_code=201)

    return await _change(request, database, actor, key, step)


@router.get("/corridors/{corridor_id}/segments/{segment_id}", operation_id="read_segment", response_model=SegmentPublic)
async def read_segment(
    corridor_id: UUID,
    segment_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One segment, also one that was withdrawn, and what the caller may do with it."""
    check_scope(actor, "corridor.read")
    async with database.read(actor) as connection:
        answer = await _shown_segment(connection, actor, corridor_id, segment_id, as_of=as_of)
    return not_modified(if_none_match, answer.headers["etag"]) or answer


@router.patch(
    "/corridors/{corridor_id}/segments/{segment_id}", operation_id="update_segment", response_model=SegmentPublic
)
async def update_segment(
    corridor_id: UUID,
    segment_id: UUID,
    body: SegmentUpdate,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Change a segment of one's own by a merge patch (RFC 7396)."""

    async def step(connection: "Connection[Any]") -> Response:
        await service.update_segment(connection, actor, corridor_id, segment_id, if_match, body)
        return await _shown_segment(connection, actor, corridor_id, segment_id)

    return await _change(request, database, actor, key, step)


@router.post(
    "/corridors/{corridor_id}/segments/{segment_id}/hand-over",
    operation_id="hand_over_segment",
    response_model=SegmentPublic,
)
async def hand_over_segment(
    corridor_id: UUID,
    segment_id: UUID,
    body: HandOver,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Give the segment to the organisation that answers for it from now on."""

    async def step(connection: "Connection[Any]") -> Response:
        await service.hand_over(connection, actor, corridor_id, segment_id, if_match, body)
        return await _shown_segment(connection, actor, corridor_id, segment_id)

    return await _change(request, database, actor, key, step)


@router.post(
    "/corridors/{corridor_id}/segments/{segment_id}/withdraw",
    operation_id="withdraw_segment",
    response_model=SegmentPublic,
)
async def withdraw_segment(
    corridor_id: UUID,
    segment_id: UUID,
    body: Reason,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Take a segment of one's own out of its corridor; it stays on record with the reason."""

    async def step(connection: "Connection[Any]") -> Response:
        await service.withdraw(connection, actor, corridor_id, segment_id, if_match, body.reason)
        return await _shown_segment(connection, actor, corridor_id, segment_id)

    return await _change(request, database, actor, key, step)


@router.get(
    "/corridors/{corridor_id}/geojson",
    operation_id="read_corridor_geojson",
    response_model=CorridorGeoJson,
    responses={200: {"content": {"application/geo+json": {}}}},
)
async def read_corridor_geojson(
    corridor_id: UUID, database: DatabaseDep, actor: ActorDep, as_of: AsOf = None, if_none_match: IfNoneMatch = None
) -> Response:
    """The lines of the segments as a FeatureCollection (RFC 7946, WGS 84); each feature names its source."""
    check_scope(actor, "corridor.read")
    seer = actor.organization_id
    async with database.read(actor) as connection:
        if as_of is None:
            features = await repository.features(connection, seer, corridor_id)
        else:
            features = await past_repository.features(connection, seer, corridor_id, as_of)
        await _check_visible(connection, actor, corridor_id, as_of, found=bool(features))
    body = f'{{"type": "FeatureCollection", "features": [{", ".join(features)}]}}'
    tag = content_etag(body)
    return not_modified(if_none_match, tag) or Response(
        body.encode(), headers={"ETag": tag}, media_type="application/geo+json"
    )


@router.get("/corridors/{corridor_id}/synchrony", operation_id="read_synchrony", response_model=SynchronyPublic)
async def read_synchrony(
    corridor_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    language: Language,
    on: Annotated[
        Day | None, Query(description="The day to judge it on; that of `as_of`, or today, by default.")
    ] = None,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """How well the segments keep step: skew of the finishes, stubs at the boundaries, plans and dates that are missing.

    It is computed from what the segments say now, or said at the instant; `on` moves the day on which a finish is past
    or still to come.
    """
    check_scope(actor, "corridor.read")
    seer = actor.organization_id
    day: date = on or clock.day_of(as_of or clock.now())
    async with database.read(actor) as connection:
        if as_of is None:
            segments = await repository.stretches(connection, seer, corridor_id)
        else:
            segments = await past_repository.stretches(connection, seer, corridor_id, as_of)
        await _check_visible(connection, actor, corridor_id, as_of, found=bool(segments))
    body = shown(corridor_id, segments, synchrony_of(segments, day), language).model_dump_json()
    headers = {"ETag": content_etag(body), "Content-Language": language, "Vary": "Accept-Language"}
    return not_modified(if_none_match, headers["ETag"]) or json_response(body, headers=headers)


@router.get(
    "/corridors/{corridor_id}/history", operation_id="list_corridor_history", response_model=Page[CorridorChangePublic]
)
async def list_corridor_history(
    corridor_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Every change of the corridor and of its segments: who, when, what, from → to; the newest first."""
    check_scope(actor, "corridor.read")
    scope = f"corridor-history:{corridor_id}"
    before = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        rows = await repository.history(
            connection, actor.organization_id, corridor_id, before=before, limit=limit + 1, as_of=as_of
        )
        await _check_visible(connection, actor, corridor_id, as_of, found=bool(rows))
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["id"]]) if last else None
    return page_response(request, [row["body"] for row in items], following, None)


async def _change(
    request: Request,
    database: Database,
    actor: Actor,
    key: str,
    step: Callable[["Connection[Any]"], Awaitable[Response]],
) -> Response:
    """One step in one transaction, which is committed before the answer leaves."""
    async with database.write(actor) as connection:

        async def handle() -> Response:
            return await step(connection)

        return await run_idempotent(request, connection, actor, key, handle)


async def _shown_corridor(
    connection: "Connection[Any]",
    actor: Actor,
    corridor_id: UUID,
    *,
    status_code: int = 200,
    as_of: datetime | None = None,
) -> Response:
    seer = actor.organization_id
    if as_of is None:
        row = await repository.read(connection, seer, corridor_id)
    else:
        row = await past_repository.read(connection, seer, corridor_id, as_of)
    if row is None:
        raise errors.CorridorNotFound
    public = _corridor(actor, row) if as_of is None else past.corridor(row)
    return _answer(public, f"/v1/corridors/{corridor_id}", status_code)


async def _shown_segment(
    connection: "Connection[Any]",
    actor: Actor,
    corridor_id: UUID,
    segment_id: UUID,
    *,
    status_code: int = 200,
    as_of: datetime | None = None,
) -> Response:
    seer = actor.organization_id
    if as_of is None:
        row = await repository.read_segment(connection, seer, corridor_id, segment_id)
    else:
        row = await past_repository.read_segment(connection, seer, corridor_id, as_of, segment_id)
    if row is None:
        raise errors.SegmentNotFound
    public = _segment(actor, row) if as_of is None else past.segment(row)
    return _answer(public, f"/v1/corridors/{corridor_id}/segments/{segment_id}", status_code)


def _answer(public: CorridorPublic | SegmentPublic, location: str, status_code: int) -> Response:
    return record_response(public.model_dump_json(), public.version, status_code=status_code, location=location)


def _corridor(actor: Actor, row: asyncpg.Record) -> CorridorPublic:
    values = dict(row)
    relations, stands, status = (values.pop(name) for name in ("relations", "stands", "agreement_status"))
    actions = corridor_actions(actor, relations, stands=stands, agreement_status=status)
    return CorridorPublic(**values, allowed_actions=list(actions))


def _segment(actor: Actor, row: asyncpg.Record) -> SegmentPublic:
    values = dict(row)
    own = [Relation.OWN] if values.pop("own") else []
    relations = [*values.pop("relations"), *own]
    funding = FundingPlan(
        plan_period=values.pop("plan_period"),
        source=values.pop("funding_source"),
        amount=values.pop("funding_amount"),
        status=values.pop("funding_status"),
    )
    actions = segment_actions(actor, relations, withdrawn=row["withdrawn_at"] is not None)
    return SegmentPublic(**values, funding=funding, allowed_actions=list(actions))


async def _check_visible(
    connection: "Connection[Any]", actor: Actor, corridor_id: UUID, as_of: datetime | None, *, found: bool
) -> None:
    """Nothing found may mean that there is nothing, or nothing to be seen, or nothing yet."""
    if not found and not await repository.is_visible(connection, actor.organization_id, corridor_id, as_of):
        raise errors.CorridorNotFound
