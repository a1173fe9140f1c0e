"""Rules of publishing: the custodian's leader decides, and every step is told as a version of the agreement."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements import errors as agreement_errors
from agreements_api.agreements import repository as agreement_repository
from agreements_api.agreements.models import Agreement
from agreements_api.agreements.service import record_beside
from agreements_api.publication import errors, repository
from agreements_api.publication.models import Publication, PublishedTask
from agreements_api.publication.permissions import may, steps
from agreements_api.tasks import errors as task_errors
from shared.auth import Actor
from shared.etags import check_if_match
from shared.events import AgreementPublished, AgreementUnpublished, Change


async def publish(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, task_ids: Sequence[UUID]
) -> None:
    """Show the agreement to the public, with the tasks that are named and no other."""
    agreement = await _locked(session, actor, agreement_id, "publish")
    check_if_match(if_match, agreement.version)
    publication = await repository.publication_of(session, agreement_id)
    if _is_public(publication):
        raise errors.NotPossible(_steps(agreement, publication))
    if agreement.in_force_on is None:
        raise errors.NeverInForce
    known = await repository.tasks_among(session, agreement_id, task_ids)
    for position, task_id in enumerate(task_ids):
        if task_id not in known:
            raise errors.UnknownTask(position)
    chosen = sorted(known)
    changes = [Change(field="public", from_=False, to=True)]
    if chosen:
        changes.append(_tasks_change([], chosen))
    await _record(session, actor, agreement, "publish", changes, chosen)
    now = agreement.updated_at
    if publication is None:
        publication = Publication(agreement_id=agreement_id, published_at=now, modified_at=now)
    else:
        publication.version += 1
        publication.published_at, publication.unpublished_at = now, None
        publication.modified_at = max(now, publication.modified_at)
    publication.folded = agreement.folded
    publication.unit_ids = await repository.units_of_parties(session, agreement_id)
    await repository.add(session, publication)
    await repository.add(session, *(_published(agreement_id, task_id, now) for task_id in chosen))


async def unpublish(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, reason: str | None
) -> None:
    """Take it back, with all of its tasks; those who copied it are told by a tombstone."""
    agreement = await _locked(session, actor, agreement_id, "unpublish")
    check_if_match(if_match, agreement.version)
    publication = await repository.publication_of(session, agreement_id)
    if publication is None or publication.unpublished_at is not None:
        raise errors.NotPossible(_steps(agreement, publication))
    shown = sorted(await repository.published_tasks(session, agreement_id))
    changes = [Change(field="public", from_=True, to=False)]
    if shown:
        changes.append(_tasks_change(shown, []))
    await _record(session, actor, agreement, "unpublish", changes, [], remark=reason)
    await repository.withdraw_tasks(session, agreement_id)
    publication.unpublished_at, publication.folded, publication.unit_ids = agreement.updated_at, None, []
    await _touch(session, publication, agreement.updated_at)


async def publish_task(session: AsyncSession, actor: Actor, task_id: UUID, if_match: str | None) -> UUID:
    """Show one more task of a public agreement; gives the agreement's id."""
    agreement, publication, shown, title = await _locked_task(session, actor, task_id, if_match, "publish")
    if task_id in shown:
        raise errors.NotPossible(["unpublish"])
    if not _is_public(publication):
        raise errors.AgreementNotPublic
    assert publication is not None
    chosen = sorted([*shown, task_id])
    changes = [Change(field="public_task", from_=None, to=title), _tasks_change(shown, chosen)]
    await _record(session, actor, agreement, "publish_task", changes, chosen)
    await repository.add(session, _published(agreement.id, task_id, agreement.updated_at))
    await _touch(session, publication, agreement.updated_at)
    return agreement.id


async def unpublish_task(
    session: AsyncSession, actor: Actor, task_id: UUID, if_match: str | None, reason: str | None
) -> UUID:
    """Take one task back while its agreement stays public; gives the agreement's id."""
    agreement, publication, shown, title = await _locked_task(session, actor, task_id, if_match, "unpublish")
    if task_id not in shown:
        raise errors.NotPossible(["publish"] if _is_public(publication) else [])
    assert publication is not None
    left = [one for one in shown if one != task_id]
    changes = [Change(field="public_task", from_=title, to=None), _tasks_change(shown, left)]
    await _record(session, actor, agreement, "unpublish_task", changes, left, remark=reason)
    await repository.withdraw_tasks(session, agreement.id, task_id)
    await _touch(session, publication, agreement.updated_at)
    return agreement.id


async def _locked(session: AsyncSession, actor: Actor, agreement_id: UUID, step: str) -> Agreement:
    """The agreement's row, held, once the caller may take the step."""
    agreement = await agreement_repository.lock(session, actor, agreement_id)
    if agreement is None:
        raise agreement_errors.AgreementNotFound
    if not may(actor, step, await agreement_repository.relations_of(session, actor, agreement_id)):
        raise errors.NotAllowed
    return agreement


async def _locked_task(
    session: AsyncSession, actor: Actor, task_id: UUID, if_match: str | None, step: str
) -> tuple[Agreement, Publication | None, list[UUID], str]:
    """The agreement of a task with what is public of it, and the task's title; agreement, task and publication in this
    order, which is that of whoever changes a task.
    """
    agreement_id = await repository.agreement_of_task(session, actor, task_id)
    if agreement_id is None:
        raise task_errors.TaskNotFound
    agreement = await _locked(session, actor, agreement_id, step)
    version, title = await repository.lock_task(session, task_id)
    check_if_match(if_match, version)
    publication = await repository.publication_of(session, agreement_id)
    return agreement, publication, sorted(await repository.published_tasks(session, agreement_id)), title


async def _record(
    session: AsyncSession,
    actor: Actor,
    agreement: Agreement,
    action: str,
    changes: Sequence[Change],
    task_ids: Sequence[UUID],
    *,
    remark: str | None = None,
) -> None:
    kind = AgreementUnpublished if action == "unpublish" else AgreementPublished
    event = partial(kind, public_task_ids=sorted(task_ids))
    await record_beside(session, actor, agreement, action, event, changes=changes, remark=remark)


async def _touch(session: AsyncSession, publication: Publication, now: datetime) -> None:
    publication.version += 1
    publication.modified_at = max(now, publication.modified_at)
    await repository.add(session, publication)


def _tasks_change(before: Sequence[UUID], after: Sequence[UUID]) -> Change:
    """By id: what is public at an instant is read from it."""
    return Change(field="public_tasks", from_=[str(one) for one in before], to=[str(one) for one in after])


def _published(agreement_id: UUID, task_id: UUID, now: datetime) -> PublishedTask:
    return PublishedTask(task_id=task_id, agreement_id=agreement_id, published_at=now)


def _is_public(publication: Publication | None) -> bool:
    return publication is not None and publication.unpublished_at is None


def _steps(agreement: Agreement, publication: Publication | None) -> tuple[str, ...]:
    return steps(public=_is_public(publication), was_in_force=agreement.in_force_on is not None)
