"""The plan of kills: bounded, complete and the same for the same seed."""

from collections import Counter
from random import Random

import pytest

from tests.faults.kills import WEIGHTS, moments, plan


@pytest.mark.parametrize("kills", [20, 60, 73, 200])
def test_a_plan_has_as_many_kills_as_were_asked_for(kills: int) -> None:
    assert len(plan(Random(1), kills)) == kills
    assert len(moments(Random(1), kills, 60.0)) == kills


def test_sixty_kills_reach_every_part_and_the_expensive_ones_about_five_times() -> None:
    shares = Counter(plan(Random(1), 72))
    assert shares.keys() == WEIGHTS.keys()
    assert 4 <= shares["kafka"] <= 6
    assert 4 <= shares["postgres"] <= 6


def test_the_same_seed_makes_the_same_plan_and_another_seed_another() -> None:
    assert plan(Random(7), 60) == plan(Random(7), 60)
    assert plan(Random(7), 60) != plan(Random(8), 60)


def test_moments_rise_within_the_given_seconds() -> None:
    found = moments(Random(3), 60, 120.0)
    assert found == sorted(found)
    assert found[0] >= 0
    assert found[-1] < 120
