"""What can be wrong with an agreement."""

from collections.abc import Sequence

from shared.problems import Conflict, FieldError, Forbidden, InvalidTransition, NotFound, Unprocessable


class AgreementNotFound(NotFound):
    """It does not exist, or the caller's organisation is no member of it."""


class NotAllowed(Forbidden):
    """The caller sees the agreement, but this step is not his."""


class NotPossible(InvalidTransition):
    def __init__(self, status: str, possible: Sequence[str]) -> None:
        super().__init__(
            {"vi": f"Thỏa thuận đang ở trạng thái {status}.", "en": f"The agreement is {status}."}, possible=possible
        )


class WasPresented(Conflict):
    """What the parties have seen, and may have signed, is not the custodian's alone any more."""

    code = "was_presented"
    title = {
        "vi": "Dự thảo đã từng được trình ký nên không xóa được",
        "en": "This draft was open for signature before and cannot be deleted",
    }


class TakesUpOpenPoints(Conflict):
    """What an evaluation found wanting was carried into this draft and would be lost with it."""

    code = "takes_up_open_points"
    title = {
        "vi": "Dự thảo đang tiếp nhận vấn đề còn tồn tại: giải quyết các vấn đề đó trước",
        "en": "Open points were carried into this draft: settle them first",
    }


class AlreadySigned(Conflict):
    code = "already_signed"
    title = {"vi": "Bên này đã ký", "en": "This party has signed"}


class NotYourTurn(Conflict):
    code = "not_your_turn"
    title = {"vi": "Chưa đến lượt ký", "en": "Another party signs first"}


class OtherText(Conflict):
    code = "other_text"
    title = {"vi": "Văn bản ký không phải văn bản đang mở", "en": "This is not the text that is open for signature"}


class SigningOver(Conflict):
    code = "signing_over"
    title = {"vi": "Đã hết hạn ký", "en": "The time for signatures is over"}


class AmendmentOpen(Conflict):
    code = "amendment_open"
    title = {
        "vi": "Một phụ lục khác của thỏa thuận đang được ký",
        "en": "Another amendment of the agreement is open for signature",
    }


class AmendedNotInForce(Conflict):
    code = "amended_not_in_force"
    title = {
        "vi": "Thỏa thuận được sửa đổi không còn hiệu lực",
        "en": "The agreement that is amended is no longer in force",
    }


class Incomplete(Unprocessable):
    """A draft that lacks what a signature needs."""

    code = "incomplete_agreement"
    title = {"vi": "Dự thảo chưa đủ để mở ký", "en": "The draft is not complete enough to be signed"}


class UnknownReference(Unprocessable):
    """An identifier in the body leads nowhere."""

    def __init__(self, pointer: str) -> None:
        super().__init__(
            errors=[
                FieldError(
                    pointer, "unknown_reference", {"vi": "Không có bản ghi này.", "en": "There is no such record."}
                )
            ]
        )


class NotTaken(Unprocessable):
    """One field that is well formed but cannot be taken."""

    def __init__(self, pointer: str, code: str, vi: str, en: str) -> None:
        super().__init__(errors=[FieldError(pointer, code, {"vi": vi, "en": en})])


def lacking(pointer: str, vi: str, en: str) -> FieldError:
    return FieldError(pointer, "incomplete", {"vi": f"{vi}.", "en": f"{en}."})
