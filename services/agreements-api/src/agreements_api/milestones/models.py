"""The table of milestones."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlmodel import Field

from agreements_api.tables import Table
from shared.ids import new_id


def _moment() -> Any:
    return Column(DateTime(timezone=True), nullable=False)


class Milestone(Table, table=True):
    """Something to be reached on the way, in its place among the others; reached on a day."""

    __tablename__ = "task_milestone"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int = 1
    task_id: UUID = Field(foreign_key="task.id")
    agreement_id: UUID = Field(foreign_key="agreement.id")
    position: int
    title: str
    due_on: date | None = None
    done_on: date | None = None
    created_at: datetime = Field(sa_column=_moment())
    updated_at: datetime = Field(sa_column=_moment())
