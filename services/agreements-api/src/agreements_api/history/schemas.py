"""What the API shows of a record's history."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from agreements_api.history.verification import Test
from shared.schemas import Model

DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
PREVIOUS_DIGEST = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
_ACTOR: dict[str, Any] = {
    "id": "01990000-0000-7000-8000-000000000009",
    "kind": "user",
    "name": "Chuyên viên UBND thị xã Đông Triều",
    "organization_id": "01990000-0000-7000-8000-000000000002",
}
_TASK = "01990000-0000-7000-8000-0000000000b1"


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
                    "actor": _ACTOR,
                    "changes": [{"field": "percent", "from": 0, "to": 40}],
                    "remark": None,
                    "digest": DIGEST,
                    "previous_digest": PREVIOUS_DIGEST,
                    "reconstructed": False,
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
    digest: str = Field(description="SHA-256 of the digest before it and of this entry with the record's whole state.")
    previous_digest: str | None = Field(description="The digest of the version before; null for the first one.")
    reconstructed: bool = Field(
        description="From before states were kept: the state was worked out later from what was told of the changes."
    )


class DifferenceKind(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    CANCELLED = "cancelled"


KIND_WORDING: dict[DifferenceKind, str] = {
    DifferenceKind.ADDED: "thêm mới",
    DifferenceKind.CHANGED: "thay đổi",
    DifferenceKind.REMOVED: "bỏ ra",
    DifferenceKind.CANCELLED: "đã hủy",
}


class Origin(Model):
    """The version that made something what it is at the end, by whom and when."""

    version: int
    action: str
    occurred_at: datetime
    actor: HistoryActor
    remark: str | None


class FieldDifference(Model):
    """One value, as it was and as it is at the end; the last change in between names who made it."""

    model_config = ConfigDict(populate_by_name=True)

    field: str = Field(description="Parts of a value are named after a slash: `coordinating/<organisation>/due_on`.")
    from_: Any = Field(default=None, alias="from")
    to: Any = None
    changed: Origin


class PartDifference(Model):
    """A party, clause or signature that came, went or is another."""

    id: UUID
    kind: DifferenceKind
    name: str | None
    changes: list[FieldDifference]


class TaskDifference(Model):
    """A task at two instants; what was added has no changes beside its being there."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "task_id": _TASK,
                    "title": "Rà soát, giải quyết vướng mắc khu vực xâm canh, xâm cư",
                    "kind": "changed",
                    "status": "in_progress",
                    "from_version": 2,
                    "to_version": 3,
                    "changes": [
                        {
                            "field": "percent",
                            "from": 0,
                            "to": 40,
                            "changed": {
                                "version": 3,
                                "action": "report",
                                "occurred_at": "2026-11-14T03:00:00Z",
                                "actor": _ACTOR,
                                "remark": None,
                            },
                        }
                    ],
                    "last": {
                        "version": 3,
                        "action": "report",
                        "occurred_at": "2026-11-14T03:00:00Z",
                        "actor": _ACTOR,
                        "remark": None,
                    },
                }
            ]
        }
    )

    task_id: UUID
    title: str
    kind: DifferenceKind | None = Field(description="Null where nothing differs.")
    status: str = Field(description="At the second instant.")
    from_version: int | None = Field(description="Null before it was there.")
    to_version: int
    changes: list[FieldDifference]
    last: Origin | None = Field(description="The last change in between; null where there was none.")


class AgreementDifference(Model):
    """An agreement at two instants, with its parties, clauses and signatures, and each task that differs."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "agreement_id": "01990000-0000-7000-8000-0000000000a1",
                    "from": "2026-11-01T00:00:00Z",
                    "to": "2026-11-24T03:00:00Z",
                    "from_version": 7,
                    "to_version": 7,
                    "changes": [],
                    "parties": [],
                    "clauses": [],
                    "signatures": [],
                    "tasks": [],
                }
            ]
        },
    )

    agreement_id: UUID
    from_: datetime = Field(alias="from")
    to: datetime
    from_version: int | None = Field(description="Null before it was there.")
    to_version: int
    changes: list[FieldDifference]
    parties: list[PartDifference]
    clauses: list[PartDifference]
    signatures: list[PartDifference]
    tasks: list[TaskDifference]


class BrokenLink(Model):
    """A link that does not hold, and by which test."""

    subject_kind: str
    subject_id: UUID
    version: int
    occurred_at: datetime | None
    test: Test
    expected: str | None
    found: str | None


class HistoryVerification(Model):
    """Whether what is told of an agreement and its tasks is complete and as it was written."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agreement_id": "01990000-0000-7000-8000-0000000000a1",
                    "valid": True,
                    "records": 3,
                    "entries": 21,
                    "head": DIGEST,
                    "broken": [],
                }
            ]
        }
    )

    agreement_id: UUID
    valid: bool
    records: int = Field(description="The agreement and its tasks.")
    entries: int
    head: str = Field(description="SHA-256 over the last link of each record.")
    broken: list[BrokenLink]


class LogEntryPublic(Model):
    """One change of a record that is no version of an agreement or a task; never altered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 2,
                    "action": "hold",
                    "occurred_at": "2026-12-10T04:00:00Z",
                    "actor": _ACTOR,
                    "changes": [{"field": "status", "from": "planned", "to": "held"}],
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
