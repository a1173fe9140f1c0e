"""What can be wrong with the funding of a task."""

from collections.abc import Sequence
from datetime import date

from agreements_api.tasks.models import STATUS_WORDING, TaskStatus
from shared.problems import Conflict, FieldError, Forbidden, InvalidTransition, NotFound, Unprocessable
from shared.text import format_date


class TaskNotFound(NotFound):
    """It does not exist, or the caller's organisation is no member of its agreement."""


class NotAllowed(Forbidden):
    """The caller sees the task, but its funding is not his to change."""


class TaskOver(InvalidTransition):
    """A task that is completed or cancelled needs no money any more."""

    def __init__(self, status: str) -> None:
        super().__init__({"vi": f"Nhiệm vụ {STATUS_WORDING[TaskStatus(status)]}.", "en": f"The task is {status}."})


class NotTaken(Unprocessable):
    """Fields that are well formed but do not go together."""


class PeriodsOverlap(Conflict):
    """Each day lies in one medium-term plan; `plan_periods` names those that are there already."""

    code = "plan_periods_overlap"
    title = {"vi": "Kỳ kế hoạch trùng với kỳ đã có", "en": "The plan period overlaps another one"}

    def __init__(self, periods: Sequence[str]) -> None:
        there = ", ".join(periods)
        wording = {"vi": f"Kỳ này trùng với {there}.", "en": f"It overlaps {there}."}
        super().__init__(wording, errors=[FieldError("/first_on", self.code, wording)], plan_periods=list(periods))


def no_new_year(pointer: str) -> FieldError:
    return FieldError(
        pointer,
        "no_new_year",
        {"vi": "Kỳ kế hoạch bắt đầu ngày 01/01.", "en": "A plan period begins on 1 January."},
    )


def not_five_years(pointer: str, expected: date) -> FieldError:
    return FieldError(
        pointer,
        "not_five_years",
        {
            "vi": f"Kế hoạch đầu tư công trung hạn có thời hạn 5 năm: đến hết ngày {format_date(expected)}.",
            "en": f"A medium-term public investment plan is for five years: until {expected.isoformat()}.",
        },
    )


def unknown_period(pointer: str) -> FieldError:
    return FieldError(
        pointer, "unknown_reference", {"vi": "Không có kỳ kế hoạch này.", "en": "There is no such plan period."}
    )


def period_missing(pointer: str) -> FieldError:
    return FieldError(
        pointer,
        "period_missing",
        {"vi": "Cần nêu kỳ kế hoạch đầu tư công trung hạn.", "en": "Name the medium-term plan period."},
    )


def not_needed(pointer: str) -> FieldError:
    return FieldError(
        pointer,
        "not_needed",
        {
            "vi": "Nhiệm vụ không cần vốn đầu tư công thì để trống.",
            "en": "Leave it out where the task needs no public investment.",
        },
    )
