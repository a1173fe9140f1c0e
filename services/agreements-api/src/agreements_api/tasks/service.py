"""Rules of tasks, from assignment to completion. Every function runs inside the caller's transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from agreements_api.agreements import errors as agreement_errors
from agreements_api.agreements import permissions as agreement_permissions
from agreements_api.history.service import changes_between, plain
from agreements_api.policy import Caller, Relation
from agreements_api.tasks import errors, repository
from agreements_api.tasks.models import Decision, TaskStatus
from agreements_api.tasks.permissions import allowed_actions, may, steps
from agreements_api.tasks.repository import DecisionRow, Locked, ReportRow, Told
from agreements_api.tasks.schemas import ParticipantCreate, ProgressReportCreate, TaskCreate, TaskUpdate
from agreements_api.tasks.timeliness import soon_until
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.events import (
    Change,
    EventActor,
    LastReport,
    TaskAccepted,
    TaskAssigned,
    TaskCancelled,
    TaskCompleted,
    TaskConfirmed,
    TaskDeadlineChanged,
    TaskEvent,
    TaskParty,
    TaskProgressReported,
    TaskReturned,
    TaskSnapshot,
    TaskSubmitted,
    TaskUpdated,
)
from shared.ids import new_id

Connection: TypeAlias = "asyncpg.Connection[Any]"

# Fields whose changes history tells of.
_TOLD = (
    "title",
    "description",
    "deliverable",
    "field",
    "status",
    "due_on",
    "percent",
    "submitted_at",
    "completed_at",
)
_PATCHED = ("title", "description", "deliverable", "field", "due_on")


async def assign(connection: Connection, actor: Actor, agreement_id: UUID, body: TaskCreate) -> asyncpg.Record:
    """A task for an agreement in force; everyone who takes part, and the bodies above them, become its members."""
    clause_id = body.clause_id
    agreement = await repository.lock_agreement(connection, actor.organization_id, agreement_id, clause_id)
    _check_assignable(actor, agreement)
    assert agreement is not None
    if clause_id is not None and agreement["clause_id"] is None:
        raise errors.unknown_reference("/clause_id")
    if agreement["clause_ended"]:
        raise errors.clause_ended("/clause_id")
    lead, coordinating, monitoring = await _participants(connection, body)
    now = clock.now()
    task = TaskSnapshot(
        id=new_id(),
        version=1,
        agreement_id=agreement_id,
        agreement_title=agreement["title"],
        agreement_number=agreement["number"],
        clause_id=clause_id,
        title=body.title,
        description=body.description,
        deliverable=body.deliverable,
        field=body.field or agreement["clause_field"],
        status=TaskStatus.NOT_STARTED.value,
        due_on=body.due_on,
        original_due_on=body.due_on,
        demonstration=body.demonstration,
        lead=lead,
        coordinating=coordinating,
        monitoring=monitoring,
        created_at=now,
        updated_at=now,
    )
    relations = await _relations(connection, task)
    members = sorted({*agreement["members"], *(organization for organization, _ in relations)})
    more = [
        Change(field="lead", to=lead.name),
        *(Change(field="coordinating", to=party.name) for party in coordinating),
        *(Change(field="monitoring", to=party.name) for party in monitoring),
    ]
    told = Told("assign", _event(TaskAssigned, actor, task, members, [*_changes(None, task), *more]))
    change = repository.Change(task, 0, body.note, [told])
    day = clock.day_of(now)
    return await repository.create(connection, actor, change, relations, today=day, soon=soon_until(day))


async def update(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, body: TaskUpdate
) -> asyncpg.Record:
    """Change what the patch names. The first deadline is kept beside the one in force."""
    step = await _begin(connection, actor, task_id, "update", if_match)
    before, given = step.locked.task, body.model_fields_set
    changed: dict[str, Any] = {name: getattr(body, name) for name in _PATCHED if name in given}
    for name in ("coordinating", "monitoring"):
        if name in given:
            changed[name] = _with_deadlines(getattr(before, name), getattr(body, name), f"/{name}")
    after = before.model_copy(update=changed)
    if before.original_due_on is None:
        after = after.model_copy(update={"original_due_on": after.due_on})
    note = body.note if "note" in given else step.locked.note
    deadlines = _party_deadlines(before, after)
    changes = [*_changes(before, after), *deadlines]
    if note != step.locked.note:
        changes.append(Change(field="note", from_=step.locked.note, to=note))
    if not changes:
        return await step.unchanged()
    postponed = deadlines or before.due_on != after.due_on
    kind = TaskDeadlineChanged if postponed else TaskUpdated
    step.note = note
    return await step.end(after, "change_deadline" if postponed else "update", kind, changes=changes)


async def accept(connection: Connection, actor: Actor, task_id: UUID, if_match: str | None) -> asyncpg.Record:
    """The lead takes the task on."""
    step = await _begin(connection, actor, task_id, "accept", if_match)
    return await step.end(step.after(status=TaskStatus.IN_PROGRESS.value), "accept", TaskAccepted)


async def report(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, body: ProgressReportCreate
) -> asyncpg.Record:
    """The lead tells of a period; every report is kept, and the newest one stands in the task.

    A report that corrects another stands in the task where the other one stood there.
    """
    step = await _begin(connection, actor, task_id, "report", if_match)
    stands = body.corrects is None or await _stands(step, body.corrects)
    last = LastReport(
        period_start=body.period_start,
        period_end=body.period_end,
        percent=body.percent,
        narrative=body.narrative,
        difficulties=body.difficulties,
        reported_at=step.now,
    )
    row = ReportRow(body.period_start, body.period_end, body.percent, body.narrative, body.difficulties, body.corrects)
    after = step.after(percent=body.percent, last_report=last) if stands else step.locked.task
    changes = [Change(field="percent", from_=step.locked.task.percent, to=after.percent)] if stands else []
    if body.corrects is not None:
        changes.append(Change(field="corrects_report", to=str(body.corrects)))
    event = partial(TaskProgressReported, report_id=row.id, corrects_report_id=body.corrects)
    action = "report" if body.corrects is None else "correct_report"
    return await step.end(after, action, event, changes=changes, report=row)


async def submit(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, note: str | None
) -> asyncpg.Record:
    """The lead says that it is done: 100 percent, whatever was reported last. The others now confirm or return."""
    step = await _begin(connection, actor, task_id, "submit", if_match)
    after = step.after(status=TaskStatus.SUBMITTED.value, percent=100, submitted_at=step.now)
    step.submission += 1
    return await step.end(after, "submit", TaskSubmitted, remark=note)


async def confirm(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, remark: str | None
) -> asyncpg.Record:
    """A coordinating party confirms; with the last of them the task is completed."""
    step = await _begin(connection, actor, task_id, "confirm", if_match)
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
    step = await _begin(connection, actor, task_id, "return", if_match)
    task = step.locked.task
    party = step.own_party()
    after = step.after(
        status=TaskStatus.IN_PROGRESS.value,
        percent=task.last_report.percent if task.last_report else 0,
        submitted_at=None,
        coordinating=[other.model_copy(update={"confirmed_at": None}) for other in task.coordinating],
    )
    decision = DecisionRow(Decision.RETURNED, party.organization_id, party.name, reason)
    changes = [*_changes(task, after), Change(field="returned_by", to=party.name)]
    return await step.end(after, "return", TaskReturned, changes=changes, remark=reason, decision=decision)


async def complete(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, remark: str | None
) -> asyncpg.Record:
    """A task that nobody else has to confirm is completed by decision."""
    step = await _begin(connection, actor, task_id, "complete", if_match)
    after = step.after(status=TaskStatus.COMPLETED.value, completed_at=step.now)
    return await step.end(after, "complete", TaskCompleted, remark=remark)


async def cancel(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, reason: str
) -> asyncpg.Record:
    """The custodian takes the task back; it stays on record with the reason."""
    step = await _begin(connection, actor, task_id, "cancel", if_match)
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
) -> None:
    """A version of a locked task that nothing in its own row tells of: what another domain keeps beside it changed."""
    step = _Step(connection, actor, locked, locked.submission, locked.note, clock.now())
    await step.end(locked.task, action, kind, changes=changes, remark=remark)


@dataclass
class _Step:
    """One step under way: the locked task, what becomes of it beside its snapshot, and the moment it happens at."""

    connection: Connection
    actor: Actor
    locked: Locked
    submission: int
    note: str | None
    now: datetime

    def after(self, **changed: Any) -> TaskSnapshot:
        return self.locked.task.model_copy(update=changed)

    def own_party(self) -> TaskParty:
        """The party of the task that the caller speaks for."""
        task = self.locked.task
        return next(
            party
            for party in (*task.coordinating, *task.monitoring)
            if party.organization_id == self.actor.organization_id
        )

    async def end(
        self,
        after: TaskSnapshot,
        action: str,
        kind: Callable[..., TaskEvent],
        *,
        changes: Sequence[Change] | None = None,
        remark: str | None = None,
        report: ReportRow | None = None,
        decision: DecisionRow | None = None,
        completes: bool = False,
    ) -> asyncpg.Record:
        """Write the next version with its history and its event."""
        after = self._next(after)
        if changes is None:
            changes = _changes(self.locked.task, after)
        told = [Told(action, self._event(kind, after, changes), remark)]
        if completes:
            # The last confirmation is two facts, so two versions: it was confirmed, and the task was completed.
            before, after = (
                after,
                self._next(after.model_copy(update={"status": TaskStatus.COMPLETED.value, "completed_at": self.now})),
            )
            told.append(Told("complete", self._event(TaskCompleted, after, _changes(before, after))))
        change = repository.Change(after, self.submission, self.note, told, report, decision)
        today = clock.day_of(self.now)
        return await repository.write(self.connection, self.actor, change, today=today, soon=soon_until(today))

    async def unchanged(self) -> asyncpg.Record:
        """What a read shows: a patch that changes nothing makes no version."""
        today = clock.day_of(self.now)
        row = await repository.read(
            self.connection, self.actor.organization_id, self.locked.task.id, today=today, soon=soon_until(today)
        )
        assert row is not None
        return row

    def _next(self, task: TaskSnapshot) -> TaskSnapshot:
        return task.model_copy(update={"version": task.version + 1, "updated_at": self.now})

    def _event(self, kind: Callable[..., TaskEvent], task: TaskSnapshot, changes: Sequence[Change]) -> TaskEvent:
        return _event(kind, self.actor, task, self.locked.members, changes)


async def _begin(connection: Connection, actor: Actor, task_id: UUID, step: str, if_match: str | None) -> _Step:
    """Lock the row, once the caller, the version and the status allow the step, asked in this order."""
    locked = await repository.lock(connection, actor.organization_id, task_id)
    if locked is None:
        raise errors.TaskNotFound
    if not may(actor, step, locked.relations.split(",")):
        raise errors.NotAllowed
    task = locked.task
    check_if_match(if_match, task.version)
    own = [party for party in task.coordinating if party.organization_id == actor.organization_id]
    confirmed = bool(own) and all(party.confirmed_at is not None for party in own)
    if confirmed and step == "confirm":
        raise errors.AlreadyConfirmed
    coordinated = bool(task.coordinating)
    if step not in steps(task.status, coordinated=coordinated):
        possible = allowed_actions(
            Caller.of(actor), task.status, locked.relations, coordinated=coordinated, confirmed=confirmed
        )
        raise errors.NotPossible(task.status, possible)
    return _Step(connection, actor, locked, locked.submission, locked.note, clock.now())


async def _stands(step: _Step, report_id: UUID) -> bool:
    """Whether the report to correct is the one that stands in the task."""
    task = step.locked.task
    report = await repository.report_to_correct(step.connection, task.id, report_id)
    if report is None:
        raise errors.unknown_reference("/corrects")
    if report["corrected_by"] is not None:
        raise errors.AlreadyCorrected(corrected_by=str(report["corrected_by"]))
    return task.last_report is not None and task.last_report.reported_at == report["reported_at"]


def _check_assignable(actor: Actor, agreement: asyncpg.Record | None) -> None:
    if agreement is None:
        raise agreement_errors.AgreementNotFound
    status, relations, amendment = agreement["status"], agreement["relations"], agreement["amendment"]
    if not agreement_permissions.may(actor, "assign_task", relations.split(",")):
        raise agreement_errors.NotAllowed
    if "assign_task" not in agreement_permissions.steps(status, amendment=amendment):
        possible = agreement_permissions.allowed_actions(
            Caller.of(actor), status, relations, signed=agreement["signed"], amendment=amendment
        )
        raise agreement_errors.NotPossible(status, possible)


async def _participants(connection: Connection, body: TaskCreate) -> tuple[TaskParty, list[TaskParty], list[TaskParty]]:
    """Lead, coordinating and monitoring parties as they are called today; each organisation in one place only."""
    named = [
        ("/lead_organization_id", body.lead_organization_id),
        *((f"/coordinating/{at}/organization_id", one.organization_id) for at, one in enumerate(body.coordinating)),
        *((f"/monitoring/{at}/organization_id", one.organization_id) for at, one in enumerate(body.monitoring)),
    ]
    known = await repository.organizations(connection, [organization for _, organization in named])
    seen: set[UUID] = set()
    for pointer, organization in named:
        if organization not in known:
            raise errors.unknown_reference(pointer)
        if organization in seen:
            raise errors.named_twice(pointer)
        seen.add(organization)

    def parties(given: Sequence[ParticipantCreate]) -> list[TaskParty]:
        return [known[one.organization_id].model_copy(update={"due_on": one.due_on}) for one in given]

    return known[body.lead_organization_id], parties(body.coordinating), parties(body.monitoring)


async def _relations(connection: Connection, task: TaskSnapshot) -> list[tuple[UUID, Relation]]:
    """How each organisation stands to the task, the bodies above its parties included."""
    taking_part = [
        (task.lead.organization_id, Relation.LEAD),
        *((party.organization_id, Relation.COORDINATING) for party in task.coordinating),
        *((party.organization_id, Relation.MONITOR) for party in task.monitoring),
    ]
    above = await repository.superiors(connection, [organization for organization, _ in taking_part])
    return [*taking_part, *((organization, Relation.SUPERIOR) for organization in above)]


def _event(
    kind: Callable[..., TaskEvent],
    actor: Actor,
    task: TaskSnapshot,
    members: Sequence[UUID],
    changes: Sequence[Change],
) -> TaskEvent:
    return kind(
        version=task.version,
        actor=EventActor.of(actor),
        occurred_at=task.updated_at,
        members=list(members),
        changes=list(changes),
        task=task,
    )


def _changes(before: TaskSnapshot | None, after: TaskSnapshot) -> list[Change]:
    return changes_between(vars(before) if before else {}, vars(after), _TOLD)


def _party_deadlines(before: TaskSnapshot, after: TaskSnapshot) -> list[Change]:
    """The parties' own deadlines that differ; each is named by its organisation."""
    return [
        Change(field=f"due_on/{new.organization_id}", from_=plain(old.due_on), to=plain(new.due_on))
        for old, new in zip(
            (*before.coordinating, *before.monitoring), (*after.coordinating, *after.monitoring), strict=True
        )
        if old.due_on != new.due_on
    ]


def _with_deadlines(parties: Sequence[TaskParty], given: Sequence[ParticipantCreate], pointer: str) -> list[TaskParty]:
    """The same parties under the deadlines of the patch."""
    deadlines = {one.organization_id: one.due_on for one in given}
    if len(deadlines) != len(given) or deadlines.keys() != {party.organization_id for party in parties}:
        raise errors.parties_fixed(pointer)
    return [party.model_copy(update={"due_on": deadlines[party.organization_id]}) for party in parties]
