"""What can be wrong with a meeting."""

from collections.abc import Sequence

from agreements_api.meetings.models import STATUS_WORDING, MeetingStatus
from shared.problems import Conflict, FieldError, Forbidden, InvalidTransition, NotFound, Unprocessable


class MeetingNotFound(NotFound):
    """It does not exist, or the caller's organisation is no member of its agreement."""


class OutcomeNotFound(NotFound):
    """The meeting has no such outcome."""


class NotAllowed(Forbidden):
    """The caller sees the meeting, but this step is not his."""


class NotPossible(InvalidTransition):
    def __init__(self, status: str, possible: Sequence[str]) -> None:
        super().__init__(
            {"vi": f"Cuộc họp {STATUS_WORDING[MeetingStatus(status)]}.", "en": f"The meeting is {status}."},
            possible=possible,
        )


class AgreementNotBinding(Conflict):
    code = "agreement_not_binding"
    title = {
        "vi": "Chỉ lập lịch họp cho thỏa thuận đang có hiệu lực hoặc tạm dừng",
        "en": "Meetings are planned for an agreement in force or suspended",
    }


class AlreadyAssigned(Conflict):
    """One outcome becomes one task, which `task_id` names."""

    code = "already_assigned"
    title = {"vi": "Kết luận này đã thành nhiệm vụ", "en": "This outcome is a task already"}


class TooManyOutcomes(Conflict):
    code = "too_many_outcomes"
    title = {"vi": "Cuộc họp đã có quá nhiều kết luận", "en": "The meeting has too many outcomes"}


class NotTaken(Unprocessable):
    """One field that is well formed but cannot be taken."""

    def __init__(self, pointer: str, code: str, vi: str, en: str) -> None:
        super().__init__(errors=[FieldError(pointer, code, {"vi": vi, "en": en})])


def unknown_reference(pointer: str) -> NotTaken:
    return NotTaken(pointer, "unknown_reference", "Không có bản ghi này.", "There is no such record.")


def named_twice(pointer: str) -> NotTaken:
    return NotTaken(pointer, "named_twice", "Cơ quan này đã được nêu.", "This organisation is named already.")


def no_member(pointer: str) -> NotTaken:
    return NotTaken(
        pointer,
        "no_member",
        "Cơ quan chủ trì phải thuộc thỏa thuận.",
        "The host must take part in the agreement.",
    )


def ends_first(pointer: str) -> NotTaken:
    return NotTaken(pointer, "ends_first", "Kết thúc trước khi bắt đầu.", "It ends before it begins.")


def not_begun(pointer: str) -> NotTaken:
    return NotTaken(
        pointer,
        "not_begun",
        "Cuộc họp chưa bắt đầu: nêu thời điểm đã họp thực tế.",
        "The meeting has not begun: name the time at which it was really held.",
    )


def nobody_met(pointer: str) -> NotTaken:
    return NotTaken(
        pointer,
        "nobody_met",
        "Cần ít nhất hai cơ quan có mặt hoặc cử người dự thay.",
        "At least two organisations must have attended or been represented.",
    )


def no_lead(pointer: str) -> NotTaken:
    return NotTaken(
        pointer,
        "missing",
        "Kết luận chưa nêu cơ quan chịu trách nhiệm: cần cơ quan chủ trì.",
        "The outcome names nobody responsible: a lead is needed.",
    )
