"""HTTP of imports."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from agreements_api.agreements.schemas import Empty
from agreements_api.dependencies import SettingsDep
from agreements_api.imports import errors, service
from agreements_api.imports.kinds import ImportKind
from agreements_api.imports.models import UNDER_WAY, ImportStatus, Severity, TemplateFormat
from agreements_api.imports.schemas import FORM_EXAMPLE, ImportCreate, ImportErrorPublic, ImportPublic
from agreements_api.imports.templates import MEDIA_TYPES, as_csv, template
from agreements_api.representation import json_response, page_response
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
from shared.etags import etag, not_modified
from shared.idempotency import run_idempotent
from shared.pagination import cut
from shared.problem_handlers import field_errors
from shared.problems import Unprocessable
from shared.progress import followed
from shared.roles import stopping_of
from shared.schemas import Page

router = APIRouter(prefix="/imports", tags=["imports"])

Connection: TypeAlias = "asyncpg.Connection[Any]"
MEGABYTE = 1024 * 1024
_MOST_FIELDS = 10
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["kind", "file"],
                    "properties": {
                        **ImportCreate.model_json_schema(ref_template="#/components/schemas/{model}")["properties"],
                        "kind": {"type": "string", "enum": [kind.value for kind in ImportKind]},
                        "file": {"type": "string", "format": "binary", "description": "XLSX or CSV."},
                    },
                },
                "example": FORM_EXAMPLE,
            }
        },
    }
}


@router.post("", operation_id="create_import", status_code=202, response_model=ImportPublic, openapi_extra=_FORM)
async def create_import(
    request: Request,
    database: DatabaseDep,
    settings: SettingsDep,
    actor: ActorDep,
    key: IdempotencyKey,
    language: Language,
) -> Response:
    """Send a table of tasks or agreements. It is checked in the background: `Location` says where to follow it.

    With `dry_run` (the default) nothing is written until `commit`; without it, what has no error is written at once.
    """
    service.check_may_create(actor)
    wanted, name, content = await _form(request, settings.import_max_mb)
    # A client that repeats a form writes it anew, with another boundary.
    known_by = b"\n".join((wanted.model_dump_json().encode(), name.encode(), content))

    async def handle(connection: Connection) -> Response:
        row = await service.request(connection, actor, wanted, file_name=name, content=content)
        return _shown(actor, row, language, status_code=202)

    async with database.write(actor) as connection:
        return await run_idempotent(request, connection, actor, key, lambda: handle(connection), content=known_by)


@router.get("", operation_id="list_imports", response_model=Page[ImportPublic])
async def list_imports(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    language: Language,
    status: Annotated[Sequence[ImportStatus], Query()] = (),
    agreement_id: UUID | None = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Imports of the caller's organisation, the newest first."""
    before = UUID(cursors.decode("imports", cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        rows = await service.list_imports(
            connection, actor, statuses=status, agreement_id=agreement_id, before=before, limit=limit + 1
        )
    items, last = cut(rows, limit)
    bodies = [service.public(actor, row, language).model_dump_json() for row in items]
    return page_response(request, bodies, cursors.encode("imports", [last["id"]]) if last else None, None)


@router.get(
    "/templates/{kind}.{format}",
    operation_id="read_import_template",
    response_class=Response,
    responses={200: {"description": "The template.", "content": {media: {} for media in MEDIA_TYPES.values()}}},
)
async def read_import_template(kind: ImportKind, format: TemplateFormat, actor: ActorDep) -> Response:
    """A table to fill in, with a row of headers and rows of examples that an import skips."""
    service.check_may_have_template(actor)
    name = f"{'nhiem-vu' if kind is ImportKind.TASKS else 'thoa-thuan'}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(template(kind, format), headers=headers, media_type=MEDIA_TYPES[format])


@router.get("/{import_id}", operation_id="read_import", response_model=ImportPublic)
async def read_import(
    import_id: UUID, database: DatabaseDep, actor: ActorDep, language: Language, if_none_match: IfNoneMatch = None
) -> Response:
    """How far an import is, and what came of it."""
    async with database.read(actor) as connection:
        row = await service.read(connection, actor, import_id)
    return not_modified(if_none_match, _etag(row, language)) or _shown(actor, row, language)


async def get_watched_import(
    import_id: UUID, database: DatabaseDep, actor: ActorDep, language: Language
) -> ImportPublic:
    # A dependency, because a stream that has begun cannot turn into a 404 any more.
    async with database.read(actor) as connection:
        return service.public(actor, await service.read(connection, actor, import_id), language)


@router.get("/{import_id}/events", operation_id="stream_import_progress", response_class=EventSourceResponse)
async def stream_import_progress(
    import_id: UUID,
    request: Request,
    database: DatabaseDep,
    settings: SettingsDep,
    actor: ActorDep,
    language: Language,
    watched: Annotated[ImportPublic, Depends(get_watched_import)],
) -> AsyncIterator[ServerSentEvent]:
    """The import as server-sent events, one for each change, until nothing is done by itself any more."""
    async for state in followed(
        watched,
        lambda: get_watched_import(import_id, database, actor, language),
        ended=lambda state: state.status not in UNDER_WAY,
        every=settings.progress_poll_seconds,
        stopping=stopping_of(request.app),
    ):
        yield ServerSentEvent(event="progress", data=state)


@router.get("/{import_id}/errors", operation_id="list_import_errors", response_model=Page[ImportErrorPublic])
async def list_import_errors(
    import_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    language: Language,
    severity: Severity | None = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """What was found in the cells, from the top to the bottom, in the caller's language."""
    scope = f"imports:{import_id}:errors:{severity}"
    after = int(cursors.decode(scope, cursor)[0]) if cursor is not None else 0
    async with database.read(actor) as connection:
        rows = await service.list_errors(connection, actor, import_id, severity=severity, after=after, limit=limit + 1)
    items, last = cut(rows, limit)
    bodies = [service.error_public(row, language).model_dump_json() for row in items]
    return page_response(request, bodies, cursors.encode(scope, [last["ordinal"]]) if last else None, None)


@router.get(
    "/{import_id}/errors.csv",
    operation_id="read_import_errors_as_csv",
    response_class=Response,
    responses={200: {"description": "The errors as a table.", "content": {"text/csv": {}}}},
)
async def read_import_errors_as_csv(
    import_id: UUID, database: DatabaseDep, actor: ActorDep, settings: SettingsDep, language: Language
) -> Response:
    """The same as a table for a spreadsheet, to work through beside the file."""
    async with database.read(actor) as connection:
        rows = await service.list_errors(
            connection, actor, import_id, severity=None, after=0, limit=settings.import_errors_kept
        )
    found = [service.error_public(row, language) for row in rows]
    table = [[one.cell, one.header or "", one.severity.value, one.detail, one.value or ""] for one in found]
    header = ("Ô", "Cột", "Loại", "Nội dung", "Giá trị") if language == "vi" else _ENGLISH
    headers = {"Content-Disposition": 'attachment; filename="loi.csv"'}
    return Response(as_csv(header, table), headers=headers, media_type=MEDIA_TYPES[TemplateFormat.CSV])


_ENGLISH = ("Cell", "Column", "Kind", "What is wrong", "Value")


@router.post("/{import_id}/commit", operation_id="commit_import", status_code=202, response_model=ImportPublic)
async def commit_import(
    import_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    key: IdempotencyKey,
    language: Language,
    if_match: IfMatch = None,
    body: Empty | None = None,
) -> Response:
    """Write what was checked: all of it in one transaction, or nothing."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.commit(connection, actor, import_id, if_match)

    return await _change(request, database, actor, key, step, language, status_code=202)


@router.post("/{import_id}/cancel", operation_id="cancel_import", response_model=ImportPublic)
async def cancel_import(
    import_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    key: IdempotencyKey,
    language: Language,
    if_match: IfMatch = None,
    body: Empty | None = None,
) -> Response:
    """Give an import up, also while it is being written: then nothing of it stays."""

    async def step(connection: Connection) -> asyncpg.Record:
        return await service.cancel(connection, actor, import_id, if_match)

    return await _change(request, database, actor, key, step, language)


async def _form(request: Request, most_mb: int) -> tuple[ImportCreate, str, bytes]:
    """The fields, the file's name and its content."""
    # Read whole before it is taken apart: it is asked for again when the request is to be known by it.
    await request.body()
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise errors.no_form()
    try:
        async with request.form(max_files=1, max_fields=_MOST_FIELDS) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise errors.no_form()
            content, name = await file.read(), file.filename or ""
            fields = {field: value for field, value in form.items() if field != "file"}
    except HTTPException as error:
        raise errors.no_form() from error
    if len(content) > most_mb * MEGABYTE:
        raise errors.FileTooLarge(most_mb)
    if not content:
        raise errors.empty_file()
    try:
        return ImportCreate.model_validate(fields), name, content
    except ValidationError as error:
        details = [{**detail, "loc": ("body", *detail["loc"])} for detail in error.errors()]
        raise Unprocessable(errors=field_errors(details)) from error


async def _change(
    request: Request,
    database: Database,
    actor: Actor,
    key: str,
    step: Callable[[Connection], Awaitable[asyncpg.Record]],
    language: str,
    *,
    status_code: int = 200,
) -> Response:
    async with database.write(actor) as connection:

        async def handle() -> Response:
            return _shown(actor, await step(connection), language, status_code=status_code)

        return await run_idempotent(request, connection, actor, key, handle)


def _shown(actor: Actor, row: asyncpg.Record, language: str, *, status_code: int = 200) -> Response:
    headers = {"ETag": _etag(row, language), "Content-Language": language}
    if status_code == 202:
        headers["Location"] = f"/v1/imports/{row['id']}"
    body = service.public(actor, row, language).model_dump_json()
    return json_response(body, status_code=status_code, headers=headers)


def _etag(row: asyncpg.Record, language: str) -> str:
    # Progress is no new version: whoever cancels must not have to run after it.
    seen = "_".join(str(row[name] or 0) for name in ("rows_total", "rows_read", "rows_checked", "rows_written"))
    return etag(row["version"], language + seen.translate(_AS_LETTERS))


_AS_LETTERS = str.maketrans("0123456789", "abcdefghij")
