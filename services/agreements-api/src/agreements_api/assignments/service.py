"""Rules of assignments. Every function runs inside the caller's transaction; each change is kept in the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.accounts import service as accounts
from agreements_api.administration.models import Action
from agreements_api.assignments import errors, repository
from agreements_api.assignments.models import AssignmentAction, SubjectKind
from agreements_api.assignments.permissions import can_work, may_assign
from agreements_api.assignments.repository import Entry, Subject
from agreements_api.assignments.schemas import Assignees, AssigneesReplace, HandedOver, HandOver
from agreements_api.localities import contacts
from agreements_api.localities.service import hold_organization, next_version
from agreements_api.policy import check_scope
from shared import clock
from shared.auth import Actor
from shared.db import driver_connection
from shared.etags import check_if_match
from shared.events import Change
from shared.problems import FieldError


async def read_assignees(
    session: AsyncSession, actor: Actor, kind: SubjectKind, subject_id: UUID, as_of: datetime | None
) -> Assignees:
    """Who handles it in the caller's organisation, or handled it at an instant; under the name of today."""
    connection = await driver_connection(session)
    _, relations = await _subject(connection, actor, kind, subject_id, as_of)
    return await _shown(connection, actor, kind, subject_id, relations, as_of)


async def replace_assignees(
    session: AsyncSession,
    actor: Actor,
    kind: SubjectKind,
    subject_id: UUID,
    if_match: str | None,
    body: AssigneesReplace,
) -> Assignees:
    """From now on these people of the caller's organisation handle it, and nobody else of it."""
    connection = await driver_connection(session)
    subject, relations = await _subject(connection, actor, kind, subject_id)
    organization_id = actor.organization_id
    if organization_id is None or not may_assign(actor, kind, relations):
        raise errors.NotAllowed
    await repository.lock(connection, organization_id)
    check_if_match(if_match, await repository.version_of(connection, organization_id, subject_id))
    wanted = list(dict.fromkeys(body.account_ids))
    present = [row["account_id"] for row in await repository.assignees(connection, organization_id, subject_id)]
    added = [account_id for account_id in wanted if account_id not in present]
    await _check_people(connection, organization_id, body.account_ids, added)
    entries = [
        *(Entry(subject, account_id, AssignmentAction.RELEASED) for account_id in present if account_id not in wanted),
        *(Entry(subject, account_id, AssignmentAction.ASSIGNED) for account_id in added),
    ]
    if entries:
        await repository.write(connection, actor, organization_id, entries, at=clock.now())
    return await _shown(connection, actor, kind, subject_id, relations)


async def read_log(
    session: AsyncSession,
    actor: Actor,
    kind: SubjectKind,
    subject_id: UUID,
    *,
    before: UUID | None,
    limit: int,
    as_of: datetime | None,
) -> list[asyncpg.Record]:
    """What the caller's organisation changed about who handles it, the newest first."""
    connection = await driver_connection(session)
    await _subject(connection, actor, kind, subject_id, as_of)
    return await repository.log(connection, actor.organization_id, subject_id, before=before, limit=limit, as_of=as_of)


async def take_on(session: AsyncSession, actor: Actor, agreement_id: UUID) -> None:
    """Whoever drafts an agreement handles it, until somebody else is named."""
    if actor.organization_id is not None:
        connection = await driver_connection(session)
        await repository.take_on(connection, actor, actor.organization_id, agreement_id, at=clock.now())


