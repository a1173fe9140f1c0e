"""What can be wrong with an urging or with a request for an explanation."""

from shared.problems import Conflict, FieldError, Forbidden, InvalidTransition, NotFound, Unprocessable


class UrgingNotFound(NotFound):
    """The task has none such, or the caller's organisation is no member of its agreement."""


class NotAllowed(Forbidden):
    """The caller sees the record, but this step is not his."""


class NothingToAsk(Conflict):
    code = "nothing_to_ask"
    title = {
        "vi": "Nhiệm vụ ở trạng thái không cần đôn đốc, giải trình",
        "en": "In its present state the task asks for nothing of this kind",
    }


class AlreadyAnswered(InvalidTransition):
    def __init__(self) -> None:
        super().__init__({"vi": "Đã có trả lời.", "en": "It has been answered."}, possible=[])


class NotTaken(Unprocessable):
    """One field that is well formed but cannot be taken."""

    def __init__(self, pointer: str, code: str, vi: str, en: str) -> None:
        super().__init__(errors=[FieldError(pointer, code, {"vi": vi, "en": en})])


def not_taking_part(pointer: str) -> NotTaken:
    return NotTaken(
        pointer,
        "not_taking_part",
        "Cơ quan này không tham gia nhiệm vụ.",
        "This organisation takes no part in the task.",
    )


def ones_own(pointer: str) -> NotTaken:
    return NotTaken(pointer, "ones_own", "Đây là cơ quan của người hỏi.", "This is the organisation that asks.")
