"""Focal points: several of an organisation, in its own order, of which the first stands in the organisation itself."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from agreements_api.localities.models import Organization
from agreements_api.policy import Role
from tests.agreements_api.conftest import Caller, Registry

Problem = Callable[[httpx.Response, int], dict[str, Any]]


async def administered(registry: Registry) -> tuple[Caller, str]:
    organization = await registry.organization()
    administrator = await registry.caller(organization, Role.ADMINISTRATOR)
    return administrator, f"/v1/organizations/{organization.id}"


async def add(administrator: Caller, path: str, name: str, **more: Any) -> dict[str, Any]:
    answer = await administrator.post(f"{path}/contacts", {"name": name, **more})
    assert answer.status_code == 201, answer.text
    contact: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{path}/contacts/{contact['id']}"
    return contact


async def names(caller: Caller, path: str) -> list[str]:
    return [item["name"] for item in (await caller.get(f"{path}/contacts")).json()["items"]]


async def test_focal_points_stand_in_the_order_that_was_given(registry: Registry) -> None:
    administrator, path = await administered(registry)
    for name, place in (("B", None), ("C", None), ("A", 1), ("D", 999)):
        await add(administrator, path, name, **({"position": place} if place else {}))
    assert await names(administrator, path) == ["A", "B", "C", "D"]
    items = (await administrator.get(f"{path}/contacts")).json()["items"]
    assert [item["position"] for item in items] == [1, 2, 3, 4]


async def test_a_move_takes_the_others_along_and_their_tags_tell(registry: Registry) -> None:
    administrator, path = await administered(registry)
    one, _, three = [await add(administrator, path, name) for name in "ABC"]
    moved = await administrator.patch(f"{path}/contacts/{three['id']}", {"position": 1}, **{"If-Match": '"v1"'})
    assert (moved.status_code, moved.json()["position"]) == (200, 1)
    assert await names(administrator, path) == ["C", "A", "B"]
    seen = await administrator.get(f"{path}/contacts/{one['id']}")
    assert (seen.json()["position"], seen.headers["etag"]) == (2, '"v2"')


async def test_the_first_one_is_the_contact_of_the_organisation(registry: Registry) -> None:
    administrator, path = await administered(registry)
    first = await add(administrator, path, "Văn phòng", phone="0203 3670 000")
    await add(administrator, path, "Giao thông", field="hạ tầng giao thông")
    organization = await administrator.get(path)
    assert organization.json()["contact"]["name"] == "Văn phòng"
    tag = {"If-Match": organization.headers["etag"]}
    changed = await administrator.patch(path, {"contact": {"title": "Đầu mối"}}, **tag)
    assert changed.status_code == 200, changed.text
    seen = (await administrator.get(f"{path}/contacts/{first['id']}")).json()
    assert (seen["name"], seen["title"], seen["phone"]) == ("Văn phòng", "Đầu mối", "0203 3670 000")
    cleared = await administrator.patch(path, {"contact": None}, **{"If-Match": changed.headers["etag"]})
    assert cleared.json()["contact"]["name"] == "Giao thông"
    assert await names(administrator, path) == ["Giao thông"]


async def test_the_contact_of_a_new_organisation_is_its_first_focal_point(registry: Registry, operator: Caller) -> None:
    unit = await registry.unit()
    body = {"name": "UBND mới", "kind": "peoples_committee", "unit_id": str(unit.id), "contact": {"phone": "0203 1"}}
    created = (await operator.post("/v1/organizations", body)).json()
    [contact] = (await operator.get(f"/v1/organizations/{created['id']}/contacts")).json()["items"]
    assert (contact["position"], contact["phone"], contact["name"]) == (1, "0203 1", None)


async def test_a_patch_changes_what_it_names_and_null_clears(registry: Registry) -> None:
    administrator, path = await administered(registry)
    contact = await add(administrator, path, "A", phone="0203 2", field="du lịch")
    url = f"{path}/contacts/{contact['id']}"
    changed = await administrator.patch(url, {"phone": None, "title": "Phó phòng"}, **{"If-Match": '"v1"'})
    body = changed.json()
    assert (body["name"], body["title"], body["phone"], body["field"]) == ("A", "Phó phòng", None, "du lịch")
    same = await administrator.patch(url, {"title": "Phó phòng"}, **{"If-Match": '"v2"'})
    assert (same.status_code, same.json()["version"]) == (200, 2)


async def test_one_that_is_taken_off_leaves_no_gap(registry: Registry) -> None:
    administrator, path = await administered(registry)
    one, *_ = [await add(administrator, path, name) for name in "ABC"]
    url = f"{path}/contacts/{one['id']}"
    assert (await administrator.delete(url)).status_code == 428
    gone = await administrator.delete(url, **{"If-Match": '"v1"'})
    assert (gone.status_code, gone.content) == (204, b"")
    items = (await administrator.get(f"{path}/contacts")).json()["items"]
    assert [(item["position"], item["name"]) for item in items] == [(1, "B"), (2, "C")]
    assert (await administrator.get(path)).json()["contact"]["name"] == "B"
    assert (await administrator.get(url)).status_code == 404


async def test_every_change_is_told_with_all_focal_points(registry: Registry) -> None:
    administrator, path = await administered(registry)
    contact = await add(administrator, path, "A", field="du lịch", email="dulich@demo.lienvung.example")
    await administrator.delete(f"{path}/contacts/{contact['id']}", **{"If-Match": '"v1"'})
    assert administrator.actor.organization_id is not None
    added, removed = await registry.outbox(administrator.actor.organization_id)
    [told] = added["data"]["organization"]["contacts"]
    assert (told["name"], told["field"], told["email"], told["position"]) == (
        "A",
        "du lịch",
        "dulich@demo.lienvung.example",
        1,
    )
    assert added["data"]["members"] == [str(administrator.actor.organization_id)]
    assert removed["data"]["organization"]["contacts"] == []
    assert [change["from"] for change in removed["data"]["changes"]] == [contact["id"]]


async def test_a_focal_point_may_be_an_account_of_the_same_organisation(registry: Registry, problem: Problem) -> None:
    organization = await registry.organization()
    administrator = await registry.caller(organization, Role.ADMINISTRATOR)
    account = await registry.account(organization, Role.SPECIALIST)
    stranger = await registry.account(await registry.organization(), Role.SPECIALIST)
    path = f"/v1/organizations/{organization.id}/contacts"
    linked = (await administrator.post(path, {"account_id": str(account.id)})).json()
    assert (linked["name"], linked["account_id"]) == (account.name, str(account.id))
    for other in (str(stranger.id), str(uuid4())):
        refused = problem(await administrator.post(path, {"name": "A", "account_id": other}), 422)
        assert [(error["pointer"], error["code"]) for error in refused["errors"]] == [
            ("/account_id", "unknown_reference")
        ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"field": "du lịch"}, "/name"),
        ({"name": "A", "email": "nobody"}, "/email"),
        ({"name": "A", "phone": "x"}, "/phone"),
        ({"name": "A", "position": 0}, "/position"),
        ({"name": "A", "account_id": "x"}, "/account_id"),
        ({"name": "A", "fax": "1"}, "/fax"),
    ],
)
async def test_what_cannot_be_taken_names_its_field(
    registry: Registry, problem: Problem, body: dict[str, Any], pointer: str
) -> None:
    administrator, path = await administered(registry)
    answer = problem(await administrator.post(f"{path}/contacts", body), 422)
    assert [error["pointer"] for error in answer["errors"]] == [pointer]
    assert await names(administrator, path) == []


async def test_who_may_and_who_may_not(registry: Registry, operator: Caller, problem: Problem) -> None:
    organization: Organization = await registry.organization()
    path = f"/v1/organizations/{organization.id}/contacts"
    stranger = await registry.caller(await registry.organization(), Role.ADMINISTRATOR)
    for caller in (await registry.caller(organization, Role.LEADER), stranger):
        problem(await caller.post(path, {"name": "A"}), 403)
    created = (await operator.post(path, {"name": "A"})).json()
    assert created["allowed_actions"] == ["update"]
    seen = (await stranger.get(f"{path}/{created['id']}")).json()
    assert (seen["name"], seen["allowed_actions"]) == ("A", [])
    problem(await stranger.delete(f"{path}/{created['id']}", **{"If-Match": "*"}), 403)
    problem(await operator.post(f"/v1/organizations/{uuid4()}/contacts", {"name": "A"}), 404)
    problem(await operator.get(f"/v1/organizations/{uuid4()}/contacts"), 404)


async def test_additions_at_once_all_find_a_place(registry: Registry) -> None:
    administrator, path = await administered(registry)
    answers = await asyncio.gather(*(administrator.post(f"{path}/contacts", {"name": name}) for name in "ABCDE"))
    assert [answer.status_code for answer in answers] == [201] * 5
    items = (await administrator.get(f"{path}/contacts")).json()["items"]
    assert [item["position"] for item in items] == [1, 2, 3, 4, 5]


async def test_they_come_page_after_page_and_are_limited(registry: Registry, problem: Problem) -> None:
    administrator, path = await administered(registry)
    for number in range(50):
        await add(administrator, path, f"Đầu mối {number}")
    full = problem(await administrator.post(f"{path}/contacts", {"name": "51"}), 409)
    assert full["code"] == "too_many_contacts"
    first = (await administrator.get(f"{path}/contacts", limit=30)).json()
    rest = (await administrator.get(f"{path}/contacts", limit=30, cursor=first["next_cursor"])).json()
    assert [item["position"] for item in first["items"] + rest["items"]] == list(range(1, 51))
    assert rest["next_cursor"] is None
    assert isinstance(administrator.actor.organization_id, UUID)
