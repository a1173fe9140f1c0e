"""Rules of urgings and requests for an explanation; each step is a version of its task, with history and event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from agreements_api.tasks import errors as task_errors
from agreements_api.tasks import repository as task_repository
from agreements_api.tasks import service as tasks
from agreements_api.urgings import errors, repository
from agreements_api.urgings.models import UrgingKind, UrgingStatus
from agreements_api.urgings.permissions import can_be_asked, may
from agreements_api.urgings.repository import Asked
from agreements_api.urgings.schemas import UrgingCreate
from shared import clock
from shared.auth import Actor
from shared.calendar import WorkingCalendar
from shared.etags import check_if_match
from shared.events import (
    Change,
    TaskEvent,
    TaskExplanationGiven,
    TaskExplanationRequested,
    TaskParty,
    TaskSnapshot,
    TaskUrged,
    TaskUrgingAnswered,
    UrgingSnapshot,
)
from shared.ids import new_id

Connection: TypeAlias = "asyncpg.Connection[Any]"

_ORGANIZATION = "/organization_id"
# The action of history and the event, of asking and of answering.
_ASKED: dict[UrgingKind, tuple[str, Callable[..., TaskEvent]]] = {
    UrgingKind.URGING: ("urge", TaskUrged),
    UrgingKind.EXPLANATION: ("request_explanation", TaskExplanationRequested),
}
_ANSWERED: dict[UrgingKind, tuple[str, Callable[..., TaskEvent]]] = {
    UrgingKind.URGING: ("answer_urging", TaskUrgingAnswered),
    UrgingKind.EXPLANATION: ("give_explanation", TaskExplanationGiven),
}


async def ask(
    connection: Connection, actor: Actor, task_id: UUID, kind: UrgingKind, body: UrgingCreate, *, days: int
) -> asyncpg.Record:
    """A leader asks an organisation that takes part in the task; it has so many working days to answer."""
    locked = await task_repository.lock(connection, actor.organization_id, task_id)
    if locked is None:
        raise task_errors.TaskNotFound
    if not may(actor, kind, "ask", locked.relations.split(",")):
        raise errors.NotAllowed
    task = locked.task
    if not can_be_asked(kind, task.status):
        raise errors.NothingToAsk
    assert actor.organization_id is not None
    party = _asked_party(task, actor, body.organization_id)
    # The parties of what is over are those of its day: whoever asks can have come to the place of one of them.
    if await repository.holder(connection, task_id, party.organization_id) == actor.organization_id:
        raise errors.ones_own(_ORGANIZATION)
    now = clock.now()
    asked = Asked(
        id=new_id(),
        agreement_id=task.agreement_id,
        task_id=task_id,
        kind=kind,
        message=body.message,
        asked_by_organization_id=actor.organization_id,
        asked_by_organization_name=await repository.name_of(connection, actor.organization_id),
        asked_by=actor.name,
        asked_at=now,
        promised_by_organization_id=party.promised_by_organization_id or party.organization_id,
        organization_id=party.organization_id,
        organization_name=party.name,
        answer_due_on=WorkingCalendar().add_working_days(clock.day_of(now), body.answer_days or days),
    )
    await repository.insert(connection, asked)
    row = await _read(connection, actor, task_id, kind, asked.id, now)
    action, event = _ASKED[kind]
    changes = [
        Change(field=f"{kind}s/{asked.id}", to=UrgingStatus.OPEN.value),
        Change(field="asked_of", to=party.name),
        Change(field="answer_due_on", to=asked.answer_due_on.isoformat()),
    ]
    await tasks.record_beside(
        connection,
        actor,
        locked,
        action,
        partial(event, urging=UrgingSnapshot.model_validate_json(row["body"])),
        changes=changes,
        remark=body.message,
    )
    return row


async def answer(
    connection: Connection,
    actor: Actor,
    task_id: UUID,
    kind: UrgingKind,
    urging_id: UUID,
    if_match: str | None,
    text: str,
) -> asyncpg.Record:
    """Whoever was asked, or took its place, answers once."""
    # First the task, as everywhere: its version is what is told.
    locked = await task_repository.lock(connection, actor.organization_id, task_id)
    if locked is None:
        raise errors.UrgingNotFound
    now = clock.now()
    today = clock.day_of(now)
    before = await repository.lock(connection, actor.organization_id, task_id, kind, urging_id, today=today)
    if before is None:
        raise errors.UrgingNotFound
    if not may(actor, kind, "answer", before["relations"]):
        raise errors.NotAllowed
    check_if_match(if_match, before["version"])
    if before["status"] != UrgingStatus.OPEN:
        raise errors.AlreadyAnswered
    await repository.answer(connection, actor, urging_id, text, now)
    row = await _read(connection, actor, task_id, kind, urging_id, now)
    action, event = _ANSWERED[kind]
    change = Change(field=f"{kind}s/{urging_id}", from_=UrgingStatus.OPEN.value, to=UrgingStatus.ANSWERED.value)
    await tasks.record_beside(
        connection,
        actor,
        locked,
        action,
        partial(event, urging=UrgingSnapshot.model_validate_json(row["body"])),
        changes=[change],
        remark=text,
    )
    return row


def _asked_party(task: TaskSnapshot, actor: Actor, organization_id: UUID | None) -> TaskParty:
    """The party that is asked: the lead, unless another one is named."""
    wanted = organization_id or task.lead.organization_id
    if wanted == actor.organization_id:
        raise errors.ones_own(_ORGANIZATION)
    for party in (task.lead, *task.coordinating, *task.monitoring):
        if party.organization_id == wanted:
            return party
    raise errors.not_taking_part(_ORGANIZATION)


async def _read(
    connection: Connection, actor: Actor, task_id: UUID, kind: UrgingKind, urging_id: UUID, now: datetime
) -> asyncpg.Record:
    row = await repository.read(connection, actor.organization_id, task_id, kind, urging_id, today=clock.day_of(now))
    assert row is not None
    return row
