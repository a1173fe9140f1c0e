"""Up to a hundred changes of tasks in one call: all of them, or none and what is wrong with each."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import REPORT, Json, Person, World, accepted, pointers, problem


def change(task: Json, action: str, **more: Any) -> Json:
    return {"action": action, "task_id": task["id"], "if_match": f'"v{task["version"]}"', **more}


async def send(person: Person, *changes: Json) -> httpx.Response:
    return await person.post("/v1/tasks/bulk", {"changes": list(changes)})


async def read(world: World, task: Json) -> Json:
    return await world.person("dongtrieu").read(f"/v1/tasks/{task['id']}")


def told(body: Json) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in body["errors"]]


async def test_changes_of_several_kinds_are_made_together(world: World, plan: Json) -> None:
    first, second, third = [await world.task(plan, lead="dongtrieu", coordinating=()) for _ in range(3)]
    new = {
        "action": "assign",
        "agreement_id": plan["id"],
        "title": "Việc mới",
        "lead_organization_id": world.id("ubnd-dongtrieu"),
    }
    answer = await send(
        world.person("dongtrieu"),
        change(first, "update", due_on="2027-01-31", deliverable=None),
        change(second, "accept"),
        change(third, "cancel", reason="Trùng (minh họa)"),
        new,
    )
    changed = accepted(answer, 200)["changed"]
    assert [(one["version"], one["status"]) for one in changed] == [
        (2, "not_started"),
        (2, "in_progress"),
        (2, "cancelled"),
        (1, "not_started"),
    ]
    after = await read(world, first)
    assert (after["due_on"], after["original_due_on"], after["deliverable"]) == ("2027-01-31", "2026-12-31", None)
    assert after["title"] == first["title"]
    seen = await world.person("dongtrieu").get(f"/v1/tasks/{changed[3]['task_id']}")
    assert (seen.json()["title"], seen.headers["etag"]) == ("Việc mới", changed[3]["etag"])


async def test_each_change_has_its_version_its_history_and_its_event(world: World, plan: Json) -> None:
    tasks = [await world.task(plan) for _ in range(3)]
    worker = world.specialist("ubnd-dongtrieu")
    accepted(await send(worker, *(change(task, "accept") for task in tasks)), 200)
    accepted(await send(worker, *(change(task | {"version": 2}, "report", **REPORT) for task in tasks)), 200)
    accepted(await send(worker, *(change(task | {"version": 3}, "submit", note="Xong") for task in tasks)), 200)
    for task in tasks:
        history = (await worker.read(f"/v1/tasks/{task['id']}/history"))["items"]
        assert [entry["action"] for entry in history] == ["submit", "report", "accept", "assign"]
        events = await world.rows("select type from outbox where aggregate_id = $1 order by id", task["id"])
        assert [event["type"].split(".")[-2] for event in events] == [
            "assigned",
            "accepted",
            "progress_reported",
            "submitted",
        ]


async def tasks_in(world: World, plan: Json, *paths: str) -> list[Json]:
    return [await world.person("dongtrieu").read(path) for path in paths]


async def events_of(world: World, task: Json) -> list[str]:
    rows = await world.rows("select type from outbox where aggregate_id = $1 order by version", task["id"])
    return [".".join(row["type"].split(".")[2:-1]) for row in rows]


async def test_a_leader_confirms_returns_and_refuses_what_others_submitted(world: World, plan: Json) -> None:
    given = {"coordinating": ("ubnd-kinhmon",)}
    done, lacking, disputed = await tasks_in(world, plan, *[await world.submitted(plan, **given) for _ in range(3)])
    leader = world.person("ubnd-kinhmon")
    answer = await send(
        leader,
        change(done, "confirm", remark="Nhất trí."),
        change(lacking, "return", reason="Thiếu chữ ký (minh họa)"),
        change(disputed, "refuse", reason="Hồ sơ chưa khớp (minh họa)"),
    )
    changed = accepted(answer, 200)["changed"]
    # The last confirmation is two facts, so two versions.
    assert [
        (one["version"] - task["version"], one["status"])
        for one, task in zip(changed, (done, lacking, disputed), strict=True)
    ] == [
        (2, "completed"),
        (1, "in_progress"),
        (1, "in_progress"),
    ]
    assert (await events_of(world, done))[-2:] == ["task.confirmed", "task.completed"]
    assert (await events_of(world, lacking))[-1] == "task.returned"
    assert (await events_of(world, disputed))[-1] == "task.refused"
    [obstacle] = (await leader.read("/v1/obstacles", task_id=disputed["id"]))["items"]
    assert (obstacle["origin"], obstacle["text"]) == ("refusal", "Hồ sơ chưa khớp (minh họa)")
    assert (obstacle["agreement_id"], obstacle["organization_id"]) == (plan["id"], world.id("ubnd-dongtrieu"))
    said = (await leader.read(f"/v1/tasks/{done['id']}/confirmations"))["items"]
    assert [(one["decision"], one["remark"]) for one in said] == [("confirmed", "Nhất trí.")]


async def test_a_custodian_interrupts_takes_up_completes_and_gives_to_others(world: World, plan: Json) -> None:
    alone = {"coordinating": ()}
    paths = [await world.under_way(plan, **alone) for _ in range(4)]
    custodian = world.person("dongtrieu")
    await custodian.step(paths[1], "suspend", {"reason": "Chờ vốn (minh họa)"})
    await custodian.step(paths[2], "cancel", {"reason": "Trùng (minh họa)"})
    paths.append(await world.submitted(plan, **alone))
    going, suspended, cancelled, given, submitted = before = await tasks_in(world, plan, *paths)
    answer = await send(
        custodian,
        change(going, "suspend", reason="Chờ vốn (minh họa)"),
        change(suspended, "resume", reason="Đã có vốn (minh họa)"),
        change(cancelled, "reopen", reason="Hủy nhầm (minh họa)"),
        change(
            given,
            "reassign",
            lead_organization_id=world.id("ubnd-chilinh"),
            coordinating=[{"organization_id": world.id("ubnd-kinhmon"), "due_on": "2026-12-15"}],
            reason="Đổi đơn vị chủ trì (minh họa)",
        ),
        change(submitted, "complete"),
    )
    changed = accepted(answer, 200)["changed"]
    assert [one["status"] for one in changed] == ["suspended", "in_progress", "in_progress", "not_started", "completed"]
    assert [one["version"] for one in changed] == [task["version"] + 1 for task in before]
    assert [(await events_of(world, task))[-1] for task in before] == [
        "task.suspended",
        "task.resumed",
        "task.reopened",
        "task.reassigned",
        "task.completed",
    ]
    after = await read(world, given)
    assert (after["lead"]["name"], after["coordinating"][0]["due_on"]) == ("UBND thành phố Chí Linh", "2026-12-15")
    # Who leads it now does what a lead does.
    accepted(await send(world.specialist("ubnd-chilinh"), change(after, "accept")), 200)


async def test_a_lead_asks_for_later_deadlines_at_once(world: World, plan: Json) -> None:
    tasks = await tasks_in(world, plan, *[await world.under_way(plan) for _ in range(2)])
    lead = world.specialist("ubnd-dongtrieu")
    why = {"due_on": "2027-02-26", "reason": "Cần đo đạc lại (minh họa)"}
    accepted(await send(lead, *(change(task, "extend", **why) for task in tasks)), 200)
    for task in tasks:
        [asked] = (await lead.read(f"/v1/tasks/{task['id']}/extensions"))["items"]
        assert (asked["state"], asked["requested_due_on"]) == ("requested", "2027-02-26")
        assert (await events_of(world, task))[-1] == "task.extension_requested"


async def test_each_step_that_is_not_possible_is_named_and_none_is_taken(world: World, plan: Json) -> None:
    alone = {"coordinating": ()}
    good, going, waiting, own, fixed = await tasks_in(
        world, plan, *[await world.under_way(plan, **alone) for _ in range(5)]
    )
    finished = (await tasks_in(world, plan, await world.submitted(plan, coordinating=("ubnd-kinhmon",))))[0]
    answer = await send(
        world.person("dongtrieu"),
        change(good, "suspend", reason="Chờ vốn (minh họa)"),
        change(going, "resume", reason="Nhầm (minh họa)"),
        change(waiting, "complete"),
        change(finished, "confirm"),
        change(own, "reassign", lead_organization_id=str(uuid4()), reason="Đổi (minh họa)"),
        change(fixed, "reassign", lead_organization_id=fixed["lead"]["organization_id"], reason="Đổi (minh họa)"),
    )
    assert told(problem(answer, 422, "nothing_changed")) == [
        ("/changes/1/action", "invalid_transition"),
        ("/changes/2/action", "invalid_transition"),
        ("/changes/3", "forbidden"),
        ("/changes/4/lead_organization_id", "unknown_reference"),
        ("/changes/5", "nothing_changed"),
    ]
    answer = await send(
        world.specialist("ubnd-dongtrieu"),
        change(good, "extend", due_on="2026-12-31", reason="Sớm (minh họa)"),
        change(going, "extend", due_on="2027-03-01", reason="Muộn (minh họa)"),
        change(finished, "submit"),
    )
    assert told(problem(answer, 422, "nothing_changed")) == [
        ("/changes/0/due_on", "not_later"),
        ("/changes/2/action", "invalid_transition"),
    ]
    every = [good, going, waiting, own, fixed, finished]
    assert [(await read(world, task))["version"] for task in every] == [task["version"] for task in every]
    told_of = [len(await events_of(world, task)) for task in every]
    assert told_of == [task["version"] for task in every]
    assert (await world.person("dongtrieu").read(f"/v1/tasks/{going['id']}/extensions"))["items"] == []


@pytest.mark.parametrize("action", ["return", "refuse", "suspend", "resume", "reopen", "cancel", "reassign", "extend"])
async def test_a_step_without_its_reason_is_refused_by_its_field(world: World, plan: Json, action: str) -> None:
    task = await world.task(plan)
    beside: dict[str, Json] = {"reassign": {"coordinating": []}, "extend": {"due_on": "2027-02-26"}}
    more = beside.get(action, {})
    answer = await send(world.person("dongtrieu"), change(task, action, **more))
    assert told(problem(answer, 422, "validation_failed")) == [("/changes/0/reason", "missing")]


async def test_a_reassignment_that_names_nobody_is_refused(world: World, plan: Json) -> None:
    task = await world.task(plan)
    answer = await send(world.person("dongtrieu"), change(task, "reassign", reason="Đổi (minh họa)"))
    assert told(problem(answer, 422, "validation_failed")) == [("/changes/0", "nobody_named")]


async def test_one_that_is_not_possible_keeps_all_from_being_made(world: World, plan: Json) -> None:
    good, stale, done, twice = [await world.task(plan, lead="dongtrieu", coordinating=()) for _ in range(4)]
    await world.person("dongtrieu").step(f"/v1/tasks/{done['id']}", "cancel", {"reason": "Trùng (minh họa)"})
    theirs = await world.task(plan)
    answer = await send(
        world.person("dongtrieu"),
        change(good, "accept"),
        change(stale | {"version": 7}, "accept"),
        change(done | {"version": 2}, "accept"),
        change({"id": str(uuid4()), "version": 1}, "accept"),
        change(theirs, "accept"),
        change(twice, "update", note="Một"),
        change(twice, "update", note="Hai"),
        {"action": "assign", "agreement_id": plan["id"], "title": "x", "lead_organization_id": str(uuid4())},
        change(good | {"id": theirs["id"]}, "report", **REPORT, corrects=str(uuid4())),
    )
    assert told(problem(answer, 422, "nothing_changed")) == [
        ("/changes/1/if_match", "precondition_failed"),
        ("/changes/2/action", "invalid_transition"),
        ("/changes/3/task_id", "not_found"),
        ("/changes/4", "forbidden"),
        ("/changes/6/task_id", "named_twice"),
        ("/changes/7/lead_organization_id", "unknown_reference"),
        ("/changes/8/task_id", "named_twice"),
    ]
    assert [(await read(world, task))["version"] for task in (good, stale, twice, theirs)] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("wrong", "pointer", "code"),
    [
        ({"due_on": "31/12/2026"}, "/changes/1/due_on", "date_parsing"),
        ({"title": ""}, "/changes/1/title", "string_too_short"),
        ({"colour": "red"}, "/changes/1/colour", "extra_forbidden"),
        ({"action": "explode"}, "/changes/1/action", "enum"),
        ({"task_id": "x"}, "/changes/1/task_id", "uuid_parsing"),
        ({"if_match": ""}, "/changes/1/if_match", "string_too_short"),
        ({"coordinating": [{"organization_id": 5}]}, "/changes/1/coordinating/0/organization_id", "uuid_type"),
    ],
)
async def test_a_wrong_field_is_named_in_its_change(
    world: World, plan: Json, wrong: Json, pointer: str, code: str
) -> None:
    task, other = await world.task(plan), await world.task(plan)
    answer = await send(world.person("dongtrieu"), change(task, "update", note="x"), change(other, "update") | wrong)
    assert told(problem(answer, 422, "validation_failed")) == [(pointer, code)]
    assert (await read(world, task))["version"] == 1


@pytest.mark.parametrize("changes", [[], None, [5], [None]])
async def test_what_is_no_list_of_changes_is_refused(world: World, changes: Any) -> None:
    problem(await world.person("dongtrieu").post("/v1/tasks/bulk", {"changes": changes}), 422)


async def test_a_hundred_are_taken_and_one_more_is_an_import(world: World, plan: Json) -> None:
    person = world.specialist("dongtrieu")
    new = {"action": "assign", "agreement_id": plan["id"], "lead_organization_id": world.id("ubnd-dongtrieu")}
    many = [new | {"title": f"Một trong nhiều {at}"} for at in range(101)]
    body = problem(await send(person, *many), 422, "too_many_changes")
    assert (pointers(body), body["limit"], body["imports"]) == (["/changes"], 100, "/v1/imports")
    assert len(accepted(await send(person, *many[:100]), 200)["changed"]) == 100


async def test_the_same_key_makes_the_changes_once(world: World, plan: Json) -> None:
    task = await world.task(plan)
    person = world.specialist("dongtrieu")
    headers = person.unsafe()
    first, second = [
        await world.http.post("/v1/tasks/bulk", headers=headers, json={"changes": [change(task, "update", note="x")]})
        for _ in range(2)
    ]
    assert (first.status_code, second.headers["idempotency-replayed"]) == (200, "true")
    assert first.json() == second.json()
    assert (await read(world, task))["version"] == 2


async def test_a_role_that_changes_nothing_sends_nothing(world: World, plan: Json) -> None:
    task = await world.task(plan)
    for person in (
        world.person("dongtrieu", Role.VIEWER),
        world.client("dongtrieu"),
        world.client("dongtrieu", "tasks:read"),
    ):
        problem(await send(person, change(task, "update", note="x")), 403)


async def test_a_district_system_sends_what_its_scope_allows(world: World, plan: Json) -> None:
    task = await world.task(plan)
    system = world.client("ubnd-dongtrieu", "tasks:write")
    body = problem(await send(system, change(task, "update", note="x")), 422)
    assert told(body) == [("/changes/0", "forbidden")]
    assert accepted(await send(system, change(task, "accept")), 200)["changed"][0]["status"] == "in_progress"


async def test_a_stranger_learns_nothing_of_a_task(world: World, plan: Json) -> None:
    task = await world.task(plan)
    body = problem(await send(world.person("elsewhere"), change(task, "accept")), 422)
    assert told(body) == [("/changes/0/task_id", "not_found")]


async def test_two_callers_with_the_same_tasks_never_wait_in_a_circle(world: World, plan: Json) -> None:
    """In opposite orders: one of them changes all, and to the other one all have moved on."""
    tasks = [await world.task(plan) for _ in range(8)]
    person = world.specialist("dongtrieu")
    forth = [change(task, "update", note="Đi") for task in tasks]
    back = [change(task, "update", note="Về") for task in reversed(tasks)]
    answers = await asyncio.gather(send(person, *forth), send(person, *back))
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    refused = next(answer for answer in answers if answer.status_code == 422)
    assert {code for _, code in told(refused.json())} == {"precondition_failed"}
    assert len({(await read(world, task))["note"] for task in tasks}) == 1
    assert {(await read(world, task))["version"] for task in tasks} == {2}


async def test_many_confirmations_meet_a_return_of_one_of_them(world: World, plan: Json) -> None:
    """Either all are confirmed and nothing is left to return, or one went back and none is confirmed."""
    paths = [await world.submitted(plan, coordinating=("ubnd-kinhmon",)) for _ in range(3)]
    tasks = await tasks_in(world, plan, *paths)
    leader = world.person("ubnd-kinhmon")
    many, one = await asyncio.gather(
        send(leader, *(change(task, "confirm") for task in tasks)),
        leader.post(f"{paths[2]}/return", {"reason": "Thiếu (minh họa)"}, **{"If-Match": "*"}),
    )
    states = [task["status"] for task in await tasks_in(world, plan, *paths)]
    if many.status_code == 200:
        assert (one.status_code, states) == (409, ["completed"] * 3)
    else:
        assert told(problem(many, 422, "nothing_changed")) == [("/changes/2/if_match", "precondition_failed")]
        assert (one.status_code, states) == (200, ["submitted", "submitted", "in_progress"])


async def test_newcomers_to_two_agreements_never_wait_in_a_circle(world: World, plan: Json) -> None:
    """Whoever is given a task becomes a member of its agreement; two callers name the same ones in opposite orders."""
    other = await world.plan()
    new = [await world.registry.organization(f"Đơn vị mới {at} (minh họa)") for at in range(12)]
    person = world.person("dongtrieu")

    def assigned(agreement: Json) -> list[Json]:
        return [
            {"action": "assign", "agreement_id": agreement["id"], "title": "Việc", "lead_organization_id": str(one.id)}
            for one in new
        ]

    answers = await asyncio.gather(
        send(person, *assigned(plan), *assigned(other)), send(person, *assigned(other), *assigned(plan))
    )
    assert [answer.status_code for answer in answers] == [200, 200]
