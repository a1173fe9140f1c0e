"""Which steps a deadline has, and when they fire."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.alerts.models import Audience, StepKind
from notifier.alerts.policy import Policy, Step, policies, steps
from notifier.deadlines.models import DeadlineSubject
from shared.calendar import WorkingCalendar
from shared.clock import VN_TZ, end_of, start_of

CALENDAR = WorkingCalendar()
POLICY = Policy()
DAYS = st.dates(date(2020, 1, 1), date(2027, 12, 31))


def named(due_on: date, until: date) -> dict[str, Step]:
    return {step.name: step for step in steps(due_on, CALENDAR, POLICY, until=until)}


def concerning(due_on: date, since: datetime, until: date) -> list[str]:
    return [step.name for step in steps(due_on, CALENDAR, POLICY, until=until) if step.concerns(since)]


def test_a_deadline_is_announced_seven_three_and_one_working_days_before_and_on_its_day() -> None:
    found = named(date(2026, 10, 23), date(2026, 10, 23))
    assert {name: step.day for name, step in found.items()} == {
        "before_7": date(2026, 10, 14),
        "before_3": date(2026, 10, 20),
        "before_1": date(2026, 10, 22),
        "due": date(2026, 10, 23),
    }


def test_steps_fire_at_eight_in_vietnam() -> None:
    assert named(date(2026, 10, 23), date(2026, 10, 23))["due"].fire_at == datetime(2026, 10, 23, 8, tzinfo=VN_TZ)


def test_overdue_is_told_on_three_working_days_and_then_every_fifth() -> None:
    found = steps(date(2026, 9, 28), CALENDAR, POLICY, until=date(2026, 10, 30))
    overdue = [(step.name, step.day) for step in found if step.kind is StepKind.OVERDUE]
    assert overdue == [
        ("overdue_1", date(2026, 9, 29)),
        ("overdue_2", date(2026, 9, 30)),
        ("overdue_3", date(2026, 10, 1)),
        ("overdue_8", date(2026, 10, 8)),
        ("overdue_13", date(2026, 10, 15)),
        ("overdue_18", date(2026, 10, 22)),
        ("overdue_23", date(2026, 10, 29)),
    ]


def test_the_fifth_overdue_working_day_goes_to_the_leaders_and_the_tenth_to_the_superior() -> None:
    found = named(date(2026, 9, 28), date(2026, 10, 30))
    escalations = {name: (step.day, step.audience) for name, step in found.items() if step.kind is StepKind.ESCALATED}
    assert escalations == {
        "escalation_5": (date(2026, 10, 5), Audience.LEADERS),
        "escalation_10": (date(2026, 10, 12), Audience.SUPERIOR),
    }


def test_over_tet_nothing_fires_and_nothing_counts() -> None:
    # Tết 2026: the first day of the lunar year is 17 February; offices are closed around it.
    due_on = date(2026, 2, 13)
    assert CALENDAR.is_working_day(due_on)
    first = named(due_on, date(2026, 3, 10))["overdue_1"].day
    assert not any(CALENDAR.is_working_day(day) for day in _days_between(due_on, first))
    assert first - due_on > timedelta(days=7)


def test_a_swapped_saturday_counts_as_a_working_day() -> None:
    # Saturday 10 January 2026 is worked instead of Friday 2 January.
    found = named(date(2026, 1, 12), date(2026, 1, 12))
    assert found["before_1"].day == date(2026, 1, 10)
    assert named(date(2026, 1, 1), date(2026, 1, 10))["overdue_1"].day == date(2026, 1, 5)


def test_an_override_of_its_own_calendar_moves_the_steps() -> None:
    calendar = WorkingCalendar({date(2026, 10, 22): False})
    found = {step.name: step.day for step in steps(date(2026, 10, 23), calendar, POLICY, until=date(2026, 10, 23))}
    assert found["before_1"] == date(2026, 10, 21)


def test_a_deadline_on_a_sunday_is_announced_on_friday_and_overdue_on_monday() -> None:
    found = named(date(2026, 10, 25), date(2026, 10, 26))
    assert (found["due"].day, found["before_1"].day) == (date(2026, 10, 23), date(2026, 10, 22))
    assert found["overdue_1"].day == date(2026, 10, 26)


def test_a_deadline_that_arrives_past_has_its_latest_overdue_step_and_the_escalations_reached() -> None:
    since = datetime(2026, 10, 20, 10, tzinfo=VN_TZ)
    assert concerning(date(2026, 10, 13), since, date(2026, 10, 20)) == ["overdue_3", "escalation_5"]
    assert concerning(date(2026, 10, 5), since, date(2026, 10, 20)) == ["escalation_5", "overdue_8", "escalation_10"]


def test_a_deadline_that_arrives_late_has_no_announcements_of_days_gone_by() -> None:
    since = datetime(2026, 10, 20, 23, 30, tzinfo=VN_TZ)
    assert concerning(date(2026, 10, 21), since, date(2026, 10, 21)) == ["before_1", "due"]
    since = datetime(2026, 10, 21, 0, 30, tzinfo=VN_TZ)
    assert concerning(date(2026, 10, 21), since, date(2026, 10, 21)) == ["due"]


def test_a_signature_is_asked_of_the_leaders_before_and_on_its_last_day_and_never_overdue() -> None:
    policy = policies(8)[DeadlineSubject.AGREEMENT]
    found = steps(date(2026, 10, 23), CALENDAR, policy, until=date(2026, 12, 31))
    assert [(step.name, step.day, step.kind) for step in found] == [
        ("before_7", date(2026, 10, 14), StepKind.APPROACHING),
        ("before_3", date(2026, 10, 20), StepKind.APPROACHING),
        ("before_1", date(2026, 10, 22), StepKind.APPROACHING),
        ("due", date(2026, 10, 23), StepKind.DUE),
    ]
    assert {step.audience for step in found} == {Audience.SIGNERS}


@pytest.mark.parametrize("due_on", [date.min, date(1900, 1, 1), date(9999, 12, 31)])
def test_dates_that_only_a_mistake_can_be_do_no_harm(due_on: date) -> None:
    since = datetime(2026, 10, 20, 10, tzinfo=VN_TZ)
    found = [name for name in concerning(due_on, since, date(2026, 10, 22)) if name.startswith("overdue")]
    assert len(found) == (0 if due_on.year == 9999 else 1)


@given(due_on=DAYS, offset=st.integers(-30, 60))
def test_every_step_lies_on_a_working_day_not_after_the_end_that_was_asked_for(due_on: date, offset: int) -> None:
    until = due_on + timedelta(days=offset)
    for step in steps(due_on, CALENDAR, POLICY, until=until):
        assert step.day <= until
        assert CALENDAR.is_working_day(step.day)


@given(due_on=DAYS, first=st.integers(-30, 60), second=st.integers(-30, 60))
def test_looking_further_ahead_changes_no_step_that_was_known(due_on: date, first: int, second: int) -> None:
    near, far = sorted((due_on + timedelta(days=first), due_on + timedelta(days=second)))
    known = [step for step in steps(due_on, CALENDAR, POLICY, until=far) if step.day <= near]
    assert steps(due_on, CALENDAR, POLICY, until=near) == known


@given(due_on=DAYS, offset=st.integers(-20, 80))
def test_whenever_a_deadline_arrives_at_most_one_overdue_step_is_past(due_on: date, offset: int) -> None:
    day = due_on + timedelta(days=offset)
    past = [
        step
        for step in steps(due_on, CALENDAR, POLICY, until=day)
        if step.kind is StepKind.OVERDUE and step.day < day and step.concerns(start_of(day))
    ]
    assert len(past) <= 1
    if past:
        assert past[0].day == max(
            step.day for step in steps(due_on, CALENDAR, POLICY, until=day) if step.kind is StepKind.OVERDUE
        )


@given(due_on=DAYS)
def test_a_deadline_known_from_afar_gets_every_step_once(due_on: date) -> None:
    since = end_of(due_on - timedelta(days=60))
    found = steps(due_on, CALENDAR, POLICY, until=due_on + timedelta(days=40))
    assert all(step.concerns(since) for step in found)
    assert len({step.name for step in found}) == len(found)
    assert [step.fire_at for step in found] == sorted(step.fire_at for step in found)


def _days_between(start: date, end: date) -> list[date]:
    return [start + timedelta(days=offset) for offset in range(1, (end - start).days)]
