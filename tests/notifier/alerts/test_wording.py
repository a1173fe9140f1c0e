"""What an alert says on the day it is told."""

from datetime import date

import pytest

from notifier.alerts.models import StepKind
from notifier.alerts.wording import message, working_days_left

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


@pytest.mark.parametrize("due_on", [date.min, date.max])
def test_a_date_far_away_is_counted_at_once(due_on: date) -> None:
    assert abs(working_days_left(due_on, DUE)) > 500_000
