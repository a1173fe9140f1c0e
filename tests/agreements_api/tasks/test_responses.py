"""The window in which parties answer, without a database."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from agreements_api.tasks import responses
from shared.calendar import WorkingCalendar
from shared.events import TaskParty

NOW = datetime(2026, 12, 1, 3, tzinfo=UTC)
EARLIER = datetime(2026, 11, 25, 3, tzinfo=UTC)
LAST_DAY = date(2026, 11, 30)


def party(number: int, **given: object) -> TaskParty:
    return TaskParty.model_validate({"organization_id": UUID(int=number), "name": f"Đơn vị {number}", **given})


@pytest.mark.parametrize(
    ("submitted_on", "days", "expected"),
    [
        # A Monday to a Monday: the week between has five working days.
        (date(2026, 11, 30), 5, date(2026, 12, 7)),
        (date(2026, 11, 27), 1, date(2026, 11, 30)),
        (date(2026, 11, 28), 1, date(2026, 11, 30)),
        # New year's day is a holiday.
        (date(2026, 12, 31), 1, date(2027, 1, 4)),
    ],
)
def test_the_window_is_counted_in_working_days(submitted_on: date, days: int, expected: date) -> None:
    assert responses.last_day(submitted_on, days, WorkingCalendar({})) == expected


def test_every_party_has_the_same_last_day() -> None:
    before = [party(1, confirmed_at=EARLIER, lapsed_at=EARLIER), party(2)]
    assert responses.opened(before, LAST_DAY) == [party(1, respond_by=LAST_DAY), party(2, respond_by=LAST_DAY)]


def test_of_a_task_that_went_back_nobody_is_waited_for() -> None:
    assert responses.void([party(1, confirmed_at=NOW, respond_by=LAST_DAY, lapsed_at=NOW)]) == [party(1)]


def test_who_has_answered_does_not_lapse() -> None:
    answered, silent = party(1, confirmed_at=EARLIER, respond_by=LAST_DAY), party(2, respond_by=LAST_DAY)
    after, lapsed = responses.lapsed([answered, silent], NOW)
    assert after == [answered, silent.model_copy(update={"confirmed_at": NOW, "lapsed_at": NOW})]
    assert lapsed == after[1:]
