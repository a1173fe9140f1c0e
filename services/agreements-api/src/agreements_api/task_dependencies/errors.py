"""What can be wrong with a dependency."""

from agreements_api.tasks.errors import NotTaken
from shared.problems import Conflict, NotFound

_POINTER = "/depends_on_task_id"


class DependencyNotFound(NotFound):
    """The task depends on no such thing."""


class AlreadyDepends(Conflict):
    code = "already_depends"
    title = {"vi": "Nhiệm vụ đã phụ thuộc vào nhiệm vụ kia", "en": "The task depends on the other one already"}


def cycle() -> NotTaken:
    return NotTaken(
        _POINTER,
        "dependency_cycle",
        "Nhiệm vụ kia đang chờ nhiệm vụ này: không nhiệm vụ nào bắt đầu được.",
        "The other task waits for this one: neither could ever begin.",
    )


def cancelled() -> NotTaken:
    return NotTaken(_POINTER, "task_cancelled", "Nhiệm vụ kia đã bị hủy.", "The other task was cancelled.")


def too_far() -> NotTaken:
    return NotTaken(
        "/query/due_on",
        "too_far",
        "Chỉ dự báo được trong năm năm tới.",
        "A slip is followed for five years from today at most.",
    )
