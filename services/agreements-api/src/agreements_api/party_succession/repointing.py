"""Bringing records in line with who answers: every agreement in one transaction, with its history and its events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements.models import Agreement, Party
from agreements_api.agreements.steps import snapshot_of
from agreements_api.corridors import service as corridors
from agreements_api.party_succession import cases_repository, records_repository, repository
from agreements_api.party_succession.answering import Step
from agreements_api.party_succession.following import Heir, Heirs
from agreements_api.party_succession.models import CaseState
from agreements_api.party_succession.relations import Moves, Standing, follow
from agreements_api.policy import Relation
from agreements_api.tasks import repository as tasks
from agreements_api.tasks.models import TaskStatus
from agreements_api.tasks.repository import Locked
from shared import clock
from shared.auth import SYSTEM, Actor
from shared.events import (
    AgreementSucceeded,
    Change,
    Event,
    EventActor,
    ResponsibilitySnapshot,
    TaskCompleted,
    TaskParty,
    TaskReassigned,
    TaskSnapshot,
)
from shared.ids import new_id
from shared.outbox import publish_all

SUCCEED = "succeed"


@dataclass(frozen=True)
class Counts:
    """What a batch did."""

    agreements: int = 0
    tasks: int = 0
    decisions: int = 0


@dataclass(frozen=True)
class Place:
    """A place of a promiser, and who takes it: `holder` is who answered until now."""

    promised_by: UUID
    promised_by_name: str
    holder: UUID
    holder_name: str
    heir_id: UUID
    heir_name: str


@dataclass
class Succession:
    """One version of an agreement, or of a task, in the making."""

    changes: list[Change] = field(default_factory=list)
    places: dict[UUID, Place] = field(default_factory=dict)

    def take(self, place: Place, what: str) -> None:
        self.changes.append(Change(field=what, from_=place.holder_name, to=place.heir_name))
        self.places[place.promised_by] = place


@dataclass(frozen=True)
class AgreementChange:
    agreement: Agreement
    changes: Sequence[Change]
    responsibilities: Sequence[ResponsibilitySnapshot]
    remark: str | None


@dataclass(frozen=True)
class TaskChange:
    locked: Locked
    after: TaskSnapshot
    changes: Sequence[Change]
    responsibilities: Sequence[ResponsibilitySnapshot]
    remark: str | None


# Who takes the place of the organisation that answers for a promise of another: (promised by, holder).
TakesPlace = Callable[[UUID, UUID], Heir | None]


async def repoint(session: AsyncSession, heirs: Heirs, agreement_ids: Sequence[UUID]) -> Counts:
    """Let today's organisations take the places of those whose units ended, in agreements that nobody else is at."""
    connection = await repository.connection_of(session)
    locked = await records_repository.lock_agreements(session, agreement_ids)
    open_tasks: dict[UUID, list[Locked]] = defaultdict(list)
    for task in await tasks.lock_open_of(connection, agreement_ids):
        open_tasks[task.task.agreement_id].append(task)
    parties = await records_repository.parties_of(session, agreement_ids)
    standing = await records_repository.standing_of(connection, agreement_ids)
    stand = {row[0] for one in standing.values() for row in one.rows if row[2] != Relation.FORMER}
    signed = {party.answering_id for each in parties.values() for party in each}
    await heirs.learn(session, stand | signed)
    submitted = [one.task.id for each in open_tasks.values() for one in each if one.task.submitted_at is not None]
    batch = Batch(heirs, await records_repository.confirmed(connection, submitted), clock.now())
    for agreement in locked:
        batch.add(agreement, parties[agreement.id], open_tasks[agreement.id], standing[agreement.id])
    await _write_records(session, batch.agreements, batch.tasks, batch.now)
    above = await heirs.above(connection, batch.standing_after())
    moves = {one.agreement.id: one.moves(standing[one.agreement.id], above) for one in batch.followed}
    await records_repository.change_members(connection, moves)
    await tell(session, SYSTEM, SUCCEED, batch.agreements, batch.tasks, moves, batch.now)
    takes = {one.agreement.id: one.takes for one in batch.followed}
    await corridors.succeed(connection, takes, {one: moves[one].members for one in moves})
    decisions = await cases_repository.add_cases(connection, batch.cases, batch.now)
    return Counts(len(batch.agreements), len(batch.tasks), decisions)


@dataclass(frozen=True)
class Followed:
    """An agreement with what stands in it after a succession."""

    agreement: Agreement
    parties: Sequence[Party]
    tasks: Sequence[TaskSnapshot]
    takes: Mapping[UUID, UUID]
    # False where nothing of the agreement itself changes.
    itself: bool

    def moves(self, before: Standing, above: Mapping[UUID, Sequence[UUID]]) -> Moves:
        return follow(self.agreement, self.parties, self.tasks, before, above, takes=self.takes, itself=self.itself)

    @property
    def named(self) -> set[UUID]:
        parties = {party.answering_id for party in self.parties}
        return parties | {self.agreement.custodian_organization_id} | _taking_part(self.tasks)


