"""What reads showed, time after time, to be asked for again as of then."""

import re
from datetime import datetime
from typing import Any

from shared import clock
from tests.agreements_api.agreements.world import Json, Person
from tests.agreements_api.history.test_as_of import without_actions

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00")


def with_moments(state: Any) -> Any:
    """A state whose instants compare as such: PostgreSQL leaves zeros at the end of a fraction away, others do not."""
    if isinstance(state, dict):
        return {name: with_moments(value) for name, value in state.items()}
    if isinstance(state, list):
        return [with_moments(value) for value in state]
    return datetime.fromisoformat(state) if isinstance(state, str) and _MOMENT.fullmatch(state) else state


def now() -> str:
    return clock.now().isoformat()


class Looking:
    """What lists and single records showed, time after time."""

    def __init__(self, reader: Person, *paths: str, **query: Any) -> None:
        self._reader, self._paths, self._query = reader, paths, query
        self._seen: list[tuple[str, str, Json]] = []

    async def look(self, *singles: str) -> None:
        for path in self._paths:
            self._seen.append((now(), path, await self._reader.read(path, **self._query)))
        for path in singles:
            self._seen.append((now(), path, await self._reader.read(path)))

    async def again(self) -> int:
        """Every read is what it was, whatever became of the record; gives how many there were."""
        for instant, path, shown in self._seen:
            query = self._query if path in self._paths else {}
            was = await self._reader.read(path, as_of=instant, **query)
            items = shown.get("items")
            expected = without_actions(shown) if items is None else shown | {"items": [*map(without_actions, items)]}
            assert was == expected, (instant, path)
        return len(self._seen)
