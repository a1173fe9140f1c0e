"""Others take part in a task: who leads, who reads on, what stays of what was done."""

import asyncio
from typing import Any

import pytest

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import REPORT, Json, World, pointers, problem

REASON = "Đổi đơn vị thực hiện (minh họa)"


async def test_a_new_lead_has_yet_to_accept_and_finds_what_was_reported(world: World, plan: Json) -> None:
    path = await world.under_way(plan, coordinating=("ubnd-kinhmon",))
    old, new = world.specialist("ubnd-dongtrieu"), world.specialist("ubnd-chilinh")
    await old.step(path, "reports", REPORT)
    body = {"lead_organization_id": world.id("ubnd-chilinh"), "reason": REASON}
    after = await world.person("dongtrieu").step(path, "reassign", body)
    assert (after["status"], after["percent"]) == ("not_started", 40)
    assert (after["lead"]["organization_id"], after["lead"]["accepted_at"]) == (world.id("ubnd-chilinh"), None)
    problem(await old.act(path, "reports", REPORT), 403, "forbidden")
    assert (await old.read(path))["allowed_actions"] == []
    await new.step(path, "accept")
    assert (await new.step(path, "reports", REPORT | {"percent": 60}))["percent"] == 60
    assert len((await old.read(f"{path}/reports"))["items"]) == 2


async def test_it_is_told_who_left_and_who_came(world: World, plan: Json) -> None:
    path = await world.under_way(plan, monitoring=("haiduong",))
    body = {
        "coordinating": [
            {"organization_id": world.id("ubnd-kinhmon")},
            {"organization_id": world.id("ubnd-sondong"), "due_on": "2026-12-15"},
        ],
        "monitoring": [],
        "reason": REASON,
    }
    after = await world.person("dongtrieu").step(path, "reassign", body)
    assert after["status"] == "in_progress"
    entry = (await world.person("dongtrieu").read(f"{path}/history", limit=1))["items"][0]
    assert (entry["action"], entry["remark"]) == ("reassign", REASON)
    assert [(change["field"], change["from"], change["to"]) for change in entry["changes"]] == [
        ("coordinating", "UBND thành phố Chí Linh", None),
        ("coordinating", None, "UBND huyện Sơn Động"),
        ("monitoring", "Ban Thường vụ Tỉnh ủy Hải Dương", None),
    ]
    event = (await world.registry.outbox(after["id"]))[-1]
    assert event["type"] == "vn.lienvung.task.reassigned.v1"
    assert event["data"]["responsibilities"] == []
    members = set(event["data"]["members"])
    assert {world.id(key) for key in ("ubnd-sondong", "ubnd-chilinh", "bacgiang", "quangninh")} <= members


async def test_whoever_stays_keeps_what_he_accepted_and_his_deadline(world: World, plan: Json) -> None:
    path, custodian = await world.under_way(plan), world.person("dongtrieu")
    await world.specialist("ubnd-kinhmon").step(path, "accept")
    deadlines = [
        {"organization_id": world.id("ubnd-kinhmon"), "due_on": "2026-12-15"},
        {"organization_id": world.id("ubnd-chilinh")},
    ]
    before = (await custodian.change(path, {"coordinating": deadlines})).json()
    body = {"coordinating": [{"organization_id": world.id("ubnd-kinhmon")}], "reason": REASON}
    after = await custodian.step(path, "reassign", body)
    assert after["coordinating"] == [before["coordinating"][0]]
    assert after["lead"] == before["lead"]
    body = {"coordinating": [{"organization_id": world.id("ubnd-kinhmon"), "due_on": None}], "reason": REASON}
    assert (await custodian.step(path, "reassign", body))["coordinating"][0]["due_on"] is None


async def test_a_suspended_task_can_be_given_to_others_and_stays_suspended(world: World, plan: Json) -> None:
    path, custodian = await world.under_way(plan), world.person("dongtrieu")
    await custodian.step(path, "suspend", {"reason": REASON})
    body = {"lead_organization_id": world.id("ubnd-sondong"), "reason": REASON}
    assert (await custodian.step(path, "reassign", body))["status"] == "suspended"
    # Its new lead has not taken it on.
    assert (await custodian.step(path, "resume", {"reason": REASON}))["status"] == "not_started"