async def read_open_work(
    session: AsyncSession, actor: Actor, account_id: UUID, *, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """What a person still has to do."""
    await accounts.read_account(session, actor, account_id, "work.read")
    connection = await driver_connection(session)
    return await repository.open_work(connection, actor.organization_id, account_id, after=after, limit=limit)


async def count_open_work(session: AsyncSession, actor: Actor, account_id: UUID) -> int:
    connection = await driver_connection(session)
    return await repository.count_open_work(connection, actor.organization_id, account_id)


async def hand_over(
    session: AsyncSession, actor: Actor, account_id: UUID, if_match: str | None, body: HandOver
) -> HandedOver:
    """All open work and the focal points of one person become another's, and the account ends if that is asked."""
    leaving = await accounts.read_account(session, actor, account_id, "work.hand_over")
    if body.deactivate and not accounts.may_deactivate(actor, leaving):
        raise errors.NotAllowed(errors=[errors.not_yours_to_end("/deactivate")])
    organization_id = leaving.organization_id
    assert organization_id is not None
    connection = await driver_connection(session)
    await repository.lock(connection, organization_id)
    people = await accounts.lock_accounts(session, [account_id, body.to_account_id])
    leaving = people[account_id]
    check_if_match(if_match, leaving.version)
    work = await repository.every_open(connection, organization_id, account_id)
    receiving = people.get(body.to_account_id)
    if receiving is None or receiving.organization_id != organization_id:
        raise errors.CannotHandle(errors=[errors.stranger("/to_account_id")])
    if receiving.id == account_id:
        raise errors.CannotHandle(errors=[errors.same_person("/to_account_id")])
    if not receiving.active:
        raise errors.CannotHandle(errors=[errors.inactive("/to_account_id")])
    if work and not can_work(receiving.roles):
        raise errors.CannotHandle(errors=[errors.no_worker("/to_account_id")])
    if work:
        entries = [Entry(subject, account_id, AssignmentAction.HANDED_OVER, receiving.id) for subject in work]
        await repository.write(connection, actor, organization_id, entries, at=clock.now())
    organization = await hold_organization(session, organization_id)
    moved = await contacts.hand_over(session, organization, account_id, receiving.id)
    handed = [Change(field="work", from_=str(account_id), to=str(receiving.id))] if work else []
    changes, told = [*handed, *moved.changes], [*handed, *moved.told]
    action = Action.HAND_OVER if changes else Action.CHANGE_PEOPLE
    if changes:
        accounts.tell_of_hand_over(session, actor, leaving, told)
    if body.deactivate and leaving.active:
        ended = await accounts.deactivate(session, actor, leaving)
        changes.append(ended)
        told.append(ended)
    if changes:
        await next_version(session, actor, organization, action, changes, told=told)
    counted = Counter(subject.kind for subject in work)
    return HandedOver(
        from_account_id=account_id,
        to_account_id=receiving.id,
        tasks=counted[SubjectKind.TASK],
        agreements=counted[SubjectKind.AGREEMENT],
        contacts=len(moved.changes),
        deactivated=not leaving.active,
        version=leaving.version,
    )


async def _subject(
    connection: asyncpg.Connection[Any],
    actor: Actor,
    kind: SubjectKind,
    subject_id: UUID,
    as_of: datetime | None = None,
) -> tuple[Subject, list[str]]:
    check_scope(actor, "assignment.read")
    found = await repository.subject_of(connection, actor.organization_id, kind, subject_id, as_of)
    if found is None:
        raise errors.SubjectNotFound
    return found


async def _check_people(
    connection: asyncpg.Connection[Any], organization_id: UUID, asked: Sequence[UUID], added: Sequence[UUID]
) -> None:
    """Who is named for the first time is a colleague who can do something with the work."""
    known = await repository.hold_people(connection, organization_id, added)
    found: list[FieldError] = []
    for account_id in added:
        pointer, person = f"/account_ids/{asked.index(account_id)}", known.get(account_id)
        if person is None:
            found.append(errors.stranger(pointer))
        elif not person["active"]:
            found.append(errors.inactive(pointer))
        elif not can_work(person["roles"]):
            found.append(errors.no_worker(pointer))
    if found:
        raise errors.CannotHandle(errors=found)


async def _shown(
    connection: asyncpg.Connection[Any],
    actor: Actor,
    kind: SubjectKind,
    subject_id: UUID,
    relations: Sequence[str],
    as_of: datetime | None = None,
) -> Assignees:
    organization_id = actor.organization_id
    replaceable = as_of is None and may_assign(actor, kind, relations)
    return Assignees.model_validate(
        {
            "version": await repository.version_of(connection, organization_id, subject_id, as_of),
            "items": [dict(row) for row in await repository.assignees(connection, organization_id, subject_id, as_of)],
            "allowed_actions": ["replace"] if replaceable else [],
        }
    )
