"""The state of a funding gate by itself: from the need, its status, the period's last day and today."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements_api.funding.gates import CLOSING_SOON_DAYS, Period, gate, message, next_period
from agreements_api.funding.models import GATE_WORDING, IN_THE_PLAN, STATUS_WORDING, FundingStatus, Gate
from agreements_api.tasks.models import TaskStatus

CLOSES = date(2030, 12, 31)
PERIODS = [
    Period("2021-2025", date(2021, 1, 1), date(2025, 12, 31)),
    Period("2026-2030", date(2026, 1, 1), CLOSES),
]


def stands(today: date, status: str = "proposed", task: str = "in_progress") -> Gate | None:
    return gate(status, CLOSES, task, today=today, needs_public_investment=True)


@pytest.mark.parametrize(
    ("days_before", "expected"),
    [
        (CLOSING_SOON_DAYS + 1, Gate.OPEN),
        (CLOSING_SOON_DAYS, Gate.CLOSING_SOON),
        (0, Gate.CLOSING_SOON),
        (-1, Gate.MISSED),
        (-5000, Gate.MISSED),
    ],
)
def test_a_period_closes_at_the_end_of_its_last_day(days_before: int, expected: Gate) -> None:
    assert stands(CLOSES - timedelta(days=days_before)) is expected


@given(st.dates(), st.sampled_from(FundingStatus), st.sampled_from(TaskStatus))
def test_a_place_in_the_plan_is_what_it_asks_for(today: date, status: FundingStatus, task: TaskStatus) -> None:
    found = stands(today, status, task)
    if task in (TaskStatus.COMPLETED, TaskStatus.CANCELLED):
        assert found is None
    else:
        assert (found is Gate.FUNDED) == (status in IN_THE_PLAN)


@pytest.mark.parametrize("needs", [None, False])
def test_without_a_need_there_is_no_gate(needs: bool | None) -> None:
    assert gate("none", None, "in_progress", today=CLOSES, needs_public_investment=needs) is None


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2025, 12, 31), "2021-2025"),
        (date(2026, 1, 1), "2026-2030"),
        (date(2030, 12, 31), "2026-2030"),
        (date(2031, 1, 1), None),
    ],
)
def test_the_next_period_is_the_first_that_is_not_closed(today: date, expected: str | None) -> None:
    found = next_period(PERIODS, today)
    assert (found.id if found else None) == expected


def told(found: Gate, status: str, following: Period | None = PERIODS[1]) -> dict[str, str]:
    words = message(found, plan_period="2026-2030", closes_on=CLOSES, status=status, following=following)
    assert words is not None
    return words


def test_every_state_says_what_it_means() -> None:
    assert told(Gate.CLOSING_SOON, "none") == {
        "vi": "Nhiệm vụ chưa được đề xuất vào kế hoạch đầu tư công trung hạn 2026-2030; kỳ kế hoạch sắp kết thúc ngày"
        " 31/12/2030.",
        "en": "The task is not yet proposed for the medium-term public investment plan 2026-2030, which closes soon,"
        " on 2030-12-31.",
    }
    assert told(Gate.FUNDED, "in_plan")["vi"].endswith("2026-2030, chưa được giao vốn.")
    assert told(Gate.FUNDED, "allocated")["en"].endswith("is allocated to the task.")
    assert told(Gate.MISSED, "none")["en"].endswith("It can still be proposed for 2026-2030.")
    assert told(Gate.MISSED, "none", None)["vi"].endswith("mà nhiệm vụ chưa có trong kế hoạch.")
    assert message(None, plan_period=None, closes_on=None, status="none", following=None) is None


def test_every_value_has_its_wording() -> None:
    assert set(STATUS_WORDING) == set(FundingStatus)
    assert set(GATE_WORDING) == set(Gate)
