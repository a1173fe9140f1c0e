"""What an evaluation report says: a document built from facts by pure rules, before any layout is drawn.

Sections follow the usual form of a periodic report on tasks: I. direction and conduct; II. results, by field and by
locality; III. limits, difficulties and causes; IV. tasks and measures for the time ahead; the annex holds the table of
tasks. Sentences state only what the facts hold; where there is no fact there is no sentence.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from reporting.indicators.figures import WORDING, Figures, FigureTimeliness, count, timeliness
from shared import clock
from shared.text import (
    format_date,
    format_long_date,
    format_number,
    format_percent,
    vietnamese_sort_key,
)


class Layout(StrEnum):
    """Whose official form the document takes."""

    STATE = "state"
    PARTY = "party"


INSTRUMENTS = {
    "conclusion": "Kết luận",
    "plan": "Kế hoạch phối hợp",
    "programme": "Chương trình",
    "regulation": "Quy chế phối hợp",
    "memorandum": "Biên bản ghi nhớ",
}
STATUSES = {
    "not_started": "Chưa thực hiện",
    "in_progress": "Đang thực hiện",
    "submitted": "Chờ xác nhận",
    "completed": "Hoàn thành",
    "suspended": "Tạm dừng",
    "cancelled": "Hủy bỏ",
}
DEMONSTRATION = "Dữ liệu minh họa"


@dataclass(frozen=True, slots=True)
class PartyFacts:
    organization_id: UUID
    name: str
    signed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClauseFacts:
    id: UUID
    ordinal: int
    heading: str
    field: str | None


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    id: UUID
    title: str
    instrument: str
    number: str | None
    status: str
    parent: str | None
    in_force_on: date | None
    term_from: date | None
    term_to: date | None
    demonstration: bool
    parties: tuple[PartyFacts, ...] = ()
    clauses: tuple[ClauseFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class Participant:
    name: str
    due_on: date | None
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class TaskFacts:
    id: UUID
    title: str
    field: str | None
    status: str
    deliverable: str | None
    due_on: date | None
    original_due_on: date | None
    percent: int
    completed_at: datetime | None
    demonstration: bool
    clause_id: UUID | None
    lead_unit_id: UUID | None
    lead_unit_name: str
    lead_name: str
    coordinating: tuple[Participant, ...] = ()
    narrative: str | None = None
    difficulties: str | None = None


@dataclass(frozen=True, slots=True)
class Issuer:
    """The organization that signs, as the register of organizations knows it."""

    name: str
    kind: str
    superior_name: str | None
    superior_kind: str | None
    province_name: str | None


@dataclass(frozen=True, slots=True)
class Signer:
    authority: str | None
    title: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Brief:
    """What the requester decided about the document."""

    layout: Layout
    number: str | None
    place: str
    issued_on: date
    period_label: str
    period_from: date
    period_to: date
    as_of: datetime
    signer: Signer


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


class Section(Part):
    numeral: str
    heading: str
    blocks: list[Paragraph | Heading | FigureTable]


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

# Builds the address that lists the tasks of a figure: (cell, extra filters) -> path.
Link = Callable[[str, dict[str, str]], str]
TaskLink = Callable[[UUID], str]


def evaluation(
    agreement: AgreementFacts,
    tasks: Iterable[TaskFacts],
    issuer: Issuer,
    brief: Brief,
    *,
    link: Link,
    task_link: TaskLink,
) -> EvaluationDocument:
    """The evaluation of one agreement over one period."""
    counted = [
        Counted(task, standing)
        for task in tasks
        if (standing := timeliness(task.status, task.due_on, task.completed_at, brief.as_of)) is not None
    ]
    counted.sort(key=_annex_order)
    figures = count(item.standing for item in counted)
    letterhead = _letterhead(issuer, brief)
    marked = agreement.demonstration or any(item.task.demonstration for item in counted)
    return EvaluationDocument(
        layout=brief.layout,
        letterhead=letterhead,
        title="BÁO CÁO",
        subject=_subject(agreement, brief),
        demonstration=f"({DEMONSTRATION}: số liệu đánh dấu (**) không phải số liệu chính thức)" if marked else None,
        sections=[
            Section(numeral="I", heading="CÔNG TÁC CHỈ ĐẠO, ĐIỀU HÀNH", blocks=_conduct(agreement, counted, brief)),
            Section(numeral="II", heading="KẾT QUẢ THỰC HIỆN", blocks=_results(counted, figures, link)),
            Section(
                numeral="III",
                heading="TỒN TẠI, HẠN CHẾ, KHÓ KHĂN, VƯỚNG MẮC VÀ NGUYÊN NHÂN",
                blocks=_shortcomings(agreement, counted, figures, link),
            ),
            Section(
                numeral="IV",
                heading="NHIỆM VỤ, GIẢI PHÁP THỜI GIAN TỚI; KIẾN NGHỊ, ĐỀ XUẤT",
                blocks=_ended(_ahead(agreement, counted, figures, link), brief.layout),
            ),
        ],
        recipients=_recipients(agreement, brief.layout),
        signature=_signature(issuer, brief),
        annex=Annex(
            title=f"Danh mục nhiệm vụ thực hiện {_name(agreement)}",
            reference=f"(Kèm theo Báo cáo số {_number(issuer, brief)} "
            f"ngày {format_date(brief.issued_on)} của {_body_name(issuer, brief.layout)})",
            columns=ANNEX_COLUMNS,
            rows=[_task_row(ordinal, item, task_link) for ordinal, item in enumerate(counted, start=1)],
        ),
        agreement_id=agreement.id,
        period_from=brief.period_from,
        period_to=brief.period_to,
        as_of=brief.as_of,
        figures={
            cell: Figure(count=number, tasks=link(cell, {}))
            for cell, number in (
                ("total", figures.total),
                ("completed", figures.completed),
                ("completed_on_time", figures.on_time),
                ("completed_late", figures.late),
                ("open", figures.open),
                ("open_in_time", figures.open_in_time),
                ("no_deadline", figures.no_deadline),
                ("overdue", figures.overdue),
                ("due", figures.due),
            )
        },
    )


@dataclass(frozen=True, slots=True)
class Counted:
    """A task with where it stands at the moment of the report."""

    task: TaskFacts
    standing: FigureTimeliness


def _annex_order(item: Counted) -> tuple[object, ...]:
    """By field, then by deadline (none last), then by title in the Vietnamese alphabet."""
    task = item.task
    return (
        vietnamese_sort_key(task.field or "\uffff"),
        task.due_on is None,
        task.due_on or date.max,
        vietnamese_sort_key(task.title),
        task.id,
    )


def parent_name(instrument: str | None, number: str | None, title: str | None, issued_by: str | None) -> str | None:
    """The instrument that the agreement rests on, as a sentence names it."""
    if not (number or title):
        return None
    kind = INSTRUMENTS.get(instrument or "", "Văn bản")
    name = f"{kind} số {number}" if number else (title or kind)
    return f"{name} của {issued_by}" if issued_by else name


def _name(agreement: AgreementFacts) -> str:
    """The agreement as a sentence names it: its kind once, its number where it has one."""
    kind = INSTRUMENTS.get(agreement.instrument, "Thỏa thuận hợp tác")
    title = agreement.title
    first_word = kind.split()[0].casefold()
    name = title if title.casefold().startswith(first_word) else f"{kind} {title[:1].lower()}{title[1:]}"
    return f"{name} (số {agreement.number})" if agreement.number and agreement.number not in name else name


def _subject(agreement: AgreementFacts, brief: Brief) -> str:
    # Decree 30 capitalises the subject after the title; the Party's form begins it in lower case.
    opening = "Kết quả thực hiện" if brief.layout is Layout.STATE else "kết quả thực hiện"
    return f"{opening} {_name(agreement)} ({brief.period_label})"


# --- head and foot -----------------------------------------------------------------------------------------------


def _body_name(issuer: Issuer, layout: Layout) -> str:
    """The body whose name stands at the head of the document.

    In the Party's form a standing committee writes under its committee's name and signs T/M BAN THƯỜNG VỤ.
    """
    name = issuer.name
    if layout is Layout.PARTY:
        for prefix in ("Ban Thường vụ ", "BTV "):
            if name.startswith(prefix):
                return name.removeprefix(prefix)
    for short, long in (("UBND ", "Ủy ban nhân dân "), ("HĐND ", "Hội đồng nhân dân ")):
        if name.startswith(short):
            return long + name.removeprefix(short)
    return name


def _letterhead(issuer: Issuer, brief: Brief) -> Letterhead:
    superior = _party_superior(issuer) if brief.layout is Layout.PARTY else _state_superior(issuer)
    return Letterhead(
        superior=superior.upper() if superior else None,
        issuer=_body_name(issuer, brief.layout).upper(),
        symbol=f"Số: {_number(issuer, brief)}" if brief.layout is Layout.STATE else f"Số {_number(issuer, brief)}",
        place_and_date=f"{brief.place}, {format_long_date(brief.issued_on)}",
    )


def _state_superior(issuer: Issuer) -> str | None:
    """The body directly above; a Party committee leads a People's Committee but is not the body above it."""
    return issuer.superior_name if issuer.superior_kind == issuer.kind else None


