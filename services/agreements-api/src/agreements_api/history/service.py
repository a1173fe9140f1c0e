"""Telling what changed between two states of a record."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.events import Change


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any], fields: Iterable[str]) -> list[Change]:
    """The named fields that differ, as plain JSON values."""
    return [
        Change(field=field, from_=plain(before.get(field)), to=plain(after.get(field)))
        for field in fields
        if before.get(field) != after.get(field)
    ]


def plain(value: Any) -> Any:
    """A value as it stands in JSON."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value


def as_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    return [change.model_dump(mode="json", by_alias=True) for change in changes]
