"""What can be wrong with a comment."""

from shared.problems import FieldError, Forbidden, InvalidTransition, NotFound, Unprocessable


class CommentNotFound(NotFound):
    """The task has none such, or the caller's organisation is no member of its agreement."""


class NotAllowed(Forbidden):
    """The caller sees the record, but this step is not his."""


class AlreadyDeleted(InvalidTransition):
    def __init__(self) -> None:
        super().__init__({"vi": "Ý kiến đã được thu hồi.", "en": "The comment was taken back."}, possible=[])


class CannotMention(Unprocessable):
    """People who do not see the task, or who are not there."""

    code = "cannot_mention"
    title = {"vi": "Không thể nhắc tên người này", "en": "This person cannot be mentioned"}


def no_reader(pointer: str) -> FieldError:
    return FieldError(
        pointer,
        "no_reader",
        {
            "vi": "Không có tài khoản đang hoạt động này trong các cơ quan xem được nhiệm vụ.",
            "en": "None of the organisations that see the task has such an active account.",
        },
    )
