"""What an evaluation found wanting: who raises it, where it goes, and what is told of it."""

import asyncio
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from agreements_api.policy import Role
from agreements_api.provenance.models import OpenPointKind
from agreements_api.provenance.service import raise_of_evaluation
from shared import clock
from shared.auth import SYSTEM
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem, signature

POINT: Json = {
    "kind": "shortcoming",
    "text": "Công tác phối hợp chưa thường xuyên, liên tục (minh họa).",
    "raised_by": "Báo cáo sơ kết (minh họa)",
    "raised_on": "2026-11-20",
}


async def raised(world: World, plan: Json, key: str = "dongtrieu", **changes: Any) -> Json:
    answer = await world.specialist(key).post(f"/v1/agreements/{plan['id']}/open-points", POINT | changes)
    return accepted(answer, 201)


async def test_a_point_is_raised_carried_and_settled(world: World) -> None:
    plan = await world.plan()
    task = await world.task(plan)
    leader = world.person("chilinh")
    point = await raised(world, plan)
    path = f"/v1/open-points/{point['id']}"
    assert (point["state"], point["version"], point["allowed_actions"]) == ("open", 1, [])
    assert (await leader.read(path))["allowed_actions"] == ["carry", "resolve"]
    carried = await leader.step(path, "carry", {"task_id": task["id"], "remark": "Giao nhiệm vụ"})
    assert (carried["state"], carried["carried_to_task_id"]) == ("carried", task["id"])
    assert carried["carried_to_agreement_id"] == plan["id"]
    assert carried["allowed_actions"] == ["resolve"]
    settled = await leader.step(path, "resolve", {"remark": "Đã họp định kỳ"})
    assert (settled["state"], settled["version"], settled["remark"]) == ("resolved", 3, "Đã họp định kỳ")
    # Where it went stays on record.
    assert settled["carried_to_task_id"] == task["id"]
    assert settled["allowed_actions"] == []


async def test_every_step_is_a_version_of_the_agreement_with_history_and_event(world: World) -> None:
    plan = await world.plan()
    point = await raised(world, plan)
    path = f"/v1/open-points/{point['id']}"
    clause = plan["clauses"][0]["id"]
    await world.person("dongtrieu").step(path, "carry", {"clause_id": clause})
    await world.person("dongtrieu").step(path, "resolve", {"remark": "Xong"})
    told = (await world.person("dongtrieu").read(f"/v1/agreements/{plan['id']}/history", limit=3))["items"][::-1]
    field = f"open_points/{point['id']}"
    assert [(row["action"], row["changes"], row["remark"]) for row in told] == [
        ("raise_open_point", [{"field": field, "from": None, "to": "open"}], None),
        (
            "carry_open_point",
            [
                {"field": field, "from": "open", "to": "carried"},
                {"field": "carried_to", "from": None, "to": f"clauses/{clause}"},
            ],
            None,
        ),
        ("resolve_open_point", [{"field": field, "from": "carried", "to": "resolved"}], "Xong"),
    ]
    events = (await world.registry.outbox(plan["id"]))[-3:]
    assert {event["type"] for event in events} == {"vn.lienvung.agreement.open_point_changed.v1"}
    assert [event["data"]["open_point"]["state"] for event in events] == ["open", "carried", "resolved"]
    assert [event["data"]["version"] for event in events] == [row["version"] for row in told]


async def test_a_point_goes_into_the_next_plan(world: World) -> None:
    plan, following = await world.plan(), await world.plan()
    point = await raised(world, plan)
    carried = await world.person("dongtrieu").step(
        f"/v1/open-points/{point['id']}", "carry", {"agreement_id": following["id"]}
    )
    assert carried["carried_to_agreement_id"] == following["id"]
    assert (carried["carried_to_clause_id"], carried["carried_to_task_id"]) == (None, None)


@pytest.mark.parametrize("field", ["agreement_id", "clause_id", "task_id"])
async def test_nothing_is_carried_into_what_is_not_there(world: World, field: str) -> None:
    point = await raised(world, await world.plan())
    answer = await world.person("dongtrieu").act(f"/v1/open-points/{point['id']}", "carry", {field: str(uuid4())})
    assert pointers(problem(answer, 422)) == [f"/{field}"]


async def test_nothing_is_carried_into_what_the_caller_does_not_see(world: World) -> None:
    point = await raised(world, await world.plan())
    hidden = accepted(
        await world.specialist("chilinh").post(
            "/v1/agreements", {"instrument": "plan", "title": "Kín", "clauses": [{"text": "Một"}]}
        ),
        201,
    )
    [clause] = (await world.specialist("chilinh").read(f"/v1/agreements/{hidden['id']}/clauses"))["items"]
    for body in ({"agreement_id": hidden["id"]}, {"clause_id": clause["id"]}):
        answer = await world.person("dongtrieu").act(f"/v1/open-points/{point['id']}", "carry", body)
        assert pointers(problem(answer, 422)) == [f"/{next(iter(body))}"]


