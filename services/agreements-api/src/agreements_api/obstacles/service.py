"""Rules of obstacles. Every function runs inside the caller's transaction; each step is told in log and event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from agreements_api.history.service import plain
from agreements_api.obstacles import errors, repository, terms
from agreements_api.obstacles.models import Escalation, ObstacleLevel, ObstacleOrigin, ObstacleStatus
from agreements_api.obstacles.permissions import STEPS, allowed_actions, may
from agreements_api.obstacles.repository import Locked
from agreements_api.obstacles.schemas import MeasureCreate, MeasureUpdate, ObstacleUpdate
from agreements_api.party_succession.standing import standing_name
from agreements_api.policy import Relation
from agreements_api.tasks import errors as task_errors
from agreements_api.tasks import repository as task_repository
from agreements_api.tasks.models import TaskStatus
from agreements_api.tasks.repository import Locked as LockedTask
from shared import clock
from shared.auth import SYSTEM, Actor
from shared.etags import check_if_match
from shared.events import (
    Change,
    EventActor,
    MeasureSnapshot,
    ObstacleEscalated,
    ObstacleEvent,
    ObstacleMeasureChanged,
    ObstacleRaised,
    ObstacleReopened,
    ObstacleResolved,
    ObstacleSnapshot,
    ObstacleUpdated,
    TaskParty,
)
from shared.ids import new_id
from shared.outbox.publish import publish_on

Connection: TypeAlias = "asyncpg.Connection[Any]"

MOST_MEASURES = 50
RUN_OUT = "Quá thời hạn xử lý ở cấp địa phương."


async def raise_obstacle(
    connection: Connection, actor: Actor, task_id: UUID, text: str, *, days: int
) -> asyncpg.Record:
    """What stands in the way of a task that is not over yet; it is in the lead's hands for so many working days."""
    locked = await task_repository.lock(connection, actor.organization_id, task_id)
    if locked is None:
        raise task_errors.TaskNotFound
    if not may(actor, "raise", locked.relations.split(",")):
        raise errors.NotAllowed
    if locked.task.status in (TaskStatus.COMPLETED, TaskStatus.CANCELLED):
        raise errors.TaskOver
    assert actor.organization_id is not None
    name = await standing_name(connection, locked.task.agreement_id, actor.organization_id)
    assert name is not None
    organization = (actor.organization_id, name)
    return await _raise(
        connection, actor, locked, new_id(), text, organization, ObstacleOrigin.RAISED, clock.now(), days
    )


async def raise_of_refusal(
    connection: Connection,
    actor: Actor,
    locked: LockedTask,
    party: TaskParty,
    obstacle_id: UUID,
    reason: str,
    *,
    now: datetime,
    days: int,
) -> None:
    """Why a coordinating party did not confirm."""
    organization = (party.organization_id, party.name)
    await _raise(connection, actor, locked, obstacle_id, reason, organization, ObstacleOrigin.REFUSAL, now, days)


async def update(
    connection: Connection, actor: Actor, obstacle_id: UUID, if_match: str | None, body: ObstacleUpdate
) -> asyncpg.Record:
    step = await _begin(connection, actor, obstacle_id, "update", if_match)
    before = step.obstacle.text
    if "text" not in body.model_fields_set or body.text == before:
        return await step.unchanged()
    changes = [Change(field="text", from_=before, to=body.text)]
    return await step.end("update", ObstacleUpdated, {"text": body.text}, changes)


async def escalate(
    connection: Connection, actor: Actor, obstacle_id: UUID, if_match: str | None, reason: str, *, days: int
) -> asyncpg.Record:
    """Into the hands of the body above the lead, by a person's decision."""
    step = await _begin(connection, actor, obstacle_id, "escalate", if_match)
    return await _escalate(step, Escalation.PERSON, reason, days)


async def escalate_next(connection: Connection, *, days: int) -> bool:
    """An obstacle whose clock has run out goes to the body above; false where there is none."""
    locked = await repository.lock_run_out(connection, clock.today())
    if locked is None:
        return False
    await _escalate(_Step(connection, SYSTEM, locked, clock.now()), Escalation.RULE, RUN_OUT, days)
    return True


async def resolve(
    connection: Connection, actor: Actor, obstacle_id: UUID, if_match: str | None, resolution: str
) -> asyncpg.Record:
    step = await _begin(connection, actor, obstacle_id, "resolve", if_match)
    changed = {"status": ObstacleStatus.RESOLVED.value, "resolved_at": step.now, "resolution": resolution}
    return await step.end("resolve", ObstacleResolved, changed, _status(step, changed), resolution)


