"""A task as it begins, and what is told of it: the same for one that is assigned by itself and for one of many."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import asyncpg

from agreements_api.tasks import writing_repository
from agreements_api.tasks.models import TaskStatus
from agreements_api.tasks.schemas import TaskCreate
from agreements_api.tasks.steps import changes_of, event_of
from agreements_api.tasks.writing_repository import Told
from shared.auth import Actor
from shared.events import Change, TaskAssigned, TaskParty, TaskSnapshot
from shared.ids import new_id

# Lead, coordinating and monitoring.
Parties: TypeAlias = tuple[TaskParty, list[TaskParty], list[TaskParty]]


def new_task(
    body: TaskCreate, agreement: asyncpg.Record, parties: Parties, clause_field: str | None, now: datetime
) -> TaskSnapshot:
    """The first version; its field is that of its clause where the body names none."""
    lead, coordinating, monitoring = parties
    return TaskSnapshot(
        id=new_id(),
        version=1,
        agreement_id=agreement["id"],
        agreement_title=agreement["title"],
        agreement_number=agreement["number"],
        clause_id=body.clause_id,
        title=body.title,
        description=body.description,
        deliverable=body.deliverable,
        field=body.field or clause_field,
        status=TaskStatus.NOT_STARTED.value,
        due_on=body.due_on,
        original_due_on=body.due_on,
        demonstration=body.demonstration,
        lead=lead.model_copy(update={"due_on": body.lead_due_on}),
        coordinating=coordinating,
        monitoring=monitoring,
        created_at=now,
        updated_at=now,
    )


def assigned(actor: Actor, task: TaskSnapshot, members: Sequence[UUID], note: str | None) -> writing_repository.Change:
    """What is written of a task that begins, with its history and its event."""
    changes = [
        *changes_of(None, task),
        Change(field="lead", to=task.lead.name),
        *(Change(field="coordinating", to=party.name) for party in task.coordinating),
        *(Change(field="monitoring", to=party.name) for party in task.monitoring),
    ]
    told = Told("assign", event_of(TaskAssigned, actor, task, members, changes))
    return writing_repository.Change(task, 0, note, [told])
