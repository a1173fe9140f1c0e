"""What a meeting concluded, and how an outcome becomes a task: once, in one call."""

import asyncio
from uuid import uuid4

import pytest

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.meetings.steps import concluded, held, hours_ago, planned


async def tasks_of(world: World, plan: Json) -> list[Json]:
    items: list[Json] = (await world.person("dongtrieu").read("/v1/tasks", agreement_id=plan["id"], limit=200))["items"]
    return items


async def test_an_outcome_becomes_a_task_in_one_call(world: World) -> None:
    plan = await world.plan()
    path = await held(world, plan)
    outcome = await concluded(world, path)
    assert (outcome["ordinal"], outcome["responsible_name"], outcome["task_id"]) == (1, "UBND thị xã Đông Triều", None)
    assert outcome["allowed_actions"] == ["update", "assign"]
    leader = world.person("chilinh")
    seen = await leader.get(path)
    answer = await leader.post(
        f"{path}/outcomes/{outcome['id']}/assign",
        {
            "coordinating": [{"organization_id": world.id("ubnd-kinhmon"), "due_on": "2027-03-15"}],
            "clause_id": plan["clauses"][1]["id"],
            "deliverable": "Biên bản",
        },
        **{"If-Match": seen.headers["etag"]},
    )
    [assigned] = accepted(answer, 201)["outcomes"]
    assert answer.headers["location"] == f"/v1/tasks/{assigned['task_id']}"
    assert assigned["allowed_actions"] == []
    task = await world.person("ubnd-dongtrieu").read(f"/v1/tasks/{assigned['task_id']}")
    assert {name: task[name] for name in ("title", "due_on", "status", "agreement_id", "clause_id", "deliverable")} == {
        "title": outcome["text"],
        "due_on": "2027-03-31",
        "status": "not_started",
        "agreement_id": plan["id"],
        "clause_id": plan["clauses"][1]["id"],
        "deliverable": "Biên bản",
    }
    assert task["lead"]["organization_id"] == world.id("ubnd-dongtrieu")
    assert [(one["organization_id"], one["due_on"]) for one in task["coordinating"]] == [
        (world.id("ubnd-kinhmon"), "2027-03-15")
    ]
    assert task["demonstration"] is True
    # Two facts: the task was assigned, and the meeting's outcome is that task.
    assert [event["type"] for event in await world.registry.outbox(task["id"])] == ["vn.lienvung.task.assigned.v1"]
    told = (await world.registry.outbox(assigned_meeting(path)))[-1]
    assert told["type"] == "vn.lienvung.meeting.changed.v1"
    assert told["data"]["meeting"]["outcomes"][0]["task_id"] == task["id"]


def assigned_meeting(path: str) -> str:
    return path.rsplit("/", 1)[-1]


async def test_what_the_call_names_stands_before_what_the_outcome_says(world: World, plan: Json) -> None:
    path = await held(world, plan)
    outcome = await concluded(world, path, responsible_organization_id=None, due_on=None)
    host = world.specialist("dongtrieu")
    verb = f"outcomes/{outcome['id']}/assign"
    assert pointers(problem(await host.act(path, verb), 422)) == ["/lead_organization_id"]
    body = {"title": "Việc khác", "lead_organization_id": world.id("ubnd-chilinh"), "due_on": "2027-01-31"}
    after = await host.step(path, verb, body)
    task = await world.person("ubnd-chilinh").read(f"/v1/tasks/{after['outcomes'][0]['task_id']}")
    assert (task["title"], task["due_on"], task["lead"]["organization_id"]) == (
        "Việc khác",
        "2027-01-31",
        world.id("ubnd-chilinh"),
    )


