"""Rules of documents: attached, looked at, removed. Every function runs inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.documents import errors, repository
from agreements_api.documents.media_types import MediaType
from agreements_api.documents.models import HELD, Document, SubjectKind
from agreements_api.documents.permissions import allowed_actions, may_add, may_remove
from agreements_api.documents.repository import Listed, Subject
from agreements_api.documents.schemas import DocumentPublic, EvidenceCreate
from agreements_api.policy import check_scope
from shared import clock
from shared.auth import Actor
from shared.db import driver_connection
from shared.etags import check_if_match
from shared.events import DocumentAdded, DocumentEvent, DocumentRemoved, DocumentSnapshot, EventActor
from shared.outbox import publish

Connection: TypeAlias = "asyncpg.Connection[Any]"


async def subject_to_add_to(connection: Connection, actor: Actor, kind: SubjectKind, subject_id: UUID) -> Subject:
    """What the caller may attach something to; asked before a file is received, and again when it is."""
    subject = await repository.hold_subject(connection, actor.organization_id, kind, subject_id)
    if subject is None:
        raise errors.SubjectNotFound
    if actor.organization_id is None or not may_add(actor, kind, subject.relations):
        raise errors.NotAllowed
    if kind is SubjectKind.REPORT and subject.owner_id != actor.organization_id:
        raise errors.NotAllowed
    if not subject.open:
        raise errors.closed(kind)
    return subject


async def add(
    session: AsyncSession,
    actor: Actor,
    kind: SubjectKind,
    subject_id: UUID,
    *,
    digest: str,
    size: int,
    media_type: MediaType,
    name: str,
    description: str | None,
) -> UUID:
    """Attach a content that is in the store under a name."""
    connection = await driver_connection(session)
    subject = await subject_to_add_to(connection, actor, kind, subject_id)
    return await _attach(
        session,
        actor,
        subject,
        {"digest": digest, "size": size, "media_type": media_type.value, "name": name, "description": description},
    )


async def add_evidence(session: AsyncSession, actor: Actor, task_id: UUID, body: EvidenceCreate) -> UUID:
    """Attach the content of a document that the caller sees to a task, or to a report of it, as well."""
    connection = await driver_connection(session)
    subject = await subject_to_add_to(connection, actor, SubjectKind.TASK, task_id)
    if body.report_id is not None:
        if not await repository.is_report_of(connection, body.report_id, task_id):
            raise errors.unknown_reference("/report_id")
        subject = await subject_to_add_to(connection, actor, SubjectKind.REPORT, body.report_id)
    row = await repository.read(connection, actor.organization_id, body.document_id)
    if row is None or row["removed_at"] is not None:
        raise errors.unknown_reference("/document_id")
    return await _attach(
        session,
        actor,
        subject,
        {name: row[name] for name in ("digest", "size", "media_type", "name", "description")},
    )


async def remove(
    session: AsyncSession, actor: Actor, document_id: UUID, if_match: str | None, reason: str | None
) -> None:
    """Take it off its subject. It stays on record; its content leaves the store when nothing refers to it."""
    connection = await driver_connection(session)
    seen = await _row(connection, actor, document_id)
    if not may_remove(actor, own=seen["own"]):
        raise errors.NotAllowed
    # Before the document, as whoever reports on the ground of it holds the task first.
    subject = await repository.hold_subject(
        connection, actor.organization_id, SubjectKind(seen["subject_kind"]), seen["subject_id"]
    )
    await repository.lock(connection, document_id)
    row = await _row(connection, actor, document_id)
    check_if_match(if_match, row["version"])
    if row["removed_at"] is not None:
        raise errors.AlreadyRemoved
    if _is_kept(row, subject):
        raise errors.Kept
    await repository.remove(connection, document_id, at=clock.now(), by=actor.name, reason=reason)
    await _publish(session, actor, DocumentRemoved, document_id)


def was_there(added_at: datetime, kept_until: datetime | None) -> bool:
    """What was attached by the moment at which something was signed or reported is kept."""
    return kept_until is not None and added_at <= kept_until


async def read(
    connection: Connection, actor: Actor, document_id: UUID, as_of: datetime | None = None
) -> DocumentPublic:
    """One document as the caller sees it, or would have seen it at an instant."""
    check_scope(actor, "document.read")
    if as_of is None:
        return await after_change(connection, actor, document_id)
    row = await _row(connection, actor, document_id)
    if row["created_at"] > as_of:
        raise errors.DocumentNotFound
    return shown_then(row, as_of)


async def after_change(connection: Connection, actor: Actor, document_id: UUID) -> DocumentPublic:
    """The same, for whoever has just attached it and may therefore see it."""
    row = await _row(connection, actor, document_id)
    return shown(actor, row, kept=row["id"] in await _kept_among(connection, actor, [row]))


async def to_download(connection: Connection, actor: Actor, document_id: UUID) -> asyncpg.Record:
    """A document whose content may be handed out now."""
    row = await _row(connection, actor, document_id)
    if row["removed_at"] is not None:
        raise errors.DocumentRemoved(removed_at=row["removed_at"].isoformat())
    if row["state"] in HELD:
        raise errors.DocumentHeld(row["state"])
    return row


async def list_documents(
    connection: Connection, actor: Actor, listed: Listed, *, before: UUID | None, limit: int
) -> list[DocumentPublic]:
    """Documents of an agreement, of a task or of one subject, the newest first."""
    check_scope(actor, "document.read")
    rows = await repository.list_documents(connection, actor.organization_id, listed, before=before, limit=limit)
    if listed.as_of is not None:
        return [shown_then(row, listed.as_of) for row in rows]
    kept = await _kept_among(connection, actor, rows)
    return [shown(actor, row, kept=row["id"] in kept) for row in rows]


async def check_visible(connection: Connection, actor: Actor, listed: Listed) -> None:
    """Raises SubjectNotFound where an empty list is of something that the caller does not see."""
    organization = actor.organization_id
    if listed.key == "agreement_id":
        visible = await repository.is_agreement_visible(connection, organization, listed.id, listed.as_of)
    elif listed.key == "task_id":
        visible = await repository.is_task_visible(connection, organization, listed.id, listed.as_of)
    else:
        found = [await repository.subject(connection, organization, kind, listed.id) for kind in SubjectKind]
        visible = any(one is not None and (listed.as_of is None or one.since <= listed.as_of) for one in found)
    if not visible:
        raise errors.SubjectNotFound


def shown(actor: Actor, row: asyncpg.Record, *, kept: bool) -> DocumentPublic:
    removed = row["removed_at"] is not None
    actions = allowed_actions(actor, state=row["state"], removed=removed, own=row["own"], kept=kept)
    return _public(row, allowed_actions=actions)


def shown_then(row: asyncpg.Record, as_of: datetime) -> DocumentPublic:
    """At an instant: nothing but a removal changes a document. What the scan found of its content is known today."""
    if row["removed_at"] is None or row["removed_at"] <= as_of:
        return _public(row, allowed_actions=[])
    return _public(row, version=1, removed_at=None, removed_by=None, removal_reason=None, allowed_actions=[])


def _public(row: asyncpg.Record, **instead: Any) -> DocumentPublic:
    return DocumentPublic.model_validate(
        {
            **{name: value for name, value in row.items() if name in DocumentPublic.model_fields},
            "scan": {name: row[name] for name in ("state", "detail", "scanned_at")},
            **instead,
        }
    )


async def _attach(session: AsyncSession, actor: Actor, subject: Subject, content: dict[str, Any]) -> UUID:
    connection = await driver_connection(session)
    assert actor.organization_id is not None
    now = clock.now()
    document = Document(
        agreement_id=subject.agreement_id,
        subject_kind=subject.kind,
        subject_id=subject.id,
        task_id=subject.task_id,
        organization_id=actor.organization_id,
        organization_name=await repository.organization_name(connection, actor.organization_id),
        account_id=actor.id,
        added_by=actor.name,
        created_at=now,
        updated_at=now,
        **content,
    )
    try:
        present = await repository.add(connection, document)
    except asyncpg.ForeignKeyViolationError as error:
        # Nothing referred to it for so long that it was taken away just now: the next attempt stores it again.
        raise errors.StorageAway(headers={"Retry-After": "1"}) from error
    if present is not None:
        raise errors.AlreadyAttached(document_id=str(present))
    await _publish(session, actor, DocumentAdded, document.id)
    return document.id


async def _publish(session: AsyncSession, actor: Actor, kind: type[DocumentEvent], document_id: UUID) -> None:
    connection = await driver_connection(session)
    row = await _row(connection, actor, document_id)
    event = kind(
        version=row["version"],
        actor=EventActor.of(actor),
        occurred_at=row["updated_at"],
        members=await repository.members(connection, row["agreement_id"]),
        document=DocumentSnapshot.model_validate(dict(row)),
    )
    await publish(session, event)


async def _kept_among(connection: Connection, actor: Actor, rows: Sequence[asyncpg.Record]) -> set[UUID]:
    """Asked once for each subject, and only where somebody could remove something."""
    asked: dict[tuple[str, UUID], Subject | None] = {}
    kept: set[UUID] = set()
    for row in rows:
        if not row["own"] or row["removed_at"] is not None:
            continue
        if row["named"]:
            kept.add(row["id"])
            continue
        key = (row["subject_kind"], row["subject_id"])
        if key not in asked:
            kind = SubjectKind(row["subject_kind"])
            asked[key] = await repository.subject(connection, actor.organization_id, kind, row["subject_id"])
        if _is_kept(row, asked[key]):
            kept.add(row["id"])
    return kept


def _is_kept(row: asyncpg.Record, subject: Subject | None) -> bool:
    """A report that names it keeps it, wherever it is attached and whenever that was."""
    return row["named"] or (subject is not None and was_there(row["created_at"], subject.kept_until))


async def _row(connection: Connection, actor: Actor, document_id: UUID) -> asyncpg.Record:
    row = await repository.read(connection, actor.organization_id, document_id)
    if row is None:
        raise errors.DocumentNotFound
    return row
