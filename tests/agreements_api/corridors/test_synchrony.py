"""Synchrony by itself: skews, stubs at boundaries, mismatches, plans and dates that are missing."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements_api.corridors.models import FINDING_WORDING, FindingKind, RoadClass
from agreements_api.corridors.synchrony import Stretch, Synchrony, synchrony_of
from agreements_api.corridors.wording import explain

TODAY = date(2026, 11, 24)
OWNERS = {name: uuid4() for name in ("Đông Triều", "Chí Linh", "Kinh Môn")}


def stretch(owner: str, planned: str | None = None, **more: Any) -> Stretch:
    """A segment in the plan that was begun, and is to be finished on a day."""
    given_ = {
        "planned_finish": date.fromisoformat(planned) if planned else None,
        "planned_start": date(2026, 1, 1),
        "funding_status": "in_plan",
        "plan_period": "2026-2030",
        "closes_on": date(2030, 12, 31),
        **more,
    }
    return Stretch(id=uuid4(), name=f"qua {owner}", owner_id=OWNERS[owner], owner=f"UBND {owner}", **given_)


def kinds(found: Synchrony) -> list[str]:
    return [one.kind.value for one in found.findings]


def words(found: Synchrony, language: str = "vi") -> list[str]:
    return [explain(one, found.on)[language] for one in found.findings]


def test_segments_that_finish_together_are_in_step() -> None:
    found = synchrony_of([stretch("Đông Triều", "2028-06-30"), stretch("Chí Linh", "2028-06-30")], TODAY)
    assert (found.skew_days, found.undated, found.findings) == (0, 0, ())
    assert [(one.skew_days, one.stub) for one in found.boundaries] == [(0, None)]


def test_the_skew_is_the_time_from_the_first_finish_to_the_last() -> None:
    segments = [
        stretch("Đông Triều", "2028-06-30"),
        stretch("Chí Linh", "2028-01-01"),
        stretch("Chí Linh", "2028-12-31"),
    ]
    found = synchrony_of(segments, TODAY)
    assert (found.skew_days, found.first, found.last) == (365, segments[1], segments[2])
    assert words(found)[0] == (
        "Các đoạn hoàn thành lệch nhau 365 ngày: sớm nhất là đoạn “qua Chí Linh” (UBND Chí Linh) (01/01/2028),"
        " muộn nhất là đoạn “qua Chí Linh” (UBND Chí Linh) (31/12/2028)."
    )


def test_only_neighbours_of_different_owners_have_a_boundary() -> None:
    owners = ("Đông Triều", "Đông Triều", "Chí Linh", "Kinh Môn", "Kinh Môn", "Đông Triều")
    segments = [stretch(owner, "2028-06-30") for owner in owners]
    found = synchrony_of(segments, TODAY)
    assert [(one.before, one.after) for one in found.boundaries] == [
        (segments[1], segments[2]),
        (segments[2], segments[3]),
        (segments[4], segments[5]),
    ]


def test_who_is_finished_waits_at_the_boundary() -> None:
    done = stretch("Đông Triều", "2026-06-30", actual_finish=date(2026, 8, 1))
    other = stretch("Chí Linh", "2027-08-01")
    for segments in ([done, other], [other, done]):
        found = synchrony_of(segments, TODAY)
        stub = found.boundaries[0].stub
        assert stub is not None
        assert (stub.first, stub.waits_for, stub.present) == (done, other, True)
        assert (stub.since, stub.until, stub.days_so_far, stub.days) == (
            date(2026, 8, 1),
            date(2027, 8, 1),
            115,
            365,
        )
        assert kinds(found) == ["skew", "stub"]
        assert words(found)[1] == (
            "Đoạn “qua Đông Triều” (UBND Đông Triều) đã hoàn thành ngày 01/08/2026 nhưng dừng tại ranh giới: chờ đoạn"
            " “qua Chí Linh” (UBND Chí Linh) đã 115 ngày, dự kiến đến ngày 01/08/2027."
        )
        assert words(found, "en")[1].endswith("for 115 days, until 2027-08-01 as planned.")


def test_plans_that_differ_come_to_a_stub() -> None:
    early, late = stretch("Đông Triều", "2027-06-30"), stretch("Chí Linh", "2028-06-29")
    found = synchrony_of([late, early], TODAY)
    stub = found.boundaries[0].stub
    assert stub is not None
    assert (stub.first, stub.present, stub.days_so_far, stub.days) == (early, False, 0, 365)
    assert "dự kiến hoàn thành ngày 30/06/2027 và sẽ dừng tại ranh giới" in words(found)[1]
    assert "will wait for segment “qua Chí Linh” (UBND Chí Linh) for about 365 days" in words(found, "en")[1]


def test_who_is_late_may_still_have_to_wait() -> None:
    late, later = stretch("Đông Triều", "2026-03-01"), stretch("Chí Linh", "2027-11-24")
    found = synchrony_of([late, later], TODAY)
    assert "đã quá hạn, sớm nhất hoàn thành ngày 24/11/2026" in words(found)[1]
    assert "is late, not to be finished before 2026-11-24" in words(found, "en")[1]


def test_a_stub_lasts_for_nobody_knows_how_long_where_the_other_side_has_no_date() -> None:
    done = stretch("Đông Triều", actual_finish=date(2026, 11, 23))
    found = synchrony_of([done, stretch("Chí Linh")], TODAY)
    stub = found.boundaries[0].stub
    assert stub is not None
    assert (stub.until, stub.days, stub.days_so_far, found.boundaries[0].skew_days) == (None, None, 1, None)
    assert kinds(found) == ["stub", "missing_dates"]
    assert words(found)[0].endswith("đã 1 ngày, đoạn này chưa có thời gian hoàn thành.")
    assert words(found, "en")[0].endswith("for 1 day, which has no date of finish.")


def test_what_is_late_cannot_be_finished_before_the_day_that_is_asked_about() -> None:
    done, late = stretch("Đông Triều", actual_finish=date(2026, 1, 1)), stretch("Chí Linh", "2026-03-01")
    found = synchrony_of([done, late], TODAY)
    assert found.skew_days == (TODAY - date(2026, 1, 1)).days
    stub = found.boundaries[0].stub
    assert stub is not None
    assert stub.until == TODAY
    assert words(found)[0].endswith("(đã quá hạn, sớm nhất 24/11/2026).")
    assert words(found)[1].endswith("đoạn này đã quá hạn hoàn thành 01/03/2026.")
    assert words(found, "en")[1].endswith("which is late: it was planned for 2026-03-01.")


def test_of_two_that_are_late_nobody_waits_yet() -> None:
    found = synchrony_of([stretch("Đông Triều", "2026-01-01"), stretch("Chí Linh", "2026-03-01")], TODAY)
    assert (found.boundaries[0].stub, found.skew_days, kinds(found)) == (None, 0, [])


def test_a_corridor_that_is_finished_has_nothing_to_find() -> None:
    segments = [
        stretch("Đông Triều", actual_finish=date(2025, 1, 1), funding_status="none", planned_start=None),
        stretch("Chí Linh", actual_finish=date(2026, 1, 1)),
    ]
    found = synchrony_of(segments, TODAY)
    assert (found.skew_days, found.findings, found.boundaries[0].stub) == (365, (), None)
    earlier = synchrony_of(segments, date(2025, 6, 1))
    assert kinds(earlier) == ["skew", "stub"]


def test_class_and_width_can_differ_at_a_boundary() -> None:
    segments = [
        stretch("Đông Triều", "2028-01-01", road_class="class_iii", width_m=Decimal("12.00")),
        stretch("Chí Linh", "2028-01-01", road_class="rural_a", width_m=Decimal("6.50")),
        stretch("Kinh Môn", "2028-01-01", road_class="rural_a", width_m=None),
    ]
    found = synchrony_of(segments, TODAY)
    assert kinds(found) == ["class_mismatch", "width_mismatch"]
    assert words(found) == [
        "Cấp đường khác nhau tại ranh giới: đoạn “qua Đông Triều” (UBND Đông Triều) là đường cấp III,"
        " đoạn “qua Chí Linh” (UBND Chí Linh) là đường giao thông nông thôn cấp A.",
        "Bề rộng khác nhau tại ranh giới: đoạn “qua Đông Triều” (UBND Đông Triều) rộng 12 m,"
        " đoạn “qua Chí Linh” (UBND Chí Linh) rộng 6,5 m.",
    ]
    assert words(found, "en")[0].endswith(
        "(UBND Đông Triều) is class III, segment “qua Chí Linh” (UBND Chí Linh) is rural road class A."
    )
    assert words(found, "en")[1].endswith("is 12 m wide, segment “qua Chí Linh” (UBND Chí Linh) 6.5 m.")


@pytest.mark.parametrize(
    ("more", "vi", "en"),
    [
        (
            {"plan_period": None, "closes_on": None, "funding_status": "none"},
            "chưa được đề xuất vào kế hoạch đầu tư công trung hạn nào.",
            "is not proposed for any medium-term public investment plan.",
        ),
        (
            {"funding_status": "none"},
            "chưa được đề xuất vào kế hoạch đầu tư công trung hạn 2026-2030 (kết thúc ngày 31/12/2030).",
            "is not proposed for the medium-term public investment plan 2026-2030 (which closes on 2030-12-31).",
        ),
        (
            {"funding_status": "proposed", "plan_period": "2021-2025", "closes_on": date(2025, 12, 31)},
            "đã đề xuất nhưng chưa có trong kế hoạch đầu tư công trung hạn 2021-2025 (đã kết thúc ngày 31/12/2025).",
            "is proposed for, but not part of, the medium-term public investment plan 2021-2025"
            " (which closed on 2025-12-31).",
        ),
    ],
)
def test_a_segment_without_a_place_in_a_plan_is_named(more: dict[str, Any], vi: str, en: str) -> None:
    found = synchrony_of([stretch("Đông Triều", "2028-01-01", **more)], TODAY)
    assert kinds(found) == ["not_in_plan"]
    assert words(found) == [f"Đoạn “qua Đông Triều” (UBND Đông Triều) {vi}"]
    assert words(found, "en") == [f"Segment “qua Đông Triều” (UBND Đông Triều) {en}"]


@pytest.mark.parametrize(
    ("more", "vi", "en"),
    [
        ({}, "thời gian hoàn thành", "date of finish"),
        (
            {"planned_start": None},
            "thời gian khởi công và thời gian hoàn thành",
            "dates of start and finish",
        ),
        (
            {"planned_start": None, "planned_finish": date(2028, 1, 1)},
            "thời gian khởi công",
            "date of start",
        ),
    ],
)
def test_dates_that_are_missing_are_named(more: dict[str, Any], vi: str, en: str) -> None:
    found = synchrony_of([stretch("Đông Triều", **more)], TODAY)
    assert kinds(found) == ["missing_dates"]
    assert words(found)[0].endswith(f"chưa có {vi}.")
    assert words(found, "en")[0].endswith(f"has no {en}.")


def test_a_corridor_without_segments_has_nothing_to_find() -> None:
    assert synchrony_of([], TODAY) == Synchrony(TODAY, None, None, None, 0, (), ())


def test_every_finding_has_its_wording() -> None:
    assert set(FINDING_WORDING) == set(FindingKind)


days = st.dates(date(2024, 1, 1), date(2030, 12, 31))


@st.composite
def stretches(draw: st.DrawFn) -> Stretch:
    return Stretch(
        id=UUID(int=draw(st.integers(0, 2**64))),
        name=draw(st.sampled_from(["một", "hai"])),
        owner_id=draw(st.sampled_from(sorted(OWNERS.values()))),
        owner="UBND",
        road_class=draw(st.none() | st.sampled_from([one.value for one in RoadClass])),
        width_m=draw(st.none() | st.decimals(1, 50, places=2)),
        funding_status=draw(st.sampled_from(["none", "proposed", "in_plan", "allocated"])),
        planned_start=draw(st.none() | days),
        planned_finish=draw(st.none() | days),
        actual_finish=draw(st.none() | days),
    )


corridors = st.lists(stretches(), max_size=8)


@given(corridors, days)
def test_whatever_the_segments_say_it_adds_up(segments: list[Stretch], on: date) -> None:
    found = synchrony_of(segments, on)
    finishes = [finish for one in segments if (finish := one.finish(on))]
    assert found.undated == len(segments) - len(finishes)
    if len(finishes) > 1:
        assert found.skew_days == (max(finishes) - min(finishes)).days
    for boundary in found.boundaries:
        assert boundary.before.owner_id != boundary.after.owner_id
        assert boundary.skew_days is None or 0 <= boundary.skew_days <= (found.skew_days or 0)
        if stub := boundary.stub:
            assert {id(stub.first), id(stub.waits_for)} == {id(boundary.before), id(boundary.after)}
            assert not stub.waits_for.done(on)
            assert stub.days_so_far >= 0
            assert stub.days is None or stub.days >= stub.days_so_far
            assert stub.until is None or stub.until >= stub.since
    for one in found.findings:
        assert one.segments
        told = explain(one, on)
        assert all(text.endswith(".") and "None" not in text for text in told.values())


@given(corridors, days)
def test_a_corridor_walked_from_the_other_end_has_the_same_boundaries(segments: list[Stretch], on: date) -> None:
    there, back = synchrony_of(segments, on), synchrony_of(segments[::-1], on)
    assert there.skew_days == back.skew_days
    assert [(one.before, one.after, one.skew_days, one.stub) for one in there.boundaries] == [
        (one.after, one.before, one.skew_days, one.stub) for one in reversed(back.boundaries)
    ]


@given(corridors, days, st.integers(1, 400))
def test_a_stub_that_stays_is_waited_at_day_by_day(segments: list[Stretch], on: date, more: int) -> None:
    later = on + timedelta(days=more)
    for boundary, after in zip(
        synchrony_of(segments, on).boundaries, synchrony_of(segments, later).boundaries, strict=True
    ):
        if boundary.stub and after.stub and boundary.stub.present:
            assert after.stub.first == boundary.stub.first
            assert after.stub.days_so_far == boundary.stub.days_so_far + more
