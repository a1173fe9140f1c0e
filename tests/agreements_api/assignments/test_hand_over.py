"""Leaving staff: all open work in one step, to a colleague, with or without the end of the account."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, Person, World, accepted, problem
from tests.agreements_api.assignments.people import assign, draft, employee, hand_over, handling, work_of
from tests.agreements_api.conftest import PASSWORD

KEY = "ubnd-dongtrieu"


async def busy(world: World, plan: Json, tasks: int = 2) -> tuple[Person, list[str]]:
    """Somebody with open tasks and a draft; the paths of the tasks."""
    person, leader = await employee(world, KEY), world.person(KEY)
    paths = [f"/v1/tasks/{(await world.task(plan))['id']}" for _ in range(tasks)]
    for path in paths:
        await assign(leader, path, person)
    accepted(await person.post("/v1/agreements", draft()), 201)
    return person, paths


async def test_all_open_work_goes_to_the_colleague(world: World, plan: Json) -> None:
    person, paths = await busy(world, plan)
    colleague, administrator = await employee(world, KEY), await employee(world, KEY, Role.ADMINISTRATOR)
    before = await work_of(person, person)
    handed = await hand_over(administrator, person, str(colleague.actor.id))
    assert (handed["tasks"], handed["agreements"], handed["contacts"], handed["deactivated"]) == (2, 1, 0, False)
    assert (await work_of(person, person), sorted(await work_of(colleague, colleague))) == ([], sorted(before))
    for path in paths:
        assert await handling(colleague, path) == {str(colleague.actor.id)}
        [newest, _] = (await colleague.read(f"{path}/assignees/log"))["items"]
        assert (newest["action"], newest["account_id"], newest["to_account_id"], newest["actor_name"]) == (
            "handed_over",
            str(person.actor.id),
            str(colleague.actor.id),
            administrator.actor.name,
        )


async def test_what_is_done_stays_with_who_did_it(world: World, plan: Json) -> None:
    person, _ = await busy(world, plan, tasks=0)
    path = await world.submitted(plan, coordinating=("ubnd-kinhmon",))
    await assign(world.person(KEY), path, person)
    await world.person("ubnd-kinhmon").step(path, "confirm")
    colleague = await employee(world, KEY)
    handed = await hand_over(await employee(world, KEY, Role.ADMINISTRATOR), person, str(colleague.actor.id))
    assert (handed["tasks"], handed["agreements"]) == (0, 1)
    assert await handling(person, path) == {str(person.actor.id)}


async def test_work_that_both_had_is_the_colleagues_once(world: World, plan: Json) -> None:
    person, [path] = await busy(world, plan, tasks=1)
    colleague = await employee(world, KEY)
    await assign(world.person(KEY), path, person, colleague)
    await hand_over(person, person, str(colleague.actor.id))
    assert await handling(colleague, path) == {str(colleague.actor.id)}


async def test_who_leaves_is_signed_out_and_the_others_are_told(world: World, plan: Json) -> None:
    organization = world.organizations[KEY]
    account = await world.registry.account(organization, Role.SPECIALIST)
    session = accepted(
        await world.http.post("/v1/sessions", json={"username": account.username, "password": PASSWORD}), 201
    )
    caller = world.registry.as_account(account, organization)
    person = Person(caller.http, caller.actor, caller.token)
    accepted(await person.post("/v1/agreements", draft()), 201)
    colleague, administrator = await employee(world, KEY), await employee(world, KEY, Role.ADMINISTRATOR)
    handed = await hand_over(administrator, person, str(colleague.actor.id), deactivate=True)
    assert (handed["deactivated"], handed["version"]) == (True, 2)
    form = {"grant_type": "refresh_token", "refresh_token": session["refresh_token"]}
    problem(await world.http.post("/v1/oauth/token", data=form), 401)
    event = (await world.registry.outbox(organization.id))[-1]["data"]
    assert {change["field"] for change in event["changes"]} == {"work", "people"}
    people = {one["account_id"]: one["active"] for one in event["organization"]["people"]}
    assert (people[str(account.id)], people[str(colleague.actor.id)]) == (False, True)


async def test_focal_points_go_along_without_the_former_persons_number(world: World) -> None:
    person, colleague = await employee(world, KEY), await employee(world, KEY)
    administrator = await employee(world, KEY, Role.ADMINISTRATOR)
    path = f"/v1/organizations/{administrator.organization}/contacts"
    body = {"account_id": str(person.actor.id), "title": "Chuyên viên", "phone": "0203 3670 003", "field": "du lịch"}
    contact = accepted(await administrator.post(path, body), 201)
    assert (await hand_over(administrator, person, str(colleague.actor.id)))["contacts"] == 1
    moved = await administrator.read(f"{path}/{contact['id']}")
    assert (moved["account_id"], moved["name"]) == (str(colleague.actor.id), colleague.actor.name)
    assert (moved["title"], moved["phone"], moved["field"]) == (None, None, "du lịch")
    event = (await world.registry.outbox(UUID(administrator.organization)))[-1]["data"]
    told = {one["id"]: one["name"] for one in event["organization"]["contacts"]}
    assert told[contact["id"]] == colleague.actor.name


async def test_whoever_leaves_hands_over_his_own_but_ends_no_account(world: World, plan: Json) -> None:
    person, _ = await busy(world, plan, tasks=1)
    colleague = await employee(world, KEY)
    path = f"/v1/users/{person.actor.id}/hand-over"
    body = {"to_account_id": str(colleague.actor.id)}
    refused = await person.post(path, body | {"deactivate": True}, **{"If-Match": "*"})
    assert [error["pointer"] for error in problem(refused, 403)["errors"]] == ["/deactivate"]
    problem(await colleague.post(path, body, **{"If-Match": "*"}), 403)
    assert len(await work_of(person, person)) == 2
    assert (await hand_over(person, person, str(colleague.actor.id)))["tasks"] == 1


async def test_it_goes_to_an_active_colleague_who_can_work(world: World, plan: Json) -> None:
    person, _ = await busy(world, plan, tasks=0)
    administrator = await employee(world, KEY, Role.ADMINISTRATOR)
    gone = await world.registry.account(world.organizations[KEY], Role.SPECIALIST, active=False)
    for receiving, code in (
        (str(uuid4()), "unknown_reference"),
        (str((await employee(world, "ubnd-kinhmon")).actor.id), "unknown_reference"),
        (str(person.actor.id), "same_person"),
        (str(gone.id), "not_active"),
        (str((await employee(world, KEY, Role.VIEWER)).actor.id), "no_worker"),
    ):
        answer = await administrator.post(
            f"/v1/users/{person.actor.id}/hand-over",
            {"to_account_id": receiving, "deactivate": True},
            **{"If-Match": "*"},
        )
        [error] = problem(answer, 422, "cannot_handle")["errors"]
        assert (error["pointer"], error["code"]) == ("/to_account_id", code)
    assert (await administrator.read(f"/v1/users/{person.actor.id}"))["active"] is True
    assert len(await work_of(person, person)) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/to_account_id"),
        ({"to_account_id": "x"}, "/to_account_id"),
        ({"to_account_id": str(uuid4()), "deactivate": "yes, please"}, "/deactivate"),
        ({"to_account_id": str(uuid4()), "reason": "x"}, "/reason"),
    ],
)
async def test_a_malformed_request_names_its_field(world: World, body: Any, pointer: str) -> None:
    administrator, person = await employee(world, KEY, Role.ADMINISTRATOR), await employee(world, KEY)
    answer = await administrator.post(f"/v1/users/{person.actor.id}/hand-over", body, **{"If-Match": "*"})
    assert pointer in [error["pointer"] for error in problem(answer, 422)["errors"]]


async def test_the_last_administrator_does_not_leave(world: World) -> None:
    administrator = await employee(world, "ubnd-sondong", Role.ADMINISTRATOR, Role.SPECIALIST)
    colleague = await employee(world, "ubnd-sondong")
    accepted(await administrator.post("/v1/agreements", draft()), 201)
    answer = await administrator.post(
        f"/v1/users/{administrator.actor.id}/hand-over",
        {"to_account_id": str(colleague.actor.id), "deactivate": True},
        **{"If-Match": "*"},
    )
    problem(answer, 409, "last_administrator")
    assert len(await work_of(administrator, administrator)) == 1


async def test_the_same_key_hands_over_once(world: World, plan: Json) -> None:
    person, _ = await busy(world, plan, tasks=1)
    colleague, administrator = await employee(world, KEY), await employee(world, KEY, Role.ADMINISTRATOR)
    seen = await administrator.get(f"/v1/users/{person.actor.id}")
    headers = administrator.unsafe(**{"If-Match": seen.headers["etag"]})
    path, body = (
        f"/v1/users/{person.actor.id}/hand-over",
        {"to_account_id": str(colleague.actor.id), "deactivate": True},
    )
    first = await administrator.http.post(path, json=body, headers=headers)
    again = await administrator.http.post(path, json=body, headers=headers)
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    problem(await administrator.post(path, body, **{"If-Match": seen.headers["etag"]}), 412)
    problem(await administrator.post(path, body), 428)


async def test_what_is_given_while_somebody_leaves_is_not_left_behind(world: World, plan: Json) -> None:
    """Either the new task is handed over as well, or it is refused because the account has ended."""
    leader, administrator = world.person(KEY), await employee(world, KEY, Role.ADMINISTRATOR)
    for _ in range(5):
        person, _ = await busy(world, plan, tasks=1)
        colleague = await employee(world, KEY)
        task = f"/v1/tasks/{(await world.task(plan))['id']}/assignees"
        leave, give = await asyncio.gather(
            administrator.post(
                f"/v1/users/{person.actor.id}/hand-over",
                {"to_account_id": str(colleague.actor.id), "deactivate": True},
                **{"If-Match": "*"},
            ),
            leader.http.put(
                task,
                json={"account_ids": [str(person.actor.id)]},
                headers=leader.unsafe(**{"If-Match": "*"}),
            ),
        )
        assert leave.status_code == 200, leave.text
        assert give.status_code in (200, 422), give.text
        assert await work_of(administrator, person) == []
        assert len(await work_of(administrator, colleague)) == (3 if give.status_code == 200 else 2)
