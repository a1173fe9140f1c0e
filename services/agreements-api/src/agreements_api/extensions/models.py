"""The table of extensions."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlmodel import Field

from agreements_api.tables import Table
from shared.ids import new_id


class ExtensionState(StrEnum):
    REQUESTED = "requested"
    GRANTED = "granted"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


STATE_WORDING: dict[ExtensionState, str] = {
    ExtensionState.REQUESTED: "chờ quyết định",
    ExtensionState.GRANTED: "đã chấp thuận",
    ExtensionState.DENIED: "đã từ chối",
    ExtensionState.WITHDRAWN: "đã rút",
}


def _moment(*, nullable: bool) -> Any:
    return Column(DateTime(timezone=True), nullable=nullable)


class Extension(Table, table=True):
    """A request for a later deadline, with the deadline that was in force, the one asked for and the one granted."""

    __tablename__ = "task_extension"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int = 1
    task_id: UUID = Field(foreign_key="task.id")
    agreement_id: UUID = Field(foreign_key="agreement.id")
    due_on: date
    requested_due_on: date
    granted_due_on: date | None = None
    reason: str
    state: str = ExtensionState.REQUESTED
    requested_by_organization_id: UUID
    requested_by_name: str
    requested_by: str
    requested_at: datetime = Field(sa_column=_moment(nullable=False))
    decided_by_organization_id: UUID | None = None
    decided_by_name: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    remark: str | None = None
