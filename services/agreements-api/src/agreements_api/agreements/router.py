"""HTTP of agreements."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements import errors, reading_repository, service, signatures, texts_repository, verification
from agreements_api.agreements.models import Agreement, AgreementStatus, Instrument
from agreements_api.agreements.past import repository as past_repository
from agreements_api.agreements.past import service as past
from agreements_api.agreements.permissions import UNTIL_FORCE, allowed_actions
from agreements_api.agreements.schemas import (
    AgreementCreate,
    AgreementPublic,
    AgreementText,
    AgreementUpdate,
    AmendmentCreate,
    ClausePublic,
    Decline,
    OpenForSignature,
    PartyPublic,
    Reason,
    RenewalCreate,
    SignatureCreate,
    SignaturePublic,
    TextEntry,
    TextVerification,
)
from agreements_api.agreements.signing import is_over, signature_block
from agreements_api.history.instants import AsOf
from agreements_api.history.router import history_page
from agreements_api.history.schemas import HistoryPublic
from agreements_api.policy import Caller, check_scope
from agreements_api.representation import json_response, page_response, with_actions
from shared import clock
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
from shared.etags import content_etag, etag, not_modified
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

    def step() -> Awaitable[Agreement]:
        return service.draft(session, actor, body)

    return await _change(request, session, actor, key, step, status_code=201)


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
    amends: Annotated[UUID | None, Query(description="Agreement that they amend or renew.")] = None,
    q: Annotated[
        str | None, Query(max_length=200, description="Words of title or number; diacritics do not count.")
    ] = None,
    as_of: AsOf = None,
    sort: AgreementSort = AgreementSort.LATEST,
    count: Annotated[bool, Query(description="Also count all that match.")] = False,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Agreements that the caller's organisation is a member of.

    As of an instant they come in the order of creation, the newest first unless `sort` says otherwise, and without `q`.
    """
    check_scope(actor, "agreement.read")
    if as_of is not None:
        sort = sort if "sort" in request.query_params else AgreementSort.NEWEST
        past.check_narrowing(sort, q)
    scope = f"agreements:{sort}" if as_of is None else f"agreements:{sort}:past"
    after = None
    if cursor is not None:
        moment, identity = cursors.decode(scope, cursor)
        after = (datetime.fromisoformat(moment), UUID(identity))
    narrowed = reading_repository.Filter(
        statuses=status,
        instruments=instrument,
        field=field,
        party=party,
        locality=locality,
        folded=fold(q) if q else None,
        amends=amends,
    )
    organization_id = actor.organization_id
    async with database.read(actor) as connection:
        if as_of is not None:
            rows = await past_repository.list_agreements(
                connection, organization_id, narrowed, as_of=as_of, sort=sort, after=after, limit=limit + 1
            )
            total = (
                await past_repository.count_agreements(connection, organization_id, narrowed, as_of=as_of)
                if count
                else None
            )
        else:
            rows = await reading_repository.list_agreements(
                connection, organization_id, narrowed, sort=sort, after=after, limit=limit + 1
            )
            total = await reading_repository.count_agreements(connection, organization_id, narrowed) if count else None
    items, last = cut(rows, limit)
    return page_response(
        request,
        [_body(actor, row) for row in items] if as_of is None else past.bodies(items),
        cursors.encode(scope, [last["sort_value"], last["id"]]) if last else None,
        total,
    )


