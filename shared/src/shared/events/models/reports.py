"""Reports that somebody asked for."""

from datetime import date
from uuid import UUID

from shared.events.models.base import REPORTS, Event, EventModel


class ReportSnapshot(EventModel):
    id: UUID
    version: int
    agreement_id: UUID | None = None
    kind: str
    status: str
    requested_by: UUID | None = None
    organization_id: UUID | None = None
    period_start: date | None = None
    period_end: date | None = None
    as_of: date | None = None
    error: str | None = None


class ReportEvent(Event):
    topic = REPORTS
    source = "/reporting"
    subject_kind = "reports"
    report: ReportSnapshot

    @property
    def aggregate_id(self) -> UUID:
        return self.report.id

    @property
    def key(self) -> str:
        return str(self.report.agreement_id or self.report.id)


class ReportRequested(ReportEvent):
    type = "vn.lienvung.report.requested.v1"


class ReportReady(ReportEvent):
    type = "vn.lienvung.report.ready.v1"


class ReportFailed(ReportEvent):
    type = "vn.lienvung.report.failed.v1"
