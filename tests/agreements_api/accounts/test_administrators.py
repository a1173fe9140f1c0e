"""An organisation always keeps somebody who can administer it."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from agreements_api.policy import Role
from tests.agreements_api.conftest import Registry

Problem = Callable[[httpx.Response, int], dict[str, Any]]
REMOVALS: list[dict[str, Any]] = [{"active": False}, {"roles": ["leader"]}]


@pytest.mark.parametrize("removal", REMOVALS)
async def test_the_last_administrator_does_not_remove_himself(
    registry: Registry, problem: Problem, removal: dict[str, Any]
) -> None:
    organization = await registry.organization()
    administrator = await registry.caller(organization, Role.ADMINISTRATOR)
    # Neither of them can do it: one has gone, the other has not come yet.
    await registry.account(organization, Role.ADMINISTRATOR, active=False)
    invited = {"username": f"moi.{organization.id.hex[:12]}", "name": "Mới (minh họa)", "roles": ["administrator"]}
    assert (await administrator.post("/v1/users", invited)).status_code == 201
    path = f"/v1/users/{administrator.actor.id}"
    body = problem(await administrator.patch(path, removal, **{"If-Match": '"v1"'}), 409)
    assert body["code"] == "last_administrator"
    seen = (await administrator.get(path)).json()
    assert (seen["active"], seen["roles"], seen["version"]) == (True, ["administrator"], 1)


@pytest.mark.parametrize("removal", REMOVALS)
async def test_one_of_two_administrators_may_go(registry: Registry, removal: dict[str, Any]) -> None:
    organization = await registry.organization()
    administrator = await registry.caller(organization, Role.ADMINISTRATOR)
    await registry.caller(organization, Role.ADMINISTRATOR)
    answer = await administrator.patch(f"/v1/users/{administrator.actor.id}", removal, **{"If-Match": '"v1"'})
    assert answer.status_code == 200, answer.text


async def test_two_administrators_who_remove_each_other_at_once_leave_one(registry: Registry) -> None:
    organization = await registry.organization()
    one, two = [await registry.caller(organization, Role.ADMINISTRATOR) for _ in range(2)]
    answers = await asyncio.gather(
        one.patch(f"/v1/users/{two.actor.id}", {"active": False}, **{"If-Match": '"v1"'}),
        two.patch(f"/v1/users/{one.actor.id}", {"active": False}, **{"If-Match": '"v1"'}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_the_operator_may_remove_the_last_one(registry: Registry) -> None:
    organization = await registry.organization()
    account = await registry.account(organization, Role.ADMINISTRATOR)
    operator = await registry.caller(None)
    answer = await operator.patch(f"/v1/users/{account.id}", {"active": False}, **{"If-Match": '"v1"'})
    assert answer.status_code == 200, answer.text


async def test_other_changes_of_the_last_one_are_free(registry: Registry) -> None:
    administrator = await registry.caller(await registry.organization(), Role.ADMINISTRATOR)
    body = {"name": "Tên khác", "roles": ["administrator", "leader"]}
    answer = await administrator.patch(f"/v1/users/{administrator.actor.id}", body, **{"If-Match": '"v1"'})
    assert answer.json()["roles"] == ["administrator", "leader"]
