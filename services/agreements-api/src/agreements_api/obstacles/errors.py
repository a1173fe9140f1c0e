"""What can be wrong with an obstacle or with a measure against it."""

from collections.abc import Sequence

from agreements_api.obstacles.models import STATUS_WORDING, ObstacleStatus
from shared.problems import Conflict, FieldError, Forbidden, InvalidTransition, NotFound, Unprocessable


class ObstacleNotFound(NotFound):
    """It does not exist, or the caller's organisation is no member of its agreement."""


class MeasureNotFound(NotFound):
    """The obstacle has no such measure."""


class NotAllowed(Forbidden):
    """The caller sees the record, but this step is not his."""


class NotPossible(InvalidTransition):
    def __init__(self, status: str, level: str, possible: Sequence[str]) -> None:
        super().__init__(
            {
                "vi": f"Khó khăn, vướng mắc {STATUS_WORDING[ObstacleStatus(status)]}.",
                "en": f"The obstacle is {status}, at the level of the {level}.",
            },
            possible=possible,
        )


class TaskOver(Conflict):
    code = "task_over"
    title = {"vi": "Nhiệm vụ đã kết thúc", "en": "The task is completed or cancelled"}


class NoSuperior(Conflict):
    code = "no_superior"
    title = {
        "vi": "Không có cơ quan cấp trên nào theo dõi thỏa thuận này",
        "en": "There is no body above that is a member of this agreement",
    }


class TooManyMeasures(Conflict):
    code = "too_many_measures"
    title = {"vi": "Đã có quá nhiều giải pháp", "en": "There are too many measures"}


class NotTaken(Unprocessable):
    """One field that is well formed but cannot be taken."""

    def __init__(self, pointer: str, code: str, vi: str, en: str) -> None:
        super().__init__(errors=[FieldError(pointer, code, {"vi": vi, "en": en})])


def no_member(pointer: str) -> NotTaken:
    return NotTaken(
        pointer,
        "no_member",
        "Cơ quan này không tham gia thỏa thuận.",
        "This organisation is no member of the agreement.",
    )


def past_day(pointer: str) -> NotTaken:
    return NotTaken(pointer, "past_day", "Thời hạn đã qua.", "The day is over.")
