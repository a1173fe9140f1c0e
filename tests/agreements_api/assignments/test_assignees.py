"""Who of an organisation handles a task or an agreement: its own business, and nobody else's."""

from typing import Any
from uuid import uuid4

import pytest

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.assignments.people import assign, draft, employee, handling, work_of


async def path_of(world: World, plan: Json) -> str:
    return f"/v1/tasks/{(await world.task(plan, monitoring=('ubnd-sondong',)))['id']}"


async def test_a_participant_names_who_handles_a_task_there(world: World, plan: Json) -> None:
    path = await path_of(world, plan)
    leader, one, two = world.person("ubnd-dongtrieu"), await employee(world, "ubnd-dongtrieu"), None
    named = await assign(leader, path, one)
    assert [(item["account_id"], item["roles"], item["active"]) for item in named["items"]] == [
        (str(one.actor.id), ["specialist"], True)
    ]
    assert (named["version"], named["allowed_actions"]) == (1, ["replace"])
    two = await employee(world, "ubnd-dongtrieu", Role.LEADER)
    assert len((await assign(leader, path, two))["items"]) == 1
    assert await handling(leader, path) == {str(two.actor.id)}
    log = (await leader.read(f"{path}/assignees/log"))["items"]
    assert [(entry["action"], entry["account_id"]) for entry in log] == [
        ("assigned", str(two.actor.id)),
        ("released", str(one.actor.id)),
        ("assigned", str(one.actor.id)),
    ]


async def test_other_participants_do_not_see_who_handles_it_elsewhere(world: World, plan: Json) -> None:
    path = await path_of(world, plan)
    await assign(world.person("ubnd-dongtrieu"), path, await employee(world, "ubnd-dongtrieu"))
    for key in ("ubnd-kinhmon", "ubnd-sondong", "dongtrieu", "haiduong"):
        other = world.person(key)
        assert await handling(other, path) == set()
        assert (await other.read(f"{path}/assignees/log"))["items"] == []
    theirs = await employee(world, "ubnd-kinhmon")
    await assign(world.person("ubnd-kinhmon"), path, theirs)
    assert await handling(world.person("ubnd-kinhmon"), path) == {str(theirs.actor.id)}


async def test_what_a_task_is_stays_untouched(world: World, plan: Json) -> None:
    path = await path_of(world, plan)
    leader = world.person("ubnd-dongtrieu")
    before = await leader.get(path)
    await assign(leader, path, await employee(world, "ubnd-dongtrieu"))
    after = await leader.get(path)
    assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])


async def test_only_colleagues_who_can_work_are_named(world: World, plan: Json) -> None:
    path = await path_of(world, plan)
    leader = world.person("ubnd-dongtrieu")
    gone = await world.registry.account(world.organizations["ubnd-dongtrieu"], Role.SPECIALIST, active=False)
    people = [
        (str((await employee(world, "ubnd-kinhmon")).actor.id), "unknown_reference"),
        (str(gone.id), "not_active"),
        (str((await employee(world, "ubnd-dongtrieu", Role.VIEWER)).actor.id), "no_worker"),
        (str(uuid4()), "unknown_reference"),
    ]
    body = {"account_ids": [account for account, _ in people]}
    answer = await leader.http.put(f"{path}/assignees", json=body, headers=leader.unsafe(**{"If-Match": "*"}))
    errors = problem(answer, 422, "cannot_handle")["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == [
        (f"/account_ids/{place}", code) for place, (_, code) in enumerate(people)
    ]
    assert await handling(leader, path) == set()


@pytest.mark.parametrize("body", [{}, {"account_ids": ["x"]}, {"account_ids": [str(uuid4())] * 21}, {"who": []}])
async def test_a_malformed_list_names_its_field(world: World, plan: Json, body: Any) -> None:
    path = await path_of(world, plan)
    leader = world.person("ubnd-dongtrieu")
    answer = await leader.http.put(f"{path}/assignees", json=body, headers=leader.unsafe(**{"If-Match": "*"}))
    assert pointers(problem(answer, 422))


