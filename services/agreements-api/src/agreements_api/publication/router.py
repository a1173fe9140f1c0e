"""HTTP of publishing, and of what everybody may read without a token."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Query, Request, Response

from agreements_api.agreements.errors import AgreementNotFound
from agreements_api.agreements.models import Instrument
from agreements_api.history.instants import AsOf
from agreements_api.policy import check_scope
from agreements_api.publication import errors, outlines, past, repository, service
from agreements_api.publication.caching import BRIEFLY, LONG, cached
from agreements_api.publication.permissions import may, steps
from agreements_api.publication.schemas import (
    LocalityCollection,
    Moment,
    PublicAgreement,
    PublicAgreementPage,
    PublicationCreate,
    PublicationPublic,
    PublicTask,
    PublicText,
    Withdrawal,
)
from agreements_api.representation import json_response, page_response
from shared.auth import Actor
from shared.db import driver_connection
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
from shared.etags import etag, not_modified
from shared.idempotency import run_idempotent
from shared.pagination import cut
from shared.schemas import Page
from shared.text import fold

router = APIRouter(tags=["publication"])

# Of no organisation, no role, no right: row-level security shows such a one no row of any agreement.
EVERYBODY = Actor(id=UUID(int=0), kind="client", name="")

_GONE: dict[int | str, dict[str, Any]] = {410: {"description": "It was public once: `removed_at` says until when."}}
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "The caller has this already."}}


class PublicSort(StrEnum):
    MODIFIED = "modified_at"
    LATEST = "-modified_at"


class GeoJsonResponse(Response):
    media_type = "application/geo+json"


@router.get(
    "/public/agreements",
    operation_id="list_public_agreements",
    response_model=PublicAgreementPage,
    responses=_NOT_MODIFIED,
)
async def list_public_agreements(
    request: Request,
    database: DatabaseDep,
    cursors: CursorsDep,
    modified_since: Annotated[
        Moment | None,
        Query(description="What the public sees of it changed then or later; tells what was taken back as well."),
    ] = None,
    instrument: Annotated[Sequence[Instrument], Query()] = (),
    field: Annotated[str | None, Query(max_length=100)] = None,
    locality: Annotated[UUID | None, Query(description="Unit of a party.")] = None,
    q: Annotated[
        str | None, Query(max_length=200, description="Words of title or number; diacritics do not count.")
    ] = None,
    sort: Annotated[
        PublicSort | None,
        Query(description="By default the latest first, and with `modified_since` the order of the changes."),
    ] = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Published agreements, for everybody and without a token.

    Poll with `modified_since` a few minutes before the last poll began, and follow the pages to their end: an agreement
    that changed comes again, and one that was taken back comes as `{"id", "removed_at"}`, whatever else is asked for.
    """
    order = sort or (PublicSort.LATEST if modified_since is None else PublicSort.MODIFIED)
    scope = f"public:{order}"
    after = None
    if cursor is not None:
        moment, identity = cursors.decode(scope, cursor)
        after = (datetime.fromisoformat(moment), UUID(identity))
    narrowed = repository.Filter(
        modified_since=modified_since,
        instruments=instrument,
        field=field,
        locality=locality,
        folded=fold(q) if q else None,
    )
    async with database.read(EVERYBODY) as connection:
        # Before the page: a change in between makes the date too old, and never too new.
        modified = await repository.last_change(connection)
        rows = await repository.list_public(connection, narrowed, sort=order, after=after, limit=limit + 1)
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["modified_at"], last["id"]]) if last else None
    return _cached_page(request, [row["body"] for row in items], following, modified)


@router.get(
    "/public/agreements/{agreement_id}",
    operation_id="read_public_agreement",
    response_model=PublicAgreement,
    responses=_GONE | _NOT_MODIFIED,
)
async def read_public_agreement(agreement_id: UUID, request: Request, database: DatabaseDep) -> Response:
    """One published agreement: 404 where it never was public, 410 with `removed_at` where it no longer is."""
    async with database.read(EVERYBODY) as connection:
        row = await repository.read_public(connection, agreement_id)
        if row is None:
            raise await _absence(connection, agreement_id)
    return cached(request, row["body"], modified=row["modified_at"], keep=BRIEFLY)


@router.get(
    "/public/agreements/{agreement_id}/text",
    operation_id="read_public_text",
    response_model=PublicText,
    responses=_GONE | _NOT_MODIFIED,
)
async def read_public_text(agreement_id: UUID, request: Request, database: DatabaseDep) -> Response:
    """The signed text of a published agreement and its digest."""
    async with database.read(EVERYBODY) as connection:
        row = await repository.read_public_text(connection, agreement_id)
        if row is None:
            raise await _absence(connection, agreement_id)
    body = PublicText(
        text=row["frozen_text"],
        format=row["text_format"],
        text_digest=row["text_digest"],
        frozen_at=row["opened_at"],
    )
    return cached(request, body.model_dump_json(), modified=row["modified_at"], keep=BRIEFLY)


@router.get(
    "/public/agreements/{agreement_id}/tasks",
    operation_id="list_public_tasks",
    response_model=Page[PublicTask],
    responses=_GONE | _NOT_MODIFIED,
)
async def list_public_tasks(
    agreement_id: UUID,
    request: Request,
    database: DatabaseDep,
    cursors: CursorsDep,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """The tasks of a published agreement that were chosen to be public, in the order of their assignment."""
    scope = f"public-tasks:{agreement_id}"
    after = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(EVERYBODY) as connection:
        modified = await repository.public_since(connection, agreement_id)
        if modified is None:
            raise await _absence(connection, agreement_id)
        rows = await repository.list_public_tasks(connection, agreement_id, after=after, limit=limit + 1)
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["id"]]) if last else None
    return _cached_page(request, [row["body"] for row in items], following, modified)


