"""HTTP of documents: uploads, what is known of them, and links to their contents."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.config import Settings
from agreements_api.dependencies import SettingsDep
from agreements_api.documents import errors, naming, ranges, receiving, service, uploads
from agreements_api.documents.links import Links
from agreements_api.documents.models import ScanState, SubjectKind
from agreements_api.documents.repository import Listed
from agreements_api.documents.schemas import (
    Description,
    DocumentLink,
    DocumentPublic,
    EvidenceCreate,
    GivenName,
    Reason,
)
from agreements_api.documents.storage import STORAGE_ERRORS, Storage, open_storage
from agreements_api.history.instants import AsOf
from agreements_api.representation import json_response, page_response, record_response
from shared.auth import SYSTEM, Actor
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
from shared.etags import not_modified, unless_held
from shared.idempotency import run_idempotent
from shared.pagination import Cursors, cut
from shared.schemas import Page

router = APIRouter(tags=["documents"])

# Their bodies are files: nothing reads them before the route does.
STREAMED = ("/v1/documents",)

_FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
                }
            },
            "application/octet-stream": {"schema": {}},
        },
    }
}
_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The content.", "content": {"application/octet-stream": {"schema": {}}}},
    206: {"description": "The part that Range asked for.", "content": {"application/octet-stream": {"schema": {}}}},
    403: {"description": "The link was not given out here, or it has expired."},
    409: {"description": "The content is held by the virus scan."},
    410: {"description": "The document was removed."},
    416: {"description": "The range lies outside of the content."},
}
Removed = Annotated[bool, Query(description="Also those that were removed.")]


@asynccontextmanager
async def documents_hook(app: FastAPI) -> AsyncIterator[None]:
    """The store, the links and the room for uploads of a running application."""
    settings: Settings = app.state.settings
    async with app.state.database.read(SYSTEM) as connection:
        secret: bytes = await connection.fetchval("select value from service_secret where name = 'cursor'")
    app.state.storage = open_storage(settings)
    app.state.links = Links(secret, lifetime=timedelta(seconds=settings.document_link_seconds))
    app.state.intake = receiving.Intake(settings.document_uploads_at_once)
    yield


@router.post(
    "/documents",
    operation_id="upload_document",
    status_code=201,
    response_model=DocumentPublic,
    openapi_extra=_FILE_BODY,
)
async def upload_document(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    settings: SettingsDep,
    key: IdempotencyKey,
    subject_kind: Annotated[SubjectKind, Query(description="What it is attached to.")],
    subject_id: UUID,
    name: GivenName = None,
    description: Description = None,
) -> Response:
    """Attach a file: as the body itself, or as the part `file` of a multipart body.

    Its type is told from its content and must be one that is taken; Content-Type and the name's extension must agree
    with it. The name is `name`, or that of Content-Disposition.
    """
    async with database.read(actor) as connection:
        await service.subject_to_add_to(connection, actor, subject_kind, subject_id)
    if not request.headers.get("content-type", "").startswith("multipart/"):
        uploads.check_declared(request.headers.get("content-type"), settings.document_types)
    intake: receiving.Intake = request.app.state.intake
    async with intake.place(), receiving.receive(request, limit=settings.document_limit) as received:
        checked = await uploads.check(received, name, settings.document_types)
        first = ScanState.PENDING if settings.scanner_address else ScanState.NOT_SCANNED
        async with intake.storing:
            await uploads.keep(database, request.app.state.storage, received, first=first)
    async with database.transaction(actor) as session:

        async def handle() -> Response:
            document_id = await service.add(
                session,
                actor,
                subject_kind,
                subject_id,
                digest=received.digest,
                size=received.size,
                media_type=checked.media_type,
                name=checked.name,
                description=description,
            )
            return await _added(session, actor, document_id)

        asked = orjson.dumps([received.digest, checked.name, checked.media_type])
        response = await run_idempotent(request, session, actor, key, handle, content=asked)
    return response


@router.get("/documents", operation_id="list_documents", response_model=Page[DocumentPublic])
async def list_documents(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    agreement_id: Annotated[UUID | None, Query(description="All of an agreement.")] = None,
    subject_id: Annotated[UUID | None, Query(description="What they are attached to.")] = None,
    removed: Removed = False,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Documents of one agreement or of one subject, the newest first."""
    if (agreement_id is None) == (subject_id is None):
        raise errors.one_of("/query/agreement_id")
    listed = (
        Listed("agreement_id", agreement_id, removed=removed, as_of=as_of)
        if agreement_id is not None
        else Listed("subject_id", _given(subject_id), removed=removed, as_of=as_of)
    )
    return await _page(request, database, actor, cursors, listed, limit, cursor)


