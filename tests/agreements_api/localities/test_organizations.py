"""Organisations: who may make and change them, and what the other services are told."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from agreements_api.localities.models import UnitLevel
from agreements_api.policy import Role
from shared.text import vietnamese_sort_key
from tests.agreements_api.conftest import Caller, Registry

Problem = Callable[[httpx.Response, int], dict[str, Any]]


async def create(operator: Caller, unit: UUID, name: str = "UBND thị xã Đông Triều", **more: Any) -> httpx.Response:
    body = {"name": name, "kind": "peoples_committee", "unit_id": str(unit), **more}
    return await operator.post("/v1/organizations", body)


async def created(operator: Caller, registry: Registry, **more: Any) -> dict[str, Any]:
    unit = await registry.unit()
    answer = await create(operator, unit.id, f"UBND {uuid4().hex[:8]}", **more)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_new_organisation_is_shown_and_published(registry: Registry, operator: Caller) -> None:
    province = await registry.unit("Tỉnh Quảng Ninh", level=UnitLevel.PROVINCE)
    unit = await registry.unit("Thị xã Đông Triều", parent=province)
    answer = await create(operator, unit.id, contact={"phone": "0203 3670 000"})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert answer.headers["location"] == f"/v1/organizations/{body['id']}"
    assert (body["version"], body["unit"]["province"]["name"]) == (1, "Tỉnh Quảng Ninh")
    assert body["contact"] == {"name": None, "title": None, "phone": "0203 3670 000", "email": None}
    again = await operator.get(answer.headers["location"])
    assert (again.json(), again.headers["etag"]) == (body, answer.headers["etag"])
    (event,) = await registry.outbox(UUID(body["id"]))
    snapshot = event["data"]["organization"]
    assert (event["type"], snapshot["version"], snapshot["people"]) == ("vn.lienvung.organization.changed.v1", 1, [])
    assert snapshot["unit"]["province"] == {"id": str(province.id), "name": "Tỉnh Quảng Ninh"}
    assert event["data"]["members"] == [body["id"]]


async def test_those_above_are_told_as_well(registry: Registry, operator: Caller) -> None:
    above = await created(operator, registry)
    below = await created(operator, registry, superior_organization_id=above["id"])
    (event,) = await registry.outbox(UUID(below["id"]))
    assert set(event["data"]["members"]) == {below["id"], above["id"]}
    assert event["data"]["organization"]["superior_organization_id"] == above["id"]


async def test_a_patch_changes_what_it_names_and_null_clears(registry: Registry, operator: Caller) -> None:
    body = await created(operator, registry, short_name="UBND", contact={"name": "Văn phòng", "title": "Đầu mối"})
    path = f"/v1/organizations/{body['id']}"
    answer = await operator.patch(path, {"short_name": None, "contact": {"title": None}}, **{"If-Match": '"v1"'})
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["short_name"], changed["contact"]["name"], changed["contact"]["title"]) == (None, "Văn phòng", None)
    assert (changed["name"], changed["version"]) == (body["name"], 2)
    assert (await operator.get(path)).headers["etag"] == answer.headers["etag"]
    last = (await registry.outbox(UUID(body["id"])))[-1]["data"]
    assert last["version"] == 2
    assert {change["field"] for change in last["changes"]} == {"short_name", "contact_title"}


async def test_a_patch_that_changes_nothing_makes_no_version(registry: Registry, operator: Caller) -> None:
    body = await created(operator, registry)
    path = f"/v1/organizations/{body['id']}"
    answer = await operator.patch(path, {"name": body["name"]}, **{"If-Match": '"v1"'})
    assert (answer.status_code, answer.json()) == (200, body)
    assert len(await registry.outbox(UUID(body["id"]))) == 1


async def test_a_change_needs_the_version_it_was_decided_on(
    registry: Registry, operator: Caller, problem: Problem
) -> None:
    path = f"/v1/organizations/{(await created(operator, registry))['id']}"
    problem(await operator.patch(path, {"short_name": "A"}), 428)
    problem(await operator.patch(path, {"short_name": "A"}, **{"If-Match": '"v9"'}), 412)
    assert (await operator.get(path)).json()["short_name"] is None


async def test_of_two_changes_at_once_one_is_told_to_read_again(registry: Registry, operator: Caller) -> None:
    path = f"/v1/organizations/{(await created(operator, registry))['id']}"
    answers = await asyncio.gather(
        *(operator.patch(path, {"short_name": name}, **{"If-Match": '"v1"'}) for name in ("A", "B"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_its_administrator_changes_the_contact_but_not_the_name(
    registry: Registry, operator: Caller, problem: Problem
) -> None:
    organization = await registry.organization()
    administrator = await registry.caller(organization, Role.ADMINISTRATOR)
    path = f"/v1/organizations/{organization.id}"
    seen = await administrator.get(path)
    assert seen.json()["allowed_actions"] == ["update"]
    tag = {"If-Match": seen.headers["etag"]}
    refused = problem(await administrator.patch(path, {"name": "UBND khác", "contact": None}, **tag), 403)
    assert [error["pointer"] for error in refused["errors"]] == ["/name"]
    answer = await administrator.patch(path, {"contact": {"email": "vp@demo.lienvung.example"}}, **tag)
    assert answer.json()["contact"]["email"] == "vp@demo.lienvung.example"
    assert (await operator.get(path)).json()["allowed_actions"] == ["update", "govern"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SPECIALIST, Role.LEADER])
async def test_nobody_else_changes_an_organisation(registry: Registry, problem: Problem, role: Role) -> None:
    organization = await registry.organization()
    caller = await registry.caller(organization, role)
    path = f"/v1/organizations/{organization.id}"
    problem(await caller.patch(path, {"short_name": "A"}, **{"If-Match": '"v1"'}), 403)
    problem(await create(caller, organization.unit_id), 403)


async def test_another_organisations_administrator_changes_nothing(registry: Registry, problem: Problem) -> None:
    stranger = await registry.caller(await registry.organization(), Role.ADMINISTRATOR)
    path = f"/v1/organizations/{(await registry.organization()).id}"
    problem(await stranger.patch(path, {"short_name": "A"}, **{"If-Match": '"v1"'}), 403)


async def test_a_cycle_of_superiors_is_refused(registry: Registry, operator: Caller, problem: Problem) -> None:
    above = await created(operator, registry)
    below = await created(operator, registry, superior_organization_id=above["id"])
    for superior in (below["id"], above["id"]):
        answer = await operator.patch(
            f"/v1/organizations/{above['id']}", {"superior_organization_id": superior}, **{"If-Match": '"v1"'}
        )
        body = problem(answer, 422)
        assert [(error["pointer"], error["code"]) for error in body["errors"]] == [
            ("/superior_organization_id", "superior_cycle")
        ]


async def test_of_two_changes_that_make_a_cycle_together_one_is_refused(registry: Registry, operator: Caller) -> None:
    one, two = await created(operator, registry), await created(operator, registry)
    answers = await asyncio.gather(
        *(
            operator.patch(
                f"/v1/organizations/{below['id']}", {"superior_organization_id": above["id"]}, **{"If-Match": '"v1"'}
            )
            for below, above in ((one, two), (two, one))
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422]


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("unit_id", str(UUID(int=1)), "/unit_id"),
        ("superior_organization_id", str(UUID(int=1)), "/superior_organization_id"),
        ("kind", "club", "/kind"),
        ("name", "   ", "/name"),
        ("name", None, "/name"),
        ("contact", {"email": "nobody"}, "/contact/email"),
        ("unheard_of", 1, "/unheard_of"),
    ],
)
async def test_a_wrong_field_is_named(
    registry: Registry, operator: Caller, problem: Problem, field: str, value: Any, pointer: str
) -> None:
    answer = await create(operator, (await registry.unit()).id, **{field: value})
    assert [error["pointer"] for error in problem(answer, 422)["errors"]] == [pointer]


async def test_a_unit_has_no_two_organisations_of_one_name(
    registry: Registry, operator: Caller, problem: Problem
) -> None:
    unit = await registry.unit()
    assert (await create(operator, unit.id)).status_code == 201
    body = problem(await create(operator, unit.id), 422)
    assert [(error["pointer"], error["code"]) for error in body["errors"]] == [("/name", "taken")]


async def test_of_two_that_take_one_name_at_once_one_is_told_that_it_is_taken(
    registry: Registry, operator: Caller
) -> None:
    for _ in range(5):
        unit = await registry.unit()
        answers = await asyncio.gather(create(operator, unit.id), create(operator, unit.id))
        assert sorted(answer.status_code for answer in answers) == [201, 422]


async def test_lists_filter_search_order_and_page(registry: Registry, operator: Caller) -> None:
    unit = await registry.unit()
    for name in ("Sở Nội vụ", "Sở Y tế", "Sở Giao thông", "Sở Đất đai"):
        await create(operator, unit.id, name, kind="department")
    query: dict[str, Any] = {"unit": str(unit.id), "kind": "department"}
    first = (await operator.get("/v1/organizations", limit=3, count=True, **query)).json()
    rest = (await operator.get("/v1/organizations", limit=3, cursor=first["next_cursor"], **query)).json()
    names = [item["name"] for item in first["items"] + rest["items"]]
    assert names == sorted(names, key=vietnamese_sort_key)
    assert (len(names), first["total"], rest["next_cursor"]) == (4, 4, None)
    found = (await operator.get("/v1/organizations", q="dat dai", **query)).json()["items"]
    assert [item["name"] for item in found] == ["Sở Đất đai"]


async def test_what_was_not_changed_is_not_sent_again(registry: Registry, operator: Caller) -> None:
    path = f"/v1/organizations/{(await created(operator, registry))['id']}"
    seen = await operator.get(path)
    assert (await operator.get(path, headers={"If-None-Match": seen.headers["etag"]})).status_code == 304
    assert (await operator.get(path, headers={"If-None-Match": '"v0"'})).status_code == 200
