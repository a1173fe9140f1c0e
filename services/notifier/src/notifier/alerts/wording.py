"""How an alert reads, in the list and in a mail's subject."""

from datetime import date
from uuid import UUID

from notifier.alerts.models import KIND_WORDING, StepKind
from notifier.deadlines.models import DeadlineSubject
from shared.calendar import WorkingCalendar
from shared.text import format_date

_CALENDAR = WorkingCalendar()


def working_days_left(due_on: date, today: date, calendar: WorkingCalendar = _CALENDAR) -> int:
    """Working days from today to the deadline; negative once it has passed."""
    # Far enough to be only a number: counting day by day would take as long as the dates lie apart.
    if abs((due_on - today).days) > 5 * 366:
        return round((due_on - today).days * 5 / 7)
    return calendar.working_days_between(today, due_on)


def message(
    kind: StepKind,
    title: str,
    due_on: date,
    told_on: date,
    language: str,
    subject: DeadlineSubject = DeadlineSubject.TASK,
) -> str:
    """One line that says what has become of the deadline on the day of the alert."""
    days = working_days_left(due_on, told_on)
    day = format_date(due_on)
    if subject in _ASKED:
        return _asked(kind, subject, title, day, days, language)
    if subject is DeadlineSubject.AGREEMENT:
        if language == "en":
            return f"{_to_sign_in_english(days)} (sign by {day}): {title}"
        return f"{_to_sign_in_vietnamese(days)} (hạn ký {day}): {title}"
    if language == "en":
        return f"{_english(kind, days)} (deadline {day}): {title}"
    return f"{_vietnamese(kind, days)} (hạn {day}): {title}"


def subject_url(subject: DeadlineSubject, subject_id: UUID) -> str:
    """Where what comes due is read."""
    return f"/v1/{'agreements' if subject is DeadlineSubject.AGREEMENT else 'tasks'}/{subject_id}"


def _asked(kind: StepKind, subject: DeadlineSubject, title: str, day: str, days: int, language: str) -> str:
    if kind is StepKind.APPROACHING:
        left = f"{days} working {_days(days)} left" if language == "en" else f"Còn {days} ngày làm việc"
        what = "to confirm" if language == "en" else "để xác nhận"
        until = "until" if language == "en" else "hạn"
        return f"{left} {what} ({until} {day}): {title}"
    return f"{_ASKED[subject][language].format(day=day)}: {title}"


# What somebody is told at once; a mention and an obstacle that comes up have no day to name.
_ASKED: dict[DeadlineSubject, dict[str, str]] = {
    DeadlineSubject.RESPONSE: {
        "vi": "Chờ xác nhận đến hết ngày {day}, quá hạn coi như xác nhận",
        "en": "To be confirmed until {day}; then it counts as confirmed",
    },
    DeadlineSubject.URGING: {"vi": "Được đôn đốc, trả lời đến hết ngày {day}", "en": "You are urged, answer by {day}"},
    DeadlineSubject.EXPLANATION: {
        "vi": "Được yêu cầu giải trình đến hết ngày {day}",
        "en": "You are asked to explain by {day}",
    },
    DeadlineSubject.OBSTACLE: {
        "vi": "Khó khăn, vướng mắc được chuyển lên cấp trên",
        "en": "An obstacle was escalated to you",
    },
    DeadlineSubject.MENTION: {"vi": "Được nhắc tên trong một ý kiến", "en": "A comment names you"},
    DeadlineSubject.FUNDING: {
        "vi": "Kỳ kế hoạch đầu tư công trung hạn đã kết thúc ngày {day} mà nhiệm vụ chưa có trong kế hoạch",
        "en": "The medium-term public investment plan closed on {day} without the task",
    },
    DeadlineSubject.REFUSAL: {
        "vi": "Kết quả bị từ chối xác nhận ngày {day}, đã ghi nhận khó khăn, vướng mắc",
        "en": "The result was refused on {day}, and an obstacle was opened",
    },
}


def _vietnamese(kind: StepKind, days: int) -> str:
    if days > 0:
        return f"Còn {days} ngày làm việc"
    if days < 0:
        prefix = KIND_WORDING[StepKind.ESCALATED]["vi"] if kind is StepKind.ESCALATED else "Quá hạn"
        return f"{prefix} {-days} ngày làm việc"
    return KIND_WORDING[StepKind.DUE if kind is not StepKind.OVERDUE else kind]["vi"]


def _english(kind: StepKind, days: int) -> str:
    if days > 0:
        return f"{days} working {_days(days)} left"
    if days < 0:
        prefix = KIND_WORDING[StepKind.ESCALATED]["en"] if kind is StepKind.ESCALATED else "Overdue"
        return f"{prefix} by {-days} working {_days(-days)}"
    return KIND_WORDING[StepKind.DUE if kind is not StepKind.OVERDUE else kind]["en"]


def _to_sign_in_vietnamese(days: int) -> str:
    if days > 0:
        return f"Sắp đến hạn ký, còn {days} ngày làm việc"
    return "Đến hạn ký hôm nay" if days == 0 else f"Hết hạn ký đã {-days} ngày làm việc"


def _to_sign_in_english(days: int) -> str:
    if days > 0:
        return f"{days} working {_days(days)} left to sign"
    return "Last day to sign" if days == 0 else f"The time to sign ended {-days} working {_days(-days)} ago"


def _days(count: int) -> str:
    return "day" if count == 1 else "days"