async def test_a_cancelled_task_takes_nothing_up(world: World) -> None:
    plan = await world.plan()
    task = await world.task(plan)
    leader = world.person("dongtrieu")
    await leader.step(f"/v1/tasks/{task['id']}", "cancel", {"reason": "Trùng"})
    point = await raised(world, plan)
    problem(await leader.act(f"/v1/open-points/{point['id']}", "carry", {"task_id": task["id"]}), 422)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"agreement_id": str(uuid4()), "task_id": str(uuid4())}, ""),
        ({"clause_id": "x"}, "/clause_id"),
        ({"other": 1}, "/other"),
    ],
)
async def test_where_it_goes_must_be_one_place(world: World, body: Json, pointer: str) -> None:
    point = await raised(world, await world.plan())
    answer = await world.person("dongtrieu").act(f"/v1/open-points/{point['id']}", "carry", body)
    assert pointers(problem(answer, 422)) == [pointer]


async def test_within_one_agreement_a_clause_or_a_task_must_be_named(world: World) -> None:
    plan = await world.plan()
    point = await raised(world, plan)
    body = {"agreement_id": plan["id"]}
    answer = await world.person("dongtrieu").act(f"/v1/open-points/{point['id']}", "carry", body)
    assert problem(answer, 422)["errors"][0]["code"] == "same_agreement"


async def test_what_is_settled_stays_settled(world: World) -> None:
    plan = await world.plan()
    leader, path = world.person("dongtrieu"), f"/v1/open-points/{(await raised(world, plan))['id']}"
    await leader.step(path, "resolve", {"remark": "Xong"})
    for verb, body in (("resolve", {"remark": "Nữa"}), ("carry", {"clause_id": plan["clauses"][0]["id"]})):
        assert problem(await leader.act(path, verb, body), 409, "invalid_transition")["possible"] == []


@pytest.mark.parametrize(
    ("key", "role", "raises", "decides"),
    [
        ("dongtrieu", Role.LEADER, 201, 200),
        ("chilinh", Role.LEADER, 201, 200),
        ("chilinh", Role.SPECIALIST, 201, 403),
        ("quangninh", Role.SPECIALIST, 201, 403),
        ("quangninh", Role.LEADER, 201, 403),
        ("chilinh", Role.VIEWER, 403, 403),
        ("chilinh", Role.ADMINISTRATOR, 403, 403),
        ("elsewhere", Role.LEADER, 404, 404),
    ],
)
async def test_the_table_says_who_may(world: World, key: str, role: Role, raises: int, decides: int) -> None:
    plan = await world.plan()
    person = world.person(key, role)
    path = f"/v1/agreements/{plan['id']}/open-points"
    assert (await person.post(path, POINT)).status_code == raises
    point = f"/v1/open-points/{(await raised(world, plan))['id']}"
    assert (await person.act_blindly(point, "resolve", {"remark": "Xong"})).status_code == decides
    assert (await person.get(point)).status_code == (404 if decides == 404 else 200)
    assert (await person.get(path)).status_code == (404 if decides == 404 else 200)


async def test_only_what_was_in_force_is_evaluated(world: World) -> None:
    for plan in (await world.draft(), await world.opened()):
        answer = await world.specialist("dongtrieu").post(f"/v1/agreements/{plan['id']}/open-points", POINT)
        problem(answer, 409, "never_in_force")


async def test_a_version_that_was_not_read_is_not_changed(world: World) -> None:
    plan = await world.plan()
    leader, path = world.person("dongtrieu"), f"/v1/open-points/{(await raised(world, plan))['id']}"
    problem(await leader.post(f"{path}/resolve", {"remark": "Xong"}), 428)
    problem(await leader.post(f"{path}/resolve", {"remark": "Xong"}, **{"If-Match": '"v9"'}), 412)
    tag = (await leader.get(path)).headers["etag"]
    assert (await leader.get(path, headers={"If-None-Match": tag})).status_code == 304
    answers = await asyncio.gather(
        *(leader.post(f"{path}/resolve", {"remark": "Xong"}, **{"If-Match": tag}) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "other"}, "/kind"),
        ({"text": " "}, "/text"),
        ({"raised_by": None}, "/raised_by"),
        ({"raised_on": "hôm qua"}, "/raised_on"),
        ({"state": "resolved"}, "/state"),
    ],
)
async def test_bad_input_is_named_and_leaves_nothing(world: World, changes: Json, pointer: str) -> None:
    plan = await world.plan()
    path = f"/v1/agreements/{plan['id']}/open-points"
    assert pointers(problem(await world.specialist("dongtrieu").post(path, POINT | changes), 422)) == [pointer]
    assert (await world.person("dongtrieu").read(path))["items"] == []


