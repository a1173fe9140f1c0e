"""How events change deadlines, and with them the alerts that are planned."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from notifier.deadlines.models import Deadline
from notifier.deadlines.service import advance
from shared.events import (
    TaskCancelled,
    TaskCompleted,
    TaskDeadlineChanged,
    TaskEvent,
    TaskExtensionDecided,
    TaskExtensionRequested,
    TaskProgressReported,
    TaskReassigned,
    TaskReopened,
)
from tests.notifier.conftest import TUESDAY, World
from tests.notifier.factories import party, staffed, task_event

DUE = date(2026, 10, 23)
LATER = date(2026, 12, 31)


def replayed(*events: TaskEvent) -> dict[str, Deadline]:
    """The deadlines after these events, by the role of their organisation."""
    known: dict[object, Deadline] = {}
    for event in events:
        deadlines = advance(known, event.task, event.version, event.occurred_at)  # type: ignore[arg-type]
        known = {deadline.organization_id: deadline for deadline in deadlines}
    return {str(deadline.role): deadline for deadline in known.values()}


def test_each_party_has_a_deadline_of_its_own_or_the_tasks() -> None:
    early = DUE - timedelta(days=3)
    found = replayed(
        task_event(
            staffed(),
            due_on=DUE,
            moment=TUESDAY,
            coordinating=[party(staffed(), early)],
            monitoring=[party(staffed())],
        )
    )
    assert {role: deadline.due_on for role, deadline in found.items()} == {
        "lead": DUE,
        "coordinating": early,
        "monitoring": DUE,
    }


def test_an_organisation_that_leads_and_coordinates_has_one_deadline_as_lead() -> None:
    lead = staffed()
    found = replayed(task_event(lead, due_on=DUE, moment=TUESDAY, coordinating=[party(lead, LATER)]))
    assert [(role, deadline.due_on) for role, deadline in found.items()] == [("lead", DUE)]


def test_a_changed_date_begins_a_new_revision_and_another_change_does_not() -> None:
    lead, other, task_id = staffed(), staffed(), uuid4()
    first = task_event(lead, due_on=DUE, moment=TUESDAY, task_id=task_id, coordinating=[party(other, DUE)])
    reported = task_event(
        lead,
        due_on=DUE,
        moment=TUESDAY + timedelta(hours=1),
        kind=TaskProgressReported,
        task_id=task_id,
        version=2,
        percent=40,
        coordinating=[party(other, DUE)],
    )
    moved = task_event(
        lead,
        due_on=LATER,
        moment=TUESDAY + timedelta(hours=2),
        kind=TaskDeadlineChanged,
        task_id=task_id,
        version=3,
        coordinating=[party(other, DUE)],
    )
    assert {role: one.revision for role, one in replayed(first, reported).items()} == {"lead": 1, "coordinating": 1}
    after = replayed(first, reported, moved)
    assert {role: (one.revision, one.since) for role, one in after.items()} == {
        "lead": (2, TUESDAY + timedelta(hours=2)),
        "coordinating": (1, TUESDAY),
    }


@pytest.mark.parametrize("status", ["completed", "cancelled", "suspended"])
def test_a_task_that_is_settled_or_suspended_closes_its_deadlines(status: str) -> None:
    lead, task_id = staffed(), uuid4()
    found = replayed(
        task_event(lead, due_on=DUE, moment=TUESDAY, task_id=task_id),
        task_event(lead, due_on=DUE, moment=TUESDAY, kind=TaskCompleted, task_id=task_id, version=2, status=status),
    )
    assert (found["lead"].is_open, found["lead"].task_version) == (False, 2)


def test_a_resumed_task_looks_forward_from_the_moment_it_was_resumed() -> None:
    lead, task_id = staffed(), uuid4()
    resumed = TUESDAY + timedelta(days=3)
    found = replayed(
        task_event(lead, due_on=DUE, moment=TUESDAY, task_id=task_id),
        task_event(lead, due_on=DUE, moment=TUESDAY, task_id=task_id, version=2, status="suspended"),
        task_event(lead, due_on=DUE, moment=resumed, task_id=task_id, version=3),
    )
    assert (found["lead"].is_open, found["lead"].revision, found["lead"].since) == (True, 1, resumed)


def test_a_reopened_task_is_reminded_of_from_the_moment_it_was_reopened() -> None:
    lead, task_id = staffed(), uuid4()
    reopened = TUESDAY + timedelta(days=3)
    found = replayed(
        task_event(lead, due_on=DUE, moment=TUESDAY, task_id=task_id),
        task_event(lead, due_on=DUE, moment=TUESDAY, task_id=task_id, version=2, status="completed"),
        task_event(lead, due_on=DUE, moment=reopened, kind=TaskReopened, task_id=task_id, version=3),
    )
    assert (found["lead"].is_open, found["lead"].revision, found["lead"].since) == (True, 1, reopened)


def test_an_extension_moves_the_deadline_when_it_is_granted_and_not_before() -> None:
    lead, task_id = staffed(), uuid4()
    events = [
        task_event(lead, due_on=DUE, moment=TUESDAY, task_id=task_id),
        task_event(lead, due_on=DUE, moment=TUESDAY, kind=TaskExtensionRequested, task_id=task_id, version=2),
        task_event(
            lead, due_on=DUE, moment=TUESDAY, kind=TaskExtensionDecided, task_id=task_id, version=3, extension_count=1
        ),
        task_event(lead, due_on=LATER, moment=TUESDAY, kind=TaskDeadlineChanged, task_id=task_id, version=4),
    ]
    waiting, granted = replayed(*events[:3])["lead"], replayed(*events)["lead"]
    assert (waiting.due_on, waiting.revision, waiting.task_version) == (DUE, 1, 3)
    assert (granted.due_on, granted.revision) == (LATER, 2)


def test_a_reassigned_task_is_due_for_its_new_lead_and_no_more_for_the_old_one() -> None:
    old, new, task_id = staffed(), staffed(), uuid4()
    moved = TUESDAY + timedelta(days=1)
    known: dict[UUID, Deadline] = {}
    for event in (
        task_event(old, due_on=DUE, moment=TUESDAY, task_id=task_id),
        task_event(new, due_on=DUE, moment=moved, kind=TaskReassigned, task_id=task_id, version=2),
    ):
        deadlines = advance(known, event.task, event.version, event.occurred_at)
        known = {deadline.organization_id: deadline for deadline in deadlines}
    assert [(known[body.id].is_open, known[body.id].role) for body in (old, new)] == [(False, "lead"), (True, "lead")]
    assert known[new.id].since == moved


def test_an_organisation_that_left_the_task_keeps_a_closed_deadline() -> None:
    lead, other, task_id = staffed(), staffed(), uuid4()
    found = replayed(
        task_event(lead, due_on=DUE, moment=TUESDAY, task_id=task_id, coordinating=[party(other)]),
        task_event(lead, due_on=DUE, moment=TUESDAY, task_id=task_id, version=2),
    )
    assert {role: (one.is_open, one.task_version) for role, one in found.items()} == {
        "lead": (True, 2),
        "coordinating": (False, 2),
    }


async def test_the_steps_of_the_horizon_are_planned_with_the_deadline(world: World) -> None:
    lead, event = staffed(), task_event(staffed(), due_on=DUE, moment=TUESDAY)
    await world.meet(lead)
    await world.learn(event)
    # before_1 is the day after tomorrow at eight: within 48 hours of Tuesday at ten; the day itself is not.
    assert await world.steps(event.task.id) == {"before_3": "planned", "before_1": "planned"}


async def test_a_moved_deadline_takes_its_planned_steps_along(world: World) -> None:
    lead, task_id = staffed(), uuid4()
    await world.learn(task_event(lead, due_on=DUE, moment=TUESDAY, task_id=task_id))
    assert await world.steps(task_id)
    await world.learn(
        task_event(lead, due_on=LATER, moment=TUESDAY, kind=TaskDeadlineChanged, task_id=task_id, version=2)
    )
    assert await world.steps(task_id) == {}


async def test_a_cancelled_task_has_nothing_planned(world: World) -> None:
    lead, task_id = staffed(), uuid4()
    await world.learn(task_event(lead, due_on=DUE, moment=TUESDAY, task_id=task_id))
    await world.learn(
        task_event(lead, due_on=DUE, moment=TUESDAY, kind=TaskCancelled, task_id=task_id, version=2, status="cancelled")
    )
    assert await world.steps(task_id) == {}


async def test_an_event_that_comes_again_changes_nothing(world: World) -> None:
    lead, task_id = staffed(), uuid4()
    first = task_event(lead, due_on=DUE, moment=TUESDAY, task_id=task_id)
    moved = task_event(lead, due_on=LATER, moment=TUESDAY, kind=TaskDeadlineChanged, task_id=task_id, version=2)
    await world.learn(first, moved)
    before = await world.owner.fetch("select * from deadline")
    await world.learn(moved, first, moved)
    assert await world.owner.fetch("select * from deadline") == before
    assert [(row["due_on"], row["revision"]) for row in before] == [(LATER, 2)]


async def test_an_organisation_has_exactly_the_people_of_its_last_event(world: World) -> None:
    body = staffed()
    await world.meet(body)
    leader = body.of("leader")
    await world.learn(replace(body, people=(leader,)).event(TUESDAY, 2))
    rows = await world.owner.fetch("select account_id from person where organization_id = $1", body.id)
    assert [row["account_id"] for row in rows] == [leader.account_id]


async def test_events_of_one_batch_come_to_the_same_as_one_after_the_other(world: World) -> None:
    lead, moved_id, cancelled_id, other_id = staffed(), uuid4(), uuid4(), uuid4()
    await world.meet(lead)
    await world.learn_together(
        task_event(lead, due_on=DUE, moment=TUESDAY, task_id=moved_id),
        task_event(lead, due_on=DUE, moment=TUESDAY, task_id=cancelled_id),
        task_event(lead, due_on=LATER, moment=TUESDAY, kind=TaskDeadlineChanged, task_id=moved_id, version=2),
        task_event(
            lead, due_on=DUE, moment=TUESDAY, kind=TaskCancelled, task_id=cancelled_id, version=2, status="cancelled"
        ),
        task_event(lead, due_on=DUE, moment=TUESDAY, task_id=other_id),
        # Known already: changes nothing.
        task_event(lead, due_on=DUE, moment=TUESDAY, task_id=moved_id, version=2),
    )
    assert await world.steps(moved_id) == {}
    assert await world.steps(cancelled_id) == {}
    assert await world.steps(other_id) == {"before_3": "planned", "before_1": "planned"}
    assert [(row["due_on"], row["revision"]) for row in await world.deadlines(moved_id)] == [(LATER, 2)]
