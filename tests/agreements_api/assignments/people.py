"""People of the case who have an account, and what they handle."""

from uuid import uuid4

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, Person, World, accepted


async def employee(world: World, key: str, *roles: Role) -> Person:
    """Somebody new in a body, with an account of his own."""
    caller = await world.registry.caller(world.organizations[key], *(roles or (Role.SPECIALIST,)))
    return Person(caller.http, caller.actor, caller.token)


async def assign(by: Person, path: str, *people: Person) -> Json:
    """Name who handles it, against the version that was just read."""
    seen = await by.get(f"{path}/assignees")
    body = {"account_ids": [str(person.actor.id) for person in people]}
    answer = await by.http.put(f"{path}/assignees", json=body, headers=by.unsafe(**{"If-Match": seen.headers["etag"]}))
    return accepted(answer, 200)


async def handling(by: Person, path: str) -> set[str]:
    return {item["account_id"] for item in (await by.read(f"{path}/assignees"))["items"]}


async def work_of(by: Person, person: Person) -> list[str]:
    return [item["id"] for item in (await by.read(f"/v1/users/{person.actor.id}/open-work", limit=200))["items"]]


async def hand_over(by: Person, leaving: Person, receiving: str, **more: bool) -> Json:
    answer = await by.post(
        f"/v1/users/{leaving.actor.id}/hand-over", {"to_account_id": receiving, **more}, **{"If-Match": "*"}
    )
    return accepted(answer, 200)


def draft() -> Json:
    return {"instrument": "plan", "title": f"Dự thảo {uuid4().hex[:6]} (minh họa)", "demonstration": True}
