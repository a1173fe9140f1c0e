"""What the API shows of synchrony, made of what was found."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from agreements_api.corridors.models import FindingKind
from agreements_api.corridors.schemas import CORRIDOR_EXAMPLE, SEGMENT_EXAMPLE
from agreements_api.corridors.synchrony import Boundary, Finding, Stretch, Stub, Synchrony
from agreements_api.corridors.wording import explain
from shared.schemas import Model

_OTHER = "01990000-0000-7000-8000-0000000000f4"
_STUB: dict[str, Any] = {
    "segment_id": SEGMENT_EXAMPLE["id"],
    "waits_for_segment_id": _OTHER,
    "present": True,
    "since": "2026-06-30",
    "until": "2027-06-30",
    "days_so_far": 147,
    "days": 365,
}


class StubPublic(Model):
    """A road that ends at the boundary while the other side is not finished."""

    segment_id: UUID = Field(description="The side that is, or will be, finished first.")
    waits_for_segment_id: UUID
    present: bool = Field(description="The first side is finished already; otherwise it is what the plans come to.")
    since: date
    until: date | None = Field(description="When the other side is to be finished; null where nobody has said it.")
    days_so_far: int
    days: int | None


class BoundaryPublic(Model):
    """Where the segment of one organisation ends and that of another one begins."""

    before_segment_id: UUID
    after_segment_id: UUID
    skew_days: int | None = Field(description="Days between the two finishes; null where one is not known.")
    stub: StubPublic | None
    class_differs: bool
    width_differs: bool


class SegmentStanding(Model):
    segment_id: UUID
    name: str
    organization_id: UUID
    organization_name: str
    finish_on: date | None = Field(description="Actual or planned; what is late, not before the day asked about.")
    finished: bool
    late: bool


class FindingPublic(Model):
    kind: FindingKind
    message: str = Field(description="In the language of Accept-Language.")
    segment_ids: list[UUID]
    days: int | None
    since: date | None
    until: date | None
    fields: list[str]


class SynchronyPublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "corridor_id": CORRIDOR_EXAMPLE["id"],
                    "on": "2026-11-24",
                    "skew_days": 365,
                    "first_segment_id": SEGMENT_EXAMPLE["id"],
                    "last_segment_id": _OTHER,
                    "undated": 0,
                    "segments": [
                        {
                            "segment_id": SEGMENT_EXAMPLE["id"],
                            "name": SEGMENT_EXAMPLE["name"],
                            "organization_id": SEGMENT_EXAMPLE["organization_id"],
                            "organization_name": SEGMENT_EXAMPLE["organization_name"],
                            "finish_on": "2026-06-30",
                            "finished": True,
                            "late": False,
                        }
                    ],
                    "boundaries": [
                        {
                            "before_segment_id": SEGMENT_EXAMPLE["id"],
                            "after_segment_id": _OTHER,
                            "skew_days": 365,
                            "stub": _STUB,
                            "class_differs": False,
                            "width_differs": False,
                        }
                    ],
                    "findings": [
                        {
                            "kind": "not_in_plan",
                            "message": "Đoạn “Đoạn qua Chí Linh” (UBND thành phố Chí Linh) chưa được đề xuất vào"
                            " kế hoạch đầu tư công trung hạn nào.",
                            "segment_ids": [_OTHER],
                            "days": None,
                            "since": None,
                            "until": None,
                            "fields": [],
                        }
                    ],
                }
            ]
        }
    )

    corridor_id: UUID
    on: date
    skew_days: int | None = Field(description="Days between the first and the last finish.")
    first_segment_id: UUID | None
    last_segment_id: UUID | None
    undated: int = Field(description="Segments of which no finish is known.")
    segments: list[SegmentStanding]
    boundaries: list[BoundaryPublic]
    findings: list[FindingPublic]


def shown(corridor_id: UUID, segments: Sequence[Stretch], found: Synchrony, language: str) -> SynchronyPublic:
    """The whole answer, its findings in one language."""
    return SynchronyPublic(
        corridor_id=corridor_id,
        on=found.on,
        skew_days=found.skew_days,
        first_segment_id=found.first.id if found.first else None,
        last_segment_id=found.last.id if found.last else None,
        undated=found.undated,
        segments=[_segment(one, found.on) for one in segments],
        boundaries=[_boundary(one) for one in found.boundaries],
        findings=[_finding(one, found.on, language) for one in found.findings],
    )


def _segment(segment: Stretch, on: date) -> SegmentStanding:
    return SegmentStanding(
        segment_id=segment.id,
        name=segment.name,
        organization_id=segment.owner_id,
        organization_name=segment.owner,
        finish_on=segment.finish(on),
        finished=segment.done(on),
        late=segment.late(on),
    )


def _boundary(boundary: Boundary) -> BoundaryPublic:
    return BoundaryPublic(
        before_segment_id=boundary.before.id,
        after_segment_id=boundary.after.id,
        skew_days=boundary.skew_days,
        stub=_stub(boundary.stub) if boundary.stub else None,
        class_differs=boundary.class_differs,
        width_differs=boundary.width_differs,
    )


def _stub(stub: Stub) -> StubPublic:
    return StubPublic(
        segment_id=stub.first.id,
        waits_for_segment_id=stub.waits_for.id,
        present=stub.present,
        since=stub.since,
        until=stub.until,
        days_so_far=stub.days_so_far,
        days=stub.days,
    )


def _finding(finding: Finding, on: date, language: str) -> FindingPublic:
    return FindingPublic(
        kind=finding.kind,
        message=explain(finding, on)[language],
        segment_ids=[one.id for one in finding.segments],
        days=finding.days,
        since=finding.since,
        until=finding.until,
        fields=list(finding.fields),
    )
