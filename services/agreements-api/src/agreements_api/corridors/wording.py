"""Findings of synchrony in words, in Vietnamese and English. Pure functions, no database."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from agreements_api.corridors.models import ROAD_CLASS_ENGLISH, ROAD_CLASS_WORDING, FindingKind, RoadClass
from agreements_api.corridors.synchrony import Finding, Stretch, Stub
from agreements_api.funding.models import FundingStatus
from shared.text import format_date, format_number

Words = dict[str, str]

_DATES = {
    "planned_start": ("thời gian khởi công", "start"),
    "planned_finish": ("thời gian hoàn thành", "finish"),
}


def explain(finding: Finding, on: date) -> Words:
    """One finding as a sentence or two that name the segments and their localities."""
    return _BY_KIND[finding.kind](finding, on)


def _skew(finding: Finding, on: date) -> Words:
    first, last = finding.segments
    assert finding.since is not None
    assert finding.until is not None
    return {
        "vi": f"Các đoạn hoàn thành lệch nhau {_days_vi(finding.days)}: sớm nhất là {_vi(first)}"
        f" ({format_date(finding.since)}), muộn nhất là {_vi(last)}"
        f" ({_late_vi(last, on)}{format_date(finding.until)}).",
        "en": f"The segments finish {_days_en(finding.days)} apart: first {_en(first)} ({finding.since}),"
        f" last {_en(last)} ({_late_en(last, on)}{finding.until}).",
    }


def _stub(finding: Finding, on: date) -> Words:
    assert finding.boundary is not None
    stub = finding.boundary.stub
    assert stub is not None
    return _present(stub, on) if stub.present else _expected(stub, on)


def _present(stub: Stub, on: date) -> Words:
    first, other = stub.first, stub.waits_for
    return {
        "vi": f"{_upper(_vi(first))} đã hoàn thành ngày {format_date(stub.since)} nhưng dừng tại ranh giới: chờ"
        f" {_vi(other)} đã {_days_vi(stub.days_so_far)}, {_until_vi(stub, on)}.",
        "en": f"{_upper(_en(first))} was finished on {stub.since} but ends at the boundary: it has been waiting for"
        f" {_en(other)} for {_days_en(stub.days_so_far)}, {_until_en(stub, on)}.",
    }


def _expected(stub: Stub, on: date) -> Words:
    first, other = stub.first, stub.waits_for
    wait_vi = "" if stub.days is None else f" khoảng {_days_vi(stub.days)}"
    wait_en = "" if stub.days is None else f" for about {_days_en(stub.days)}"
    when_vi = "đã quá hạn, sớm nhất" if first.late(on) else "dự kiến"
    when_en = "is late, not to be finished before" if first.late(on) else "is to be finished on"
    return {
        "vi": f"{_upper(_vi(first))} {when_vi} hoàn thành ngày {format_date(stub.since)} và sẽ dừng tại ranh giới:"
        f" phải chờ {_vi(other)}{wait_vi}, {_until_vi(stub, on)}.",
        "en": f"{_upper(_en(first))} {when_en} {stub.since} and will end at the boundary: it will wait"
        f" for {_en(other)}{wait_en}, {_until_en(stub, on)}.",
    }


def _until_vi(stub: Stub, on: date) -> str:
    if stub.until is None:
        return "đoạn này chưa có thời gian hoàn thành"
    if stub.waits_for.late(on):
        return f"đoạn này đã quá hạn hoàn thành {_planned_vi(stub.waits_for)}"
    return f"dự kiến đến ngày {format_date(stub.until)}"


def _until_en(stub: Stub, on: date) -> str:
    if stub.until is None:
        return "which has no date of finish"
    if stub.waits_for.late(on):
        return f"which is late: it was planned for {stub.waits_for.planned_finish}"
    return f"until {stub.until} as planned"


def _class_mismatch(finding: Finding, on: date) -> Words:
    before, after = finding.segments
    one, other = RoadClass(before.road_class or ""), RoadClass(after.road_class or "")
    return {
        "vi": f"Cấp đường khác nhau tại ranh giới: {_vi(before)} là {ROAD_CLASS_WORDING[one]},"
        f" {_vi(after)} là {ROAD_CLASS_WORDING[other]}.",
        "en": f"The road class changes at the boundary: {_en(before)} is {ROAD_CLASS_ENGLISH[one]},"
        f" {_en(after)} is {ROAD_CLASS_ENGLISH[other]}.",
    }


def _width_mismatch(finding: Finding, on: date) -> Words:
    before, after = finding.segments
    return {
        "vi": f"Bề rộng khác nhau tại ranh giới: {_vi(before)} rộng {_metres_vi(before.width_m)} m,"
        f" {_vi(after)} rộng {_metres_vi(after.width_m)} m.",
        "en": f"The width changes at the boundary: {_en(before)} is {_metres_en(before.width_m)} m wide,"
        f" {_en(after)} {_metres_en(after.width_m)} m.",
    }


def _not_in_plan(finding: Finding, on: date) -> Words:
    [segment] = finding.segments
    period, closes_on = segment.plan_period, segment.closes_on
    if period is None or closes_on is None:
        return {
            "vi": f"{_upper(_vi(segment))} chưa được đề xuất vào kế hoạch đầu tư công trung hạn nào.",
            "en": f"{_upper(_en(segment))} is not proposed for any medium-term public investment plan.",
        }
    closed = closes_on < on
    proposed = segment.funding_status == FundingStatus.PROPOSED
    state_vi = "đã đề xuất nhưng chưa có trong" if proposed else "chưa được đề xuất vào"
    state_en = "proposed for, but not part of," if proposed else "not proposed for"
    return {
        "vi": f"{_upper(_vi(segment))} {state_vi} kế hoạch đầu tư công trung hạn {period}"
        f" ({'đã kết thúc' if closed else 'kết thúc'} ngày {format_date(closes_on)}).",
        "en": f"{_upper(_en(segment))} is {state_en} the medium-term public investment plan {period}"
        f" (which {'closed' if closed else 'closes'} on {closes_on}).",
    }


def _missing_dates(finding: Finding, on: date) -> Words:
    [segment] = finding.segments
    vi = " và ".join(_DATES[name][0] for name in finding.fields)
    en = " and ".join(_DATES[name][1] for name in finding.fields)
    plural = "s" if len(finding.fields) > 1 else ""
    return {
        "vi": f"{_upper(_vi(segment))} chưa có {vi}.",
        "en": f"{_upper(_en(segment))} has no date{plural} of {en}.",
    }


_BY_KIND: dict[FindingKind, Callable[[Finding, date], Words]] = {
    FindingKind.SKEW: _skew,
    FindingKind.STUB: _stub,
    FindingKind.CLASS_MISMATCH: _class_mismatch,
    FindingKind.WIDTH_MISMATCH: _width_mismatch,
    FindingKind.NOT_IN_PLAN: _not_in_plan,
    FindingKind.MISSING_DATES: _missing_dates,
}


def _vi(segment: Stretch) -> str:
    return f"đoạn “{segment.name}” ({segment.owner})"


def _en(segment: Stretch) -> str:
    return f"segment “{segment.name}” ({segment.owner})"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _late_vi(segment: Stretch, on: date) -> str:
    return "đã quá hạn, sớm nhất " if segment.late(on) else ""


def _late_en(segment: Stretch, on: date) -> str:
    return "late, not before " if segment.late(on) else ""


def _planned_vi(segment: Stretch) -> str:
    assert segment.planned_finish is not None
    return format_date(segment.planned_finish)


def _days_vi(days: int | None) -> str:
    return f"{format_number(days or 0)} ngày"


def _days_en(days: int | None) -> str:
    return f"{days or 0:,} day{'' if days == 1 else 's'}"


def _metres_vi(width: Decimal | None) -> str:
    return _metres_en(width).replace(".", ",")


def _metres_en(width: Decimal | None) -> str:
    return f"{(width or Decimal()).normalize():f}"