@router.get("/documents/{document_id}", operation_id="read_document", response_model=DocumentPublic)
async def read_document(
    document_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """What is known of a document, and what the caller may do with it; also after it was removed."""
    async with database.read(actor) as connection:
        return _shown(await service.read(connection, actor, document_id, as_of), if_none_match)


@router.delete("/documents/{document_id}", operation_id="remove_document", status_code=204, response_class=Response)
async def remove_document(
    document_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    reason: Reason = None,
    if_match: IfMatch = None,
) -> Response:
    """Take a document of one's own organisation off its subject; what was signed or reported on its ground is kept."""

    async def handle() -> Response:
        await service.remove(session, actor, document_id, if_match, reason)
        return Response(status_code=204)

    return await run_idempotent(request, session, actor, key, handle)


@router.get("/documents/{document_id}/link", operation_id="link_document", response_model=DocumentLink)
async def link_document(
    document_id: UUID, request: Request, database: DatabaseDep, actor: ActorDep, settings: SettingsDep
) -> Response:
    """A link to the content that is good for a few minutes, also where no token can be sent along."""
    async with database.read(actor) as connection:
        await service.read(connection, actor, document_id)
        await service.to_download(connection, actor, document_id)
    assert actor.organization_id is not None
    links: Links = request.app.state.links
    path, expires_at = links.make(document_id, actor.organization_id)
    link = DocumentLink(url=f"{settings.public_url.rstrip('/')}{path}", expires_at=expires_at)
    return json_response(link.model_dump_json(), headers={"Cache-Control": "no-store"})


@router.get(
    "/documents/{document_id}/content",
    operation_id="read_document_content",
    response_class=StreamingResponse,
    responses=_CONTENT,
)
async def read_document_content(
    document_id: UUID,
    request: Request,
    database: DatabaseDep,
    organization_id: Annotated[UUID, Query(alias="for", description="Of the link.")],
    expires: Annotated[int, Query(ge=0, le=2**40, description="Of the link.")],
    signature: Annotated[str, Query(max_length=64, description="Of the link.")],
) -> Response:
    """The content behind a link, whole or the part that Range asks for."""
    request.app.state.links.check(document_id, organization_id, expires, signature)
    # The link speaks for its organisation, and sees what that one sees today.
    holder = Actor(id=document_id, kind="client", name="", organization_id=organization_id)
    async with database.read(holder) as connection:
        row = await service.to_download(connection, holder, document_id)
    tag = f'"{row["digest"]}"'
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": naming.disposition(row["name"]),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }
    unchanged = not_modified(request.headers.get("if-none-match"), tag)
    if unchanged is not None:
        return unchanged
    size: int = row["size"]
    try:
        span = ranges.asked(request.headers.get("range"), request.headers.get("if-range"), size=size, tag=tag)
    except ranges.Unsatisfiable as error:
        raise errors.RangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"}) from error
    storage: Storage = request.app.state.storage
    try:
        content = await storage.read(row["digest"], span)
    except STORAGE_ERRORS as error:
        raise errors.StorageAway(headers={"Retry-After": "5"}) from error
    headers["Content-Length"] = str(size if span is None else span.length)
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{size}"
    return StreamingResponse(content, 200 if span is None else 206, headers, media_type=_of(row["media_type"]))


@router.get("/tasks/{task_id}/evidence", operation_id="list_evidence", response_model=Page[DocumentPublic])
async def list_evidence(
    task_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    report_id: Annotated[UUID | None, Query(description="Of this report only.")] = None,
    removed: Removed = False,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """What proves a task's progress: documents of the task, its reports and its obstacles, the newest first."""
    listed = Listed("task_id", task_id, report_id=report_id, removed=removed, as_of=as_of)
    return await _page(request, database, actor, cursors, listed, limit, cursor)


@router.post("/tasks/{task_id}/evidence", operation_id="add_evidence", status_code=201, response_model=DocumentPublic)
async def add_evidence(
    task_id: UUID,
    body: EvidenceCreate,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
) -> Response:
    """Let a document that is attached elsewhere be evidence of a task, or of a report of it, as well.

    A new file goes to `POST /documents`, with the task or the report as its subject.
    """

    async def handle() -> Response:
        return await _added(session, actor, await service.add_evidence(session, actor, task_id, body))

    return await run_idempotent(request, session, actor, key, handle)


async def _page(
    request: Request,
    database: DatabaseDep,
    actor: Actor,
    cursors: Cursors,
    listed: Listed,
    limit: int,
    cursor: str | None,
) -> Response:
    scope = f"documents:{listed.key}:{listed.id}"
    before = UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        documents = await service.list_documents(connection, actor, listed, before=before, limit=limit + 1)
        if not documents:
            await service.check_visible(connection, actor, listed)
    items, last = cut(documents, limit)
    following = cursors.encode(scope, [last.id]) if last else None
    return page_response(request, [document.model_dump_json() for document in items], following, None)


async def _added(session: AsyncSession, actor: Actor, document_id: UUID) -> Response:
    document = await service.after_change(await driver_connection(session), actor, document_id)
    return _shown(document, status_code=201)


def _shown(document: DocumentPublic, if_none_match: str | None = None, *, status_code: int = 200) -> Response:
    location = f"/v1/documents/{document.id}"
    answer = record_response(document.model_dump_json(), document.version, status_code=status_code, location=location)
    return unless_held(if_none_match, answer)


def _given(identifier: UUID | None) -> UUID:
    assert identifier is not None
    return identifier


def _of(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
