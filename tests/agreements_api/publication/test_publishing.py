"""Who shows what to the public, and what is told of it."""

import asyncio

import pytest

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import PARTIES, Person, World, problem, signature
from tests.agreements_api.publication.public import Public, publish, unpublish


async def test_the_custodians_leader_shows_an_agreement_to_everybody(world: World) -> None:
    plan = await world.plan()
    public = Public(world.http)
    problem(await public.agreement(plan["id"]), 404)
    shown = await publish(world, plan)
    assert (shown["public"], shown["version"], shown["task_ids"]) == (True, 1, [])
    assert shown["allowed_actions"] == ["unpublish"]
    seen = (await public.agreement(plan["id"])).json()
    assert (seen["title"], seen["status"]) == (plan["title"], "in_force")
    assert [party["signatory_name"] for party in seen["parties"]] == [
        signature(key)["signatory_name"] for key in PARTIES
    ]


async def test_the_agreement_says_whether_its_caller_may_show_it_or_take_it_back(world: World) -> None:
    opened = await world.opened()
    leader, path = world.person("dongtrieu"), f"/v1/agreements/{opened['id']}"

    async def offered(person: Person = leader) -> list[str]:
        steps = (await person.read(path))["allowed_actions"]
        listed = (await person.read("/v1/agreements", limit=1))["items"][0]
        assert (listed["id"], listed["allowed_actions"]) == (opened["id"], steps)
        return [step for step in steps if step in ("publish", "unpublish")]

    assert await offered() == []
    for key in PARTIES:
        await world.person(key).step(path, "sign", signature(key))
    assert await offered() == ["publish"]
    others = (world.specialist("dongtrieu"), world.person("chilinh"), world.person("quangninh"))
    assert [await offered(person) for person in others] == [[], [], []]
    await publish(world, opened)
    assert await offered() == ["unpublish"]
    assert [await offered(person) for person in others] == [[], [], []]
    assert "unpublish" in (await leader.step(path, "suspend", {"reason": "Rà soát (minh họa)"}))["allowed_actions"]
    await unpublish(world, opened)
    assert await offered() == ["publish"]


async def test_what_is_taken_back_leaves_a_tombstone_and_can_be_shown_again(world: World) -> None:
    plan = await world.plan()
    task = await world.task(plan)
    public = Public(world.http)
    await publish(world, plan, task["id"])
    taken = await unpublish(world, plan)
    assert (taken["public"], taken["version"], taken["task_ids"]) == (False, 2, [])
    for path in ("", "/text", "/tasks"):
        gone = problem(await public.get(f"/v1/public/agreements/{plan['id']}{path}"), 410, "no_longer_public")
        assert (gone["id"], gone["removed_at"]) == (plan["id"], taken["unpublished_at"])
    again = await publish(world, plan)
    assert (again["public"], again["version"], again["unpublished_at"]) == (True, 3, None)
    # Tasks do not come back by themselves.
    assert (await public.read(f"/v1/public/agreements/{plan['id']}/tasks"))["items"] == []


async def test_tasks_are_public_only_one_by_one(world: World) -> None:
    plan = await world.plan()
    one, other = await world.task(plan, title="Một"), await world.task(plan, title="Hai")
    path, public = f"/v1/public/agreements/{plan['id']}", Public(world.http)
    leader = world.person("dongtrieu")
    await publish(world, plan)
    assert (await public.read(f"{path}/tasks"))["items"] == []
    shown = await leader.step(f"/v1/tasks/{one['id']}", "publish")
    assert shown["task_ids"] == [one["id"]]
    assert [task["title"] for task in (await public.read(f"{path}/tasks"))["items"]] == ["Một"]
    assert (await public.read(path))["task_count"] == 1
    await leader.step(f"/v1/tasks/{other['id']}", "publish")
    await leader.step(f"/v1/tasks/{one['id']}", "unpublish", {"reason": "Đang đính chính"})
    assert [task["id"] for task in (await public.read(f"{path}/tasks"))["items"]] == [other["id"]]


