"""The reason for a piece of work in words, in both languages. Needs no database."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from agreements_api.worklist.models import Urgency, WorkReason
from shared.calendar import WorkingCalendar

# What is to be done, as it follows "to" or stands by itself.
_TO_DO: dict[WorkReason, dict[str, str]] = {
    WorkReason.TO_LEAD: {"vi": "nhận nhiệm vụ được giao chủ trì", "en": "accept the task that you are to lead"},
    WorkReason.TO_COORDINATE: {"vi": "nhận phần việc được giao phối hợp", "en": "accept your part in the task"},
    WorkReason.DEADLINE: {"vi": "hoàn thành và trình xác nhận", "en": "finish the task and submit it"},
    WorkReason.RETURNED: {"vi": "hoàn thiện và trình lại sau khi bị trả lại", "en": "submit again what was returned"},
    WorkReason.REOPENED: {
        "vi": "hoàn thành và trình lại sau khi được mở lại",
        "en": "submit again what was reopened",
    },
    WorkReason.PERIOD_REPORT: {
        "vi": "báo cáo tiến độ kỳ {start} – {end}",
        "en": "report the progress of {start} – {end}",
    },
    WorkReason.WINDOW: {"vi": "xác nhận hoàn thành", "en": "confirm the completion"},
    WorkReason.TO_COMPLETE: {
        "vi": "kết luận hoàn thành nhiệm vụ đã trình",
        "en": "decide that the submitted task is completed",
    },
    WorkReason.HANDOVER_STEP: {"vi": "xác nhận bước bàn giao", "en": "confirm the step of the hand-over"},
    WorkReason.SIGNATURE: {"vi": "ký văn bản", "en": "sign the text"},
    WorkReason.URGED: {"vi": "trả lời đôn đốc", "en": "answer the urging"},
    WorkReason.EXPLANATION_ASKED: {"vi": "giải trình", "en": "give the explanation"},
    WorkReason.EXTENSION_REQUESTED: {
        "vi": "quyết định việc xin gia hạn đến {asked}",
        "en": "decide on the extension to {asked}",
    },
    WorkReason.OBSTACLE_OPEN: {"vi": "giải quyết khó khăn, vướng mắc", "en": "settle the obstacle"},
    WorkReason.OBSTACLE_ESCALATED: {
        "vi": "giải quyết khó khăn, vướng mắc được chuyển cấp",
        "en": "settle the obstacle that was escalated to you",
    },
    WorkReason.SUCCESSION_OPEN: {"vi": "quyết định đơn vị kế thừa", "en": "decide who takes the place of the old unit"},
    WorkReason.OUTCOME_OPEN: {
        "vi": "giao nhiệm vụ theo kết luận hội nghị",
        "en": "make a task of what the meeting concluded",
    },
}
# Steps without a clock of their own: the days are those of the task.
_BY_TASK = frozenset(
    {WorkReason.TO_LEAD, WorkReason.TO_COORDINATE, WorkReason.TO_COMPLETE, WorkReason.EXTENSION_REQUESTED}
)
_LAPSES = {
    "vi": ", quá hạn coi như đã xác nhận",
    "en": "; without an answer it counts as confirmed",
}


@dataclass(frozen=True)
class Told:
    """All that the words of one piece of work depend on."""

    reason: WorkReason
    urgency: Urgency
    due_on: date | None
    today: date
    period: tuple[date, date] | None = None
    asked: date | None = None


def message(told: Told, language: str) -> str:
    """One sentence: what is to be done, and how many days there are for it or have been over."""
    text = _TO_DO[told.reason][language].format(
        start=_day(told.period[0]) if told.period else "",
        end=_day(told.period[1]) if told.period else "",
        asked=_day(told.asked) if told.asked else "",
    )
    if told.reason in _BY_TASK:
        return _of_the_task(told, text, language)
    return _with_its_own_days(told, text, language)


def _with_its_own_days(told: Told, text: str, language: str) -> str:
    # What was submitted before there were windows does not lapse.
    lapses = _LAPSES[language] if told.reason is WorkReason.WINDOW and told.due_on is not None else ""
    if told.due_on is None:
        return f"Cần {text}{lapses}." if language == "vi" else f"To do: {text}{lapses}."
    if told.urgency is Urgency.OVERDUE:
        days = (told.today - told.due_on).days
        return f"Quá hạn {days} ngày: {text}." if language == "vi" else f"{_late(days)}: {text}."
    if told.urgency is Urgency.TODAY:
        return f"Hôm nay là hạn để {text}{lapses}." if language == "vi" else f"Due today: {text}{lapses}."
    if told.urgency is Urgency.SOON:
        days = working_days_left(told.today, told.due_on)
        if language == "vi":
            return f"Còn {days} ngày làm việc để {text}{lapses}."
        return f"{_working(days)} left to {text}{lapses}."
    return (
        f"Hạn {_day(told.due_on)} để {text}{lapses}."
        if language == "vi"
        else f"By {_day(told.due_on)}: {text}{lapses}."
    )


def _of_the_task(told: Told, text: str, language: str) -> str:
    vi = language == "vi"
    begin = f"Cần {text}" if vi else f"To do: {text}"
    if told.due_on is None:
        return f"{begin}; nhiệm vụ không có thời hạn." if vi else f"{begin}; the task has no deadline."
    if told.urgency is Urgency.OVERDUE:
        days = (told.today - told.due_on).days
        return f"{begin}; nhiệm vụ đã quá hạn {days} ngày." if vi else f"{begin}; the task is {_late(days).lower()}."
    if told.urgency is Urgency.TODAY:
        return f"{begin}; nhiệm vụ hết hạn hôm nay." if vi else f"{begin}; the task is due today."
    if told.urgency is Urgency.SOON:
        days = working_days_left(told.today, told.due_on)
        return (
            f"{begin}; nhiệm vụ còn {days} ngày làm việc."
            if vi
            else f"{begin}; {_working(days)} {'is' if days == 1 else 'are'} left for the task."
        )
    day = _day(told.due_on)
    return f"{begin}; hạn của nhiệm vụ là {day}." if vi else f"{begin}; the task is due on {day}."


# Asked for the same few days over and over.
@lru_cache(maxsize=1024)
def working_days_left(today: date, due_on: date) -> int:
    return WorkingCalendar().working_days_between(today, due_on)


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _late(days: int) -> str:
    return f"{days} day overdue" if days == 1 else f"{days} days overdue"


def _working(days: int) -> str:
    return f"{days} working day" if days == 1 else f"{days} working days"
