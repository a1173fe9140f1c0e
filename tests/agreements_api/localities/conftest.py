"""Units as the reference data has them, and who asks for them."""

from datetime import date
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI

from agreements_api.localities.loader import Loaded, load_units
from agreements_api.localities.models import Organization
from agreements_api.policy import Role
from tests.agreements_api.conftest import Caller, Registry

BEFORE_REFORM = date(2025, 6, 30)
AFTER_REFORM = date(2025, 7, 1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def loaded(app: FastAPI) -> Loaded:
    """All units of both eras, in this module's database."""
    return await load_units(app.state.database)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def agency(registry: Registry) -> Organization:
    """An organisation whose unit is in nobody's way: it ended before both eras."""
    return await registry.organization(unit=await registry.unit("Đơn vị thử", valid_to=date(1990, 12, 31)))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def viewer(registry: Registry, agency: Organization) -> Caller:
    return await registry.caller(agency, Role.VIEWER)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operator(registry: Registry) -> Caller:
    return await registry.caller(None)


class Atlas:
    """Looks units up as a frontend does."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def all(self, path: str = "/v1/units", **query: Any) -> list[dict[str, Any]]:
        """Every item of a list, page after page."""
        items: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            answer = await self._caller.get(path, **{"limit": 200, **query, **cursor})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = {"cursor": page["next_cursor"]}

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        answer = await self._caller.get(path, **query)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def one(self, level: str, code: str, on: date | str) -> dict[str, Any]:
        (unit,) = await self.all(level=level, code=code, on=str(on))
        return unit

    async def successors(self, unit: dict[str, Any], on: date | str, **query: Any) -> list[dict[str, Any]]:
        return await self.all(f"/v1/units/{unit['id']}/successors", on=str(on), **query)


@pytest.fixture(scope="module")
def atlas(viewer: Caller, loaded: Loaded) -> Atlas:
    return Atlas(viewer)
