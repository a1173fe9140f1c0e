"""Turning whatever goes wrong in a request into a problem document."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from shared.db.faults import is_database_away
from shared.problems import (
    BY_STATUS,
    MEDIA_TYPE,
    FieldError,
    InternalError,
    InvalidJson,
    Problem,
    ServiceUnavailable,
    Unprocessable,
    language_of,
)
from shared.telemetry import current_trace_id

_log = structlog.get_logger(__name__)

# Pydantic's kinds of errors, for people who read Vietnamese; what is not here is told in English in both.
_VIETNAMESE = {
    "missing": "Thiếu trường bắt buộc.",
    "extra_forbidden": "Trường không được hỗ trợ.",
    "string_type": "Phải là chuỗi ký tự.",
    "string_too_short": "Quá ngắn: ít nhất {min_length} ký tự.",
    "string_too_long": "Quá dài: nhiều nhất {max_length} ký tự.",
    "string_pattern_mismatch": "Không đúng định dạng.",
    "int_type": "Phải là số nguyên.",
    "int_parsing": "Phải là số nguyên.",
    "int_parsing_size": "Số quá lớn.",
    "int_from_float": "Phải là số nguyên.",
    "float_type": "Phải là số.",
    "float_parsing": "Phải là số.",
    "finite_number": "Phải là số hữu hạn.",
    "bool_type": "Phải là true hoặc false.",
    "bool_parsing": "Phải là true hoặc false.",
    "enum": "Giá trị không thuộc danh mục: {expected}.",
    "literal_error": "Giá trị không thuộc danh mục: {expected}.",
    "uuid_parsing": "Phải là mã UUID.",
    "uuid_type": "Phải là mã UUID.",
    "date_parsing": "Ngày phải có dạng YYYY-MM-DD.",
    "date_from_datetime_parsing": "Ngày phải có dạng YYYY-MM-DD.",
    "date_type": "Ngày phải có dạng YYYY-MM-DD.",
    "datetime_parsing": "Thời điểm phải theo RFC 3339.",
    "datetime_type": "Thời điểm phải theo RFC 3339.",
    "timezone_aware": "Thời điểm phải có múi giờ.",
    "datetime_from_date_parsing": "Thời điểm phải theo RFC 3339.",
    "instant_parsing": "Phải là thời điểm theo RFC 3339, có múi giờ, hoặc ngày YYYY-MM-DD.",
    "instant_in_future": "Thời điểm còn ở tương lai.",
    "period_not_begun": "Kỳ báo cáo chưa bắt đầu.",
    "period_reversed": "Kỳ báo cáo kết thúc trước khi bắt đầu.",
    "term_reversed": "Hiệu lực kết thúc trước khi bắt đầu.",
    "nobody_named": "Cần nêu cơ quan chủ trì, phối hợp hoặc theo dõi kể từ nay.",
    "not_assignable": "Không tài khoản nào của cơ quan có vai trò này.",
    "exactly_one": "Nêu đúng một trong agreement_id, clause_id và task_id.",
    "personal_data": "Có vẻ chứa dữ liệu cá nhân ({wording}): chỉ ghi số lượng, không ghi người.",
    "greater_than_equal": "Phải từ {ge} trở lên.",
    "less_than_equal": "Phải từ {le} trở xuống.",
    "greater_than": "Phải lớn hơn {gt}.",
    "less_than": "Phải nhỏ hơn {lt}.",
    "url_type": "Phải là địa chỉ web, bắt đầu bằng https://.",
    "url_parsing": "Phải là địa chỉ web, bắt đầu bằng https://.",
    "url_scheme": "Địa chỉ web phải bắt đầu bằng https:// hoặc http://.",
    "url_too_long": "Địa chỉ web quá dài: nhiều nhất {max_length} ký tự.",
    "list_type": "Phải là danh sách.",
    "too_long": "Quá nhiều phần tử: nhiều nhất {max_length}.",
    "too_short": "Quá ít phần tử: ít nhất {min_length}.",
    "model_attributes_type": "Phải là một đối tượng JSON.",
    "model_type": "Phải là một đối tượng JSON.",
    "dict_type": "Phải là một đối tượng JSON.",
}


def install_problem_handlers(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def respond(problem: Problem, language: str) -> Response:
    """The problem as a response in one language."""
    return Response(
        orjson.dumps(problem.document(language, current_trace_id())),
        problem.status,
        {**problem.headers, "Content-Language": language, "Cache-Control": "no-store"},
        media_type=MEDIA_TYPE,
    )


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _answer(request, error)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    details = error.errors()
    if any(detail["type"] == "json_invalid" for detail in details):
        return _answer(request, InvalidJson())
    return _answer(request, Unprocessable(errors=field_errors(details)))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = BY_STATUS.get(error.status_code, InternalError if error.status_code >= 500 else BY_STATUS[400])
    # FastAPI answers so when the body cannot be read at all, as with bytes that are not UTF-8.
    if error.status_code == 400 and "parsing the body" in str(error.detail):
        kind = InvalidJson
    problem = kind()
    problem.headers |= dict(error.headers or {})
    return _answer(request, problem)


async def _unexpected(request: Request, error: Exception) -> Response:
    if is_database_away(error):
        _log.warning("database_away", error=repr(error))
        return _answer(request, ServiceUnavailable(headers={"Retry-After": "1"}))
    _log.exception("request_failed", exc_info=error)
    return _answer(request, InternalError())


def _answer(request: Request, problem: Problem) -> Response:
    return respond(problem, language_of(request.headers.get("accept-language")))


def field_errors(details: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Pydantic's errors, each with the pointer of its field."""
    return [
        FieldError(
            pointer=_pointer(detail["loc"]),
            code=detail["type"],
            detail={"vi": _vietnamese(detail), "en": f"{detail['msg']}."},
        )
        for detail in details
    ]


def pointer_of(path: Sequence[object]) -> str:
    """A path into a JSON document as RFC 6901 writes it."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _pointer(location: Sequence[object]) -> str:
    place, *path = location
    # The body's own members begin at its root; a parameter says first where it stands.
    return pointer_of(path) if place == "body" else pointer_of(location)


def _vietnamese(detail: Mapping[str, Any]) -> str:
    wording = _VIETNAMESE.get(detail["type"])
    if wording is None:
        return f"Giá trị không hợp lệ ({detail['msg']})."
    context = dict(detail.get("ctx") or {})
    if "expected" in context:
        # Pydantic lists what there is in English: 'a', 'b' or 'c'.
        context["expected"] = str(context["expected"]).replace("' or '", "' hoặc '")
    return wording.format_map(context)
