"""Meetings as people have them: invited, moved, held, written down, called off."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from agreements_api.policy import Role
from shared import clock
from tests.agreements_api.agreements.world import PARTIES, Json, World, accepted, pointers, problem
from tests.agreements_api.meetings.steps import MEETING, came, held, hours_ago, planned, put


async def test_a_meeting_invites_all_parties_where_nobody_is_named(world: World, plan: Json) -> None:
    meeting = await planned(world, plan, "chilinh")
    assert (meeting["status"], meeting["version"], meeting["held_on"]) == ("planned", 1, None)
    assert (meeting["host_organization_id"], meeting["host_name"]) == (
        world.id("chilinh"),
        "Ban Thường vụ Thành ủy Chí Linh",
    )
    assert {guest["organization_id"] for guest in meeting["participants"]} == {world.id(key) for key in PARTIES}
    assert {(guest["invited"], guest["attendance"]) for guest in meeting["participants"]} == {(True, None)}
    assert [(item["ordinal"], item["title"], item["minutes"]) for item in meeting["agenda"]] == [
        (1, "Đánh giá kết quả", 45),
        (2, "Thảo luận", None),
    ]
    assert meeting["allowed_actions"] == ["update", "hold", "cancel"]
    assert meeting["demonstration"] is True


async def test_it_is_read_again_only_when_it_changed(world: World, plan: Json) -> None:
    path = f"/v1/meetings/{(await planned(world, plan))['id']}"
    guest = world.person("kinhmon", Role.VIEWER)
    seen = await guest.get(path)
    assert seen.json()["allowed_actions"] == []
    assert (await guest.get(path, headers={"If-None-Match": seen.headers["etag"]})).status_code == 304
    accepted(await world.specialist("dongtrieu").change(path, {"place": None}), 200)
    assert (await guest.get(path, headers={"If-None-Match": seen.headers["etag"]})).status_code == 200


async def test_a_planned_meeting_is_moved_with_its_agenda_and_its_guests(world: World, plan: Json) -> None:
    meeting = await planned(world, plan)
    path = f"/v1/meetings/{meeting['id']}"
    guests = [world.id("chilinh"), world.id("elsewhere")]
    patch = {
        "kind": "extraordinary",
        "starts_at": "2026-12-20T01:00:00Z",
        "ends_at": "2026-12-20T03:00:00Z",
        "online_url": "https://hop.example/phong-1",
        "host_organization_id": world.id("haiduong"),
        "agenda": [{"title": "Một"}],
        "invited_organization_ids": guests,
    }
    moved = accepted(await world.specialist("dongtrieu").change(path, patch), 200)
    assert moved["version"] == 2
    assert {name: moved[name] for name in ("kind", "online_url", "host_name")} == {
        "kind": "extraordinary",
        "online_url": "https://hop.example/phong-1",
        "host_name": "Ban Thường vụ Tỉnh ủy Hải Dương",
    }
    assert moved["starts_at"].startswith("2026-12-20T01:00:00")
    assert [item["title"] for item in moved["agenda"]] == ["Một"]
    assert sorted(guest["organization_id"] for guest in moved["participants"]) == sorted(guests)
    [change, _] = (await world.specialist("dongtrieu").read(f"{path}/history"))["items"]
    told = {one["field"]: one["to"] for one in change["changes"]}
    assert told["kind"] == "extraordinary"
    assert told[f"participants/{world.id('elsewhere')}"] == "invited"
    assert told[f"participants/{world.id('kinhmon')}"] is None


async def test_a_patch_that_changes_nothing_makes_no_version(world: World, plan: Json) -> None:
    meeting = await planned(world, plan)
    path = f"/v1/meetings/{meeting['id']}"
    same = accepted(await world.specialist("dongtrieu").change(path, {"title": meeting["title"]}), 200)
    assert same["version"] == 1
    assert len(await world.registry.outbox(meeting["id"])) == 1


async def test_it_is_held_with_who_came_and_for_whom(world: World, plan: Json) -> None:
    meeting = await planned(world, plan)
    path = f"/v1/meetings/{meeting['id']}"
    attendance = came(world, "dongtrieu", "ubnd-kinhmon", chilinh="represented", kinhmon="absent")
    attendance[0] |= {"person_name": "Nguyễn Văn A", "person_title": "Bí thư"}
    body = {"attendance": attendance, "minutes": "Hội nghị thống nhất (minh họa)."}
    after = await world.specialist("dongtrieu").step(path, "hold", body)
    assert (after["status"], after["minutes_revision"]) == ("held", 1)
    assert after["held_on"] == clock.day_of(datetime.fromisoformat(meeting["starts_at"])).isoformat()
    stand = {guest["organization_id"]: (guest["invited"], guest["attendance"]) for guest in after["participants"]}
    assert stand == {
        world.id("dongtrieu"): (True, "attended"),
        world.id("chilinh"): (True, "represented"),
        world.id("kinhmon"): (True, "absent"),
        # Nothing is known of them.
        world.id("sondong"): (True, None),
        world.id("lucnam"): (True, None),
        # Came without an invitation.
        world.id("ubnd-kinhmon"): (False, "attended"),
    }
    [person] = [one for one in after["participants"] if one["person_name"]]
    assert (person["person_name"], person["person_title"]) == ("Nguyễn Văn A", "Bí thư")
    assert after["allowed_actions"] == ["record"]


async def test_the_day_it_was_held_on_is_the_day_in_vietnam(world: World, plan: Json) -> None:
    """Eight in the evening of the 13th in UTC is the 14th there, the last day of an official period."""
    meeting = await planned(world, plan, starts_at="2026-06-13T20:00:00Z")
    after = await world.specialist("dongtrieu").step(
        f"/v1/meetings/{meeting['id']}", "hold", {"attendance": came(world, "dongtrieu", "chilinh")}
    )
    assert after["held_on"] == "2026-06-14"


async def test_a_meeting_to_come_is_held_only_at_the_time_at_which_it_really_was(world: World, plan: Json) -> None:
    meeting = await planned(world, plan, starts_at="2027-06-01T01:00:00Z", ends_at="2027-06-01T03:00:00Z")
    path, host = f"/v1/meetings/{meeting['id']}", world.specialist("dongtrieu")
    attendance = came(world, "dongtrieu", "chilinh")
    answer = await host.act(path, "hold", {"attendance": attendance})
    assert pointers(problem(answer, 422)) == ["/starts_at"]
    after = await host.step(path, "hold", {"attendance": attendance, "starts_at": hours_ago(3)})
    assert (after["status"], after["ends_at"]) == ("held", None)


async def test_attendance_is_corrected_and_what_was_recorded_before_is_kept(world: World, plan: Json) -> None:
    path = await held(world, plan)
    host = world.specialist("dongtrieu")
    body = {"attendance": came(world, "dongtrieu", "lucnam", chilinh="absent")}
    after = accepted(await put(host, path, "attendance", body), 200)
    stand = {guest["organization_id"]: guest["attendance"] for guest in after["participants"]}
    assert (stand[world.id("chilinh")], stand[world.id("lucnam")]) == ("absent", "attended")
    [newest, *_] = (await host.read(f"{path}/history"))["items"]
    assert newest["action"] == "record_attendance"
    assert {(one["field"], one["from"], one["to"]) for one in newest["changes"]} == {
        (f"participants/{world.id('chilinh')}", "attended", "absent"),
        (f"participants/{world.id('lucnam')}", "invited", "attended"),
    }
    assert newest["actor"]["name"] == "specialist dongtrieu"


async def test_who_was_not_invited_and_did_not_come_after_all_is_gone(world: World, plan: Json) -> None:
    path = await held(world, plan)
    host = world.specialist("dongtrieu")
    accepted(await put(host, path, "attendance", {"attendance": came(world, "dongtrieu", "elsewhere")}), 200)
    after = accepted(await put(host, path, "attendance", {"attendance": came(world, "dongtrieu", "chilinh")}), 200)
    assert world.id("elsewhere") not in {guest["organization_id"] for guest in after["participants"]}


async def test_every_text_of_the_minutes_is_kept(world: World, plan: Json) -> None:
    path = await held(world, plan)
    host = world.specialist("dongtrieu")
    for text in ("Bản một", "Bản hai", "Bản ba"):
        answer = await put(host, path, "minutes", {"text": text})
        accepted(answer, 201)
        assert answer.headers["location"] == f"{path}/minutes"
    first = await world.person("kinhmon", Role.VIEWER).read(f"{path}/minutes", limit=2)
    assert [(one["revision"], one["text"]) for one in first["items"]] == [(3, "Bản ba"), (2, "Bản hai")]
    rest = await host.read(f"{path}/minutes", limit=2, cursor=first["next_cursor"])
    assert [(one["revision"], one["text"]) for one in rest["items"]] == [(1, "Bản một")]
    assert rest["items"][0]["written_by"] == "specialist dongtrieu"
    assert (await host.read(path))["minutes_revision"] == 3


async def test_a_meeting_without_minutes_has_an_empty_list_of_them(world: World, plan: Json) -> None:
    meeting = await planned(world, plan)
    path = f"/v1/meetings/{meeting['id']}/minutes"
    assert (await world.person("chilinh").read(path))["items"] == []
    problem(await world.person("elsewhere").get(path), 404)


async def test_a_meeting_is_called_off_with_a_reason(world: World, plan: Json) -> None:
    meeting = await planned(world, plan)
    path, host = f"/v1/meetings/{meeting['id']}", world.specialist("dongtrieu")
    assert pointers(problem(await host.act(path, "cancel"), 422)) == ["/reason"]
    after = await host.step(path, "cancel", {"reason": "Trùng lịch"})
    assert (after["status"], after["cancel_reason"], after["allowed_actions"]) == ("cancelled", "Trùng lịch", [])
    body = problem(
        await host.act(path, "hold", {"attendance": came(world, "dongtrieu", "chilinh")}), 409, "invalid_transition"
    )
    assert body["possible"] == []


async def test_what_was_held_is_neither_moved_nor_called_off_nor_held_again(world: World, plan: Json) -> None:
    path = await held(world, plan)
    host = world.specialist("dongtrieu")
    assert problem(await host.change(path, {"place": "Khác"}), 409)["possible"] == ["record"]
    problem(await host.act(path, "cancel", {"reason": "x"}), 409)
    problem(await host.act(path, "hold", {"attendance": came(world, "dongtrieu", "chilinh")}), 409)


async def test_nothing_is_recorded_of_a_meeting_that_was_not_held(world: World, plan: Json) -> None:
    path = f"/v1/meetings/{(await planned(world, plan))['id']}"
    host = world.specialist("dongtrieu")
    problem(await put(host, path, "minutes", {"text": "x"}), 409)
    problem(await put(host, path, "attendance", {"attendance": came(world, "dongtrieu", "chilinh")}), 409)
    problem(await host.act(path, "outcomes", {"text": "x"}), 409)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "weekly"}, "/kind"),
        ({"title": ""}, "/title"),
        ({"title": "x" * 1001}, "/title"),
        ({"starts_at": "2026-12-10"}, "/starts_at"),
        ({"starts_at": "2026-12-10T01:00:00"}, "/starts_at"),
        ({"starts_at": 1_700_000_000}, "/starts_at"),
        ({"starts_at": "9999-12-31T23:59:59Z"}, "/starts_at"),
        ({"starts_at": "2026-13-40T01:00:00Z"}, "/starts_at"),
        ({"starts_at": "2026-12-10T05:00:00Z", "ends_at": "2026-12-10T04:00:00Z"}, "/ends_at"),
        ({"online_url": "javascript:alert(1)"}, "/online_url"),
        ({"online_url": "https://a b"}, "/online_url"),
        ({"agenda": [{"title": "x", "minutes": 0}]}, "/agenda/0/minutes"),
        ({"agenda": [{"title": "x"}] * 101}, "/agenda"),
        ({"agenda": [{}]}, "/agenda/0/title"),
        ({"invited_organization_ids": [str(uuid4())]}, "/invited_organization_ids/0"),
        ({"host_organization_id": str(uuid4())}, "/host_organization_id"),
        ({"status": "held"}, "/status"),
    ],
)
async def test_a_meeting_that_cannot_be_is_refused_by_its_field(
    world: World, plan: Json, changes: Json, pointer: str
) -> None:
    before = (await world.rows("select count(*) as rows from meeting"))[0]["rows"]
    body = MEETING | {"starts_at": "2026-12-10T01:00:00Z"} | changes
    answer = await world.specialist("dongtrieu").post(f"/v1/agreements/{plan['id']}/meetings", body)
    assert pointers(problem(answer, 422)) == [pointer]
    assert (await world.rows("select count(*) as rows from meeting"))[0]["rows"] == before


async def test_nobody_is_invited_twice(world: World, plan: Json) -> None:
    twice = [world.id("chilinh"), world.id("chilinh")]
    body = MEETING | {"starts_at": hours_ago(1), "invited_organization_ids": twice}
    answer = await world.specialist("dongtrieu").post(f"/v1/agreements/{plan['id']}/meetings", body)
    assert pointers(problem(answer, 422)) == ["/invited_organization_ids/1"]


async def test_only_a_member_of_the_agreement_hosts(world: World, plan: Json) -> None:
    meeting = await planned(world, plan)
    answer = await world.specialist("dongtrieu").change(
        f"/v1/meetings/{meeting['id']}", {"host_organization_id": world.id("elsewhere")}
    )
    assert problem(answer, 422)["errors"][0]["code"] == "no_member"


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({"title": None}, "/title"),
        ({"starts_at": None}, "/starts_at"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "/ends_at"),
        ({"agenda": None}, "/agenda"),
        ({"invited_organization_ids": [str(uuid4())]}, "/invited_organization_ids/0"),
    ],
)
async def test_a_patch_that_cannot_be_is_refused_by_its_field(
    world: World, plan: Json, patch: Json, pointer: str
) -> None:
    path = f"/v1/meetings/{(await planned(world, plan))['id']}"
    assert pointers(problem(await world.specialist("dongtrieu").change(path, patch), 422)) == [pointer]
    assert (await world.specialist("dongtrieu").read(path))["version"] == 1


async def test_attendance_that_cannot_be_is_refused_by_its_field(world: World, plan: Json) -> None:
    path = f"/v1/meetings/{(await planned(world, plan))['id']}"
    host = world.specialist("dongtrieu")
    two = came(world, "dongtrieu", "chilinh")
    unknown = {"organization_id": str(uuid4()), "attendance": "attended"}
    refused: list[tuple[list[Any], str]] = [
        ([], "/attendance"),
        (two[:1], "/attendance"),
        ([two[0], two[1] | {"attendance": "absent"}], "/attendance"),
        ([*two, two[0]], "/attendance/2/organization_id"),
        ([*two, unknown], "/attendance/2/organization_id"),
        ([two[0], two[1] | {"attendance": "maybe"}], "/attendance/1/attendance"),
    ]
    for attendance, pointer in refused:
        assert pointers(problem(await host.act(path, "hold", {"attendance": attendance}), 422)) == [pointer]
    ends = {"attendance": two, "ends_at": "2020-01-01T00:00:00Z"}
    assert pointers(problem(await host.act(path, "hold", ends), 422)) == ["/ends_at"]
    assert (await host.read(path))["status"] == "planned"


async def test_a_meeting_needs_an_agreement_that_binds(world: World) -> None:
    draft = await world.draft()
    body = MEETING | {"starts_at": hours_ago(1)}
    answer = await world.specialist("dongtrieu").post(f"/v1/agreements/{draft['id']}/meetings", body)
    problem(answer, 409, "agreement_not_binding")
    suspended = await world.plan()
    await world.person("dongtrieu").step(f"/v1/agreements/{suspended['id']}", "suspend", {"reason": "Chờ"})
    await planned(world, suspended)


async def test_what_a_guest_may_not_a_host_may_and_a_stranger_sees_nothing(world: World, plan: Json) -> None:
    meeting = await planned(world, plan, "chilinh")
    path = f"/v1/meetings/{meeting['id']}"
    problem(await world.specialist("kinhmon").change(path, {"place": "Khác"}), 403)
    problem(await world.person("chilinh", Role.VIEWER).change(path, {"place": "Khác"}), 403)
    problem(await world.person("elsewhere").get(path), 404)
    problem(await world.person("elsewhere").get(f"{path}/history"), 404)
    accepted(await world.specialist("chilinh").change(path, {"place": "Khác"}), 200)
    # The custodian keeps the agreement's meetings in order.
    accepted(await world.specialist("dongtrieu").change(path, {"place": "Nơi khác"}), 200)


async def test_whoever_took_a_hosts_place_keeps_its_meetings(world: World) -> None:
    plan = await world.plan()
    path = f"/v1/meetings/{(await planned(world, plan, 'chilinh'))['id']}"
    successor = world.specialist("kinhmon")
    tag = (await successor.get(path)).headers["etag"]
    await world.rows(
        "update agreement_party set responsible_organization_id = $2, responsible_organization_name = 'x'"
        " where agreement_id = $1 and organization_id = $3",
        UUID(plan["id"]),
        world.organizations["kinhmon"].id,
        world.organizations["chilinh"].id,
    )
    seen = await successor.get(path, headers={"If-None-Match": tag})
    assert seen.json()["allowed_actions"] == ["update", "hold", "cancel"]
    accepted(await successor.change(path, {"place": "Nơi khác"}), 200)
    problem(await world.specialist("chilinh").change(path, {"place": "Khác"}), 403)


async def test_a_change_names_the_version_that_it_was_decided_on(world: World, plan: Json) -> None:
    path = f"/v1/meetings/{(await planned(world, plan))['id']}"
    host = world.specialist("dongtrieu")
    problem(await host.patch(path, {"place": "x"}), 428)
    problem(await host.patch(path, {"place": "x"}, **{"If-Match": '"v9"'}), 412)
    problem(await host.post(f"{path}/cancel", {"reason": "x"}), 428)


async def test_a_system_reads_with_its_scope_and_writes_nothing(world: World, plan: Json) -> None:
    path = f"/v1/meetings/{(await planned(world, plan))['id']}"
    assert accepted(await world.client("chilinh", "agreements:read").get(path), 200)["allowed_actions"] == []
    problem(await world.client("chilinh", "tasks:read").get(path), 403)
    problem(await world.client("chilinh", "tasks:read").get("/v1/meetings"), 403)
    problem(await world.client("dongtrieu", "agreements:read").change(path, {"place": "x"}), 403)


async def test_what_happens_is_told_with_the_organisations_and_without_the_people(world: World, plan: Json) -> None:
    meeting = await planned(world, plan)
    path, host = f"/v1/meetings/{meeting['id']}", world.specialist("dongtrieu")
    accepted(await host.change(path, {"place": "Khác"}), 200)
    attendance = came(world, "dongtrieu", "chilinh", kinhmon="absent")
    attendance[0] |= {"person_name": "Nguyễn Văn A", "person_title": "Bí thư"}
    await host.step(path, "hold", {"attendance": attendance})
    events = await world.registry.outbox(meeting["id"])
    assert [event["type"].split(".")[2:4] for event in events] == [
        ["meeting", "planned"],
        ["meeting", "changed"],
        ["meeting", "held"],
    ]
    last = events[-1]
    assert (last["subject"], last["partitionkey"]) == (f"meetings/{meeting['id']}", plan["id"])
    told = {one["organization_id"]: one["attendance"] for one in last["data"]["meeting"]["participants"]}
    assert (told[world.id("chilinh")], told[world.id("kinhmon")], told[world.id("lucnam")]) == (
        "attended",
        "absent",
        None,
    )
    assert "Nguyễn Văn A" not in str(last)
    [newest, *_] = (await host.read(f"{path}/history"))["items"]
    assert {"field": f"participants/{world.id('dongtrieu')}/person", "from": None, "to": "Nguyễn Văn A, Bí thư"} in (
        newest["changes"]
    )
    assert set(last["data"]["members"]) >= {world.id(key) for key in (*PARTIES, "haiduong")}
    assert [event["data"]["version"] for event in events] == [1, 2, 3]
    cancelled = await planned(world, plan)
    await host.step(f"/v1/meetings/{cancelled['id']}", "cancel", {"reason": "Hoãn"})
    last = (await world.registry.outbox(cancelled["id"]))[-1]
    assert last["type"] == "vn.lienvung.meeting.cancelled.v1"
    assert last["data"]["meeting"]["cancel_reason"] == "Hoãn"
