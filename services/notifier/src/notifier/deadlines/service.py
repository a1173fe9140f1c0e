"""How each event changes organisations, people and deadlines, and what comes due for an organisation."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from notifier.alerts.planning import Planner, forget_planned, wake
from notifier.deadlines import repository
from notifier.deadlines.models import (
    CLOSED_STATUSES,
    Deadline,
    DeadlineRole,
    DeadlineSubject,
    Organization,
    Person,
    Task,
)
from notifier.deadlines.signing import advance_signing
from shared.calendar import WorkingCalendar
from shared.db import driver_connection
from shared.events import AgreementEvent, Envelope, OrganizationEvent, TaskEvent, TaskParty, TaskSnapshot

# What has deadlines, as its events tell of it.
SubjectEvent = TaskEvent | AgreementEvent


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


async def apply_subjects(planner: Planner, session: AsyncSession, envelopes: Sequence[Envelope]) -> None:
    """Bring the deadlines of tasks and signings up to date and plan their alerts anew where something changed.

    An agreement that never asked for a signature until a day has no deadlines, and nothing is kept of it.
    """
    connection = await driver_connection(session)
    before: dict[UUID, dict[UUID, Deadline]] = defaultdict(dict)
    for deadline in await repository.deadlines_of(connection, list({one.aggregate_id for one in envelopes})):
        before[deadline.task_id][deadline.organization_id] = deadline
    after: dict[UUID, dict[UUID, Deadline]] = {}
    tasks: dict[UUID, Task] = {}
    for envelope in envelopes:
        event, task_id = envelope.data, envelope.aggregate_id
        assert isinstance(event, SubjectEvent)
        known = after.get(task_id, before[task_id])
        # The inbox drops old versions; what it forgot in a reset must not turn deadlines back either.
        if any(deadline.task_version >= event.version for deadline in known.values()):
            continue
        deadlines = deadlines_after(known, event, planner.calendar)
        if not deadlines:
            continue
        after[task_id] = {deadline.organization_id: deadline for deadline in deadlines}
        tasks[task_id] = _subject(event, envelope.traceparent)
    if not tasks:
        return
    every = [deadline for each in after.values() for deadline in each.values()]
    await repository.put_tasks(connection, list(tasks.values()), every)
    changed = {task_id: each for task_id, each in after.items() if _alerts_differ(before[task_id], each)}
    await forget_planned(connection, [task_id for task_id in changed if before[task_id]])
    await planner.plan_tasks(connection, {task_id: list(each.values()) for task_id, each in changed.items()})


def deadlines_after(
    known: Mapping[UUID, Deadline], event: SubjectEvent, calendar: WorkingCalendar
) -> Collection[Deadline]:
    """The deadlines of whatever the event is about, from those before it. Pure: the fault checker replays by it."""
    if isinstance(event, AgreementEvent):
        return advance_signing(known, event.agreement, event.version, event.occurred_at, calendar)
    return advance(known, event.task, event.version, event.occurred_at)


def advance(known: Mapping[UUID, Deadline], task: TaskSnapshot, version: int, occurred_at: datetime) -> list[Deadline]:
    """The deadlines of a task after a change, from those before it.

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


def _alerts_differ(before: Mapping[UUID, Deadline], after: Mapping[UUID, Deadline]) -> bool:
    def told(deadlines: Mapping[UUID, Deadline]) -> dict[UUID, tuple[int, bool, datetime]]:
        return {key: (one.revision, one.is_open, one.since) for key, one in deadlines.items()}

    return told(before) != told(after)


def _subject(event: SubjectEvent, traceparent: str | None) -> Task:
    return _agreement(event, traceparent) if isinstance(event, AgreementEvent) else _task(event, traceparent)


def _agreement(event: AgreementEvent, traceparent: str | None) -> Task:
    agreement = event.agreement
    names = {party.organization_id: party.organization_name for party in agreement.parties}
    names |= {
        party.responsible_organization_id: party.responsible_organization_name or ""
        for party in agreement.parties
        if party.responsible_organization_id is not None
    }
    return Task(
        id=agreement.id,
        subject_kind=DeadlineSubject.AGREEMENT,
        version=event.version,
        agreement_id=agreement.id,
        agreement_title=agreement.title,
        agreement_number=agreement.number,
        title=agreement.title,
        status=agreement.status,
        lead_name=names.get(agreement.custodian_organization_id, ""),
        members=event.members,
        demonstration=agreement.demonstration,
        traceparent=traceparent,
    )


def _task(event: TaskEvent, traceparent: str | None) -> Task:
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
        traceparent=traceparent,
    )