async def test_points_come_in_pages_and_by_state_and_kind(world: World) -> None:
    plan = await world.plan()
    points = [await raised(world, plan, text=f"Điểm {number}") for number in range(4)]
    proposal = await raised(world, plan, kind="recommendation")
    leader, path = world.person("dongtrieu"), f"/v1/agreements/{plan['id']}/open-points"
    await leader.step(f"/v1/open-points/{points[0]['id']}", "resolve", {"remark": "Xong"})
    first = await leader.read(path, limit=3)
    second = await leader.read(path, limit=3, cursor=first["next_cursor"])
    expected = [proposal["id"], *(point["id"] for point in reversed(points))]
    assert [item["id"] for item in first["items"] + second["items"]] == expected
    assert [item["id"] for item in (await leader.read(path, state="resolved"))["items"]] == [points[0]["id"]]
    assert [item["id"] for item in (await leader.read(path, kind="recommendation"))["items"]] == [proposal["id"]]
    problem(await leader.get(path, cursor="x"), 400, "invalid_cursor")


async def test_an_evaluation_that_is_told_twice_raises_its_points_once(world: World) -> None:
    plan = await world.plan()
    evaluation = uuid4()
    found = [(OpenPointKind.SHORTCOMING, "Phối hợp chưa liên tục"), (OpenPointKind.RECOMMENDATION, "Họp hằng quý")]

    async def told(points: list[tuple[OpenPointKind, str]]) -> int:
        async with world.registry.database.transaction(SYSTEM) as session:
            new = await raise_of_evaluation(
                session,
                SYSTEM,
                plan["id"],
                points,
                evaluation_id=evaluation,
                raised_by="Báo cáo tổng kết (minh họa)",
                raised_on=date(2026, 11, 20),
            )
            return len(new)

    assert [await told(found), await told(found), await told([*found, (OpenPointKind.SHORTCOMING, "Thêm")])] == [
        2,
        0,
        1,
    ]
    items = (await world.person("chilinh").read(f"/v1/agreements/{plan['id']}/open-points"))["items"]
    assert {item["evaluation_id"] for item in items} == {str(evaluation)}
    assert len(items) == 3
    events = await world.registry.outbox(plan["id"])
    assert sum("open_point_changed" in event["type"] for event in events) == 3


async def test_what_an_evaluation_said_is_not_rewritten_by_the_application(world: World) -> None:
    rows = await world.rows(
        "select column_name from information_schema.column_privileges"
        " where grantee = 'agreements_app' and table_name = 'open_point' and privilege_type = 'UPDATE'"
    )
    changeable = {row["column_name"] for row in rows}
    assert not changeable & {"text", "kind", "raised_by", "raised_on", "evaluation_id", "agreement_id"}
    assert changeable


async def test_without_a_date_it_was_raised_today(world: World) -> None:
    assert (await raised(world, await world.plan(), raised_on=None))["raised_on"] == clock.today().isoformat()


async def taken_up(world: World, plan: Json, **target: str) -> str:
    """The path of a point of the plan that was carried into a draft."""
    path = f"/v1/open-points/{(await raised(world, plan))['id']}"
    await world.person("dongtrieu").step(path, "carry", dict(target))
    return path


async def test_a_clause_of_a_draft_keeps_what_it_takes_up_when_the_draft_is_edited(world: World) -> None:
    plan, draft = await world.plan(), await world.draft()
    path, editor = f"/v1/agreements/{draft['id']}", world.specialist("dongtrieu")
    first, second = (await editor.read(f"{path}/clauses"))["items"]
    points = [await taken_up(world, plan, clause_id=clause["id"]) for clause in (first, second)]
    words = [{name: clause[name] for name in ("heading", "text", "field")} for clause in (first, second)]
    for clauses, expected in (
        # In their words at another place, and in other words at their place.
        ([words[1], words[0], {"text": "Thêm."}], [second["id"], first["id"]]),
        ([words[1], {"text": "Viết lại."}], [second["id"], first["id"]]),
    ):
        accepted(await editor.change(path, {"clauses": clauses}), 200)
        found = (await editor.read(f"{path}/clauses"))["items"]
        assert [clause["id"] for clause in found][:2] == expected
        assert [clause["text"] for clause in found] == [clause["text"] for clause in clauses]
    for point, clause in zip(points, (first, second), strict=True):
        assert (await editor.read(point))["carried_to_clause_id"] == clause["id"]


