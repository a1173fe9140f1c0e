"""Vietnamese text: search, order, numbers and dates."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text import fold, format_date, format_long_date, format_number, format_percent, vietnamese_sort_key


@pytest.mark.parametrize(
    ("text", "folded"), [("Đông Triều", "dong trieu"), ("  Kế  hoạch ", "ke hoach"), ("UBND", "ubnd")]
)
def test_search_finds_a_name_without_its_diacritics(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_letters_come_in_the_order_of_the_alphabet() -> None:
    words = ["an", "ăn", "ân", "bao", "cao", "dao", "đao", "em", "êm", "in", "on", "ôn", "ơn", "un", "ưng", "yên"]
    backwards = words[::-1]
    assert sorted(backwards, key=vietnamese_sort_key) == words


def test_tones_decide_between_words_of_the_same_letters() -> None:
    words = ["ma", "mà", "mả", "mã", "má", "mạ"]
    backwards = words[::-1]
    assert sorted(backwards, key=vietnamese_sort_key) == words


def test_numbers_order_by_their_value() -> None:
    names = ["Phường 2", "Phường 10", "Phường Hai"]
    backwards = names[::-1]
    assert sorted(backwards, key=vietnamese_sort_key) == names


def test_figures_are_written_as_official_reports_write_them() -> None:
    assert format_number(21914) == "21.914"
    assert format_number(3.5, 1) == "3,5"
    assert format_percent(0.9863) == "98,63 %"
    assert format_percent(0.5) == "50 %"
    assert format_percent(1) == "100 %"


def test_dates_are_written_as_decree_30_asks() -> None:
    assert format_date(date(2024, 10, 18)) == "18/10/2024"
    assert format_long_date(date(2024, 10, 8)) == "ngày 08 tháng 10 năm 2024"
    assert format_long_date(date(2024, 2, 18)) == "ngày 18 tháng 02 năm 2024"
    assert format_long_date(date(2024, 3, 18)) == "ngày 18 tháng 3 năm 2024"
