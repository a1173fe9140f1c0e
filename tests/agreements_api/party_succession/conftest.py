"""The world that tests of succession happen in, one for each module."""

import httpx
import pytest_asyncio

from lienvung.postgres import DatabaseAddress
from tests.agreements_api.agreements.world import found
from tests.agreements_api.conftest import Registry
from tests.agreements_api.party_succession.reform import Reform


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reform(registry: Registry, http: httpx.AsyncClient, agreements_database: DatabaseAddress) -> Reform:
    """The five localities and whoever comes to them, in this module's own database."""
    return Reform(await found(registry, http, agreements_database))
