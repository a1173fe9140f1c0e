"""Rules of dossiers of boundary areas. Every function runs inside the caller's transaction; each change is logged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from agreements_api.boundary_cases import errors, repository
from agreements_api.boundary_cases.handover import HandoverStep, StepAction, actions, is_handed_over, open_before
from agreements_api.boundary_cases.models import CaseState, Side
from agreements_api.boundary_cases.permissions import STEPS, allowed_actions, may
from agreements_api.boundary_cases.repository import Connection
from agreements_api.boundary_cases.schemas import BoundaryCaseCreate, BoundaryCasePublic, BoundaryCaseUpdate
from agreements_api.history.past import Json, shown
from agreements_api.history.service import changes_between
from agreements_api.policy import Relation
from agreements_api.tasks.errors import TaskNotFound
from agreements_api.tasks.models import TaskStatus
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.events import (
    BoundaryCaseChanged,
    BoundaryCaseClosed,
    BoundaryCaseEvent,
    BoundaryCaseHandedOver,
    BoundaryCaseOpened,
    BoundaryCaseSnapshot,
    BoundaryCaseStepConfirmed,
    BoundaryCaseStepTakenBack,
    Change,
    EventActor,
)
from shared.ids import new_id
from shared.outbox import publish_on

# What the sides confirm: where it changes, they have to look again.
_COUNTED = ("kind", "households", "plots", "area_m2")
_PATCHED = (*_COUNTED, "place", "note")
_TOLD = (*_PATCHED, "state", "handed_over_on", "closed_on")
_OVER = (TaskStatus.COMPLETED, TaskStatus.CANCELLED)


async def open_case(connection: Connection, actor: Actor, task_id: UUID, body: BoundaryCaseCreate) -> asyncpg.Record:
    """A dossier of two parties of the task, with the steps that both will confirm."""
    task = await repository.hold_task(connection, actor.organization_id, task_id)
    if task is None:
        raise TaskNotFound
    if not may(actor, "open", task["relations"]):
        raise errors.NotAllowed
    if task["status"] in _OVER:
        raise errors.TaskOver
    sides = _sides(orjson.loads(task["parties"]), body.organization_ids)
    columns = body.model_dump(include=set(_PATCHED)) | {
        "state": CaseState.OPEN,
        "handed_over_on": None,
        "closed_on": None,
        "close_remark": None,
    }
    case_id, now = new_id(), clock.now()
    await repository.insert(connection, case_id, task, sides, columns, at=now)
    await repository.replace_steps(connection, case_id, [step.model_dump() for step in body.steps])
    changes = [
        *_changes({}, columns),
        *(Change(field=f"sides/{side}", to=party["name"]) for side, party in sides.items()),
        Change(field="steps", to=[step.title for step in body.steps]),
    ]
    told = _Told("open", BoundaryCaseOpened, changes)
    return await _tell(connection, actor, case_id, task["agreement_id"], 1, told, at=now)


async def update(
    connection: Connection, actor: Actor, case_id: UUID, if_match: str | None, body: BoundaryCaseUpdate
) -> asyncpg.Record:
    """Change what the patch names; what one side alone has confirmed of other figures is void."""
    step = await _begin(connection, actor, case_id, "update", if_match)
    given = body.model_fields_set
    after = step.columns | body.model_dump(include=given & set(_PATCHED))
    changes = _changes(step.columns, after)
    if any(change.field in _COUNTED for change in changes):
        changes += await _make_void(step)
        # What is void stands in the way of other steps no more.
        step = replace(step, steps=await repository.steps(connection, case_id))
    if "steps" in given:
        changes += await _replace_steps(step, [one.model_dump() for one in body.steps])
    if not changes:
        return await _shown(connection, actor, case_id)
    return await step.end(after, _Told("update", BoundaryCaseChanged, changes))


async def confirm(
    connection: Connection, actor: Actor, case_id: UUID, step_id: UUID, if_match: str | None, remark: str | None
) -> asyncpg.Record:
    """One side confirms a step; the second one completes it, and the last step hands the area over."""
    step = await _begin(connection, actor, case_id, StepAction.CONFIRM, if_match)
    steps, one = step.of_handover(step_id)
    own = [side for side in step.sides if side not in one.confirmed]
    if not own:
        raise errors.AlreadyConfirmed
    earlier = open_before(steps, one)
    if earlier is not None:
        raise errors.EarlierStepOpen(step_id=str(earlier.id))
    for side in own:
        await repository.confirm(connection, actor, step_id, side, remark, at=step.now)
    done = HandoverStep(one.id, one.confirmed.union(own))
    changes = [Change(field=f"steps/{step_id}/{side}", to=step.names[side]) for side in own]
    told = [_Told("confirm", partial(BoundaryCaseStepConfirmed, step_id=step_id), changes, remark)]
    if not is_handed_over([done if other.id == done.id else other for other in steps]):
        return await step.end(step.columns, *told)
    after = step.columns | {"state": CaseState.HANDED_OVER, "handed_over_on": clock.day_of(step.now)}
    told.append(_Told("hand_over", BoundaryCaseHandedOver, _changes(step.columns, after)))
    return await step.end(after, *told)


async def take_back(
    connection: Connection, actor: Actor, case_id: UUID, step_id: UUID, if_match: str | None, remark: str | None
) -> asyncpg.Record:
    """A side takes back what it confirmed, as long as the other one has not confirmed as well."""
    step = await _begin(connection, actor, case_id, StepAction.TAKE_BACK, if_match)
    _, one = step.of_handover(step_id)
    if one.completed:
        raise errors.StepCompleted
    own = [side for side in step.sides if side in one.confirmed]
    if not own:
        raise errors.NotConfirmed
    changes = await _withdraw(step, step_id, own)
    told = _Told("take_back", partial(BoundaryCaseStepTakenBack, step_id=step_id), changes, remark)
    return await step.end(step.columns, told)


async def close(
    connection: Connection, actor: Actor, case_id: UUID, if_match: str | None, remark: str
) -> asyncpg.Record:
    """The dossier of an area that was handed over ends, and says how."""
    step = await _begin(connection, actor, case_id, "close", if_match)
    after = step.columns | {
        "state": CaseState.CLOSED,
        "closed_on": clock.day_of(step.now),
        "close_remark": remark,
    }
    return await step.end(after, _Told("close", BoundaryCaseClosed, _changes(step.columns, after), remark))


def sides_of(actor: Actor, answering: Mapping[Side, UUID], relations: Sequence[str]) -> frozenset[Side]:
    """The sides that the caller's organisation answers for: both, where the two localities have merged.

    A side that was taken out of the task has nobody else; where it does not stand in the agreement either, it reads.
    """
    if set(relations) <= {Relation.FORMER}:
        return frozenset()
    return frozenset(side for side, organization_id in answering.items() if organization_id == actor.organization_id)


def relations_of(relations: Sequence[str], sides: frozenset[Side]) -> list[str]:
    """How the caller's organisation stands to the task, and whether it is one of the two sides."""
    return [*relations, Relation.OWN.value] if sides else list(relations)


