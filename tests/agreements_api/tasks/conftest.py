"""The world that tests of tasks happen in, one for each module."""

import httpx
import pytest_asyncio

from lienvung.postgres import DatabaseAddress
from tests.agreements_api.agreements.world import Json, World, found
from tests.agreements_api.conftest import Registry


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(registry: Registry, http: httpx.AsyncClient, agreements_database: DatabaseAddress) -> World:
    """The five localities with nothing signed yet, in this module's own database."""
    return await found(registry, http, agreements_database)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def plan(world: World) -> Json:
    """A plan in force that this module's tasks belong to."""
    return await world.plan()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tasks(world: World, plan: Json) -> dict[str, str]:
    """The path of a task in each status, all led by Đông Triều; tests leave them as they are."""
    custodian = world.person("dongtrieu")
    paths = {
        "not_started": f"/v1/tasks/{(await world.task(plan))['id']}",
        "in_progress": await world.under_way(plan),
        "submitted": await world.submitted(plan),
        "completed": await world.submitted(plan),
        "suspended": await world.under_way(plan),
        "cancelled": await world.under_way(plan),
    }
    for key in ("ubnd-kinhmon", "ubnd-chilinh"):
        await world.person(key).step(paths["completed"], "confirm")
    await custodian.step(paths["cancelled"], "cancel", {"reason": "Trùng"})
    await custodian.step(paths["suspended"], "suspend", {"reason": "Chờ nguồn vốn (minh họa)"})
    return paths
