"""The table of dependencies."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlmodel import Field

from agreements_api.tables import Table
from shared.ids import new_id


class Direction(StrEnum):
    """Which of its neighbours are asked for."""

    PREDECESSORS = "predecessors"
    SUCCESSORS = "successors"


DIRECTION_WORDING: dict[Direction, str] = {
    Direction.PREDECESSORS: "phải hoàn thành trước",
    Direction.SUCCESSORS: "chỉ thực hiện được sau",
}


def _moment() -> Any:
    return Column(DateTime(timezone=True), nullable=False)


class Dependency(Table, table=True):
    """A task that begins so many working days after another one of its agreement is finished."""

    __tablename__ = "task_dependency"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    agreement_id: UUID = Field(foreign_key="agreement.id")
    task_id: UUID = Field(foreign_key="task.id")
    depends_on_task_id: UUID = Field(foreign_key="task.id")
    lag_working_days: int = 0
    created_at: datetime = Field(sa_column=_moment())
