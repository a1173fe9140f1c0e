"""Rules of tasks, from assignment to completion. Every function runs inside the caller's transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.agreements import errors as agreement_errors
from agreements_api.agreements import permissions as agreement_permissions
from agreements_api.obstacles import service as obstacles
from agreements_api.policy import Caller
from agreements_api.tasks import (
    assigning_repository,
    errors,
    evidence,
    repository,
    responses,
    standing,
    writing_repository,
)
from agreements_api.tasks.assigning import assigned, new_task
from agreements_api.tasks.models import Decision, TaskStatus
from agreements_api.tasks.parties import participants, party_deadlines, relations_of, with_deadlines
from agreements_api.tasks.repository import Locked
from agreements_api.tasks.schemas import ProgressReportCreate, Submission, TaskCreate, TaskUpdate
from agreements_api.tasks.steps import Connection, Step, begin, changes_of
from agreements_api.tasks.timeliness import soon_until
from agreements_api.tasks.writing_repository import DecisionRow, ReportRow
from shared import clock
from shared.auth import SYSTEM, Actor
from shared.events import (
    Change,
    LastReport,
    TaskAccepted,
    TaskCancelled,
    TaskCompleted,
    TaskConfirmationLapsed,
    TaskConfirmed,
    TaskDeadlineChanged,
    TaskEvent,
    TaskProgressReported,
    TaskRefused,
    TaskReopened,
    TaskResumed,
    TaskReturned,
    TaskSnapshot,
    TaskSubmitted,
    TaskSuspended,
    TaskUpdated,
)
from shared.ids import new_id

_PATCHED = ("title", "description", "deliverable", "field", "due_on")


async def assign(connection: Connection, actor: Actor, agreement_id: UUID, body: TaskCreate) -> asyncpg.Record:
    """A task for an agreement in force; everyone who takes part, and the bodies above them, become its members."""
    clause_id = body.clause_id
    agreement = await assigning_repository.lock_agreement(connection, actor.organization_id, agreement_id, clause_id)
    check_assignable(actor, agreement)
    assert agreement is not None
    if clause_id is not None and agreement["clause_id"] is None:
        raise errors.unknown_reference("/clause_id")
    if agreement["clause_ended"]:
        raise errors.clause_ended("/clause_id")
    parties = await participants(connection, body.lead_organization_id, body.coordinating, body.monitoring)
    now = clock.now()
    task = new_task(body, agreement, parties, agreement["clause_field"], now)
    relations = await relations_of(connection, task)
    members = sorted({*agreement["members"], *(organization for organization, _ in relations)})
    change = assigned(actor, task, members, body.note)
    day = clock.day_of(now)
    return await writing_repository.create(connection, actor, change, relations, today=day, soon=soon_until(day))


async def update(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, body: TaskUpdate
) -> asyncpg.Record:
    """Change what the patch names. The first deadline is kept beside the one in force."""
    step = await begin(connection, actor, task_id, "update", if_match)
    before, given = step.locked.task, body.model_fields_set
    changed: dict[str, Any] = {name: getattr(body, name) for name in _PATCHED if name in given}
    for name in ("coordinating", "monitoring"):
        if name in given:
            changed[name] = with_deadlines(getattr(before, name), getattr(body, name), f"/{name}")
    if "lead_due_on" in given:
        changed["lead"] = before.lead.model_copy(update={"due_on": body.lead_due_on})
    after = before.model_copy(update=changed)
    if before.original_due_on is None:
        after = after.model_copy(update={"original_due_on": after.due_on})
    note = body.note if "note" in given else step.locked.note
    deadlines = party_deadlines(before, after)
    changes = [*changes_of(before, after), *deadlines]
    if note != step.locked.note:
        changes.append(Change(field="note", from_=step.locked.note, to=note))
    if not changes:
        return await step.unchanged()
    postponed = deadlines or before.due_on != after.due_on
    kind = TaskDeadlineChanged if postponed else TaskUpdated
    step.note = note
    return await step.end(after, "change_deadline" if postponed else "update", kind, changes=changes)


async def accept(connection: Connection, actor: Actor, task_id: UUID, if_match: str | None) -> asyncpg.Record:
    """The lead takes the task on, or a coordinating party its part of it."""
    step = await begin(connection, actor, task_id, "accept", if_match)
    task, now, own = step.locked.task, step.now, actor.organization_id
    # Where units have merged, one organisation answers for several parties, and accepts for all of them.
    coordinating = [
        party.model_copy(update={"accepted_at": now})
        if party.organization_id == own and party.accepted_at is None
        else party
        for party in task.coordinating
    ]
    after = step.after(coordinating=coordinating)
    if task.lead.organization_id == own and task.status == TaskStatus.NOT_STARTED:
        lead = task.lead.model_copy(update={"accepted_at": now})
        after = after.model_copy(update={"lead": lead, "status": TaskStatus.IN_PROGRESS.value})
    parts = [
        Change(field="accepted_by", to=new.name)
        for old, new in zip(task.coordinating, coordinating, strict=True)
        if old != new
    ]
    return await step.end(after, "accept", TaskAccepted, changes=[*changes_of(task, after), *parts])


async def report(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, body: ProgressReportCreate
) -> asyncpg.Record:
    """The lead tells of a period; every report is kept, and the newest one stands in the task.

    A report that corrects another stands in the task where the other one stood there.
    """
    step = await begin(connection, actor, task_id, "report", if_match)
    stands = body.corrects is None or await _stands(step, body.corrects)
    proof = await evidence.named(connection, actor, task_id, body.evidence_ids)
    last = LastReport(
        period_start=body.period_start,
        period_end=body.period_end,
        percent=body.percent,
        narrative=body.narrative,
        difficulties=body.difficulties,
        reported_at=step.now,
        evidence=proof,
    )
    row = ReportRow(
        period_start=body.period_start,
        period_end=body.period_end,
        percent=body.percent,
        narrative=body.narrative,
        difficulties=body.difficulties,
        corrects=body.corrects,
        evidence=body.evidence_ids,
    )
    after = step.after(percent=body.percent, last_report=last) if stands else step.locked.task
    changes = [Change(field="percent", from_=step.locked.task.percent, to=after.percent)] if stands else []
    if body.corrects is not None:
        changes.append(Change(field="corrects_report", to=str(body.corrects)))
    changes += [Change(field=f"evidence/{one.document_id}", to=one.name) for one in proof]
    event = partial(TaskProgressReported, report_id=row.id, corrects_report_id=body.corrects, evidence=proof)
    action = "report" if body.corrects is None else "correct_report"
    return await step.end(after, action, event, changes=changes, report=row)


async def submit(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, body: Submission, *, response_days: int
) -> asyncpg.Record:
    """The lead says that it is done: 100 percent, whatever was reported last. The others now confirm or return.

    They have the working days for that which the agreement sets, else `response_days`, or as many more as the lead
    gives them.
    """
    step = await begin(connection, actor, task_id, "submit", if_match)
    least = step.locked.response_days or response_days
    days = least if body.response_days is None else body.response_days
    if days < least:
        raise errors.window_too_short("/response_days", least)
    coordinating = responses.opened(step.locked.task.coordinating, responses.last_day(clock.day_of(step.now), days))
    after = step.after(status=TaskStatus.SUBMITTED.value, percent=100, submitted_at=step.now, coordinating=coordinating)
    step.submission += 1
    return await step.end(after, "submit", TaskSubmitted, remark=body.note)


async def confirm(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, remark: str | None
) -> asyncpg.Record:
    """A coordinating party confirms; with the last of them the task is completed."""
    step = await begin(connection, actor, task_id, "confirm", if_match)
    party = step.own_party()
    # Where units have merged, one organisation answers for several parties, and confirms for all of them.
    coordinating = [
        other.model_copy(update={"confirmed_at": step.now})
        if other.organization_id == party.organization_id and other.confirmed_at is None
        else other
        for other in step.locked.task.coordinating
    ]
    after = step.after(coordinating=coordinating)
    decision = DecisionRow(Decision.CONFIRMED, party.organization_id, party.name, remark)
    changes = [Change(field="confirmed_by", to=party.name)]
    complete = all(other.confirmed_at is not None for other in coordinating)
    return await step.end(
        after, "confirm", TaskConfirmed, changes=changes, remark=remark, decision=decision, completes=complete
    )


async def send_back(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, reason: str
) -> asyncpg.Record:
    """Return it to the lead: the confirmations of this submission are void, and progress is what was reported last."""
    step = await begin(connection, actor, task_id, "return", if_match)
    task = step.locked.task
    party = step.own_party()
    after = _back_to_the_lead(step)
    decision = DecisionRow(Decision.RETURNED, party.organization_id, party.name, reason)
    changes = [*changes_of(task, after), Change(field="returned_by", to=party.name)]
    return await step.end(after, "return", TaskReturned, changes=changes, remark=reason, decision=decision)


async def refuse(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, reason: str, *, obstacle_days: int
) -> asyncpg.Record:
    """A coordinating party does not confirm: what stands in the way is an obstacle, and the lead has the task again."""
    step = await begin(connection, actor, task_id, "refuse", if_match)
    task, party, after = step.locked.task, step.own_party(), _back_to_the_lead(step)
    decision = DecisionRow(Decision.REFUSED, party.organization_id, party.name, reason)
    obstacle_id = new_id()
    changes = [
        *changes_of(task, after),
        Change(field="refused_by", to=party.name),
        Change(field="obstacle", to=str(obstacle_id)),
    ]
    event = partial(TaskRefused, obstacle_id=obstacle_id)
    row = await step.end(after, "refuse", event, changes=changes, remark=reason, decision=decision)
    await obstacles.raise_of_refusal(
        connection, actor, step.locked, party, obstacle_id, reason, now=step.now, days=obstacle_days
    )
    return row


async def lapse_next(connection: Connection) -> bool:
    """Whoever let the window of a submission pass counts as having confirmed it; false where no window is over."""
    now = clock.now()
    locked = await repository.lock_lapsed(connection, clock.day_of(now))
    if locked is None:
        return False
    coordinating, lapsed = responses.lapsed(locked.task.coordinating, now)
    step = Step(connection, SYSTEM, locked, locked.submission, locked.note, now)
    event = partial(
        TaskConfirmationLapsed, lapsed_organization_ids=list(dict.fromkeys(one.organization_id for one in lapsed))
    )
    changes = [Change(field="lapsed_for", to=party.name) for party in lapsed]
    after = step.after(coordinating=coordinating)
    await step.end(after, "lapse", event, changes=changes, remark=responses.REMARK, completes=True)
    await writing_repository.add_lapses(connection, SYSTEM, locked, lapsed, remark=responses.REMARK, at=now)
    return True


async def complete(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, remark: str | None
) -> asyncpg.Record:
    """A task that nobody else has to confirm is completed by decision."""
    step = await begin(connection, actor, task_id, "complete", if_match)
    after = step.after(status=TaskStatus.COMPLETED.value, completed_at=step.now)
    return await step.end(after, "complete", TaskCompleted, remark=remark)


async def cancel(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, reason: str
) -> asyncpg.Record:
    """The custodian takes the task back; it stays on record with the reason."""
    step = await begin(connection, actor, task_id, "cancel", if_match)
    return await step.end(step.after(status=TaskStatus.CANCELLED.value), "cancel", TaskCancelled, remark=reason)


async def record_beside(
    connection: Connection,
    actor: Actor,
    locked: Locked,
    action: str,
    kind: Callable[..., TaskEvent],
    *,
    changes: Sequence[Change],
    remark: str | None = None,
    at: datetime | None = None,
) -> None:
    """A version of a locked task that nothing in its own row tells of: what another domain keeps beside it changed."""
    step = Step(connection, actor, locked, locked.submission, locked.note, at or clock.now())
    await step.end(locked.task, action, kind, changes=changes, remark=remark)


async def suspend(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, reason: str
) -> asyncpg.Record:
    """Nothing is asked of anybody until it is resumed; the deadline stays what it is."""
    step = await begin(connection, actor, task_id, "suspend", if_match)
    return await step.end(step.after(status=TaskStatus.SUSPENDED.value), "suspend", TaskSuspended, remark=reason)


async def resume(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, reason: str
) -> asyncpg.Record:
    """Where it stood: under way if its lead had taken it on."""
    step = await begin(connection, actor, task_id, "resume", if_match)
    after = step.after(status=_status_of_work(step.locked.task))
    return await step.end(after, "resume", TaskResumed, remark=reason)


async def reopen(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, reason: str
) -> asyncpg.Record:
    """Completed too early, or cancelled by mistake: what was confirmed is void, and progress is what was reported."""
    step = await begin(connection, actor, task_id, "reopen", if_match)
    task, taken = await standing.as_of_today(connection, step.locked.task)
    after = task.model_copy(
        update={
            "status": _status_of_work(task),
            "percent": _reported_percent(task),
            "submitted_at": None,
            "completed_at": None,
            "coordinating": responses.void(task.coordinating),
        }
    )
    if taken:
        await writing_repository.move_parties(connection, after, await relations_of(connection, after))
    changes = [*changes_of(step.locked.task, after), *taken]
    return await step.end(after, "reopen", TaskReopened, changes=changes, remark=reason)


def _status_of_work(task: TaskSnapshot) -> str:
    return (TaskStatus.NOT_STARTED if task.lead.accepted_at is None else TaskStatus.IN_PROGRESS).value


def _reported_percent(task: TaskSnapshot) -> int:
    return task.last_report.percent if task.last_report else 0


def _back_to_the_lead(step: Step) -> TaskSnapshot:
    """The confirmations of this submission are void, and progress is what was reported last."""
    task = step.locked.task
    return step.after(
        status=TaskStatus.IN_PROGRESS.value,
        percent=_reported_percent(task),
        submitted_at=None,
        coordinating=responses.void(task.coordinating),
    )


async def _stands(step: Step, report_id: UUID) -> bool:
    """Whether the report to correct is the one that stands in the task."""
    task = step.locked.task
    report = await repository.report_to_correct(step.connection, task.id, report_id)
    if report is None:
        raise errors.unknown_reference("/corrects")
    if report["corrected_by"] is not None:
        raise errors.AlreadyCorrected(corrected_by=str(report["corrected_by"]))
    return task.last_report is not None and task.last_report.reported_at == report["reported_at"]


def check_assignable(actor: Actor, agreement: asyncpg.Record | None) -> None:
    if agreement is None:
        raise agreement_errors.AgreementNotFound
    status, relations, amendment = agreement["status"], agreement["relations"], agreement["amendment"]
    if not agreement_permissions.may(actor, "assign_task", relations.split(",")):
        raise agreement_errors.NotAllowed
    if "assign_task" not in agreement_permissions.steps(status, amendment=amendment):
        possible = agreement_permissions.allowed_actions(
            Caller.of(actor),
            status,
            relations,
            signed=agreement["signed"],
            amendment=amendment,
            public=agreement["public"],
            was_in_force=agreement["was_in_force"],
        )
        raise agreement_errors.NotPossible(status, possible)