def _party_superior(issuer: Issuer) -> str | None:
    """A committee below the province names its province's Party organization above itself."""
    province = issuer.province_name
    if not province or _body_name(issuer, Layout.PARTY).casefold().startswith("tỉnh ủy"):
        return None
    if province.casefold().startswith(("tỉnh ", "thành phố ")):
        return f"Đảng bộ {province}"
    return f"Đảng bộ tỉnh {province}"


def _number(issuer: Issuer, brief: Brief) -> str:
    """Number and symbol; a report without a number yet leaves the room for the clerk to write it."""
    given = (brief.number or "").strip()
    if given and not given.isdigit():
        return given
    number = given.zfill(2) if given else "\u2026\u2026"
    if brief.layout is Layout.STATE:
        return f"{number}/BC-{_state_symbol(issuer)}"
    return f"{number}-BC/{_party_symbol(issuer)}"


def _state_symbol(issuer: Issuer) -> str:
    body = _body_name(issuer, Layout.STATE).casefold()
    if body.startswith("ủy ban nhân dân"):
        return "UBND"
    if body.startswith("hội đồng nhân dân"):
        return "HĐND"
    if body.startswith("ban thường vụ"):
        return "BTV"
    return "".join(word[0] for word in body.split()).upper()


def _party_symbol(issuer: Issuer) -> str:
    """Abbreviations of committees in the Party's numbering; town and provincial-city committees share one."""
    body = _body_name(issuer, Layout.PARTY).casefold()
    for prefix, symbol in (
        ("tỉnh ủy", "TU"),
        ("thành ủy", "ThU"),
        ("thị ủy", "ThU"),
        ("huyện ủy", "HU"),
        ("quận ủy", "QU"),
    ):
        if body.startswith(prefix):
            return symbol
    return "ĐU"


