"""Urgings and requests for an explanation: who asks whom, by when, who answers, and what is told of it."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from agreements_api.history.verification import verify
from agreements_api.policy import Role
from agreements_api.urgings.schemas import UrgingPublic
from shared import clock
from shared.calendar import WorkingCalendar
from tests.agreements_api.agreements.test_signing_time import days_later
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem

ASKED: Json = {"message": "Đề nghị báo cáo tiến độ (minh họa)."}
ANSWERED: Json = {"answer": "Đơn vị sẽ hoàn thành trong tuần (minh họa)."}
KINDS = ("urgings", "explanations")


def in_working_days(count: int) -> str:
    return WorkingCalendar().add_working_days(clock.today(), count).isoformat()


async def asked(
    world: World, task: str, kind: str = "urgings", key: str = "quangninh", **given: Any
) -> tuple[Json, str]:
    """What a leader asks, and its path."""
    body = accepted(await world.person(key).post(f"{task}/{kind}", ASKED | given), 201)
    return body, f"{task}/{kind}/{body['id']}"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("urgings", (("urge", "urged"), ("answer_urging", "urging_answered"))),
        (
            "explanations",
            (("request_explanation", "explanation_requested"), ("give_explanation", "explanation_given")),
        ),
    ],
)
async def test_a_leader_asks_and_the_unit_answers(
    world: World, plan: Json, kind: str, told: tuple[tuple[str, str], tuple[str, str]]
) -> None:
    task = await world.under_way(plan)
    before = await world.person("ubnd-dongtrieu").read(task)
    urging, path = await asked(world, task, kind)
    UrgingPublic.model_validate(urging)
    assert (urging["status"], urging["version"], urging["message"]) == ("open", 1, ASKED["message"])
    assert (urging["organization_id"], urging["asked_by_organization_id"]) == (
        world.id("ubnd-dongtrieu"),
        world.id("quangninh"),
    )
    assert (urging["answer_due_on"], urging["overdue"], urging["allowed_actions"]) == (in_working_days(3), False, [])
    lead = world.person("ubnd-dongtrieu")
    assert (await lead.read(path))["allowed_actions"] == ["answer"]
    answered = await lead.step(path, "answer", ANSWERED)
    assert (answered["status"], answered["answer"], answered["version"]) == ("answered", ANSWERED["answer"], 2)
    assert (answered["answered_by"], answered["answered_by_organization_id"]) == (
        "leader ubnd-dongtrieu",
        lead.organization,
    )
    problem(await lead.act(path, "answer", ANSWERED), 409, "invalid_transition")
    # Each of both is a version of the task, which is otherwise as it was.
    after = await lead.read(task)
    assert after | {"version": 0, "updated_at": ""} == before | {"version": 0, "updated_at": ""} | {
        "allowed_actions": after["allowed_actions"]
    }
    history = (await lead.read(f"{task}/history"))["items"][:2][::-1]
    assert [(entry["action"], entry["remark"]) for entry in history] == [
        (told[0][0], ASKED["message"]),
        (told[1][0], ANSWERED["answer"]),
    ]
    events = (await world.registry.outbox(after["id"]))[-2:]
    assert [event["type"].split(".")[3] for event in events] == [told[0][1], told[1][1]]
    assert [event["data"]["version"] for event in events] == [after["version"] - 1, after["version"]]
    assert [event["data"]["urging"]["status"] for event in events] == ["open", "answered"]
    assert events[0]["data"]["urging"]["answer_due_on"] == urging["answer_due_on"]
    assert (await verify(world.registry.database)).first_break is None


async def test_another_party_can_be_asked_within_other_days(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    urging, path = await asked(world, task, organization_id=world.id("ubnd-kinhmon"), answer_days=10)
    assert (urging["organization_name"], urging["answer_due_on"]) == ("UBND thị xã Kinh Môn", in_working_days(10))
    problem(await world.person("ubnd-dongtrieu").act(path, "answer", ANSWERED), 403)
    assert (await world.specialist("ubnd-kinhmon").step(path, "answer", ANSWERED))["status"] == "answered"


@pytest.mark.parametrize(
    ("key", "role", "expected"),
    [
        ("quangninh", Role.LEADER, 201),
        ("quangninh", Role.SPECIALIST, 403),
        ("dongtrieu", Role.LEADER, 201),
        ("ubnd-kinhmon", Role.LEADER, 201),
        ("ubnd-sondong", Role.LEADER, 201),
        ("ubnd-dongtrieu", Role.LEADER, 403),
        ("chilinh", Role.LEADER, 403),
        ("elsewhere", Role.LEADER, 404),
    ],
)
async def test_the_table_says_who_asks(world: World, plan: Json, key: str, role: Role, expected: int) -> None:
    task = await world.under_way(plan, monitoring=("ubnd-sondong",))
    for kind in KINDS:
        assert (await world.person(key, role).post(f"{task}/{kind}", ASKED)).status_code == expected
        assert (await world.person(key, role).get(f"{task}/{kind}")).status_code == (404 if expected == 404 else 200)


async def test_an_explanation_is_given_by_a_leader(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    _, path = await asked(world, task, "explanations")
    problem(await world.specialist("ubnd-dongtrieu").act(path, "answer", ANSWERED), 403)
    _, path = await asked(world, task)
    assert (await world.specialist("ubnd-dongtrieu").step(path, "answer", ANSWERED))["status"] == "answered"


async def test_a_system_answers_an_urging_with_its_scope(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    _, path = await asked(world, task)
    blind = world.client("ubnd-dongtrieu")
    for where in (path, f"{task}/urgings", "/v1/urgings"):
        assert (await blind.get(where)).status_code == 403
    system = world.client("ubnd-dongtrieu", "tasks:read", "tasks:write")
    assert (await system.step(path, "answer", ANSWERED))["status"] == "answered"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"message": ""}, "/message"),
        ({"answer_days": 0}, "/answer_days"),
        ({"answer_days": "3"}, "/answer_days"),
        ({"organization_id": "x"}, "/organization_id"),
        ({"organization_id": str(uuid4())}, "/organization_id"),
        ({"organization_id": "quangninh"}, "/organization_id"),
        ({"organization_id": "ubnd-sondong"}, "/organization_id"),
        ({"other": 1}, "/other"),
    ],
)
async def test_what_cannot_be_asked_is_refused(world: World, plan: Json, kind: str, given: Json, pointer: str) -> None:
    task = await world.under_way(plan)
    body = ASKED | given
    if given.get("organization_id") in world.organizations:
        body["organization_id"] = world.id(given["organization_id"])
    assert pointers(problem(await world.person("quangninh").post(f"{task}/{kind}", body), 422)) == [pointer]
    assert (await world.person("quangninh").read(f"{task}/{kind}"))["items"] == []


async def test_a_task_that_is_over_is_not_urged_and_can_be_explained(world: World, plan: Json) -> None:
    task = await world.submitted(plan)
    urging, _ = await asked(world, task, organization_id=world.id("ubnd-kinhmon"))
    for key in ("ubnd-kinhmon", "ubnd-chilinh"):
        await world.person(key).step(task, "confirm")
    leader = world.person("quangninh")
    problem(await leader.post(f"{task}/urgings", ASKED), 409, "nothing_to_ask")
    explained, _ = await asked(world, task, "explanations")
    async with days_later(world, 30):
        # Nobody needs the answer to the urging any more.
        late = (await leader.read("/v1/urgings", task_id=urging["task_id"], overdue="true"))["items"]
        assert [item["id"] for item in late] == [explained["id"]]
    cancelled = await world.under_way(plan)
    await world.person("dongtrieu").step(cancelled, "cancel", {"reason": "Trùng"})
    problem(await leader.post(f"{cancelled}/explanations", ASKED), 409, "nothing_to_ask")


async def test_nobody_is_late_with_an_answer_while_the_task_is_suspended(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    _, path = await asked(world, task)
    lead, custodian = world.person("ubnd-dongtrieu"), world.person("dongtrieu")
    await custodian.step(task, "suspend", {"reason": "Chờ nguồn vốn (minh họa)"})
    async with days_later(world, 10):
        assert (await lead.read(path))["overdue"] is False
        assert (await lead.read(f"{task}/urgings", overdue="true"))["items"] == []
        await custodian.step(task, "resume", {"reason": "Đã có vốn (minh họa)"})
        assert (await lead.read(path))["overdue"] is True


async def test_an_answer_that_is_late_says_so_and_is_still_taken(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    _, path = await asked(world, task)
    lead = world.person("ubnd-dongtrieu")
    seen = await lead.get(path)
    assert (await lead.get(path, headers={"If-None-Match": seen.headers["etag"]})).status_code == 304
    async with days_later(world, 10):
        late = await lead.get(path, headers={"If-None-Match": seen.headers["etag"]})
        assert (late.status_code, late.json()["overdue"]) == (200, True)
        [listed] = (await lead.read(f"{task}/urgings", overdue="true"))["items"]
        assert listed["id"] == late.json()["id"]
        answered = await lead.post(f"{path}/answer", ANSWERED, **{"If-Match": seen.headers["etag"]})
        assert accepted(answered, 200)["overdue"] is False
        assert (await lead.read(f"{task}/urgings", overdue="true"))["items"] == []


async def test_an_answer_says_something_to_the_version_that_was_read(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    _, path = await asked(world, task)
    lead = world.person("ubnd-dongtrieu")
    problem(await lead.post(f"{path}/answer", ANSWERED), 428)
    problem(await lead.post(f"{path}/answer", ANSWERED, **{"If-Match": '"v7"'}), 412)
    assert pointers(problem(await lead.act(path, "answer", {"answer": " "}), 422)) == ["/answer"]


async def test_of_two_answers_at_once_one_counts(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    urging, path = await asked(world, task)
    people = [world.person("ubnd-dongtrieu"), world.specialist("ubnd-dongtrieu")]
    answers = await asyncio.gather(*(person.post(f"{path}/answer", ANSWERED, **{"If-Match": "*"}) for person in people))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    events = [event["type"] for event in await world.registry.outbox(urging["task_id"])]
    assert events.count("vn.lienvung.task.urging_answered.v1") == 1


async def test_an_urging_and_a_submission_at_once_both_happen(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    urge, submit = await asyncio.gather(
        world.person("quangninh").post(f"{task}/urgings", ASKED),
        world.specialist("ubnd-dongtrieu").post(f"{task}/submit", **{"If-Match": "*"}),
    )
    assert (urge.status_code, submit.status_code) == (201, 200)
    after = await world.person("quangninh").read(task)
    written = await world.registry.outbox(after["id"])
    assert [event["data"]["version"] for event in written] == list(range(1, after["version"] + 1))
    assert after["status"] == "submitted"


async def test_one_of_another_kind_or_another_task_is_not_found(world: World, plan: Json) -> None:
    task, other = await world.under_way(plan), await world.under_way(plan)
    urging, _ = await asked(world, task)
    lead = world.person("ubnd-dongtrieu")
    for path in (f"{task}/explanations/{urging['id']}", f"{other}/urgings/{urging['id']}", f"{task}/urgings/{uuid4()}"):
        problem(await lead.get(path), 404)
        problem(await lead.act_blindly(path, "answer", ANSWERED), 404)
    problem(await lead.get(f"/v1/tasks/{uuid4()}/urgings"), 404)


async def test_lists_are_narrowed_and_turned_page_by_page(world: World) -> None:
    plan = await world.plan()
    task = await world.under_way(plan)
    first, path = await asked(world, task)
    second, _ = await asked(world, task, "explanations")
    third, _ = await asked(world, task, organization_id=world.id("ubnd-kinhmon"))
    lead = world.person("ubnd-dongtrieu")
    await lead.step(path, "answer", ANSWERED)

    async def found(**query: Any) -> list[str]:
        items = (await lead.read("/v1/urgings", agreement_id=plan["id"], **query))["items"]
        return [item["id"] for item in items]

    assert await found() == [third["id"], second["id"], first["id"]]
    assert await found(kind="urging") == [third["id"], first["id"]]
    assert await found(status="open") == [third["id"], second["id"]]
    assert await found(status="open", organization=lead.organization) == [second["id"]]
    assert await found(overdue="false", kind="explanation") == [second["id"]]
    own = [item["id"] for item in (await lead.read(f"{task}/urgings"))["items"]]
    assert own == [third["id"], first["id"]]
    page = await lead.read("/v1/urgings", agreement_id=plan["id"], limit=2)
    rest = await lead.read("/v1/urgings", agreement_id=plan["id"], limit=2, cursor=page["next_cursor"])
    assert ([item["id"] for item in rest["items"]], rest["next_cursor"]) == ([first["id"]], None)
    answer = await lead.get(f"{task}/explanations", cursor=page["next_cursor"])
    problem(answer, 400)
    assert (await world.person("elsewhere").read("/v1/urgings"))["items"] == []


async def test_a_repeated_request_urges_once(world: World, plan: Json) -> None:
    task, leader = await world.under_way(plan), world.person("quangninh")
    answers = [await leader.post(f"{task}/urgings", ASKED, **{"Idempotency-Key": "urge-once"}) for _ in range(2)]
    assert accepted(answers[0], 201) == accepted(answers[1], 201)
    assert answers[0].headers["location"] == f"{task}/urgings/{answers[0].json()['id']}"
    assert len((await leader.read(f"{task}/urgings"))["items"]) == 1
