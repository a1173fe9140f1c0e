"""What people write into cells, without a file and without a database."""

from datetime import date, datetime, time
from decimal import Decimal

import pytest

from agreements_api.imports.values import NotUnderstood, Raw, day_of, lines_of, number_of, paragraphs_of, text_of


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("31/12/2026", date(2026, 12, 31)),
        ("1/2/2026", date(2026, 2, 1)),
        ("05-03-25", date(2025, 3, 5)),
        ("5.3.2025", date(2025, 3, 5)),
        ("5 / 3 / 2025", date(2025, 3, 5)),
        ("2026-12-31", date(2026, 12, 31)),
        ("2026-12-31 00:00:00", date(2026, 12, 31)),
        ("31/12/2026 0:00", date(2026, 12, 31)),
        ("31/12/2026 00:00:00", date(2026, 12, 31)),
        ("ngày 5 tháng 3 năm 2025", date(2025, 3, 5)),
        ("Ngày 05 tháng 03 năm 2025.", date(2025, 3, 5)),
        ("trước ngày 30/6/2026", date(2026, 6, 30)),
        ("Xong trước 30/6/2026", date(2026, 6, 30)),
        ("31/12/2026 (dự kiến)", date(2026, 12, 31)),
        ("46022", date(2025, 12, 31)),
        (46022, date(2025, 12, 31)),
        (46022.0, date(2025, 12, 31)),
        (date(2026, 1, 2), date(2026, 1, 2)),
        (datetime.combine(date(2026, 1, 2), time(7, 30)), date(2026, 1, 2)),
        ("29/02/2028", date(2028, 2, 29)),
    ],
)
def test_a_day_is_understood_however_it_is_written(written: Raw, day: date) -> None:
    understood = day_of(written)
    assert (understood.day, understood.literal) == (day, True)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("quý I năm 2022", date(2022, 3, 31)),
        ("Quý IV/2026", date(2026, 12, 31)),
        ("quý 3/2026", date(2026, 9, 30)),
        ("quý II, 2026", date(2026, 6, 30)),
        ("tháng 2/2028", date(2028, 2, 29)),
        ("Tháng 9 năm 2026", date(2026, 9, 30)),
        ("9/2026", date(2026, 9, 30)),
        ("trong năm 2022", date(2022, 12, 31)),
        ("cuối năm 2026", date(2026, 12, 31)),
        ("6 tháng đầu năm 2026", date(2026, 6, 30)),
        ("thường xuyên", None),
        ("Hằng năm", None),
        ("theo kế hoạch", None),
    ],
)
def test_a_period_ends_on_its_last_day_and_is_said_to_be_read_so(written: str, day: date | None) -> None:
    understood = day_of(written)
    assert (understood.day, understood.literal) == (day, False)


@pytest.mark.parametrize(
    "written",
    [
        "31/13/2026",
        "30/2/2026",
        "12/31/2026",
        "sớm nhất có thể",
        "giai đoạn 2021 - 2025",
        "0",
        7,
        "1/1/1900",
        "quý V/2026",
    ],
)
def test_what_is_no_day_is_not_guessed(written: Raw) -> None:
    with pytest.raises(NotUnderstood) as error:
        day_of(written)
    assert error.value.code == "no_date"
    assert str(written) in error.value.wording["vi"]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1.234,5", "1234.5"),
        ("1.234.567", "1234567"),
        ("12,5 %", "12.5"),
        ("12.5", "12.5"),
        ("-3", "-3"),
        (2.0, "2"),
        ("1.000", "1000"),
    ],
)
def test_numbers_have_vietnamese_separators(written: Raw, number: str) -> None:
    assert number_of(written) == Decimal(number)


@pytest.mark.parametrize("written", ["", "một", "1,2,3", "NaN", "Infinity", "1e5", "1E99999999", float("inf")])
def test_what_is_no_number_is_not_taken(written: str) -> None:
    with pytest.raises(NotUnderstood):
        number_of(written)


def test_a_cell_is_composed_text_without_what_cannot_be_stored() -> None:
    assert text_of(" Đo\u0302ng\u00a0Trie\u0302\u0300u\x00\u200b ") == "Đông Triều"
    assert text_of(3.0) == "3"
    assert text_of(True) == "có"
    assert text_of(None) == ""


def test_a_cell_lists_names_by_lines_and_semicolons() -> None:
    assert lines_of("- UBND thị xã Kinh Môn;\n2. Sở Văn hóa, Thể thao; ") == [
        "UBND thị xã Kinh Môn",
        "Sở Văn hóa, Thể thao",
    ]
    assert paragraphs_of("1. Một; hai\n\n• Ba") == ["Một; hai", "Ba"]
