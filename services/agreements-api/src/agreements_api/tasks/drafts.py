"""The next progress report, begun with what the last one said and for the official period that is due."""

from datetime import date
from uuid import UUID

from agreements_api.documents import repository as documents
from agreements_api.tasks import errors, reading_repository
from agreements_api.tasks.schemas import MOST_EVIDENCE, ReportDraft, ReportPeriod
from agreements_api.tasks.steps import Connection
from shared import clock
from shared.auth import Actor
from shared.calendar import official_period
from shared.events import LastReport

_IN_A_YEAR = {
    ReportPeriod.MONTH: 12,
    ReportPeriod.QUARTER: 4,
    ReportPeriod.HALF_YEAR: 2,
    ReportPeriod.NINE_MONTH: 1,
    ReportPeriod.YEAR: 1,
}
# What a task that comes again is reported of.
PERIOD_OF_FREQUENCY = {
    "monthly": ReportPeriod.MONTH,
    "quarterly": ReportPeriod.QUARTER,
    "half_yearly": ReportPeriod.HALF_YEAR,
    "yearly": ReportPeriod.YEAR,
}


async def draft(connection: Connection, actor: Actor, task_id: UUID, period: ReportPeriod | None) -> ReportDraft:
    """Without a period asked for, the one in which the task comes again, or else the month."""
    row = await reading_repository.reported(connection, actor.organization_id, task_id)
    if row is None:
        raise errors.TaskNotFound
    last = LastReport.model_validate_json(row["last_report"]) if row["last_report"] else None
    kind = period or PERIOD_OF_FREQUENCY.get(row["frequency"], ReportPeriod.MONTH)
    start, end = due_period(kind, clock.today(), last.period_end if last else None)
    reported_at = last.reported_at if last else None
    evidence = await documents.unreported(connection, actor.organization_id, task_id, reported_at, limit=MOST_EVIDENCE)
    return ReportDraft(
        task_id=task_id,
        period=kind,
        period_start=start,
        period_end=end,
        percent=last.percent if last else 0,
        narrative=last.narrative if last else None,
        difficulties=last.difficulties if last else None,
        carried_from=reported_at,
        evidence_ids=evidence,
    )


def due_period(kind: ReportPeriod, today: date, reported_until: date | None) -> tuple[date, date]:
    """The last official period that has ended or, where that is reported already, the one that ends next. Pure."""
    years = range(today.year - 1, today.year + 2)
    periods = [official_period(kind, year, at + 1) for year in years for at in range(_IN_A_YEAR[kind])]
    *_, ended = (period for period in periods if period[1] <= today)
    if reported_until is None or reported_until < ended[1]:
        return ended
    return next(period for period in periods if period[1] > today)
