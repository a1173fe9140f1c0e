"""What a slip does downstream: a rule on dates and working days, without a database."""

from datetime import date, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from agreements_api.task_dependencies.slips import Link, Planned, project, slip_of
from shared.calendar import WorkingCalendar

CALENDAR = WorkingCalendar()
A, B, C, D = (UUID(int=number) for number in range(1, 5))


def plan(*given: tuple[UUID, str, date | None]) -> dict[UUID, Planned]:
    return {task_id: Planned(task_id, status, due_on) for task_id, status, due_on in given}


def test_a_task_behind_moves_by_as_many_working_days() -> None:
    tasks = plan((A, "in_progress", date(2026, 11, 30)), (B, "not_started", date(2026, 12, 18)))
    # Monday to Friday of the same week: four working days.
    [moved] = project(tasks, [Link(B, A, 0)], A, date(2026, 12, 4), CALENDAR)
    assert (moved.earliest_start_on, moved.due_on, moved.slip) == (date(2026, 12, 7), date(2026, 12, 24), 4)
    assert (moved.behind, moved.cannot_be_met) == ((A,), False)


def test_the_lag_is_counted_in_working_days() -> None:
    tasks = plan((A, "in_progress", date(2026, 12, 28)), (B, "not_started", date(2027, 1, 29)))
    # 31 December and then New Year's Day, a weekend: Monday 4 January is the first day after three working days.
    [moved] = project(tasks, [Link(B, A, 3)], A, date(2026, 12, 28), CALENDAR)
    assert (moved.earliest_start_on, moved.slip, moved.due_on) == (date(2027, 1, 4), 0, date(2027, 1, 29))


def test_a_slip_goes_on_along_the_chain_and_the_latest_predecessor_decides() -> None:
    tasks = plan(
        (A, "in_progress", date(2026, 11, 30)),
        (B, "not_started", date(2026, 12, 4)),
        (C, "not_started", date(2026, 12, 11)),
        (D, "not_started", date(2026, 12, 31)),
    )
    links = [Link(B, A, 0), Link(D, B, 0), Link(D, C, 0)]
    # Two days late: B ends on the 8th, and D still waits for C, which is on time.
    moved = {one.task_id: one for one in project(tasks, links, A, date(2026, 12, 2), CALENDAR)}
    assert (moved[B].due_on, moved[B].slip) == (date(2026, 12, 8), 2)
    assert (moved[D].due_on, moved[D].slip) == (date(2026, 12, 31), 0)
    # Ten days late: B ends after C, and D moves by what is left.
    moved = {one.task_id: one for one in project(tasks, links, A, date(2026, 12, 14), CALENDAR)}
    assert (moved[B].due_on, moved[D].slip) == (date(2026, 12, 18), 5)
    assert C not in moved


def test_nothing_is_brought_forward() -> None:
    tasks = plan((A, "in_progress", date(2026, 11, 30)), (B, "not_started", date(2026, 12, 18)))
    [moved] = project(tasks, [Link(B, A, 0)], A, date(2026, 11, 2), CALENDAR)
    assert (moved.due_on, moved.slip) == (date(2026, 12, 18), 0)
    assert slip_of(date(2026, 11, 30), date(2026, 11, 2), CALENDAR) == 0


def test_a_task_that_could_begin_only_after_its_deadline_is_named() -> None:
    tasks = plan((A, "in_progress", date(2026, 11, 30)), (B, "not_started", date(2026, 12, 4)))
    [moved] = project(tasks, [Link(B, A, 0)], A, date(2026, 12, 31), CALENDAR)
    assert moved.cannot_be_met


def test_what_is_over_neither_moves_nor_holds_anybody_up() -> None:
    tasks = plan(
        (A, "in_progress", date(2026, 11, 30)),
        (B, "completed", date(2026, 12, 4)),
        (C, "cancelled", date(2026, 12, 11)),
        (D, "not_started", date(2026, 12, 31)),
    )
    links = [Link(B, A, 0), Link(C, A, 0), Link(D, B, 0), Link(D, C, 0)]
    assert project(tasks, links, A, date(2027, 6, 30), CALENDAR) == []


def test_without_dates_nothing_can_be_said_of_what_comes_after() -> None:
    tasks = plan((A, "in_progress", None), (B, "not_started", None), (C, "not_started", date(2026, 12, 31)))
    b, c = project(tasks, [Link(B, A, 0), Link(C, B, 0)], A, date(2026, 12, 4), CALENDAR)
    assert (b.earliest_start_on, b.due_on, b.slip) == (date(2026, 12, 7), None, 0)
    assert (c.earliest_start_on, c.due_on, c.slip) == (None, date(2026, 12, 31), 0)


@given(st.data())
def test_no_deadline_comes_earlier_and_each_comes_after_what_it_waits_for(data: st.DataObject) -> None:
    number = data.draw(st.integers(2, 8))
    first = date(2026, 3, 2)
    days = st.integers(0, 300)
    tasks = plan(
        *((UUID(int=at), "not_started", first + timedelta(days=data.draw(days))) for at in range(1, number + 1))
    )
    # Only to later numbers, so that there is no cycle.
    links = [
        Link(UUID(int=later), UUID(int=earlier), data.draw(st.integers(0, 5)))
        for later in range(2, number + 1)
        for earlier in range(1, later)
        if data.draw(st.booleans())
    ]
    projected = project(tasks, links, A, first + timedelta(days=data.draw(days)), CALENDAR)
    order = [one.task_id for one in projected]
    assert len(order) == len(set(order))
    for one in projected:
        before = tasks[one.task_id].due_on
        assert one.due_on is not None
        assert before is not None
        assert one.due_on >= before
        assert all(order.index(other) < order.index(one.task_id) for other in one.behind if other in order)
