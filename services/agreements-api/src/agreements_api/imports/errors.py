"""What can be wrong with an import."""

from collections.abc import Sequence

from agreements_api.imports.models import STATUS_WORDING, ImportStatus
from agreements_api.imports.refusals import WORDING, Refusal
from shared.problems import (
    Conflict,
    FieldError,
    Forbidden,
    InvalidTransition,
    NotFound,
    PayloadTooLarge,
    Unprocessable,
    UnsupportedMediaType,
)


class ImportNotFound(NotFound):
    """It does not exist, or is another organisation's."""


class NotAllowed(Forbidden):
    """The caller may not do this with imports."""


class NotPossible(InvalidTransition):
    def __init__(self, status: str, possible: Sequence[str]) -> None:
        super().__init__(
            {"vi": f"Lần nhập: {STATUS_WORDING[ImportStatus(status)]}.", "en": f"The import is {status}."},
            possible=possible,
        )


class NotKept(Conflict):
    code = "import_file_gone"
    title = {"vi": "Tệp không còn được lưu", "en": "The file is no longer kept"}


class FileTooLarge(PayloadTooLarge):
    def __init__(self, megabytes: int) -> None:
        super().__init__(
            {"vi": f"Tệp lớn hơn {megabytes} MB.", "en": f"The file is larger than {megabytes} MB."},
        )


class WrongType(UnsupportedMediaType):
    """By its content, whatever it is called."""

    def __init__(self, refusal: Refusal) -> None:
        vi, en = WORDING[refusal]
        super().__init__({"vi": vi, "en": en})


def no_form() -> Unprocessable:
    return _invalid(
        "/file",
        "no_form",
        "Gửi tệp trong trường «file» của multipart/form-data.",
        "Send the file in the field “file” of multipart/form-data.",
    )


def empty_file() -> Unprocessable:
    return _invalid("/file", "empty_file", "Tệp rỗng.", "The file is empty.")


def agreement_missing() -> Unprocessable:
    return _invalid(
        "/agreement_id",
        "missing",
        "Cần nêu thỏa thuận mà các nhiệm vụ thuộc về.",
        "Name the agreement that the tasks are of.",
    )


def agreement_not_wanted() -> Unprocessable:
    return _invalid(
        "/agreement_id",
        "not_wanted",
        "Chỉ nêu thỏa thuận khi nhập nhiệm vụ.",
        "An agreement is named only where tasks are imported.",
    )


def _invalid(pointer: str, code: str, vi: str, en: str) -> Unprocessable:
    return Unprocessable(errors=[FieldError(pointer, code, {"vi": vi, "en": en})])
