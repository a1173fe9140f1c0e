"""Steps in their order: what each side can do, whatever has been confirmed."""

from itertools import product
from uuid import UUID

import pytest

from agreements_api.boundary_cases.handover import HandoverStep, StepAction, actions, is_handed_over, open_before
from agreements_api.boundary_cases.models import Side

BOTH = frozenset(Side)
CONFIRM, TAKE_BACK = StepAction.CONFIRM, StepAction.TAKE_BACK


def steps(*confirmed: str) -> list[HandoverStep]:
    """A step for each word: the first letters of the sides that have confirmed it."""
    return [
        HandoverStep(UUID(int=number), frozenset(side for side in Side if side[0] in word))
        for number, word in enumerate(confirmed, start=1)
    ]


@pytest.mark.parametrize(
    ("confirmed", "sides", "expected"),
    [
        ("", {Side.FIRST}, (CONFIRM,)),
        ("f", {Side.FIRST}, (TAKE_BACK,)),
        ("f", {Side.SECOND}, (CONFIRM,)),
        ("fs", {Side.FIRST}, ()),
        ("", (), ()),
        ("f", (), ()),
        # One organisation that answers for both sides since their localities merged.
        ("", BOTH, (CONFIRM,)),
        ("f", BOTH, (CONFIRM, TAKE_BACK)),
        ("fs", BOTH, ()),
    ],
)
def test_a_side_confirms_and_takes_back_until_both_have(
    confirmed: str, sides: frozenset[Side], expected: tuple[StepAction, ...]
) -> None:
    [step] = steps(confirmed)
    assert actions([step], step, sides) == expected


@pytest.mark.parametrize(("before", "open_step"), [("", 1), ("f", 1), ("fs", None)])
def test_a_step_waits_for_the_one_before_it(before: str, open_step: int | None) -> None:
    first, second = handover = steps(before, "")
    found = open_before(handover, second)
    assert found == (first if open_step else None)
    assert actions(handover, second, {Side.FIRST}) == (() if open_step else (CONFIRM,))


def test_an_area_is_handed_over_with_its_last_step() -> None:
    for words in product(("", "f", "s", "fs"), repeat=2):
        assert is_handed_over(steps(*words)) == (words == ("fs", "fs"))
