"""Tables of corridors, segments and their history."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Numeric, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from agreements_api.funding.models import FundingStatus
from agreements_api.tables import Table
from shared.ids import new_id


class RoadClass(StrEnum):
    """Technical classes of highways (TCVN 4054:2005) and of rural roads (TCVN 10380:2014)."""

    CLASS_I = "class_i"
    CLASS_II = "class_ii"
    CLASS_III = "class_iii"
    CLASS_IV = "class_iv"
    CLASS_V = "class_v"
    CLASS_VI = "class_vi"
    RURAL_A = "rural_a"
    RURAL_B = "rural_b"
    RURAL_C = "rural_c"
    RURAL_D = "rural_d"


class FindingKind(StrEnum):
    """What can be wrong with how the segments of a corridor keep step."""

    SKEW = "skew"
    STUB = "stub"
    CLASS_MISMATCH = "class_mismatch"
    WIDTH_MISMATCH = "width_mismatch"
    NOT_IN_PLAN = "not_in_plan"
    MISSING_DATES = "missing_dates"


ROAD_CLASS_WORDING: dict[RoadClass, str] = {
    RoadClass.CLASS_I: "đường cấp I",
    RoadClass.CLASS_II: "đường cấp II",
    RoadClass.CLASS_III: "đường cấp III",
    RoadClass.CLASS_IV: "đường cấp IV",
    RoadClass.CLASS_V: "đường cấp V",
    RoadClass.CLASS_VI: "đường cấp VI",
    RoadClass.RURAL_A: "đường giao thông nông thôn cấp A",
    RoadClass.RURAL_B: "đường giao thông nông thôn cấp B",
    RoadClass.RURAL_C: "đường giao thông nông thôn cấp C",
    RoadClass.RURAL_D: "đường giao thông nông thôn cấp D",
}
ROAD_CLASS_ENGLISH: dict[RoadClass, str] = {
    road_class: f"{'rural road ' if road_class.startswith('rural') else ''}class {road_class.split('_')[1].upper()}"
    for road_class in RoadClass
}
FINDING_WORDING: dict[FindingKind, str] = {
    FindingKind.SKEW: "lệch tiến độ hoàn thành",
    FindingKind.STUB: "đường cụt tại ranh giới",
    FindingKind.CLASS_MISMATCH: "khác cấp đường tại ranh giới",
    FindingKind.WIDTH_MISMATCH: "khác bề rộng tại ranh giới",
    FindingKind.NOT_IN_PLAN: "chưa có trong kế hoạch đầu tư công trung hạn",
    FindingKind.MISSING_DATES: "chưa xác định thời gian",
}


def _moment(*, nullable: bool = False) -> Any:
    return Column(DateTime(timezone=True), nullable=nullable)


class Corridor(Table, table=True):
    """A connecting route (tuyến kết nối) that several localities of an agreement build or upgrade."""

    __tablename__ = "corridor"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int = 1
    agreement_id: UUID = Field(foreign_key="agreement.id")
    task_id: UUID | None = Field(default=None, foreign_key="task.id")
    clause_ids: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    name: str
    folded: str
    from_place: str | None = None
    to_place: str | None = None
    description: str | None = None
    demonstration: bool = False
    created_at: datetime = Field(sa_column=_moment())
    updated_at: datetime = Field(sa_column=_moment())


class Segment(Table, table=True):
    """A part of a corridor that one locality owns (đoạn tuyến): only this one changes it."""

    __tablename__ = "corridor_segment"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int = 1
    corridor_id: UUID = Field(foreign_key="corridor.id")
    agreement_id: UUID
    organization_id: UUID = Field(foreign_key="organization.id")
    position: int
    name: str
    from_place: str | None = None
    to_place: str | None = None
    length_m: int | None = None
    road_class: str | None = None
    width_m: Decimal | None = Field(default=None, sa_column=Column(Numeric(5, 2)))
    plan_period: str | None = Field(default=None, foreign_key="plan_period.id")
    funding_source: str | None = None
    funding_amount: int | None = Field(default=None, sa_column=Column(BigInteger))
    funding_status: str = FundingStatus.NONE
    planned_start: date | None = None
    planned_finish: date | None = None
    actual_start: date | None = None
    actual_finish: date | None = None
    percent: int = 0
    geometry: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    geometry_source: str | None = None
    geometry_positions: int = 0
    withdrawn_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    created_at: datetime = Field(sa_column=_moment())
    updated_at: datetime = Field(sa_column=_moment())


class CorridorHistory(Table, table=True):
    """One change of a corridor or of a segment: who, when, what, from → to, and the record as it became."""

    __tablename__ = "corridor_history"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    corridor_id: UUID = Field(foreign_key="corridor.id")
    segment_id: UUID | None = Field(default=None, foreign_key="corridor_segment.id")
    subject_id: UUID
    agreement_id: UUID
    version: int
    action: str
    actor_id: UUID
    actor_kind: str
    actor_name: str
    organization_id: UUID | None = None
    changes: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    remark: str | None = None
    state: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    occurred_at: datetime = Field(sa_column=_moment())