def _signature(issuer: Issuer, brief: Brief) -> SignatureBlock:
    default = "T/M BAN THƯỜNG VỤ"
    if brief.layout is Layout.STATE:
        body = _body_name(issuer, brief.layout)
        default = "TM. ỦY BAN NHÂN DÂN" if body.casefold().startswith("ủy ban nhân dân") else f"TM. {body.upper()}"
    return SignatureBlock(
        authority=_authority(brief.signer.authority, default),
        title=(brief.signer.title or "").upper(),
        name=brief.signer.name or "",
    )


def _authority(given: str | None, default: str) -> str:
    """The requester may give the whole line, or only the abbreviation that starts it."""
    text = (given or "").strip().upper()
    if not text or text.rstrip(".") in {"TM", "T/M"}:
        return default
    return text


def _recipients(agreement: AgreementFacts, layout: Layout) -> list[str]:
    parties = sorted((party.name for party in agreement.parties), key=vietnamese_sort_key)
    archive = "Lưu: VT." if layout is Layout.STATE else "Lưu Văn phòng."
    return [*(f"{name};" for name in dict.fromkeys(parties)), archive]


# --- I ------------------------------------------------------------------------------------------------------------


def _conduct(agreement: AgreementFacts, tasks: list[Counted], brief: Brief) -> list[Paragraph | Heading | FigureTable]:
    blocks: list[Paragraph | Heading | FigureTable] = []
    basis = f"{_sentence(_name(agreement))}"
    if agreement.parent:
        basis += f", căn cứ {agreement.parent},"
    if agreement.parties:
        basis += f" có {format_number(len(agreement.parties))} bên tham gia: {_list(p.name for p in agreement.parties)}"
    blocks.append(_text(basis.rstrip(",") + "."))
    signed = [p.signed_at for p in agreement.parties if p.signed_at is not None and p.signed_at <= brief.as_of]
    if signed:
        last = max(signed)
        text = f"Đến ngày {format_date(_day(last))} có {format_number(len(signed))}/"
        text += f"{format_number(len(agreement.parties))} bên đã ký"
        if agreement.in_force_on and agreement.in_force_on <= _day(brief.as_of):
            text += f"; có hiệu lực từ ngày {format_date(agreement.in_force_on)}"
        blocks.append(_text(text + "."))
    if agreement.term_from and agreement.term_to:
        blocks.append(
            _text(f"Thời gian thực hiện từ {format_date(agreement.term_from)} đến {format_date(agreement.term_to)}.")
        )
    if agreement.clauses:
        addressed = {item.task.clause_id for item in tasks}
        done = sum(clause.id in addressed for clause in agreement.clauses)
        blocks.append(
            _text(
                f"Nội dung đã ký gồm {format_number(len(agreement.clauses))} điều khoản, trong đó "
                f"{format_number(done)} điều khoản đã được cụ thể hóa thành "
                f"{format_number(sum(i.task.clause_id is not None for i in tasks))} nhiệm vụ, "
                "phân công rõ cơ quan chủ trì, cơ quan phối hợp."
            )
        )
    span = f"từ ngày {format_date(brief.period_from)} đến ngày {format_date(brief.period_to)}"
    period = span if brief.period_label == span else f"{brief.period_label}, {span}"
    blocks.append(_text(f"Kỳ báo cáo: {period}; số liệu tính đến {_moment(brief.as_of)}."))
    return blocks


