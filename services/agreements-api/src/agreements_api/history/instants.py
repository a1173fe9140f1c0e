"""The instants that the past is asked for at."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import Query
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared import clock

_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}$")
# A plus sign that somebody did not escape reaches us as a blank.
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)(Z|[+ -][0-9]{2}:[0-9]{2})$"
)
# Nothing is older here. Far instants cannot be told in every time zone.
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def instant_of(value: Any) -> datetime:
    """An RFC 3339 instant as it is; a date as the end of that day in Vietnam, which is now while the day lasts."""
    moment, now = _parsed(str(value)), clock.now()
    if isinstance(moment, datetime):
        # Compared as they stand: of the first and last years not every moment exists in UTC.
        if moment > now:
            raise PydanticCustomError("instant_in_future", "The instant lies in the future")
        return _FIRST if moment < _FIRST else moment.astimezone(UTC)
    if moment > clock.day_of(now):
        raise PydanticCustomError("instant_in_future", "The day lies in the future")
    return _FIRST if moment < _FIRST.date() else min(clock.end_of(moment) - timedelta(microseconds=1), now)


Instant = Annotated[
    datetime,
    BeforeValidator(instant_of),
    WithJsonSchema(
        {
            "type": "string",
            "anyOf": [{"format": "date-time"}, {"format": "date"}],
            "examples": ["2026-11-24T03:00:00Z", "2026-11-24"],
        }
    ),
]
AsOf = Annotated[
    Instant | None,
    Query(
        description="As it was at this instant (RFC 3339), or at the end of this day in Vietnam; 404 before it was"
        " there. Who may see it is a matter of today; nothing can be done with it: `allowed_actions` is empty."
    ),
]


def _parsed(text: str) -> datetime | date:
    found = _MOMENT.match(text.upper())
    try:
        if found is not None:
            return datetime.fromisoformat(found[1] + found[2].replace(" ", "+"))
        if _DAY.match(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise PydanticCustomError(
        "instant_parsing", "Input should be an RFC 3339 instant with its offset, or a date as YYYY-MM-DD"
    )
