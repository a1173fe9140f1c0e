"""What the API takes and shows of corridors and segments."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from agreements_api.agreements.schemas import Day, Title
from agreements_api.corridors.geometry import MAX_POSITIONS, GeometryType
from agreements_api.corridors.models import RoadClass
from agreements_api.funding.models import FundingStatus
from agreements_api.funding.schemas import Amount, PeriodId
from agreements_api.history.schemas import HistoryActor, HistoryChange
from agreements_api.tasks.schemas import Flag, Percent
from shared.schemas import Line, Model, Text

Position = Annotated[
    int, Field(strict=True, ge=1, le=1_000_000, description="Order along the corridor; gaps are fine.")
]
Length = Annotated[int, Field(strict=True, ge=1, le=2_000_000, description="In metres.")]
Width = Annotated[float, Field(strict=True, ge=0.5, le=200, allow_inf_nan=False, description="In metres.")]


def _each_once(clause_ids: list[UUID]) -> list[UUID]:
    return list(dict.fromkeys(clause_ids))


ClauseIds = Annotated[list[UUID], Field(max_length=50, description="Each counts once."), AfterValidator(_each_once)]

_AGREEMENT = "01990000-0000-7000-8000-0000000000a1"
_OWNER = "01990000-0000-7000-8000-000000000003"
_CORRIDOR = "01990000-0000-7000-8000-0000000000f1"
_NEW_CORRIDOR: dict[str, Any] = {
    "name": "Tuyến kết nối Đông Triều – Chí Linh (minh họa)",
    "from_place": "Đông Triều",
    "to_place": "Chí Linh",
    "description": None,
}
CORRIDOR_EXAMPLE: dict[str, Any] = {
    "id": _CORRIDOR,
    "version": 1,
    "agreement_id": _AGREEMENT,
    "agreement_title": "Kế hoạch phối hợp (minh họa)",
    "task_id": None,
    "clause_ids": [],
    **_NEW_CORRIDOR,
    "demonstration": True,
    "created_at": "2026-11-23T03:00:00Z",
    "updated_at": "2026-11-23T03:00:00Z",
    "allowed_actions": ["update", "add_segment"],
}
_RUN: dict[str, Any] = {
    "name": "Đoạn qua Đông Triều (minh họa)",
    "from_place": None,
    "to_place": None,
    "length_m": 5200,
    "road_class": "class_iii",
    "width_m": 12.0,
}
_PLANS: dict[str, Any] = {
    "funding": {
        "plan_period": "2026-2030",
        "source": "Ngân sách tỉnh (minh họa)",
        "amount": 120_000_000_000,
        "status": "in_plan",
    },
    "planned_start": "2027-01-15",
    "planned_finish": "2028-06-30",
    "actual_start": None,
    "actual_finish": None,
    "percent": 0,
}
_GEOMETRY: dict[str, Any] = {"type": "LineString", "coordinates": [[106.5, 21.08], [106.45, 21.1]]}
_SOURCE = "Hồ sơ thiết kế (minh họa)"
SEGMENT_EXAMPLE: dict[str, Any] = {
    "id": "01990000-0000-7000-8000-0000000000f2",
    "version": 1,
    "corridor_id": _CORRIDOR,
    "agreement_id": _AGREEMENT,
    "organization_id": _OWNER,
    "organization_name": "UBND thị xã Đông Triều",
    "position": 10,
    **_RUN,
    **_PLANS,
    "geometry_source": _SOURCE,
    "geometry_positions": 2,
    "withdrawn_at": None,
    "created_at": "2026-11-23T03:00:00Z",
    "updated_at": "2026-11-23T03:00:00Z",
    "allowed_actions": ["update", "hand_over", "withdraw"],
}


class CorridorCreate(Model):
    """A corridor of an agreement in force, with the task and the clauses that it belongs to, where there are any."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_NEW_CORRIDOR, "demonstration": True}]})

    name: Title
    from_place: Line | None = None
    to_place: Line | None = None
    description: Text | None = None
    task_id: UUID | None = None
    clause_ids: ClauseIds = []
    demonstration: Flag = False


