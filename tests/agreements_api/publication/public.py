"""The public: whoever reads without a token, and what it takes to show something to it."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.agreements_api.agreements.world import Json, World, accepted

AGREEMENTS = "/v1/public/agreements"


@dataclass(frozen=True)
class Public:
    """Somebody of whom nothing is known."""

    http: httpx.AsyncClient

    async def get(self, path: str, *, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
        return await self.http.get(path, params=query, headers=headers or {})

    async def read(self, path: str, **query: Any) -> Json:
        return accepted(await self.get(path, **query), 200)

    async def agreement(self, agreement_id: str) -> httpx.Response:
        return await self.get(f"{AGREEMENTS}/{agreement_id}")

    async def changes(self, **query: Any) -> list[Json]:
        """All pages of a list."""
        found: list[Json] = []
        while True:
            page = await self.read(AGREEMENTS, **query)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            query = query | {"cursor": page["next_cursor"]}


async def publish(world: World, plan: Json, *task_ids: str) -> Json:
    """The plan shown to the public by its custodian, with these tasks."""
    path = f"/v1/agreements/{plan['id']}"
    return await world.person("dongtrieu").step(path, "publish", {"task_ids": list(task_ids)})


async def unpublish(world: World, plan: Json) -> Json:
    return await world.person("dongtrieu").step(f"/v1/agreements/{plan['id']}", "unpublish")
