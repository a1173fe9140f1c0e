"""Rules of comments: only who sees the task is named, an author may change his mind, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from agreements_api.comments import errors, repository
from agreements_api.comments.models import CommentState
from agreements_api.comments.permissions import may, may_change
from agreements_api.comments.schemas import CommentCreate, CommentPublic, CommentUpdate
from agreements_api.history.past import Json, shown
from agreements_api.tasks import errors as task_errors
from agreements_api.tasks import repository as task_repository
from agreements_api.tasks.repository import Locked as LockedTask
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.events import (
    CommentAdded,
    CommentDeleted,
    CommentEdited,
    CommentEvent,
    CommentSnapshot,
    EventActor,
    Mention,
)
from shared.ids import new_id
from shared.outbox.publish import publish_on

Connection: TypeAlias = "asyncpg.Connection[Any]"


async def add(connection: Connection, actor: Actor, task_id: UUID, body: CommentCreate) -> asyncpg.Record:
    """Something is said about a task, whatever its state is."""
    task = await _task(connection, actor, task_id)
    assert actor.organization_id is not None
    mentions = await _mentioned(connection, task, body.mentions)
    comment_id, now = new_id(), clock.now()
    await repository.insert(
        connection,
        actor,
        comment_id,
        agreement_id=task.task.agreement_id,
        task_id=task_id,
        organization=(
            actor.organization_id,
            await repository.organization_name(connection, actor.organization_id),
        ),
        text=body.text,
        mentions=mentions,
        at=now,
    )
    return await _tell(connection, actor, task, comment_id, CommentAdded, now)


async def update(
    connection: Connection,
    actor: Actor,
    task_id: UUID,
    comment_id: UUID,
    if_match: str | None,
    body: CommentUpdate,
) -> asyncpg.Record:
    """The author words it anew, or names others; what it said before is kept."""
    task, before = await _begin(connection, actor, task_id, comment_id, "update", if_match)
    given = body.model_fields_set
    mentions: list[dict[str, str]] = orjson.loads(before["mentions"])
    named = mentions
    if "mentions" in given:
        # Whoever was named before stays named, even if his account has ended since.
        known = {one["account_id"]: one for one in mentions}
        new = await _mentioned(connection, task, body.mentions, known=known)
        named = new
    text = body.text if "text" in given else before["text"]
    if (text, named) == (before["text"], mentions):
        return before
    now = clock.now()
    await repository.update(connection, comment_id, text=text, mentions=named, at=now)
    return await _tell(connection, actor, task, comment_id, CommentEdited, now)


async def delete(
    connection: Connection, actor: Actor, task_id: UUID, comment_id: UUID, if_match: str | None
) -> asyncpg.Record:
    """The author takes it back: that there was something stays, and what it said is read by few."""
    task, _ = await _begin(connection, actor, task_id, comment_id, "delete", if_match)
    now = clock.now()
    await repository.delete(connection, comment_id, now)
    return await _tell(connection, actor, task, comment_id, CommentDeleted, now)


def as_it_was(actor: Actor, row: asyncpg.Record) -> Json:
    """A comment of the past: a wording that was replaced or taken back is told to none but those who read versions."""
    state = shown(CommentPublic, orjson.loads(row["state"]))
    if row["replaced"] and not may(actor, "read_versions", row["relations"]):
        state |= {"text": None, "mentions": []}
    return state


async def read_versions(
    connection: Connection,
    actor: Actor,
    task_id: UUID,
    comment_id: UUID,
    *,
    before: int | None,
    limit: int,
    as_of: datetime | None,
) -> list[asyncpg.Record]:
    """What a comment has said: for its author and for the leaders of the custodian."""
    comment = await repository.read(connection, actor, task_id, comment_id)
    if comment is None or (as_of is not None and comment["created_at"] > as_of):
        raise errors.CommentNotFound
    if not may(actor, "read_versions", comment["relations"]):
        raise errors.NotAllowed
    return await repository.versions(
        connection, actor.organization_id, comment_id, before=before, limit=limit, as_of=as_of
    )


async def people(
    connection: Connection,
    actor: Actor,
    task_id: UUID,
    *,
    organization: UUID | None,
    after: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Whom a comment on the task can name."""
    task = await repository.task_of(connection, actor.organization_id, task_id)
    if task is None:
        raise task_errors.TaskNotFound
    if not may(actor, "add", task["relations"]):
        raise errors.NotAllowed
    return await repository.people(
        connection, task["agreement_id"], organization=organization, after=after, limit=limit
    )


async def _task(connection: Connection, actor: Actor, task_id: UUID) -> LockedTask:
    """The task, held, once the caller may say something about it."""
    locked = await task_repository.lock(connection, actor.organization_id, task_id)
    if locked is None:
        raise task_errors.TaskNotFound
    if not may(actor, "add", locked.relations.split(",")):
        raise errors.NotAllowed
    return locked


async def _begin(
    connection: Connection, actor: Actor, task_id: UUID, comment_id: UUID, step: str, if_match: str | None
) -> tuple[LockedTask, asyncpg.Record]:
    """Task and comment, held, once the caller, the version and the state allow the step, asked in this order."""
    locked = await task_repository.lock(connection, actor.organization_id, task_id)
    comment = await repository.lock(connection, actor, task_id, comment_id)
    if locked is None or comment is None:
        raise errors.CommentNotFound
    if not may_change(actor, step, comment["relations"]):
        raise errors.NotAllowed
    check_if_match(if_match, comment["version"])
    if comment["state"] == CommentState.DELETED:
        raise errors.AlreadyDeleted
    return locked, comment


async def _mentioned(
    connection: Connection,
    task: LockedTask,
    wanted: Sequence[UUID],
    *,
    known: dict[str, dict[str, str]] | None = None,
) -> list[dict[str, str]]:
    """Those who are named, each once; only who sees the task can be."""
    kept = known or {}
    named = list(dict.fromkeys(wanted))
    if not named:
        return []
    rows = await repository.people(connection, task.task.agreement_id, accounts=named, limit=len(named))
    found = {str(row["account_id"]): {name: str(value) for name, value in row.items()} for row in rows}
    people = kept | found
    missing = [
        errors.no_reader(f"/mentions/{at}") for at, account_id in enumerate(wanted) if str(account_id) not in people
    ]
    if missing:
        raise errors.CannotMention(errors=missing)
    return [kept.get(str(account_id)) or found[str(account_id)] for account_id in named]


async def _tell(
    connection: Connection,
    actor: Actor,
    task: LockedTask,
    comment_id: UUID,
    kind: Callable[..., CommentEvent],
    now: datetime,
) -> asyncpg.Record:
    """The event of a version that is written, without a word of it; gives what a read would."""
    row = await repository.read(connection, actor, task.task.id, comment_id)
    assert row is not None
    snapshot = CommentSnapshot(
        id=comment_id,
        version=row["version"],
        agreement_id=task.task.agreement_id,
        agreement_title=task.task.agreement_title,
        task_id=task.task.id,
        task_title=task.task.title,
        organization_id=row["organization_id"],
        organization_name=row["organization_name"],
        mentions=[Mention.model_validate(one) for one in orjson.loads(row["mentions"])],
        demonstration=task.task.demonstration,
        created_at=row["created_at"],
        updated_at=now,
    )
    event = kind(
        version=snapshot.version,
        actor=EventActor.of(actor),
        occurred_at=now,
        members=task.members,
        comment=snapshot,
    )
    await publish_on(connection, event)
    return row
