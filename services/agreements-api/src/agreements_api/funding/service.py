"""Rules of the funding of tasks. Every function runs inside the caller's transaction."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from agreements_api.funding import errors, repository
from agreements_api.funding.checking import refusals
from agreements_api.funding.gates import OVER, gate
from agreements_api.funding.models import FundingStatus, TaskFunding
from agreements_api.funding.permissions import may
from agreements_api.funding.schemas import FundingReplace
from agreements_api.history.service import changes_between
from agreements_api.tasks import repository as tasks
from agreements_api.tasks.repository import Locked
from agreements_api.tasks.service import record_beside
from shared import clock
from shared.auth import SYSTEM, Actor
from shared.etags import check_if_match
from shared.events import Change, FundingSnapshot, TaskFundingChanged, TaskFundingMissed

Connection: TypeAlias = "asyncpg.Connection[Any]"

# Fields whose changes the task's history tells of.
_TOLD = ("needs_public_investment", "plan_period", "source", "amount", "status")


async def replace(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, body: FundingReplace
) -> None:
    """Say what a task needs and how far it is; what is the same as before makes no version."""
    locked = await _locked(connection, actor, task_id)
    before = await repository.get(connection, task_id)
    check_if_match(if_match, before.version if before else 0)
    if locked.task.status in OVER:
        raise errors.TaskOver(locked.task.status)
    closes_on = await _closing_day(connection, body)
    after = TaskFunding(
        task_id=task_id,
        agreement_id=locked.task.agreement_id,
        version=(before.version if before else 0) + 1,
        **body.model_dump(),
        closes_on=closes_on,
        updated_at=clock.now(),
    )
    changes = _changes(before, after)
    if before is not None and not changes and before.remark == after.remark:
        return
    await repository.write(connection, after)
    event = partial(TaskFundingChanged, funding=_snapshot(locked, after, clock.today()))
    # At the very moment of the version: the past of a funding is what the task's history tells of it.
    await record_beside(
        connection, actor, locked, "change_funding", event, changes=changes, remark=after.remark, at=after.updated_at
    )


async def tell_missed(connection: Connection, *, today: date, limit: int) -> int:
    """Tell of the periods that closed without their tasks, each once; how many tasks were held for it."""
    held = await repository.hold_missed(connection, today=today, limit=limit)
    missed = {one.task_id: one for one in await repository.still_missed(connection, held, today=today)}
    for locked in await tasks.lock_as_system(connection, list(missed)):
        await _tell(connection, locked, missed[locked.task.id], today)
    return len(held)


async def _tell(connection: Connection, locked: Locked, funding: TaskFunding, today: date) -> None:
    now = clock.now()
    await repository.tell(connection, funding, at=now)
    told = funding.model_copy(update={"version": funding.version + 1})
    event = partial(TaskFundingMissed, funding=_snapshot(locked, told, today))
    changes = [Change(field="missed_plan_period", to=funding.plan_period)]
    remark = f"Kỳ kế hoạch đầu tư công trung hạn {funding.plan_period} đã kết thúc ngày {funding.closes_on:%d/%m/%Y}."
    await record_beside(connection, SYSTEM, locked, "miss_plan_period", event, changes=changes, remark=remark, at=now)


async def _locked(connection: Connection, actor: Actor, task_id: UUID) -> Locked:
    locked = await tasks.lock(connection, actor.organization_id, task_id)
    if locked is None:
        raise errors.TaskNotFound
    if not may(actor, "update", locked.relations.split(",")):
        raise errors.NotAllowed
    return locked


async def _closing_day(connection: Connection, body: FundingReplace) -> date | None:
    """The last day of the period that is named; NotTaken for what does not go together."""
    refused = refusals(body)
    known = {one.id: one.last_on for one in await repository.periods(connection)}
    if body.plan_period is not None and body.plan_period not in known:
        refused.append(errors.unknown_period("/plan_period"))
    if refused:
        raise errors.NotTaken(errors=refused)
    return known[body.plan_period] if body.plan_period is not None else None


def _changes(before: TaskFunding | None, after: TaskFunding) -> Sequence[Change]:
    then = before.model_dump() if before is not None else {"status": FundingStatus.NONE.value}
    changes = changes_between(then, after.model_dump(), _TOLD)
    return [change.model_copy(update={"field": f"funding/{change.field}"}) for change in changes]


def _snapshot(locked: Locked, funding: TaskFunding, today: date) -> FundingSnapshot:
    found = gate(
        funding.status,
        funding.closes_on,
        locked.task.status,
        today=today,
        needs_public_investment=funding.needs_public_investment,
    )
    return FundingSnapshot(**funding.model_dump(), gate=found)
