"""The world that tests of extensions happen in, one for each module."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from lienvung.postgres import DatabaseAddress
from tests.agreements_api.agreements.world import Json, World, found
from tests.agreements_api.conftest import Registry
from tests.agreements_api.days import TODAY, on_day


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(
    registry: Registry, http: httpx.AsyncClient, agreements_database: DatabaseAddress
) -> AsyncIterator[World]:
    """The five localities with nothing signed yet, in this module's own database, on one day whenever it runs."""
    world = await found(registry, http, agreements_database)
    async with on_day(world, TODAY):
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def plan(world: World) -> Json:
    """A plan in force that this module's tasks belong to."""
    return await world.plan()