class CorridorUpdate(Model):
    """A merge patch: what is absent stays, null clears."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"to_place": "Chí Linh"}]})

    name: Title = "-"
    from_place: Line | None = None
    to_place: Line | None = None
    description: Text | None = None
    task_id: UUID | None = None
    clause_ids: ClauseIds = []


class CorridorPublic(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [CORRIDOR_EXAMPLE]})

    id: UUID
    version: int
    agreement_id: UUID
    agreement_title: str
    task_id: UUID | None
    clause_ids: list[UUID]
    name: str
    from_place: str | None
    to_place: str | None
    description: str | None
    demonstration: bool
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str]


class FundingPlan(Model):
    """How a segment is paid for, by its own locality."""

    plan_period: PeriodId | None = None
    source: Line | None = Field(default=None, description="Where the money comes from, in words.")
    amount: Amount | None = None
    status: FundingStatus = FundingStatus.NONE


class Geometry(Model):
    """A line in GeoJSON (RFC 7946): WGS 84, longitude first. Heights are taken and not kept."""

    model_config = ConfigDict(json_schema_extra={"examples": [_GEOMETRY]})

    type: GeometryType
    coordinates: list[Any] = Field(description=f"Positions, or lines of positions: {MAX_POSITIONS} positions at most.")


class _SegmentFields(Model):
    from_place: Line | None = None
    to_place: Line | None = None
    length_m: Length | None = None
    road_class: RoadClass | None = Field(
        default=None, description="Classes I–VI by TCVN 4054:2005, rural roads A–D by TCVN 10380:2014."
    )
    width_m: Width | None = None
    funding: FundingPlan | None = None
    planned_start: Day | None = None
    planned_finish: Day | None = None
    actual_start: Day | None = None
    actual_finish: Day | None = Field(default=None, description="Makes it 100 percent.")
    percent: Percent = 0
    geometry: Geometry | None = None
    geometry_source: Line | None = Field(default=None, description="Where the line comes from; needed with one.")


class SegmentCreate(_SegmentFields):
    """A segment of one's own, or as custodian another organisation's, of which only this one says its plans."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"organization_id": _OWNER, **_RUN, "geometry": _GEOMETRY, "geometry_source": _SOURCE}]
        }
    )

    name: Title
    organization_id: UUID | None = Field(default=None, description="Its owner; the caller's own where absent.")
    position: Position | None = Field(default=None, description="At the end where absent.")


class SegmentUpdate(_SegmentFields):
    """A merge patch: what is absent stays, null clears, and `funding` is merged in the same way."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"percent": 35, "actual_start": "2026-11-02", "planned_finish": "2028-09-30"}]}
    )

    name: Title = "-"
    position: Position = 1


class HandOver(Model):
    """Who answers for the segment from now on, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"organization_id": _OWNER, "reason": "Sắp xếp đơn vị hành chính (minh họa)"}]}
    )

    organization_id: UUID
    reason: Text


class SegmentPublic(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [SEGMENT_EXAMPLE]})

    id: UUID
    version: int
    corridor_id: UUID
    agreement_id: UUID
    organization_id: UUID
    organization_name: str
    position: int
    name: str
    from_place: str | None
    to_place: str | None
    length_m: int | None
    road_class: RoadClass | None
    width_m: float | None
    funding: FundingPlan
    planned_start: date | None
    planned_finish: date | None
    actual_start: date | None
    actual_finish: date | None
    percent: int
    geometry_source: str | None
    geometry_positions: int = Field(description="How many positions the line has; the line itself is in `geojson`.")
    withdrawn_at: datetime | None
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str]


class CorridorChangePublic(Model):
    """One change of a corridor or of one of its segments."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000f3",
                    "segment_id": SEGMENT_EXAMPLE["id"],
                    "version": 2,
                    "action": "update_segment",
                    "actor": {
                        "id": "01990000-0000-7000-8000-000000000009",
                        "kind": "user",
                        "name": "Chuyên viên UBND thị xã Đông Triều",
                        "organization_id": _OWNER,
                    },
                    "changes": [{"field": "percent", "from": 0, "to": 35}],
                    "remark": None,
                    "occurred_at": "2026-11-23T03:00:00Z",
                }
            ]
        }
    )

    id: UUID
    segment_id: UUID | None = Field(description="Null for a change of the corridor itself.")
    version: int
    action: str
    actor: HistoryActor
    changes: list[HistoryChange]
    remark: str | None
    occurred_at: datetime


class SegmentProperties(Model):
    name: str
    version: int
    position: int
    organization_id: UUID
    organization_name: str
    road_class: RoadClass | None
    percent: int
    demonstration: bool
    source: str


class SegmentFeature(Model):
    type: Literal["Feature"]
    id: UUID
    geometry: Geometry
    properties: SegmentProperties


class CorridorGeoJson(Model):
    """The segments that have a line, in their order; each names its source."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "FeatureCollection",
                    "features": [
                        {
                            "type": "Feature",
                            "id": SEGMENT_EXAMPLE["id"],
                            "geometry": _GEOMETRY,
                            "properties": {
                                "name": _RUN["name"],
                                "version": 1,
                                "position": 10,
                                "organization_id": _OWNER,
                                "organization_name": SEGMENT_EXAMPLE["organization_name"],
                                "road_class": "class_iii",
                                "percent": 0,
                                "demonstration": True,
                                "source": _SOURCE,
                            },
                        }
                    ],
                }
            ]
        }
    )

    type: Literal["FeatureCollection"]
    features: list[SegmentFeature]
