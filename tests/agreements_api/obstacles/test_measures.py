"""Measures against an obstacle: what, who, until when, done, and how they move its clock."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.agreements_api.agreements.test_signing_time import days_later
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.obstacles.raising import in_days, in_working_days, planned, raised


async def change(world: World, path: str, obstacle: Json, patch: Json, key: str = "ubnd-dongtrieu") -> Json:
    measure = f"{path}/measures/{obstacle['measures'][0]['id']}"
    tag = (await world.specialist(key).get(path)).headers["etag"]
    return accepted(await world.specialist(key).patch(measure, patch, **{"If-Match": tag}), 200)


async def test_a_measure_says_what_is_done_by_whom_and_until_when(world: World, plan: Json) -> None:
    _, path = await raised(world, plan)
    obstacle = await planned(world, path, due_on=in_days(30))
    [measure] = obstacle["measures"]
    assert (measure["text"], measure["organization_name"]) == ("Đo đạc lại (minh họa)", "UBND thị xã Đông Triều")
    assert (measure["due_on"], measure["overdue"], measure["done_at"]) == (in_days(30), False, None)
    # The clock of the obstacle goes on until the measure is to be done.
    assert (obstacle["due_on"], obstacle["respond_by"], obstacle["version"]) == (in_days(30), in_working_days(5), 2)
    sooner = await planned(world, path, due_on=in_days(20), key="ubnd-kinhmon")
    assert sooner["due_on"] == in_days(20)
    told = (await world.person("ubnd-dongtrieu").read(f"{path}/history"))["items"][0]
    assert told["action"] == "plan_measure"
    event = (await world.registry.outbox(obstacle["id"]))[-1]
    assert event["type"] == "vn.lienvung.obstacle.measure_changed.v1"
    assert event["data"]["measure_id"] == sooner["measures"][1]["id"]
    assert len(event["data"]["obstacle"]["measures"]) == 2


async def test_with_the_last_measure_done_the_clock_begins_anew(world: World, plan: Json) -> None:
    _, path = await raised(world, plan)
    obstacle = await planned(world, path, due_on=in_days(30))
    async with days_later(world, 14):
        done = await change(world, path, obstacle, {"done": True, "remark": "Đã đo xong"})
        [measure] = done["measures"]
        assert (measure["done_at"] is not None, measure["remark"]) == (True, "Đã đo xong")
        assert (done["respond_by"], done["due_on"]) == (in_working_days(5), in_working_days(5))
        told = (await world.person("ubnd-dongtrieu").read(f"{path}/history"))["items"][0]
        assert (told["action"], told["remark"]) == ("carry_out_measure", "Đã đo xong")
        undone = await change(world, path, done, {"done": False})
        assert (undone["measures"][0]["done_at"], undone["due_on"]) == (None, measure["due_on"])


async def test_a_measure_is_changed_and_an_empty_patch_changes_nothing(world: World, plan: Json) -> None:
    _, path = await raised(world, plan)
    obstacle = await planned(world, path, due_on=in_days(30))
    patch = {"text": "Khác", "organization_id": world.id("quangninh"), "due_on": in_days(40), "remark": "Lùi"}
    changed = await change(world, path, obstacle, patch, "quangninh")
    [measure] = changed["measures"]
    assert (measure["text"], measure["organization_name"]) == ("Khác", "Ban Thường vụ Tỉnh ủy Quảng Ninh")
    assert (measure["due_on"], measure["remark"], changed["due_on"]) == (in_days(40), "Lùi", in_days(40))
    assert (await change(world, path, obstacle, {}))["version"] == changed["version"]
    assert (await change(world, path, obstacle, {"done": False}))["version"] == changed["version"]
    assert (await change(world, path, obstacle, {"remark": None}))["measures"][0]["remark"] is None
    told = (await world.person("quangninh").read(f"{path}/history"))["items"][1]
    assert {entry["field"].rsplit("/", 1)[-1] for entry in told["changes"]} == {
        *("text", "organization_name", "due_on", "remark")
    }


async def test_a_measure_that_is_late_says_so(world: World, plan: Json) -> None:
    _, path = await raised(world, plan)
    await planned(world, path, due_on=in_days(1))
    lead = world.person("ubnd-dongtrieu")
    before = await lead.get(path)
    async with days_later(world, 3):
        after = await lead.get(path, headers={"If-None-Match": before.headers["etag"]})
        assert after.status_code == 200
        assert (after.json()["measures"][0]["overdue"], after.json()["overdue"]) == (True, False)
        # The tag of the day before still names the version.
        answer = await lead.post(f"{path}/resolve", {"resolution": "Xong"}, **{"If-Match": before.headers["etag"]})
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("given", "pointer", "code"),
    [
        ({"due_on": "2020-01-01"}, "/due_on", "past_day"),
        ({"due_on": "x"}, "/due_on", None),
        ({"text": ""}, "/text", None),
        ({"organization_id": str(uuid4())}, "/organization_id", "no_member"),
        ({"organization_id": "elsewhere"}, "/organization_id", "no_member"),
        ({"done": True}, "/done", None),
    ],
)
async def test_a_measure_that_cannot_be_taken_is_refused(
    world: World, plan: Json, given: Json, pointer: str, code: str | None
) -> None:
    _, path = await raised(world, plan)
    body = {"text": "Đo lại", "organization_id": world.id("ubnd-dongtrieu"), "due_on": in_days(9)} | given
    if given.get("organization_id") == "elsewhere":
        body["organization_id"] = world.id("elsewhere")
    refused = problem(await world.specialist("ubnd-dongtrieu").act(path, "measures", body), 422)
    assert pointers(refused) == [pointer]
    assert code in (None, refused["errors"][0]["code"])
    assert (await world.person("ubnd-dongtrieu").read(path))["measures"] == []


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({"due_on": "2020-01-01"}, "/due_on"),
        ({"due_on": None}, "/due_on"),
        ({"text": None}, "/text"),
        ({"done": None}, "/done"),
        ({"done": "yes"}, "/done"),
        ({"organization_id": None}, "/organization_id"),
        ({"organization_id": str(uuid4())}, "/organization_id"),
        ({"other": 1}, "/other"),
    ],
)
async def test_a_patch_that_cannot_be_taken_is_refused(world: World, plan: Json, patch: Any, pointer: str) -> None:
    _, path = await raised(world, plan)
    obstacle = await planned(world, path, due_on=in_days(9))
    measure = f"{path}/measures/{obstacle['measures'][0]['id']}"
    answer = await world.specialist("ubnd-dongtrieu").patch(measure, patch, **{"If-Match": "*"})
    assert pointers(problem(answer, 422)) == [pointer]


async def test_a_measure_of_another_obstacle_is_not_found(world: World, plan: Json) -> None:
    _, path = await raised(world, plan)
    other, other_path = await raised(world, plan)
    other = await planned(world, other_path, due_on=in_days(9))
    measure = f"{path}/measures/{other['measures'][0]['id']}"
    problem(await world.specialist("ubnd-dongtrieu").patch(measure, {"done": True}, **{"If-Match": "*"}), 404)


async def test_a_resolved_obstacle_takes_no_measure(world: World, plan: Json) -> None:
    _, path = await raised(world, plan)
    obstacle = await planned(world, path, due_on=in_days(9))
    lead = world.person("ubnd-dongtrieu")
    await lead.step(path, "resolve", {"resolution": "Xong"})
    body = {"text": "Nữa", "organization_id": world.id("ubnd-dongtrieu"), "due_on": in_days(9)}
    problem(await lead.act(path, "measures", body), 409, "invalid_transition")
    measure = f"{path}/measures/{obstacle['measures'][0]['id']}"
    problem(await lead.patch(measure, {"done": True}, **{"If-Match": "*"}), 409, "invalid_transition")


async def test_there_is_an_end_to_measures(world: World, plan: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agreements_api.obstacles.service.MOST_MEASURES", 1)
    _, path = await raised(world, plan)
    await planned(world, path, due_on=in_days(9))
    body = {"text": "Nữa", "organization_id": world.id("ubnd-dongtrieu"), "due_on": in_days(9)}
    problem(await world.person("ubnd-dongtrieu").act(path, "measures", body), 409, "too_many_measures")


async def test_two_measures_planned_at_once_are_both_in_the_clock(world: World, plan: Json) -> None:
    """Whoever comes second sees the first one's measure, whichever version he asked for; their times are in order."""
    lead = world.specialist("ubnd-dongtrieu")
    for _ in range(5):
        _, path = await raised(world, plan)
        bodies = [
            {"text": "Đo đạc lại (minh họa)", "organization_id": world.id("ubnd-dongtrieu"), "due_on": due_on}
            for due_on in map(in_working_days, (7, 10, 8, 9))
        ]
        answers = await asyncio.gather(*(lead.act_blindly(path, "measures", body) for body in bodies))
        assert [answer.status_code for answer in answers] == [201] * 4
        obstacle = await lead.read(path)
        assert len(obstacle["measures"]) == 4
        assert obstacle["due_on"] == in_working_days(7)
        told = (await lead.read(f"{path}/history"))["items"]
        times = [entry["occurred_at"] for entry in told]
        assert times == sorted(times, reverse=True)
