"""Which changes of a published schema would break those who read its events."""

from typing import Any

Schema = dict[str, Any]

# Words for people; no reader depends on them.
_PROSE = frozenset({"title", "description", "examples", "default", "$id", "$schema"})


def breaking_changes(old: Schema, new: Schema, path: str = "") -> list[str]:
    """What a reader of the old schema would stumble over, each with its path; additions are free.

    Readers ignore what they do not know, so a new property breaks nobody. A property that disappears, changes its type,
    is no longer always there or takes values it did not take before does, and needs a new version of the event.
    """
    found: list[str] = []
    for section in ("properties", "$defs"):
        before, after = old.get(section, {}), new.get(section, {})
        for name, schema in before.items():
            place = f"{path}/{section}/{name}"
            if name not in after:
                found.append(f"{place} was removed")
            else:
                found += breaking_changes(schema, after[name], place)
    missing = set(old.get("required", [])) - set(new.get("required", []))
    found += [f"{path}/{name} is no longer always there" for name in sorted(missing)]
    if _constraints(old) != _constraints(new):
        found.append(f"{path or '/'} changed its type or values")
    return found


def _constraints(schema: Schema) -> Any:
    """Everything that says which values are possible, without prose and without what is compared member by member."""
    ignored = _PROSE | {"properties", "$defs", "required"}
    return {
        name: [_constraints(item) if isinstance(item, dict) else item for item in value]
        if isinstance(value, list)
        else _constraints(value)
        if isinstance(value, dict)
        else value
        for name, value in schema.items()
        if name not in ignored
    }
