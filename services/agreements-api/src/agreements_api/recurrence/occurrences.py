"""The next occurrence of what repeats: made once, by whichever worker, when the one before it is over."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.party_succession.following import Heirs
from agreements_api.party_succession.renewing import record, renew
from agreements_api.recurrence import repository
from agreements_api.recurrence.models import Frequency, Recurrence
from agreements_api.recurrence.periods import next_occurrence
from agreements_api.recurrence.service import DAY
from agreements_api.tasks import repository as tasks
from agreements_api.tasks import writing_repository
from agreements_api.tasks.models import TaskStatus
from agreements_api.tasks.parties import relations_of
from agreements_api.tasks.steps import Connection, changes_of, event_of
from agreements_api.tasks.timeliness import soon_until
from agreements_api.tasks.writing_repository import Told
from shared import clock
from shared.auth import SYSTEM
from shared.db import Database, driver_connection
from shared.events import Change, TaskAssigned, TaskParty, TaskSnapshot
from shared.ids import new_id


async def make_due(database: Database, batch: int) -> int:
    """One batch, in one transaction: whoever else looks at the same time takes others."""
    async with database.transaction(SYSTEM) as session:
        connection = await driver_connection(session)
        due = await repository.lock_due(connection, today=clock.today(), limit=batch)
        # Made only now: what ended until these agreements were held is known to it.
        heirs = Heirs(clock.today())
        for recurrence, over in due:
            if over:
                recurrence.ended_at = recurrence.updated_at = clock.now()
                await repository.update(connection, recurrence)
            else:
                await _make_next(session, connection, heirs, recurrence)
    return len(due)


async def _make_next(session: AsyncSession, connection: Connection, heirs: Heirs, recurrence: Recurrence) -> None:
    locked, now = await tasks.snapshot(connection, recurrence.current_task_id), clock.now()
    repeated = following(locked.task, new_id(), recurrence.next_due_on, now)
    renewal = await renew(session, heirs, repeated, locked.task.id)
    task = renewal.task
    relations = await relations_of(connection, task)
    members = sorted({*locked.members, *(organization for organization, _ in relations)})
    changes = [
        *changes_of(None, task),
        *renewal.changes,
        Change(field="previous_occurrence", to=str(locked.task.id)),
    ]
    told = Told("assign", event_of(TaskAssigned, SYSTEM, task, members, changes), renewal.remark)
    today = clock.day_of(now)
    await writing_repository.create(
        connection,
        SYSTEM,
        writing_repository.Change(task, 0, locked.note, [told]),
        relations,
        today=today,
        soon=soon_until(today),
    )
    await record(connection, renewal, now)
    await repository.update(connection, _advanced(recurrence, task, now))


def _advanced(recurrence: Recurrence, task: TaskSnapshot, now: datetime) -> Recurrence:
    """The series after its next occurrence; with the last one it is over."""
    due_on = recurrence.next_due_on
    after = next_occurrence(Frequency(recurrence.frequency), due_on, recurrence.working_days_after)
    recurrence.current_task_id, recurrence.updated_at = task.id, now
    recurrence.next_due_on, recurrence.next_from = after.due_on, due_on + DAY
    if recurrence.until is not None and after.due_on > recurrence.until:
        recurrence.ended_at = now
    return recurrence


def following(task: TaskSnapshot, task_id: UUID, due_on: date, now: datetime) -> TaskSnapshot:
    """The same task for another period, with the parties that it had. Pure."""

    def renewed(party: TaskParty) -> TaskParty:
        moved = party.due_on and task.due_on and due_on + (party.due_on - task.due_on)
        return TaskParty(
            organization_id=party.organization_id,
            name=party.name,
            unit_id=party.unit_id,
            unit_name=party.unit_name,
            due_on=moved,
            promised_by_organization_id=party.promised_by_organization_id,
            promised_by_name=party.promised_by_name,
        )

    return TaskSnapshot(
        id=task_id,
        version=1,
        agreement_id=task.agreement_id,
        agreement_title=task.agreement_title,
        agreement_number=task.agreement_number,
        clause_id=task.clause_id,
        title=task.title,
        description=task.description,
        deliverable=task.deliverable,
        field=task.field,
        status=TaskStatus.NOT_STARTED.value,
        due_on=due_on,
        original_due_on=due_on,
        demonstration=task.demonstration,
        lead=renewed(task.lead),
        coordinating=[renewed(party) for party in task.coordinating],
        monitoring=[renewed(party) for party in task.monitoring],
        recurrence_id=task.recurrence_id,
        previous_occurrence_id=task.id,
        created_at=now,
        updated_at=now,
    )
