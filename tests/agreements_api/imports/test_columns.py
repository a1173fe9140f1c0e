"""Finding the headers of a table by the words that people use."""

import pytest

from agreements_api.imports.columns import COLUMNS, LOOKED_AT, find_header, simplified
from agreements_api.imports.kinds import ImportKind


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("NỘI DUNG CÔNG VIỆC", "title"),
        ("Noi dung nhiem vu", "title"),
        ("Nhiệm vụ/giải pháp", "title"),
        ("Cơ quan, đơn vị chủ trì", "lead"),
        ("Cơ quan\nchủ trì", "lead"),
        ("Các đơn vị phối hợp:", "coordinating"),
        ("Thời hạn hoàn thành\n(ngày/tháng/năm) *", "due_on"),
        ("Sản phẩm, kết quả", "deliverable"),
        ("Sản phẩm và kết quả", "deliverable"),
        ("Điều khoản", "clause"),
    ],
)
def test_a_header_is_known_by_many_names(written: str, key: str) -> None:
    header = find_header(ImportKind.TASKS, [["TT", written]])
    assert header is not None
    assert header.columns[1] == key
    assert header.texts[1] == " ".join(written.split())


@pytest.mark.parametrize("kind", ImportKind)
def test_the_headers_of_the_template_are_all_known_and_mean_one_thing_each(kind: ImportKind) -> None:
    header = find_header(kind, [[column.header for column in COLUMNS[kind]]])
    assert header is not None
    assert list(header.columns.values()) == [column.key for column in COLUMNS[kind]]
    assert (header.ignored, header.missing) == ([], [])


def test_titles_above_the_headers_are_passed_over() -> None:
    rows = [["KẾ HOẠCH", ""], ["Nội dung nhiệm vụ của năm", ""], [], ["Nhiệm vụ", "Chủ trì", "Kinh phí"]]
    header = find_header(ImportKind.TASKS, rows)
    assert header is not None
    assert (header.row, header.ignored, header.missing) == (3, ["Kinh phí"], [])


def test_a_column_that_is_needed_and_not_there_is_named() -> None:
    header = find_header(ImportKind.TASKS, [["STT", "Nội dung", "Thời hạn"]])
    assert header is not None
    assert header.missing == ["Đơn vị chủ trì"]


def test_the_first_of_two_columns_of_one_name_counts() -> None:
    header = find_header(ImportKind.TASKS, [["Nội dung", "Chủ trì", "Nhiệm vụ"]])
    assert header is not None
    assert (header.columns, header.ignored) == ({0: "title", 1: "lead"}, ["Nhiệm vụ"])


def test_the_second_of_two_columns_under_one_title_is_named() -> None:
    header = find_header(ImportKind.TASKS, [["Nội dung", "Chủ trì", "Thời hạn", "Thời hạn", "Ghi chú", "Thời hạn"]])
    assert header is not None
    assert (header.columns[2], header.ignored) == ("due_on", ["Thời hạn"])


def test_headers_far_below_are_not_looked_for() -> None:
    rows = [[""]] * LOOKED_AT + [["Nhiệm vụ", "Chủ trì"]]
    assert find_header(ImportKind.TASKS, rows) is None
    assert find_header(ImportKind.TASKS, rows[1:]) is not None


def test_remarks_and_signs_do_not_count() -> None:
    assert simplified("  Số / ký hiệu (nếu có) * ") == "so, ky hieu"