async def test_a_change_needs_the_list_that_it_was_decided_on(world: World, plan: Json) -> None:
    path = await path_of(world, plan)
    leader, one = world.person("ubnd-dongtrieu"), await employee(world, "ubnd-dongtrieu")
    tag = (await leader.get(f"{path}/assignees")).headers["etag"]
    await assign(leader, path, one)
    body: Json = {"account_ids": []}
    stale = await leader.http.put(f"{path}/assignees", json=body, headers=leader.unsafe(**{"If-Match": tag}))
    problem(stale, 412)
    problem(await leader.http.put(f"{path}/assignees", json=body, headers=leader.unsafe()), 428)
    assert await handling(leader, path) == {str(one.actor.id)}


async def test_the_tag_tells_of_a_colleague_who_left(world: World, plan: Json) -> None:
    path = await path_of(world, plan)
    leader, one = world.person("ubnd-dongtrieu"), await employee(world, "ubnd-dongtrieu")
    await assign(leader, path, one)
    tag = (await leader.get(f"{path}/assignees")).headers["etag"]
    assert (await leader.get(f"{path}/assignees", headers={"If-None-Match": tag})).status_code == 304
    administrator = await employee(world, "ubnd-dongtrieu", Role.ADMINISTRATOR)
    await administrator.patch(f"/v1/users/{one.actor.id}", {"active": False}, **{"If-Match": "*"})
    seen = await leader.get(f"{path}/assignees", headers={"If-None-Match": tag})
    assert [item["active"] for item in seen.json()["items"]] == [False]


async def test_whoever_drafts_an_agreement_handles_it(world: World) -> None:
    drafter = await employee(world, "dongtrieu")
    agreement = accepted(await drafter.post("/v1/agreements", draft()), 201)
    path = f"/v1/agreements/{agreement['id']}"
    assert await handling(drafter, path) == {str(drafter.actor.id)}
    assert await work_of(drafter, drafter) == [agreement["id"]]
    colleague = await employee(world, "dongtrieu")
    await assign(world.person("dongtrieu"), path, colleague)
    assert (await work_of(drafter, drafter), await work_of(colleague, colleague)) == ([], [agreement["id"]])


async def test_open_work_ends_with_the_task_and_with_the_draft(world: World, plan: Json) -> None:
    person, leader = await employee(world, "ubnd-dongtrieu"), world.person("ubnd-dongtrieu")
    path = await world.submitted(plan, coordinating=("ubnd-kinhmon",))
    await assign(leader, path, person)
    [item] = (await person.read(f"/v1/users/{person.actor.id}/open-work"))["items"]
    assert (item["kind"], item["status"], item["due_on"], item["agreement_id"]) == (
        "task",
        "submitted",
        "2026-12-31",
        plan["id"],
    )
    await world.person("ubnd-kinhmon").step(path, "confirm")
    assert await work_of(person, person) == []


async def test_open_work_comes_page_after_page_and_is_counted(world: World, plan: Json) -> None:
    person, leader = await employee(world, "ubnd-dongtrieu"), world.person("ubnd-dongtrieu")
    paths = [await path_of(world, plan) for _ in range(3)]
    for path in paths:
        await assign(leader, path, person)
    url = f"/v1/users/{person.actor.id}/open-work"
    first = await person.read(url, limit=2, count=True)
    rest = await person.read(url, limit=2, cursor=first["next_cursor"])
    assert [f"/v1/tasks/{item['id']}" for item in first["items"] + rest["items"]] == paths
    assert (first["total"], rest["next_cursor"]) == (3, None)


async def test_open_work_is_seen_by_oneself_and_by_those_who_lead(world: World) -> None:
    person = await employee(world, "ubnd-dongtrieu")
    url = f"/v1/users/{person.actor.id}/open-work"
    for role, status in (
        (Role.LEADER, 200),
        (Role.ADMINISTRATOR, 200),
        (Role.SPECIALIST, 403),
        (Role.VIEWER, 403),
    ):
        assert (await world.person("ubnd-dongtrieu", role).get(url)).status_code == status
    assert (await person.get(url)).status_code == 200
    problem(await world.person("ubnd-kinhmon").get(url), 404)
