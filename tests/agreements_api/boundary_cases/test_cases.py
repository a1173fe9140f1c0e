"""Dossiers of boundary areas: opened, counted, confirmed by both sides, handed over, closed."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from agreements_api.policy import Role
from shared import clock
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.boundary_cases.dossiers import (
    CASE,
    FIRST,
    SECOND,
    body,
    confirmed,
    handed_over,
    opened,
    path_of,
)


async def test_a_dossier_is_opened_with_its_counts_its_sides_and_its_steps(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    assert {name: case[name] for name in ("kind", "place", "households", "plots", "area_m2", "note")} == {
        name: CASE[name] for name in ("kind", "place", "households", "plots", "area_m2", "note")
    }
    assert (case["state"], case["version"], case["demonstration"]) == ("open", 1, True)
    assert [(side["name"], side["unit_name"], side["answering_organization_id"]) for side in case["sides"]] == [
        ("UBND thị xã Đông Triều", "Thị xã Đông Triều", world.id(FIRST)),
        ("UBND thị xã Kinh Môn", "Thị xã Kinh Môn", world.id(SECOND)),
    ]
    assert [(step["ordinal"], step["title"], step["due_on"]) for step in case["steps"]] == [
        (1, "Thống nhất số liệu", "2026-12-15"),
        (2, "Ký biên bản", None),
    ]
    # A specialist opens; the leaders of the sides confirm, the first step first.
    assert case["allowed_actions"] == ["update"]
    seen = await world.person(SECOND).read(path_of(case))
    assert [step["allowed_actions"] for step in seen["steps"]] == [["confirm"], []]
    [event] = await world.registry.outbox(case["id"])
    assert (event["type"], event["subject"], event["partitionkey"]) == (
        "vn.lienvung.boundary_case.opened.v1",
        f"boundary-cases/{case['id']}",
        plan["id"],
    )
    assert set(event["data"]["members"]) >= {world.id(key) for key in (FIRST, SECOND, "dongtrieu", "quangninh")}


async def test_both_sides_confirm_every_step_and_the_area_is_handed_over(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    path, [first, second] = path_of(case), case["steps"]
    after = await world.person(FIRST).step(path, f"steps/{first['id']}/confirm", {"remark": "Thống nhất"})
    [own, other] = after["steps"][0]["confirmations"]
    assert (own["confirmed_by"], own["remark"], other["confirmed_at"]) == (f"leader {FIRST}", "Thống nhất", None)
    assert (after["steps"][0]["completed_at"], after["steps"][0]["allowed_actions"]) == (None, ["take_back"])
    after = await world.person(SECOND).step(path, f"steps/{first['id']}/confirm")
    assert after["steps"][0]["completed_at"] is not None
    assert [step["allowed_actions"] for step in after["steps"]] == [[], ["confirm"]]
    await world.person(SECOND).step(path, f"steps/{second['id']}/confirm")
    after = await world.person(FIRST).step(path, f"steps/{second['id']}/confirm")
    assert (after["state"], after["handed_over_on"]) == ("handed_over", clock.today().isoformat())
    # The last confirmation and the hand-over are two facts, so two versions.
    assert after["version"] == 6
    events = await world.registry.outbox(case["id"])
    assert [event["type"].split(".")[3] for event in events] == [
        "opened",
        *["step_confirmed"] * 4,
        "handed_over",
    ]
    assert [event["data"]["version"] for event in events] == [1, 2, 3, 4, 5, 6]
    last_confirmation = events[4]["data"]
    assert (last_confirmation["boundary_case"]["state"], last_confirmation["step_id"]) == ("open", second["id"])
    assert all(last_confirmation["boundary_case"]["steps"][1]["confirmed_at"])
    assert f"leader {FIRST}" not in str([event["data"]["boundary_case"] for event in events])
    assert events[5]["data"]["changes"][0] == {"field": "state", "from": "open", "to": "handed_over"}


async def test_a_dossier_is_closed_with_a_remark_by_the_lead_or_the_custodian(world: World, plan: Json) -> None:
    case = await handed_over(world, plan)
    path, lead = path_of(case), world.person(FIRST)
    assert (await lead.read(path))["allowed_actions"] == ["close"]
    assert (await world.person(SECOND).read(path))["allowed_actions"] == []
    problem(await world.person(SECOND).act(path, "close", {"remark": "Xong"}), 403)
    assert pointers(problem(await lead.act(path, "close"), 422)) == ["/remark"]
    after = await world.person("dongtrieu").step(path, "close", {"remark": "Đã cập nhật hồ sơ"})
    assert (after["state"], after["closed_on"], after["close_remark"], after["allowed_actions"]) == (
        "closed",
        clock.today().isoformat(),
        "Đã cập nhật hồ sơ",
        [],
    )
    problem(await lead.act(path, "close", {"remark": "Lại"}), 409, "invalid_transition")
    assert (await world.registry.outbox(case["id"]))[-1]["type"] == "vn.lienvung.boundary_case.closed.v1"


async def test_what_is_not_handed_over_is_not_closed(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    answer = await world.person(FIRST).act(path_of(case), "close", {"remark": "x"})
    assert problem(answer, 409, "invalid_transition")["possible"] == ["update"]


async def test_what_was_handed_over_is_neither_changed_nor_confirmed_again(world: World, plan: Json) -> None:
    case = await handed_over(world, plan)
    path, step = path_of(case), case["steps"][1]["id"]
    problem(await world.specialist(FIRST).change(path, {"households": 1}), 409, "invalid_transition")
    for verb in ("confirm", "take-back"):
        problem(await world.person(FIRST).act(path, f"steps/{step}/{verb}"), 409, "invalid_transition")


async def test_a_side_takes_back_until_the_other_one_has_confirmed(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    path, verb = path_of(case), f"steps/{case['steps'][0]['id']}"
    problem(await world.person(FIRST).act(path, f"{verb}/take-back"), 409, "not_confirmed")
    await confirmed(world, case, 0, FIRST)
    problem(await world.person(FIRST).act(path, f"{verb}/confirm"), 409, "already_confirmed")
    problem(await world.person(SECOND).act(path, f"{verb}/take-back"), 409, "not_confirmed")
    after = await world.person(FIRST).step(path, f"{verb}/take-back", {"remark": "Cần rà soát lại"})
    assert after["steps"][0]["confirmations"][0] == {"confirmed_at": None, "confirmed_by": None, "remark": None}
    event = (await world.registry.outbox(case["id"]))[-1]
    assert (event["type"], event["data"]["step_id"]) == (
        "vn.lienvung.boundary_case.step_taken_back.v1",
        case["steps"][0]["id"],
    )
    await confirmed(world, case, 0, SECOND, FIRST)
    for key in (FIRST, SECOND):
        problem(await world.person(key).act(path, f"{verb}/take-back"), 409, "step_completed")


async def test_steps_are_confirmed_in_their_order(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    path, [first, second] = path_of(case), case["steps"]
    answer = await world.person(FIRST).act(path, f"steps/{second['id']}/confirm")
    assert problem(answer, 409, "earlier_step_open")["step_id"] == first["id"]
    # One side alone does not complete it.
    await confirmed(world, case, 0, FIRST)
    problem(await world.person(FIRST).act(path, f"steps/{second['id']}/confirm"), 409, "earlier_step_open")


async def test_other_figures_make_void_what_one_side_alone_has_confirmed(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    path = path_of(case)
    await confirmed(world, case, 0, FIRST, SECOND)
    await confirmed(world, case, 1, FIRST)
    worded = accepted(await world.specialist(SECOND).change(path, {"note": "Ghi chú khác"}), 200)
    assert worded["steps"][1]["confirmations"][0]["confirmed_at"] is not None
    recounted = accepted(await world.specialist(SECOND).change(path, {"households": 14, "area_m2": None}), 200)
    assert (recounted["households"], recounted["area_m2"]) == (14, None)
    # What both had confirmed stays.
    assert recounted["steps"][0]["completed_at"] is not None
    assert [one["confirmed_at"] for one in recounted["steps"][1]["confirmations"]] == [None, None]
    [newest, *_] = (await world.person(FIRST).read(f"{path}/history"))["items"]
    field = f"steps/{case['steps'][1]['id']}/first"
    assert {"field": field, "from": "UBND thị xã Đông Triều", "to": None} in newest["changes"]


async def test_steps_are_replaced_until_a_side_has_confirmed_one(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    path, worker = path_of(case), world.specialist(FIRST)
    other = [{"title": "Đo đạc", "due_on": "2026-12-20"}, {"title": "Bàn giao"}, {"title": "Lưu hồ sơ"}]
    after = accepted(await worker.change(path, {"steps": other}), 200)
    assert [(step["ordinal"], step["title"]) for step in after["steps"]] == [
        (1, "Đo đạc"),
        (2, "Bàn giao"),
        (3, "Lưu hồ sơ"),
    ]
    same = accepted(await worker.change(path, {"steps": other}), 200)
    assert (same["version"], same["steps"]) == (after["version"], after["steps"])
    await confirmed(world, after, 0, SECOND)
    assert pointers(problem(await worker.change(path, {"steps": other[:1]}), 422)) == ["/steps"]


async def test_steps_are_replaced_with_the_figures_that_made_them_void(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    path, worker, other = path_of(case), world.specialist(FIRST), [{"title": "Đo đạc lại"}]
    await confirmed(world, case, 0, FIRST)
    after = accepted(await worker.change(path, {"households": 13, "steps": other}), 200)
    assert (after["households"], [step["title"] for step in after["steps"]]) == (13, ["Đo đạc lại"])
    assert [one["confirmed_at"] for one in after["steps"][0]["confirmations"]] == [None, None]
    completed = await opened(world, plan)
    await confirmed(world, completed, 0, FIRST, SECOND)
    refused = await worker.change(path_of(completed), {"households": 13, "steps": other})
    assert pointers(problem(refused, 422)) == ["/steps"]
    assert (await worker.read(path_of(completed)))["households"] == 12


async def test_a_patch_that_changes_nothing_makes_no_version(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    same = accepted(await world.specialist(FIRST).change(path_of(case), {"households": 12}), 200)
    assert (same["version"], len(await world.registry.outbox(case["id"]))) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"place": "Hộ ông A, 001234567890"}, "/place"),
        ({"note": "Liên hệ 0912 345 678"}, "/note"),
        ({"note": "a@example.vn"}, "/note"),
        ({"steps": [{"title": "Gọi 0912345678"}]}, "/steps/0/title"),
        ({"note": "x" * 1001}, "/note"),
        ({"households": -1}, "/households"),
        ({"households": 1.5}, "/households"),
        ({"households": "12"}, "/households"),
        ({"plots": 10_000_001}, "/plots"),
        ({"area_m2": 10**13}, "/area_m2"),
        ({"kind": "forest"}, "/kind"),
        ({"steps": []}, "/steps"),
        ({"steps": [{"title": "x"}] * 21}, "/steps"),
        ({"steps": [{"title": "x", "due_on": "mai"}]}, "/steps/0/due_on"),
        ({"resident": "Nguyễn Văn A"}, "/resident"),
        ({"organization_ids": []}, "/organization_ids"),
    ],
)
async def test_a_dossier_that_cannot_be_is_refused_by_its_field(
    world: World, plan: Json, changes: Json, pointer: str
) -> None:
    task = await world.task(plan)
    path = f"/v1/tasks/{task['id']}/boundary-cases"
    answer = await world.specialist(FIRST).post(path, body(world, **changes))
    assert pointers(problem(answer, 422)) == [pointer]
    assert (await world.specialist(FIRST).read(path))["items"] == []


async def test_personal_data_is_refused_wherever_a_text_is_written(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    path, remark = path_of(case), {"remark": "Số 022 090 001 234"}
    step = f"steps/{case['steps'][0]['id']}"
    leader = world.person(FIRST)
    refused = problem(await leader.act(path, f"{step}/confirm", remark), 422)
    assert (pointers(refused), refused["errors"][0]["code"]) == (["/remark"], "personal_data")
    assert refused["errors"][0]["detail"] == (
        "Có vẻ chứa dữ liệu cá nhân (số định danh cá nhân): chỉ ghi số lượng, không ghi người."
    )
    assert pointers(problem(await leader.act(path, f"{step}/take-back", remark), 422)) == ["/remark"]
    assert pointers(problem(await leader.act(path, "close", remark), 422)) == ["/remark"]
    assert pointers(problem(await leader.change(path, {"note": "0912345678"}), 422)) == ["/note"]
    assert (await leader.read(path))["version"] == 1


async def test_the_sides_are_two_localities_that_carry_the_task_out(world: World, plan: Json) -> None:
    """Monitors, superiors and strangers are no sides."""
    task = await world.task(plan, monitoring=("ubnd-sondong",))
    path, worker = f"/v1/tasks/{task['id']}/boundary-cases", world.specialist(FIRST)
    for position, other in ((1, world.id("ubnd-sondong")), (1, str(uuid4())), (0, world.id("dongtrieu"))):
        sides = [world.id(FIRST), world.id(SECOND)]
        sides[position] = other
        answer = await worker.post(path, body(world, organization_ids=sides))
        assert pointers(problem(answer, 422)) == [f"/organization_ids/{position}"]
    answer = await worker.post(path, body(world, organization_ids=[world.id(FIRST)] * 2))
    assert problem(answer, 422)["errors"][0]["code"] == "same_locality"


async def test_no_dossier_is_opened_for_a_task_that_is_over(world: World, plan: Json) -> None:
    task = await world.task(plan)
    path = f"/v1/tasks/{task['id']}"
    await world.person("dongtrieu").step(path, "cancel", {"reason": "Trùng"})
    problem(await world.specialist(FIRST).post(f"{path}/boundary-cases", body(world)), 409, "task_over")


async def test_whoever_took_a_partys_place_answers_for_its_side(world: World, plan: Json) -> None:
    """After a merger one body may answer for both: its one confirmation is that of both sides."""
    case = await opened(world, plan)
    path, step = path_of(case), f"steps/{case['steps'][0]['id']}"
    successor = world.id("ubnd-chilinh")
    await world.rows(
        """
        update task set parties = jsonb_set(parties, '{coordinating,0}',
            (parties->'coordinating'->0) || jsonb_build_object('organization_id', $2::text,
                'promised_by_organization_id', parties->'coordinating'->0->>'organization_id'))
        where id = $1""",
        UUID(case["task_id"]),
        successor,
    )
    seen = await world.person("ubnd-chilinh").read(path)
    assert [side["answering_organization_id"] for side in seen["sides"]] == [world.id(FIRST), successor]
    assert seen["steps"][0]["allowed_actions"] == ["confirm"]
    problem(await world.person(SECOND).act(path, f"{step}/confirm"), 403)
    await world.rows(
        """
        update task set parties = jsonb_set(parties, '{lead}', (parties->'lead') || jsonb_build_object(
            'organization_id', $2::text, 'promised_by_organization_id', parties->'lead'->>'organization_id'))
        where id = $1""",
        UUID(case["task_id"]),
        successor,
    )
    after = await world.person("ubnd-chilinh").step(path, f"{step}/confirm")
    assert after["steps"][0]["completed_at"] is not None
    assert [side["name"] for side in after["sides"]] == ["UBND thị xã Đông Triều", "UBND thị xã Kinh Môn"]


async def test_who_is_no_side_confirms_nothing(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    path, step = path_of(case), f"steps/{case['steps'][0]['id']}"
    for person in (world.person("dongtrieu"), world.person("ubnd-chilinh"), world.specialist(FIRST)):
        problem(await person.act_blindly(path, f"{step}/confirm"), 403)
    problem(await world.person("elsewhere").act_blindly(path, f"{step}/confirm"), 404)
    problem(await world.person(FIRST, Role.VIEWER).change(path, {"note": "x"}), 403)
    answer = await world.specialist("ubnd-chilinh").post(f"/v1/tasks/{case['task_id']}/boundary-cases", body(world))
    # A third party of the task may open one for others.
    accepted(answer, 201)
    task = f"/v1/tasks/{case['task_id']}/boundary-cases"
    problem(await world.specialist("sondong").post(task, body(world)), 403)
    problem(await world.person("elsewhere").post(task, body(world)), 404)


async def test_a_step_of_another_dossier_is_not_found(world: World, plan: Json) -> None:
    case, other = await opened(world, plan), await opened(world, plan)
    for step_id in (other["steps"][0]["id"], str(uuid4())):
        for verb in ("confirm", "take-back"):
            problem(await world.person(FIRST).act(path_of(case), f"steps/{step_id}/{verb}"), 404)


async def test_a_change_names_the_version_that_it_was_decided_on(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    path = path_of(case)
    problem(await world.specialist(FIRST).patch(path, {"note": "x"}), 428)
    verb = f"{path}/steps/{case['steps'][0]['id']}/confirm"
    problem(await world.person(FIRST).post(verb), 428)
    problem(await world.person(FIRST).post(verb, **{"If-Match": '"v9"'}), 412)


async def test_it_is_read_again_only_when_it_changed(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    reader = world.person(SECOND, Role.VIEWER)
    seen = await reader.get(path_of(case))
    again = await reader.get(path_of(case), headers={"If-None-Match": seen.headers["etag"]})
    assert again.status_code == 304
    await confirmed(world, case, 0, SECOND)
    again = await reader.get(path_of(case), headers={"If-None-Match": seen.headers["etag"]})
    assert again.status_code == 200


async def test_a_system_reads_with_its_scope_and_writes_nothing(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    path = path_of(case)
    seen = accepted(await world.client(SECOND, "tasks:read").get(path), 200)
    assert (seen["allowed_actions"], seen["steps"][0]["allowed_actions"]) == ([], [])
    for asked in (path, f"{path}/history", "/v1/boundary-cases", f"/v1/tasks/{case['task_id']}/boundary-cases"):
        problem(await world.client(SECOND, "agreements:read").get(asked), 403)
    verb = f"steps/{case['steps'][0]['id']}/confirm"
    problem(await world.client(SECOND, "tasks:read", "tasks:write").act_blindly(path, verb), 403)


async def test_the_history_tells_every_change_and_is_never_altered(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    path = path_of(case)
    await confirmed(world, case, 0, FIRST)
    accepted(await world.specialist(SECOND).change(path, {"note": None}), 200)
    reader = world.person(SECOND, Role.VIEWER)
    newest = await reader.read(f"{path}/history", limit=2)
    rest = await reader.read(f"{path}/history", limit=2, cursor=newest["next_cursor"])
    entries = [*newest["items"], *rest["items"]]
    assert [(one["version"], one["action"], one["actor"]["name"]) for one in entries] == [
        (3, "update", f"specialist {SECOND}"),
        (2, "confirm", f"leader {FIRST}"),
        (1, "open", f"specialist {FIRST}"),
    ]
    assert entries[0]["changes"] == [{"field": "note", "from": "Số liệu minh họa.", "to": None}]
    problem(await world.person("elsewhere").get(f"{path}/history"), 404)
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute("select set_config('lienvung.system', 'on', false)")
        for table in ("boundary_case_log", "meeting_log", "meeting_minutes"):
            for statement in (f"delete from {table}", f"update {table} set id = id"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_database_keeps_a_step_that_a_side_has_confirmed(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    await confirmed(world, case, 0, FIRST)
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute("select set_config('lienvung.organization_id', $1, false)", world.id(SECOND))
        gone = await connection.execute("delete from boundary_case_step where case_id = $1", UUID(case["id"]))
        # Only the one that nobody has confirmed.
        assert gone == "DELETE 1"
    finally:
        await connection.close()
