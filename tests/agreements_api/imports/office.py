"""People who send files, and the worker that reads them."""

from dataclasses import dataclass
from typing import Any

import httpx

from agreements_api.config import Settings
from agreements_api.imports.jobs import expire, make_reader, work_next
from shared.db import Database
from tests.agreements_api.agreements.world import Json, Person, World, accepted


@dataclass(frozen=True)
class Office:
    """A running application with a worker that works when it is told to."""

    world: World
    settings: Settings
    database: Database

    async def send(self, person: Person, content: bytes, *, name: str = "bang.xlsx", **fields: Any) -> httpx.Response:
        """The form as a frontend sends it."""
        data = {field: str(value).lower() if isinstance(value, bool) else str(value) for field, value in fields.items()}
        return await self.world.http.post(
            "/v1/imports", headers=person.unsafe(), data=data, files={"file": (name, content)}
        )

    async def work(self, **changes: Any) -> None:
        """Until nothing waits any more."""
        settings = self.settings.model_copy(update=changes)
        reader = make_reader(settings)
        while await work_next(settings, self.database, reader):
            pass

    async def imported(self, content: bytes, *, person: Person | None = None, **fields: Any) -> Json:
        """A file sent and worked on; gives the import as it is then."""
        person = person or self.world.specialist("dongtrieu")
        sent = accepted(await self.send(person, content, **fields), 202)
        await self.work()
        return await person.read(f"/v1/imports/{sent['id']}")

    async def expire(self) -> int:
        return await expire(self.settings, self.database)

    async def errors(self, job: Json, **query: Any) -> list[Json]:
        page = await self.world.specialist("dongtrieu").read(f"/v1/imports/{job['id']}/errors", **query)
        items: list[Json] = page["items"]
        return items

    async def titles(self, plan: Json) -> list[str]:
        """The tasks of an agreement, as they were assigned."""
        rows = await self.world.rows("select title from task where agreement_id = $1 order by id", plan["id"])
        return [row["title"] for row in rows]
