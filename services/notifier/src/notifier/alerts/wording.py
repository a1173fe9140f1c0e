"""How an alert reads, in the list and in a mail's subject."""

from datetime import date

from notifier.alerts.models import KIND_WORDING, StepKind
from shared.calendar import WorkingCalendar
from shared.text import format_date

_CALENDAR = WorkingCalendar()


def working_days_left(due_on: date, today: date, calendar: WorkingCalendar = _CALENDAR) -> int:
    """Working days from today to the deadline; negative once it has passed."""
    # Far enough to be only a number: counting day by day would take as long as the dates lie apart.
    if abs((due_on - today).days) > 5 * 366:
        return round((due_on - today).days * 5 / 7)
    return calendar.working_days_between(today, due_on)


def message(kind: StepKind, task_title: str, due_on: date, told_on: date, language: str) -> str:
    """One line that says what has become of the deadline on the day of the alert."""
    days = working_days_left(due_on, told_on)
    day = format_date(due_on)
    if language == "en":
        return f"{_english(kind, days)} (deadline {day}): {task_title}"
    return f"{_vietnamese(kind, days)} (hạn {day}): {task_title}"


def _vietnamese(kind: StepKind, days: int) -> str:
    if days > 0:
        return f"Còn {days} ngày làm việc"
    if days < 0:
        prefix = KIND_WORDING[StepKind.ESCALATED]["vi"] if kind is StepKind.ESCALATED else "Quá hạn"
        return f"{prefix} {-days} ngày làm việc"
    return KIND_WORDING[StepKind.DUE if kind is not StepKind.OVERDUE else kind]["vi"]


def _english(kind: StepKind, days: int) -> str:
    if days > 0:
        return f"{days} working {_days(days)} left"
    if days < 0:
        prefix = KIND_WORDING[StepKind.ESCALATED]["en"] if kind is StepKind.ESCALATED else "Overdue"
        return f"{prefix} by {-days} working {_days(-days)}"
    return KIND_WORDING[StepKind.DUE if kind is not StepKind.OVERDUE else kind]["en"]


def _days(count: int) -> str:
    return "day" if count == 1 else "days"
