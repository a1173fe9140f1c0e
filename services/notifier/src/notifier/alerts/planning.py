"""Planning: from deadlines and policy to the rows that a scheduler will find due, at once and by the reconciler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from notifier.alerts import repository
from notifier.alerts.policy import Policy, Step, steps
from notifier.config import Settings
from notifier.deadlines.models import Deadline
from shared import clock
from shared.auth import SYSTEM
from shared.calendar import WorkingCalendar
from shared.clock import day_of
from shared.db import Database

_log = structlog.get_logger(__name__)

# The reconciler also looks back, beyond anything that was being written while it ran the last time.
_OVERLAP = timedelta(hours=24)


@dataclass(frozen=True)
class Planner:
    """Plans the steps of the policy as far ahead as the horizon."""

    policy: Policy
    calendar: WorkingCalendar
    horizon: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Planner:
        return cls(Policy(fire_hour=settings.fire_hour), WorkingCalendar(), settings.horizon)

    async def plan_tasks(
        self, connection: asyncpg.Connection[Any], deadlines: Mapping[UUID, Sequence[Deadline]]
    ) -> None:
        """Plan tasks by their deadlines, inside the transaction that changed these."""
        until = clock.now() + self.horizon
        due_dates = {one.due_on for each in deadlines.values() for one in each if one.is_open and one.due_on}
        planned = [
            (due_on, step)
            for due_on in due_dates
            for step in steps(due_on, self.calendar, self.policy, until=day_of(until))
            if step.fire_at <= until
        ]
        await repository.plan(connection, self.policy.name, planned, task_ids=list(deadlines))

    async def reconcile(self, database: Database) -> int:
        """Derive every step between the last run and the horizon again; what is there already stays as it is.

        A step that is missing for whatever reason is planned again by this. The first run derives everything that the
        deadlines ever had. A later one derives nothing from before the last: the steps of a deadline that arrived
        late were planned in the transaction that brought it.
        """
        async with database.write(SYSTEM) as connection:
            if not await repository.lock_plan(connection):
                return 0
            now, planned_until = await repository.plan_state(connection)
            first = min(planned_until - self.horizon, now) - _OVERLAP if planned_until is not None else None
            until = now + self.horizon
            due_dates = await repository.open_due_dates(connection)
            due = self._within(due_dates, first=day_of(first) if first else None, last=day_of(until))
            planned = [(due_on, step) for due_on, step in due if step.fire_at <= until]
            added = await repository.plan(connection, self.policy.name, planned)
            await repository.keep_plan(connection, now, until)
        if added:
            _log.info("steps_planned", steps=added, until=until.isoformat())
        return added

    def _within(self, due_dates: Iterable[date], *, first: date | None, last: date) -> Iterable[tuple[date, Step]]:
        for due_on in due_dates:
            for step in steps(due_on, self.calendar, self.policy, until=last):
                if first is None or step.day >= first:
                    yield due_on, step


async def forget_planned(connection: asyncpg.Connection[Any], task_ids: Sequence[UUID]) -> None:
    """Steps of tasks that have not fired are void; a scheduler that just holds some of them is waited for."""
    if task_ids:
        await repository.drop_planned(connection, task_ids)


async def wake(connection: asyncpg.Connection[Any], organization_id: UUID) -> None:
    """Steps that waited for this organisation's people are tried again at once."""
    await repository.wake(connection, organization_id)
