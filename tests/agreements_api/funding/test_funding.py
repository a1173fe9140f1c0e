"""Saying what a task needs of public investment, and reading how it stands to its plan period."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, Person, World, accepted, pointers, problem
from tests.agreements_api.funding.money import CLOSED, NEED, OPEN, funded


async def put(person: Person, task: Json, body: Any, tag: str | None = "*", **headers: str) -> httpx.Response:
    given = headers | ({"If-Match": tag} if tag else {})
    return await person.http.put(f"/v1/tasks/{task['id']}/funding", json=body, headers=person.unsafe(**given))


async def test_a_task_of_which_nobody_has_said_anything_has_no_gate(world: World, plan: Json) -> None:
    task = await world.task(plan)
    answer = await world.person("chilinh").get(f"/v1/tasks/{task['id']}/funding")
    body = accepted(answer, 200)
    assert answer.headers["etag"] == '"v0.none_vi"'
    assert (body["version"], body["needs_public_investment"], body["gate"]) == (0, None, None)
    assert (body["status"], body["message"], body["missed_periods"]) == ("none", None, [])
    assert (body["next_period"], body["allowed_actions"]) == (OPEN, [])


async def test_the_lead_says_what_the_task_needs(world: World, plan: Json) -> None:
    task = await world.task(plan)
    lead = world.specialist("ubnd-dongtrieu")
    seen = await lead.get(f"/v1/tasks/{task['id']}/funding")
    answer = await put(lead, task, NEED, seen.headers["etag"])
    body = accepted(answer, 200)
    assert answer.headers["etag"] == '"v1.open_vi"'
    assert {name: body[name] for name in NEED} == NEED
    assert (body["version"], body["gate"], body["closes_on"]) == (1, "open", "2030-12-31")
    assert body["message"].startswith("Nhiệm vụ đã đề xuất, chưa được đưa vào kế hoạch đầu tư công trung hạn 2026-2030")
    assert body["allowed_actions"] == ["update"]
    path = f"/v1/tasks/{task['id']}/funding"
    english = await lead.get(path, headers={"Accept-Language": "en"})
    assert english.json()["message"].endswith("which closes on 2030-12-31.")
    assert english.headers["etag"] == '"v1.open_en"'
    assert (
        await lead.get(f"/v1/tasks/{task['id']}/funding", headers={"If-None-Match": '"v1.open_vi"'})
    ).status_code == 304


async def test_it_is_a_version_of_the_task_with_history_and_event(world: World, plan: Json) -> None:
    task = await world.task(plan)
    await funded(world, task, remark="Theo tờ trình (minh họa)")
    await funded(world, task, status="in_plan")
    path = f"/v1/tasks/{task['id']}"
    lead = world.person("ubnd-dongtrieu")
    assert (await lead.read(path))["version"] == 3
    last, first, _ = (await lead.read(f"{path}/history"))["items"]
    assert (last["action"], last["changes"]) == (
        "change_funding",
        [{"field": "funding/status", "from": "proposed", "to": "in_plan"}],
    )
    assert (first["remark"], len(first["changes"])) == ("Theo tờ trình (minh họa)", 5)
    event = (await world.registry.outbox(task["id"]))[-1]
    assert (event["type"], event["data"]["version"]) == ("vn.lienvung.task.funding_changed.v1", 3)
    assert event["data"]["funding"]["gate"] == "funded"
    assert event["data"]["funding"]["amount"] == NEED["amount"]
    assert world.id("chilinh") in event["data"]["members"]
    proof = await lead.read(f"/v1/agreements/{plan['id']}/history/verification")
    assert proof["valid"]


async def test_saying_the_same_again_makes_no_version(world: World, plan: Json) -> None:
    task = await world.task(plan)
    first = await funded(world, task)
    assert await funded(world, task) == first
    assert (await world.person("dongtrieu").read(f"/v1/tasks/{task['id']}"))["version"] == 2


async def test_a_task_can_say_that_it_needs_nothing(world: World, plan: Json) -> None:
    task = await world.task(plan)
    body = accepted(await put(world.person("dongtrieu"), task, {"needs_public_investment": False}), 200)
    assert (body["needs_public_investment"], body["gate"], body["closes_on"]) == (False, None, None)


@pytest.mark.parametrize(("status", "gate"), [("in_plan", "funded"), ("allocated", "funded"), ("none", "missed")])
async def test_a_period_that_is_closed_asks_for_a_place_in_its_plan(
    world: World, plan: Json, status: str, gate: str
) -> None:
    body = await funded(world, await world.task(plan), plan_period=CLOSED, status=status)
    assert body["gate"] == gate
    if gate == "missed":
        assert "đã kết thúc ngày 31/12/2025" in body["message"]
        assert body["message"].endswith("Kỳ còn có thể đề xuất: 2026-2030.")


async def test_who_sees_the_task_reads_and_who_answers_for_it_changes(world: World, plan: Json) -> None:
    task = await world.task(plan)
    for person in (world.person("chilinh"), world.person("ubnd-kinhmon"), world.person("dongtrieu", Role.VIEWER)):
        problem(await put(person, task, NEED), 403)
        await person.read(f"/v1/tasks/{task['id']}/funding")
    problem(await put(world.person("elsewhere"), task, NEED), 404)
    problem(await world.person("elsewhere").get(f"/v1/tasks/{task['id']}/funding"), 404)
    accepted(await put(world.client("ubnd-dongtrieu", "tasks:write"), task, NEED), 200)
    problem(await put(world.client("ubnd-dongtrieu", "tasks:read"), task, NEED), 403)
    problem(await world.client("ubnd-dongtrieu", "tasks:write").get(f"/v1/tasks/{task['id']}/funding"), 403)


async def test_a_task_that_is_over_waits_for_no_money(world: World, plan: Json) -> None:
    task = await world.task(plan)
    await funded(world, task)
    await world.person("dongtrieu").step(f"/v1/tasks/{task['id']}", "cancel", {"reason": "Không còn cần (minh họa)"})
    refused = problem(await put(world.specialist("ubnd-dongtrieu"), task, NEED), 409, "invalid_transition")
    assert refused["possible"] == []
    body = await world.specialist("ubnd-dongtrieu").read(f"/v1/tasks/{task['id']}/funding")
    assert (body["gate"], body["status"], body["allowed_actions"]) == (None, "proposed", [])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"plan_period": None}, "/plan_period"),
        ({"plan_period": "2026"}, "/plan_period"),
        ({"plan_period": "1900-1905"}, "/plan_period"),
        ({"amount": 0}, "/amount"),
        ({"amount": 1.5}, "/amount"),
        ({"amount": 10**17}, "/amount"),
        ({"status": "promised"}, "/status"),
        ({"needs_public_investment": "yes"}, "/needs_public_investment"),
        ({"source": " "}, "/source"),
        ({"gate": "funded"}, "/gate"),
    ],
)
async def test_what_cannot_be_taken_is_named(world: World, plan: Json, change: Json, pointer: str) -> None:
    task = await world.task(plan)
    answer = await put(world.specialist("ubnd-dongtrieu"), task, NEED | change)
    assert pointers(problem(answer, 422)) == [pointer]
    assert (await world.specialist("ubnd-dongtrieu").read(f"/v1/tasks/{task['id']}/funding"))["version"] == 0


async def test_who_needs_nothing_names_nothing(world: World, plan: Json) -> None:
    answer = await put(
        world.specialist("ubnd-dongtrieu"), await world.task(plan), NEED | {"needs_public_investment": False}
    )
    assert pointers(problem(answer, 422)) == ["/plan_period", "/source", "/amount", "/status"]


async def test_a_change_is_made_against_what_was_read(world: World, plan: Json) -> None:
    task, lead = await world.task(plan), world.specialist("ubnd-dongtrieu")
    problem(await put(lead, task, NEED, None), 428)
    problem(await put(lead, task, NEED, '"v1"'), 412)
    accepted(await put(lead, task, NEED, '"v0"'), 200)
    problem(await put(lead, task, NEED, '"v0.none_vi"'), 412)


async def test_a_repeated_request_is_answered_again_and_done_once(world: World, plan: Json) -> None:
    task, lead, key = await world.task(plan), world.specialist("ubnd-dongtrieu"), {"Idempotency-Key": str(uuid4())}
    first = await put(lead, task, NEED, '"v0"', **key)
    again = await put(lead, task, NEED, '"v0"', **key)
    assert (accepted(first, 200), again.headers["idempotency-replayed"]) == (accepted(again, 200), "true")
    assert again.headers["etag"] == first.headers["etag"]


async def test_everybody_reads_the_periods(world: World) -> None:
    items = (await world.person("elsewhere").read("/v1/plan-periods"))["items"]
    assert [one["id"] for one in items] == [CLOSED, OPEN]
    assert items[0]["last_on"] == "2025-12-31"
    problem(await world.client("chilinh").get("/v1/plan-periods"), 403)
