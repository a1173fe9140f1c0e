"""Promised meetings against those that were held, by dates alone."""

from datetime import date, timedelta
from itertools import islice
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements_api.meeting_rhythm.models import Frequency, PeriodState
from agreements_api.meeting_rhythm.rhythm import HeldMeeting, promised_periods, rhythm
from shared.calendar import official_period


def held(*days: str) -> list[HeldMeeting]:
    return [HeldMeeting(UUID(int=number), date.fromisoformat(day)) for number, day in enumerate(days, start=1)]


def states(frequency: Frequency, from_on: str, days: list[HeldMeeting], on: str, until_on: str | None = None) -> str:
    """The first letter of each state, oldest first."""
    until = date.fromisoformat(until_on) if until_on else None
    stand = rhythm(frequency, date.fromisoformat(from_on), until, days, on=date.fromisoformat(on))
    return "".join(period.state[0] for period in stand.periods)


@pytest.mark.parametrize(
    ("frequency", "from_on", "expected"),
    [
        (Frequency.MONTHLY, "2026-01-01", [("2026-01-01", "2026-01-14"), ("2026-01-15", "2026-02-14")]),
        (Frequency.MONTHLY, "2025-12-20", [("2025-12-20", "2026-01-14"), ("2026-01-15", "2026-02-14")]),
        (Frequency.QUARTERLY, "2025-12-15", [("2025-12-15", "2026-03-14"), ("2026-03-15", "2026-06-14")]),
        (Frequency.HALF_YEARLY, "2026-01-01", [("2026-01-01", "2026-06-14"), ("2026-06-15", "2026-12-14")]),
        (Frequency.HALF_YEARLY, "2026-12-15", [("2026-12-15", "2027-06-14"), ("2027-06-15", "2027-12-14")]),
        (Frequency.YEARLY, "2026-12-14", [("2026-12-14", "2026-12-14"), ("2026-12-15", "2027-12-14")]),
    ],
)
def test_periods_end_on_the_official_cut_offs(
    frequency: Frequency, from_on: str, expected: list[tuple[str, str]]
) -> None:
    first = islice(promised_periods(frequency, date.fromisoformat(from_on), None), 2)
    assert [(begin.isoformat(), end.isoformat()) for begin, end in first] == expected


def test_a_period_that_the_last_day_cuts_short_is_promised_no_more() -> None:
    begin = date(2026, 1, 1)
    assert len(list(promised_periods(Frequency.QUARTERLY, begin, date(2026, 6, 14)))) == 2
    assert len(list(promised_periods(Frequency.QUARTERLY, begin, date(2026, 6, 13)))) == 1
    assert list(promised_periods(Frequency.YEARLY, begin, date(2026, 6, 13))) == []


@pytest.mark.parametrize(
    ("days", "on", "expected"),
    [
        # On its last day a period is still due, on the next day it is missing.
        ([], "2026-03-14", "d"),
        ([], "2026-03-15", "md"),
        (["2026-03-14"], "2026-03-15", "hd"),
        # Held on the day after the cut-off, it keeps the next period's promise.
        (["2026-03-15"], "2026-03-15", "mh"),
        # A second one makes up for the quarter before.
        (["2026-03-15", "2026-03-20"], "2026-03-20", "lh"),
        # But not before it was held.
        (["2026-03-15", "2026-03-20"], "2026-03-19", "mh"),
        # Two in one quarter do not count for a quarter to come.
        (["2026-01-10", "2026-02-10"], "2026-03-20", "hd"),
        # The earliest that is missing comes first.
        (["2026-06-20", "2026-06-21"], "2026-06-30", "lmh"),
        (["2026-06-20", "2026-06-21", "2026-06-22"], "2026-06-30", "llh"),
        # What was held before the promise keeps nothing.
        (["2025-12-31"], "2026-01-05", "d"),
        ([], "2025-12-31", ""),
    ],
)
def test_what_becomes_of_promised_quarters(days: list[str], on: str, expected: str) -> None:
    assert states(Frequency.QUARTERLY, "2026-01-01", held(*days), on) == expected


def test_each_meeting_is_named_with_the_period_that_it_keeps() -> None:
    meetings = held("2026-03-20", "2026-03-15")
    stand = rhythm(Frequency.QUARTERLY, date(2026, 1, 1), None, meetings, on=date(2026, 3, 31))
    assert [(period.due_on, period.meeting) for period in stand.periods] == [
        (date(2026, 3, 14), meetings[0]),
        (date(2026, 6, 14), meetings[1]),
    ]
    assert stand.next_due_on == date(2026, 9, 14)


@pytest.mark.parametrize(
    ("on", "days", "until_on", "expected"),
    [
        ("2025-12-01", [], None, date(2026, 6, 14)),
        ("2026-02-01", [], None, date(2026, 6, 14)),
        ("2026-02-01", ["2026-01-10"], None, date(2026, 12, 14)),
        ("2026-06-14", [], None, date(2026, 6, 14)),
        ("2026-06-15", [], None, date(2026, 12, 14)),
        ("2026-07-01", ["2026-06-20"], date(2026, 12, 31), None),
        ("2026-12-20", [], date(2026, 12, 31), None),
    ],
)
def test_the_parties_have_to_meet_next_by_the_first_cut_off_that_nobody_has_met_before(
    on: str, days: list[str], until_on: date | None, expected: date | None
) -> None:
    stand = rhythm(Frequency.HALF_YEARLY, date(2026, 1, 1), until_on, held(*days), on=date.fromisoformat(on))
    assert stand.next_due_on == expected


DAYS = st.dates(date(2023, 1, 1), date(2028, 12, 31))


@given(st.sampled_from(Frequency), DAYS, st.lists(DAYS, max_size=30), DAYS)
def test_no_meeting_counts_twice_and_nothing_is_promised_twice(
    frequency: Frequency, from_on: date, days: list[date], on: date
) -> None:
    meetings = [HeldMeeting(UUID(int=number), day) for number, day in enumerate(days)]
    stand = rhythm(frequency, from_on, None, meetings, on=on)
    used = [period.meeting.id for period in stand.periods if period.meeting]
    assert len(used) == len(set(used))
    for before, after in zip(stand.periods, stand.periods[1:], strict=False):
        assert after.starts_on == before.due_on + timedelta(days=1)
    for period in stand.periods:
        meeting = period.meeting
        assert (meeting is None) == (period.state in (PeriodState.DUE, PeriodState.MISSING))
        assert meeting is None or from_on <= meeting.held_on <= on
        if period.state is PeriodState.HELD:
            assert meeting is not None
            assert period.starts_on <= meeting.held_on <= period.due_on
        if period.state is PeriodState.LATE:
            assert meeting is not None
            assert meeting.held_on > period.due_on
        if period.state is PeriodState.MISSING:
            assert period.due_on < on
    # A meeting in a period is never passed over for one that came late.
    for period in stand.periods:
        inside = [one for one in meetings if period.starts_on <= one.held_on <= min(period.due_on, on)]
        assert bool(inside) == (period.state is PeriodState.HELD)
    assert stand.next_due_on is not None
    assert stand.next_due_on >= on


@given(DAYS)
def test_a_promise_of_every_month_has_an_official_month_for_every_day(day: date) -> None:
    [(begin, end)] = islice(promised_periods(Frequency.MONTHLY, day, None), 1)
    assert begin == day
    assert end.day == 14
    assert official_period("month", end.year, end.month)[0] <= day <= end
