"""What the API takes and shows of promises to meet and of how they are kept."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from agreements_api.agreements.schemas import Day
from agreements_api.meeting_rhythm.models import Frequency, PeriodState
from shared.schemas import Model, Text

_PROMISE_ID = "01990000-0000-7000-8000-0000000000f9"
_AGREEMENT = "01990000-0000-7000-8000-0000000000a1"
_PROMISE: dict[str, Any] = {
    "frequency": "half_yearly",
    "from_on": "2026-01-01",
    "until_on": None,
    "clause_id": None,
    "basis": "Sơ kết 6 tháng một lần (minh họa)",
}
_FIRST = date(1970, 1, 1)


class PromiseCreate(Model):
    """One meeting in each official period, counted from the one in which the first day lies."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PROMISE]})

    frequency: Frequency
    from_on: Day
    until_on: Day | None = Field(
        default=None, description="The last day of the promise; where absent, that of the agreement."
    )
    clause_id: UUID | None = Field(default=None, description="The clause of this agreement that promises it.")
    basis: Text | None = Field(default=None, description="The words of the promise.")


class PromiseUpdate(Model):
    """A merge patch: what is absent stays, null clears. A promise is ended by its last day."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"until_on": "2026-12-14"}]})

    frequency: Frequency = Frequency.YEARLY
    from_on: Day = _FIRST
    until_on: Day | None = None
    basis: Text | None = None


class PromisePublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _PROMISE_ID,
                    "version": 1,
                    "agreement_id": _AGREEMENT,
                    **_PROMISE,
                    "created_at": "2026-11-23T03:00:00Z",
                    "updated_at": "2026-11-23T03:00:00Z",
                    "allowed_actions": ["update"],
                }
            ]
        }
    )

    id: UUID
    version: int
    agreement_id: UUID
    clause_id: UUID | None
    frequency: Frequency
    from_on: date
    until_on: date | None
    basis: str | None
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str]


class PromisedPeriod(Model):
    """One promised meeting; it is due by the end of its official period."""

    starts_on: date
    due_on: date
    state: PeriodState
    meeting_id: UUID | None = Field(description="The regular meeting that kept the promise.")
    held_on: date | None


class PromiseKept(Model):
    """How one promise is kept: every period that has begun is in one of held, late, missing and due."""

    promise_id: UUID
    clause_id: UUID | None
    frequency: Frequency
    from_on: date
    until_on: date | None = Field(description="Its last day, or that of the agreement where that is earlier.")
    promised: int = Field(description="Periods that have begun.")
    held: int
    late: int = Field(description="Made up for by a further meeting after the period was over.")
    missing: int
    next_due_on: date | None
    periods: list[PromisedPeriod] = Field(description="The latest ones, at most 40, oldest first.")


class MeetingRhythm(Model):
    """Promised meetings of an agreement held against those that it had by a day."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agreement_id": _AGREEMENT,
                    "on": "2026-11-24",
                    "promises": [
                        {
                            "promise_id": _PROMISE_ID,
                            **{name: _PROMISE[name] for name in ("clause_id", "frequency", "from_on", "until_on")},
                            "promised": 2,
                            "held": 1,
                            "late": 0,
                            "missing": 0,
                            "next_due_on": "2026-12-14",
                            "periods": [
                                {
                                    "starts_on": "2026-01-01",
                                    "due_on": "2026-06-14",
                                    "state": "held",
                                    "meeting_id": "01990000-0000-7000-8000-0000000000f1",
                                    "held_on": "2026-06-10",
                                },
                                {
                                    "starts_on": "2026-06-15",
                                    "due_on": "2026-12-14",
                                    "state": "due",
                                    "meeting_id": None,
                                    "held_on": None,
                                },
                            ],
                        }
                    ],
                    "regular_held": 1,
                    "extraordinary_held": 0,
                    "last_held_on": "2026-06-10",
                    "next_planned_on": "2026-12-10",
                }
            ]
        }
    )

    agreement_id: UUID
    on: date
    promises: list[PromiseKept]
    regular_held: int = Field(description="Regular meetings: they alone keep a promise.")
    extraordinary_held: int
    last_held_on: date | None
    next_planned_on: date | None = Field(description="The first meeting that is planned on that day or after it.")
