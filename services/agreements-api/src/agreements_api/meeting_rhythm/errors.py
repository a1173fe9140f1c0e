"""What can be wrong with a promise to meet."""

from shared.problems import Conflict, FieldError, Forbidden, NotFound, Unprocessable


class PromiseNotFound(NotFound):
    """It does not exist, or the caller's organisation is no member of its agreement."""


class NotAllowed(Forbidden):
    """The caller sees the promise, but does not record it."""


class NeverInForce(Conflict):
    code = "never_in_force"
    title = {
        "vi": "Thỏa thuận chưa từng có hiệu lực nên chưa có cam kết họp",
        "en": "The agreement has never been in force: nobody has promised to meet",
    }


class PromiseOverlaps(Conflict):
    """Two promises for the same days of the same clause; `promise_id` names the other one."""

    code = "promise_overlaps"
    title = {
        "vi": "Đã có cam kết họp khác cho thời gian này",
        "en": "Another promise covers a part of this time",
    }


class NotTaken(Unprocessable):
    """One field that is well formed but cannot be taken."""

    def __init__(self, pointer: str, code: str, vi: str, en: str) -> None:
        super().__init__(errors=[FieldError(pointer, code, {"vi": vi, "en": en})])


def unknown_reference(pointer: str) -> NotTaken:
    return NotTaken(pointer, "unknown_reference", "Không có bản ghi này.", "There is no such record.")


def ends_first(pointer: str) -> NotTaken:
    return NotTaken(pointer, "ends_first", "Kết thúc trước khi bắt đầu.", "It ends before it begins.")
