"""The parts of an evaluation report, before any layout is drawn; the JSON format is these."""

from datetime import date, datetime
from typing import Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from reporting.indicators.figures import FigureTimeliness
from reporting.reports.facts import Layout

FIGURE_COLUMNS = [
    "Tổng số",
    "Hoàn thành đúng hạn",
    "Hoàn thành quá hạn",
    "Trong hạn",
    "Quá hạn",
    "Tỷ lệ hoàn thành (*)",
]
ANNEX_COLUMNS = [
    "STT",
    "Nội dung nhiệm vụ",
    "Cơ quan chủ trì",
    "Cơ quan phối hợp",
    "Thời hạn hoàn thành",
    "Sản phẩm",
    "Tiến độ",
    "Ghi chú",
]


class Part(BaseModel):
    """One part of the document."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Run(Part):
    """A piece of text in one style; `tasks` is the link that lists the tasks behind a figure."""

    text: str
    tasks: str | None = None
    bold: bool = False


class Figure(Part):
    """A number of tasks and the link that lists them."""

    count: int
    tasks: str


class Paragraph(Part):
    type: Literal["paragraph"] = "paragraph"
    runs: list[Run]


class Heading(Part):
    type: Literal["heading"] = "heading"
    text: str


class FigureRow(Part):
    """One row of a table of figures, its cells in the order of `FIGURE_COLUMNS`."""

    name: str
    cells: list[Run]
    total: bool = False


class FigureTable(Part):
    type: Literal["figures"] = "figures"
    caption: str
    columns: list[str]
    rows: list[FigureRow]


Block: TypeAlias = Paragraph | Heading | FigureTable


class Section(Part):
    numeral: str
    heading: str
    blocks: list[Block]


class Letterhead(Part):
    superior: str | None
    issuer: str
    symbol: str
    place_and_date: str


class SignatureBlock(Part):
    authority: str
    title: str
    name: str


class TaskRow(Part):
    """One row of the annex; `link` reads the task."""

    ordinal: int
    id: UUID
    task: str
    lead: str
    coordinating: str
    due: str
    product: str
    status: str
    remark: str
    timeliness: FigureTimeliness
    demonstration: bool
    link: str


class Annex(Part):
    title: str
    reference: str
    columns: list[str]
    rows: list[TaskRow]


class EvaluationDocument(Part):
    """The whole report; the JSON format is this, and both PDF layouts are drawn from it."""

    kind: Literal["evaluation"] = "evaluation"
    layout: Layout
    language: Literal["vi"] = "vi"
    letterhead: Letterhead
    title: str
    subject: str
    demonstration: str | None
    sections: list[Section]
    recipients: list[str]
    signature: SignatureBlock
    annex: Annex
    agreement_id: UUID
    period_from: date
    period_to: date
    as_of: datetime
    figures: dict[str, Figure]
