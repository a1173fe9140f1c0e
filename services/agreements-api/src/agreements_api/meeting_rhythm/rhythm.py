"""Promised meetings held against those that were held: pure functions of dates.

A promised meeting is due by the cut-off of its official period: a month runs from the 15th to the 14th, a quarter ends
on the 14th of its last month, half a year on 14 June and 14 December, a year on 14 December.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from uuid import UUID

from agreements_api.meeting_rhythm.models import Frequency, PeriodState
from shared.calendar import official_period

# The kind of official period, and how many of them a year has.
_PERIODS: dict[Frequency, tuple[str, int]] = {
    Frequency.MONTHLY: ("month", 12),
    Frequency.QUARTERLY: ("quarter", 4),
    Frequency.HALF_YEARLY: ("half_year", 2),
    Frequency.YEARLY: ("year", 1),
}


@dataclass(frozen=True)
class HeldMeeting:
    id: UUID
    held_on: date


@dataclass(frozen=True)
class Promised:
    """One promised meeting: due by the last day of its period."""

    starts_on: date
    due_on: date
    state: PeriodState
    meeting: HeldMeeting | None = None


@dataclass(frozen=True)
class Rhythm:
    """What became of a promise by a day."""

    periods: list[Promised]
    # By when the parties have to meet next; none where the promise has ended.
    next_due_on: date | None

    def number_of(self, state: PeriodState) -> int:
        return sum(period.state is state for period in self.periods)


def promised_periods(frequency: Frequency, from_on: date, until_on: date | None) -> Iterator[tuple[date, date]]:
    """First and last day of each period that a promise speaks of, beginning with the one in which it was made.

    A period that the promise's last day cuts short is promised no more.
    """
    kind, in_a_year = _PERIODS[frequency]
    for year in count(from_on.year):
        for index in range(1, in_a_year + 1):
            first, last = official_period(kind, year, index)
            if last < from_on:
                continue
            if until_on is not None and last > until_on:
                return
            yield max(first, from_on), last


def rhythm(
    frequency: Frequency, from_on: date, until_on: date | None, held: Sequence[HeldMeeting], *, on: date
) -> Rhythm:
    """How the promise stands on a day, with the meetings that had been held by then.

    The first meeting of a period keeps that period's promise. Any further one makes up for the earliest that was missed
    before it: one meeting never counts twice.
    """
    begun: list[tuple[date, date]] = []
    next_due_on: date | None = None
    for period in promised_periods(frequency, from_on, until_on):
        if period[0] > on:
            next_due_on = period[1]
            break
        begun.append(period)
    meetings = sorted((one for one in held if one.held_on <= on), key=lambda one: (one.held_on, one.id))
    kept = _first_of_each(begun, meetings)
    made_up = _made_up(begun, kept, meetings)
    periods = [_promised(period, kept.get(period), made_up.get(period), on) for period in begun]
    if periods and periods[-1].state is PeriodState.DUE:
        next_due_on = periods[-1].due_on
    return Rhythm(periods, next_due_on)


def _first_of_each(
    periods: Sequence[tuple[date, date]], meetings: Sequence[HeldMeeting]
) -> dict[tuple[date, date], HeldMeeting]:
    kept: dict[tuple[date, date], HeldMeeting] = {}
    waiting = iter(meetings)
    meeting = next(waiting, None)
    for first, last in periods:
        while meeting is not None and meeting.held_on <= last:
            if meeting.held_on >= first:
                kept.setdefault((first, last), meeting)
            meeting = next(waiting, None)
    return kept


def _made_up(
    periods: Sequence[tuple[date, date]], kept: dict[tuple[date, date], HeldMeeting], meetings: Sequence[HeldMeeting]
) -> dict[tuple[date, date], HeldMeeting]:
    used = {meeting.id for meeting in kept.values()}
    missed = [period for period in periods if period not in kept]
    made_up: dict[tuple[date, date], HeldMeeting] = {}
    for meeting in meetings:
        if meeting.id not in used and missed and missed[0][1] < meeting.held_on:
            made_up[missed.pop(0)] = meeting
    return made_up


def _promised(period: tuple[date, date], kept: HeldMeeting | None, made_up: HeldMeeting | None, on: date) -> Promised:
    first, last = period
    if kept is not None:
        return Promised(first, last, PeriodState.HELD, kept)
    if made_up is not None:
        return Promised(first, last, PeriodState.LATE, made_up)
    return Promised(first, last, PeriodState.DUE if last >= on else PeriodState.MISSING)
