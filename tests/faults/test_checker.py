"""The checker is worth nothing unless it catches what it is there for."""

from dataclasses import replace
from typing import Any

import pytest

from tests.faults.checker import Alert, Change, Evidence, Outcome, Write, check, compare

SOUND = Evidence(
    committed=[Change("a", 1), Change("b", 1), Change("a", 2), Change("c", 1, "agreement")],
    travelled=[Change("a", 1), Change("c", 1, "agreement"), Change("a", 2), Change("b", 1)],
    fed=[Change("c", 1, "agreement"), Change("a", 1), Change("a", 2), Change("b", 1)],
    kept=[Change("a", 1), Change("a", 2), Change("b", 1)],
    projections={"a": 2, "b": 1, "c": 1},
    deadlines={"a": 2, "b": 1},
    expected_alerts=[Alert(("a", "overdue_1", "x"))],
    possible_alerts=frozenset({("a", "overdue_1", "x"), ("b", "due", "x")}),
    listed_alerts=[Alert(("a", "overdue_1", "x"))],
    expected_mails=[("a", "overdue_1", "x")],
    mailed=[("a", "overdue_1", "x")],
    writes=[
        Write("w1", "report", Outcome.ACKNOWLEDGED, Change("a", 2)),
        Write("w2", "confirm", Outcome.REFUSED),
    ],
    applied={"w1": 1},
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
        ({"travelled": SOUND.travelled[:-1]}, "lost"),
        ({"travelled": [Change("a", 2), Change("a", 1), *SOUND.travelled]}, "inverted"),
        ({"travelled": [*SOUND.travelled, Change("d", 1)]}, "invented"),
        ({"travelled": [*SOUND.travelled, Change("a", 3)]}, "invented"),
        ({"committed": [*SOUND.committed, Change("b", 3)]}, "gap"),
        ({"fed": SOUND.fed[1:]}, "lost"),  # type: ignore[index]
        ({"fed": [Change("a", 2), *SOUND.fed]}, "inverted"),  # type: ignore[misc]
        ({"fed": [*SOUND.fed, Change("a", 2)]}, "doubled"),  # type: ignore[misc]
        ({"kept": SOUND.kept[1:]}, "lost"),  # type: ignore[index]
        ({"kept": [*SOUND.kept, Change("b", 1)]}, "doubled"),  # type: ignore[misc]
        ({"projections": {"a": 1, "b": 1, "c": 1}}, "projection_behind"),
        ({"projections": {"a": 2, "c": 1}}, "projection_missing"),
        ({"deadlines": {"a": 1, "b": 1}}, "deadline_behind"),
        ({"deadlines": {"b": 1}}, "deadline_missing"),
        ({"listed_alerts": []}, "alert_missing"),
        ({"listed_alerts": [*SOUND.listed_alerts, *SOUND.listed_alerts]}, "alert_doubled"),
        ({"listed_alerts": [*SOUND.listed_alerts, Alert(("b", "overdue_1", "x"))]}, "alert_invented"),
        ({"mailed": []}, "mail_missing"),
        ({"mailed": [*SOUND.mailed, *SOUND.mailed]}, "mail_doubled"),
        ({"applied": {}}, "write_lost"),
        ({"applied": {"w1": 2}}, "write_doubled"),
        ({"applied": {"w1": 1, "w2": 1}}, "write_refused_and_applied"),
        ({"writes": [Write("w1", "report", Outcome.ACKNOWLEDGED, Change("a", 3))]}, "write_lost"),
        ({"writes": [Write("w3", "report", Outcome.UNANSWERED)]}, "write_unanswered"),
        ({"put_aside": ["reporting-projections/lienvung.tasks/a"]}, "put_aside"),
        ({"failures": ["500 GET /v1/tasks"]}, "failed_answer"),
    ],
)
def test_each_seeded_fault_is_caught(seeded: dict[str, Any], caught: str) -> None:
    assert caught in kinds(replace(SOUND, **seeded))


def test_one_doubled_mail_is_allowed_for_each_kill_of_a_sender() -> None:
    doubled = [*SOUND.mailed, *SOUND.mailed]
    assert kinds(replace(SOUND, mailed=doubled, sender_kills=1)) == set()
    assert kinds(replace(SOUND, mailed=[*doubled, *SOUND.mailed], sender_kills=1)) == {"mail_doubled"}


def test_an_agreement_has_deadlines_only_where_it_asked_for_signatures_until_a_day() -> None:
    asked = replace(SOUND, signings=frozenset({"c"}))
    assert kinds(replace(asked, deadlines={"a": 2, "b": 1, "c": 1})) == set()
    assert kinds(asked) == {"deadline_missing"}
    assert kinds(replace(SOUND, deadlines={"a": 2, "b": 1, "c": 1})) == {"deadline_behind"}


def test_effects_that_stayed_as_they_were_are_no_finding() -> None:
    assert compare({"alert": ["a", "b"]}, {"alert": ["b", "a"]}) == []


@pytest.mark.parametrize(
    ("after", "caught"),
    [
        ({"alert": ["a", "b", "c"]}, {"effect_twice"}),
        ({"alert": ["a", "b", "b"]}, {"effect_twice"}),
        ({"alert": ["a"]}, {"effect_gone"}),
        ({"alert": ["a", "B"]}, {"effect_twice", "effect_gone"}),
        ({"alert": ["a", "b"], "mail": ["x"]}, {"effect_twice"}),
    ],
)
def test_an_effect_that_changed_when_events_came_again_is_caught(after: dict[str, list[str]], caught: set[str]) -> None:
    assert {finding.kind for finding in compare({"alert": ["a", "b"]}, after)} == caught
