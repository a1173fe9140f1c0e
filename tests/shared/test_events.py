"""The contracts of events: their schemas in git, and what may change without a new version."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any
from uuid import uuid4

import jsonschema
import pytest

from shared.events import (
    EVENT_TYPES,
    Event,
    EventActor,
    InvalidEnvelope,
    TaskAssigned,
    TaskParty,
    TaskSnapshot,
    envelope_bytes,
    models,
    parse_envelope,
)
from shared.events.compatibility import breaking_changes
from shared.events.export import SCHEMAS, path_of, schema_of, text_of

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ACTOR = EventActor(id=uuid4(), kind="user", name="A")


def assigned() -> TaskAssigned:
    task = TaskSnapshot(
        id=uuid4(),
        version=1,
        agreement_id=uuid4(),
        agreement_title="Kế hoạch",
        title="Nhiệm vụ",
        status="not_started",
        lead=TaskParty(organization_id=uuid4(), name="UBND"),
        created_at=NOW,
        updated_at=NOW,
    )
    return TaskAssigned(version=1, actor=ACTOR, occurred_at=NOW, members=[uuid4()], task=task)


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=lambda kind: kind.type)
def test_the_schema_in_git_is_that_of_the_model(kind: type[Event]) -> None:
    assert path_of(kind).read_text(encoding="utf-8") == text_of(kind)


def test_there_is_no_schema_without_its_event() -> None:
    assert set(SCHEMAS.rglob("*.json")) == {path_of(kind) for kind in EVENT_TYPES.values()}


def events_written() -> Iterator[type[Event]]:
    """Those that the files of every subject define, whether or not anything imports them."""
    for module in iter_modules(models.__path__):
        for kind in vars(import_module(f"{models.__name__}.{module.name}")).values():
            if isinstance(kind, type) and issubclass(kind, Event) and "type" in vars(kind):
                yield kind


def test_the_catalogue_has_the_events_of_every_subject() -> None:
    assert set(events_written()) == set(EVENT_TYPES.values())


def test_an_event_survives_the_journey_and_matches_its_schema() -> None:
    event = assigned()
    raw = envelope_bytes(event, event_id=uuid4(), traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01")
    jsonschema.Draft202012Validator(schema_of(TaskAssigned)).validate(json.loads(raw))
    envelope = parse_envelope(raw)
    assert envelope.data == event
    assert envelope.partitionkey == str(event.task.agreement_id)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "vn.lienvung.task.unheard_of.v1"},
        {"specversion": "0.3"},
        {"subject": "tasks/other"},
        {"data": {}},
        {"data": None},
        {"id": "no uuid"},
    ],
)
def test_bytes_that_match_no_schema_are_named_invalid(change: dict[str, Any]) -> None:
    document = json.loads(envelope_bytes(assigned(), event_id=uuid4())) | change
    with pytest.raises(InvalidEnvelope):
        parse_envelope(document)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff"])
def test_bytes_that_are_no_object_are_named_invalid(raw: bytes) -> None:
    with pytest.raises(InvalidEnvelope):
        parse_envelope(raw)


OLD: dict[str, Any] = {
    "type": "object",
    "required": ["a"],
    "properties": {"a": {"type": "string"}, "b": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
    "$defs": {"X": {"type": "object", "properties": {"c": {"enum": ["x", "y"]}}}},
}


def altered(change: str) -> dict[str, Any]:
    new: dict[str, Any] = json.loads(json.dumps(OLD))
    match change:
        case "remove":
            del new["properties"]["b"]
        case "retype":
            new["properties"]["a"] = {"type": "integer"}
        case "no longer always there":
            new["required"] = []
        case "may be null now":
            new["properties"]["a"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}
        case "remove inside":
            new["$defs"]["X"]["properties"] = {}
        case "new value":
            new["$defs"]["X"]["properties"]["c"]["enum"].append("z")
        case "add optional":
            new["properties"]["d"] = {"type": "string"}
        case "add inside":
            new["$defs"]["X"]["properties"]["e"] = {"type": "string"}
        case "describe":
            new["properties"]["a"]["description"] = "what it is"
    return new


@pytest.mark.parametrize(
    "change", ["remove", "retype", "no longer always there", "may be null now", "remove inside", "new value"]
)
def test_a_change_that_breaks_readers_needs_a_new_version(change: str) -> None:
    assert breaking_changes(OLD, altered(change))


@pytest.mark.parametrize("change", ["add optional", "add inside", "describe", "nothing"])
def test_an_additive_change_does_not(change: str) -> None:
    assert breaking_changes(OLD, altered(change)) == []


PUBLISHED = Path(__file__).parents[1] / "contracts" / "published"


@pytest.mark.parametrize("path", sorted(PUBLISHED.rglob("*.json")), ids=lambda path: path.parent.name)
def test_what_was_published_still_holds(path: Path) -> None:
    current = SCHEMAS / path.relative_to(PUBLISHED)
    assert current.exists(), "a published version was removed"
    assert breaking_changes(json.loads(path.read_text()), json.loads(current.read_text())) == []


def test_every_schema_has_been_published() -> None:
    assert {path.relative_to(PUBLISHED) for path in PUBLISHED.rglob("*.json")} == {
        path.relative_to(SCHEMAS) for path in SCHEMAS.rglob("*.json")
    }