async def test_two_that_assign_one_outcome_at_once_make_one_task(world: World) -> None:
    plan = await world.plan()
    path = await held(world, plan)
    for number in range(1, 5):
        outcome = await concluded(world, path)
        leaders = [world.person("dongtrieu"), world.person("chilinh")]
        answers = await asyncio.gather(
            *(leader.act_blindly(path, f"outcomes/{outcome['id']}/assign") for leader in leaders)
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        [late] = [answer for answer in answers if answer.status_code == 409]
        [task] = [one for one in (await leaders[0].read(path))["outcomes"] if one["id"] == outcome["id"]]
        assert problem(late, 409, "already_assigned")["task_id"] == task["task_id"]
        assert len(await tasks_of(world, plan)) == number


async def test_a_repeated_assignment_is_answered_again_and_done_once(world: World) -> None:
    plan = await world.plan()
    path = await held(world, plan)
    outcome = await concluded(world, path)
    leader = world.person("dongtrieu")
    headers = {"Idempotency-Key": str(uuid4()), "If-Match": (await leader.get(path)).headers["etag"]}
    first = await leader.post(f"{path}/outcomes/{outcome['id']}/assign", **headers)
    again = await leader.post(f"{path}/outcomes/{outcome['id']}/assign", **headers)
    assert (first.status_code, again.status_code, again.headers["idempotency-replayed"]) == (201, 201, "true")
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert len(await tasks_of(world, plan)) == 1


async def test_an_assignment_that_is_refused_leaves_nothing(world: World) -> None:
    plan = await world.plan()
    path = await held(world, plan)
    outcome = await concluded(world, path)
    verb, host = f"outcomes/{outcome['id']}/assign", world.specialist("dongtrieu")
    refused = [
        ({"clause_id": str(uuid4())}, "/clause_id"),
        ({"lead_organization_id": str(uuid4())}, "/lead_organization_id"),
        ({"coordinating": [{"organization_id": world.id("ubnd-dongtrieu")}]}, "/coordinating/0/organization_id"),
        ({"due_on": "31/12/2026"}, "/due_on"),
        ({"unheard_of": 1}, "/unheard_of"),
    ]
    for body, pointer in refused:
        assert pointers(problem(await host.act(path, verb, body), 422)) == [pointer]
    assert await tasks_of(world, plan) == []
    meeting = await host.read(path)
    assert (meeting["version"], meeting["outcomes"][0]["task_id"]) == (3, None)


async def test_an_outcome_is_changed_until_it_is_a_task(world: World, plan: Json) -> None:
    path = await held(world, plan)
    outcome = await concluded(world, path)
    host = world.specialist("dongtrieu")
    one = f"{path}/outcomes/{outcome['id']}"

    async def patch(body: Json) -> Json:
        seen = await host.get(path)
        return accepted(await host.patch(one, body, **{"If-Match": seen.headers["etag"]}), 200)

    changed = await patch({"due_on": None, "responsible_organization_id": world.id("ubnd-chilinh")})
    assert {name: changed["outcomes"][0][name] for name in ("text", "due_on", "responsible_name")} == {
        "text": outcome["text"],
        "due_on": None,
        "responsible_name": "UBND thành phố Chí Linh",
    }
    [newest, *_] = (await host.read(f"{path}/history"))["items"]
    assert {"field": f"outcomes/{outcome['id']}/due_on", "from": "2027-03-31", "to": None} in newest["changes"]
    assert (await patch({"due_on": None}))["version"] == changed["version"]
    await host.step(path, f"outcomes/{outcome['id']}/assign")
    problem(await host.patch(one, {"text": "x"}, **{"If-Match": "*"}), 409, "already_assigned")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"text": ""}, "/text"),
        ({"text": "x" * 1001}, "/text"),
        ({"responsible_organization_id": str(uuid4())}, "/responsible_organization_id"),
        ({"due_on": "mai"}, "/due_on"),
    ],
)
async def test_an_outcome_that_cannot_be_is_refused_by_its_field(
    world: World, plan: Json, changes: Json, pointer: str
) -> None:
    path = await held(world, plan)
    host = world.specialist("dongtrieu")
    answer = await host.act(path, "outcomes", {"text": "Kết luận"} | changes)
    assert pointers(problem(answer, 422)) == [pointer]
    assert (await host.read(path))["outcomes"] == []