class Batch:
    """What becomes of several agreements at once."""

    def __init__(self, heirs: Heirs, confirmed: Mapping[UUID, Mapping[UUID, datetime]], now: datetime) -> None:
        self.now = now
        self.agreements: list[AgreementChange] = []
        self.tasks: list[TaskChange] = []
        self.followed: list[Followed] = []
        # One of each promiser and unit in an agreement, for all that he promised there.
        self._cases: dict[tuple[UUID, UUID, UUID], dict[str, Any]] = {}
        self._heirs = heirs
        self._confirmed = confirmed

    @property
    def cases(self) -> list[dict[str, Any]]:
        return list(self._cases.values())

    def standing_after(self) -> set[UUID]:
        """Everybody who stands in one of the agreements now: those above them watch."""
        return {one for each in self.followed for one in each.named}

    def add(
        self, agreement: Agreement, parties: Sequence[Party], open_tasks: Sequence[Locked], standing: Standing
    ) -> None:
        # Whoever stands in completed tasks only leaves them as they are.
        completed = set(standing.through_tasks) - {task.task.id for task in open_tasks}
        active: dict[UUID, set[str]] = defaultdict(set)
        takes: dict[UUID, UUID] = {}
        for one, source, relation in standing.rows:
            heir = self._heirs.of(one)
            if heir is not None and relation != Relation.FORMER:
                takes[one] = heir.organization_id
                if source not in completed:
                    active[one].add(relation)
        for party in parties:
            heir = self._heirs.of(party.answering_id)
            if heir is not None:
                takes[party.answering_id] = heir.organization_id
                active[party.answering_id].add(Relation.PARTY)
        if not takes:
            return
        moved = {old: heir for old in active if (heir := self._heirs.of(old)) is not None}
        if not moved:
            self.followed.append(Followed(agreement, (), (), takes, itself=False))
            return
        succession = succeed(agreement, parties, lambda _, holder: moved.get(holder))
        holders = {place.holder for place in succession.places.values()}
        after = [self._add_task(task, moved) for task in open_tasks]
        for _, taken in after:
            holders |= taken
        for old, heir in moved.items():
            if "superior" in active[old] or old not in holders:
                what = "superior" if "superior" in active[old] else "access"
                succession.changes.append(Change(field=what, from_=self._heirs.name_of(old), to=heir.name))
        self._note(agreement.id, succession)
        self.followed.append(Followed(agreement, parties, [task for task, _ in after], takes, itself=True))
        self.agreements.append(
            AgreementChange(agreement, succession.changes, self._told(succession), _remark(moved.values()))
        )

    def _add_task(self, locked: Locked, moved: Mapping[UUID, Heir]) -> tuple[TaskSnapshot, set[UUID]]:
        """The task as it is afterwards, and whose places were taken in it."""
        confirmed = self._confirmed.get(locked.task.id, {})
        after, succession = reassign(locked.task, lambda _, holder: moved.get(holder), confirmed)
        holders = {place.holder for place in succession.places.values()}
        if holders:
            self._note(locked.task.agreement_id, succession)
            remark = _remark(moved[holder] for holder in holders)
            self.tasks.append(TaskChange(locked, after, succession.changes, self._told(succession), remark))
        return after, holders

    def _note(self, agreement_id: UUID, succession: Succession) -> None:
        for place in succession.places.values():
            heir = self._heirs.of(place.holder)
            assert heir is not None
            for step in heir.steps:
                key = agreement_id, place.promised_by, step.ended.unit_id
                if key not in self._cases:
                    self._cases[key] = case_row(
                        agreement_id, None, place.promised_by, place.promised_by_name, heir, step
                    )

    def _told(self, succession: Succession) -> list[ResponsibilitySnapshot]:
        told = []
        for place in succession.places.values():
            heir = self._heirs.of(place.holder)
            assert heir is not None
            told.append(
                responsibility(
                    place,
                    effective_on=heir.steps[-1].successor.effective_on,
                    provisional=any(step.provisional for step in heir.steps),
                )
            )
        return told


