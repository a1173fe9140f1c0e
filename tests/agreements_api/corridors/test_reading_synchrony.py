"""Synchrony as the API shows it: from the segments that are there, on a day, in words of the caller's language."""

import pytest

from shared import clock
from tests.agreements_api.agreements.world import Json, World, problem
from tests.agreements_api.corridors.lines import corridor, patch, segment


@pytest.fixture
async def drawn(world: World, plan: Json) -> Json:
    return await corridor(world, plan)


async def test_a_stub_is_told_with_who_waits_for_whom(world: World, drawn: Json) -> None:
    first = await segment(world, drawn, "dongtrieu", actual_start="2025-01-01", actual_finish="2026-06-30")
    other = await segment(world, drawn, "chilinh", road_class="class_iv", width_m=7.5, planned_finish="2027-06-30")
    path = f"{drawn['path']}/synchrony"
    answer = await world.person("lucnam").get(path, on="2026-11-24")
    body = answer.json()
    assert (body["on"], body["skew_days"], body["undated"]) == ("2026-11-24", 365, 0)
    assert (body["first_segment_id"], body["last_segment_id"]) == (first["id"], other["id"])
    assert [(one["finish_on"], one["finished"], one["late"]) for one in body["segments"]] == [
        ("2026-06-30", True, False),
        ("2027-06-30", False, False),
    ]
    [boundary] = body["boundaries"]
    assert boundary["stub"] == {
        "segment_id": first["id"],
        "waits_for_segment_id": other["id"],
        "present": True,
        "since": "2026-06-30",
        "until": "2027-06-30",
        "days_so_far": 147,
        "days": 365,
    }
    assert [one["kind"] for one in body["findings"]] == ["skew", "stub", "class_mismatch", "width_mismatch"]
    assert body["findings"][1]["segment_ids"] == [first["id"], other["id"]]
    assert "dừng tại ranh giới" in body["findings"][1]["message"]
    english = await world.person("lucnam").get(path, on="2026-11-24", headers={"Accept-Language": "en"})
    assert "ends at the boundary" in english.json()["findings"][1]["message"]
    assert (answer.headers["content-language"], english.headers["content-language"]) == ("vi", "en")
    assert english.headers["etag"] != answer.headers["etag"]
    tag = {"If-None-Match": answer.headers["etag"]}
    assert (await world.person("lucnam").get(path, on="2026-11-24", headers=tag)).status_code == 304
    await patch(world.specialist("chilinh"), other["path"], {"planned_finish": "2027-07-01"})
    changed = await world.person("lucnam").get(path, on="2026-11-24", headers=tag)
    assert changed.json()["skew_days"] == 366


async def test_today_is_the_day_unless_another_one_is_named(world: World, drawn: Json) -> None:
    await segment(world, drawn, "dongtrieu", funding=None, planned_finish=None)
    body = await world.person("lucnam").read(f"{drawn['path']}/synchrony")
    assert body["on"] == clock.today().isoformat()
    assert [(one["kind"], one["fields"]) for one in body["findings"]] == [
        ("not_in_plan", []),
        ("missing_dates", ["planned_finish"]),
    ]


async def test_what_was_withdrawn_does_not_count(world: World, drawn: Json) -> None:
    first = await segment(world, drawn, "dongtrieu", planned_finish=None)
    await world.person("dongtrieu").step(first["path"], "withdraw", {"reason": "Nhập nhầm (minh họa)"})
    body = await world.person("lucnam").read(f"{drawn['path']}/synchrony")
    assert (body["segments"], body["findings"], body["skew_days"]) == ([], [], None)


async def test_a_plan_period_that_is_closed_is_said_to_be(world: World, drawn: Json) -> None:
    closed = {"plan_period": "2021-2025", "status": "proposed"}
    await segment(world, drawn, "dongtrieu", funding=closed)
    body = await world.person("lucnam").read(f"{drawn['path']}/synchrony", on="2026-11-24")
    [finding] = body["findings"]
    assert (finding["kind"], finding["until"]) == ("not_in_plan", "2025-12-31")
    assert "2021-2025 (đã kết thúc ngày 31/12/2025)" in finding["message"]


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "1700000000", "1900-01-01"])
async def test_a_day_that_is_none_is_named(world: World, drawn: Json, day: str) -> None:
    refused = problem(await world.person("lucnam").get(f"{drawn['path']}/synchrony", on=day), 422)
    assert [one["pointer"] for one in refused["errors"]] == ["/query/on"]
