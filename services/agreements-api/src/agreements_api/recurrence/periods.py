"""When a repeated task is due: by the cut-off days of the official reporting periods. Needs no database."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from dateutil.rrule import rrulestr

from agreements_api.recurrence.models import Frequency
from shared.calendar import WorkingCalendar, official_period

# The last days of the official periods (Decree 09/2019/NĐ-CP, article 12), as RFC 5545 writes them.
RULES: dict[Frequency, str] = {
    Frequency.MONTHLY: "FREQ=MONTHLY;BYMONTHDAY=14",
    Frequency.QUARTERLY: "FREQ=YEARLY;BYMONTH=3,6,9,12;BYMONTHDAY=14",
    Frequency.HALF_YEARLY: "FREQ=YEARLY;BYMONTH=6,12;BYMONTHDAY=14",
    Frequency.YEARLY: "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=14",
}
# The official period that ends on a cut-off, and of how many months it is.
_PERIODS = {
    Frequency.MONTHLY: ("month", 1),
    Frequency.QUARTERLY: ("quarter", 3),
    Frequency.HALF_YEARLY: ("half_year", 6),
    Frequency.YEARLY: ("year", 12),
}
# Longer than the most working days between a cut-off and its deadline, holidays included.
_REACH = timedelta(days=120)


@dataclass(frozen=True)
class Occurrence:
    """An official period, and the day until which a task of it is due."""

    period_start: date
    period_end: date
    due_on: date


def upcoming(frequency: Frequency, after: date, working_days_after: int) -> Iterator[Occurrence]:
    """The occurrences due after a day, without end; each deadline lies so many working days after its cut-off."""
    calendar = WorkingCalendar()
    rule = rrulestr(RULES[frequency], dtstart=datetime.combine(after - _REACH, time.min))
    for moment in rule:
        cut_off = moment.date()
        due_on = calendar.add_working_days(cut_off, working_days_after)
        if due_on > after:
            yield Occurrence(*period_of(frequency, cut_off), due_on)


def next_occurrence(frequency: Frequency, after: date, working_days_after: int) -> Occurrence:
    return next(upcoming(frequency, after, working_days_after))


def period_of(frequency: Frequency, cut_off: date) -> tuple[date, date]:
    """The period that ends on a cut-off."""
    kind, months = _PERIODS[frequency]
    return official_period(kind, cut_off.year, cut_off.month // months)
