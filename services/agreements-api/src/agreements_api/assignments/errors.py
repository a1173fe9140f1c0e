"""What can be wrong with an assignment or with a handing over."""

from shared.problems import FieldError, Forbidden, NotFound, Unprocessable


class SubjectNotFound(NotFound):
    """It does not exist, or the caller's organisation is no member of its agreement."""


class NotAllowed(Forbidden):
    """The caller sees it, but does not decide on it."""


class CannotHandle(Unprocessable):
    """A person who cannot be given the work."""

    code = "cannot_handle"
    title = {"vi": "Không thể giao việc cho người này", "en": "The work cannot be given to this person"}


def stranger(pointer: str) -> FieldError:
    return FieldError(
        pointer,
        "unknown_reference",
        {"vi": "Cơ quan không có tài khoản này.", "en": "The organisation has no such account."},
    )


def inactive(pointer: str) -> FieldError:
    return FieldError(
        pointer, "not_active", {"vi": "Tài khoản đã ngừng hoạt động.", "en": "The account is not active."}
    )


def no_worker(pointer: str) -> FieldError:
    return FieldError(
        pointer,
        "no_worker",
        {
            "vi": "Tài khoản cần có vai trò chuyên viên hoặc lãnh đạo.",
            "en": "The account needs the role of specialist or leader.",
        },
    )


def same_person(pointer: str) -> FieldError:
    return FieldError(pointer, "same_person", {"vi": "Cần nêu một người khác.", "en": "Name somebody else."})


def not_yours_to_end(pointer: str) -> FieldError:
    return FieldError(
        pointer,
        "administrator_only",
        {"vi": "Chỉ quản trị đơn vị ngừng được tài khoản.", "en": "Only an administrator ends an account."},
    )