async def test_every_step_is_told_once_by_history_and_event(world: World) -> None:
    plan = await world.plan()
    task = await world.task(plan)
    leader, path = world.person("dongtrieu"), f"/v1/agreements/{plan['id']}"
    await publish(world, plan)
    await leader.step(f"/v1/tasks/{task['id']}", "publish")
    await leader.step(path, "unpublish", {"reason": "Chờ đính chính"})
    told = (await leader.read(f"{path}/history", limit=3))["items"][::-1]
    assert [row["action"] for row in told] == ["publish", "publish_task", "unpublish"]
    assert told[0]["changes"] == [{"field": "public", "from": False, "to": True}]
    assert told[1]["changes"] == [
        {"field": "public_task", "from": None, "to": task["title"]},
        {"field": "public_tasks", "from": [], "to": [task["id"]]},
    ]
    assert told[2]["changes"] == [
        {"field": "public", "from": True, "to": False},
        {"field": "public_tasks", "from": [task["id"]], "to": []},
    ]
    assert told[2]["remark"] == "Chờ đính chính"
    events = (await world.registry.outbox(plan["id"]))[-3:]
    assert [(event["type"], event["data"]["public_task_ids"]) for event in events] == [
        ("vn.lienvung.agreement.published.v1", []),
        ("vn.lienvung.agreement.published.v1", [task["id"]]),
        ("vn.lienvung.agreement.unpublished.v1", []),
    ]
    assert [event["data"]["version"] for event in events] == [row["version"] for row in told]
    assert [event["data"]["changes"] for event in events] == [row["changes"] for row in told]


@pytest.mark.parametrize(
    ("key", "role"),
    [
        ("dongtrieu", Role.SPECIALIST),
        ("dongtrieu", Role.VIEWER),
        ("dongtrieu", Role.ADMINISTRATOR),
        ("chilinh", Role.LEADER),
        ("quangninh", Role.LEADER),
        ("ubnd-dongtrieu", Role.LEADER),
    ],
)
async def test_nobody_else_publishes(world: World, key: str, role: Role) -> None:
    plan = await world.plan()
    task = await world.task(plan)
    person = world.person(key, role)
    for path in (f"/v1/agreements/{plan['id']}", f"/v1/tasks/{task['id']}"):
        for verb in ("publish", "unpublish"):
            problem(await person.act(path, verb), 403)
    problem(await Public(world.http).agreement(plan["id"]), 404)
    assert (await person.read(f"/v1/agreements/{plan['id']}/publication"))["allowed_actions"] == []


async def test_a_stranger_is_told_that_there_is_nothing(world: World) -> None:
    plan = await world.plan()
    task = await world.task(plan)
    stranger = world.person("elsewhere")
    for path in (f"/v1/agreements/{plan['id']}", f"/v1/tasks/{task['id']}"):
        for verb in ("publish", "unpublish"):
            problem(await stranger.act_blindly(path, verb), 404)
    await publish(world, plan)
    problem(await stranger.get(f"/v1/agreements/{plan['id']}/publication"), 404)


async def test_only_what_has_been_in_force_is_shown(world: World) -> None:
    leader = world.person("dongtrieu")
    for plan in (await world.draft(), await world.opened()):
        path = f"/v1/agreements/{plan['id']}"
        problem(await leader.act(path, "publish"), 409, "never_in_force")
        assert (await leader.read(f"{path}/publication"))["allowed_actions"] == []
        problem(await Public(world.http).agreement(plan["id"]), 404)


async def test_a_step_that_is_not_possible_names_those_that_are(world: World) -> None:
    plan = await world.plan()
    task = await world.task(plan)
    leader, path = world.person("dongtrieu"), f"/v1/agreements/{plan['id']}"
    assert problem(await leader.act(path, "unpublish"), 409, "invalid_transition")["possible"] == ["publish"]
    problem(await leader.act(f"/v1/tasks/{task['id']}", "publish"), 409, "agreement_not_public")
    assert problem(await leader.act(f"/v1/tasks/{task['id']}", "unpublish"), 409)["possible"] == []
    await publish(world, plan, task["id"])
    assert problem(await leader.act(path, "publish"), 409, "invalid_transition")["possible"] == ["unpublish"]
    assert problem(await leader.act(f"/v1/tasks/{task['id']}", "publish"), 409)["possible"] == ["unpublish"]


