"""What can be wrong with an open point."""

from collections.abc import Sequence

from agreements_api.provenance.models import STATE_WORDING, OpenPointState
from shared.problems import Conflict, FieldError, Forbidden, InvalidTransition, NotFound, Unprocessable


class OpenPointNotFound(NotFound):
    """It does not exist, or the caller's organisation is no member of its agreement."""


class NotAllowed(Forbidden):
    """The caller sees the record, but this step is not his."""


class NotPossible(InvalidTransition):
    def __init__(self, state: str, possible: Sequence[str]) -> None:
        super().__init__(
            {"vi": f"Vấn đề {STATE_WORDING[OpenPointState(state)]}.", "en": f"The point is {state}."},
            possible=possible,
        )


class NeverInForce(Conflict):
    code = "never_in_force"
    title = {
        "vi": "Thỏa thuận chưa từng có hiệu lực nên chưa có gì để đánh giá",
        "en": "The agreement has never been in force: there is nothing to evaluate",
    }


class NotTaken(Unprocessable):
    """One field that is well formed but cannot be taken."""

    def __init__(self, pointer: str, code: str, vi: str, en: str) -> None:
        super().__init__(errors=[FieldError(pointer, code, {"vi": vi, "en": en})])


def unknown_reference(pointer: str) -> NotTaken:
    return NotTaken(pointer, "unknown_reference", "Không có bản ghi này.", "There is no such record.")


def same_agreement() -> NotTaken:
    return NotTaken(
        "/agreement_id",
        "same_agreement",
        "Trong cùng thỏa thuận, hãy nêu điều khoản hoặc nhiệm vụ tiếp nhận.",
        "Within the same agreement, name the clause or the task that takes it up.",
    )
