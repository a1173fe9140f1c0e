"""The clock of an obstacle: until when something is to be planned, and until when what is planned is to be done."""

from collections.abc import Sequence
from datetime import date

from shared.calendar import WorkingCalendar


def respond_by(from_day: date, working_days: int, calendar: WorkingCalendar | None = None) -> date:
    """The last day on which whoever has just got the obstacle is to plan a measure, or to resolve it."""
    return (calendar or WorkingCalendar()).add_working_days(from_day, working_days)


def due_on(respond_by: date, undone: Sequence[date]) -> date:
    """The last day of the clock: with measures under way, that of the one that is due first.

    A measure never makes the time shorter that there is for planning.
    """
    return max(respond_by, min(undone)) if undone else respond_by
