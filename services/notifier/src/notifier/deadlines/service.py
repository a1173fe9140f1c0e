"""How each event changes organisations, people and deadlines, and what comes due for an organisation."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from notifier.alerts.planning import Planner, forget_planned, wake
from notifier.deadlines import repository
from notifier.deadlines.asked import advance_asked, asked_in, subject_of
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
from shared.events import (
    AgreementEvent,
    CommentEvent,
    Envelope,
    Event,
    ObstacleEvent,
    OrganizationEvent,
    TaskEvent,
    TaskParty,
    TaskSnapshot,
)

# What has deadlines, as its events tell of it.
SubjectEvent = TaskEvent | AgreementEvent | ObstacleEvent | CommentEvent


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
    for deadline in await repository.deadlines_of(connection, list(_named_in(envelopes))):
        before[deadline.task_id][deadline.organization_id] = deadline
    after: dict[UUID, dict[UUID, Deadline]] = {}
    tasks: dict[UUID, Task] = {}
    for envelope, task_id in [(one, subject) for one in envelopes for subject in subject_ids(one.data)]:
        event = envelope.data
        assert isinstance(event, SubjectEvent)
        known = after.get(task_id, before[task_id])
        # The inbox drops old versions; what it forgot in a reset must not turn deadlines back either.
        if any(deadline.task_version >= event.version for deadline in known.values()):
            continue
        deadlines = deadlines_after(known, event, planner.calendar, task_id)
        if not deadlines:
            continue
        after[task_id] = {deadline.organization_id: deadline for deadline in deadlines}
        tasks[task_id] = _subject(event, task_id, envelope.traceparent)
    if not tasks:
        return
    every = [deadline for each in after.values() for deadline in each.values()]
    await repository.put_tasks(connection, list(tasks.values()), every)
    changed = {task_id: each for task_id, each in after.items() if _alerts_differ(before[task_id], each)}
    await forget_planned(connection, [task_id for task_id in changed if before[task_id]])
    await planner.plan_tasks(connection, {task_id: list(each.values()) for task_id, each in changed.items()})


def subject_ids(event: Event) -> list[UUID]:
    """What the event is about, and what it says is asked beside that."""
    own = [event.aggregate_id] if isinstance(event, TaskEvent | AgreementEvent) else []
    return [*own, *(asked.id for asked in asked_in(event))]


def deadlines_after(
    known: Mapping[UUID, Deadline], event: SubjectEvent, calendar: WorkingCalendar, subject_id: UUID | None = None
) -> Collection[Deadline]:
    """The deadlines of one subject of the event, from those before it. Pure: the fault checker replays by it."""
    asked = next((one for one in asked_in(event) if one.id == subject_id), None)
    if asked is not None:
        return advance_asked(known, asked, event.version, event.occurred_at)
    if isinstance(event, AgreementEvent):
        return advance_signing(known, event.agreement, event.version, event.occurred_at, calendar)
    assert isinstance(event, TaskEvent)
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


def _named_in(envelopes: Sequence[Envelope]) -> set[UUID]:
    return {subject for envelope in envelopes for subject in subject_ids(envelope.data)}


def _subject(event: SubjectEvent, subject_id: UUID, traceparent: str | None) -> Task:
    asked = next((one for one in asked_in(event) if one.id == subject_id), None)
    if asked is not None:
        return subject_of(asked, event, traceparent)
    if isinstance(event, AgreementEvent):
        return _agreement(event, traceparent)
    assert isinstance(event, TaskEvent)
    return _task(event, traceparent)


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
