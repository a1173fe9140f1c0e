"""The backstop behind the application: without a single check of its own, PostgreSQL still lets nothing through."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

import agreements_api
from agreements_api import policy
from agreements_api.policy import Relation, Role, Rule
from lienvung.postgres import DatabaseAddress
from tests.agreements_api.conftest import Registry
from tests.agreements_api.test_policy_walk import Place, operations, set_up
from tests.agreements_api.walk import OF_ONES_ORGANIZATION, OWN_LISTS, WALK, Subject

# How the application itself keeps a statement to what the caller may see.
SCOPE = re.compile(
    r"(?:exists \(select from|\w+\.(?:agreement_)?id in \(select x\.agreement_id from) agreement_access x"
    r"\s+where (?:x\.agreement_id = [\w.]+\s+and )?x\.organization_id = \$\d+(?:::uuid)?\)"
)


NOT_ANOTHERS = {"create_user", "create_client"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(
    registry: Registry, http: httpx.AsyncClient, app: FastAPI, agreements_database: DatabaseAddress
) -> Place:
    return await set_up(registry, http, app, agreements_database)


@pytest.fixture
def switched_off(monkeypatch: pytest.MonkeyPatch) -> int:
    """Every row of the table allows everybody everything, and no statement of a read asks who may see."""
    everybody = frozenset(Role)
    for action in list(policy._BY_ACTION):
        rule = Rule(action, everybody, frozenset({Relation.ANYONE}))
        monkeypatch.setitem(policy._BY_ACTION, action, [rule])
    switched = 0
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, str) and SCOPE.search(value):
                # The parameter stays in use: PostgreSQL takes no value that a statement does not name.
                monkeypatch.setattr(module, name, SCOPE.sub(_always, value))
                switched += 1
    return switched


def _always(found: re.Match[str]) -> str:
    parameter = re.search(r"\$\d+", found.group())
    assert parameter is not None
    return f"({parameter.group()}::uuid is not null)"


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(agreements_api.__path__, "agreements_api."):
        if found.name.rsplit(".", 1)[-1] == "repository":
            yield importlib.import_module(found.name)


async def test_the_checks_are_really_off(place: Place, switched_off: int) -> None:
    """With them gone a viewer gets through to a step that is a leader's: only the version stops him."""
    assert switched_off > 5
    answer = await place.ask(place.world.person("chilinh", Role.VIEWER), "sign_agreement")
    assert answer.status_code == 412


@pytest.mark.parametrize(
    "operation",
    [
        name
        for name, step in WALK.items()
        # What is made by a stranger becomes his own, and the register of organisations is open to everybody.
        if step.subject not in (Subject.NOBODYS, Subject.SELF) and name not in NOT_ANOTHERS
    ],
)
async def test_a_stranger_gets_nothing_and_changes_nothing(place: Place, switched_off: int, operation: str) -> None:
    _, method, _ = operations(place.document)[operation]
    answer = await place.ask(place.world.person("elsewhere"), operation)
    assert answer.status_code == 404, f"{method} {answer.status_code} {answer.text}"


@pytest.mark.parametrize("operation", [*OWN_LISTS, *OF_ONES_ORGANIZATION])
async def test_a_strangers_lists_hold_nothing_of_others(place: Place, switched_off: int, operation: str) -> None:
    answer = await place.ask(place.world.person("elsewhere"), operation)
    assert answer.json()["items"] == []
