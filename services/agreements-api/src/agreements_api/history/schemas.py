"""What the API shows of a record's history."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from shared.schemas import Model


class HistoryActor(Model):
    id: UUID
    kind: str
    name: str
    organization_id: UUID | None


class HistoryChange(Model):
    """One field, from → to."""

    model_config = ConfigDict(populate_by_name=True)

    field: str
    from_: Any = Field(default=None, alias="from")
    to: Any = None


class HistoryPublic(Model):
    """One change of a record."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 4,
                    "action": "report_progress",
                    "occurred_at": "2026-11-23T03:00:00Z",
                    "actor": {
                        "id": "01990000-0000-7000-8000-000000000009",
                        "kind": "user",
                        "name": "Chuyên viên UBND thị xã Đông Triều",
                        "organization_id": "01990000-0000-7000-8000-000000000002",
                    },
                    "changes": [{"field": "percent", "from": 0, "to": 40}],
                    "remark": None,
                }
            ]
        }
    )

    version: int
    action: str
    occurred_at: datetime
    actor: HistoryActor
    changes: list[HistoryChange]
    remark: str | None
