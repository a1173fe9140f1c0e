"""What report jobs look like."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from reporting.indicators.periods import FIRST_DAY, LAST_DAY, PATTERN, PeriodKind
from reporting.indicators.service import Moment
from reporting.reports.facts import Layout
from reporting.reports.models import Progress, ReportFormat, ReportKind, ReportLanguage, ReportStatus
from shared.schemas import Line, Model

Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
PeriodText = Annotated[str, Field(pattern=PATTERN)]


class SignerCreate(Model):
    """Who signs: by what authority (TM., KT., TL., T/M), title and name. What is missing is left for the pen."""

    authority: Line | None = Field(default=None, examples=["TM. ỦY BAN NHÂN DÂN"])
    title: Line | None = Field(default=None, examples=["CHỦ TỊCH"])
    name: Line | None = Field(default=None, examples=["Nguyễn Văn A"])


class PeriodCreate(Model):
    """An official period by its parts (`kind`, `year`, `index`), or any days (`from`, `to`, both included)."""

    kind: PeriodKind | None = None
    year: int | None = Field(default=None, ge=FIRST_DAY.year, le=LAST_DAY.year)
    index: int = Field(default=1, ge=1, le=12)
    first: Day | None = Field(default=None, alias="from")
    last: Day | None = Field(default=None, alias="to")


def _parts(value: Any) -> Any:
    """`quarter:2024-4` in parts; what has another form is left for the model to refuse."""
    match = re.fullmatch(PATTERN, value) if isinstance(value, str) else None
    return match.groupdict(default="1") if match else value


Period = Annotated[PeriodCreate, BeforeValidator(_parts, json_schema_input_type=PeriodText | PeriodCreate)]


class ReportCreate(Model):
    """A report to be made."""

    kind: ReportKind = ReportKind.EVALUATION
    agreement_id: UUID
    period: Period | None = Field(
        default=None,
        description="An official period (`quarter:2024-4`) or days; from the day in force until the moment of the"
        " figures if not given.",
        examples=["quarter:2024-4"],
    )
    as_of: Moment | None = Field(
        default=None,
        description="Moment of the figures, or a day for its end; the end of the period, or now, if not given.",
    )
    layout: Layout = Layout.STATE
    format: ReportFormat = ReportFormat.PDF
    language: ReportLanguage = ReportLanguage.VIETNAMESE
    place: Line = Field(examples=["Chí Linh"])
    issued_on: Day | None = Field(default=None, description="Date on the document; today if not given.")
    signer: SignerCreate = SignerCreate()
    number: Line | None = Field(default=None, description="`12` or with its symbol, `12/BC-UBND`.", examples=["12"])


class ReportPeriodPublic(Model):
    """The days that the report is about, both included."""

    label: str
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")


class SignerPublic(Model):
    """Who signs."""

    authority: str | None
    title: str | None
    name: str | None


class RequesterPublic(Model):
    """Who asked for the report."""

    id: UUID
    name: str


class ReportPublic(Model):
    """A report job; `content` is there once it is ready."""

    id: UUID
    version: int
    kind: ReportKind
    status: ReportStatus
    progress: int = Field(ge=0, le=100, description="Percent.")
    agreement_id: UUID
    organization_id: UUID
    period: ReportPeriodPublic
    as_of: datetime = Field(description="Moment of the figures.")
    layout: Layout
    format: ReportFormat
    language: ReportLanguage
    place: str
    issued_on: date
    signer: SignerPublic
    number: str | None
    requested_by: RequesterPublic
    failure: str | None
    media_type: str | None
    size_bytes: int | None
    digest: str | None = Field(description="SHA-256 of the content.")
    content: str | None = Field(examples=["/v1/reports/0199…/content"])
    allowed_actions: list[Literal["cancel"]]
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class ProgressPublic(Model):
    """What a stream of a report's progress tells."""

    id: UUID
    version: int
    status: ReportStatus
    progress: int = Field(ge=0, le=100, description="Percent.")
    failure: str | None
    content: str | None

    @classmethod
    def of(cls, report_id: UUID, progress: Progress) -> "ProgressPublic":
        return cls(
            id=report_id,
            version=progress.version,
            status=progress.status,
            progress=progress.progress,
            failure=progress.failure,
            content=content_path(report_id) if progress.status is ReportStatus.READY else None,
        )


def content_path(report_id: UUID) -> str:
    """Where a finished report is read."""
    return f"/v1/reports/{report_id}/content"
