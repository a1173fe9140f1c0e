"""Whether the segments of a corridor keep step with each other. Pure functions, no database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

from agreements_api.corridors.models import FindingKind
from agreements_api.funding.models import IN_THE_PLAN


@dataclass(frozen=True)
class Stretch:
    """What synchrony asks of a segment."""

    id: UUID
    name: str
    owner_id: UUID
    owner: str
    road_class: str | None = None
    width_m: Decimal | None = None
    plan_period: str | None = None
    closes_on: date | None = None
    funding_status: str = "none"
    planned_start: date | None = None
    planned_finish: date | None = None
    actual_start: date | None = None
    actual_finish: date | None = None

    def done(self, on: date) -> bool:
        return self.actual_finish is not None and self.actual_finish <= on

    def late(self, on: date) -> bool:
        """Its planned finish has passed, and it is not finished."""
        return not self.done(on) and self.planned_finish is not None and self.planned_finish < on

    def finish(self, on: date) -> date | None:
        """The day on which it was, or is to be, finished. What is late cannot be finished before this very day."""
        if self.actual_finish is not None:
            return self.actual_finish
        return None if self.planned_finish is None else max(self.planned_finish, on)


@dataclass(frozen=True)
class Stub:
    """A road that ends at the boundary: `first` is, or will be, finished while `waits_for` is not."""

    first: Stretch
    waits_for: Stretch
    since: date
    # None as long as nobody has said when the other side is to be finished.
    until: date | None
    # Days that it has been waiting on the day asked about; 0 where it begins later.
    days_so_far: int
    # The whole time from one finish to the other.
    days: int | None
    present: bool


@dataclass(frozen=True)
class Boundary:
    """Where the segment of one owner ends and that of another begins."""

    before: Stretch
    after: Stretch
    # Days from the earlier to the later finish; None where a finish is not known.
    skew_days: int | None
    stub: Stub | None
    class_differs: bool
    width_differs: bool


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, with the segments that it concerns."""

    kind: FindingKind
    segments: tuple[Stretch, ...]
    boundary: Boundary | None = None
    days: int | None = None
    since: date | None = None
    until: date | None = None
    # Which dates are missing.
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Synchrony:
    """How a corridor stands on a day. Its segments come in their order along the corridor."""

    on: date
    first: Stretch | None
    last: Stretch | None
    skew_days: int | None
    undated: int
    boundaries: tuple[Boundary, ...]
    findings: tuple[Finding, ...]


def synchrony_of(segments: Sequence[Stretch], on: date) -> Synchrony:
    """Judge a corridor on a day: a finish after it is one that is still to come."""
    dated = [(finish, one) for one in segments if (finish := one.finish(on)) is not None]
    first = min(dated, key=lambda found: found[0], default=None)
    last = max(dated, key=lambda found: found[0], default=None)
    skew = (last[0] - first[0]).days if first and last and len(dated) > 1 else None
    boundaries = tuple(
        _boundary(before, after, on) for before, after in pairwise(segments) if before.owner_id != after.owner_id
    )
    findings: list[Finding] = []
    if first and last and skew and not all(one.done(on) for one in segments):
        findings.append(Finding(FindingKind.SKEW, (first[1], last[1]), days=skew, since=first[0], until=last[0]))
    findings += [found for boundary in boundaries for found in _at(boundary)]
    findings += [found for one in segments for found in _of(one, on)]
    return Synchrony(
        on=on,
        first=first[1] if first else None,
        last=last[1] if last else None,
        skew_days=skew,
        undated=len(segments) - len(dated),
        boundaries=boundaries,
        findings=tuple(findings),
    )


def _boundary(before: Stretch, after: Stretch, on: date) -> Boundary:
    one, other = before.finish(on), after.finish(on)
    return Boundary(
        before=before,
        after=after,
        skew_days=abs((other - one).days) if one and other else None,
        stub=_stub(before, after, on) or _stub(after, before, on),
        class_differs=None not in (before.road_class, after.road_class) and before.road_class != after.road_class,
        width_differs=None not in (before.width_m, after.width_m) and before.width_m != after.width_m,
    )


def _stub(first: Stretch, other: Stretch, on: date) -> Stub | None:
    """`first` ends at the boundary until `other` is finished, if it is the earlier one and that is not done yet."""
    since, until = first.finish(on), other.finish(on)
    present = first.done(on)
    if since is None or other.done(on):
        return None
    # Of two that are both late nobody knows which one comes first.
    if not present and until is not None and until <= since:
        return None
    return Stub(
        first=first,
        waits_for=other,
        since=since,
        until=until,
        days_so_far=(on - since).days if present else 0,
        days=None if until is None else (until - since).days,
        present=present,
    )


def _at(boundary: Boundary) -> Iterator[Finding]:
    sides = (boundary.before, boundary.after)
    stub = boundary.stub
    if stub is not None:
        yield Finding(
            FindingKind.STUB,
            (stub.first, stub.waits_for),
            boundary=boundary,
            days=stub.days_so_far if stub.present else stub.days,
            since=stub.since,
            until=stub.until,
        )
    if boundary.class_differs:
        yield Finding(FindingKind.CLASS_MISMATCH, sides, boundary=boundary)
    if boundary.width_differs:
        yield Finding(FindingKind.WIDTH_MISMATCH, sides, boundary=boundary)


def _of(segment: Stretch, on: date) -> Iterator[Finding]:
    """What is wrong with a segment by itself; one that is finished waits for nothing."""
    if segment.done(on):
        return
    if segment.funding_status not in IN_THE_PLAN:
        yield Finding(FindingKind.NOT_IN_PLAN, (segment,), until=segment.closes_on)
    started = segment.actual_start or segment.planned_start
    missing = (
        *(("planned_start",) if started is None else ()),
        *(("planned_finish",) if segment.finish(on) is None else ()),
    )
    if missing:
        yield Finding(FindingKind.MISSING_DATES, (segment,), fields=missing)