async def test_a_version_that_was_not_read_is_not_published(world: World) -> None:
    plan = await world.plan()
    task = await world.task(plan)
    leader = world.person("dongtrieu")
    for path in (f"/v1/agreements/{plan['id']}", f"/v1/tasks/{task['id']}"):
        problem(await leader.post(f"{path}/publish"), 428)
        problem(await leader.post(f"{path}/publish", **{"If-Match": '"v99"'}), 412)
    problem(await Public(world.http).agreement(plan["id"]), 404)


async def test_a_task_of_another_agreement_is_refused_and_nothing_is_shown(world: World) -> None:
    plan, other = await world.plan(), await world.plan()
    own, foreign = await world.task(plan), await world.task(other)
    body = {"task_ids": [own["id"], foreign["id"]]}
    answer = await world.person("dongtrieu").act(f"/v1/agreements/{plan['id']}", "publish", body)
    assert problem(answer, 422)["errors"][0]["pointer"] == "/task_ids/1"
    problem(await Public(world.http).agreement(plan["id"]), 404)


async def test_the_same_key_publishes_once(world: World) -> None:
    plan = await world.plan()
    leader, path = world.person("dongtrieu"), f"/v1/agreements/{plan['id']}"
    headers = leader.unsafe(**{"If-Match": (await leader.get(path)).headers["etag"]})
    first, second = [await leader.http.post(f"{path}/publish", json={}, headers=headers) for _ in range(2)]
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert len([row for row in (await leader.read(f"{path}/history"))["items"] if row["action"] == "publish"]) == 1


async def test_of_two_who_publish_at_once_one_does(world: World) -> None:
    plan = await world.plan()
    leader, path = world.person("dongtrieu"), f"/v1/agreements/{plan['id']}"
    tag = (await leader.get(path)).headers["etag"]
    answers = await asyncio.gather(*(leader.post(f"{path}/publish", **{"If-Match": tag}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


async def test_a_task_that_changes_while_it_is_published_waits_for_nobody_for_ever(world: World) -> None:
    """Tasks of one public agreement change at once, and so does what is public of them."""
    plan = await world.plan()
    tasks = [await world.task(plan, title=f"Việc {number}") for number in range(4)]
    await publish(world, plan, *(task["id"] for task in tasks[:2]))
    worker, leader = world.specialist("ubnd-dongtrieu"), world.person("dongtrieu")
    answers = await asyncio.gather(
        *(worker.act(f"/v1/tasks/{task['id']}", "accept") for task in tasks),
        *(leader.act_blindly(f"/v1/tasks/{task['id']}", "publish") for task in tasks[2:]),
        *(leader.act_blindly(f"/v1/tasks/{task['id']}", "unpublish") for task in tasks[:2]),
    )
    assert [answer.status_code for answer in answers] == [200] * 8
    left = (await Public(world.http).read(f"/v1/public/agreements/{plan['id']}/tasks"))["items"]
    assert [(task["title"], task["status"]) for task in left] == [("Việc 2", "in_progress"), ("Việc 3", "in_progress")]


async def test_the_members_read_how_it_stands(world: World) -> None:
    plan = await world.plan()
    path = f"/v1/agreements/{plan['id']}/publication"
    before = await world.person("chilinh", Role.VIEWER).get(path)
    assert before.json() == {
        "agreement_id": plan["id"],
        "public": False,
        "version": 0,
        "published_at": None,
        "unpublished_at": None,
        "task_ids": [],
        "allowed_actions": [],
    }
    again = await world.person("chilinh").get(path, headers={"If-None-Match": before.headers["etag"]})
    assert again.status_code == 304
    assert (await world.person("dongtrieu").read(path))["allowed_actions"] == ["publish"]
    problem(await world.client("chilinh", "tasks:read").get(path), 403)
    assert (await world.client("chilinh", "agreements:read").read(path))["public"] is False
