"""Requests that meet: nothing is counted twice, nothing is lost, nothing happens twice."""

import asyncio
from uuid import uuid4

from tests.agreements_api.agreements.world import REPORT, Json, World, accepted, problem


async def test_two_parties_that_confirm_at_once_both_count_and_complete_it_once(world: World, plan: Json) -> None:
    for _ in range(5):
        path = await world.submitted(plan)
        parties = [world.person("ubnd-kinhmon"), world.person("ubnd-chilinh")]
        answers = await asyncio.gather(*(party.post(f"{path}/confirm", **{"If-Match": "*"}) for party in parties))
        assert sorted(accepted(answer, 200)["status"] for answer in answers) == ["completed", "submitted"]
        task = await parties[0].read(path)
        assert all(party["confirmed_at"] for party in task["coordinating"])
        events = [event["type"].split(".")[3] for event in await world.registry.outbox(task["id"])]
        assert events[-3:] == ["confirmed", "confirmed", "completed"]
        assert events.count("completed") == 1


async def test_of_two_that_decide_on_the_same_version_one_reads_again(world: World, plan: Json) -> None:
    path = await world.submitted(plan)
    parties = [world.person("ubnd-kinhmon"), world.person("ubnd-chilinh")]
    tag = (await parties[0].get(path)).headers["etag"]
    answers = await asyncio.gather(*(party.post(f"{path}/confirm", **{"If-Match": tag}) for party in parties))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    late = parties[0] if answers[0].status_code == 412 else parties[1]
    assert (await late.step(path, "confirm"))["status"] == "completed"


async def test_a_confirmation_and_a_return_at_once_leave_one_state(world: World, plan: Json) -> None:
    path = await world.submitted(plan)
    confirm, send_back = await asyncio.gather(
        world.person("ubnd-kinhmon").post(f"{path}/confirm", **{"If-Match": "*"}),
        world.person("ubnd-chilinh").post(f"{path}/return", {"reason": "Chưa đủ"}, **{"If-Match": "*"}),
    )
    assert send_back.status_code == 200
    assert confirm.status_code in (200, 409)
    task = await world.person("dongtrieu").read(path)
    assert task["status"] == "in_progress"
    assert not any(party["confirmed_at"] for party in task["coordinating"])


async def test_reports_at_once_each_become_a_version(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    worker = world.specialist("ubnd-dongtrieu")
    answers = await asyncio.gather(
        *(
            worker.post(f"{path}/reports", REPORT | {"percent": percent}, **{"If-Match": "*"})
            for percent in range(10, 90, 10)
        )
    )
    versions = sorted(accepted(answer, 201)["version"] for answer in answers)
    assert versions == list(range(3, 11))
    assert len((await worker.read(f"{path}/reports"))["items"]) == 8
    written = await world.registry.outbox(path.split("/")[-1])
    assert [event["data"]["version"] for event in written] == list(range(1, 11))


async def test_a_repeated_request_is_answered_again_and_done_once(world: World, plan: Json) -> None:
    path = await world.submitted(plan)
    party, headers = world.person("ubnd-kinhmon"), {"Idempotency-Key": str(uuid4())}
    tag = (await party.get(path)).headers["etag"]
    first = await party.post(f"{path}/confirm", {"remark": "Nhất trí"}, **headers, **{"If-Match": tag})
    again = await party.post(f"{path}/confirm", {"remark": "Nhất trí"}, **headers, **{"If-Match": tag})
    assert (first.status_code, first.headers.get("idempotency-replayed")) == (200, None)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"]
    other = await party.post(f"{path}/confirm", {"remark": "Khác"}, **headers, **{"If-Match": tag})
    problem(other, 422, "idempotency_key_reused")
    assert (await party.read(path))["version"] == first.json()["version"]


async def test_a_repeated_assignment_makes_one_task(world: World) -> None:
    plan = await world.plan()
    custodian, headers = world.person("dongtrieu"), {"Idempotency-Key": str(uuid4())}
    body = {"title": "Việc", "lead_organization_id": world.id("ubnd-dongtrieu")}
    first = await custodian.post(f"/v1/agreements/{plan['id']}/tasks", body, **headers)
    again = await custodian.post(f"/v1/agreements/{plan['id']}/tasks", body, **headers)
    assert accepted(again, 201) == accepted(first, 201)
    assert again.headers["location"] == f"/v1/tasks/{first.json()['id']}"
    assert len((await custodian.read("/v1/tasks", agreement_id=plan["id"]))["items"]) == 1


async def test_a_refused_request_may_be_tried_again_with_its_key(world: World, plan: Json) -> None:
    path = f"/v1/tasks/{(await world.task(plan))['id']}"
    worker, headers = world.specialist("ubnd-dongtrieu"), {"Idempotency-Key": str(uuid4()), "If-Match": "*"}
    problem(await worker.post(f"{path}/submit", **headers), 409, "invalid_transition")
    await worker.step(path, "accept")
    assert (await worker.post(f"{path}/submit", **headers)).status_code == 200


async def test_a_change_without_a_key_is_refused(world: World, plan: Json) -> None:
    path = f"/v1/tasks/{(await world.task(plan))['id']}"
    worker = world.specialist("ubnd-dongtrieu")
    answer = await world.http.post(f"{path}/accept", headers=worker.headers | {"If-Match": "*"})
    problem(answer, 400, "idempotency_key_missing")


async def test_tasks_of_one_agreement_are_assigned_side_by_side(world: World) -> None:
    plan = await world.plan()
    tasks = await asyncio.gather(*(world.task(plan, title=f"Nhiệm vụ {number}") for number in range(6)))
    page = await world.person("dongtrieu").read("/v1/tasks", agreement_id=plan["id"])
    assert {task["id"] for task in page["items"]} == {task["id"] for task in tasks}
