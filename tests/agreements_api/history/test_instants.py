"""The instants that the past can be asked for at."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic_core import PydanticCustomError

from agreements_api.history.instants import instant_of
from shared import clock

# 25/11/2026 01:00 in Vietnam.
NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    before = clock.offset()
    clock.set_offset(NOW - clock.wall_now())
    yield
    clock.set_offset(before)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-01T03:00:00Z", datetime(2026, 11, 1, 3, tzinfo=UTC)),
        ("2026-11-01T10:00:00.25+07:00", datetime(2026, 11, 1, 3, microsecond=250_000, tzinfo=UTC)),
        # A plus sign that somebody did not escape.
        ("2026-11-01T10:00:00 07:00", datetime(2026, 11, 1, 3, tzinfo=UTC)),
        # The end of a day is that of Vietnam.
        ("2026-11-01", datetime(2026, 11, 1, 16, 59, 59, 999_999, tzinfo=UTC)),
        ("1945-09-02", datetime(1970, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_instant_or_the_end_of_a_day(text: str, instant: datetime) -> None:
    assert instant_of(text) == instant


def test_today_is_now_while_it_lasts() -> None:
    assert abs(instant_of("2026-11-25") - NOW) < timedelta(seconds=5)


@pytest.mark.parametrize("text", ["2026-11-26", "9999-12-31", "2026-11-24T18:01:00Z", "9999-12-31T23:59:59-12:00"])
def test_the_future_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError, match="future"):
        instant_of(text)


@pytest.mark.parametrize(
    "text", ["", "hôm qua", "1764000000", "2026-11-01T10:00:00", "2026-02-30", "2026-11-01T25:00:00Z", "20261101"]
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError, match="RFC 3339"):
        instant_of(text)
