"""What an alert says on the day it is told."""

from datetime import date

import pytest

from notifier.alerts.models import StepKind
from notifier.alerts.wording import message, working_days_left
from notifier.deadlines.models import DeadlineSubject

DUE = date(2026, 10, 23)


@pytest.mark.parametrize(
    ("kind", "told_on", "vietnamese", "english"),
    [
        (StepKind.APPROACHING, date(2026, 10, 20), "Còn 3 ngày làm việc", "3 working days left"),
        (StepKind.APPROACHING, date(2026, 10, 22), "Còn 1 ngày làm việc", "1 working day left"),
        (StepKind.DUE, DUE, "Đến hạn hôm nay", "Due today"),
        (StepKind.OVERDUE, date(2026, 10, 26), "Quá hạn 1 ngày làm việc", "Overdue by 1 working day"),
        (StepKind.ESCALATED, date(2026, 10, 30), "Báo cáo quá hạn 5 ngày làm việc", "Escalated: overdue by 5"),
        # Told late, it says how things stand then.
        (StepKind.APPROACHING, date(2026, 10, 30), "Quá hạn 5 ngày làm việc", "Overdue by 5 working days"),
    ],
)
def test_the_message_counts_working_days(kind: StepKind, told_on: date, vietnamese: str, english: str) -> None:
    assert message(kind, "Việc", DUE, told_on, "vi").startswith(f"{vietnamese} (hạn 23/10/2026): Việc")
    assert message(kind, "Việc", DUE, told_on, "en").startswith(english)


@pytest.mark.parametrize(
    ("kind", "told_on", "vietnamese", "english"),
    [
        (
            StepKind.APPROACHING,
            date(2026, 10, 20),
            "Sắp đến hạn ký, còn 3 ngày làm việc",
            "3 working days left to sign",
        ),
        (StepKind.APPROACHING, date(2026, 10, 22), "Sắp đến hạn ký, còn 1 ngày", "1 working day left to sign"),
        (StepKind.DUE, DUE, "Đến hạn ký hôm nay", "Last day to sign"),
        # Told late, it says how things stand then.
        (StepKind.DUE, date(2026, 10, 26), "Hết hạn ký đã 1 ngày làm việc", "The time to sign ended 1 working day ago"),
    ],
)
def test_a_signature_is_called_one(kind: StepKind, told_on: date, vietnamese: str, english: str) -> None:
    told = message(kind, "Kế hoạch", DUE, told_on, "vi", DeadlineSubject.AGREEMENT)
    assert told.startswith(vietnamese)
    assert told.endswith(" (hạn ký 23/10/2026): Kế hoạch")
    told = message(kind, "Kế hoạch", DUE, told_on, "en", DeadlineSubject.AGREEMENT)
    assert told == f"{english} (sign by 23/10/2026): Kế hoạch"


@pytest.mark.parametrize("due_on", [date.min, date.max])
def test_a_date_far_away_is_counted_at_once(due_on: date) -> None:
    assert abs(working_days_left(due_on, DUE)) > 500_000
