"""HTTP of agreements."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements import errors, repository, service
from agreements_api.agreements.models import Agreement, AgreementStatus, Instrument
from agreements_api.agreements.permissions import allowed_actions, may_read
from agreements_api.agreements.schemas import (
    AgreementCreate,
    AgreementPublic,
    AgreementText,
    AgreementUpdate,
    ClausePublic,
    Decline,
    Empty,
    PartyPublic,
    SignatureCreate,
    SignaturePublic,
)
from agreements_api.history.router import history_page
from agreements_api.history.schemas import HistoryPublic
from agreements_api.policy import Caller
from agreements_api.representation import json_response, page_response, with_actions
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

router = APIRouter(prefix="/agreements", tags=["agreements"])


class AgreementSort(StrEnum):
    CREATED = "created_at"
    NEWEST = "-created_at"
    UPDATED = "updated_at"
    LATEST = "-updated_at"


@router.post("", operation_id="draft_agreement", status_code=201, response_model=AgreementPublic)
async def draft_agreement(
    body: AgreementCreate, request: Request, session: SessionDep, actor: ActorDep, key: IdempotencyKey
) -> Response:
    """Draft an agreement; the caller's organisation becomes its custodian."""

    async def handle() -> Response:
        return await _shown(session, actor, await service.draft(session, actor, body), status_code=201)

    return await run_idempotent(request, session, actor, key, handle)


