"""What the operator sees of events that were put aside."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from shared.schemas import Model

LETTER_EXAMPLE: dict[str, Any] = {
    "id": 3,
    "group": "notifier-deadlines",
    "topic": "lienvung.tasks",
    "key": "01990000-0000-7000-8000-0000000000a1",
    "event_id": "01990000-0000-7000-8000-0000000000e1",
    "type": "vn.lienvung.task.assigned.v1",
    "reason": "poison",
    "error": "InvalidEnvelope: vn.lienvung.task.assigned.v1 does not match its schema (task.title: missing)",
    "attempts": 1,
    "created_at": "2026-11-23T03:00:00Z",
}


class DeadLetterPublic(Model):
    """An event that failed by itself (`poison`), or that waits behind one of its key (`parked`)."""

    model_config = ConfigDict(json_schema_extra={"examples": [LETTER_EXAMPLE]})

    id: int
    group: str = Field(description="The consumer that put it aside.")
    topic: str
    key: str
    event_id: UUID | None
    type: str | None
    reason: str
    error: str | None
    attempts: int
    created_at: datetime


class ReplayPublic(Model):
    """What a replay of the letter's key achieved."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"applied": 4, "stopped_at": None, "error": None}]})

    applied: int
    stopped_at: int | None = Field(description="The letter that failed again; the key stays parked behind it.")
    error: str | None


class DiscardPublic(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"discarded": True}]})

    discarded: bool