# --- II -----------------------------------------------------------------------------------------------------------


def _results(tasks: list[Counted], figures: Figures, link: Link) -> list[Paragraph | Heading | FigureTable]:
    blocks: list[Paragraph | Heading | FigureTable] = [Heading(text="1. Kết quả chung")]

    def figure(value: int, cell: str) -> Run:
        return Run(text=format_number(value), tasks=link(cell, {}), bold=True)

    blocks.append(
        Paragraph(
            runs=[
                Run(text="Tổng số nhiệm vụ: "),
                figure(figures.total, "total"),
                Run(text="; trong đó đã hoàn thành "),
                figure(figures.completed, "completed"),
                Run(text=" (đúng hạn "),
                figure(figures.on_time, "completed_on_time"),
                Run(text=", quá hạn "),
                figure(figures.late, "completed_late"),
                Run(text="); chưa hoàn thành "),
                figure(figures.open, "open"),
                Run(text=" (trong hạn "),
                figure(figures.open_in_time, "open_in_time"),
                Run(text=", quá hạn "),
                figure(figures.overdue, "overdue"),
                Run(text=")."),
            ]
        )
    )
    if figures.no_deadline:
        blocks.append(
            Paragraph(
                runs=[
                    Run(text="Trong số nhiệm vụ trong hạn có "),
                    figure(figures.no_deadline, "no_deadline"),
                    Run(text=" nhiệm vụ không xác định thời hạn."),
                ]
            )
        )
    completed, on_time = figures.rate(figures.completed), figures.rate(figures.on_time)
    if completed is not None and on_time is not None:
        blocks.append(
            _text(
                f"Tỷ lệ hoàn thành trên số nhiệm vụ đến hạn ({format_number(figures.due)} nhiệm vụ): "
                f"{format_percent(completed)}; hoàn thành đúng hạn: {format_percent(on_time)}."
            )
        )
    else:
        blocks.append(_text("Trong kỳ chưa có nhiệm vụ đến hạn, nên chưa tính tỷ lệ hoàn thành."))
    blocks.append(Heading(text="2. Kết quả theo lĩnh vực"))
    blocks.append(_figure_table("Lĩnh vực", tasks, _field, "field", link))
    blocks.extend(_achievements(tasks))
    blocks.append(Heading(text="3. Kết quả theo địa phương chủ trì"))
    blocks.append(_figure_table("Địa phương", tasks, _locality, "locality", link))
    blocks.append(_text("(*) Tính trên số nhiệm vụ đến hạn. Danh mục nhiệm vụ tại Phụ lục kèm theo."))
    return blocks


