"""Tables of what is published."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Column, DateTime, Uuid
from sqlmodel import Field

from agreements_api.tables import Table


def _moment(*, nullable: bool = False) -> Any:
    return Column(DateTime(timezone=True), nullable=nullable)


class Publication(Table, table=True):
    """An agreement that the public sees, or once saw; the row stays as its tombstone."""

    __tablename__ = "publication"

    agreement_id: UUID = Field(primary_key=True, foreign_key="agreement.id")
    version: int = 1
    published_at: datetime = Field(sa_column=_moment())
    unpublished_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    modified_at: datetime = Field(sa_column=_moment())
    # Title and number as the public looks for them; nothing of what was taken back.
    folded: str | None = None
    # The localities whose organisations are parties, as the public looks for them; none of what was taken back.
    unit_ids: list[UUID] = Field(default_factory=list, sa_column=Column(ARRAY(Uuid), nullable=False))


class PublishedTask(Table, table=True):
    """A task that was chosen to be public together with its agreement."""

    __tablename__ = "publication_task"

    task_id: UUID = Field(primary_key=True, foreign_key="task.id")
    agreement_id: UUID = Field(foreign_key="publication.agreement_id")
    published_at: datetime = Field(sa_column=_moment())
