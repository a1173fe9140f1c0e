"""The table of open work follows every step, also those that meet, and the steps of others."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
import pytest_asyncio

from agreements_api.agreements.lifecycle import end_what_is_over
from tests.agreements_api.agreements.test_signing_time import days_later
from tests.agreements_api.agreements.world import PARTIES, Json, World, accepted, problem, signature
from tests.agreements_api.boundary_cases import dossiers
from tests.agreements_api.boundary_cases.dossiers import FIRST, SECOND, confirmed, opened, path_of
from tests.agreements_api.days import on_day
from tests.agreements_api.meetings.steps import concluded, held
from tests.agreements_api.worklist.following import differences
from tests.agreements_api.worklist.lists import MY_WORK, of, waiting, work

OBSTACLE = {"text": "Chưa thống nhất mốc giới (minh họa)"}
REASON = {"reason": "Lý do minh họa."}


@pytest_asyncio.fixture(autouse=True)
async def follows(world: World) -> AsyncIterator[None]:
    """After each test the table is what follows from the records."""
    yield
    assert await differences(world) == []


async def test_what_does_not_follow_is_found(world: World, plan: Json) -> None:
    """The check by itself: it would tell of a row too many, and of one that lacks."""
    task = await world.task(plan)
    await world.rows("update open_work set due_on = due_on + 1 where subject_id = $1 and step = 'accept'", task["id"])
    assert {line.split(":")[0] for line in await differences(world)} == {"stale", "missing"}
    await world.rows("select open_work_refresh_task(array[$1::uuid])", task["id"])


async def test_a_suspended_task_asks_for_nothing_until_it_is_resumed(world: World, plan: Json) -> None:
    path, custodian, lead = await world.under_way(plan), world.person("dongtrieu"), world.person("ubnd-dongtrieu")
    raised = accepted(await world.specialist("ubnd-kinhmon").post(f"{path}/obstacles", OBSTACLE), 201)
    await waiting(lead, raised["id"])
    await custodian.step(path, "suspend", REASON)
    task_id = path.split("/")[-1]
    assert await of(lead, raised["id"]) is None
    assert await of(world.person("ubnd-kinhmon"), task_id) is None
    await custodian.step(path, "resume", REASON)
    await waiting(lead, raised["id"])
    await waiting(world.person("ubnd-kinhmon"), task_id)


async def test_what_a_task_asked_for_ends_with_it_and_comes_back_with_it(world: World, plan: Json) -> None:
    path, custodian = await world.under_way(plan, due_on="2026-12-31"), world.person("dongtrieu")
    lead = world.person("ubnd-dongtrieu")
    urged = accepted(await custodian.post(f"{path}/urgings", {"message": "Đề nghị báo cáo."}), 201)
    asked = await lead.step(path, "extensions", {"due_on": "2027-02-26", **REASON})
    await custodian.step(path, "cancel", REASON)
    assert (await of(lead, urged["id"]), await of(custodian, asked["id"])) == (None, None)
    await custodian.step(path, "reopen", REASON)
    await waiting(lead, urged["id"])
    await waiting(custodian, asked["id"])


async def test_what_lies_beside_a_task_waits_while_it_is_suspended(world: World, plan: Json) -> None:
    path, custodian = await world.under_way(plan, due_on="2026-12-31"), world.person("dongtrieu")
    lead = world.person("ubnd-dongtrieu")
    urged = accepted(await custodian.post(f"{path}/urgings", {"message": "Đề nghị báo cáo."}), 201)
    explained = accepted(await custodian.post(f"{path}/explanations", {"message": "Vì sao chậm?"}), 201)
    asked = await lead.step(path, "extensions", {"due_on": "2027-02-26", **REASON})
    case = accepted(await lead.post(f"{path}/boundary-cases", dossiers.body(world)), 201)
    waits = [(lead, urged["id"]), (lead, explained["id"]), (custodian, asked["id"]), (lead, case["id"])]
    await custodian.step(path, "suspend", REASON)
    assert [await of(person, subject) for person, subject in waits] == [None] * 4
    await custodian.step(path, "resume", REASON)
    for person, subject in waits:
        await waiting(person, subject)


async def test_a_dossier_asks_for_nothing_once_its_task_is_over(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    path, custodian = f"/v1/tasks/{case['task_id']}", world.person("dongtrieu")
    await waiting(world.person(SECOND), case["id"])
    await custodian.step(path, "cancel", REASON)
    assert (await of(world.person(FIRST), case["id"]), await of(world.person(SECOND), case["id"])) == (None, None)
    await custodian.step(path, "reopen", REASON)
    await waiting(world.person(SECOND), case["id"])


async def test_whoever_takes_a_place_has_the_work_that_was_there(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    task_id = path.split("/")[-1]
    await world.person("dongtrieu").step(path, "reassign", {"lead_organization_id": world.id("ubnd-sondong"), **REASON})
    item = await waiting(world.person("ubnd-sondong"), task_id)
    assert item["reason"] == "to_lead"
    assert await of(world.person("ubnd-dongtrieu"), task_id) is None


async def test_one_decision_takes_the_request_from_everybodys_list(world: World, plan: Json) -> None:
    path = await world.under_way(plan, due_on="2026-12-31")
    body = {"due_on": "2027-02-26", **REASON}
    asked = await world.specialist("ubnd-dongtrieu").step(path, "extensions", body)
    deciding = [world.person(key) for key in ("dongtrieu", "quangninh", "haiduong", "bacgiang")]
    for person in deciding:
        await waiting(person, asked["id"])
    await deciding[2].step(f"{path}/extensions/{asked['id']}", "deny", REASON)
    assert [await of(person, asked["id"]) for person in deciding] == [None] * 4


async def test_in_turn_each_signs_after_the_one_before(world: World) -> None:
    agreement = await world.opened(signing_order="sequential")
    path = f"/v1/agreements/{agreement['id']}"
    for number, key in enumerate(PARTIES):
        waits = [other for other in PARTIES if await of(world.person(other), agreement["id"]) is not None]
        assert waits == [PARTIES[number]]
        await world.person(key).step(path, "sign", signature(key))


async def test_after_the_last_day_for_signatures_nobody_is_asked_to_sign(world: World) -> None:
    leader = world.person("dongtrieu")
    async with on_day(world, date(2026, 12, 4)):
        # A Saturday: whoever signs has the Monday after it as well.
        agreement = await world.opened(sign_by="2026-12-05")
        asked = (await leader.read(MY_WORK))["counts"]["kinds"]["sign"]
    async with on_day(world, date(2026, 12, 7)):
        assert (await waiting(leader, agreement["id"]))["urgency"] == "overdue"
        assert (await waiting(leader, agreement["id"], scope="organization"))["action"]["name"] == "sign"
        assert (await leader.read(MY_WORK))["counts"]["kinds"]["sign"] == asked
    async with on_day(world, date(2026, 12, 8)):
        for scope in ("person", "organization"):
            assert await of(leader, agreement["id"], scope=scope) is None
            page = await leader.read(MY_WORK, scope=scope, kind="sign", limit=200)
            assert page["counts"]["kinds"]["sign"] == len(page["items"]) == asked - 1


async def test_an_amendment_of_what_has_ended_is_signed_by_nobody(world: World) -> None:
    plan, custodian = await world.plan(), world.person("dongtrieu")
    path = f"/v1/agreements/{plan['id']}"
    new = {"operation": "replace", "target_clause_id": plan["clauses"][1]["id"], "text": "Điều khoản mới (minh họa)"}
    draft = await custodian.step(path, "amend", {"clauses": [new]})
    await custodian.step(f"/v1/agreements/{draft['id']}", "open")
    await custodian.step(path, "suspend", REASON)
    await waiting(world.person("chilinh"), draft["id"])
    await custodian.step(path, "terminate", REASON)
    assert "sign" not in (await world.person("chilinh").read(f"/v1/agreements/{draft['id']}"))["allowed_actions"]
    assert [await of(world.person(key), draft["id"]) for key in PARTIES] == [None] * len(PARTIES)


async def test_a_text_that_is_declined_is_signed_by_nobody(world: World) -> None:
    agreement = await world.opened()
    await waiting(world.person("kinhmon"), agreement["id"])
    await world.person("chilinh").step(f"/v1/agreements/{agreement['id']}", "decline", REASON)
    assert [await of(world.person(key), agreement["id"]) for key in PARTIES] == [None] * len(PARTIES)


async def test_a_window_that_lapses_is_nobodys_work(world: World, plan: Json) -> None:
    path = await world.submitted(plan)
    async with days_later(world, 40):
        await end_what_is_over(world.registry.database, 50)
        assert await of(world.person("ubnd-kinhmon"), path.split("/")[-1]) is None


async def test_a_window_that_has_closed_is_nobodys_work_before_the_lapse_is_carried_out(
    world: World, plan: Json
) -> None:
    path, person = await world.submitted(plan), world.person("ubnd-kinhmon")
    task_id = path.split("/")[-1]
    last_day = date.fromisoformat((await person.read(path))["coordinating"][0]["respond_by"])
    async with on_day(world, last_day):
        assert (await waiting(person, task_id))["urgency"] == "today"
        assert (await waiting(person, task_id, scope="organization"))["action"]["name"] == "confirm"
    async with on_day(world, last_day + timedelta(days=1)):
        problem(await person.act(path, "confirm"), 409)
        for scope in ("person", "organization"):
            assert await of(person, task_id, scope=scope) is None
            assert await of(person, task_id, scope=scope, urgency="overdue") is None
            page = await person.read(MY_WORK, scope=scope, kind="confirm", limit=200)
            assert page["counts"]["kinds"]["confirm"] == len(page["items"])


async def test_each_side_confirms_the_step_that_is_open(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    first, second = world.person(FIRST), world.person(SECOND)
    assert (await waiting(second, case["id"]))["subject"]["title"] == case["steps"][0]["title"]
    await confirmed(world, case, 0, FIRST)
    assert await of(first, case["id"]) is None
    await first.step(path_of(case), f"steps/{case['steps'][0]['id']}/take-back")
    await waiting(first, case["id"])
    await confirmed(world, case, 0, FIRST, SECOND)
    assert (await waiting(first, case["id"]))["subject"]["title"] == case["steps"][1]["title"]


async def test_what_a_meeting_concluded_waits_while_its_agreement_takes_tasks(world: World) -> None:
    plan = await world.plan()
    path, custodian = await held(world, plan), world.person("dongtrieu")
    await concluded(world, path)
    meeting_id, agreement = path.split("/")[-1], f"/v1/agreements/{plan['id']}"
    await waiting(custodian, meeting_id)
    await custodian.step(agreement, "suspend", REASON)
    assert await of(custodian, meeting_id) is None
    await custodian.step(agreement, "resume", REASON)
    await waiting(custodian, meeting_id)


async def test_settling_an_obstacle_meets_the_suspension_of_its_task(world: World, plan: Json) -> None:
    custodian, lead = world.person("dongtrieu"), world.person("ubnd-dongtrieu")
    for _ in range(4):
        path = await world.under_way(plan)
        raised = accepted(await world.specialist("ubnd-kinhmon").post(f"{path}/obstacles", OBSTACLE), 201)
        await custodian.step(path, "suspend", REASON)
        answers = await asyncio.gather(
            custodian.act_blindly(path, "resume", REASON),
            lead.act_blindly(f"/v1/obstacles/{raised['id']}", "resolve", {"resolution": "Đã thống nhất."}),
        )
        assert [answer.status_code for answer in answers] == [200, 200]
        assert await of(lead, raised["id"]) is None


async def test_two_confirmations_at_once_leave_nothing_to_confirm(world: World, plan: Json) -> None:
    for _ in range(4):
        path = await world.submitted(plan)
        people = [world.person(key) for key in ("ubnd-kinhmon", "ubnd-chilinh")]
        answers = await asyncio.gather(*(person.act_blindly(path, "confirm") for person in people))
        assert [answer.status_code for answer in answers] == [200, 200]
        assert [await of(person, path.split("/")[-1]) for person in people] == [None, None]


async def test_reports_and_a_reassignment_at_once_leave_what_follows(world: World, plan: Json) -> None:
    for _ in range(3):
        path = await world.under_way(plan)
        custodian, lead = world.person("dongtrieu"), world.specialist("ubnd-dongtrieu")
        report = {"period_start": "2026-10-15", "period_end": "2026-11-14", "percent": 5, "narrative": "Minh họa."}
        body = {"lead_organization_id": world.id("ubnd-sondong"), **REASON}
        answers = await asyncio.gather(
            lead.act_blindly(path, "reports", report), custodian.act_blindly(path, "reassign", body)
        )
        assert answers[1].status_code == 200
        assert (await waiting(world.person("ubnd-sondong"), path.split("/")[-1]))["reason"] == "to_lead"


@pytest.mark.parametrize("key", ["ubnd-dongtrieu", "dongtrieu", "quangninh"])
async def test_an_item_stands_once_in_a_list(world: World, plan: Json, key: str) -> None:
    items = await work(world.person(key), scope="organization")
    assert len({(item["subject"]["id"], item["action"]["href"]) for item in items}) == len(items)
