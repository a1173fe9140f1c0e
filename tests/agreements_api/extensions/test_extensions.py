"""A later deadline: asked for by the lead, decided by others, with both dates on record."""

from typing import Any

import pytest

from agreements_api.policy import Role
from shared.events import (
    TaskDeadlineChanged,
    TaskExtensionDecided,
    TaskExtensionRequested,
    TaskExtensionWithdrawn,
    parse_envelope,
)
from tests.agreements_api.agreements.world import REPORT, Json, World, accepted, pointers, problem

ASKED = {"due_on": "2027-02-26", "reason": "Cần đo đạc lại (minh họa)"}


async def test_what_is_granted_is_the_deadline_and_the_first_one_stays(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    asked = await request(world, path)
    assert (asked["state"], asked["due_on"], asked["requested_due_on"]) == ("requested", "2026-12-31", "2027-02-26")
    assert asked["requested_by_name"] == "UBND thị xã Đông Triều"
    custodian = world.person("dongtrieu")
    waiting = await custodian.read(path)
    assert (waiting["due_on"], waiting["extension_count"], waiting["version"]) == ("2026-12-31", 0, 3)
    granted = await custodian.step(at(path, asked), "grant", {"remark": "Đồng ý"})
    assert (granted["state"], granted["granted_due_on"], granted["remark"]) == ("granted", "2027-02-26", "Đồng ý")
    assert (granted["decided_by_name"], granted["allowed_actions"]) == ("Ban Thường vụ Thị ủy Đông Triều", [])
    task = await custodian.read(path)
    assert (task["due_on"], task["original_due_on"], task["extension_count"]) == ("2027-02-26", "2026-12-31", 1)
    assert (await history(world, path))[-3:] == ["request_extension", "grant_extension", "change_deadline"]


async def test_the_events_carry_the_request_and_then_the_new_deadline(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    asked = await request(world, path)
    await world.person("dongtrieu").step(at(path, asked), "grant", {"due_on": "2027-01-29"})
    rows = await world.rows(
        "select type, payload::text as payload from outbox where aggregate_id = $1 order by id", path.split("/")[-1]
    )
    requested, decided, moved = (parse_envelope(row["payload"]).data for row in rows[-3:])
    assert isinstance(requested, TaskExtensionRequested)
    assert isinstance(decided, TaskExtensionDecided)
    assert isinstance(moved, TaskDeadlineChanged)
    assert requested.extension is not None
    assert decided.extension is not None
    assert (requested.extension.state, str(requested.extension.requested_due_on)) == ("requested", "2027-02-26")
    assert (decided.extension.state, str(decided.extension.granted_due_on)) == ("granted", "2027-01-29")
    assert (str(decided.task.due_on), decided.task.extension_count) == ("2026-12-31", 1)
    assert (str(moved.task.due_on), moved.task.version) == ("2027-01-29", decided.task.version + 1)
    assert [(one.field, one.from_, one.to) for one in moved.changes] == [("due_on", "2026-12-31", "2027-01-29")]
    assert rows[-1]["type"] == "vn.lienvung.task.deadline_changed.v1"
    at_decision = await world.rows(
        "select state->>'due_on' as due_on from history where subject_id = $1 order by version desc limit 2",
        path.split("/")[-1],
    )
    assert [row["due_on"] for row in at_decision] == ["2027-01-29", "2026-12-31"]


async def test_what_is_denied_leaves_the_deadline_and_can_be_asked_again(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    asked = await request(world, path)
    superior = world.person("quangninh")
    denied = await superior.step(at(path, asked), "deny", {"reason": "Đủ thời gian"})
    assert (denied["state"], denied["granted_due_on"], denied["remark"]) == ("denied", None, "Đủ thời gian")
    task = await superior.read(path)
    assert (task["due_on"], task["extension_count"]) == ("2026-12-31", 0)
    again = await request(world, path)
    items = (await superior.read(f"{path}/extensions"))["items"]
    assert [(one["id"], one["state"]) for one in items] == [(again["id"], "requested"), (asked["id"], "denied")]


async def test_whoever_asked_takes_the_request_back_and_may_ask_again(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    asked = await request(world, path)
    lead = world.specialist("ubnd-dongtrieu")
    gone = await lead.step(at(path, asked), "withdraw", {"remark": "Kịp hạn (minh họa)"})
    assert (gone["state"], gone["granted_due_on"], gone["remark"]) == ("withdrawn", None, "Kịp hạn (minh họa)")
    assert (gone["decided_by_name"], gone["allowed_actions"]) == ("UBND thị xã Đông Triều", [])
    task = await lead.read(path)
    assert (task["due_on"], task["extension_count"], task["version"]) == ("2026-12-31", 0, 4)
    assert (await history(world, path))[-2:] == ["request_extension", "withdraw_extension"]
    [entry] = (await lead.read(f"{path}/history", limit=1))["items"]
    assert entry["changes"] == [{"field": f"extensions/{asked['id']}", "from": "requested", "to": "withdrawn"}]
    [row] = await world.rows(
        "select payload::text as payload from outbox where aggregate_id = $1 order by id desc limit 1",
        path.split("/")[-1],
    )
    told = parse_envelope(row["payload"]).data
    assert isinstance(told, TaskExtensionWithdrawn)
    assert told.extension is not None
    assert (told.extension.state, str(told.extension.id), told.task.version) == ("withdrawn", asked["id"], 4)
    for verb, body in (("withdraw", {}), ("grant", {}), ("deny", {"reason": "Thôi"})):
        person = lead if verb == "withdraw" else world.person("dongtrieu")
        problem(await person.act(at(path, asked), verb, body), 409, "invalid_transition")
    assert (await request(world, path))["state"] == "requested"


async def test_only_the_lead_takes_a_request_back(world: World, plan: Json) -> None:
    path = await world.under_way(plan, monitoring=("ubnd-sondong",))
    asked = await request(world, path)
    for person in (
        world.person("dongtrieu"),
        world.person("ubnd-kinhmon"),
        world.person("ubnd-sondong"),
        world.person("quangninh"),
        world.person("ubnd-dongtrieu", Role.VIEWER),
        world.client("ubnd-dongtrieu", "tasks:read"),
    ):
        problem(await person.act(at(path, asked), "withdraw"), 403, "forbidden")
    system = world.client("ubnd-dongtrieu", "tasks:read", "tasks:write")
    assert (await system.step(at(path, asked), "withdraw"))["state"] == "withdrawn"


async def test_a_new_lead_takes_back_what_the_one_before_asked_for(world: World, plan: Json) -> None:
    path = await world.under_way(plan, coordinating=())
    asked = await request(world, path)
    change = {"lead_organization_id": world.id("ubnd-chilinh"), "reason": "Đổi đơn vị chủ trì (minh họa)"}
    await world.person("dongtrieu").step(path, "reassign", change)
    problem(await world.specialist("ubnd-dongtrieu").act(at(path, asked), "withdraw"), 403, "forbidden")
    assert (await world.specialist("ubnd-chilinh").step(at(path, asked), "withdraw"))["state"] == "withdrawn"


async def test_extend_is_no_step_while_a_request_waits(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    lead = world.specialist("ubnd-dongtrieu")

    async def offered() -> bool:
        task = await lead.read(path)
        [listed] = [one for one in (await lead.read("/v1/tasks", limit=200))["items"] if one["id"] == task["id"]]
        assert listed["allowed_actions"] == task["allowed_actions"]
        return "extend" in task["allowed_actions"]

    assert await offered()
    for verb, person, body in (
        ("withdraw", lead, {}),
        ("deny", world.person("dongtrieu"), {"reason": "Chưa cần"}),
        ("grant", world.person("dongtrieu"), {}),
    ):
        asked = await request(world, path)
        assert not await offered()
        # Nor among what is possible instead of a step that is not, nor in the answer to another step.
        refused = problem(await lead.act(path, "accept"), 409, "invalid_transition")
        assert refused["possible"] == (await lead.read(path))["allowed_actions"]
        reported = accepted(await lead.act(path, "reports", REPORT), 201)
        assert "extend" not in reported["allowed_actions"]
        await person.step(at(path, asked), verb, body)
        assert await offered()


async def test_every_extension_is_counted(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    for count, day in enumerate(("2027-01-29", "2027-02-26", "2027-03-31"), 1):
        asked = await request(world, path, due_on=day)
        await world.person("dongtrieu").step(at(path, asked), "grant")
        task = await world.person("ubnd-kinhmon").read(path)
        assert (task["extension_count"], task["due_on"], task["original_due_on"]) == (count, day, "2026-12-31")


async def test_one_request_waits_at_a_time(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    asked = await request(world, path)
    refused = problem(
        await world.specialist("ubnd-dongtrieu").act(path, "extensions", ASKED), 409, "extension_undecided"
    )
    assert refused["extension_id"] == asked["id"]


async def test_what_was_decided_is_not_decided_again(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    asked = await request(world, path)
    leader = world.person("dongtrieu")
    await leader.step(at(path, asked), "grant")
    for verb, body in (("grant", {}), ("deny", {"reason": "Thôi"})):
        refused = problem(await leader.act(at(path, asked), verb, body), 409, "invalid_transition")
        assert refused["possible"] == []


async def test_a_task_that_is_over_has_no_deadline_to_move(world: World, plan: Json) -> None:
    path, leader = await world.under_way(plan), world.person("dongtrieu")
    asked = await request(world, path)
    await leader.step(path, "cancel", {"reason": "Trùng"})
    assert (await leader.read(at(path, asked)))["allowed_actions"] == []
    problem(await leader.act(at(path, asked), "grant"), 409, "invalid_transition")
    await leader.step(path, "reopen", {"reason": "Nhầm"})
    assert (await leader.step(at(path, asked), "grant"))["state"] == "granted"


async def test_a_task_without_a_deadline_has_none_to_extend(world: World, plan: Json) -> None:
    path = await world.under_way(plan, due_on=None)
    lead = world.specialist("ubnd-dongtrieu")
    problem(await lead.act(path, "extensions", ASKED), 409, "no_deadline")
    assert "extend" not in (await lead.read(path))["allowed_actions"]
    await world.person("dongtrieu").change(path, {"due_on": "2027-03-01"})
    assert "extend" in (await lead.read(path))["allowed_actions"]


async def test_a_deadline_that_moved_meanwhile_is_not_brought_forward_by_a_grant(world: World, plan: Json) -> None:
    path, custodian = await world.under_way(plan), world.person("dongtrieu")
    asked = await request(world, path)
    accepted(await custodian.change(path, {"due_on": "2027-06-30"}), 200)
    assert pointers(problem(await custodian.act(at(path, asked), "grant"), 422)) == ["/due_on"]
    assert (await custodian.step(at(path, asked), "grant", {"due_on": "2027-07-30"}))["granted_due_on"] == "2027-07-30"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"reason": "x"}, "/due_on"),
        ({"due_on": "2027-02-26"}, "/reason"),
        ({"due_on": "2027-02-26", "reason": "  "}, "/reason"),
        ({"due_on": "2026-12-31", "reason": "x"}, "/due_on"),
        ({"due_on": "2026-12-30", "reason": "x"}, "/due_on"),
        ({"due_on": "2027-02-30", "reason": "x"}, "/due_on"),
        ({"due_on": "9999-12-31", "reason": "x"}, "/due_on"),
        ({"due_on": "2027-02-26", "reason": "x", "state": "granted"}, "/state"),
    ],
)
async def test_a_request_that_cannot_be_taken_names_its_field(
    world: World, plan: Json, body: Any, pointer: str
) -> None:
    path = await world.under_way(plan)
    lead = world.specialist("ubnd-dongtrieu")
    before = await lead.read(path)
    assert pointers(problem(await lead.act(path, "extensions", body), 422)) == [pointer]
    assert await lead.read(path) == before
    assert (await lead.read(f"{path}/extensions"))["items"] == []


async def test_an_overdue_task_is_extended_into_the_future_only(world: World, plan: Json) -> None:
    path = await world.under_way(plan, due_on="2026-01-30")
    lead = world.specialist("ubnd-dongtrieu")
    past = await lead.act(path, "extensions", ASKED | {"due_on": "2026-02-27"})
    assert problem(past, 422)["errors"][0]["code"] == "past"
    accepted(await lead.act(path, "extensions", ASKED), 201)


async def test_who_asks_and_who_decides(world: World, plan: Json) -> None:
    path = await world.under_way(plan, monitoring=("ubnd-sondong",))
    for person in (world.specialist("ubnd-kinhmon"), world.person("dongtrieu"), world.person("quangninh")):
        problem(await person.act(path, "extensions", ASKED), 403, "forbidden")
    client = world.client("ubnd-dongtrieu", "tasks:read", "tasks:write")
    asked = accepted(await client.act(path, "extensions", ASKED), 201)
    for person in (world.specialist("ubnd-dongtrieu"), world.person("ubnd-dongtrieu"), client):
        assert (await person.read(at(path, asked)))["allowed_actions"] == ["withdraw"]
        problem(await person.act(at(path, asked), "grant"), 403, "forbidden")
    for person in (
        world.person("ubnd-kinhmon"),
        world.specialist("dongtrieu"),
        world.person("chilinh"),
    ):
        assert (await person.read(at(path, asked)))["allowed_actions"] == []
        problem(await person.act(at(path, asked), "grant"), 403, "forbidden")
    for key in ("dongtrieu", "quangninh", "ubnd-sondong"):
        assert (await world.person(key).read(at(path, asked)))["allowed_actions"] == ["grant", "deny"]
    assert (await world.person("ubnd-sondong").step(at(path, asked), "grant"))["state"] == "granted"


async def test_a_stranger_learns_nothing(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    asked = await request(world, path)
    stranger = world.person("elsewhere")
    for place in (f"{path}/extensions", at(path, asked)):
        problem(await stranger.get(place), 404, "not_found")
    problem(await stranger.act_blindly(at(path, asked), "grant"), 404, "not_found")
    other = await world.under_way(plan)
    leader = world.person("dongtrieu")
    for place in (at(other, asked), f"{path}/extensions/01990000-0000-7000-8000-00000000dead"):
        problem(await leader.get(place), 404, "not_found")
        problem(await leader.act_blindly(place, "grant"), 404, "not_found")


async def test_a_step_needs_the_version_that_was_read(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    lead, leader = world.specialist("ubnd-dongtrieu"), world.person("dongtrieu", Role.LEADER)
    problem(await lead.post(f"{path}/extensions", ASKED), 428)
    problem(await lead.post(f"{path}/extensions", ASKED, **{"If-Match": '"v1"'}), 412)
    asked = await request(world, path)
    problem(await leader.post(f"{at(path, asked)}/grant"), 428)
    problem(await leader.post(f"{at(path, asked)}/grant", **{"If-Match": '"v7"'}), 412)
    seen = await leader.get(at(path, asked))
    same = await leader.get(at(path, asked), headers={"If-None-Match": seen.headers["etag"]})
    assert same.status_code == 304


async def test_long_lists_are_read_page_by_page(world: World, plan: Json) -> None:
    path, leader = await world.under_way(plan), world.person("dongtrieu")
    ids = []
    for _ in range(5):
        asked = await request(world, path)
        await leader.step(at(path, asked), "deny", {"reason": "Chưa cần"})
        ids.append(asked["id"])
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await leader.read(f"{path}/extensions", limit=2, **cursor)
        found += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == ids[::-1]
    problem(await leader.get(f"{path}/extensions", cursor="x"), 400, "invalid_cursor")


async def request(world: World, path: str, **changes: Any) -> Json:
    return accepted(await world.specialist("ubnd-dongtrieu").act(path, "extensions", ASKED | changes), 201)


def at(path: str, extension: Json) -> str:
    return f"{path}/extensions/{extension['id']}"


async def history(world: World, path: str) -> list[str]:
    return [entry["action"] for entry in (await world.person("dongtrieu").read(f"{path}/history"))["items"][::-1]]
