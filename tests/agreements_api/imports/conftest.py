"""Fixtures of the tests of imports."""

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from agreements_api.config import Settings
from lienvung.postgres import DatabaseAddress
from shared.db import Database
from tests.agreements_api.agreements.world import World, found
from tests.agreements_api.conftest import Registry
from tests.agreements_api.imports.office import Office


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(registry: Registry, http: httpx.AsyncClient, agreements_database: DatabaseAddress) -> World:
    return await found(registry, http, agreements_database)


@pytest.fixture(scope="module")
def office(world: World, settings: Settings, app: FastAPI) -> Office:
    database: Database = app.state.database
    return Office(world, settings, database)
