"""The Vietnamese working calendar and the official reporting periods."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, lru_cache
from importlib import resources

import holidays

# Bodies work five days a week (Decision 188/1999/QĐ-TTg).
_WEEKEND = (5, 6)


@cache
def packaged_overrides() -> Mapping[date, bool]:
    """Days that the rules get wrong, with whether they are worked; from the yearly official notices."""
    text = resources.files("shared").joinpath("calendar_overrides.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {date.fromisoformat(row["date"]): row["kind"] == "working_day" for row in rows}


@lru_cache(maxsize=64)
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("VN", years=year))


@dataclass(frozen=True)
class WorkingCalendar:
    """Which days are worked: the law's holidays and weekends, unless an override says otherwise."""

    overrides: Mapping[date, bool] = field(default_factory=packaged_overrides)

    def is_working_day(self, day: date) -> bool:
        if (known := self.overrides.get(day)) is not None:
            return known
        return day.weekday() not in _WEEKEND and day not in _holidays(day.year)

    def add_working_days(self, day: date, count: int) -> date:
        """The working day `count` working days after `day` (before it, if negative); `day` itself for 0."""
        step = timedelta(days=1 if count > 0 else -1)
        for _ in range(abs(count)):
            day += step
            while not self.is_working_day(day):
                day += step
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """Working days after `start` up to and with `end`; negative when `end` lies before `start`."""
        if end < start:
            return -self.working_days_between(end, start)
        days = (start + timedelta(days=offset) for offset in range(1, (end - start).days + 1))
        return sum(self.is_working_day(day) for day in days)

    def last_working_day(self, day: date) -> date:
        """`day`, or the last working day before it."""
        while not self.is_working_day(day):
            day -= timedelta(days=1)
        return day

    def next_working_day(self, day: date) -> date:
        """`day`, or the first working day after it."""
        return day if self.is_working_day(day) else self.add_working_days(day, 1)


def official_period(kind: str, year: int, index: int = 1) -> tuple[date, date]:
    """First and last day of a reporting period (Decree 09/2019/NĐ-CP, article 12).

    A month runs from the 15th of the month before to the 14th, a quarter ends on the 14th of its last month, and the
    half year, nine months and year begin on 15 December of the year before. Raises ValueError for an unknown kind.
    """
    if kind == "month":
        return _from_the_15th(year, index - 1), date(year, index, 14)
    if kind == "quarter":
        return _from_the_15th(year, 3 * index - 3), date(year, 3 * index, 14)
    if kind == "half_year":
        return _from_the_15th(year, 6 * index - 6), date(year, 6 * index, 14)
    if kind == "nine_month":
        return _from_the_15th(year, 0), date(year, 9, 14)
    if kind in ("annual", "year"):
        return _from_the_15th(year, 0), date(year, 12, 14)
    raise ValueError(f"unknown kind of period: {kind}")


def _from_the_15th(year: int, month: int) -> date:
    return date(year, month, 15) if month else date(year - 1, 12, 15)