def as_it_was(state: str) -> Json:
    """A dossier of the past: nothing can be done with it, nor with any of its steps."""
    case: Json = orjson.loads(state)
    case["steps"] = [step | {"allowed_actions": []} for step in case["steps"]]
    return shown(BoundaryCasePublic, case) | {"allowed_actions": []}


@dataclass(frozen=True)
class _Told:
    """One version for the log: what was done, and what it changed."""

    action: str
    kind: Callable[..., BoundaryCaseEvent]
    changes: Sequence[Change]
    remark: str | None = None


@dataclass(frozen=True)
class _Step:
    """One change under way: the locked dossier, and the moment it happens at."""

    connection: Connection
    actor: Actor
    id: UUID
    agreement_id: UUID
    version: int
    columns: dict[str, Any]
    sides: frozenset[Side]
    names: dict[Side, str]
    steps: list[asyncpg.Record]
    now: datetime

    def of_handover(self, step_id: UUID) -> tuple[list[HandoverStep], HandoverStep]:
        """Every step, and the one that is meant."""
        steps = [_handover_step(row) for row in self.steps]
        found = [step for step in steps if step.id == step_id]
        if not found:
            raise errors.StepNotFound
        return steps, found[0]

    async def end(self, after: Mapping[str, Any], *told: _Told) -> asyncpg.Record:
        """Write the next versions, each with its log and its event; a hand-over is one beside the last confirmation."""
        row: asyncpg.Record | None = None
        for number, one in enumerate(told, start=1):
            # The snapshot of the last confirmation is still open: what follows from it is told by the next version.
            columns = after if number == len(told) else self.columns
            version = self.version + number
            await repository.update(self.connection, self.id, version, columns, at=self.now)
            row = await _tell(self.connection, self.actor, self.id, self.agreement_id, version, one, at=self.now)
        assert row is not None
        return row