def _field(task: TaskFacts) -> tuple[str, str]:
    return task.field or "", _sentence(task.field or "Chưa phân lĩnh vực")


def _locality(task: TaskFacts) -> tuple[str, str]:
    return str(task.lead_unit_id or ""), task.lead_unit_name


def _figure_table(
    caption: str, tasks: list[Counted], key: Callable[[TaskFacts], tuple[str, str]], parameter: str, link: Link
) -> FigureTable:
    groups: dict[tuple[str, str], list[FigureTimeliness]] = {}
    for item in tasks:
        groups.setdefault(key(item.task), []).append(item.standing)
    rows = [
        FigureRow(name=name, cells=_cells(count(standings), link, {parameter: identity}))
        for (identity, name), standings in sorted(groups.items(), key=lambda g: vietnamese_sort_key(g[0][1]))
    ]
    everything = count(item.standing for item in tasks)
    rows.append(FigureRow(name="Tổng cộng", cells=_cells(everything, link, {}), total=True))
    return FigureTable(caption=caption, columns=FIGURE_COLUMNS, rows=rows)


def _cells(figures: Figures, link: Link, filters: dict[str, str]) -> list[Run]:
    share = figures.rate(figures.completed)
    return [
        Run(text=format_number(figures.total), tasks=link("total", filters)),
        Run(text=format_number(figures.on_time), tasks=link("completed_on_time", filters)),
        Run(text=format_number(figures.late), tasks=link("completed_late", filters)),
        Run(text=format_number(figures.open_in_time), tasks=link("open_in_time", filters)),
        Run(text=format_number(figures.overdue), tasks=link("overdue", filters)),
        Run(text="–" if share is None else format_percent(share), tasks=link("due", filters)),
    ]


def _achievements(tasks: list[Counted]) -> list[Paragraph | Heading | FigureTable]:
    """What was done, in the words of the last progress report of each completed task."""
    blocks: list[Paragraph | Heading | FigureTable] = []
    for item in tasks:
        task = item.task
        if task.status != "completed":
            continue
        text = f"- Đã hoàn thành: {task.title}"
        if task.completed_at:
            text += f" (ngày {format_date(_day(task.completed_at))})"
        if task.narrative:
            text += f". {_sentence(task.narrative).rstrip('.')}"
        blocks.append(_text(f"{text}.{' (**)' if task.demonstration else ''}"))
    return blocks


# --- III ----------------------------------------------------------------------------------------------------------


