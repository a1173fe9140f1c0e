"""The world that tests of administration happen in, one for each module."""

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