async def _begin(connection: Connection, actor: Actor, case_id: UUID, step: str, if_match: str | None) -> _Step:
    """Lock the row, once the caller, the version and the state allow the step, asked in this order."""
    row = await repository.lock(connection, actor.organization_id, case_id)
    if row is None:
        raise errors.CaseNotFound
    sides = sides_of(actor, {side: row[f"{side}_answering_id"] for side in Side}, row["relations"])
    relations = relations_of(row["relations"], sides)
    if not may(actor, step, relations):
        raise errors.NotAllowed
    check_if_match(if_match, row["version"])
    if step not in STEPS[row["state"]]:
        raise errors.NotPossible(row["state"], allowed_actions(actor, row["state"], relations))
    return _Step(
        connection=connection,
        actor=actor,
        id=case_id,
        agreement_id=row["agreement_id"],
        version=row["version"],
        columns={name: row[name] for name in repository.COLUMNS},
        sides=sides,
        names={side: row[f"{side}_name"] for side in Side},
        # Read after the lock: what the other side confirmed meanwhile is seen.
        steps=await repository.steps(connection, case_id),
        now=clock.now(),
    )


def _sides(parties: Mapping[str, Any], organization_ids: Sequence[UUID]) -> dict[Side, Mapping[str, Any]]:
    """The two parties of the task, of two localities."""
    known = {UUID(party["organization_id"]): party for party in (parties["lead"], *parties["coordinating"])}
    for at, organization_id in enumerate(organization_ids):
        if organization_id not in known:
            raise errors.not_in_task(f"/organization_ids/{at}")
    first, second = (known[organization_id] for organization_id in organization_ids)
    if first["unit_id"] == second["unit_id"]:
        raise errors.same_locality("/organization_ids/1")
    return {Side.FIRST: first, Side.SECOND: second}


async def _make_void(step: _Step) -> list[Change]:
    """Take back what one side alone has confirmed."""
    changes: list[Change] = []
    for row in step.steps:
        one = _handover_step(row)
        if not one.completed:
            changes += await _withdraw(step, one.id, sorted(one.confirmed))
    return changes


async def _withdraw(step: _Step, step_id: UUID, sides: Sequence[Side]) -> list[Change]:
    for side in sides:
        await repository.take_back(step.connection, step_id, side)
    return [Change(field=f"steps/{step_id}/{side}", from_=step.names[side]) for side in sides]


async def _replace_steps(step: _Step, new: Sequence[Mapping[str, Any]]) -> list[Change]:
    if any(_handover_step(row).confirmed for row in step.steps):
        raise errors.steps_fixed("/steps")
    before = [{"title": row["title"], "due_on": row["due_on"]} for row in step.steps]
    if before == list(new):
        return []
    await repository.replace_steps(step.connection, step.id, new)
    return [
        Change(field="steps", from_=[row["title"] for row in step.steps], to=[one["title"] for one in new]),
    ]


def _handover_step(row: asyncpg.Record) -> HandoverStep:
    return HandoverStep(row["id"], frozenset(side for side in Side if row[f"{side}_confirmed_at"] is not None))


async def _tell(
    connection: Connection,
    actor: Actor,
    case_id: UUID,
    agreement_id: UUID,
    version: int,
    told: _Told,
    *,
    at: datetime,
) -> asyncpg.Record:
    """Log and event of a version; gives back what a read shows of it."""
    await repository.add_log(
        connection, actor, case_id, agreement_id, version, told.action, told.changes, at=at, remark=told.remark
    )
    row = await _shown(connection, actor, case_id)
    event = told.kind(
        version=version,
        actor=EventActor.of(actor),
        occurred_at=at,
        members=await repository.members(connection, agreement_id),
        changes=list(told.changes),
        boundary_case=_snapshot(row["body"]),
    )
    await publish_on(connection, event)
    return row


def _snapshot(body: str) -> BoundaryCaseSnapshot:
    """What events carry of a dossier: when each side confirmed, and not who for it."""
    case = orjson.loads(body)
    for step in case["steps"]:
        step["confirmed_at"] = [confirmation["confirmed_at"] for confirmation in step["confirmations"]]
    return BoundaryCaseSnapshot.model_validate(case)


async def _shown(connection: Connection, actor: Actor, case_id: UUID) -> asyncpg.Record:
    row = await repository.read(connection, actor.organization_id, case_id)
    assert row is not None
    return row


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    return changes_between(before, after, _TOLD)


def possible_with(case: Mapping[str, Any], sides: frozenset[Side]) -> list[tuple[StepAction, ...]]:
    """What can be done with each step of a dossier as it is shown, by whoever answers for these sides."""
    steps = [
        HandoverStep(
            UUID(step["id"]),
            frozenset(
                side
                for side, confirmation in zip(Side, step["confirmations"], strict=True)
                if confirmation["confirmed_at"] is not None
            ),
        )
        for step in case["steps"]
    ]
    return [actions(steps, step, sides) for step in steps]
