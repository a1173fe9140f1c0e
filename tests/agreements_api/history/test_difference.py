"""Comparing two states of a record, and finding the version that made the difference."""

from typing import Any

from agreements_api.history.difference import Stage, differences

Json = dict[str, Any]


def stages(*states: Json) -> list[Stage]:
    return [Stage({"version": number}, state) for number, state in enumerate(states, start=2)]


def told(before: Json | None, *states: Json) -> list[tuple[str, Any, Any, int]]:
    found = differences(before, stages(*states))
    return [(one.field, one.before, one.after, one.stage.entry["version"]) for one in found]


def test_a_value_is_named_by_the_version_that_made_it_what_it_is() -> None:
    assert told({"title": "A"}, {"title": "B"}, {"title": "C"}, {"title": "C"}) == [("title", "A", "C", 3)]


def test_what_is_again_as_it_was_does_not_differ() -> None:
    assert told({"title": "A"}, {"title": "B"}, {"title": "A"}) == []


def test_what_every_version_changes_is_not_told() -> None:
    assert told({"version": 1, "updated_at": "x", "a": 1}, {"version": 2, "updated_at": "y", "a": 1}) == []


def test_records_of_a_list_are_compared_by_their_keys() -> None:
    before = {"coordinating": [{"organization_id": "k", "due_on": None}, {"organization_id": "c", "due_on": None}]}
    after = {
        "coordinating": [{"organization_id": "c", "due_on": "2026-12-01"}, {"organization_id": "n", "due_on": None}]
    }
    assert told(before, after) == [
        ("coordinating/c/due_on", None, "2026-12-01", 2),
        ("coordinating/n", None, {"organization_id": "n", "due_on": None}, 2),
        ("coordinating/k", {"organization_id": "k", "due_on": None}, None, 2),
    ]


def test_the_order_of_a_list_of_records_is_no_difference_and_that_of_values_is() -> None:
    one, two = {"id": "1"}, {"id": "2"}
    assert told({"parties": [one, two]}, {"parties": [two, one]}) == []
    assert told({"fields": ["a", "b"]}, {"fields": ["b", "a"]}) == [("fields", ["a", "b"], ["b", "a"], 2)]


def test_the_first_of_a_list_and_the_last_to_go_are_told_by_themselves() -> None:
    one = {"id": "1", "name": "x"}
    assert told({"parties": []}, {"parties": [one]}) == [("parties/1", None, one, 2)]
    assert told({"parties": [one]}, {"parties": []}) == [("parties/1", one, None, 2)]


def test_an_object_that_comes_is_whole_and_one_that_changes_is_told_by_its_parts() -> None:
    report = {"percent": 40, "narrative": "x"}
    assert told({"last_report": None}, {"last_report": report}) == [("last_report", None, report, 2)]
    assert told({"last_report": report}, {"last_report": report | {"percent": 60}}) == [
        ("last_report/percent", 40, 60, 2)
    ]


def test_a_field_that_an_old_state_does_not_know_is_no_difference_while_it_is_empty() -> None:
    assert told({"title": "A"}, {"title": "A", "sign_by": None, "parts": []}) == []
    assert told({"title": "A"}, {"title": "A", "sign_by": "2026-12-01"}) == [("sign_by", None, "2026-12-01", 2)]


def test_a_record_that_was_not_there_comes_from_nothing() -> None:
    assert told(None, {"title": "A", "note": None}) == [("title", None, "A", 2)]


def test_without_versions_there_is_no_difference() -> None:
    assert differences({"title": "A"}, []) == []
