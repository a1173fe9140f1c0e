"""The four-way status of tasks and the figures made of it: pure rules, no database."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from shared import clock


class FigureTimeliness(StrEnum):
    """Where a task stands against its deadline; computed, never stored."""

    COMPLETED_ON_TIME = "completed_on_time"
    COMPLETED_LATE = "completed_late"
    IN_TIME = "in_time"
    OVERDUE = "overdue"
    NO_DEADLINE = "no_deadline"


WORDING: dict[FigureTimeliness, dict[str, str]] = {
    FigureTimeliness.COMPLETED_ON_TIME: {"vi": "Hoàn thành đúng hạn", "en": "Completed on time"},
    FigureTimeliness.COMPLETED_LATE: {"vi": "Hoàn thành quá hạn", "en": "Completed late"},
    FigureTimeliness.IN_TIME: {"vi": "Trong hạn", "en": "In time"},
    FigureTimeliness.OVERDUE: {"vi": "Quá hạn", "en": "Overdue"},
    FigureTimeliness.NO_DEADLINE: {"vi": "Không xác định thời hạn", "en": "No deadline"},
}

# Statuses that count as open; a cancelled task is in no figure.
OPEN_STATUSES = ("not_started", "in_progress", "submitted", "suspended")


def deadline(due_on: date) -> datetime:
    """The first instant after a due date: a deadline is the end of that day in Việt Nam."""
    return clock.start_of(due_on + timedelta(days=1))


def timeliness(
    status: str, due_on: date | None, completed_at: datetime | None, as_of: datetime
) -> FigureTimeliness | None:
    """Where one task stands at a moment; None for a cancelled task, which no figure counts."""
    if status == "cancelled":
        return None
    if status == "completed":
        # A task that never had a deadline cannot have missed it.
        if due_on is None or completed_at is None or completed_at < deadline(due_on):
            return FigureTimeliness.COMPLETED_ON_TIME
        return FigureTimeliness.COMPLETED_LATE
    if due_on is None:
        return FigureTimeliness.NO_DEADLINE
    return FigureTimeliness.OVERDUE if as_of >= deadline(due_on) else FigureTimeliness.IN_TIME


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of tasks; everything else follows from these five.

    `in_time` counts open tasks with a deadline ahead; open tasks without one are in `no_deadline`,
    which `open_in_time` includes, so that total = completed + open always holds.
    """

    on_time: int = 0
    late: int = 0
    in_time: int = 0
    overdue: int = 0
    no_deadline: int = 0

    @property
    def completed(self) -> int:
        return self.on_time + self.late

    @property
    def open_in_time(self) -> int:
        return self.in_time + self.no_deadline

    @property
    def open(self) -> int:
        return self.open_in_time + self.overdue

    @property
    def total(self) -> int:
        return self.completed + self.open

    @property
    def due(self) -> int:
        """Tasks that had to be done by now: the base of every rate (report 1270/BC-TCTTTg)."""
        return self.completed + self.overdue

    def rate(self, count: int) -> float | None:
        """A share of the due tasks; None while nothing was due, which is not the same as 0 %."""
        return count / self.due if self.due else None

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.on_time + other.on_time,
            self.late + other.late,
            self.in_time + other.in_time,
            self.overdue + other.overdue,
            self.no_deadline + other.no_deadline,
        )


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of one locality, field, agreement or organization."""

    id: str
    name: str
    figures: Figures = field(default_factory=Figures)


def count(timelinesses: Iterable[FigureTimeliness | None]) -> Figures:
    """Figures of a set of tasks, each given by where it stands."""
    cells = dict.fromkeys(FigureTimeliness, 0)
    for value in timelinesses:
        if value is not None:
            cells[value] += 1
    return Figures(
        on_time=cells[FigureTimeliness.COMPLETED_ON_TIME],
        late=cells[FigureTimeliness.COMPLETED_LATE],
        in_time=cells[FigureTimeliness.IN_TIME],
        overdue=cells[FigureTimeliness.OVERDUE],
        no_deadline=cells[FigureTimeliness.NO_DEADLINE],
    )
