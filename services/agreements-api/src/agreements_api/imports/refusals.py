"""Why a file is refused as a whole, in words."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Refusal(StrEnum):
    WRONG_TYPE = "wrong_type"
    OLD_FORMAT = "old_format"
    DAMAGED = "damaged"
    ENCRYPTED = "encrypted"
    MACROS = "macros"
    EXTERNAL_LINKS = "external_links"
    XML_ENTITIES = "xml_entities"
    UNPACKED_TOO_LARGE = "unpacked_too_large"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_MANY_COLUMNS = "too_many_columns"
    UNKNOWN_ENCODING = "unknown_encoding"
    FIELD_TOO_LONG = "field_too_long"
    NO_HEADER = "no_header"
    NO_ROWS = "no_rows"
    TOO_MUCH_MEMORY = "too_much_memory"
    TOO_LONG = "too_long"
    NOT_ALLOWED = "not_allowed"
    NOT_ASSIGNABLE = "not_assignable"
    CHANGED_MEANWHILE = "changed_meanwhile"
    INTERRUPTED = "interrupted"


WORDING: dict[Refusal, tuple[str, str]] = {
    Refusal.WRONG_TYPE: (
        "Nội dung tệp không phải bảng XLSX hoặc CSV.",
        "The content is no table in XLSX or CSV.",
    ),
    Refusal.OLD_FORMAT: (
        "Định dạng này không được hỗ trợ; hãy lưu lại thành XLSX hoặc CSV.",
        "This format is not supported; save it as XLSX or CSV.",
    ),
    Refusal.DAMAGED: ("Tệp bị hỏng, không đọc được.", "The file is damaged and cannot be read."),
    Refusal.ENCRYPTED: (
        "Tệp được bảo vệ bằng mật khẩu; hãy bỏ mật khẩu rồi gửi lại.",
        "The file is protected by a password; remove it and send the file again.",
    ),
    Refusal.MACROS: (
        "Tệp có macro; hãy lưu lại thành XLSX không macro.",
        "The file holds macros; save it as XLSX without them.",
    ),
    Refusal.EXTERNAL_LINKS: (
        "Tệp có liên kết hoặc dữ liệu từ nguồn bên ngoài ({part}); hãy dán thành giá trị rồi gửi lại.",
        "The file holds links to, or data of, something outside ({part}); paste these as values and send it again.",
    ),
    Refusal.XML_ENTITIES: (
        "Tệp có khai báo kiểu tài liệu XML ({part}), không được chấp nhận.",
        "The file declares a document type ({part}), which is not taken.",
    ),
    Refusal.UNPACKED_TOO_LARGE: (
        "Giải nén tệp vượt quá {limit} MB hoặc tỷ lệ nén bất thường ({part}).",
        "Unpacked, the file is larger than {limit} MB, or is packed beyond what is usual ({part}).",
    ),
    Refusal.TOO_MANY_ROWS: (
        "Quá nhiều dòng: nhiều nhất {limit} dòng, kể cả dòng trống. Hãy xóa dòng trống hoặc chia tệp.",
        "Too many rows: {limit} at most, empty ones included. Delete empty rows or split the file.",
    ),
    Refusal.TOO_MANY_COLUMNS: (
        "Quá nhiều cột: nhiều nhất {limit} cột.",
        "Too many columns: {limit} at most.",
    ),
    Refusal.UNKNOWN_ENCODING: (
        "Không nhận ra bảng mã của tệp CSV; hãy lưu lại thành UTF-8.",
        "The encoding of the CSV file was not recognised; save it as UTF-8.",
    ),
    Refusal.FIELD_TOO_LONG: (
        "Một ô trong tệp CSV quá dài; có thể thiếu dấu nháy kép đóng.",
        "A field of the CSV file is too long; perhaps a closing quote is lacking.",
    ),
    Refusal.NO_HEADER: (
        "Không tìm thấy dòng tiêu đề trong 20 dòng đầu; cần có các cột: {columns}.",
        "No row of headers was found within the first 20 rows; these columns are needed: {columns}.",
    ),
    Refusal.NO_ROWS: ("Không có dòng dữ liệu nào dưới tiêu đề.", "There is no row under the headers."),
    Refusal.TOO_MUCH_MEMORY: (
        "Đọc tệp cần quá nhiều bộ nhớ; hãy chia nhỏ tệp.",
        "Reading the file takes too much memory; split it.",
    ),
    Refusal.TOO_LONG: (
        "Đọc tệp mất quá nhiều thời gian; hãy chia nhỏ tệp.",
        "Reading the file takes too long; split it.",
    ),
    Refusal.NOT_ALLOWED: (
        "Người gửi không còn quyền thực hiện.",
        "Whoever sent the file is no longer allowed to do this.",
    ),
    Refusal.NOT_ASSIGNABLE: (
        "Thỏa thuận không còn nhận nhiệm vụ mới ({status}).",
        "The agreement takes no new tasks any more ({status}).",
    ),
    Refusal.CHANGED_MEANWHILE: (
        "Danh mục đơn vị hoặc điều khoản vừa thay đổi; hãy gửi lại tệp.",
        "Organisations or clauses changed meanwhile; send the file again.",
    ),
    Refusal.INTERRUPTED: (
        "Việc xử lý bị gián đoạn nhiều lần; hãy gửi lại sau.",
        "The work was interrupted several times; send the file again later.",
    ),
}


class Refused(Exception):
    """The file is not taken; `parameters` are put into the wording."""

    def __init__(self, code: Refusal, **parameters: Any) -> None:
        super().__init__(code.value)
        self.code = code
        self.parameters = parameters


def worded(code: Refusal, parameters: Mapping[str, Any]) -> dict[str, str]:
    """The refusal as it is kept: its code, and both languages."""
    vi, en = WORDING[code]
    return {"code": code.value, "vi": vi.format(**parameters), "en": en.format(**parameters)}