def _shortcomings(
    agreement: AgreementFacts, tasks: list[Counted], figures: Figures, link: Link
) -> list[Paragraph | Heading | FigureTable]:
    blocks: list[Paragraph | Heading | FigureTable] = [Heading(text="1. Tồn tại, hạn chế")]
    before = len(blocks)
    if figures.overdue:
        blocks.append(
            Paragraph(
                runs=[
                    Run(text="Còn "),
                    Run(text=format_number(figures.overdue), tasks=link("overdue", {}), bold=True),
                    Run(text=" nhiệm vụ quá hạn chưa hoàn thành:"),
                ]
            )
        )
        blocks.extend(
            _text(
                f"- {item.task.title} (chủ trì: {item.task.lead_name}; thời hạn {format_date(item.task.due_on)}; "
                f"tiến độ {format_percent(item.task.percent / 100)}).{' (**)' if item.task.demonstration else ''}"
            )
            for item in tasks
            if item.standing is FigureTimeliness.OVERDUE and item.task.due_on
        )
    if figures.late:
        blocks.append(
            Paragraph(
                runs=[
                    Run(text="Có "),
                    Run(text=format_number(figures.late), tasks=link("completed_late", {}), bold=True),
                    Run(text=" nhiệm vụ hoàn thành sau thời hạn."),
                ]
            )
        )
    waiting = [item for item in tasks if item.task.status == "submitted"]
    if waiting:
        names = _list(p.name for item in waiting for p in item.task.coordinating if p.confirmed_at is None)
        text = (
            f"Có {format_number(len(waiting))} nhiệm vụ cơ quan chủ trì đã báo cáo hoàn thành nhưng chưa được xác nhận"
        )
        blocks.append(_text(f"{text}{f' bởi: {names}' if names else ''}."))
    addressed = {item.task.clause_id for item in tasks}
    idle = [clause for clause in agreement.clauses if clause.id not in addressed]
    if idle:
        headings = "; ".join(clause.heading for clause in idle)
        blocks.append(
            _text(f"Còn {format_number(len(idle))} điều khoản chưa được giao thành nhiệm vụ cụ thể: {headings}.")
        )
    if len(blocks) == before:
        blocks.append(_text("Trong kỳ không có nhiệm vụ quá hạn hoặc hoàn thành muộn."))
    blocks.append(Heading(text="2. Khó khăn, vướng mắc và nguyên nhân"))
    reported = [item for item in tasks if item.task.difficulties]
    blocks.extend(
        _text(
            f"- {item.task.lead_name}: {_sentence(item.task.difficulties or '').rstrip('.')} "
            f"(nhiệm vụ: {item.task.title}).{' (**)' if item.task.demonstration else ''}"
        )
        for item in reported
    )
    if not reported:
        blocks.append(_text("Các cơ quan chủ trì không nêu khó khăn, vướng mắc trong báo cáo tiến độ."))
    return blocks


# --- IV -----------------------------------------------------------------------------------------------------------


