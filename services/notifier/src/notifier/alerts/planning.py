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
from notifier.alerts.policy import Policy, Step, policies, steps
from notifier.alerts.repository import Planned
from notifier.config import Settings
from notifier.deadlines.models import Deadline, DeadlineSubject
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
    """Plans the steps of the policies as far ahead as the horizon."""

    policies: Mapping[DeadlineSubject, Policy]
    calendar: WorkingCalendar
    horizon: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Planner:
        return cls(policies(settings.fire_hour), WorkingCalendar(), settings.horizon)

    async def plan_tasks(
        self, connection: asyncpg.Connection[Any], deadlines: Mapping[UUID, Sequence[Deadline]]
    ) -> None:
        """Plan tasks and signings by their deadlines, inside the transaction that changed these."""
        until = clock.now() + self.horizon
        due = {
            (DeadlineSubject(one.subject_kind), one.due_on)
            for each in deadlines.values()
            for one in each
            if one.is_open and one.due_on
        }
        planned = [
            self._planned(kind, due_on, step)
            for kind, due_on in due
            for step in self.steps(kind, due_on, until=day_of(until))
            if step.fire_at <= until
        ]
        await repository.plan(connection, planned, task_ids=list(deadlines))

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
            planned = [one for one in due if one.step.fire_at <= until]
            added = await repository.plan(connection, planned)
            await repository.keep_plan(connection, now, until)
        if added:
            _log.info("steps_planned", steps=added, until=until.isoformat())
        return added

    def steps(self, kind: DeadlineSubject, due_on: date, *, until: date) -> list[Step]:
        """The steps up to a day of whatever of this kind is due on that date."""
        return steps(due_on, self.calendar, self.policies[kind], until=until)

    def _within(self, due_dates: Iterable[date], *, first: date | None, last: date) -> Iterable[Planned]:
        for due_on in due_dates:
            for kind in self.policies:
                for step in self.steps(kind, due_on, until=last):
                    if first is None or step.day >= first:
                        yield self._planned(kind, due_on, step)

    def _planned(self, kind: DeadlineSubject, due_on: date, step: Step) -> Planned:
        return Planned(kind, self.policies[kind].name, due_on, step)


async def forget_planned(connection: asyncpg.Connection[Any], task_ids: Sequence[UUID]) -> None:
    """Steps of these that have not fired are void; a scheduler that just holds some of them is waited for."""
    if task_ids:
        await repository.drop_planned(connection, task_ids)


async def wake(connection: asyncpg.Connection[Any], organization_id: UUID) -> None:
    """Steps that waited for this organisation's people are tried again at once."""
    await repository.wake(connection, organization_id)
