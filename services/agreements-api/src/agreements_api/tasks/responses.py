"""The window in which coordinating parties answer a submission, and what it means that it passes."""

from collections.abc import Sequence
from datetime import date, datetime

from shared.calendar import WorkingCalendar
from shared.events import TaskParty

REMARK = "Quá thời hạn trả lời, coi như đã xác nhận."


def last_day(submitted_on: date, working_days: int, calendar: WorkingCalendar | None = None) -> date:
    """The day with whose end the window closes."""
    return (calendar or WorkingCalendar()).add_working_days(submitted_on, working_days)


def opened(parties: Sequence[TaskParty], respond_by: date) -> list[TaskParty]:
    """The parties of a task that has just been submitted: each can answer until the end of the same day."""
    return [
        party.model_copy(update={"confirmed_at": None, "lapsed_at": None, "respond_by": respond_by})
        for party in parties
    ]


def void(parties: Sequence[TaskParty]) -> list[TaskParty]:
    """The parties of a task that is no longer submitted: nobody is waited for, and nobody has confirmed."""
    return [party.model_copy(update={"confirmed_at": None, "lapsed_at": None, "respond_by": None}) for party in parties]


def is_closed(parties: Sequence[TaskParty], today: date) -> bool:
    """Whether the window of a submission was over before today, and the lapse has still to be carried out."""
    return any(
        party.confirmed_at is None and party.respond_by is not None and party.respond_by < today for party in parties
    )


def lapsed(parties: Sequence[TaskParty], now: datetime) -> tuple[list[TaskParty], list[TaskParty]]:
    """The parties once the window has closed, and those of them that had not answered: they count as confirmed."""
    after = [
        party.model_copy(update={"confirmed_at": now, "lapsed_at": now}) if party.confirmed_at is None else party
        for party in parties
    ]
    return after, [one for one, before in zip(after, parties, strict=True) if before.confirmed_at is None]
