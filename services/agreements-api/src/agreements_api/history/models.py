"""The table of history."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from agreements_api.tables import Table
from shared.ids import new_id


class History(Table, table=True):
    """One change of one record: who, when, what, from → to, and the record as it was then.

    Whatever inserts a row gives the state by the SQL that shows the record; the digests are the database's own.
    """

    __tablename__ = "history"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    subject_id: UUID
    agreement_id: UUID
    subject_kind: str
    version: int
    action: str
    actor_id: UUID
    actor_kind: str
    actor_name: str
    organization_id: UUID | None = None
    changes: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    remark: str | None = None
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    state: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=False))
    # Worked out by the migration from what had been told of the changes before states were kept.
    reconstructed: bool = False
    previous_digest: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    digest: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=False))