def _ahead(
    agreement: AgreementFacts, tasks: list[Counted], figures: Figures, link: Link
) -> list[Paragraph | Heading | FigureTable]:
    blocks: list[Paragraph | Heading | FigureTable] = [Heading(text="1. Nhiệm vụ, giải pháp thời gian tới")]
    if figures.overdue:
        blocks.append(
            Paragraph(
                runs=[
                    Run(text="Tập trung hoàn thành dứt điểm "),
                    Run(text=format_number(figures.overdue), tasks=link("overdue", {}), bold=True),
                    Run(text=" nhiệm vụ đã quá hạn."),
                ]
            )
        )
    coming = [item for item in tasks if item.standing is FigureTimeliness.IN_TIME and item.task.due_on]
    coming.sort(key=lambda item: (item.task.due_on or date.max, vietnamese_sort_key(item.task.title)))
    if coming:
        blocks.append(
            Paragraph(
                runs=[
                    Run(text="Tiếp tục thực hiện "),
                    Run(text=format_number(len(coming)), tasks=link("in_time", {}), bold=True),
                    Run(text=" nhiệm vụ trong hạn:"),
                ]
            )
        )
        for item in coming:
            assert item.task.due_on is not None
            blocks.append(
                _text(
                    f"- {item.task.title} (chủ trì: {item.task.lead_name}; thời hạn "
                    f"{format_date(item.task.due_on)}).{' (**)' if item.task.demonstration else ''}"
                )
            )
    if not figures.open:
        blocks.append(_text("Các nhiệm vụ đã giao trong kỳ đều đã hoàn thành."))
    blocks.append(Heading(text="2. Kiến nghị, đề xuất"))
    before = len(blocks)
    if figures.no_deadline:
        blocks.append(
            Paragraph(
                runs=[
                    Run(text="Đề nghị các bên thống nhất thời hạn hoàn thành cho "),
                    Run(text=format_number(figures.no_deadline), tasks=link("no_deadline", {}), bold=True),
                    Run(text=" nhiệm vụ chưa xác định thời hạn."),
                ]
            )
        )
    addressed = {item.task.clause_id for item in tasks}
    idle = [clause for clause in agreement.clauses if clause.id not in addressed]
    if idle:
        blocks.append(
            _text(f"Đề nghị các bên giao nhiệm vụ cụ thể cho {format_number(len(idle))} điều khoản nêu tại mục III.")
        )
    if len(blocks) == before:
        blocks.append(_text("Chưa ghi nhận kiến nghị, đề xuất."))
    return blocks


def _ended(blocks: list[Paragraph | Heading | FigureTable], layout: Layout) -> list[Paragraph | Heading | FigureTable]:
    """The State's form closes the text with "./.", so that nothing can be added to it."""
    last = blocks[-1]
    if layout is Layout.PARTY or not isinstance(last, Paragraph):
        return blocks
    end = last.runs[-1]
    closed = end.model_copy(update={"text": f"{end.text.rstrip('.')}./."})
    return [*blocks[:-1], Paragraph(runs=[*last.runs[:-1], closed])]


# --- annex --------------------------------------------------------------------------------------------------------


def _task_row(ordinal: int, item: Counted, task_link: TaskLink) -> TaskRow:
    task = item.task
    remarks: list[str] = []
    if task.original_due_on and task.due_on and task.original_due_on != task.due_on:
        remarks.append(f"Thời hạn ban đầu {format_date(task.original_due_on)}")
    if task.completed_at:
        remarks.append(f"Hoàn thành ngày {format_date(_day(task.completed_at))}")
    if task.status == "submitted":
        confirmed = sum(p.confirmed_at is not None for p in task.coordinating)
        if task.coordinating:
            remarks.append(f"Đã xác nhận {confirmed}/{len(task.coordinating)}")
    if task.demonstration:
        remarks.append(f"(**) {DEMONSTRATION}")
    standing = WORDING[item.standing]["vi"]
    status = STATUSES[task.status]
    return TaskRow(
        ordinal=ordinal,
        id=task.id,
        task=task.title,
        lead=task.lead_name,
        coordinating="; ".join(p.name for p in task.coordinating),
        due=format_date(task.due_on) if task.due_on else "Không xác định",
        product=task.deliverable or "",
        # A completed task's standing already says that it is completed.
        status=standing if task.status == "completed" else f"{status} ({task.percent}%), {standing.lower()}",
        remark="; ".join(remarks),
        timeliness=item.standing,
        demonstration=task.demonstration,
        link=task_link(task.id),
    )


# --- wording ------------------------------------------------------------------------------------------------------


def _text(text: str) -> Paragraph:
    return Paragraph(runs=[Run(text=text)])


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(dict.fromkeys(names), key=vietnamese_sort_key))


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:]


def _day(moment: datetime) -> date:
    return moment.astimezone(clock.VN_TZ).date()


def _moment(moment: datetime) -> str:
    local = moment.astimezone(clock.VN_TZ)
    return f"{local:%H} giờ {local:%M} ngày {format_date(local.date())}"
