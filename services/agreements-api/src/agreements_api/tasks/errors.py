"""What can be wrong with a task."""

from collections.abc import Sequence

from agreements_api.documents.models import SCAN_WORDING, ScanState
from shared.problems import Conflict, FieldError, Forbidden, InvalidTransition, NotFound, Unprocessable


class TaskNotFound(NotFound):
    """It does not exist, or the caller's organisation is no member of its agreement."""


class NotAllowed(Forbidden):
    """The caller sees the task, but this step is not his."""


class NotPossible(InvalidTransition):
    def __init__(self, status: str, possible: Sequence[str]) -> None:
        super().__init__(
            {"vi": f"Nhiệm vụ đang ở trạng thái {status}.", "en": f"The task is {status}."}, possible=possible
        )


class AlreadyConfirmed(Conflict):
    code = "already_confirmed"
    title = {"vi": "Đơn vị đã xác nhận", "en": "This organisation has confirmed"}


class AlreadyCorrected(Conflict):
    """Whoever errs again corrects the correction, which `corrected_by` names."""

    code = "already_corrected"
    title = {"vi": "Báo cáo này đã được đính chính", "en": "This report has been corrected"}


class NotTaken(Unprocessable):
    """One field that is well formed but cannot be taken."""

    def __init__(self, pointer: str, code: str, vi: str, en: str) -> None:
        super().__init__(errors=[FieldError(pointer, code, {"vi": vi, "en": en})])


def window_too_short(pointer: str, days: int) -> NotTaken:
    return NotTaken(
        pointer,
        "window_too_short",
        f"Các bên phối hợp có ít nhất {days} ngày làm việc để trả lời.",
        f"The coordinating parties have at least {days} working days to answer.",
    )


def unknown_reference(pointer: str) -> NotTaken:
    return NotTaken(pointer, "unknown_reference", "Không có bản ghi này.", "There is no such record.")


class EvidenceNotTaken(Unprocessable):
    """Documents that a report cannot name as its evidence, each by its place."""


def evidence_unknown(pointer: str) -> FieldError:
    return FieldError(
        pointer,
        "unknown_reference",
        {"vi": "Nhiệm vụ không có tài liệu này.", "en": "The task has no such document."},
    )


def evidence_twice(pointer: str) -> FieldError:
    return FieldError(
        pointer, "named_twice", {"vi": "Tài liệu này đã được nêu.", "en": "This document is named already."}
    )


def evidence_removed(pointer: str) -> FieldError:
    return FieldError(
        pointer, "document_removed", {"vi": "Tài liệu này đã được gỡ bỏ.", "en": "This document was removed."}
    )


def evidence_held(pointer: str, state: str) -> FieldError:
    words = SCAN_WORDING[ScanState(state)]
    return FieldError(
        pointer,
        "document_held",
        {
            "vi": f"Chưa dùng được tài liệu này: {words}.",
            "en": f"It is held by the virus scan, whose state is {state}.",
        },
    )


def clause_ended(pointer: str) -> NotTaken:
    return NotTaken(
        pointer,
        "clause_ended",
        "Điều khoản này không còn hiệu lực: phụ lục đã sửa đổi hoặc bãi bỏ.",
        "This clause is no longer in force: an amendment replaced or repealed it.",
    )


def named_twice(pointer: str) -> NotTaken:
    return NotTaken(
        pointer, "named_twice", "Đơn vị này đã có trong nhiệm vụ.", "This organisation takes part in the task already."
    )


def parties_fixed(pointer: str) -> NotTaken:
    return NotTaken(
        pointer,
        "parties_fixed",
        "Chỉ đổi được thời hạn: danh sách phải gồm đúng các đơn vị của nhiệm vụ.",
        "Only deadlines can change here: the list must hold exactly the organisations of the task.",
    )


def nothing_reassigned() -> NotTaken:
    return NotTaken(
        "",
        "nothing_changed",
        "Các đơn vị này đang thực hiện nhiệm vụ: không có gì thay đổi.",
        "These organisations take part already: nothing would change.",
    )