@router.get("", operation_id="list_agreements", response_model=Page[AgreementPublic])
async def list_agreements(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    status: Annotated[Sequence[AgreementStatus], Query()] = (),
    instrument: Annotated[Sequence[Instrument], Query()] = (),
    field: Annotated[str | None, Query(max_length=100)] = None,
    party: Annotated[UUID | None, Query(description="Organisation that is a party.")] = None,
    locality: Annotated[UUID | None, Query(description="Unit of a party.")] = None,
    q: Annotated[
        str | None, Query(max_length=200, description="Words of title or number; diacritics do not count.")
    ] = None,
    sort: AgreementSort = AgreementSort.LATEST,
    count: Annotated[bool, Query(description="Also count all that match.")] = False,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Agreements that the caller's organisation is a member of."""
    _check_scope(actor)
    scope = f"agreements:{sort}"
    after = None
    if cursor is not None:
        moment, identity = cursors.decode(scope, cursor)
        after = (datetime.fromisoformat(moment), UUID(identity))
    narrowed = repository.Filter(
        statuses=status,
        instruments=instrument,
        field=field,
        party=party,
        locality=locality,
        folded=fold(q) if q else None,
    )
    async with database.read(actor) as connection:
        rows = await repository.list_agreements(
            connection, actor.organization_id, narrowed, sort=sort, after=after, limit=limit + 1
        )
        total = await repository.count_agreements(connection, actor.organization_id, narrowed) if count else None
    items, last = cut(rows, limit)
    return page_response(
        request,
        [_body(actor, row) for row in items],
        cursors.encode(scope, [last["sort_value"], last["id"]]) if last else None,
        total,
    )


@router.get("/{agreement_id}", operation_id="read_agreement", response_model=AgreementPublic)
async def read_agreement(
    agreement_id: UUID, database: DatabaseDep, actor: ActorDep, if_none_match: IfNoneMatch = None
) -> Response:
    """One agreement with its parties, and what the caller may do with it."""
    _check_scope(actor)
    async with database.read(actor) as connection:
        row = await repository.read(connection, actor.organization_id, agreement_id)
    if row is None:
        raise errors.AgreementNotFound
    tag = etag(row["version"])
    return not_modified(if_none_match, tag) or json_response(_body(actor, row), headers={"ETag": tag})


@router.patch("/{agreement_id}", operation_id="update_agreement", response_model=AgreementPublic)
async def update_agreement(
    agreement_id: UUID,
    body: AgreementUpdate,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Change a draft by a merge patch (RFC 7396)."""

    async def handle() -> Response:
        return await _shown(session, actor, await service.update(session, actor, agreement_id, if_match, body))

    return await run_idempotent(request, session, actor, key, handle)


@router.post("/{agreement_id}/open", operation_id="open_agreement", response_model=AgreementPublic)
async def open_agreement(
    agreement_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
    body: Empty | None = None,
) -> Response:
    """Open a draft for signature: its text is frozen by a digest and its parties see it."""

    async def handle() -> Response:
        return await _shown(session, actor, await service.open_for_signature(session, actor, agreement_id, if_match))

    return await run_idempotent(request, session, actor, key, handle)


@router.post("/{agreement_id}/sign", operation_id="sign_agreement", response_model=AgreementPublic)
async def sign_agreement(
    agreement_id: UUID,
    body: SignatureCreate,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Sign for one's own party; the last required signature puts the agreement in force."""

    async def handle() -> Response:
        return await _shown(session, actor, await service.sign(session, actor, agreement_id, if_match, body))

    return await run_idempotent(request, session, actor, key, handle)


@router.post("/{agreement_id}/decline", operation_id="decline_agreement", response_model=AgreementPublic)
async def decline_agreement(
    agreement_id: UUID,
    body: Decline,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Refuse to sign this text: it goes back to draft and every signature under it is void."""

    async def handle() -> Response:
        agreement = await service.decline(session, actor, agreement_id, if_match, body.reason)
        return await _shown(session, actor, agreement)

    return await run_idempotent(request, session, actor, key, handle)


@router.get("/{agreement_id}/clauses", operation_id="list_clauses", response_model=Page[ClausePublic])
async def list_clauses(agreement_id: UUID, request: Request, database: DatabaseDep, actor: ActorDep) -> Response:
    """The clauses in their order, each with how many tasks fulfil it."""
    return await _parts(request, database, actor, agreement_id, "clauses")


@router.get("/{agreement_id}/parties", operation_id="list_parties", response_model=Page[PartyPublic])
async def list_parties(agreement_id: UUID, request: Request, database: DatabaseDep, actor: ActorDep) -> Response:
    """The parties in their order, under the names that they signed with."""
    return await _parts(request, database, actor, agreement_id, "parties")


@router.get("/{agreement_id}/signatures", operation_id="list_signatures", response_model=Page[SignaturePublic])
async def list_signatures(agreement_id: UUID, request: Request, database: DatabaseDep, actor: ActorDep) -> Response:
    """Every signature, also those that a decline made void."""
    return await _parts(request, database, actor, agreement_id, "signatures")


@router.get("/{agreement_id}/text", operation_id="read_agreement_text", response_model=AgreementText)
async def read_agreement_text(agreement_id: UUID, database: DatabaseDep, actor: ActorDep) -> Response:
    """The frozen text and its digest; 404 while there is only a draft."""
    _check_scope(actor)
    async with database.read(actor) as connection:
        row = await repository.read_text(connection, actor.organization_id, agreement_id)
    if row is None or row["frozen_text"] is None:
        raise errors.AgreementNotFound
    body = AgreementText(text=row["frozen_text"], text_digest=row["text_digest"], frozen_at=row["opened_at"])
    return json_response(body.model_dump_json(), headers={"ETag": f'"{row["text_digest"]}"'})


@router.get("/{agreement_id}/history", operation_id="list_agreement_history", response_model=Page[HistoryPublic])
async def list_agreement_history(
    agreement_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Every change of the agreement: who, when, what, from → to; the newest first."""
    _check_scope(actor)
    return await history_page(request, database, actor, cursors, agreement_id, limit, cursor, errors.AgreementNotFound)


async def _parts(request: Request, database: DatabaseDep, actor: Actor, agreement_id: UUID, part: str) -> Response:
    _check_scope(actor)
    async with database.read(actor) as connection:
        if await repository.read(connection, actor.organization_id, agreement_id) is None:
            raise errors.AgreementNotFound
        items = await repository.read_parts(connection, actor.organization_id, agreement_id, part)
    return page_response(request, items, None, None)


async def _shown(session: AsyncSession, actor: Actor, agreement: Agreement, *, status_code: int = 200) -> Response:
    await session.flush()
    row = await repository.read(await driver_connection(session), actor.organization_id, agreement.id)
    assert row is not None
    headers = {"ETag": etag(row["version"])}
    if status_code == 201:
        headers["Location"] = f"/v1/agreements/{agreement.id}"
    return json_response(_body(actor, row), status_code=status_code, headers=headers)


def _body(actor: Actor, row: asyncpg.Record) -> str:
    actions = allowed_actions(Caller.of(actor), row["status"], row["relations"], signed=row["signed"])
    return with_actions(row["body"], actions)


def _check_scope(actor: Actor) -> None:
    if not may_read(actor):
        raise errors.NotAllowed