async def test_lists_follow_the_new_parties(world: World, plan: Json) -> None:
    path = await world.under_way(plan, title="Việc đổi đơn vị")
    body = {"lead_organization_id": world.id("ubnd-sondong"), "reason": REASON}
    await world.person("dongtrieu").step(path, "reassign", body)
    for key, found in (("ubnd-sondong", 1), ("ubnd-dongtrieu", 0)):
        page = await world.person(key).read("/v1/tasks", q="viec doi don vi", relation="lead")
        assert len(page["items"]) == found
    [row] = await world.rows("select lead_organization_id from task where id = $1", path.split("/")[-1])
    assert str(row["lead_organization_id"]) == world.id("ubnd-sondong")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"reason": REASON}, ""),
        ({"monitoring": []}, "/reason"),
        ({"monitoring": [], "reason": REASON}, ""),
        ({"lead_organization_id": "01990000-0000-7000-8000-00000000dead", "reason": REASON}, "/lead_organization_id"),
        ({"lead_organization_id": "ubnd-kinhmon", "reason": REASON}, "/coordinating/0/organization_id"),
        (
            {"coordinating": [{"organization_id": "ubnd-dongtrieu"}], "reason": REASON},
            "/coordinating/0/organization_id",
        ),
        ({"coordinating": "x", "reason": REASON}, "/coordinating"),
    ],
)
async def test_what_cannot_be_taken_names_its_field(world: World, plan: Json, body: Any, pointer: str) -> None:
    path, custodian = f"/v1/tasks/{(await world.task(plan))['id']}", world.person("dongtrieu")
    before = await custodian.read(path)
    assert pointers(problem(await custodian.act(path, "reassign", named(world, body)), 422)) == [pointer]
    assert await custodian.read(path) == before


async def test_only_leaders_of_the_custodian_give_it_to_others(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    body = {"lead_organization_id": world.id("ubnd-sondong"), "reason": REASON}
    for person in (world.specialist("dongtrieu"), world.person("ubnd-dongtrieu"), world.person("quangninh")):
        problem(await person.act(path, "reassign", body), 403, "forbidden")
    problem(await world.client("dongtrieu", "tasks:read", "tasks:write").act(path, "reassign", body), 403)
    problem(await world.person("dongtrieu", Role.ADMINISTRATOR).act(path, "reassign", body), 403)


async def test_a_report_and_a_reassignment_at_once_come_one_after_the_other(world: World, plan: Json) -> None:
    """Either the old lead reported before, or he leads no more: no report of his comes after."""
    body = {"lead_organization_id": world.id("ubnd-sondong"), "reason": REASON}
    for _ in range(6):
        path = await world.under_way(plan)
        reported, moved = await asyncio.gather(
            world.specialist("ubnd-dongtrieu").post(f"{path}/reports", REPORT, **{"If-Match": "*"}),
            world.person("dongtrieu").post(f"{path}/reassign", body, **{"If-Match": "*"}),
        )
        assert moved.status_code == 200
        assert reported.status_code in (201, 403)
        task = await world.person("dongtrieu").read(path)
        was_reported = reported.status_code == 201
        assert (task["lead"]["organization_id"], task["status"]) == (world.id("ubnd-sondong"), "not_started")
        assert (task["percent"], task["version"]) == ((40, 4) if was_reported else (0, 3))
        kinds = [event["type"].split(".")[3] for event in await world.registry.outbox(task["id"])]
        assert kinds[2:] == (["progress_reported", "reassigned"] if was_reported else ["reassigned"])


async def test_whoever_waited_for_a_change_stands_as_that_left_him(world: World, plan: Json) -> None:
    """A party that takes its part on while it is taken out has either done so before, or has nothing to take on."""
    for _ in range(6):
        path = await world.under_way(plan)
        body = {"coordinating": [{"organization_id": world.id("ubnd-sondong")}], "reason": REASON}
        taken, moved = await asyncio.gather(
            world.specialist("ubnd-kinhmon").post(f"{path}/accept", **{"If-Match": "*"}),
            world.person("dongtrieu").post(f"{path}/reassign", body, **{"If-Match": "*"}),
        )
        assert (moved.status_code, taken.status_code) in ((200, 200), (200, 403))
        task = await world.person("dongtrieu").read(path)
        assert task["version"] == (4 if taken.status_code == 200 else 3)
        assert [party["organization_id"] for party in task["coordinating"]] == [world.id("ubnd-sondong")]
        events = await world.registry.outbox(task["id"])
        assert world.id("ubnd-sondong") in events[-1]["data"]["members"]


async def test_of_a_report_and_a_reassignment_on_one_version_one_reads_again(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    tag = {"If-Match": (await world.person("dongtrieu").get(path)).headers["etag"]}
    body = {"coordinating": [], "reason": REASON}
    answers = await asyncio.gather(
        world.specialist("ubnd-dongtrieu").post(f"{path}/reports", REPORT, **tag),
        world.person("dongtrieu").post(f"{path}/reassign", body, **tag),
    )
    codes = [answer.status_code for answer in answers]
    assert codes in ([201, 412], [412, 200])


def named(world: World, body: Any) -> Any:
    """Bodies that are named by their keys, by their identifiers."""
    if isinstance(body, dict):
        return {key: named(world, value) for key, value in body.items()}
    if isinstance(body, list):
        return [named(world, value) for value in body]
    return world.id(body) if body in world.organizations else body
