"""The reason for a piece of work, in words of both languages."""

from datetime import date

import pytest

from agreements_api.worklist.models import Urgency, WorkReason
from agreements_api.worklist.service import cycles
from agreements_api.worklist.wording import Told, message

# A Tuesday.
TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("reason", "urgency", "due_on", "vi", "en"),
    [
        (
            WorkReason.WINDOW,
            Urgency.SOON,
            date(2026, 11, 26),
            "Còn 2 ngày làm việc để xác nhận hoàn thành, quá hạn coi như đã xác nhận.",
            "2 working days left to confirm the completion; without an answer it counts as confirmed.",
        ),
        (
            WorkReason.DEADLINE,
            Urgency.OVERDUE,
            date(2026, 11, 19),
            "Quá hạn 5 ngày: hoàn thành và trình xác nhận.",
            "5 days overdue: finish the task and submit it.",
        ),
        (
            WorkReason.URGED,
            Urgency.TODAY,
            TODAY,
            "Hôm nay là hạn để trả lời đôn đốc.",
            "Due today: answer the urging.",
        ),
        (
            WorkReason.SIGNATURE,
            Urgency.LATER,
            date(2026, 12, 31),
            "Hạn 31/12/2026 để ký văn bản.",
            "By 31/12/2026: sign the text.",
        ),
        (WorkReason.SUCCESSION_OPEN, Urgency.LATER, None, "Cần quyết định đơn vị kế thừa.", None),
        # A weekend between: two days of four are worked.
        (
            WorkReason.OBSTACLE_OPEN,
            Urgency.SOON,
            date(2026, 11, 30),
            "Còn 4 ngày làm việc để giải quyết khó khăn, vướng mắc.",
            "4 working days left to settle the obstacle.",
        ),
        (
            WorkReason.TO_LEAD,
            Urgency.OVERDUE,
            date(2026, 11, 23),
            "Cần nhận nhiệm vụ được giao chủ trì; nhiệm vụ đã quá hạn 1 ngày.",
            "To do: accept the task that you are to lead; the task is 1 day overdue.",
        ),
        (
            WorkReason.TO_COORDINATE,
            Urgency.LATER,
            None,
            "Cần nhận phần việc được giao phối hợp; nhiệm vụ không có thời hạn.",
            "To do: accept your part in the task; the task has no deadline.",
        ),
        (
            WorkReason.TO_COMPLETE,
            Urgency.SOON,
            date(2026, 11, 25),
            "Cần kết luận hoàn thành nhiệm vụ đã trình; nhiệm vụ còn 1 ngày làm việc.",
            "To do: decide that the submitted task is completed; 1 working day is left for the task.",
        ),
    ],
    ids=["window", "overdue", "today", "later", "no_day", "weekend", "task_late", "task_without_day", "task_soon"],
)
def test_the_days_are_told(reason: WorkReason, urgency: Urgency, due_on: date | None, vi: str, en: str | None) -> None:
    told = Told(reason, urgency, due_on, TODAY)
    assert message(told, "vi") == vi
    if en is not None:
        assert message(told, "en") == en


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("reason", list(WorkReason))
def test_every_reason_has_words_for_every_urgency(reason: WorkReason, language: str) -> None:
    days = {
        Urgency.OVERDUE: date(2026, 11, 1),
        Urgency.TODAY: TODAY,
        Urgency.SOON: date(2026, 11, 27),
        Urgency.LATER: date(2027, 1, 1),
    }
    period, asked = (date(2026, 10, 15), date(2026, 11, 14)), date(2027, 2, 26)
    told = [message(Told(reason, urgency, due, TODAY, period, asked), language) for urgency, due in days.items()]
    told.append(message(Told(reason, Urgency.LATER, None, TODAY, period, asked), language))
    assert len(set(told)) == len(told)
    assert all(text.endswith(".") and "{" not in text and ".." not in text for text in told)


def test_a_report_is_called_for_by_the_last_official_period_that_has_ended() -> None:
    month, quarter, half_year, year = cycles(TODAY, 5)
    assert (month.starts_on, month.ended_on, month.due_on) == (
        date(2026, 10, 15),
        date(2026, 11, 14),
        date(2026, 11, 20),
    )
    assert [cycle.ended_on for cycle in (quarter, half_year, year)] == [
        date(2026, 9, 14),
        date(2026, 6, 14),
        date(2025, 12, 14),
    ]
