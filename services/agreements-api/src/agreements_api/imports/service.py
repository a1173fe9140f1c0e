"""Rules of imports: what people ask for. The work itself is in jobs.py."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from agreements_api.agreements import errors as agreement_errors
from agreements_api.agreements import permissions as agreement_permissions
from agreements_api.imports import errors, repository
from agreements_api.imports.inspection import type_of
from agreements_api.imports.kinds import ImportKind
from agreements_api.imports.models import ImportStatus, Severity
from agreements_api.imports.permissions import STEPS, allowed_actions, may, may_have_template
from agreements_api.imports.refusals import Refused
from agreements_api.imports.schemas import ImportCreate, ImportErrorPublic, ImportPublic, Progress, RefusalPublic
from agreements_api.tasks import batches
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.ids import new_id
from shared.text import nfc

Connection: TypeAlias = "asyncpg.Connection[Any]"


def check_may_create(actor: Actor) -> None:
    """Asked before the file is looked at."""
    if actor.organization_id is None or not may(actor, "create"):
        raise errors.NotAllowed


def check_may_have_template(actor: Actor) -> None:
    if not may_have_template(actor):
        raise errors.NotAllowed


async def request(
    connection: Connection, actor: Actor, wanted: ImportCreate, *, file_name: str, content: bytes
) -> asyncpg.Record:
    """A new import. What would be refused whatever the file holds is refused at once."""
    check_may_create(actor)
    if wanted.kind is ImportKind.TASKS:
        if wanted.agreement_id is None:
            raise errors.agreement_missing()
        await batches.begin(connection, actor, wanted.agreement_id)
    else:
        if wanted.agreement_id is not None:
            raise errors.agreement_not_wanted()
        if not agreement_permissions.may(actor, "draft", ()):
            raise agreement_errors.NotAllowed
    try:
        type_of(content)
    except Refused as refused:
        raise errors.WrongType(refused.code) from refused
    import_id = new_id()
    await repository.add(
        connection,
        actor,
        import_id,
        wanted.model_dump(),
        file_name=_plain_name(file_name),
        digest=hashlib.sha256(content).hexdigest(),
        content=content,
        now=clock.now(),
    )
    return await read(connection, actor, import_id)


async def read(connection: Connection, actor: Actor, import_id: UUID) -> asyncpg.Record:
    """An import of the caller's own organisation."""
    row = await repository.read(connection, actor.organization_id, import_id)
    return _checked(actor, row, "read")


async def list_imports(
    connection: Connection,
    actor: Actor,
    *,
    statuses: Sequence[ImportStatus],
    agreement_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    if not may(actor, "read"):
        raise errors.NotAllowed
    return await repository.list_imports(
        connection,
        actor.organization_id,
        statuses=[status.value for status in statuses],
        agreement_id=agreement_id,
        before=before,
        limit=limit,
    )


async def list_errors(
    connection: Connection, actor: Actor, import_id: UUID, *, severity: Severity | None, after: int, limit: int
) -> list[asyncpg.Record]:
    await read(connection, actor, import_id)
    return await repository.list_errors(
        connection, actor.organization_id, import_id, severity=severity, after=after, limit=limit
    )


async def commit(connection: Connection, actor: Actor, import_id: UUID, if_match: str | None) -> asyncpg.Record:
    """Have a checked file written: it is read and checked once more, and then written whole."""
    await _begin(connection, actor, import_id, "commit", if_match)
    row = await repository.queue_for_writing(connection, actor.organization_id, import_id, clock.now())
    if row is None:
        raise errors.NotKept
    return row


async def cancel(connection: Connection, actor: Actor, import_id: UUID, if_match: str | None) -> asyncpg.Record:
    """Nothing of it is written: a worker that is at it finds that out before it commits."""
    await _begin(connection, actor, import_id, "cancel", if_match)
    return await repository.end(connection, actor.organization_id, import_id, ImportStatus.CANCELLED, clock.now())


def public(actor: Actor, row: asyncpg.Record, language: str) -> ImportPublic:
    refusal = orjson.loads(row["refusal"]) if row["refusal"] else None
    return ImportPublic(
        **{name: row[name] for name in _SAME},
        progress=Progress(
            total=row["rows_total"],
            read=row["rows_read"],
            checked=row["rows_checked"],
            written=row["rows_written"],
        ),
        ignored_columns=orjson.loads(row["ignored_columns"]),
        refusal=RefusalPublic(code=refusal["code"], detail=refusal[language]) if refusal else None,
        requested_by=row["requested_by_name"],
        allowed_actions=list(allowed_actions(actor, row["status"])),
    )


_SAME = (
    "id",
    "version",
    "kind",
    "agreement_id",
    "file_name",
    "size_bytes",
    "digest",
    "dry_run",
    "again",
    "demonstration",
    "status",
    "sheet",
    "errors",
    "notices",
    "duplicate_of",
    "created_at",
    "updated_at",
    "finished_at",
)


def error_public(row: asyncpg.Record, language: str) -> ImportErrorPublic:
    return ImportErrorPublic(
        severity=row["severity"],
        row=row["row_number"],
        column=row["column_number"],
        cell=row["cell"],
        header=row["header"],
        code=row["code"],
        detail=orjson.loads(row["detail"])[language],
        value=row["value"],
    )


async def _begin(
    connection: Connection, actor: Actor, import_id: UUID, step: str, if_match: str | None
) -> asyncpg.Record:
    row = await repository.read(connection, actor.organization_id, import_id, lock=True)
    row = _checked(actor, row, step)
    check_if_match(if_match, row["version"])
    if step not in STEPS[row["status"]]:
        raise errors.NotPossible(row["status"], allowed_actions(actor, row["status"]))
    return row


def _checked(actor: Actor, row: asyncpg.Record | None, step: str) -> asyncpg.Record:
    if row is None:
        raise errors.ImportNotFound
    if not may(actor, step):
        raise errors.NotAllowed
    return row


def _plain_name(name: str) -> str:
    """The last part of whatever path a browser sends."""
    last = re.split(r"[/\\]", nfc(name))[-1]
    return re.sub(r"[\x00-\x1f\x7f]", "", last).strip()[:200] or "file"
