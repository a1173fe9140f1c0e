"""Asking for worklists, and taking the step that an item names."""

from typing import Any

from tests.agreements_api.agreements.world import Json, Person, accepted

MY_WORK = "/v1/my-work"


async def work(person: Person, **query: Any) -> list[Json]:
    items: list[Json] = (await person.read(MY_WORK, limit=200, **query))["items"]
    return items


async def of(person: Person, subject_id: str, **query: Any) -> Json | None:
    """The item about a record, where there is one."""
    found = [item for item in await work(person, **query) if item["subject"]["id"] == subject_id]
    assert len(found) <= 1
    return found[0] if found else None


async def waiting(person: Person, subject_id: str, **query: Any) -> Json:
    item = await of(person, subject_id, **query)
    assert item is not None
    return item


async def take(person: Person, item: Json, body: Any = None) -> Json:
    """The step that the item names, on the version that it shows."""
    action, version = item["action"], item["subject"]["version"]
    assert action["method"] == "POST"
    return accepted(await person.post(action["href"], body, **{"If-Match": f'"v{version}"'}), 200, 201)
