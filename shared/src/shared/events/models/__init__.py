"""The contracts of every event by subject, and the catalogue of their types."""

from collections.abc import Iterator

from shared.events.models import (
    accounts,
    agreements,
    alerts,
    boundary_cases,
    corridors,
    dialogue,
    documents,
    localities,
    meetings,
    reports,
    tasks,
)
from shared.events.models.base import Event

__all__ = [
    "EVENT_TYPES",
    "Event",
    "accounts",
    "agreements",
    "alerts",
    "boundary_cases",
    "corridors",
    "dialogue",
    "documents",
    "localities",
    "meetings",
    "reports",
    "tasks",
]


def _concrete(kind: type[Event]) -> Iterator[type[Event]]:
    for subclass in kind.__subclasses__():
        if "type" in vars(subclass):
            yield subclass
        yield from _concrete(subclass)


EVENT_TYPES: dict[str, type[Event]] = {kind.type: kind for kind in _concrete(Event)}