def succeed(agreement: Agreement, parties: Sequence[Party], takes: TakesPlace) -> Succession:
    """Parties and custodian of an agreement after a succession; the names that were signed under stay."""
    succession = Succession()
    for party in parties:
        heir = takes(party.organization_id, party.answering_id)
        if heir is not None:
            name, holder_name = party.organization_name, party.answering_name
            place = _place(party.organization_id, name, party.answering_id, holder_name, heir)
            succession.take(place, f"responsible/{party.organization_id}")
            own = heir.organization_id == party.organization_id
            party.responsible_organization_id = None if own else heir.organization_id
            party.responsible_organization_name = None if own else heir.name
    holder, name = agreement.custodian_organization_id, agreement.custodian_name
    first = agreement.original_custodian_organization_id or holder
    heir = takes(first, holder)
    if heir is not None:
        place = _place(first, agreement.original_custodian_name or name, holder, name, heir)
        succession.take(place, "custodian")
        own = heir.organization_id == first
        agreement.original_custodian_organization_id = None if own else first
        agreement.original_custodian_name = None if own else place.promised_by_name
        agreement.custodian_organization_id, agreement.custodian_name = heir.organization_id, heir.name
    return succession


def reassign(
    task: TaskSnapshot, takes: TakesPlace, confirmed: Mapping[UUID, datetime]
) -> tuple[TaskSnapshot, Succession]:
    """A task after a succession. Pure.

    Whoever has confirmed this submission already (`confirmed`) has done so for everybody whose place it takes.
    """
    succession = Succession()

    def taken(party: TaskParty, what: str) -> TaskParty:
        first = party.promised_by_organization_id or party.organization_id
        heir = takes(first, party.organization_id)
        if heir is None:
            return party
        place = _place(first, party.promised_by_name or party.name, party.organization_id, party.name, heir)
        succession.take(place, what)
        own = heir.organization_id == first
        # Nobody but a coordinating party is asked to confirm.
        since = confirmed.get(heir.organization_id) if what == "coordinating" else None
        return party.model_copy(
            update={
                "organization_id": heir.organization_id,
                "name": heir.name,
                "unit_id": heir.unit_id,
                "unit_name": heir.unit_name,
                "confirmed_at": party.confirmed_at or since,
                "promised_by_organization_id": None if own else first,
                "promised_by_name": None if own else place.promised_by_name,
            }
        )

    lead = taken(task.lead, "lead")
    coordinating = [taken(party, "coordinating") for party in task.coordinating]
    monitoring = [taken(party, "monitoring") for party in task.monitoring]
    return (
        task.model_copy(update={"lead": lead, "coordinating": coordinating, "monitoring": monitoring}),
        succession,
    )


def case_row(
    agreement_id: UUID, task_id: UUID | None, promised_by: UUID, name: str, heir: Heir, step: Step
) -> dict[str, Any]:
    """What is recorded of one of the successions by which somebody takes a place."""
    # Only the last of several took over anything.
    last = step is heir.steps[-1]
    return {
        "id": str(new_id()),
        "agreement_id": str(agreement_id),
        "task_id": str(task_id) if task_id else None,
        "promised_by_organization_id": str(promised_by),
        "promised_by_name": name,
        "old_unit_id": str(step.ended.unit_id),
        "unit_id": str(step.successor.unit_id),
        "organization_id": str(heir.organization_id) if last else None,
        "organization_name": heir.name if last else None,
        "effective_on": step.successor.effective_on.isoformat(),
        "state": CaseState.OPEN if step.provisional else CaseState.AUTOMATIC,
    }


def responsibility(
    place: Place, *, effective_on: date, provisional: bool = False, case_id: UUID | None = None
) -> ResponsibilitySnapshot:
    return ResponsibilitySnapshot(
        promised_by_organization_id=place.promised_by,
        promised_by_name=place.promised_by_name,
        organization_id=place.heir_id,
        organization_name=place.heir_name,
        effective_on=effective_on,
        provisional=provisional,
        case_id=case_id,
    )


async def write(
    session: AsyncSession,
    agreement: Agreement,
    agreements: Sequence[AgreementChange],
    changed: Sequence[TaskChange],
    actor: Actor,
    action: str,
    now: datetime,
) -> None:
    """Changes of one locked agreement and of its tasks, with relations, history and events."""
    connection = await repository.connection_of(session)
    await _write_records(session, agreements, changed, now)
    standing = await records_repository.standing_of(connection, [agreement.id])
    parties = await records_repository.parties_of(session, [agreement.id])
    after = [change.after for change in changed]
    followed = Followed(agreement, parties[agreement.id], after, {}, itself=bool(agreements))
    above = await records_repository.above(connection, followed.named)
    moves = {agreement.id: followed.moves(standing[agreement.id], above)}
    await records_repository.change_members(connection, moves)
    await tell(session, actor, action, agreements, changed, moves, now)


async def _write_records(
    session: AsyncSession, agreements: Sequence[AgreementChange], changed: Sequence[TaskChange], now: datetime
) -> None:
    for change in agreements:
        change.agreement.version += 1
        change.agreement.updated_at = now
    connection = await repository.connection_of(session)
    if changed:
        await records_repository.update_tasks(
            connection, [_task_row(_versions(change, now)[-1]) for change in changed], now
        )


