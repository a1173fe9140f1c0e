"""The next report: the official period that is due, and what the last one said."""

from datetime import date

import pytest

from agreements_api.tasks.drafts import due_period
from agreements_api.tasks.schemas import PERIOD_WORDING, ReportPeriod
from shared import clock
from tests.agreements_api.agreements.world import REPORT, Json, World, accepted, pointers, problem


@pytest.mark.parametrize(
    ("kind", "today", "reported_until", "period"),
    [
        ("month", "2026-11-24", None, ("2026-10-15", "2026-11-14")),
        ("month", "2026-11-14", None, ("2026-10-15", "2026-11-14")),
        ("month", "2026-11-13", None, ("2026-09-15", "2026-10-14")),
        ("month", "2026-11-24", "2026-10-14", ("2026-10-15", "2026-11-14")),
        ("month", "2026-11-24", "2026-11-14", ("2026-11-15", "2026-12-14")),
        ("month", "2026-12-31", "2026-12-14", ("2026-12-15", "2027-01-14")),
        ("quarter", "2026-11-24", None, ("2026-06-15", "2026-09-14")),
        ("quarter", "2026-11-24", "2026-09-14", ("2026-09-15", "2026-12-14")),
        ("half_year", "2026-01-02", None, ("2025-06-15", "2025-12-14")),
        ("nine_month", "2026-11-24", None, ("2025-12-15", "2026-09-14")),
        ("year", "2026-12-14", None, ("2025-12-15", "2026-12-14")),
        ("year", "2026-12-13", "2025-12-14", ("2025-12-15", "2026-12-14")),
    ],
)
def test_the_period_that_is_due(kind: str, today: str, reported_until: str | None, period: tuple[str, str]) -> None:
    reported = date.fromisoformat(reported_until) if reported_until else None
    start, end = due_period(ReportPeriod(kind), date.fromisoformat(today), reported)
    assert (str(start), str(end)) == period


def test_every_period_has_words() -> None:
    assert set(PERIOD_WORDING) == set(ReportPeriod)


async def test_a_first_report_begins_with_nothing(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    draft = await world.specialist("ubnd-dongtrieu").read(f"{path}/reports/draft")
    start, end = due_period(ReportPeriod.MONTH, clock.today(), None)
    assert draft == {
        "task_id": path.split("/")[-1],
        "period": "month",
        "period_start": str(start),
        "period_end": str(end),
        "percent": 0,
        "narrative": None,
        "difficulties": None,
        "carried_from": None,
        "evidence_ids": [],
    }


async def test_a_report_is_carried_forward_and_can_be_sent_as_it_is(world: World, plan: Json) -> None:
    path, worker = await world.under_way(plan), world.specialist("ubnd-dongtrieu")
    start, end = due_period(ReportPeriod.MONTH, clock.today(), None)
    given = REPORT | {"period_start": str(start), "period_end": str(end)}
    task = await worker.step(path, "reports", given)
    draft = await worker.read(f"{path}/reports/draft")
    assert draft["period_start"] > str(end)
    assert (draft["percent"], draft["narrative"]) == (40, REPORT["narrative"])
    assert draft["carried_from"].removesuffix("Z") == task["last_report"]["reported_at"].removesuffix("Z")
    sent = {name: draft[name] for name in given}
    assert accepted(await worker.act(path, "reports", sent), 201)["last_report"]["period_end"] == draft["period_end"]


async def test_a_repeated_task_is_reported_of_its_own_period(world: World, plan: Json) -> None:
    path, planner = await world.under_way(plan), world.specialist("dongtrieu")
    accepted(await planner.put(f"{path}/recurrence", {"frequency": "quarterly"}, **{"If-Match": "*"}), 200)
    assert (await planner.read(f"{path}/reports/draft"))["period"] == "quarter"
    assert (await planner.read(f"{path}/reports/draft", period="year"))["period"] == "year"
    assert pointers(problem(await planner.get(f"{path}/reports/draft", period="week"), 422)) == ["/query/period"]


async def test_a_stranger_gets_no_draft(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    problem(await world.person("elsewhere").get(f"{path}/reports/draft"), 404, "not_found")
    problem(await world.client("ubnd-dongtrieu", "tasks:write").get(f"{path}/reports/draft"), 403, "forbidden")
