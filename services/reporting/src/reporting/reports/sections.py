"""What the four sections of an evaluation report say.

Sentences state only what the facts hold; where there is no fact there is no sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from reporting.indicators.figures import Figures, FigureTimeliness, count
from reporting.reports.facts import AgreementFacts, Brief, ClauseFacts, Layout, TaskFacts
from reporting.reports.parts import FIGURE_COLUMNS, Block, FigureRow, FigureTable, Heading, Paragraph, Run
from reporting.reports.wording import day_of, listed, moment_of, name_of, paragraph, sentence
from shared.text import format_date, format_number, format_percent, vietnamese_sort_key

# Builds the address that lists the tasks of a figure: (cell, extra filters) -> path.
Link = Callable[[str, dict[str, str]], str]


@dataclass(frozen=True, slots=True)
class Counted:
    """A task with where it stands at the moment of the report."""

    task: TaskFacts
    standing: FigureTimeliness


def conduct(agreement: AgreementFacts, tasks: list[Counted], brief: Brief) -> list[Block]:
    blocks: list[Block] = []
    basis = f"{sentence(name_of(agreement))}"
    if agreement.parent:
        basis += f", căn cứ {agreement.parent},"
    if agreement.parties:
        basis += (
            f" có {format_number(len(agreement.parties))} bên tham gia: {listed(p.name for p in agreement.parties)}"
        )
    blocks.append(paragraph(basis.rstrip(",") + "."))
    signed = [p.signed_at for p in agreement.parties if p.signed_at is not None and p.signed_at <= brief.as_of]
    if signed:
        last = max(signed)
        text = f"Đến ngày {format_date(day_of(last))} có {format_number(len(signed))}/"
        text += f"{format_number(len(agreement.parties))} bên đã ký"
        if agreement.in_force_on and agreement.in_force_on <= day_of(brief.as_of):
            text += f"; có hiệu lực từ ngày {format_date(agreement.in_force_on)}"
        blocks.append(paragraph(text + "."))
    if agreement.term_from and agreement.term_to:
        blocks.append(
            paragraph(
                f"Thời gian thực hiện từ {format_date(agreement.term_from)} đến {format_date(agreement.term_to)}."
            )
        )
    if agreement.clauses:
        addressed = {item.task.clause_id for item in tasks}
        done = sum(clause.id in addressed for clause in agreement.clauses)
        blocks.append(
            paragraph(
                f"Nội dung đã ký gồm {format_number(len(agreement.clauses))} điều khoản, trong đó "
                f"{format_number(done)} điều khoản đã được cụ thể hóa thành "
                f"{format_number(sum(i.task.clause_id is not None for i in tasks))} nhiệm vụ, "
                "phân công rõ cơ quan chủ trì, cơ quan phối hợp."
            )
        )
    span = f"từ ngày {format_date(brief.period_from)} đến ngày {format_date(brief.period_to)}"
    period = span if brief.period_label == span else f"{brief.period_label}, {span}"
    blocks.append(paragraph(f"Kỳ báo cáo: {period}; số liệu tính đến {moment_of(brief.as_of)}."))
    return blocks


def results(tasks: list[Counted], figures: Figures, link: Link) -> list[Block]:
    blocks: list[Block] = [Heading(text="1. Kết quả chung")]
    blocks.append(
        _with_numbers(
            link,
            "Tổng số nhiệm vụ: ",
            (figures.total, "total"),
            "; trong đó đã hoàn thành ",
            (figures.completed, "completed"),
            " (đúng hạn ",
            (figures.on_time, "completed_on_time"),
            ", quá hạn ",
            (figures.late, "completed_late"),
            "); chưa hoàn thành ",
            (figures.open, "open"),
            " (trong hạn ",
            (figures.open_in_time, "open_in_time"),
            ", quá hạn ",
            (figures.overdue, "overdue"),
            ").",
        )
    )
    if figures.no_deadline:
        blocks.append(
            _with_numbers(
                link,
                "Trong số nhiệm vụ trong hạn có ",
                (figures.no_deadline, "no_deadline"),
                " nhiệm vụ không xác định thời hạn.",
            )
        )
    completed, on_time = figures.rate(figures.completed), figures.rate(figures.on_time)
    if completed is not None and on_time is not None:
        blocks.append(
            paragraph(
                f"Tỷ lệ hoàn thành trên số nhiệm vụ đến hạn ({format_number(figures.due)} nhiệm vụ): "
                f"{format_percent(completed)}; hoàn thành đúng hạn: {format_percent(on_time)}."
            )
        )
    else:
        blocks.append(paragraph("Trong kỳ chưa có nhiệm vụ đến hạn, nên chưa tính tỷ lệ hoàn thành."))
    blocks.append(Heading(text="2. Kết quả theo lĩnh vực"))
    blocks.append(_figure_table("Lĩnh vực", tasks, _field, "field", link))
    blocks.extend(_achievements(tasks))
    blocks.append(Heading(text="3. Kết quả theo địa phương chủ trì"))
    blocks.append(_figure_table("Địa phương", tasks, _locality, "locality", link))
    blocks.append(paragraph("(*) Tính trên số nhiệm vụ đến hạn. Danh mục nhiệm vụ tại Phụ lục kèm theo."))
    return blocks


def _field(task: TaskFacts) -> tuple[str, str]:
    return task.field or "", sentence(task.field or "Chưa phân lĩnh vực")


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


def _achievements(tasks: list[Counted]) -> list[Block]:
    """What was done, in the words of the last progress report of each completed task."""
    blocks: list[Block] = []
    for item in tasks:
        task = item.task
        if task.status != "completed":
            continue
        text = f"- Đã hoàn thành: {task.title}"
        if task.completed_at:
            text += f" (ngày {format_date(day_of(task.completed_at))})"
        if task.narrative:
            text += f". {sentence(task.narrative).rstrip('.')}"
        blocks.append(paragraph(f"{text}.{_mark(task)}"))
    return blocks


def shortcomings(agreement: AgreementFacts, tasks: list[Counted], figures: Figures, link: Link) -> list[Block]:
    blocks: list[Block] = [Heading(text="1. Tồn tại, hạn chế")]
    before = len(blocks)
    if figures.overdue:
        blocks.append(_with_numbers(link, "Còn ", (figures.overdue, "overdue"), " nhiệm vụ quá hạn chưa hoàn thành:"))
        blocks.extend(
            paragraph(
                f"- {item.task.title} (chủ trì: {item.task.lead_name}; thời hạn {format_date(item.task.due_on)}; "
                f"tiến độ {format_percent(item.task.percent / 100)}).{_mark(item.task)}"
            )
            for item in tasks
            if item.standing is FigureTimeliness.OVERDUE and item.task.due_on
        )
    if figures.late:
        blocks.append(
            _with_numbers(link, "Có ", (figures.late, "completed_late"), " nhiệm vụ hoàn thành sau thời hạn.")
        )
    waiting = [item for item in tasks if item.task.status == "submitted"]
    if waiting:
        names = listed(p.name for item in waiting for p in item.task.coordinating if p.confirmed_at is None)
        text = (
            f"Có {format_number(len(waiting))} nhiệm vụ cơ quan chủ trì đã báo cáo hoàn thành nhưng chưa được xác nhận"
        )
        blocks.append(paragraph(f"{text}{f' bởi: {names}' if names else ''}."))
    idle = _without_tasks(agreement, tasks)
    if idle:
        headings = "; ".join(clause.heading for clause in idle)
        blocks.append(
            paragraph(f"Còn {format_number(len(idle))} điều khoản chưa được giao thành nhiệm vụ cụ thể: {headings}.")
        )
    if len(blocks) == before:
        blocks.append(paragraph("Trong kỳ không có nhiệm vụ quá hạn hoặc hoàn thành muộn."))
    blocks.append(Heading(text="2. Khó khăn, vướng mắc và nguyên nhân"))
    reported = [item for item in tasks if item.task.difficulties]
    blocks.extend(
        paragraph(
            f"- {item.task.lead_name}: {sentence(item.task.difficulties or '').rstrip('.')} "
            f"(nhiệm vụ: {item.task.title}).{_mark(item.task)}"
        )
        for item in reported
    )
    if not reported:
        blocks.append(paragraph("Các cơ quan chủ trì không nêu khó khăn, vướng mắc trong báo cáo tiến độ."))
    return blocks


def _without_tasks(agreement: AgreementFacts, tasks: list[Counted]) -> list[ClauseFacts]:
    addressed = {item.task.clause_id for item in tasks}
    return [clause for clause in agreement.clauses if clause.id not in addressed]


def ahead(agreement: AgreementFacts, tasks: list[Counted], figures: Figures, link: Link) -> list[Block]:
    blocks: list[Block] = [Heading(text="1. Nhiệm vụ, giải pháp thời gian tới")]
    if figures.overdue:
        blocks.append(
            _with_numbers(link, "Tập trung hoàn thành dứt điểm ", (figures.overdue, "overdue"), " nhiệm vụ đã quá hạn.")
        )
    coming = [item for item in tasks if item.standing is FigureTimeliness.IN_TIME and item.task.due_on]
    coming.sort(key=lambda item: (item.task.due_on or date.max, vietnamese_sort_key(item.task.title)))
    if coming:
        blocks.append(_with_numbers(link, "Tiếp tục thực hiện ", (len(coming), "in_time"), " nhiệm vụ trong hạn:"))
        for item in coming:
            assert item.task.due_on is not None
            blocks.append(
                paragraph(
                    f"- {item.task.title} (chủ trì: {item.task.lead_name}; thời hạn "
                    f"{format_date(item.task.due_on)}).{_mark(item.task)}"
                )
            )
    if not figures.open:
        blocks.append(paragraph("Các nhiệm vụ đã giao trong kỳ đều đã hoàn thành."))
    blocks.append(Heading(text="2. Kiến nghị, đề xuất"))
    before = len(blocks)
    if figures.no_deadline:
        blocks.append(
            _with_numbers(
                link,
                "Đề nghị các bên thống nhất thời hạn hoàn thành cho ",
                (figures.no_deadline, "no_deadline"),
                " nhiệm vụ chưa xác định thời hạn.",
            )
        )
    idle = _without_tasks(agreement, tasks)
    if idle:
        blocks.append(
            paragraph(
                f"Đề nghị các bên giao nhiệm vụ cụ thể cho {format_number(len(idle))} điều khoản nêu tại mục III."
            )
        )
    if len(blocks) == before:
        blocks.append(paragraph("Chưa ghi nhận kiến nghị, đề xuất."))
    return blocks


def ended(blocks: list[Block], layout: Layout) -> list[Block]:
    """The State's form closes the text with "./.", so that nothing can be added to it."""
    last = blocks[-1]
    if layout is Layout.PARTY or not isinstance(last, Paragraph):
        return blocks
    end = last.runs[-1]
    closed = end.model_copy(update={"text": f"{end.text.rstrip('.')}./."})
    return [*blocks[:-1], Paragraph(runs=[*last.runs[:-1], closed])]


def _with_numbers(link: Link, *pieces: str | tuple[int, str]) -> Paragraph:
    """A sentence of words and of numbers of tasks, each with the cell whose tasks its link lists."""
    return Paragraph(
        runs=[
            Run(text=piece)
            if isinstance(piece, str)
            else Run(text=format_number(piece[0]), tasks=link(piece[1], {}), bold=True)
            for piece in pieces
        ]
    )


def _mark(task: TaskFacts) -> str:
    """What stands behind data that is none of a real place."""
    return " (**)" if task.demonstration else ""