async def tell(
    session: AsyncSession,
    actor: Actor,
    action: str,
    agreements: Sequence[AgreementChange],
    changed: Sequence[TaskChange],
    moves: Mapping[UUID, Moves],
    now: datetime,
) -> None:
    """History and events of changes that are written."""
    connection = await repository.connection_of(session)
    versions = {change.after.id: _versions(change, now) for change in changed}
    await records_repository.add_history(
        connection,
        actor,
        now,
        agreements=[
            _told(change.agreement.id, change.agreement.version, action, change.changes, change.remark)
            for change in agreements
        ],
        tasks=[row for change in changed for row in _task_history(change, versions[change.after.id], action)],
    )
    ids = [change.agreement.id for change in agreements]
    parties, clauses = (
        await records_repository.parties_of(session, ids),
        await records_repository.clauses_of(session, ids),
    )
    who = EventActor.of(actor)
    events: list[Event] = [
        AgreementSucceeded(
            version=change.agreement.version,
            actor=who,
            occurred_at=now,
            members=list(moves[change.agreement.id].members),
            changes=list(change.changes),
            agreement=snapshot_of(change.agreement, parties[change.agreement.id], clauses[change.agreement.id]),
            responsibilities=list(change.responsibilities),
        )
        for change in agreements
    ]
    for change in changed:
        first, *rest = versions[change.after.id]
        common = {
            "actor": who,
            "occurred_at": now,
            "members": list(moves[first.agreement_id].members),
        }
        events.append(
            TaskReassigned(
                version=first.version,
                task=first,
                changes=list(change.changes),
                responsibilities=list(change.responsibilities),
                **common,
            )
        )
        events += [
            TaskCompleted(version=one.version, task=one, changes=_completion(first, one), **common) for one in rest
        ]
    await publish_all(session, events)


def _taking_part(tasks: Iterable[TaskSnapshot]) -> set[UUID]:
    return {party.organization_id for task in tasks for party in (task.lead, *task.coordinating, *task.monitoring)}


def _remark(heirs: Iterable[Heir]) -> str:
    days = sorted({step.successor.effective_on for heir in heirs for step in heir.steps})
    return f"Kế thừa theo sắp xếp đơn vị hành chính có hiệu lực ngày {', '.join(f'{day:%d/%m/%Y}' for day in days)}."


def _place(promised_by: UUID, promised_by_name: str, holder: UUID, holder_name: str, heir: Heir) -> Place:
    return Place(promised_by, promised_by_name, holder, holder_name, heir.organization_id, heir.name)


def _versions(change: TaskChange, now: datetime) -> list[TaskSnapshot]:
    """The task reassigned and, where nobody is left who would have to confirm it, completed by that."""
    before = change.locked.task
    first = change.after.model_copy(update={"version": before.version + 1, "updated_at": now})
    waits = [party for party in first.coordinating if party.confirmed_at is None]
    waited = [party for party in before.coordinating if party.confirmed_at is None]
    if first.status != TaskStatus.SUBMITTED or waits or not waited:
        return [first]
    done = {"version": first.version + 1, "status": TaskStatus.COMPLETED.value, "completed_at": now}
    return [first, first.model_copy(update=done)]


def _completion(before: TaskSnapshot, after: TaskSnapshot) -> list[Change]:
    assert after.completed_at is not None
    return [
        Change(field="status", from_=before.status, to=after.status),
        Change(field="completed_at", to=after.completed_at.isoformat()),
    ]


def _task_row(task: TaskSnapshot) -> dict[str, Any]:
    return {
        "id": task.id,
        "version": task.version,
        "parties": {
            "lead": vars(task.lead),
            "coordinating": [vars(party) for party in task.coordinating],
            "monitoring": [vars(party) for party in task.monitoring],
        },
        "lead_organization_id": task.lead.organization_id,
        "status": task.status,
        "completed_at": task.completed_at,
    }


def _task_history(change: TaskChange, versions: Sequence[TaskSnapshot], action: str) -> list[dict[str, Any]]:
    first, *rest = versions
    rows = [_told(first.id, first.version, action, change.changes, change.remark)]
    rows += [_told(one.id, one.version, "complete", _completion(first, one), None) for one in rest]
    for one, row in zip(versions, rows, strict=True):
        # The table has the last version: what was otherwise in the one before it.
        last = versions[-1]
        differing = {name for name, value in vars(one).items() if value != getattr(last, name)}
        row["before"] = one.model_dump(mode="json", include=differing) if differing else {}
    return rows


def _told(subject_id: UUID, version: int, action: str, changes: Sequence[Change], remark: str | None) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "subject_id": str(subject_id),
        "version": version,
        "action": action,
        "changes": [{"field": one.field, "from": one.from_, "to": one.to} for one in changes],
        "remark": remark,
    }
