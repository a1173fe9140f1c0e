"""The one source of time: the product's clock, which development may move, and Vietnam's days."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

VN_TZ = ZoneInfo("Asia/Ho_Chi_Minh")


class _Offset:
    value = timedelta()


def set_offset(offset: timedelta) -> None:
    """How far the product's clock is ahead of the wall's; `shared.db` keeps it equal to the database's row."""
    _Offset.value = offset


def offset() -> timedelta:
    return _Offset.value


def now() -> datetime:
    """The product's time, in UTC. Deadlines, history and events live on it."""
    return datetime.now(UTC) + _Offset.value


def wall_now() -> datetime:
    """The real time, in UTC. Tokens and sessions live on it: moving the product's clock must sign nobody out."""
    return datetime.now(UTC)


def today() -> date:
    """The day it is in Vietnam."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """The day in Vietnam on which a moment lies."""
    return moment.astimezone(VN_TZ).date()


def start_of(day: date) -> datetime:
    """The first moment of a day in Vietnam."""
    return datetime.combine(day, time.min, VN_TZ)


def end_of(day: date) -> datetime:
    """The moment at which a day in Vietnam is over; a deadline passes then, and not before."""
    return start_of(day + timedelta(days=1))
