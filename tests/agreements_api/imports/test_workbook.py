"""Workbooks as people keep them: titles above, merged cells, days of every kind, several sheets."""

from datetime import date
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import MAC_EPOCH

from agreements_api.imports.inspection import Limits
from agreements_api.imports.kinds import ImportKind
from agreements_api.imports.refusals import Refusal, Refused
from agreements_api.imports.table import FORMULA, WRONG_VALUE, Table
from agreements_api.imports.workbook import read_workbook
from tests.agreements_api.imports.tables import HEADERS, TASK, part_of, saved, with_parts, workbook

SHEET = "xl/worksheets/sheet1.xml"


def read(content: bytes) -> Table:
    return read_workbook(content, ImportKind.TASKS, Limits())


def column(table: Table, key: str) -> list[Any]:
    return [row.cells[key].value if key in row.cells else None for row in table.rows if not row.heading]


def test_titles_stand_above_the_headers() -> None:
    content = workbook(
        ("ỦY BAN NHÂN DÂN", None, None, None, None),
        ("DANH MỤC NHIỆM VỤ", None, None, None, None),
        (),
        HEADERS,
        TASK,
        merged=("A1:B1", "A2:E2"),
        sheet="Nhiệm vụ 2026",
    )
    table = read(content)
    assert (table.sheet, table.header.row) == ("Nhiệm vụ 2026", 3)
    assert [(row.number, row.cells["title"].value) for row in table.rows] == [(5, TASK[1])]


def test_a_merged_cell_stands_for_every_row_that_it_covers() -> None:
    content = workbook(
        HEADERS,
        ("1", "Một", "UBND thị xã Đông Triều", "", "31/12/2026"),
        ("2", "Hai", None, "", None),
        ("3", "Ba", None, "", "30/6/2026"),
        ("4", "Bốn", "UBND thị xã Kinh Môn", "", None),
        merged=("C2:C4", "E2:E3"),
    )
    assert column(read(content), "lead") == ["UBND thị xã Đông Triều"] * 3 + ["UBND thị xã Kinh Môn"]
    assert column(read(content), "due_on") == ["31/12/2026", "31/12/2026", "30/6/2026", None]


def test_headers_in_two_rows_are_read_from_the_lower_one() -> None:
    content = workbook(
        ("STT", "Nội dung", "Đơn vị thực hiện", None, "Thời hạn"),
        (None, None, "Chủ trì", "Phối hợp", None),
        TASK,
        merged=("A1:A2", "B1:B2", "C1:D1", "E1:E2"),
    )
    table = read(content)
    assert table.header.row == 1
    assert list(table.header.columns.values()) == ["ordinal", "title", "lead", "coordinating", "due_on"]
    assert column(table, "lead") == [TASK[2]]


def test_a_heading_over_all_columns_is_no_task() -> None:
    content = workbook(HEADERS, ("I. Hạ tầng giao thông", None, None, None, None), TASK, merged=("A2:E2",))
    assert column(read(content), "title") == [TASK[1]]


@pytest.mark.parametrize("ordinal", ["I", "1", 1, None])
def test_a_heading_beside_its_number_is_no_task(ordinal: Any) -> None:
    content = workbook(HEADERS, (ordinal, "Hạ tầng giao thông", None, None, None), TASK, merged=("B2:E2",))
    assert column(read(content), "title") == [TASK[1]]


def test_a_name_over_two_columns_is_no_heading() -> None:
    content = workbook(HEADERS, ("1", "Một", "UBND thị xã Đông Triều", None, "31/12/2026"), merged=("C2:D2",))
    assert column(read(content), "title") == ["Một"]


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\n", "\u200b", " \u00a0\ufeff"])
def test_a_row_of_blanks_is_empty(blank: str) -> None:
    table = read(workbook(HEADERS, TASK, (blank,) * 5, (None, blank)))
    assert [row.number for row in table.rows] == [2]


def test_of_a_header_over_two_columns_nothing_is_left_to_name() -> None:
    header = (*HEADERS[:3], HEADERS[3], None, HEADERS[4])
    table = read(workbook(header, (*TASK[:4], None, TASK[4]), merged=("D1:E1",)))
    assert (table.header.ignored, list(table.header.columns)) == ([], [0, 1, 2, 3, 5])


def test_a_sheet_that_nobody_sees_is_not_read() -> None:
    book = Workbook()
    hidden, notes, shown = book.active, book.create_sheet("Ghi chú"), book.create_sheet("Việc")
    assert hidden is not None
    for sheet, title in ((hidden, "Ẩn"), (shown, "Hiện")):
        sheet.append(HEADERS)
        sheet.append(("1", title, *TASK[2:]))
    hidden.sheet_state = "hidden"
    notes.append(("Không có bảng nào ở đây",))
    table = read(saved(book))
    assert (table.sheet, column(table, "title")) == ("Việc", ["Hiện"])


def test_days_keep_their_type_and_numbers_theirs() -> None:
    content = workbook(HEADERS, (1, "Một", "A", "B", date(2026, 12, 31)), (2.0, "Hai", "A", "B", 46022))
    assert column(read(content), "due_on") == [date(2026, 12, 31), 46022]
    assert column(read(content), "ordinal") == [1, 2.0]


def test_days_of_the_other_epoch_are_the_days_that_were_meant() -> None:
    book = Workbook()
    book.epoch = MAC_EPOCH
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADERS)
    sheet.append((1, "Một", "A", "B", date(2026, 12, 31)))
    assert column(read(saved(book)), "due_on") == [date(2026, 12, 31)]


def test_a_formula_is_marked_and_its_stored_value_not_believed() -> None:
    content = workbook(HEADERS, ("1", '="Nhiệm vụ"&1', "A", "#REF!", "=TODAY()"))
    table = read(content)
    [row] = list(table.rows)
    assert row.cells["title"].value is FORMULA
    assert row.cells["due_on"].value is FORMULA
    assert row.cells["coordinating"].value is WRONG_VALUE


def test_a_sheet_without_headers_is_refused_with_the_columns_that_are_needed() -> None:
    with pytest.raises(Refused) as error:
        read(workbook(("Họ tên", "Điện thoại"), ("A", "0")))
    assert error.value.code == Refusal.NO_HEADER
    assert error.value.parameters == {"columns": "Nội dung nhiệm vụ, Đơn vị chủ trì"}


def test_ranges_that_overlap_or_reach_far_do_no_harm() -> None:
    content = workbook(HEADERS, TASK, TASK, merged=("C2:C3", "F2:ZZ3", "A3:B90"))
    sheet = part_of(content, SHEET)
    content = with_parts(content, {SHEET: sheet.replace("A3:B90", "A3:B900000").replace("F2:ZZ3", "F2:XFD1048576")})
    assert column(read(content), "lead") == [TASK[2], TASK[2]]
