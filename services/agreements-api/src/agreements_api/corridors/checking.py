"""Whether what is said of a segment goes together. Pure functions, no database."""

from collections.abc import Iterator
from datetime import date

from agreements_api.corridors.errors import refused
from agreements_api.corridors.models import Segment
from agreements_api.funding.models import FundingStatus
from shared.problems import FieldError


def refusals(segment: Segment, today: date) -> list[FieldError]:
    """Everything that cannot be so, by its field."""
    return [*_dates(segment, today), *_funding(segment), *_geometry(segment)]


def _dates(segment: Segment, today: date) -> Iterator[FieldError]:
    for start, finish, pointer in (
        (segment.planned_start, segment.planned_finish, "/planned_finish"),
        (segment.actual_start, segment.actual_finish, "/actual_finish"),
    ):
        if start is not None and finish is not None and finish < start:
            yield refused(
                pointer, "period_reversed", "Hoàn thành trước khi khởi công.", "It is finished before it is started."
            )
    for name in ("actual_start", "actual_finish"):
        day: date | None = getattr(segment, name)
        if day is not None and day > today:
            yield refused(
                f"/{name}", "in_future", "Ngày thực tế còn ở tương lai.", "An actual date lies in the future."
            )
    if segment.actual_finish is not None and segment.percent != 100:
        yield refused(
            "/percent", "finished_is_100", "Đoạn đã hoàn thành thì đạt 100 %.", "What is finished is at 100 percent."
        )


def _funding(segment: Segment) -> Iterator[FieldError]:
    if segment.funding_status != FundingStatus.NONE and segment.plan_period is None:
        yield refused(
            "/funding/plan_period",
            "period_missing",
            "Cần nêu kỳ kế hoạch đầu tư công trung hạn.",
            "Name the medium-term plan period.",
        )


def _geometry(segment: Segment) -> Iterator[FieldError]:
    if segment.geometry is not None and segment.geometry_source is None:
        yield refused(
            "/geometry_source", "source_missing", "Cần nêu nguồn của hình tuyến.", "Name the source of the geometry."
        )
    if segment.geometry is None and segment.geometry_source is not None:
        yield refused(
            "/geometry_source", "no_geometry", "Chưa có hình tuyến để ghi nguồn.", "There is no geometry with a source."
        )
