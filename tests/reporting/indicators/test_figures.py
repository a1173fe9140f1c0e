"""The four-way status and the arithmetic of official figures."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.indicators.figures import Figures, FigureTimeliness, count, timeliness

DUE = date(2024, 12, 13)
# 13 December ends at 17:00 UTC, when it is midnight in Việt Nam.
LAST_INSTANT = datetime(2024, 12, 13, 16, 59, 59, 999999, UTC)
NEXT_DAY = datetime(2024, 12, 13, 17, tzinfo=UTC)

numbers = st.integers(min_value=0, max_value=100_000)


def test_report_1270_adds_up() -> None:
    figures = Figures(on_time=14_068, late=1_983, in_time=5_640, overdue=223)
    assert figures.completed == 16_051
    assert figures.open == 5_863
    assert figures.total == 21_914


def test_rates_are_of_due_tasks_and_not_of_all() -> None:
    figures = Figures(on_time=14_068, late=1_983, in_time=5_640, overdue=223)
    assert figures.due == 16_274
    assert figures.rate(figures.completed) == pytest.approx(0.9863, abs=0.00005)
    assert figures.rate(figures.overdue) == pytest.approx(0.0137, abs=0.00005)


def test_nothing_due_is_no_rate_rather_than_zero() -> None:
    assert Figures(in_time=3).rate(0) is None


@given(numbers, numbers, numbers, numbers, numbers)
def test_totals_always_add_up(on_time: int, late: int, in_time: int, overdue: int, none: int) -> None:
    figures = Figures(on_time, late, in_time, overdue, none)
    assert figures.total == figures.completed + figures.open
    assert figures.completed == figures.on_time + figures.late
    assert figures.open == figures.open_in_time + figures.overdue
    assert figures.total == on_time + late + in_time + overdue + none
    assert figures.due == figures.completed + figures.overdue


@given(st.lists(st.sampled_from([*FigureTimeliness, None])), st.lists(st.sampled_from([*FigureTimeliness, None])))
def test_figures_of_two_halves_are_the_figures_of_the_whole(
    first: list[FigureTimeliness | None], second: list[FigureTimeliness | None]
) -> None:
    assert count(first) + count(second) == count([*first, *second])


@pytest.mark.parametrize(
    ("status", "due_on", "completed_at", "as_of", "expected"),
    [
        ("in_progress", DUE, None, LAST_INSTANT, FigureTimeliness.IN_TIME),
        ("in_progress", DUE, None, NEXT_DAY, FigureTimeliness.OVERDUE),
        ("submitted", DUE, None, NEXT_DAY, FigureTimeliness.OVERDUE),
        ("suspended", DUE, None, NEXT_DAY, FigureTimeliness.OVERDUE),
        ("not_started", None, None, NEXT_DAY, FigureTimeliness.NO_DEADLINE),
        ("completed", DUE, LAST_INSTANT, NEXT_DAY, FigureTimeliness.COMPLETED_ON_TIME),
        ("completed", DUE, NEXT_DAY, NEXT_DAY, FigureTimeliness.COMPLETED_LATE),
        ("completed", None, NEXT_DAY, NEXT_DAY, FigureTimeliness.COMPLETED_ON_TIME),
        ("cancelled", DUE, None, NEXT_DAY, None),
    ],
)
def test_a_deadline_is_the_end_of_its_day_in_vietnam(
    status: str, due_on: date | None, completed_at: datetime | None, as_of: datetime, expected: FigureTimeliness | None
) -> None:
    assert timeliness(status, due_on, completed_at, as_of) is expected
