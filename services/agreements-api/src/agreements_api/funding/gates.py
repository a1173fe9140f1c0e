"""The state of a funding gate and its words: computed from the plan period and the day, never stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from agreements_api.funding.models import IN_THE_PLAN, FundingStatus, Gate
from agreements_api.tasks.models import TaskStatus
from shared.text import format_date

# A proposal is put together, examined and decided in the months before a plan is: half a year is the time to hurry.
CLOSING_SOON_DAYS = 180
# A task that is over waits for no money.
OVER = frozenset({TaskStatus.COMPLETED.value, TaskStatus.CANCELLED.value})


@dataclass(frozen=True)
class Period:
    """A plan period; it closes at the end of its last day."""

    id: str
    first_on: date
    last_on: date


def soon_from(today: date) -> date:
    """The last closing day that is soon on this day."""
    return today + timedelta(days=CLOSING_SOON_DAYS)


def gate(
    status: str, closes_on: date | None, task_status: str, *, today: date, needs_public_investment: bool | None
) -> Gate | None:
    """One task on a day in Vietnam; None where nothing is needed, or the task is over."""
    if not needs_public_investment or closes_on is None or task_status in OVER:
        return None
    if status in IN_THE_PLAN:
        return Gate.FUNDED
    if closes_on < today:
        return Gate.MISSED
    return Gate.CLOSING_SOON if closes_on <= soon_from(today) else Gate.OPEN


def next_period(periods: Sequence[Period], today: date) -> Period | None:
    """The first period that a task can still get into."""
    return min((one for one in periods if one.last_on >= today), key=lambda one: one.last_on, default=None)


def message(
    found: Gate | None, *, plan_period: str | None, closes_on: date | None, status: str, following: Period | None
) -> dict[str, str] | None:
    """What the state means for the task, in Vietnamese and English."""
    if found is None or plan_period is None or closes_on is None:
        return None
    day, iso = format_date(closes_on), closes_on.isoformat()
    if found is Gate.FUNDED:
        return _funded(plan_period, status)
    if found is Gate.MISSED:
        return _missed(plan_period, day, iso, following)
    proposed = status == FundingStatus.PROPOSED
    vi = "đã đề xuất, chưa được đưa vào" if proposed else "chưa được đề xuất vào"
    en = "proposed, but not yet part of" if proposed else "not yet proposed for"
    hurry = found is Gate.CLOSING_SOON
    return {
        "vi": f"Nhiệm vụ {vi} kế hoạch đầu tư công trung hạn {plan_period};"
        f" kỳ kế hoạch {'sắp kết thúc' if hurry else 'kết thúc'} ngày {day}.",
        "en": f"The task is {en} the medium-term public investment plan {plan_period},"
        f" which closes {'soon, ' if hurry else ''}on {iso}.",
    }


def _funded(plan_period: str, status: str) -> dict[str, str]:
    if status == FundingStatus.ALLOCATED:
        return {
            "vi": f"Nhiệm vụ đã được giao vốn trong kế hoạch đầu tư công trung hạn {plan_period}.",
            "en": f"Capital of the medium-term public investment plan {plan_period} is allocated to the task.",
        }
    return {
        "vi": f"Nhiệm vụ có trong kế hoạch đầu tư công trung hạn {plan_period}, chưa được giao vốn.",
        "en": f"The task is in the medium-term public investment plan {plan_period}; no capital is allocated yet.",
    }


def _missed(plan_period: str, day: str, iso: str, following: Period | None) -> dict[str, str]:
    vi = f"Kỳ kế hoạch đầu tư công trung hạn {plan_period} đã kết thúc ngày {day} mà nhiệm vụ chưa có trong kế hoạch."
    en = f"The medium-term public investment plan {plan_period} closed on {iso} without the task."
    if following is not None:
        vi += f" Kỳ còn có thể đề xuất: {following.id}."
        en += f" It can still be proposed for {following.id}."
    return {"vi": vi, "en": en}
