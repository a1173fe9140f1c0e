"""How each event changes organisations, people and deadlines, and what comes due for an organisation."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from notifier.alerts.planning import Planner, forget_planned, wake
from notifier.deadlines import repository
from notifier.deadlines.models import CLOSED_STATUSES, Deadline, DeadlineRole, Organization, Person, Task
from shared.db import driver_connection
from shared.events import Envelope, OrganizationEvent, TaskEvent, TaskParty, TaskSnapshot, current_traceparent


async def apply_organization(session: AsyncSession, envelope: Envelope) -> None:
    """Keep the organisation and exactly these people; alerts that waited for them may go out now."""
    event = envelope.data
    assert isinstance(event, OrganizationEvent)
    organization = event.organization
    await repository.put_organization(
        session,
        Organization(
            id=organization.id,
            version=event.version,
            name=organization.name,
            short_name=organization.short_name,
            superior_organization_id=organization.superior_organization_id,
        ),
        [Person(organization_id=organization.id, **person.model_dump()) for person in organization.people],
    )
    await wake(await driver_connection(session), organization.id)


async def apply_task(planner: Planner, session: AsyncSession, envelope: Envelope) -> None:
    """Bring the task's deadlines up to date and plan their alerts anew where something changed for them."""
    event = envelope.data
    assert isinstance(event, TaskEvent)
    task = event.task
    connection = await driver_connection(session)
    known = {deadline.organization_id: deadline for deadline in await repository.deadlines_of(connection, task.id)}
    # The inbox drops old versions; what it forgot in a reset must not turn deadlines back either.
    if any(deadline.task_version >= event.version for deadline in known.values()):
        return
    deadlines = advance(known, task, event.version, event.occurred_at)
    await repository.put_task(connection, _task(event), deadlines)
    if any(_alerts_differ(known.get(deadline.organization_id), deadline) for deadline in deadlines):
        if known:
            await forget_planned(connection, task.id)
        await planner.plan_task(connection, task.id, deadlines)


def advance(known: Mapping[UUID, Deadline], task: TaskSnapshot, version: int, occurred_at: datetime) -> list[Deadline]:
    """The deadlines of a task after a change, from those before it. Pure: the fault checker replays history by it.

    A new date or role begins a new revision; an organisation that is no longer in the task keeps a closed row.
    """
    is_open = task.status not in CLOSED_STATUSES
    new_revision = 1 + max((deadline.revision for deadline in known.values()), default=0)
    deadlines: dict[UUID, Deadline] = {}
    for role, party in _parties(task):
        if party.organization_id in deadlines:
            continue
        due_on = party.due_on or task.due_on
        old = known.get(party.organization_id)
        revision, since = new_revision, occurred_at
        if old is not None and (old.due_on, old.role) == (due_on, role):
            revision = old.revision
            since = occurred_at if is_open and not old.is_open else old.since
        deadlines[party.organization_id] = Deadline(
            task_id=task.id,
            organization_id=party.organization_id,
            role=role,
            due_on=due_on,
            revision=revision,
            is_open=is_open,
            since=since,
            task_version=version,
        )
    gone = [
        replace(deadline, is_open=False, task_version=version)
        for organization_id, deadline in known.items()
        if organization_id not in deadlines
    ]
    return [*deadlines.values(), *gone]


def _parties(task: TaskSnapshot) -> Iterator[tuple[DeadlineRole, TaskParty]]:
    yield DeadlineRole.LEAD, task.lead
    for party in task.coordinating:
        yield DeadlineRole.COORDINATING, party
    for party in task.monitoring:
        yield DeadlineRole.MONITORING, party


def _alerts_differ(old: Deadline | None, new: Deadline) -> bool:
    return old is None or (old.revision, old.is_open, old.since) != (new.revision, new.is_open, new.since)


def _task(event: TaskEvent) -> Task:
    task = event.task
    return Task(
        id=task.id,
        version=event.version,
        agreement_id=task.agreement_id,
        agreement_title=task.agreement_title,
        agreement_number=task.agreement_number,
        title=task.title,
        status=task.status,
        lead_name=task.lead.name,
        members=event.members,
        demonstration=task.demonstration,
        traceparent=current_traceparent(),
    )
