"""What an event asks of somebody beside the task itself: to confirm, to answer, to explain, to settle, to look.

Or what it tells him of it: that a plan period closed without the task, that its result was not confirmed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID, uuid5

from notifier.deadlines.models import Deadline, DeadlineRole, DeadlineSubject, Task
from shared.clock import day_of
from shared.events import (
    CommentDeleted,
    CommentEvent,
    Event,
    ObstacleEvent,
    ObstacleRaised,
    ObstacleResolved,
    TaskEvent,
    TaskFundingChanged,
    TaskFundingMissed,
    UrgingSnapshot,
)

_SUBMITTED = "submitted"
_OPEN = "open"
_PROVINCE = "province"
_REFUSAL = "refusal"
_MISSED = "missed"
_OVER = ("completed", "cancelled")
_URGINGS = {DeadlineSubject.URGING: "urgings", DeadlineSubject.EXPLANATION: "explanations"}


@dataclass(frozen=True)
class Asked:
    """One thing that is asked, and of whom it still is; nobody where it is settled."""

    id: UUID
    kind: DeadlineSubject
    about_task_id: UUID
    path: str
    title: str
    status: str
    # Who asks, or says so.
    asked_by: str
    agreement_id: UUID
    agreement_title: str
    agreement_number: str | None
    demonstration: bool
    due_on: date | None
    organization_ids: tuple[UUID, ...]
    account_ids: tuple[UUID, ...] | None = None
    # What they are in it, and who only watches over it.
    role: DeadlineRole = DeadlineRole.ASKED
    monitoring: tuple[UUID, ...] = ()
    remark: str | None = None


def asked_in(event: Event) -> list[Asked]:
    """All that the event says is asked, or no longer is."""
    if isinstance(event, TaskEvent):
        return list(_of_task(event))
    if isinstance(event, ObstacleEvent):
        return [_obstacle(event), *_refusal(event)]
    if isinstance(event, CommentEvent) and not isinstance(event, CommentDeleted):
        return list(_mentions(event))
    return []


def advance_asked(known: Mapping[UUID, Deadline], asked: Asked, version: int, occurred_at: datetime) -> list[Deadline]:
    """The deadlines of what is asked after a change, from those before it. Pure, as `advance` is for tasks.

    What is asked again, or by another day, is a new revision; whoever is not asked any more keeps a closed row.
    """
    new_revision = 1 + max((deadline.revision for deadline in known.values()), default=0)
    roles = dict.fromkeys(asked.monitoring, DeadlineRole.MONITORING) | dict.fromkeys(asked.organization_ids, asked.role)
    deadlines: dict[UUID, Deadline] = {}
    for organization_id, role in roles.items():
        old = known.get(organization_id)
        # A measure moves the clock of an obstacle, and that is no new escalation.
        same = asked.kind is DeadlineSubject.OBSTACLE or (old is not None and old.due_on == asked.due_on)
        goes_on = old is not None and old.is_open and same
        deadlines[organization_id] = Deadline(
            task_id=asked.id,
            subject_kind=asked.kind,
            organization_id=organization_id,
            role=role,
            due_on=asked.due_on,
            revision=old.revision if old is not None and goes_on else new_revision,
            is_open=True,
            since=old.since if old is not None and goes_on else occurred_at,
            task_version=version,
            account_ids=asked.account_ids,
        )
    closed = [
        replace(deadline, is_open=False, task_version=version)
        for organization_id, deadline in known.items()
        if organization_id not in deadlines
    ]
    return [*deadlines.values(), *closed]


def subject_of(asked: Asked, event: Event, traceparent: str | None) -> Task:
    """What an alert tells of it."""
    return Task(
        id=asked.id,
        subject_kind=asked.kind,
        version=event.version,
        agreement_id=asked.agreement_id,
        agreement_title=asked.agreement_title,
        agreement_number=asked.agreement_number,
        title=asked.title,
        status=asked.status,
        lead_name=asked.asked_by,
        members=event.members,
        demonstration=asked.demonstration,
        traceparent=traceparent,
        about_task_id=asked.about_task_id,
        path=asked.path,
        remark=asked.remark,
    )


def _of_task(event: TaskEvent) -> Iterator[Asked]:
    task = event.task
    waits = [
        party
        for party in task.coordinating
        if task.status == _SUBMITTED and party.respond_by is not None and party.confirmed_at is None
    ]
    yield Asked(
        # One for each task, whatever its submission: it is open while parties are waited for.
        id=uuid5(task.id, "response"),
        kind=DeadlineSubject.RESPONSE,
        about_task_id=task.id,
        path=f"/v1/tasks/{task.id}",
        title=task.title,
        status=task.status,
        asked_by=task.lead.name,
        agreement_id=task.agreement_id,
        agreement_title=task.agreement_title,
        agreement_number=task.agreement_number,
        demonstration=task.demonstration,
        due_on=waits[0].respond_by if waits else None,
        organization_ids=tuple(dict.fromkeys(party.organization_id for party in waits)),
        role=DeadlineRole.COORDINATING,
    )
    yield from _funding(event)
    urging: UrgingSnapshot | None = getattr(event, "urging", None)
    if urging is not None:
        kind = DeadlineSubject(urging.kind)
        yield Asked(
            id=urging.id,
            kind=kind,
            about_task_id=task.id,
            path=f"/v1/tasks/{task.id}/{_URGINGS[kind]}/{urging.id}",
            title=task.title,
            status=urging.status,
            asked_by=urging.asked_by_organization_name,
            agreement_id=task.agreement_id,
            agreement_title=task.agreement_title,
            agreement_number=task.agreement_number,
            demonstration=task.demonstration,
            due_on=urging.answer_due_on,
            organization_ids=(urging.organization_id,) if urging.status == _OPEN else (),
        )


def _funding(event: TaskEvent) -> Iterator[Asked]:
    """That a plan period closed without the task; nothing more to tell once it has its funding, or is over."""
    task = event.task
    over = task.status in _OVER
    missed = event.funding if isinstance(event, TaskFundingMissed) and not over else None
    mended = isinstance(event, TaskFundingChanged) and event.funding is not None and event.funding.gate != _MISSED
    if missed is None and not over and not mended:
        return
    yield Asked(
        # One for each task, whatever the period: each one that closes without it is told anew.
        id=uuid5(task.id, "funding"),
        kind=DeadlineSubject.FUNDING,
        about_task_id=task.id,
        path=f"/v1/tasks/{task.id}/funding",
        title=task.title,
        status=task.status,
        asked_by=task.lead.name,
        agreement_id=task.agreement_id,
        agreement_title=task.agreement_title,
        agreement_number=task.agreement_number,
        demonstration=task.demonstration,
        due_on=missed.closes_on if missed else None,
        organization_ids=(task.lead.organization_id,) if missed else (),
        role=DeadlineRole.LEAD,
        monitoring=tuple(party.organization_id for party in task.monitoring) if missed else (),
    )


def _obstacle(event: ObstacleEvent) -> Asked:
    obstacle = event.obstacle
    above = obstacle.status == _OPEN and obstacle.level == _PROVINCE
    return Asked(
        id=obstacle.id,
        kind=DeadlineSubject.OBSTACLE,
        about_task_id=obstacle.task_id,
        path=f"/v1/obstacles/{obstacle.id}",
        title=obstacle.task_title,
        status=obstacle.status,
        asked_by=obstacle.raised_by_organization_name,
        agreement_id=obstacle.agreement_id,
        agreement_title=obstacle.agreement_title,
        agreement_number=None,
        demonstration=obstacle.demonstration,
        due_on=obstacle.due_on,
        organization_ids=(obstacle.organization_id,) if above else (),
    )


def _refusal(event: ObstacleEvent) -> Iterator[Asked]:
    """That a party did not confirm the result, which the lead hears of once; nothing to tell once it is settled."""
    obstacle = event.obstacle
    if obstacle.origin != _REFUSAL or not isinstance(event, ObstacleRaised | ObstacleResolved):
        return
    yield replace(
        _obstacle(event),
        id=uuid5(obstacle.id, _REFUSAL),
        kind=DeadlineSubject.REFUSAL,
        due_on=day_of(obstacle.created_at),
        organization_ids=(obstacle.organization_id,) if isinstance(event, ObstacleRaised) else (),
        role=DeadlineRole.LEAD,
        remark=obstacle.text,
    )


def _mentions(event: CommentEvent) -> Iterator[Asked]:
    """Each person for himself: whoever is named later is told, and who was named before is not told again."""
    comment = event.comment
    for mention in comment.mentions:
        yield Asked(
            id=uuid5(comment.id, str(mention.account_id)),
            kind=DeadlineSubject.MENTION,
            about_task_id=comment.task_id,
            path=f"/v1/tasks/{comment.task_id}/comments/{comment.id}",
            title=comment.task_title,
            status="published",
            asked_by=comment.organization_name,
            agreement_id=comment.agreement_id,
            agreement_title=comment.agreement_title,
            agreement_number=None,
            demonstration=comment.demonstration,
            due_on=day_of(comment.created_at),
            organization_ids=(mention.organization_id,),
            account_ids=(mention.account_id,),
        )
