"""Tables to fill in: one sheet with headers and marked examples, one that explains them."""

import csv
import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from agreements_api.agreements.models import INSTRUMENT_WORDING
from agreements_api.imports.columns import COLUMNS, Column
from agreements_api.imports.kinds import KIND_WORDING, ImportKind
from agreements_api.imports.models import TemplateFormat
from agreements_api.imports.rows import EXAMPLE_MARK

MEDIA_TYPES = {
    TemplateFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    TemplateFormat.CSV: "text/csv; charset=utf-8",
}
_LAST_ROW = 2_000
_DAYS = frozenset({"due_on", "term_from", "term_to", "sign_by"})
_WIDE = frozenset({"title", "description", "coordinating", "parties", "clauses", "lead"})
# What a program that opens CSV would calculate instead of showing it.
_CALCULATED = ("=", "+", "-", "@", "\t", "\r")
_EXAMPLES: dict[ImportKind, tuple[dict[str, str], ...]] = {
    ImportKind.TASKS: (
        {
            "title": "Rà soát, giải quyết vướng mắc đối với người dân tại các khu vực xâm canh, xâm cư",
            "lead": "UBND thị xã Đông Triều",
            "coordinating": "UBND thị xã Kinh Môn (15/12/2026); UBND thành phố Chí Linh",
            "due_on": "31/12/2026",
            "deliverable": "Biên bản giải quyết vướng mắc",
            "field": "địa giới hành chính",
            "clause": "Điều 2",
            "note": "Dòng ví dụ, không được nhập",
        },
        {
            "title": "Quảng bá sản phẩm, thông tin du lịch",
            "lead": "UBND thành phố Chí Linh",
            "due_on": "quý IV/2026",
            "note": "Dòng ví dụ, không được nhập",
        },
    ),
    ImportKind.AGREEMENTS: (
        {
            "title": "Kế hoạch phối hợp thúc đẩy liên kết vùng",
            "instrument": "Kế hoạch phối hợp",
            "number": "15-KH/BTV",
            "parties": "Ban Thường vụ Thị ủy Đông Triều; Ban Thường vụ Thành ủy Chí Linh",
            "fields": "hạ tầng giao thông; du lịch",
            "clauses": "Đưa các tuyến kết nối vào quy hoạch\nQuảng bá sản phẩm, thông tin du lịch",
            "term_from": "01/01/2027",
            "term_to": "31/12/2027",
            "note": "Dòng ví dụ, không được nhập",
        },
    ),
}
_HINTS: dict[str, tuple[str, str]] = {
    "ordinal": (
        f"Không bắt buộc. Dòng ghi «{EXAMPLE_MARK}» ở cột này được bỏ qua.",
        f"Optional. Rows with “{EXAMPLE_MARK}” here are skipped.",
    ),
    "title": ("Bắt buộc.", "Required."),
    "lead": (
        "Bắt buộc. Tên đầy đủ, tên viết tắt, tên đơn vị hành chính hoặc mã của cơ quan.",
        "Required. Full or short name, name of the unit, or identifier of the organisation.",
    ),
    "coordinating": (
        "Mỗi cơ quan một dòng, hoặc cách nhau bằng dấu chấm phẩy; thời hạn riêng ghi trong ngoặc.",
        "One on each line, or between semicolons; a deadline of its own in brackets.",
    ),
    "due_on": (
        "31/12/2026, «ngày 5 tháng 3 năm 2026», «quý III/2026», «tháng 9/2026»; «thường xuyên» là không có thời hạn.",
        "31/12/2026, or a month or quarter in words: its last day; “thường xuyên” is no deadline.",
    ),
    "clause": ("Số hoặc tiêu đề của điều khoản trong thỏa thuận.", "Number or heading of a clause of the agreement."),
    "instrument": ("Bắt buộc: " + ", ".join(INSTRUMENT_WORDING.values()) + ".", "Required: one of the list."),
    "parties": (
        "Mỗi bên một dòng, hoặc cách nhau bằng dấu chấm phẩy.",
        "One on each line, or between semicolons.",
    ),
    "clauses": ("Mỗi nội dung một dòng trong ô.", "One on each line of the cell."),
}


@lru_cache(maxsize=8)
def template(kind: ImportKind, format_: TemplateFormat) -> bytes:
    """The template of one kind."""
    rows = [_row(COLUMNS[kind], example) for example in _EXAMPLES[kind]]
    if format_ is TemplateFormat.CSV:
        return as_csv([column.header for column in COLUMNS[kind]], rows)
    return _workbook(kind, rows)


def as_csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """What Vietnamese Excel opens rightly: UTF-8 with its mark, semicolons, and nothing that it would calculate."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow([harmless(value) for value in header])
    writer.writerows([harmless(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def harmless(value: str) -> str:
    """A value that stays text in a program that calculates: `=1+1` → `'=1+1`."""
    return f"'{value}" if value.startswith(_CALCULATED) else value


def _row(columns: Sequence[Column], example: dict[str, str]) -> list[str]:
    return [EXAMPLE_MARK if column.key == "ordinal" else example.get(column.key, "") for column in columns]


def _workbook(kind: ImportKind, rows: Sequence[Sequence[str]]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = KIND_WORDING[kind].capitalize()
    sheet.append([column.header for column in COLUMNS[kind]])
    for row in rows:
        sheet.append(list(row))
    _dress(sheet, COLUMNS[kind], examples=len(rows))
    _validate(sheet, COLUMNS[kind])
    _explain(book.create_sheet("Hướng dẫn"), COLUMNS[kind])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _dress(sheet: Any, columns: Sequence[Column], *, examples: int) -> None:
    for number, column in enumerate(columns, start=1):
        head = sheet.cell(1, number)
        head.font = Font(bold=True)
        head.fill = PatternFill("solid", start_color="FFF2CC" if column.required else "E7E6E6")
        sheet.column_dimensions[get_column_letter(number)].width = 40 if column.key in _WIDE else 18
        for row in range(2, 2 + examples):
            sheet.cell(row, number).font = Font(italic=True, color="808080")
            sheet.cell(row, number).alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"


def _validate(sheet: Any, columns: Sequence[Column]) -> None:
    """Lists to choose from, and a word where a day is meant; words of a quarter are taken as well."""
    for number, column in enumerate(columns, start=1):
        letter = get_column_letter(number)
        rule: DataValidation | None = None
        if column.key == "instrument":
            names = ",".join(name.capitalize() for name in INSTRUMENT_WORDING.values())
            rule = DataValidation(type="list", formula1=f'"{names}"', allow_blank=True, showErrorMessage=True)
            rule.error = "Chọn trong danh mục."
        elif column.key in _DAYS:
            rule = DataValidation(type="textLength", operator="lessThanOrEqual", formula1="60", allow_blank=True)
            rule.showInputMessage = True
            rule.prompt = "ngày/tháng/năm, ví dụ 31/12/2026"
        if rule is not None:
            rule.add(f"{letter}2:{letter}{_LAST_ROW}")
            sheet.add_data_validation(rule)


def _explain(sheet: Any, columns: Sequence[Column]) -> None:
    sheet.append(["Cột", "Cách ghi", "Column", "What to write"])
    for column in columns:
        vi, en = _HINTS.get(column.key, ("Không bắt buộc.", "Optional."))
        sheet.append([column.header, vi, column.english, en])
    for letter, width in zip("ABCD", (20, 70, 16, 70), strict=True):
        sheet.column_dimensions[letter].width = width