@router.get(
    "/public/localities.geojson",
    operation_id="read_public_localities",
    response_model=LocalityCollection,
    response_class=GeoJsonResponse,
    responses=_NOT_MODIFIED,
)
async def read_public_localities(request: Request, database: DatabaseDep) -> Response:
    """Outlines of the five localities of Conclusion 352; `attribution` is to be named wherever they are shown."""
    async with database.read(EVERYBODY) as connection:
        body = await outlines.collection(connection)
    return cached(request, body, modified=None, keep=LONG, media_type=GeoJsonResponse.media_type)


@router.get("/agreements/{agreement_id}/publication", operation_id="read_publication", response_model=PublicationPublic)
async def read_publication(
    agreement_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """How an agreement stands to the public, with the tasks that are public too; the ETag is the agreement's."""
    check_scope(actor, "publication.read")
    async with database.read(actor) as connection:
        if as_of is None:
            row = await repository.read(connection, actor.organization_id, agreement_id)
        else:
            row = await repository.read_past(connection, actor.organization_id, agreement_id, as_of)
    if row is None:
        raise AgreementNotFound
    return not_modified(if_none_match, etag(row["agreement_version"])) or (
        _shown(actor, row) if as_of is None else _shown_past(row)
    )


@router.post("/agreements/{agreement_id}/publish", operation_id="publish_agreement", response_model=PublicationPublic)
async def publish_agreement(
    agreement_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
    body: PublicationCreate | None = None,
) -> Response:
    """Show an agreement that has been in force to the public; of its tasks only those that are named."""

    async def step() -> UUID:
        await service.publish(session, actor, agreement_id, if_match, body.task_ids if body else [])
        return agreement_id

    return await _change(request, session, actor, key, step)


@router.post(
    "/agreements/{agreement_id}/unpublish", operation_id="unpublish_agreement", response_model=PublicationPublic
)
async def unpublish_agreement(
    agreement_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
    body: Withdrawal | None = None,
) -> Response:
    """Take an agreement and all of its tasks back from the public, which finds a tombstone from now on."""

    async def step() -> UUID:
        await service.unpublish(session, actor, agreement_id, if_match, body.reason if body else None)
        return agreement_id

    return await _change(request, session, actor, key, step)


@router.post("/tasks/{task_id}/publish", operation_id="publish_task", response_model=PublicationPublic)
async def publish_task(
    task_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Show a task of a public agreement as well; If-Match is the task's, the answer is the agreement's publication."""

    async def step() -> UUID:
        return await service.publish_task(session, actor, task_id, if_match)

    return await _change(request, session, actor, key, step)


@router.post("/tasks/{task_id}/unpublish", operation_id="unpublish_task", response_model=PublicationPublic)
async def unpublish_task(
    task_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
    body: Withdrawal | None = None,
) -> Response:
    """Take one task back from the public; If-Match is the task's, the answer is the agreement's publication."""

    async def step() -> UUID:
        return await service.unpublish_task(session, actor, task_id, if_match, body.reason if body else None)

    return await _change(request, session, actor, key, step)


async def _change(
    request: Request, session: SessionDep, actor: Actor, key: str, step: Callable[[], Awaitable[UUID]]
) -> Response:
    async def handle() -> Response:
        agreement_id = await step()
        row = await repository.read(await driver_connection(session), actor.organization_id, agreement_id)
        assert row is not None
        return _shown(actor, row)

    return await run_idempotent(request, session, actor, key, handle)


def _shown(actor: Actor, row: asyncpg.Record) -> Response:
    standing = dict(row)
    possible = steps(public=_is_public(standing), was_in_force=row["was_in_force"])
    return _answer(row, standing, [step for step in possible if may(actor, step, row["relations"])])


def _shown_past(row: asyncpg.Record) -> Response:
    return _answer(row, past.standing(orjson.loads(row["steps"])), [])


def _answer(agreement: asyncpg.Record, standing: Mapping[str, Any], allowed_actions: Sequence[str]) -> Response:
    document = {
        "agreement_id": agreement["agreement_id"],
        "public": _is_public(standing),
        "version": standing["version"] or 0,
        "published_at": standing["published_at"],
        "unpublished_at": standing["unpublished_at"],
        "task_ids": standing["task_ids"],
        "allowed_actions": allowed_actions,
    }
    body = orjson.dumps(document, default=str).decode()
    return json_response(body, headers={"ETag": etag(agreement["agreement_version"])})


def _is_public(standing: Mapping[str, Any]) -> bool:
    return standing["version"] is not None and standing["unpublished_at"] is None


def _cached_page(
    request: Request, items: Sequence[str], next_cursor: str | None, modified: datetime | None
) -> Response:
    page = page_response(request, items, next_cursor, None)
    return cached(request, bytes(page.body).decode(), modified=modified, keep=BRIEFLY, link=page.headers.get("Link"))


async def _absence(connection: "asyncpg.Connection[Any]", agreement_id: UUID) -> Exception:
    """Why the public sees no such agreement."""
    removed = await repository.removed_at(connection, agreement_id)
    return errors.NotPublic() if removed is None else errors.NoLongerPublic(agreement_id, removed)
