"""Reporting periods: the official ones, whose cut-offs are not calendar periods, and any from–to."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from shared import clock
from shared.calendar import official_period
from shared.text import format_date


class PeriodKind(StrEnum):
    """Kinds of official periods."""

    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    NINE_MONTH = "nine_month"
    ANNUAL = "annual"


# How many of each kind a year has.
COUNTS = {
    PeriodKind.MONTH: 12,
    PeriodKind.QUARTER: 4,
    PeriodKind.HALF_YEAR: 1,
    PeriodKind.NINE_MONTH: 1,
    PeriodKind.ANNUAL: 1,
}
# No report is about days outside of these, and no arithmetic on days inside of them overflows.
FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2200, 12, 31)
PATTERN = r"^(?P<kind>month|quarter|half_year|nine_month|annual):(?P<year>\d{4})(?:-(?P<index>\d{1,2}))?$"
_ROMAN = ("I", "II", "III", "IV")


class InvalidPeriod(ValueError):
    """The text names no period."""


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of days, both ends included."""

    first: date
    last: date
    label: str
    kind: PeriodKind | None = None

    @property
    def begins(self) -> datetime:
        return clock.start_of(self.first)

    @property
    def ends(self) -> datetime:
        """The first instant after the period."""
        return clock.start_of(self.last + timedelta(days=1))


def parse(text: str) -> Period:
    """`quarter:2024-4` → the fourth quarter of 2024; one period a year needs no index (`annual:2024`)."""
    match = re.fullmatch(PATTERN, text)
    if match is None:
        raise InvalidPeriod(f"{text!r} is no period")
    return official(PeriodKind(match["kind"]), int(match["year"]), int(match["index"] or "1"))


def official(kind: PeriodKind, year: int, index: int = 1) -> Period:
    """An official period by its parts."""
    if not FIRST_DAY.year < year <= LAST_DAY.year or not 1 <= index <= COUNTS[kind]:
        raise InvalidPeriod(f"there is no {kind} {index} of {year}")
    first, last = official_period(kind.value, year, index)
    return Period(first, last, _label(kind, year, index), kind)


def between(first: date, last: date) -> Period:
    """Any days, both included."""
    if last < first:
        raise InvalidPeriod("a period ends after it begins")
    return Period(first, last, f"từ ngày {format_date(first)} đến ngày {format_date(last)}")


def _label(kind: PeriodKind, year: int, index: int) -> str:
    match kind:
        case PeriodKind.MONTH:
            return f"tháng {index} năm {year}"
        case PeriodKind.QUARTER:
            return f"quý {_ROMAN[index - 1]} năm {year}"
        case PeriodKind.HALF_YEAR:
            return f"6 tháng đầu năm {year}"
        case PeriodKind.NINE_MONTH:
            return f"9 tháng năm {year}"
        case PeriodKind.ANNUAL:
            return f"năm {year}"
