"""Each party of a task takes its part on, and has a deadline of its own."""

import asyncio

from tests.agreements_api.agreements.world import Json, World, accepted, problem


async def test_every_party_takes_its_own_part_on(world: World, plan: Json) -> None:
    path = f"/v1/tasks/{(await world.task(plan, monitoring=('ubnd-sondong',)))['id']}"
    first = await world.specialist("ubnd-kinhmon").step(path, "accept")
    assert (first["status"], first["lead"]["accepted_at"], taken(first)) == ("not_started", None, [True, False])
    second = await world.specialist("ubnd-dongtrieu").step(path, "accept")
    assert (second["status"], taken(second)) == ("in_progress", [True, False])
    assert second["lead"]["accepted_at"] is not None
    third = await world.specialist("ubnd-chilinh").step(path, "accept")
    assert (third["status"], taken(third)) == ("in_progress", [True, True])
    newest = (await world.person("dongtrieu").read(f"{path}/history", limit=1))["items"][0]
    assert newest["changes"] == [{"field": "accepted_by", "from": None, "to": third["coordinating"][1]["name"]}]
    events = await world.registry.outbox(third["id"])
    assert [event["type"].split(".")[3] for event in events[1:]] == ["accepted"] * 3
    assert events[-1]["data"]["task"]["coordinating"][1]["accepted_at"] is not None


async def test_nobody_takes_a_part_on_twice(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    party, lead = world.specialist("ubnd-kinhmon"), world.specialist("ubnd-dongtrieu")
    assert "accept" in (await party.read(path))["allowed_actions"]
    after = await party.step(path, "accept")
    assert "accept" not in after["allowed_actions"]
    for person in (party, lead):
        problem(await person.act(path, "accept"), 409, "invalid_transition")
    assert await party.read(path) == after
    problem(await world.specialist("ubnd-sondong").act_blindly(path, "accept"), 403)


async def test_whoever_only_monitors_has_nothing_to_accept(world: World, plan: Json) -> None:
    path = f"/v1/tasks/{(await world.task(plan, monitoring=('ubnd-sondong',)))['id']}"
    problem(await world.specialist("ubnd-sondong").act(path, "accept"), 403, "forbidden")


async def test_parties_that_accept_at_once_all_count(world: World, plan: Json) -> None:
    for _ in range(3):
        path = f"/v1/tasks/{(await world.task(plan))['id']}"
        people = [world.specialist(key) for key in ("ubnd-dongtrieu", "ubnd-kinhmon", "ubnd-chilinh")]
        answers = await asyncio.gather(*(one.post(f"{path}/accept", **{"If-Match": "*"}) for one in people))
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        task = await people[0].read(path)
        assert (task["version"], task["status"], taken(task)) == (4, "in_progress", [True, True])


async def test_the_lead_can_have_a_deadline_before_all_others(world: World, plan: Json) -> None:
    task = await world.task(plan, lead_due_on="2026-12-10")
    assert (task["lead"]["due_on"], task["due_on"]) == ("2026-12-10", "2026-12-31")
    path, custodian = f"/v1/tasks/{task['id']}", world.person("dongtrieu")
    changed = accepted(await custodian.change(path, {"lead_due_on": "2026-12-18"}), 200)
    assert changed["lead"]["due_on"] == "2026-12-18"
    newest = (await custodian.read(f"{path}/history", limit=1))["items"][0]
    assert newest["changes"] == [
        {"field": f"due_on/{world.id('ubnd-dongtrieu')}", "from": "2026-12-10", "to": "2026-12-18"}
    ]
    assert (await world.registry.outbox(task["id"]))[-1]["type"] == "vn.lienvung.task.deadline_changed.v1"
    assert accepted(await custodian.change(path, {"lead_due_on": None}), 200)["lead"]["due_on"] is None


def taken(task: Json) -> list[bool]:
    return [party["accepted_at"] is not None for party in task["coordinating"]]
