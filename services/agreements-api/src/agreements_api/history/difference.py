"""What differs between two states of a record, and which version made the difference. Needs no database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Json = dict[str, Any]
Path: TypeAlias = tuple[str, ...]

# What changes with every version, or follows from something else that is told.
DERIVED = frozenset({"version", "updated_at", "clause_count"})
_KEYS = ("id", "organization_id", "document_id")
_ABSENT = object()


@dataclass(frozen=True)
class Stage:
    """One version: who made it when (`entry`), and the record after it."""

    entry: Json
    state: Json


@dataclass(frozen=True)
class Differing:
    """One value that is another one at the end; `stage` is the version that made it what it is."""

    path: Path
    before: Any
    after: Any
    stage: Stage

    @property
    def field(self) -> str:
        return "/".join(self.path)


def differences(before: Json | None, stages: Sequence[Stage]) -> list[Differing]:
    """What the versions made of the state before them (none: the record was not there), in the order of the fields."""
    if not stages:
        return []
    first: Json = before or {}
    states = [first, *(stage.state for stage in stages)]
    return [
        Differing(path, _plain(old), _plain(new), stages[_last_change(states, path) - 1])
        for path, old, new in _differing(first, states[-1], ())
        if path[0] not in DERIVED
    ]


def _differing(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    """Values that differ, as deep down as both sides have the same parts."""
    if old == new:
        return
    before, after = _parts(old), _parts(new)
    if before is None or after is None:
        if not (_is_nothing(old) and _is_nothing(new)):
            yield path, old, new
        return
    for name in dict.fromkeys((*after, *before)):
        yield from _differing(before.get(name, _ABSENT), after.get(name, _ABSENT), (*path, name))


def _parts(value: Any) -> Mapping[str, Any] | None:
    """The members of an object, or the elements of a list of records by their keys; other values have no parts."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        key = next((key for key in _KEYS if all(key in item for item in value)), None)
        if key is not None:
            return {str(item[key]): item for item in value}
    return {} if value == [] else None


def _last_change(states: Sequence[Json], path: Path) -> int:
    """The number of the state in which the value at the path last became another one."""
    values = [_at(state, path) for state in states]
    return max(number for number in range(1, len(values)) if values[number] != values[number - 1])


def _at(state: Any, path: Path) -> Any:
    for name in path:
        parts = _parts(state)
        if parts is None or name not in parts:
            return None
        state = parts[name]
    return state


def _is_nothing(value: Any) -> bool:
    """A state that was kept before a field existed does not differ from one in which the field is empty."""
    return value is _ABSENT or value is None or value == []


def _plain(value: Any) -> Any:
    return None if value is _ABSENT else value
