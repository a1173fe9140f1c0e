"""The table of open points."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlmodel import Field

from agreements_api.tables import Table
from shared.ids import new_id


class OpenPointKind(StrEnum):
    SHORTCOMING = "shortcoming"
    RECOMMENDATION = "recommendation"


class OpenPointState(StrEnum):
    OPEN = "open"
    CARRIED = "carried"
    RESOLVED = "resolved"


KIND_WORDING: dict[OpenPointKind, str] = {
    OpenPointKind.SHORTCOMING: "tồn tại, hạn chế",
    OpenPointKind.RECOMMENDATION: "kiến nghị, đề xuất",
}
STATE_WORDING: dict[OpenPointState, str] = {
    OpenPointState.OPEN: "chưa xử lý",
    OpenPointState.CARRIED: "đã chuyển tiếp",
    OpenPointState.RESOLVED: "đã giải quyết",
}


def _moment() -> Any:
    return Column(DateTime(timezone=True), nullable=False)


class OpenPoint(Table, table=True):
    """What an evaluation found wanting, until it is carried into what comes next, or settled."""

    __tablename__ = "open_point"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int = 1
    agreement_id: UUID = Field(foreign_key="agreement.id")
    kind: str
    text: str
    raised_by: str
    evaluation_id: UUID | None = None
    raised_on: date
    state: str = OpenPointState.OPEN
    carried_to_agreement_id: UUID | None = Field(default=None, foreign_key="agreement.id")
    carried_to_clause_id: UUID | None = Field(default=None, foreign_key="agreement_clause.id")
    carried_to_task_id: UUID | None = Field(default=None, foreign_key="task.id")
    remark: str | None = None
    created_at: datetime = Field(sa_column=_moment())
    updated_at: datetime = Field(sa_column=_moment())
