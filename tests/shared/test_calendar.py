"""Working days of Việt Nam and official reporting periods."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar import WorkingCalendar, official_period

CALENDAR = WorkingCalendar()
DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2026, 1, 1), False),
        (date(2026, 1, 2), False),  # swapped for the 10th
        (date(2026, 1, 10), True),
        (date(2026, 8, 22), True),
        (date(2026, 2, 17), False),  # Tết
        (date(2026, 4, 30), False),
        (date(2026, 9, 2), False),
        (date(2026, 11, 24), False),  # Day of Vietnamese culture, a holiday from 2026 on
        (date(2025, 11, 24), True),
        (date(2026, 11, 25), True),
        (date(2026, 11, 22), False),
    ],
)
def test_a_day_is_worked_as_the_notices_say(day: date, worked: bool) -> None:
    assert CALENDAR.is_working_day(day) is worked


@given(DAYS, st.integers(1, 40))
def test_counting_working_days_undoes_adding_them(day: date, count: int) -> None:
    assert CALENDAR.working_days_between(day, CALENDAR.add_working_days(day, count)) == count


@given(DAYS, st.integers(-40, 40).filter(bool))
def test_adding_working_days_ends_on_one(day: date, count: int) -> None:
    assert CALENDAR.is_working_day(CALENDAR.add_working_days(day, count))


def test_the_last_working_day_before_a_weekend_is_its_friday() -> None:
    assert CALENDAR.last_working_day(date(2026, 11, 22)) == date(2026, 11, 20)


def test_the_next_working_day_after_a_weekend_is_its_monday() -> None:
    assert CALENDAR.next_working_day(date(2026, 11, 22)) == date(2026, 11, 23)
    assert CALENDAR.next_working_day(date(2026, 11, 23)) == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("kind", "index", "first", "last"),
    [
        ("month", 1, date(2025, 12, 15), date(2026, 1, 14)),
        ("month", 11, date(2026, 10, 15), date(2026, 11, 14)),
        ("quarter", 1, date(2025, 12, 15), date(2026, 3, 14)),
        ("quarter", 4, date(2026, 9, 15), date(2026, 12, 14)),
        ("half_year", 1, date(2025, 12, 15), date(2026, 6, 14)),
        ("nine_month", 1, date(2025, 12, 15), date(2026, 9, 14)),
        ("annual", 1, date(2025, 12, 15), date(2026, 12, 14)),
    ],
)
def test_official_periods_end_on_the_fourteenth(kind: str, index: int, first: date, last: date) -> None:
    assert official_period(kind, 2026, index) == (first, last)


def test_an_unknown_kind_of_period_is_an_error() -> None:
    with pytest.raises(ValueError, match="fortnight"):
        official_period("fortnight", 2026)
