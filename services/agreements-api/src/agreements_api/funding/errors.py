"""What can be wrong with the funding of a task."""

from agreements_api.tasks.models import STATUS_WORDING, TaskStatus
from shared.problems import FieldError, Forbidden, InvalidTransition, NotFound, Unprocessable


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
