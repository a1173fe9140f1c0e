"""Official periods by their names, and any other days."""

from datetime import UTC, date, datetime

import pytest

from reporting.indicators import service
from reporting.indicators.periods import InvalidPeriod, between, parse


@pytest.mark.parametrize(
    ("text", "first", "last", "label"),
    [
        ("month:2024-1", date(2023, 12, 15), date(2024, 1, 14), "tháng 1 năm 2024"),
        ("month:2024-10", date(2024, 9, 15), date(2024, 10, 14), "tháng 10 năm 2024"),
        ("quarter:2024-1", date(2023, 12, 15), date(2024, 3, 14), "quý I năm 2024"),
        ("quarter:2024-4", date(2024, 9, 15), date(2024, 12, 14), "quý IV năm 2024"),
        ("half_year:2024", date(2023, 12, 15), date(2024, 6, 14), "6 tháng đầu năm 2024"),
        ("nine_month:2024", date(2023, 12, 15), date(2024, 9, 14), "9 tháng năm 2024"),
        ("annual:2024", date(2023, 12, 15), date(2024, 12, 14), "năm 2024"),
    ],
)
def test_official_cut_offs_are_not_those_of_the_calendar(text: str, first: date, last: date, label: str) -> None:
    period = parse(text)
    assert (period.first, period.last, period.label) == (first, last, label)


@pytest.mark.parametrize(
    "text", ["quarter:2024-5", "quarter:2024-0", "month:2024-13", "annual:2024-2", "week:2024-1", "quarter:24-1", ""]
)
def test_a_period_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(InvalidPeriod):
        parse(text)


def test_a_period_does_not_end_before_it_begins() -> None:
    with pytest.raises(InvalidPeriod):
        between(date(2024, 2, 2), date(2024, 2, 1))


def test_a_past_period_is_seen_as_it_ended_and_a_running_one_as_it_is() -> None:
    now = datetime(2024, 12, 1, tzinfo=UTC)
    assert service.moment_of(None, parse("quarter:2024-3"), now) == datetime(2024, 9, 14, 16, 59, 59, 999999, UTC)
    assert service.moment_of(None, parse("quarter:2024-4"), now) == now
