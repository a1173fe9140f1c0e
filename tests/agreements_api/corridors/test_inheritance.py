"""Which segments came to their owner by a succession, and which of them a decision is about."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from agreements_api.corridors.models import Segment
from agreements_api.corridors.repository import Passed
from agreements_api.corridors.succession import Inherited, inherited_from
from agreements_api.party_succession.following import Heir
from agreements_api.party_succession.segments import Inheritance, to_give

OLD, FIRST, SECOND, OTHER, TASK = (UUID(int=number) for number in range(1, 6))
ADDED = Passed("add_segment", None)
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        ([], set()),
        ([ADDED], set()),
        ([ADDED, Passed("succeed_segment", OLD)], {OLD}),
        ([ADDED, Passed("succeed_segment", OLD), Passed("succeed_segment", FIRST)], {OLD, FIRST}),
        ([ADDED, Passed("succeed_segment", OLD), Passed("decide_succession", FIRST)], {OLD, FIRST}),
        # What came before it was given otherwise is no inheritance of whoever has it now.
        ([ADDED, Passed("succeed_segment", OLD), Passed("hand_over_segment", FIRST)], set()),
        ([ADDED, Passed("hand_over_segment", OLD), Passed("succeed_segment", OTHER)], {OTHER}),
    ],
    ids=["nothing", "own", "once", "twice", "decided", "handed_over", "after_a_hand_over"],
)
def test_an_inheritance_goes_back_to_whoever_was_given_it_otherwise(passed: list[Passed], expected: set[UUID]) -> None:
    assert inherited_from(passed) == expected


def inherited(*, owner: UUID = FIRST, before: UUID = OLD, task_id: UUID | None = None) -> Inherited:
    segment = Segment(
        corridor_id=UUID(int=8),
        agreement_id=UUID(int=9),
        organization_id=owner,
        position=10,
        name="Đoạn",
        created_at=NOW,
        updated_at=NOW,
    )
    return Inherited(segment, task_id, frozenset({before}))


def decision(*, task_id: UUID | None = None, apart: frozenset[UUID] = frozenset(), heir: UUID = SECOND) -> Inheritance:
    taker = Heir(heir, "UBND", UUID(int=10), "Phường", ())
    return Inheritance(task_id, apart, frozenset({OLD}), frozenset({FIRST}), taker)


@pytest.mark.parametrize(
    ("one", "decided", "goes"),
    [
        (inherited(), decision(), True),
        (inherited(task_id=TASK), decision(), True),
        (inherited(task_id=TASK), decision(apart=frozenset({TASK})), False),
        (inherited(task_id=TASK), decision(task_id=TASK), True),
        (inherited(), decision(task_id=TASK), False),
        (inherited(owner=OTHER), decision(), False),
        (inherited(before=OTHER), decision(), False),
        # Whoever has it is confirmed.
        (inherited(), decision(heir=FIRST), False),
    ],
    ids=["all", "of_a_task", "apart_before", "its_task", "another_task", "owned_by_others", "from_others", "confirmed"],
)
def test_a_decision_is_about_what_came_by_the_promise_that_it_decides(
    one: Inherited, decided: Inheritance, goes: bool
) -> None:
    assert [heir.organization_id for _, heir in to_give([one], [decided])] == [SECOND] * goes
