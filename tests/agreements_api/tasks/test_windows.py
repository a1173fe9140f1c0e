"""Windows to answer a submission in: what opens and closes them, and what it means to let one pass or to refuse."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from agreements_api.agreements.lifecycle import end_what_is_over, lifecycle_role
from agreements_api.config import Settings
from agreements_api.history.verification import verify
from agreements_api.policy import Role
from shared import clock
from shared.calendar import WorkingCalendar
from tests.agreements_api.agreements.test_signing_time import days_later
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem

REFUSAL = {"reason": "Mốc giới chưa thống nhất (minh họa)."}


async def lapse(world: World, workers: int = 1) -> None:
    await asyncio.gather(*(end_what_is_over(world.registry.database, 50) for _ in range(workers)))


async def types(world: World, path: str) -> list[str]:
    return [event["type"].split(".")[3] for event in await world.registry.outbox(path.split("/")[-1])]


def windows(task: Json) -> list[str | None]:
    return [party["respond_by"] for party in task["coordinating"]]


def in_working_days(count: int) -> str:
    return WorkingCalendar().add_working_days(clock.today(), count).isoformat()


async def test_a_submission_opens_a_window_for_each_coordinating_party(world: World, plan: Json) -> None:
    path = await world.submitted(plan)
    task = await world.person("ubnd-kinhmon").read(path)
    assert windows(task) == [in_working_days(5)] * 2
    assert (task["lead"]["respond_by"], [party["lapsed_at"] for party in task["coordinating"]]) == (None, [None] * 2)
    assert {"confirm", "return", "refuse"} <= set(task["allowed_actions"])


async def test_the_lead_can_give_more_time_and_not_less(world: World, plan: Json) -> None:
    path, worker = await world.under_way(plan), world.specialist("ubnd-dongtrieu")
    refused = problem(await worker.act(path, "submit", {"response_days": 4}), 422)
    assert (pointers(refused), refused["errors"][0]["code"]) == (["/response_days"], "window_too_short")
    assert (await worker.read(path))["status"] == "in_progress"
    assert windows(await worker.step(path, "submit", {"response_days": 12})) == [in_working_days(12)] * 2


@pytest.mark.parametrize("days", [0, 61, "5", True, 5.5])
async def test_a_window_that_is_none_is_refused(world: World, plan: Json, days: Any) -> None:
    path = await world.under_way(plan)
    answer = await world.specialist("ubnd-dongtrieu").act(path, "submit", {"response_days": days})
    assert pointers(problem(answer, 422)) == ["/response_days"]


async def test_the_setting_decides_how_long_the_window_is(
    world: World, plan: Json, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state.settings, "response_working_days", 2)
    path = await world.under_way(plan)
    assert windows(await world.specialist("ubnd-dongtrieu").step(path, "submit")) == [in_working_days(2)] * 2


async def test_without_coordinating_parties_there_is_no_window(world: World, plan: Json) -> None:
    path = await world.submitted(plan, coordinating=(), monitoring=("ubnd-sondong",))
    async with days_later(world, 40):
        await lapse(world)
        task = await world.person("ubnd-sondong").read(path)
        assert (task["status"], task["monitoring"][0]["respond_by"]) == ("submitted", None)
        problem(await world.person("ubnd-sondong").act(path, "refuse", REFUSAL), 403)
        assert (await world.person("ubnd-sondong").step(path, "complete"))["status"] == "completed"


async def test_a_lapsed_window_counts_as_confirmation_and_says_so(world: World, plan: Json) -> None:
    path = await world.submitted(plan)
    kinhmon, chilinh = world.person("ubnd-kinhmon"), world.person("ubnd-chilinh")
    await kinhmon.step(path, "confirm", {"remark": "Nhất trí"})
    last_day = date.fromisoformat((await chilinh.read(path))["coordinating"][1]["respond_by"])
    async with days_later(world, (last_day - clock.today()).days):
        # The window is open until the end of its last day.
        await lapse(world)
        assert (await chilinh.read(path))["status"] == "submitted"
    async with days_later(world, (last_day - clock.today()).days + 1):
        await lapse(world)
        task = await chilinh.read(path)
    assert (task["status"], task["percent"]) == ("completed", 100)
    answered, silent = task["coordinating"]
    assert (answered["lapsed_at"], silent["lapsed_at"]) == (None, silent["confirmed_at"])
    assert silent["confirmed_at"] is not None
    rows = (await chilinh.read(f"{path}/confirmations"))["items"]
    assert [(row["decision"], row["valid"], row["organization_name"], row["decided_by"]) for row in rows] == [
        ("lapsed", True, "UBND thành phố Chí Linh", "Liên Vùng"),
        ("confirmed", True, "UBND thị xã Kinh Môn", "leader ubnd-kinhmon"),
    ]
    told = (await chilinh.read(f"{path}/history"))["items"]
    assert [(entry["action"], entry["actor"]["kind"]) for entry in told[:2]] == [
        ("complete", "system"),
        ("lapse", "system"),
    ]
    assert told[1]["changes"] == [{"field": "lapsed_for", "from": None, "to": "UBND thành phố Chí Linh"}]
    assert told[1]["remark"] == "Quá thời hạn trả lời, coi như đã xác nhận."
    events = await world.registry.outbox(task["id"])
    assert [event["type"].split(".")[3] for event in events][-3:] == ["confirmed", "confirmation_lapsed", "completed"]
    assert events[-2]["data"]["lapsed_organization_ids"] == [world.id("ubnd-chilinh")]
    assert events[-2]["data"]["members"]
    assert (await verify(world.registry.database)).first_break is None


async def test_what_lapsed_is_shown_as_it_was_on_the_day(world: World, plan: Json) -> None:
    path = await world.submitted(plan)
    before = clock.now()
    async with days_later(world, 10):
        await lapse(world)
    past = await world.person("ubnd-kinhmon").read(path, as_of=before.isoformat())
    assert (past["status"], past["coordinating"][0]["lapsed_at"]) == ("submitted", None)
    assert windows(past) == windows(await world.person("ubnd-kinhmon").read(path))
    assert (await world.person("ubnd-kinhmon").read(f"{path}/confirmations", as_of=before.isoformat()))["items"] == []


async def test_several_workers_let_each_window_lapse_once(world: World, plan: Json) -> None:
    paths = [await world.submitted(plan) for _ in range(6)]
    async with days_later(world, 10):
        await lapse(world, workers=4)
        await lapse(world)
    for path in paths:
        assert (await types(world, path))[-2:] == ["confirmation_lapsed", "completed"]
        assert (await types(world, path)).count("completed") == 1
        rows = (await world.person("ubnd-kinhmon").read(f"{path}/confirmations"))["items"]
        assert [row["decision"] for row in rows] == ["lapsed", "lapsed"]


async def test_the_role_lets_windows_lapse_by_itself(world: World, plan: Json, settings: Settings) -> None:
    path = await world.submitted(plan)
    quick = settings.model_copy(update={"lifecycle_poll_seconds": 0.05})
    async with days_later(world, 10):
        stop = asyncio.Event()
        roles = [asyncio.ensure_future(lifecycle_role(quick, world.registry.database)(stop)) for _ in range(2)]
        try:
            for _ in range(400):
                if (await world.person("ubnd-kinhmon").read(path))["status"] == "completed":
                    break
                await asyncio.sleep(0.05)
        finally:
            stop.set()
            await asyncio.gather(*roles)
    assert (await types(world, path)).count("completed") == 1


async def test_the_last_confirmation_and_the_lapse_at_once_complete_it_once(world: World, plan: Json) -> None:
    for _ in range(5):
        path = await world.submitted(plan)
        await world.person("ubnd-kinhmon").step(path, "confirm")
        async with days_later(world, 10):
            last, _, _ = await asyncio.gather(
                world.person("ubnd-chilinh").post(f"{path}/confirm", **{"If-Match": "*"}),
                end_what_is_over(world.registry.database, 50),
                end_what_is_over(world.registry.database, 50),
            )
            await lapse(world)
        task = await world.person("ubnd-chilinh").read(path)
        assert task["status"] == "completed"
        told = await types(world, path)
        assert told.count("completed") == 1
        rows = [row["decision"] for row in (await world.person("ubnd-chilinh").read(f"{path}/confirmations"))["items"]]
        assert problem(last, 409)["code"] in ("invalid_transition", "already_confirmed")
        assert (rows, told[-2:]) == (["lapsed", "confirmed"], ["confirmation_lapsed", "completed"])
        assert task["coordinating"][1]["lapsed_at"] is not None


async def test_a_confirmation_and_a_refusal_at_once_leave_one_state(world: World, plan: Json) -> None:
    for _ in range(3):
        path = await world.submitted(plan)
        confirm, refuse = await asyncio.gather(
            world.person("ubnd-kinhmon").post(f"{path}/confirm", **{"If-Match": "*"}),
            world.person("ubnd-chilinh").post(f"{path}/refuse", REFUSAL, **{"If-Match": "*"}),
        )
        assert refuse.status_code == 200
        assert confirm.status_code in (200, 409)
        task = await world.person("dongtrieu").read(path)
        assert task["status"] == "in_progress"
        assert [(party["confirmed_at"], party["respond_by"]) for party in task["coordinating"]] == [(None, None)] * 2
        assert len((await world.person("dongtrieu").read("/v1/obstacles", task_id=task["id"]))["items"]) == 1


@pytest.mark.parametrize(("verb", "body"), [("confirm", {}), ("return", REFUSAL), ("refuse", REFUSAL)])
async def test_after_its_last_day_a_submission_is_not_answered(world: World, plan: Json, verb: str, body: Json) -> None:
    path, chilinh = await world.submitted(plan, monitoring=("ubnd-sondong",)), world.person("ubnd-chilinh")
    open_to_all = await chilinh.get(path)
    async with days_later(world, 10):
        # Nothing has carried out the lapse so far, and nobody gets ahead of it.
        seen = await chilinh.get(path, headers={"If-None-Match": open_to_all.headers["etag"]})
        assert (seen.status_code, seen.json()["allowed_actions"]) == (200, [])
        answer = problem(await chilinh.act(path, verb, body), 409, "invalid_transition")
        assert answer["possible"] == []
        if verb == "return":
            problem(await world.person("ubnd-sondong").act(path, verb, body), 409, "invalid_transition")
        await lapse(world)
        assert (await chilinh.read(path))["status"] == "completed"
    assert (await chilinh.read("/v1/obstacles", task_id=path.split("/")[-1]))["items"] == []


async def test_a_refusal_and_the_lapse_at_once_complete_it(world: World, plan: Json) -> None:
    path = await world.submitted(plan)
    async with days_later(world, 10):
        refuse, _ = await asyncio.gather(
            world.person("ubnd-chilinh").post(f"{path}/refuse", REFUSAL, **{"If-Match": "*"}),
            end_what_is_over(world.registry.database, 50),
        )
        await lapse(world)
        task = await world.person("ubnd-chilinh").read(path)
        obstacles = (await world.person("ubnd-chilinh").read("/v1/obstacles", task_id=task["id"]))["items"]
    problem(refuse, 409, "invalid_transition")
    assert (task["status"], obstacles) == ("completed", [])


async def test_what_was_returned_does_not_lapse(world: World, plan: Json) -> None:
    path = await world.submitted(plan)
    returned = await world.person("ubnd-chilinh").step(path, "return", {"reason": "Thiếu chữ ký"})
    assert windows(returned) == [None, None]
    cancelled = await world.submitted(plan)
    await world.person("dongtrieu").step(cancelled, "cancel", {"reason": "Trùng"})
    async with days_later(world, 30):
        await lapse(world)
        assert (await world.person("ubnd-chilinh").read(path))["status"] == "in_progress"
        assert (await world.person("ubnd-chilinh").read(cancelled))["status"] == "cancelled"
        again = await world.specialist("ubnd-dongtrieu").step(path, "submit")
        # The second submission has a window of its own.
        assert windows(again) == [in_working_days(5)] * 2


async def test_a_refusal_opens_an_obstacle_and_gives_the_task_back(world: World, plan: Json) -> None:
    path = await world.submitted(plan)
    chilinh = world.person("ubnd-chilinh")
    await world.person("ubnd-kinhmon").step(path, "confirm")
    task = await chilinh.step(path, "refuse", REFUSAL)
    assert (task["status"], task["percent"], task["submitted_at"]) == ("in_progress", 40, None)
    assert [party["confirmed_at"] for party in task["coordinating"]] == [None, None]
    rows = (await chilinh.read(f"{path}/confirmations"))["items"]
    assert [(row["decision"], row["valid"], row["remark"]) for row in rows] == [
        ("refused", False, REFUSAL["reason"]),
        ("confirmed", False, None),
    ]
    [obstacle] = (await chilinh.read("/v1/obstacles", task_id=task["id"]))["items"]
    assert (obstacle["origin"], obstacle["status"], obstacle["level"]) == ("refusal", "open", "locality")
    assert (obstacle["text"], obstacle["raised_by_organization_id"]) == (REFUSAL["reason"], chilinh.organization)
    assert (obstacle["organization_id"], obstacle["due_on"]) == (world.id("ubnd-dongtrieu"), in_working_days(5))
    told = (await chilinh.read(f"{path}/history"))["items"][0]
    changes = {change["field"]: change["to"] for change in told["changes"]}
    assert (told["action"], told["remark"]) == ("refuse", REFUSAL["reason"])
    assert (changes["refused_by"], changes["obstacle"]) == ("UBND thành phố Chí Linh", obstacle["id"])
    event = (await world.registry.outbox(task["id"]))[-1]
    assert (event["type"], event["data"]["obstacle_id"]) == ("vn.lienvung.task.refused.v1", obstacle["id"])
    [raised] = await world.registry.outbox(obstacle["id"])
    assert (raised["type"], raised["partitionkey"]) == ("vn.lienvung.obstacle.raised.v1", plan["id"])
    assert (await verify(world.registry.database)).first_break is None


async def test_a_refused_confirmation_can_be_granted_the_next_time(world: World, plan: Json) -> None:
    path = await world.submitted(plan)
    lead = world.person("ubnd-dongtrieu")
    await world.person("ubnd-chilinh").step(path, "refuse", REFUSAL)
    [obstacle] = (await lead.read("/v1/obstacles", task_id=path.split("/")[-1]))["items"]
    await lead.step(f"/v1/obstacles/{obstacle['id']}", "resolve", {"resolution": "Đã thống nhất mốc giới"})
    await lead.step(path, "submit")
    for key in ("ubnd-chilinh", "ubnd-kinhmon"):
        task = await world.person(key).step(path, "confirm")
    assert task["status"] == "completed"


@pytest.mark.parametrize(
    ("key", "role", "expected"),
    [
        ("ubnd-chilinh", Role.LEADER, 200),
        ("ubnd-chilinh", Role.SPECIALIST, 403),
        ("ubnd-dongtrieu", Role.LEADER, 403),
        ("dongtrieu", Role.LEADER, 403),
        ("elsewhere", Role.LEADER, 404),
    ],
)
async def test_only_leaders_of_a_coordinating_party_refuse(
    world: World, plan: Json, key: str, role: Role, expected: int
) -> None:
    path = await world.submitted(plan)
    assert (await world.person(key, role).act_blindly(path, "refuse", REFUSAL)).status_code == expected


async def test_who_has_confirmed_does_not_refuse(world: World, plan: Json) -> None:
    path, kinhmon = await world.submitted(plan), world.person("ubnd-kinhmon")
    task = await kinhmon.step(path, "confirm")
    assert not {"confirm", "refuse"} & set(task["allowed_actions"])
    problem(await kinhmon.act(path, "refuse", REFUSAL), 409)
    assert (await kinhmon.read("/v1/obstacles", task_id=task["id"]))["items"] == []


async def test_what_is_not_submitted_is_not_refused(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    answer = problem(await world.person("ubnd-kinhmon").act(path, "refuse", REFUSAL), 409, "invalid_transition")
    assert answer["possible"] == ["accept"]
    problem(await world.person("ubnd-kinhmon").post(f"{path}/refuse", REFUSAL), 428)
    stale = await world.person("ubnd-kinhmon").post(f"{path}/refuse", REFUSAL, **{"If-Match": '"v1"'})
    problem(stale, 412)


@pytest.mark.parametrize(
    ("body", "pointer"), [({}, "/reason"), ({"reason": "  "}, "/reason"), ({"reason": "x", "y": 1}, "/y")]
)
async def test_a_refusal_says_why(world: World, plan: Json, body: Json, pointer: str) -> None:
    path = await world.submitted(plan)
    assert pointers(problem(await world.person("ubnd-kinhmon").act(path, "refuse", body), 422)) == [pointer]


async def test_a_repeated_refusal_opens_one_obstacle(world: World, plan: Json) -> None:
    path, chilinh = await world.submitted(plan), world.person("ubnd-chilinh")
    headers = {"If-Match": "*", "Idempotency-Key": "refuse-once"}
    first = await chilinh.post(f"{path}/refuse", REFUSAL, **headers)
    again = await chilinh.post(f"{path}/refuse", REFUSAL, **headers)
    assert accepted(first, 200) == accepted(again, 200)
    assert len((await chilinh.read("/v1/obstacles", task_id=first.json()["id"]))["items"]) == 1


async def test_windows_that_are_over_are_found_by_their_index(world: World, plan: Json) -> None:
    await world.submitted(plan)
    await world.rows("analyze task")
    rows = await world.rows(
        "explain (costs off) select id from task where respond_by < $1 order by respond_by, id limit 1",
        clock.today() + timedelta(days=30),
    )
    assert "task_respond_by" in "\n".join(row[0] for row in rows)
