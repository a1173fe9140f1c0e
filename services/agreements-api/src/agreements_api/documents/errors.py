"""What can be wrong with a document, with its upload and with a link to it."""

from collections.abc import Collection

from agreements_api.documents.models import SCAN_WORDING, ScanState, SubjectKind
from shared.problems import (
    BadRequest,
    Conflict,
    FieldError,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    Problem,
    ServiceUnavailable,
    Unprocessable,
    UnsupportedMediaType,
)


class DocumentNotFound(NotFound):
    """It does not exist, or the caller's organisation is no member of its agreement."""


class SubjectNotFound(NotFound):
    """What the document is to be attached to does not exist, or the caller's organisation does not see it."""


class NotAllowed(Forbidden):
    """The caller sees the record, but this step is not his."""


class UploadBrokenOff(BadRequest):
    code = "upload_broken_off"
    title = {"vi": "Tệp gửi lên bị ngắt giữa chừng", "en": "The upload broke off"}


class InvalidMultipart(BadRequest):
    code = "invalid_multipart"
    title = {"vi": "Nội dung multipart không hợp lệ", "en": "The multipart body is not valid"}


class FileTooLarge(PayloadTooLarge):
    def __init__(self, limit: int) -> None:
        megabytes = f"{limit / 2**20:g}"
        super().__init__(
            {"vi": f"Tệp lớn hơn {megabytes} MB.", "en": f"The file is larger than {megabytes} MB."}, limit=limit
        )


class TypeNotAllowed(UnsupportedMediaType):
    """By its content, or by what it is said to be."""

    def __init__(self, allowed: Collection[str]) -> None:
        super().__init__(
            {
                "vi": "Nội dung tệp không thuộc các kiểu được nhận.",
                "en": "The file's content is of no type that is taken.",
            },
            allowed=sorted(allowed),
        )


class NotTaken(Unprocessable):
    """One field that is well formed but cannot be taken."""

    def __init__(self, pointer: str, code: str, vi: str, en: str) -> None:
        super().__init__(errors=[FieldError(pointer, code, {"vi": vi, "en": en})])


def empty_file(pointer: str) -> NotTaken:
    return NotTaken(pointer, "empty", "Tệp không có nội dung.", "The file is empty.")


def no_file() -> NotTaken:
    return NotTaken("/file", "missing", "Thiếu phần `file`.", "The part `file` is missing.")


def several_files() -> NotTaken:
    return NotTaken("/file", "too_many", "Mỗi lần gửi một tệp.", "One file at a time.")


def unknown_part(name: str) -> NotTaken:
    return NotTaken(f"/{name}", "unexpected", "Chỉ nhận phần `file`.", "The part `file` is the only one.")


def no_name() -> NotTaken:
    return NotTaken(
        "/query/name",
        "missing",
        "Nêu tên tệp trong `name` hoặc Content-Disposition.",
        "Name the file, in `name` or in Content-Disposition.",
    )


def bad_name(pointer: str) -> NotTaken:
    return NotTaken(
        pointer,
        "invalid",
        "Tên tệp gồm 1 đến 255 ký tự, không có ký tự điều khiển.",
        "A file's name has 1 to 255 characters and no control characters.",
    )


def another_type(pointer: str, found: str) -> NotTaken:
    return NotTaken(
        pointer,
        "type_mismatch",
        f"Nội dung tệp là {found}, khác với kiểu đã khai.",
        f"The content is {found}, which is not what it is said to be.",
    )


def another_extension(pointer: str, found: str) -> NotTaken:
    return NotTaken(
        pointer,
        "extension_mismatch",
        f"Phần mở rộng của tên không phải của {found}.",
        f"The name's extension is not one of {found}.",
    )


def unknown_reference(pointer: str) -> NotTaken:
    return NotTaken(pointer, "unknown_reference", "Không có bản ghi này.", "There is no such record.")


def one_of(pointer: str) -> NotTaken:
    return NotTaken(
        pointer,
        "exactly_one",
        "Nêu đúng một trong agreement_id và subject_id.",
        "Exactly one of agreement_id and subject_id.",
    )


class AlreadyAttached(Conflict):
    code = "already_attached"
    title = {"vi": "Nội dung này đã được đính kèm ở đây", "en": "This content is attached here already"}


class TaskCancelled(Conflict):
    code = "task_cancelled"
    title = {"vi": "Nhiệm vụ đã hủy, không nhận thêm tài liệu", "en": "The task was cancelled and takes no documents"}


class MeetingCancelled(Conflict):
    code = "meeting_cancelled"
    title = {
        "vi": "Hội nghị đã hủy, không nhận thêm tài liệu",
        "en": "The meeting was cancelled and takes no documents",
    }


def closed(kind: SubjectKind) -> Conflict:
    """A subject of this kind takes no documents any more."""
    return MeetingCancelled() if kind is SubjectKind.MEETING else TaskCancelled()


class Kept(Conflict):
    """It was there when something was signed, reported, recorded or decided."""

    code = "document_kept"
    title = {
        "vi": "Tài liệu đã là căn cứ ký kết, báo cáo hoặc quyết định nên được giữ lại",
        "en": "What was signed, reported or decided rests on it, so it is kept",
    }


class DocumentHeld(Conflict):
    code = "document_held"
    title = {"vi": "Tài liệu đang bị giữ để quét vi-rút", "en": "The document is held by the virus scan"}

    def __init__(self, state: str) -> None:
        words = SCAN_WORDING[ScanState(state)]
        super().__init__({"vi": f"Tài liệu {words}.", "en": f"The scan's state is {state}."}, scan=state)


class DocumentRemoved(Problem):
    """It was there once."""

    status = 410
    code = "document_removed"
    title = {"vi": "Tài liệu đã được gỡ bỏ", "en": "The document was removed"}


class AlreadyRemoved(Conflict):
    code = "already_removed"
    title = {"vi": "Tài liệu đã được gỡ bỏ", "en": "The document was removed before"}


class LinkInvalid(Forbidden):
    code = "link_invalid"
    title = {"vi": "Liên kết tải xuống không hợp lệ", "en": "The link is not one that was given out"}


class LinkExpired(Forbidden):
    code = "link_expired"
    title = {"vi": "Liên kết tải xuống đã hết hạn", "en": "The link has expired"}


class RangeNotSatisfiable(Problem):
    status = 416
    code = "range_not_satisfiable"
    title = {"vi": "Khoảng yêu cầu nằm ngoài tệp", "en": "The range lies outside of the file"}


class TooManyUploads(ServiceUnavailable):
    code = "too_many_uploads"
    title = {"vi": "Đang nhận quá nhiều tệp", "en": "Too many files are coming in"}


class StorageAway(ServiceUnavailable):
    code = "storage_away"
    title = {"vi": "Kho tệp tạm thời gián đoạn", "en": "The store of files is away for a moment"}
