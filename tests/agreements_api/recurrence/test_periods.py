"""When a repeated task is due: the cut-offs of the official periods, and working days after them."""

from datetime import date, timedelta
from itertools import islice, pairwise

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from agreements_api.recurrence.models import FREQUENCY_WORDING, Frequency
from agreements_api.recurrence.periods import RULES, next_occurrence, upcoming
from shared.calendar import WorkingCalendar


@pytest.mark.parametrize(
    ("frequency", "after", "periods"),
    [
        (
            Frequency.MONTHLY,
            date(2026, 11, 24),
            [("2026-11-15", "2026-12-14"), ("2026-12-15", "2027-01-14"), ("2027-01-15", "2027-02-14")],
        ),
        (
            Frequency.QUARTERLY,
            date(2026, 11, 24),
            [("2026-09-15", "2026-12-14"), ("2026-12-15", "2027-03-14"), ("2027-03-15", "2027-06-14")],
        ),
        (Frequency.HALF_YEARLY, date(2026, 11, 24), [("2026-06-15", "2026-12-14"), ("2026-12-15", "2027-06-14")]),
        (Frequency.YEARLY, date(2026, 12, 14), [("2026-12-15", "2027-12-14"), ("2027-12-15", "2028-12-14")]),
    ],
)
def test_periods_end_at_the_official_cut_offs(
    frequency: Frequency, after: date, periods: list[tuple[str, str]]
) -> None:
    found = list(islice(upcoming(frequency, after, 0), len(periods)))
    assert [(str(one.period_start), str(one.period_end)) for one in found] == periods
    assert all(one.due_on == one.period_end for one in found)


def test_the_deadline_is_after_the_day_and_never_on_it() -> None:
    assert next_occurrence(Frequency.MONTHLY, date(2026, 12, 13), 0).due_on == date(2026, 12, 14)
    assert next_occurrence(Frequency.MONTHLY, date(2026, 12, 14), 0).due_on == date(2027, 1, 14)


def test_working_days_after_a_cut_off_leave_out_weekends_and_holidays() -> None:
    # A Monday: five working days later is the next Monday.
    found = next_occurrence(Frequency.MONTHLY, date(2026, 12, 14), 5)
    assert (found.period_end, found.due_on) == (date(2026, 12, 14), date(2026, 12, 21))
    # The cut-off has passed, and its deadline has not.
    assert next_occurrence(Frequency.QUARTERLY, date(2026, 12, 18), 5).due_on == date(2026, 12, 21)


@given(
    st.sampled_from(Frequency),
    st.dates(date(2020, 1, 1), date(2090, 12, 31)),
    st.integers(0, 60),
)
def test_no_period_is_left_out_and_none_comes_twice(frequency: Frequency, after: date, days: int) -> None:
    found = list(islice(upcoming(frequency, after, days), 5))
    assert found[0].due_on > after
    for earlier, later in pairwise(found):
        assert later.period_start == earlier.period_end + timedelta(days=1)
        assert later.due_on >= earlier.due_on
    before = found[0].period_start - timedelta(days=1)
    assert WorkingCalendar().add_working_days(before, days) <= after


def test_every_frequency_has_a_rule_and_words() -> None:
    assert set(RULES) == set(FREQUENCY_WORDING) == set(Frequency)
    for rule in RULES.values():
        assert next(iter(rrulestr(rule))).day == 14