async def reopen(
    connection: Connection, actor: Actor, obstacle_id: UUID, if_match: str | None, reason: str, *, days: int
) -> asyncpg.Record:
    """It is open again where it was, with a new clock; how it was settled before stays in the log."""
    step = await _begin(connection, actor, obstacle_id, "reopen", if_match)
    changed = {"status": ObstacleStatus.OPEN.value, "resolved_at": None, "resolution": None}
    changes = _status(step, changed)
    return await step.end("reopen", ObstacleReopened, changed | step.clock_anew(days), changes, reason)


async def plan_measure(
    connection: Connection, actor: Actor, obstacle_id: UUID, if_match: str | None, body: MeasureCreate
) -> asyncpg.Record:
    step = await _begin(connection, actor, obstacle_id, "measure", if_match)
    if len(step.obstacle.measures) >= MOST_MEASURES:
        raise errors.TooManyMeasures
    name = await _member(step, body.organization_id)
    _check_day(step, body.due_on)
    measure_id = new_id()
    await repository.add_measure(
        connection,
        step.obstacle,
        measure_id=measure_id,
        text=body.text,
        organization=(body.organization_id, name),
        due_on=body.due_on,
        at=step.now,
    )
    undone = [*(one.due_on for one in step.obstacle.measures if one.done_at is None), body.due_on]
    field = f"measures/{measure_id}"
    changes = [
        Change(field=field, to=body.text),
        Change(field=f"{field}/organization", to=name),
        Change(field=f"{field}/due_on", to=body.due_on.isoformat()),
    ]
    event = partial(ObstacleMeasureChanged, measure_id=measure_id)
    return await step.end("plan_measure", event, {"due_on": terms.due_on(step.locked.respond_by, undone)}, changes)


async def change_measure(
    connection: Connection,
    actor: Actor,
    obstacle_id: UUID,
    measure_id: UUID,
    if_match: str | None,
    body: MeasureUpdate,
    *,
    days: int,
) -> asyncpg.Record:
    """Change a measure, or say that it is carried out; with the last one the clock for the next decision begins."""
    step = await _begin(connection, actor, obstacle_id, "measure", if_match)
    before = next((one for one in step.obstacle.measures if one.id == measure_id), None)
    if before is None:
        raise errors.MeasureNotFound
    after = await _patched(step, before, body)
    changes = _measure_changes(before, after)
    if not changes:
        return await step.unchanged()
    await repository.change_measure(
        connection,
        obstacle_id,
        measure_id,
        text=after.text,
        organization=(after.organization_id, after.organization_name),
        due_on=after.due_on,
        done_at=after.done_at,
        remark=after.remark,
    )
    others = [one for one in step.obstacle.measures if one.id != measure_id]
    undone = [one.due_on for one in (*others, after) if one.done_at is None]
    just_done = before.done_at is None and after.done_at is not None
    if just_done and not undone:
        clock_after = step.clock_anew(days, undone)
    else:
        clock_after = {"due_on": terms.due_on(step.locked.respond_by, undone)}
    action = "carry_out_measure" if just_done else "change_measure"
    event = partial(ObstacleMeasureChanged, measure_id=measure_id)
    return await step.end(action, event, clock_after, changes, after.remark if just_done else None)


@dataclass(frozen=True)
class _Step:
    """One step under way: the locked obstacle, and the moment it happens at."""

    connection: Connection
    actor: Actor
    locked: Locked
    now: datetime

    @property
    def obstacle(self) -> ObstacleSnapshot:
        return self.locked.obstacle

    @property
    def today(self) -> date:
        return clock.day_of(self.now)

    def clock_anew(self, days: int, undone: Sequence[date] | None = None) -> dict[str, Any]:
        """The clock as it begins again today."""
        if undone is None:
            undone = [one.due_on for one in self.obstacle.measures if one.done_at is None]
        respond_by = terms.respond_by(self.today, days)
        return {"respond_by": respond_by, "due_on": terms.due_on(respond_by, undone)}

    async def end(
        self,
        action: str,
        kind: Callable[..., ObstacleEvent],
        changed: dict[str, Any],
        changes: Sequence[Change],
        remark: str | None = None,
    ) -> asyncpg.Record:
        """Write the next version with its log and its event."""
        await repository.update(self.connection, self.obstacle.id, self.now, changed)
        return await _tell(self.connection, self.actor, self.obstacle.id, action, kind, changes, remark, self.now)

    async def unchanged(self) -> asyncpg.Record:
        """What a read shows: a patch that changes nothing makes no version."""
        return await repository.read_any(
            self.connection, self.actor.organization_id, self.obstacle.id, today=self.today
        )


async def _begin(connection: Connection, actor: Actor, obstacle_id: UUID, step: str, if_match: str | None) -> _Step:
    """Lock the row, once the caller, the version and the state allow the step, asked in this order."""
    locked = await repository.lock(connection, actor.organization_id, obstacle_id, today=clock.today())
    if locked is None:
        raise errors.ObstacleNotFound
    # Not before the row is held: what comes later is told of as later.
    now = clock.now()
    obstacle, relations = locked.obstacle, standing(locked.relations)
    if not may(actor, step, relations):
        raise errors.NotAllowed
    check_if_match(if_match, obstacle.version)
    if step not in STEPS[obstacle.status, obstacle.level]:
        possible = allowed_actions(actor, obstacle.status, obstacle.level, relations, escalatable=locked.escalatable)
        raise errors.NotPossible(obstacle.status, obstacle.level, possible)
    return _Step(connection, actor, locked, now)


