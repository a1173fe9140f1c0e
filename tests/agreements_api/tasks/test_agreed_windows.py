"""The window for answers that an agreement sets: what its parties sign, and every submission from then on."""

import pytest

from tests.agreements_api.agreements.test_signing import path_of
from tests.agreements_api.agreements.world import PARTIES, Json, World, accepted, pointers, problem, signature
from tests.agreements_api.tasks.test_windows import in_working_days, windows


async def amended(world: World, plan: Json, *, verb: str = "amend", **body: object) -> Json:
    """An amendment of the plan that all have signed."""
    leader = world.person("dongtrieu")
    draft = await leader.step(path_of(plan), verb, body)
    amendment = await leader.step(path_of(draft), "open")
    for key in PARTIES:
        amendment = await world.person(key).step(path_of(amendment), "sign", signature(key))
    assert amendment["status"] == "in_force"
    return amendment


async def submitted(world: World, plan: Json) -> Json:
    return await world.specialist("ubnd-kinhmon").read(await world.submitted(plan))


@pytest.mark.parametrize("days", [2, 12])
async def test_a_submission_has_the_window_that_its_agreement_sets(world: World, days: int) -> None:
    plan = await world.plan(response_working_days=days)
    assert (plan["response_working_days"], plan["original_response_working_days"]) == (days, days)
    assert windows(await submitted(world, plan)) == [in_working_days(days)] * 2
    path, worker = await world.under_way(plan), world.specialist("ubnd-dongtrieu")
    refused = problem(await worker.act(path, "submit", {"response_days": days - 1}), 422, "validation_failed")
    assert (pointers(refused), refused["errors"][0]["code"]) == (["/response_days"], "window_too_short")
    assert windows(await worker.step(path, "submit", {"response_days": days + 1})) == [in_working_days(days + 1)] * 2


async def test_many_submissions_at_once_have_each_the_window_of_its_agreement(world: World, plan: Json) -> None:
    other = await world.plan(response_working_days=3)
    worker = world.specialist("ubnd-dongtrieu")
    tasks = [await worker.read(await world.under_way(one)) for one in (plan, other)]
    changes = [
        {"action": "submit", "task_id": task["id"], "if_match": f'"v{task["version"]}"', "note": "Xong"}
        for task in tasks
    ]
    accepted(await worker.post("/v1/tasks/bulk", {"changes": changes}), 200)
    found = [windows(await worker.read(f"/v1/tasks/{task['id']}")) for task in tasks]
    assert found == [[in_working_days(5)] * 2, [in_working_days(3)] * 2]


async def test_an_amendment_moves_the_window_of_later_submissions_only(world: World) -> None:
    plan = await world.plan(response_working_days=3)
    before = await submitted(world, plan)
    amendment = await amended(world, plan, response_working_days=10)
    leader = world.person("chilinh")
    after = await leader.read(path_of(plan))
    assert (after["response_working_days"], after["original_response_working_days"]) == (10, 3)
    [told] = (await leader.read(f"{path_of(plan)}/history", limit=1))["items"]
    assert {"field": "response_working_days", "from": 3, "to": 10} in told["changes"]
    event = (await world.registry.outbox(plan["id"]))[-1]
    assert (event["type"], event["data"]["agreement"]["response_working_days"]) == (
        "vn.lienvung.agreement.amended.v1",
        10,
    )
    # What is signed says it, and both texts are still what was signed.
    texts = [(await leader.read(f"{path_of(one)}/text"))["text"] for one in (plan, amendment)]
    assert "Thời hạn trả lời của bên phối hợp: 3 ngày làm việc" in texts[0]
    assert "Thời hạn trả lời mới của bên phối hợp: 10 ngày làm việc" in texts[1]
    for one in (plan, amendment):
        assert (await leader.read(f"{path_of(one)}/text/verification"))["valid"]
    assert windows(await leader.read(f"/v1/tasks/{before['id']}")) == windows(before) == [in_working_days(3)] * 2
    assert windows(await submitted(world, plan)) == [in_working_days(10)] * 2
    # Sent back and submitted again, the older task has the new window as well.
    path = f"/v1/tasks/{before['id']}"
    await world.person("ubnd-kinhmon").step(path, "return", {"reason": "Thiếu chữ ký (minh họa)"})
    again = await world.specialist("ubnd-dongtrieu").step(path, "submit")
    assert windows(again) == [in_working_days(10)] * 2


async def test_a_renewal_moves_the_window_together_with_the_term(world: World) -> None:
    plan = await world.plan(term_to="2030-12-31")
    await amended(world, plan, verb="renew", term_to="2035-12-31", response_working_days=8)
    after = await world.person("chilinh").read(path_of(plan))
    assert (after["term_to"], after["response_working_days"]) == ("2035-12-31", 8)
    assert (after["original_term_to"], after["original_response_working_days"]) == ("2030-12-31", None)
    assert windows(await submitted(world, plan)) == [in_working_days(8)] * 2


async def test_an_amendment_that_says_nothing_of_the_window_leaves_it(world: World) -> None:
    plan = await world.plan(response_working_days=3)
    await amended(world, plan, clauses=[{"operation": "add", "text": "Thêm một điều (minh họa)."}])
    assert (await world.person("chilinh").read(path_of(plan)))["response_working_days"] == 3
    draft = await world.person("dongtrieu").step(path_of(plan), "amend", {})
    refused = problem(await world.person("dongtrieu").act(path_of(draft), "open"), 422)
    assert pointers(refused) == ["/clauses"]


async def test_the_window_is_set_and_cleared_while_the_agreement_is_a_draft(world: World) -> None:
    draft = await world.draft(response_working_days=7)
    worker, path = world.specialist("dongtrieu"), path_of(draft)
    assert draft["response_working_days"] == 7
    for days in (20, None):
        changed = accepted(await worker.change(path, {"response_working_days": days}), 200)
        assert changed["response_working_days"] == days
    accepted(await worker.change(path, {"response_working_days": 9}), 200)
    leader = world.person("dongtrieu")
    opened = await leader.step(path, "open")
    assert (opened["response_working_days"], opened["original_response_working_days"]) == (9, 9)
    problem(await worker.change(path, {"response_working_days": 5}), 409, "invalid_transition")
    recalled = await leader.step(path, "recall", {"reason": "Sửa thời hạn (minh họa)"})
    assert (recalled["response_working_days"], recalled["original_response_working_days"]) == (9, None)


@pytest.mark.parametrize("days", [0, 61, "5", True, 5.5])
async def test_a_window_that_no_agreement_can_set_is_refused(world: World, plan: Json, days: object) -> None:
    field = ["/response_working_days"]
    draft = await world.draft()
    worker = world.specialist("dongtrieu")
    assert pointers(problem(await worker.change(path_of(draft), {"response_working_days": days}), 422)) == field
    answer = await worker.act(path_of(plan), "amend", {"response_working_days": days})
    assert pointers(problem(answer, 422)) == field