@router.get("/{agreement_id}", operation_id="read_agreement", response_model=AgreementPublic)
async def read_agreement(
    agreement_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One agreement with its parties, and what the caller may do with it."""
    check_scope(actor, "agreement.read")
    async with database.read(actor) as connection:
        if as_of is not None:
            was = await past.read(connection, actor, agreement_id, as_of)
            tag = etag(was.version)
            return not_modified(if_none_match, tag) or json_response(past.body(was.state), headers={"ETag": tag})
        row = await reading_repository.read(connection, actor.organization_id, agreement_id)
    if row is None:
        raise errors.AgreementNotFound
    tag = _etag(row)
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
    """Change a draft by a merge patch (RFC 7396).

    Clauses keep their ids in the same words and, in other words, at the same place. 409 `takes_up_open_points` where
    one is left out that an open point was carried into.
    """

    def step() -> Awaitable[Agreement]:
        return service.update(session, actor, agreement_id, if_match, body)

    return await _change(request, session, actor, key, step)


@router.delete("/{agreement_id}", operation_id="delete_agreement", status_code=204, response_class=Response)
async def delete_agreement(
    agreement_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Delete a draft that nobody else has seen.

    409 `was_presented` once it was open for signature, `takes_up_open_points` while something is carried into it.
    """

    async def handle() -> Response:
        await service.delete(session, actor, agreement_id, if_match)
        return Response(status_code=204)

    return await run_idempotent(request, session, actor, key, handle)


@router.post("/{agreement_id}/open", operation_id="open_agreement", response_model=AgreementPublic)
async def open_agreement(
    agreement_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
    body: OpenForSignature | None = None,
) -> Response:
    """Open a draft for signature: its text is rendered, frozen by a digest, and its parties see it."""

    def step() -> Awaitable[Agreement]:
        return signatures.open_for_signature(session, actor, agreement_id, if_match, body or OpenForSignature())

    return await _change(request, session, actor, key, step)


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

    def step() -> Awaitable[Agreement]:
        return signatures.sign(session, actor, agreement_id, if_match, body)

    return await _change(request, session, actor, key, step)


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

    def step() -> Awaitable[Agreement]:
        return signatures.decline(session, actor, agreement_id, if_match, body.reason)

    return await _change(request, session, actor, key, step)


@router.post("/{agreement_id}/recall", operation_id="recall_agreement", response_model=AgreementPublic)
async def recall_agreement(
    agreement_id: UUID,
    body: Reason,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Take the text back before the last required signature: it is a draft again and its signatures are void."""

    def step() -> Awaitable[Agreement]:
        return signatures.recall(session, actor, agreement_id, if_match, body.reason)

    return await _change(request, session, actor, key, step)


@router.post("/{agreement_id}/amend", operation_id="amend_agreement", status_code=201, response_model=AgreementPublic)
async def amend_agreement(
    agreement_id: UUID,
    body: AmendmentCreate,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Draft an amendment, which is opened and signed like any agreement; `Location` leads to it."""

    def step() -> Awaitable[Agreement]:
        return service.amend(session, actor, agreement_id, if_match, body)

    return await _change(request, session, actor, key, step, status_code=201)


@router.post("/{agreement_id}/renew", operation_id="renew_agreement", status_code=201, response_model=AgreementPublic)
async def renew_agreement(
    agreement_id: UUID,
    body: RenewalCreate,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Draft a renewal, which moves the end of the term once it is signed; `Location` leads to it."""

    def step() -> Awaitable[Agreement]:
        return service.renew(session, actor, agreement_id, if_match, body)

    return await _change(request, session, actor, key, step, status_code=201)


@router.post("/{agreement_id}/suspend", operation_id="suspend_agreement", response_model=AgreementPublic)
async def suspend_agreement(
    agreement_id: UUID,
    body: Reason,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Suspend an agreement: no new tasks until it is resumed, the present ones go on."""

    def step() -> Awaitable[Agreement]:
        return service.suspend(session, actor, agreement_id, if_match, body.reason)

    return await _change(request, session, actor, key, step)


@router.post("/{agreement_id}/resume", operation_id="resume_agreement", response_model=AgreementPublic)
async def resume_agreement(
    agreement_id: UUID,
    body: Reason,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Put a suspended agreement in force again."""

    def step() -> Awaitable[Agreement]:
        return service.resume(session, actor, agreement_id, if_match, body.reason)

    return await _change(request, session, actor, key, step)


@router.post("/{agreement_id}/conclude", operation_id="conclude_agreement", response_model=AgreementPublic)
async def conclude_agreement(
    agreement_id: UUID,
    body: Reason,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Conclude an agreement; its tasks stay as they are."""

    def step() -> Awaitable[Agreement]:
        return service.conclude(session, actor, agreement_id, if_match, body.reason)

    return await _change(request, session, actor, key, step)


@router.post("/{agreement_id}/terminate", operation_id="terminate_agreement", response_model=AgreementPublic)
async def terminate_agreement(
    agreement_id: UUID,
    body: Reason,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Terminate an agreement before its term; its tasks stay as they are."""

    def step() -> Awaitable[Agreement]:
        return service.terminate(session, actor, agreement_id, if_match, body.reason)

    return await _change(request, session, actor, key, step)


@router.get("/{agreement_id}/clauses", operation_id="list_clauses", response_model=Page[ClausePublic])
async def list_clauses(
    agreement_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    on: Annotated[date | None, Query(description="The clauses in force on this day; today by default.")] = None,
    every: Annotated[bool, Query(alias="all", description="Also those that amendments have ended.")] = False,
    as_of: AsOf = None,
) -> Response:
    """The clauses in force in their order, each with how many tasks fulfil it."""
    check_scope(actor, "agreement.read")
    day = None if every else on or clock.day_of(as_of or clock.now())
    async with database.read(actor) as connection:
        if as_of is not None:
            was = await past.read(connection, actor, agreement_id, as_of)
            items = await past.clauses(connection, actor, agreement_id, was, as_of, day)
            return page_response(request, items, None, None)
        if await reading_repository.read(connection, actor.organization_id, agreement_id) is None:
            raise errors.AgreementNotFound
        items = await reading_repository.read_clauses(connection, actor.organization_id, agreement_id, day)
    return page_response(request, items, None, None)


@router.get("/{agreement_id}/parties", operation_id="list_parties", response_model=Page[PartyPublic])
async def list_parties(
    agreement_id: UUID, request: Request, database: DatabaseDep, actor: ActorDep, as_of: AsOf = None
) -> Response:
    """The parties in their order, under the names that they signed with."""
    if as_of is not None:
        check_scope(actor, "agreement.read")
        async with database.read(actor) as connection:
            was = await past.read(connection, actor, agreement_id, as_of)
        return page_response(request, past.parties(was), None, None)
    return await _parts(request, database, actor, agreement_id, "parties")


@router.get("/{agreement_id}/signatures", operation_id="list_signatures", response_model=Page[SignaturePublic])
async def list_signatures(
    agreement_id: UUID, request: Request, database: DatabaseDep, actor: ActorDep, as_of: AsOf = None
) -> Response:
    """Every signature as it is printed, also those that are void."""
    check_scope(actor, "agreement.read")
    async with database.read(actor) as connection:
        if as_of is not None:
            was = await past.read(connection, actor, agreement_id, as_of)
            items = await past.signatures(connection, actor, agreement_id, was)
        elif await reading_repository.read(connection, actor.organization_id, agreement_id) is None:
            raise errors.AgreementNotFound
        else:
            items = await reading_repository.read_parts(connection, actor.organization_id, agreement_id, "signatures")
    return page_response(request, [_with_block(item) for item in items], None, None)


@router.get("/{agreement_id}/text", operation_id="read_agreement_text", response_model=AgreementText)
async def read_agreement_text(
    agreement_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The frozen text and its digest; 404 while there is only a draft."""
    check_scope(actor, "agreement.read")
    async with database.read(actor) as connection:
        if as_of is None:
            row = await texts_repository.read_text(connection, actor.organization_id, agreement_id)
            content = row["frozen_text"] if row is not None else None
        else:
            row = await past.text(connection, actor, agreement_id, as_of)
            content = row["content"] if row is not None else None
    if row is None or content is None:
        raise errors.AgreementNotFound
    return _text(content, row, if_none_match)


@router.get("/{agreement_id}/texts", operation_id="list_agreement_texts", response_model=Page[TextEntry])
async def list_agreement_texts(
    agreement_id: UUID, request: Request, database: DatabaseDep, actor: ActorDep, as_of: AsOf = None
) -> Response:
    """The text as it was signed first, every amendment, and what was taken back before it was signed by all."""
    check_scope(actor, "agreement.read")
    async with database.read(actor) as connection:
        if as_of is not None:
            items = await past.texts(connection, actor, agreement_id, as_of)
        elif await reading_repository.read(connection, actor.organization_id, agreement_id) is None:
            raise errors.AgreementNotFound
        else:
            items = await texts_repository.read_texts(connection, actor.organization_id, agreement_id)
    return page_response(request, items, None, None)


@router.get(
    "/{agreement_id}/texts/{text_digest}", operation_id="read_agreement_text_by_digest", response_model=AgreementText
)
async def read_agreement_text_by_digest(
    agreement_id: UUID,
    text_digest: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the text.")],
    database: DatabaseDep,
    actor: ActorDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One of the agreement's texts by its digest."""
    check_scope(actor, "agreement.read")
    async with database.read(actor) as connection:
        row = await texts_repository.read_text_of(connection, actor.organization_id, agreement_id, text_digest)
    if row is None:
        raise errors.AgreementNotFound
    return _text(row["content"], row, if_none_match)


@router.get("/{agreement_id}/text/verification", operation_id="verify_agreement_text", response_model=TextVerification)
async def verify_agreement_text(agreement_id: UUID, database: DatabaseDep, actor: ActorDep) -> Response:
    """Recompute the digest of the text and of each signature, and render the text again from the records."""
    check_scope(actor, "agreement.read")
    async with database.read(actor) as connection:
        if await texts_repository.read_text(connection, actor.organization_id, agreement_id) is None:
            raise errors.AgreementNotFound
    found = await verification.verify_text(database, agreement_id)
    return json_response(found.model_dump_json())


@router.get("/{agreement_id}/history", operation_id="list_agreement_history", response_model=Page[HistoryPublic])
async def list_agreement_history(
    agreement_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Every change of the agreement: who, when, what, from → to; the newest first."""
    check_scope(actor, "agreement.read")
    return await history_page(
        request, database, actor, cursors, agreement_id, limit, cursor, errors.AgreementNotFound, as_of
    )


async def _parts(request: Request, database: DatabaseDep, actor: Actor, agreement_id: UUID, part: str) -> Response:
    check_scope(actor, "agreement.read")
    async with database.read(actor) as connection:
        if await reading_repository.read(connection, actor.organization_id, agreement_id) is None:
            raise errors.AgreementNotFound
        items = await reading_repository.read_parts(connection, actor.organization_id, agreement_id, part)
    return page_response(request, items, None, None)


async def _change(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    key: str,
    step: Callable[[], Awaitable[Agreement]],
    *,
    status_code: int = 200,
) -> Response:
    async def handle() -> Response:
        return await _shown(session, actor, await step(), status_code=status_code)

    return await run_idempotent(request, session, actor, key, handle)


async def _shown(session: AsyncSession, actor: Actor, agreement: Agreement, *, status_code: int = 200) -> Response:
    await session.flush()
    row = await reading_repository.read(await driver_connection(session), actor.organization_id, agreement.id)
    assert row is not None
    headers = {"ETag": _etag(row)}
    if status_code == 201:
        headers["Location"] = f"/v1/agreements/{agreement.id}"
    return json_response(_body(actor, row), status_code=status_code, headers=headers)


def _text(content: str, row: asyncpg.Record, if_none_match: str | None) -> Response:
    body = AgreementText(
        text=content, text_format=row["text_format"], text_digest=row["text_digest"], frozen_at=row["opened_at"]
    ).model_dump_json()
    # Of the answer: a text that was taken back and opened again as it is was frozen at another time.
    tag = content_etag(body)
    return not_modified(if_none_match, tag) or json_response(body, headers={"ETag": tag})


def _with_block(body: str) -> str:
    """The signature with the lines that are printed of it."""
    signature = orjson.loads(body)
    signature["signature_block"] = signature_block(
        organization_name=signature["organization_name"],
        title=signature["signatory_title"],
        name=signature["signatory_name"],
        authority=signature["authority"],
        principal_title=signature["principal_title"],
    )
    return orjson.dumps(signature).decode()


def _body(actor: Actor, row: asyncpg.Record) -> str:
    actions = allowed_actions(
        Caller.of(actor),
        row["status"],
        row["relations"],
        signed=row["signed"],
        is_turn=row["is_turn"],
        amendment=row["amendment"],
        amendable=row["amendable"],
        other_open=row["other_open"],
        signing_over=is_over(row["sign_by"], clock.today()),
        presented=row["presented"],
        public=row["public"],
        was_in_force=row["was_in_force"],
    )
    return with_actions(row["body"], actions)


def _etag(row: asyncpg.Record) -> str:
    # What keeps a text from being opened or signed comes and goes with the day and with other agreements, and without a
    # version: whoever holds the answer from before must not be told 304.
    waits = row["status"] == AgreementStatus.DRAFT and row["other_open"]
    over = row["status"] == AgreementStatus.OPEN_FOR_SIGNATURE and is_over(row["sign_by"], clock.today())
    held_up = row["status"] in UNTIL_FORCE and not row["amendable"]
    return etag(row["version"], "held_up" if held_up else "waits" if waits else "over" if over else None)