async def test_a_meeting_concludes_a_hundred_things_and_no_more(world: World, plan: Json) -> None:
    path = await held(world, plan)
    await world.rows(
        "insert into meeting_outcome (id, meeting_id, ordinal, text)"
        " select gen_random_uuid(), id, i, 'x' from meeting, generate_series(1, 100) i where id::text = $1",
        path.rsplit("/", 1)[-1],
    )
    answer = await world.specialist("dongtrieu").act(path, "outcomes", {"text": "Thêm"})
    problem(answer, 409, "too_many_outcomes")


async def test_who_may_assign_a_task_may_assign_an_outcome_and_nobody_else(world: World, plan: Json) -> None:
    path = await held(world, plan)
    outcome = await concluded(world, path)
    verb = f"outcomes/{outcome['id']}/assign"
    problem(await world.person("haiduong").act_blindly(path, verb), 403)
    problem(await world.person("chilinh", Role.VIEWER).act_blindly(path, verb), 403)
    problem(await world.person("elsewhere").act_blindly(path, verb), 404)
    guest = await world.specialist("kinhmon").read(path)
    # No host, but a party: it may make the task, and does not write the outcomes.
    assert guest["outcomes"][0]["allowed_actions"] == ["assign"]
    problem(await world.specialist("kinhmon").act(path, "outcomes", {"text": "x"}), 403)


async def test_an_agreement_that_takes_no_tasks_takes_no_outcome(world: World) -> None:
    plan = await world.plan()
    path = await held(world, plan)
    outcome = await concluded(world, path)
    leader = world.person("dongtrieu")
    tag = (await leader.get(path)).headers["etag"]
    await leader.step(f"/v1/agreements/{plan['id']}", "suspend", {"reason": "Chờ"})
    # The same version shows other actions: whoever asks with the old tag is not told that nothing changed.
    seen = await leader.get(path, headers={"If-None-Match": tag})
    assert seen.json()["outcomes"][0]["allowed_actions"] == ["update"]
    problem(await leader.act(path, f"outcomes/{outcome['id']}/assign"), 409, "invalid_transition")


async def test_an_outcome_that_is_not_there_is_not_found(world: World, plan: Json) -> None:
    path = await held(world, plan)
    other = await concluded(world, await held(world, plan))
    host = world.specialist("dongtrieu")
    for outcome_id in (str(uuid4()), other["id"]):
        problem(await host.act(path, f"outcomes/{outcome_id}/assign"), 404)
        problem(await host.patch(f"{path}/outcomes/{outcome_id}", {"text": "x"}, **{"If-Match": "*"}), 404)


async def test_outcomes_recorded_at_once_each_get_a_number(world: World, plan: Json) -> None:
    path = await held(world, plan)
    host = world.specialist("dongtrieu")
    await asyncio.gather(*(host.act_blindly(path, "outcomes", {"text": f"Kết luận {number}"}) for number in range(5)))
    assert [one["ordinal"] for one in (await host.read(path))["outcomes"]] == [1, 2, 3, 4, 5]


async def test_a_meeting_that_is_held_and_called_off_at_once_is_one_of_them(world: World, plan: Json) -> None:
    for _ in range(3):
        meeting = await planned(world, plan, starts_at=hours_ago(2))
        path, host = f"/v1/meetings/{meeting['id']}", world.specialist("dongtrieu")
        attendance = [{"organization_id": world.id(key), "attendance": "attended"} for key in ("dongtrieu", "chilinh")]
        answers = await asyncio.gather(
            host.act_blindly(path, "hold", {"attendance": attendance}),
            host.act_blindly(path, "cancel", {"reason": "Hoãn"}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        state = (await host.read(path))["status"]
        assert state == ("held" if answers[0].status_code == 200 else "cancelled")
        assert len(await world.registry.outbox(meeting["id"])) == 2
