"""Writing what a succession makes of agreements and tasks: records, who stands in them, history and events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements.models import Agreement, Party
from agreements_api.agreements.steps import snapshot_of
from agreements_api.party_succession import records_repository, repository
from agreements_api.party_succession.relations import Moves, Standing, follow
from agreements_api.tasks.models import TaskStatus
from agreements_api.tasks.repository import Locked
from shared.auth import Actor
from shared.events import (
    AgreementSucceeded,
    Change,
    Event,
    EventActor,
    ResponsibilitySnapshot,
    TaskCompleted,
    TaskReassigned,
    TaskSnapshot,
)
from shared.ids import new_id
from shared.outbox import publish_all


@dataclass(frozen=True)
class AgreementChange:
    agreement: Agreement
    # All of them, with those whose place was taken.
    parties: Sequence[Party]
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


# Of each task: reassigned and, where that was all that it waited for, completed.
Versions = Mapping[UUID, Sequence[TaskSnapshot]]


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


async def write(
    session: AsyncSession,
    agreement: Agreement,
    agreements: Sequence[AgreementChange],
    changed: Sequence[TaskChange],
    actor: Actor,
    action: str,
    now: datetime,
) -> Sequence[UUID]:
    """Changes of one locked agreement and of its tasks, with relations, history and events; who sees it afterwards."""
    versions = await write_records(session, agreements, changed, now)
    connection = await repository.connection_of(session)
    standing = await records_repository.standing_of(connection, [agreement.id])
    parties = await records_repository.parties_of(session, [agreement.id])
    after = [change.after for change in changed]
    followed = Followed(agreement, parties[agreement.id], after, {}, itself=bool(agreements))
    above = await records_repository.above(connection, followed.named)
    moves = {agreement.id: followed.moves(standing[agreement.id], above)}
    await records_repository.change_members(connection, moves)
    await tell(session, actor, action, agreements, changed, versions, moves, now)
    return moves[agreement.id].members


async def write_records(
    session: AsyncSession, agreements: Sequence[AgreementChange], changed: Sequence[TaskChange], now: datetime
) -> Versions:
    """The rows as they are from now on; gives the versions of each task that come of it, the last one written."""
    for change in agreements:
        change.agreement.version += 1
        change.agreement.updated_at = now
    await records_repository.update_agreements(
        session, [change.agreement for change in agreements], [one for change in agreements for one in change.parties]
    )
    versions = {change.after.id: _versions(change, now) for change in changed}
    if changed:
        connection = await repository.connection_of(session)
        await records_repository.update_tasks(connection, [_task_row(each[-1]) for each in versions.values()], now)
    return versions


async def tell(
    session: AsyncSession,
    actor: Actor,
    action: str,
    agreements: Sequence[AgreementChange],
    changed: Sequence[TaskChange],
    versions: Versions,
    moves: Mapping[UUID, Moves],
    now: datetime,
) -> None:
    """History and events of changes that are written."""
    connection = await repository.connection_of(session)
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
    clauses = await records_repository.clauses_of(session, [change.agreement.id for change in agreements])
    who = EventActor.of(actor)
    events: list[Event] = [
        AgreementSucceeded(
            version=change.agreement.version,
            actor=who,
            occurred_at=now,
            members=list(moves[change.agreement.id].members),
            changes=list(change.changes),
            agreement=snapshot_of(change.agreement, change.parties, clauses[change.agreement.id]),
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
