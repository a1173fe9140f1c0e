"""How a task stands to its deadline: computed from dates, the working calendar and now, never stored."""

from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache

from agreements_api.tasks.models import TaskStatus
from shared import clock
from shared.calendar import WorkingCalendar


class Timeliness(StrEnum):
    NOT_DUE = "not_due"
    DUE_SOON = "due_soon"
    IN_TIME = "in_time"
    OVERDUE = "overdue"
    COMPLETED_ON_TIME = "completed_on_time"
    COMPLETED_LATE = "completed_late"
    NO_DEADLINE = "no_deadline"


TIMELINESS_WORDING: dict[Timeliness, str] = {
    Timeliness.NOT_DUE: "chưa đến hạn",
    Timeliness.DUE_SOON: "sắp đến hạn",
    Timeliness.IN_TIME: "trong hạn",
    Timeliness.OVERDUE: "quá hạn",
    Timeliness.COMPLETED_ON_TIME: "hoàn thành đúng hạn",
    Timeliness.COMPLETED_LATE: "hoàn thành quá hạn",
    Timeliness.NO_DEADLINE: "không có thời hạn",
}

# The first step of the default alert policy.
DUE_SOON_WORKING_DAYS = 7


def timeliness(
    status: str, due_on: date | None, completed_at: datetime | None, *, today: date, soon: date
) -> Timeliness | None:
    """One task on a day in Vietnam; `soon` is that day's `soon_until`. None for a cancelled task: it is in no figure.

    A deadline is the end of its day. `in_time` is work under way, `not_due` is work that nobody has begun, both with
    more than the days of `due_soon` left. A task that never had a deadline cannot have missed it.
    """
    if status == TaskStatus.CANCELLED:
        return None
    if status == TaskStatus.COMPLETED:
        on_time = due_on is None or completed_at is None or clock.day_of(completed_at) <= due_on
        return Timeliness.COMPLETED_ON_TIME if on_time else Timeliness.COMPLETED_LATE
    if due_on is None:
        return Timeliness.NO_DEADLINE
    if due_on < today:
        return Timeliness.OVERDUE
    if due_on <= soon:
        return Timeliness.DUE_SOON
    return Timeliness.NOT_DUE if status == TaskStatus.NOT_STARTED else Timeliness.IN_TIME


@lru_cache(maxsize=64)
def soon_until(today: date) -> date:
    """The last due date that is soon on this day."""
    return WorkingCalendar().add_working_days(today, DUE_SOON_WORKING_DAYS)
