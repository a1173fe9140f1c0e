"""What comes due for an organisation: its deadlines with the days left and the alerts that will still fire."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from notifier.alerts.planning import Planner
from notifier.alerts.wording import subject_url, working_days_left
from notifier.deadlines.models import DeadlineSubject
from notifier.deadlines.schemas import DeadlinePublic, StepPublic
from shared.clock import day_of

# How far after a deadline (and after today) the steps to come are told of.
_TOLD_AHEAD = 15


def shown(row: Mapping[str, Any], planner: Planner, now: datetime) -> DeadlinePublic:
    """A deadline as its organisation sees it now."""
    subject = DeadlineSubject(row["subject_kind"])
    is_task = subject is DeadlineSubject.TASK
    return DeadlinePublic(
        subject_kind=subject,
        subject_url=row["path"] or subject_url(subject, row["task_id"]),
        task_id=row["task_id"] if is_task else row["about_task_id"],
        task_title=row["title"] if is_task or row["about_task_id"] else None,
        task_status=row["status"] if is_task else None,
        agreement_id=row["agreement_id"],
        agreement_title=row["agreement_title"],
        agreement_number=row["agreement_number"],
        lead_name=row["lead_name"] or None,
        role=row["role"],
        due_on=row["due_on"],
        revision=row["revision"],
        working_days_left=working_days_left(row["due_on"], day_of(now)),
        demonstration=row["demonstration"],
        steps=_coming(row, subject, planner, now),
    )


def last_day(planner: Planner, today: date, working_days: int) -> date:
    """The last day that lies within so many working days."""
    return planner.calendar.add_working_days(today, working_days)


def _coming(row: Mapping[str, Any], subject: DeadlineSubject, planner: Planner, now: datetime) -> list[StepPublic]:
    until = planner.calendar.add_working_days(max(row["due_on"], day_of(now)), _TOLD_AHEAD)
    return [
        StepPublic(step=step.name, kind=step.kind, audience=step.audience, fire_at=step.fire_at)
        for step in planner.steps(subject, row["due_on"], until=until)
        if step.fire_at > now and step.concerns(row["since"]) and step.audience.concerns(row["role"])
    ]
