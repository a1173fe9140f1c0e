"""What the API takes and shows of what repeats a task."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from agreements_api.agreements.schemas import Day
from agreements_api.recurrence.models import Frequency
from shared.schemas import Model


class RecurrenceUpdate(Model):
    """How often the task comes again, and until when; without a last day until somebody ends it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"frequency": "quarterly", "working_days_after": 5, "until": "2027-12-31"}]}
    )

    frequency: Frequency
    working_days_after: Annotated[int, Field(strict=True, ge=0, le=60)] = Field(
        default=0, description="The deadline lies so many working days after the cut-off of the official period."
    )
    until: Day | None = Field(default=None, description="No occurrence is due after this day.")


class OccurrencePublic(Model):
    """An official reporting period (Decree 09/2019/NĐ-CP, article 12), and when its occurrence is due."""

    period_start: date
    period_end: date
    due_on: date


class RecurrencePublic(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01990000-0000-7000-8000-0000000000f4",
                    "frequency": "quarterly",
                    "rule": "FREQ=YEARLY;BYMONTH=3,6,9,12;BYMONTHDAY=14",
                    "working_days_after": 5,
                    "until": "2027-12-31",
                    "current_task_id": "01990000-0000-7000-8000-0000000000b1",
                    "ended_at": None,
                    "upcoming": [{"period_start": "2026-12-15", "period_end": "2027-03-14", "due_on": "2027-03-19"}],
                }
            ]
        }
    )

    id: UUID
    frequency: Frequency
    rule: str = Field(description="The cut-off days, as a recurrence rule of RFC 5545.")
    working_days_after: int
    until: date | None
    current_task_id: UUID = Field(description="The newest occurrence.")
    ended_at: datetime | None = Field(description="When it was ended: no other occurrence will be made.")
    upcoming: list[OccurrencePublic] = Field(description="The next four occurrences, as far as there are so many.")