async def test_a_clause_that_takes_a_point_up_is_not_left_out_until_the_point_is_settled(world: World) -> None:
    plan, draft = await world.plan(), await world.draft()
    path, editor = f"/v1/agreements/{draft['id']}", world.specialist("dongtrieu")
    first, second = (await editor.read(f"{path}/clauses"))["items"]
    point = await taken_up(world, plan, clause_id=second["id"])
    shorter = {"clauses": [{name: first[name] for name in ("heading", "text", "field")}]}
    refused = problem(await editor.change(path, shorter), 409, "takes_up_open_points")
    assert pointers(refused) == ["/clauses"]
    assert len((await editor.read(f"{path}/clauses"))["items"]) == 2
    await world.person("dongtrieu").step(point, "resolve", {"remark": "Đã xử lý"})
    accepted(await editor.change(path, shorter), 200)
    settled = await editor.read(point)
    assert (settled["carried_to_agreement_id"], settled["carried_to_clause_id"]) == (draft["id"], None)


async def test_a_draft_that_takes_a_point_up_is_not_deleted_until_the_point_is_settled(world: World) -> None:
    plan, draft = await world.plan(), await world.draft()
    path, editor = f"/v1/agreements/{draft['id']}", world.specialist("dongtrieu")
    point = await taken_up(world, plan, agreement_id=draft["id"])
    problem(await editor.delete(path, **{"If-Match": "*"}), 409, "takes_up_open_points")
    await world.person("dongtrieu").step(point, "resolve", {"remark": "Đã xử lý"})
    assert (await editor.delete(path, **{"If-Match": "*"})).status_code == 204


async def test_whoever_drafts_need_not_see_what_the_point_is_of(world: World) -> None:
    """A text that was taken back is seen by all of its parties, and each of them has agreements of its own."""
    draft = await world.opened()
    path = f"/v1/agreements/{draft['id']}"
    await world.person("chilinh").step(path, "decline", {"reason": "Bổ sung"})
    others = [{"organization_id": world.id(key)} for key in ("chilinh", "kinhmon")]
    own = accepted(
        await world.specialist("chilinh").post(
            "/v1/agreements",
            {"instrument": "plan", "title": "Kế hoạch", "parties": others, "clauses": [{"text": "Phối hợp."}]},
        ),
        201,
    )
    own_path = f"/v1/agreements/{own['id']}"
    await world.person("chilinh").step(own_path, "open")
    for key in ("chilinh", "kinhmon"):
        await world.person(key).step(own_path, "sign", signature(key))
    point = f"/v1/open-points/{(await raised(world, own, 'chilinh'))['id']}"
    clause = (await world.person("chilinh").read(f"{path}/clauses"))["items"][1]["id"]
    await world.person("chilinh").step(point, "carry", {"clause_id": clause})
    editor = world.specialist("dongtrieu")
    problem(await editor.get(point), 404)
    accepted(await editor.change(path, {"clauses": [{"text": "Một."}, {"text": "Hai."}]}), 200)
    assert (await world.person("chilinh").read(point))["carried_to_clause_id"] == clause
    problem(await editor.change(path, {"clauses": [{"text": "Một."}]}), 409, "takes_up_open_points")


@pytest.mark.parametrize("left_out", [True, False])
async def test_a_point_is_carried_or_the_draft_goes_and_never_both(world: World, left_out: bool) -> None:
    """A clause is left out, or the draft deleted, at the moment at which something is carried there."""
    plan, leader, editor = await world.plan(), world.person("dongtrieu"), world.specialist("dongtrieu")
    for _ in range(4):
        draft, every = await world.draft(), {"If-Match": "*"}
        path, point = f"/v1/agreements/{draft['id']}", f"/v1/open-points/{(await raised(world, plan))['id']}"
        clause = (await editor.read(f"{path}/clauses"))["items"][1]["id"]
        target = {"clause_id": clause} if left_out else {"agreement_id": draft["id"]}
        going = (
            editor.patch(path, {"clauses": [{"text": "Một."}]}, **every) if left_out else editor.delete(path, **every)
        )
        carried, gone = await asyncio.gather(leader.post(f"{point}/carry", target, **every), going)
        if carried.status_code == 200:
            problem(gone, 409, "takes_up_open_points")
        else:
            assert gone.status_code in (200, 204)
            assert pointers(problem(carried, 422)) == [f"/{next(iter(target))}"]
