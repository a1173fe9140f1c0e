"""What a slip of one task does to the tasks behind it, in working days. Needs no database."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from uuid import UUID

from agreements_api.tasks.models import TaskStatus
from shared.calendar import WorkingCalendar

# What is over neither waits for anything nor moves any more.
OVER = frozenset({TaskStatus.COMPLETED.value, TaskStatus.CANCELLED.value})


@dataclass(frozen=True)
class Planned:
    """A task as it is planned; `finished_on` once it is completed."""

    id: UUID
    status: str
    due_on: date | None
    finished_on: date | None = None

    @property
    def finish(self) -> date | None:
        return self.finished_on or self.due_on


@dataclass(frozen=True)
class Link:
    """`task_id` begins so many working days after `depends_on` is finished."""

    task_id: UUID
    depends_on: UUID
    lag: int


@dataclass(frozen=True)
class Projected:
    """A task behind, with the day on which it could begin and the day on which it would then be finished."""

    task_id: UUID
    earliest_start_on: date | None
    due_on: date | None
    slip: int
    cannot_be_met: bool
    behind: tuple[UUID, ...]


def slip_of(planned: date | None, actual: date, calendar: WorkingCalendar) -> int:
    """Working days that a day lies behind the planned one; nothing where it does not."""
    return 0 if planned is None else max(0, calendar.working_days_between(planned, actual))


def project(
    tasks: Mapping[UUID, Planned], links: Sequence[Link], slipped: UUID, finish: date, calendar: WorkingCalendar
) -> list[Projected]:
    """Every open task behind `slipped`, if that is finished on `finish`; each after all that it waits for.

    A task is given as many working days as the plan gave it after the last of those that it waits for: its deadline
    moves by as much as its earliest beginning does. Nothing is brought forward.
    """
    incoming = _incoming(tasks, links)
    finishes: dict[UUID, date | None] = {task_id: task.finish for task_id, task in tasks.items()}
    finishes[slipped] = finish
    begin_after = cache(lambda day, lag: calendar.add_working_days(day, lag + 1))

    def earliest(waits: Sequence[Link], known: Mapping[UUID, date | None]) -> date | None:
        days = ((known[link.depends_on], link.lag) for link in waits)
        return max((begin_after(day, lag) for day, lag in days if day is not None), default=None)

    planned_finishes = {task_id: task.finish for task_id, task in tasks.items()}
    projected = []
    for task_id in _in_order(tasks, incoming, slipped):
        task, waits = tasks[task_id], incoming[task_id]
        planned, start = earliest(waits, planned_finishes), earliest(waits, finishes)
        slip = 0 if start is None else slip_of(planned, start, calendar)
        due_on = task.due_on and calendar.add_working_days(task.due_on, slip)
        finishes[task_id] = due_on
        projected.append(
            Projected(
                task_id,
                start,
                due_on,
                slip,
                start is not None and task.due_on is not None and start > task.due_on,
                tuple(link.depends_on for link in waits),
            )
        )
    return projected


def _incoming(tasks: Mapping[UUID, Planned], links: Iterable[Link]) -> Mapping[UUID, list[Link]]:
    """What each open task waits for; what was cancelled holds nobody up."""
    found: dict[UUID, list[Link]] = defaultdict(list)
    for link in links:
        if tasks[link.task_id].status not in OVER and tasks[link.depends_on].status != TaskStatus.CANCELLED:
            found[link.task_id].append(link)
    return found


def _in_order(tasks: Mapping[UUID, Planned], incoming: Mapping[UUID, Sequence[Link]], slipped: UUID) -> list[UUID]:
    """Everything behind the one that slipped, in an order in which each comes after what it waits for."""
    outgoing: dict[UUID, list[UUID]] = defaultdict(list)
    for task_id, links in incoming.items():
        for link in links:
            outgoing[link.depends_on].append(task_id)
    behind, open_ends = set[UUID](), [slipped]
    while open_ends:
        new = [task_id for task_id in outgoing[open_ends.pop()] if task_id not in behind]
        behind.update(new)
        open_ends += new
    waiting = {task_id: sum(link.depends_on in behind for link in incoming[task_id]) for task_id in behind}
    ready = sorted((task_id for task_id, number in waiting.items() if not number), key=str, reverse=True)
    order = []
    while ready:
        task_id = ready.pop()
        order.append(task_id)
        for follower in outgoing[task_id]:
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    return order
