"""Telling what changed between two states, and writing it as JSON."""

from datetime import UTC, date, datetime
from uuid import UUID

from agreements_api.history.service import as_json, changes_between


def test_only_what_differs_among_the_named_fields_is_told() -> None:
    before = {"title": "A", "due_on": date(2026, 1, 1), "version": 1}
    after = {"title": "A", "due_on": date(2026, 2, 1), "version": 2}
    changes = changes_between(before, after, ("title", "due_on"))
    assert as_json(changes) == [{"field": "due_on", "from": "2026-01-01", "to": "2026-02-01"}]


def test_the_first_state_comes_from_nothing() -> None:
    moment = datetime(2026, 11, 24, 3, tzinfo=UTC)
    after = {"id": UUID(int=1), "at": moment, "note": None}
    assert as_json(changes_between({}, after, ("id", "at", "note"))) == [
        {"field": "id", "from": None, "to": "00000000-0000-0000-0000-000000000001"},
        {"field": "at", "from": None, "to": "2026-11-24T03:00:00+00:00"},
    ]


def test_two_equal_states_have_no_change() -> None:
    assert changes_between({"a": [1]}, {"a": [1]}, ("a",)) == []
