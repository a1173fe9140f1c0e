"""Errors as RFC 9457 problem documents, in Vietnamese and English."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

Wording = Mapping[str, str]
LANGUAGES = ("vi", "en")
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field; `pointer` is a JSON pointer, or names a parameter as /query/… or /header/…."""

    pointer: str
    code: str
    detail: Wording | str


class Problem(Exception):
    """An error that the caller is told about. Subclasses say what it is; nothing else turns into a problem."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[Wording] = {"vi": "Lỗi hệ thống", "en": "Internal error"}

    def __init__(
        self,
        detail: Wording | str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail if isinstance(detail, str) else (detail or self.title)["en"])
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.members = members

    def document(self, language: str, trace_id: str | None = None) -> dict[str, Any]:
        """The members of the problem document in one language."""
        body: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "title": _in(self.title, language),
            "status": self.status,
            "code": self.code,
        }
        if self.detail is not None:
            body["detail"] = _in(self.detail, language)
        if self.errors:
            body["errors"] = [
                {"pointer": error.pointer, "code": error.code, "detail": _in(error.detail, language)}
                for error in self.errors
            ]
        if trace_id:
            body["trace_id"] = trace_id
        return body | self.members


class BadRequest(Problem):
    status = 400
    code = "bad_request"
    title = {"vi": "Yêu cầu không hợp lệ", "en": "Bad request"}


class InvalidJson(BadRequest):
    code = "invalid_json"
    title = {"vi": "Nội dung không phải JSON hợp lệ", "en": "The body is not valid JSON"}


class InvalidCursor(BadRequest):
    code = "invalid_cursor"
    title = {"vi": "Con trỏ trang không hợp lệ", "en": "The cursor is not valid"}


class IdempotencyKeyMissing(BadRequest):
    code = "idempotency_key_missing"
    title = {"vi": "Thiếu Idempotency-Key", "en": "Idempotency-Key is missing"}


class Unauthorized(Problem):
    status = 401
    code = "unauthorized"
    title = {"vi": "Chưa đăng nhập hoặc phiên đã hết hạn", "en": "Not signed in, or the token has expired"}

    def __init__(self, detail: Wording | str | None = None, **members: Any) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="lienvung"'}, **members)


class Forbidden(Problem):
    status = 403
    code = "forbidden"
    title = {"vi": "Không có quyền thực hiện", "en": "Not allowed"}


class NotFound(Problem):
    status = 404
    code = "not_found"
    title = {"vi": "Không tìm thấy", "en": "Not found"}


class MethodNotAllowed(Problem):
    status = 405
    code = "method_not_allowed"
    title = {"vi": "Phương thức không được hỗ trợ", "en": "Method not allowed"}


class NotAcceptable(Problem):
    status = 406
    code = "not_acceptable"
    title = {"vi": "Không có định dạng được yêu cầu", "en": "Not available in the requested format"}


class Conflict(Problem):
    status = 409
    code = "conflict"
    title = {"vi": "Xung đột với trạng thái hiện tại", "en": "Conflict with the current state"}


class RequestInFlight(Conflict):
    code = "request_in_flight"
    title = {"vi": "Yêu cầu cùng khóa đang được xử lý", "en": "A request with the same key is being processed"}


class InvalidTransition(Conflict):
    """The workflow has no such step from here; `possible` lists those that it has."""

    code = "invalid_transition"
    title = {"vi": "Không thể chuyển trạng thái", "en": "The transition is not possible"}

    def __init__(self, detail: Wording | str | None = None, *, possible: Sequence[str] = ()) -> None:
        super().__init__(detail, possible=list(possible))


class PreconditionFailed(Problem):
    status = 412
    code = "precondition_failed"
    title = {"vi": "Dữ liệu đã thay đổi", "en": "The resource has changed"}


class PayloadTooLarge(Problem):
    status = 413
    code = "payload_too_large"
    title = {"vi": "Nội dung quá lớn", "en": "The body is too large"}


class UnsupportedMediaType(Problem):
    status = 415
    code = "unsupported_media_type"
    title = {"vi": "Kiểu nội dung không được hỗ trợ", "en": "The media type is not supported"}


class Unprocessable(Problem):
    status = 422
    code = "validation_failed"
    title = {"vi": "Dữ liệu không hợp lệ", "en": "The data is not valid"}


class IdempotencyKeyReused(Unprocessable):
    code = "idempotency_key_reused"
    title = {
        "vi": "Idempotency-Key đã được dùng cho một yêu cầu khác",
        "en": "The Idempotency-Key was used for another request",
    }


class PreconditionRequired(Problem):
    status = 428
    code = "precondition_required"
    title = {"vi": "Thiếu If-Match", "en": "If-Match is required"}


class TooManyRequests(Problem):
    status = 429
    code = "too_many_requests"
    title = {"vi": "Quá nhiều yêu cầu", "en": "Too many requests"}


class ServiceUnavailable(Problem):
    status = 503
    code = "service_unavailable"
    title = {"vi": "Dịch vụ tạm thời gián đoạn", "en": "The service is away for a moment"}


class InternalError(Problem):
    pass


BY_STATUS: dict[int, type[Problem]] = {
    kind.status: kind
    for kind in (
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        NotAcceptable,
        Conflict,
        PreconditionFailed,
        PayloadTooLarge,
        UnsupportedMediaType,
        Unprocessable,
        PreconditionRequired,
        TooManyRequests,
        ServiceUnavailable,
        InternalError,
    )
}


def language_of(accept_language: str | None) -> str:
    """The better of Vietnamese and English for an Accept-Language header; Vietnamese when it does not say."""
    best, quality = "vi", 0.0
    for part in (accept_language or "").split(","):
        name, _, parameter = part.strip().partition(";")
        tag = name.strip().lower().split("-")[0]
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if tag in LANGUAGES and weight > quality:
            best, quality = tag, weight
    return best


def _in(wording: Wording | str, language: str) -> str:
    return wording if isinstance(wording, str) else wording[language]
