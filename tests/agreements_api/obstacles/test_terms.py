"""The clock of an obstacle, without a database."""

from datetime import date

import pytest

from agreements_api.obstacles import terms
from shared.calendar import WorkingCalendar

RESPOND_BY = date(2026, 12, 7)


def test_whoever_gets_it_has_working_days() -> None:
    assert terms.respond_by(date(2026, 11, 30), 5, WorkingCalendar({})) == RESPOND_BY


@pytest.mark.parametrize(
    ("undone", "expected"),
    [
        ([], RESPOND_BY),
        # A measure gives time until it is to be done.
        ([date(2026, 12, 20)], date(2026, 12, 20)),
        # Of several the one that is due first counts.
        ([date(2026, 12, 20), date(2026, 12, 15)], date(2026, 12, 15)),
        # None takes away from the time that there is for planning.
        ([date(2026, 12, 1)], RESPOND_BY),
    ],
)
def test_the_clock_ends_with_the_first_measure_that_is_due(undone: list[date], expected: date) -> None:
    assert terms.due_on(RESPOND_BY, undone) == expected
