"""What can be wrong with what repeats a task."""

from agreements_api.tasks.errors import NotTaken
from shared.problems import Conflict, NotFound


class RecurrenceNotFound(NotFound):
    """Nothing repeats the task."""


class NothingToRepeat(Conflict):
    code = "no_deadline"
    title = {
        "vi": "Nhiệm vụ không có thời hạn nên không lặp lại được",
        "en": "A task without a deadline cannot be repeated",
    }


class NotCurrent(Conflict):
    """A newer occurrence has been made: `current_task_id` names it."""

    code = "not_the_current_occurrence"
    title = {"vi": "Đã có kỳ sau của nhiệm vụ này", "en": "A later occurrence of the task has been made"}


def ends_too_early() -> NotTaken:
    return NotTaken(
        "/until",
        "ends_too_early",
        "Không còn kỳ nào đến ngày này.",
        "There would be no other occurrence until this day.",
    )