def standing(relations: Sequence[str]) -> set[str]:
    """How an organisation stands to an obstacle; one whose place another has taken does nothing as its raiser."""
    held = set(relations)
    return held - {Relation.OWN} if held <= {Relation.OWN, Relation.FORMER} else held


async def _raise(
    connection: Connection,
    actor: Actor,
    locked: LockedTask,
    obstacle_id: UUID,
    text: str,
    organization: tuple[UUID, str],
    origin: ObstacleOrigin,
    now: datetime,
    days: int,
) -> asyncpg.Record:
    task = locked.task
    await repository.insert(
        connection,
        obstacle_id,
        agreement_id=task.agreement_id,
        task_id=task.id,
        origin=origin,
        text=text,
        organization=organization,
        raised_by=actor.name,
        respond_by=terms.respond_by(clock.day_of(now), days),
        at=now,
    )
    changes = [
        Change(field="text", to=text),
        Change(field="status", to=ObstacleStatus.OPEN.value),
        Change(field="level", to=ObstacleLevel.LOCALITY.value),
    ]
    return await _tell(connection, actor, obstacle_id, "raise", ObstacleRaised, changes, None, now)


async def _escalate(step: _Step, by: Escalation, reason: str, days: int) -> asyncpg.Record:
    obstacle = step.obstacle
    superior = await repository.superior_of(step.connection, obstacle.organization_id, obstacle.agreement_id)
    if superior is None:
        raise errors.NoSuperior
    changed = {
        "level": ObstacleLevel.PROVINCE.value,
        "superior_organization_id": superior["id"],
        "superior_organization_name": superior["name"],
        "escalated_at": step.now,
        "escalated_by": by.value,
    }
    changes = [
        Change(field="level", from_=obstacle.level, to=ObstacleLevel.PROVINCE.value),
        Change(field="organization", from_=obstacle.organization_name, to=superior["name"]),
    ]
    return await step.end("escalate", ObstacleEscalated, changed | step.clock_anew(days), changes, reason)


async def _tell(
    connection: Connection,
    actor: Actor,
    obstacle_id: UUID,
    action: str,
    kind: Callable[..., ObstacleEvent],
    changes: Sequence[Change],
    remark: str | None,
    now: datetime,
) -> asyncpg.Record:
    """Log and event of a version that is written; gives what a read would."""
    await repository.tell(connection, actor, obstacle_id, action, changes, remark)
    row = await repository.read_any(connection, actor.organization_id, obstacle_id, today=clock.day_of(now))
    obstacle = ObstacleSnapshot.model_validate_json(row["body"])
    event = kind(
        version=obstacle.version,
        actor=EventActor.of(actor),
        occurred_at=now,
        members=row["members"],
        changes=list(changes),
        obstacle=obstacle,
    )
    await publish_on(connection, event)
    return row


def _status(step: _Step, changed: dict[str, Any]) -> list[Change]:
    return [Change(field="status", from_=step.obstacle.status, to=changed["status"])]


async def _member(step: _Step, organization_id: UUID) -> str:
    name = await standing_name(step.connection, step.obstacle.agreement_id, organization_id)
    if name is None:
        raise errors.no_member("/organization_id")
    return name


def _check_day(step: _Step, due_on: date) -> None:
    if due_on < step.today:
        raise errors.past_day("/due_on")


async def _patched(step: _Step, before: MeasureSnapshot, body: MeasureUpdate) -> MeasureSnapshot:
    """The measure after a merge patch."""
    given = body.model_fields_set
    changed: dict[str, Any] = {name: getattr(body, name) for name in ("text", "remark") if name in given}
    if "organization_id" in given and body.organization_id != before.organization_id:
        changed["organization_id"] = body.organization_id
        changed["organization_name"] = await _member(step, body.organization_id)
    if "due_on" in given and body.due_on != before.due_on:
        _check_day(step, body.due_on)
        changed["due_on"] = body.due_on
    if "done" in given and body.done != (before.done_at is not None):
        changed["done_at"] = step.now if body.done else None
    return before.model_copy(update=changed)


def _measure_changes(before: MeasureSnapshot, after: MeasureSnapshot) -> list[Change]:
    return [
        Change(field=f"measures/{before.id}/{name}", from_=plain(getattr(before, name)), to=plain(getattr(after, name)))
        for name in ("text", "organization_name", "due_on", "done_at", "remark")
        if getattr(before, name) != getattr(after, name)
    ]
