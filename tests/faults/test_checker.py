"""The checker is worth nothing unless it catches what it is there for."""

from dataclasses import replace

import pytest

from tests.faults.checker import Alert, Change, Evidence, check

SOUND = Evidence(
    committed=[Change("a", 1), Change("b", 1), Change("a", 2)],
    travelled=[Change("a", 1), Change("a", 2), Change("b", 1)],
    projections={"a": 2, "b": 1},
    deadlines={"a": 2, "b": 1},
    expected_alerts=[Alert(("a", "overdue_1", "x"))],
    listed_alerts=[Alert(("a", "overdue_1", "x"))],
    mailed=[("a", "overdue_1", "x")],
)


def kinds(evidence: Evidence) -> set[str]:
    return {finding.kind for finding in check(evidence)}


def test_a_sound_run_has_no_finding() -> None:
    assert check(SOUND) == []


def test_a_redelivery_of_what_already_came_is_no_finding() -> None:
    assert check(replace(SOUND, travelled=[*SOUND.travelled, Change("a", 1), Change("a", 2)])) == []


@pytest.mark.parametrize(
    ("seeded", "caught"),
    [
        ({"travelled": [Change("a", 1), Change("b", 1)]}, "lost"),
        ({"travelled": [Change("a", 2), Change("a", 1), Change("b", 1)]}, "inverted"),
        ({"travelled": [*SOUND.travelled, Change("c", 1)]}, "invented"),
        ({"projections": {"a": 1, "b": 1}}, "projection_behind"),
        ({"projections": {"a": 2}}, "projection_missing"),
        ({"deadlines": {"a": 1, "b": 1}}, "deadline_behind"),
        ({"deadlines": {"b": 1}}, "deadline_missing"),
        ({"listed_alerts": []}, "alert_missing"),
        ({"listed_alerts": [*SOUND.listed_alerts, *SOUND.listed_alerts]}, "alert_doubled"),
        ({"mailed": [*SOUND.mailed, *SOUND.mailed]}, "mail_doubled"),
    ],
)
def test_each_seeded_fault_is_caught(seeded: dict[str, object], caught: str) -> None:
    assert caught in kinds(replace(SOUND, **seeded))  # type: ignore[arg-type]


def test_one_doubled_mail_is_allowed_for_each_kill_of_a_sender() -> None:
    doubled = [*SOUND.mailed, *SOUND.mailed]
    assert kinds(replace(SOUND, mailed=doubled, sender_kills=1)) == set()
    assert kinds(replace(SOUND, mailed=[*doubled, *SOUND.mailed], sender_kills=1)) == {"mail_doubled"}
