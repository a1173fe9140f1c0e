"""What an evaluation report says: a document built from facts by pure rules, before any layout is drawn.

Sections follow the usual form of a periodic report on tasks: I. direction and conduct; II. results, by field and by
locality; III. limits, difficulties and causes; IV. tasks and measures for the time ahead; the annex holds the table of
tasks.
"""

from collections.abc import Callable, Iterable
from datetime import date
from uuid import UUID

from reporting.indicators.figures import WORDING, count, timeliness
from reporting.reports.facts import AgreementFacts, Brief, Issuer, Layout, TaskFacts
from reporting.reports.letterhead import body_name, letterhead, number, recipients, signature
from reporting.reports.parts import ANNEX_COLUMNS, Annex, EvaluationDocument, Figure, Section, TaskRow
from reporting.reports.sections import Counted, Link, ahead, conduct, ended, results, shortcomings
from reporting.reports.wording import DEMONSTRATION, STATUSES, day_of, name_of
from shared.text import format_date, vietnamese_sort_key

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
    marked = agreement.demonstration or any(item.task.demonstration for item in counted)
    return EvaluationDocument(
        layout=brief.layout,
        letterhead=letterhead(issuer, brief),
        title="BÁO CÁO",
        subject=_subject(agreement, brief),
        demonstration=f"({DEMONSTRATION}: số liệu đánh dấu (**) không phải số liệu chính thức)" if marked else None,
        sections=[
            Section(numeral="I", heading="CÔNG TÁC CHỈ ĐẠO, ĐIỀU HÀNH", blocks=conduct(agreement, counted, brief)),
            Section(numeral="II", heading="KẾT QUẢ THỰC HIỆN", blocks=results(counted, figures, link)),
            Section(
                numeral="III",
                heading="TỒN TẠI, HẠN CHẾ, KHÓ KHĂN, VƯỚNG MẮC VÀ NGUYÊN NHÂN",
                blocks=shortcomings(agreement, counted, figures, link),
            ),
            Section(
                numeral="IV",
                heading="NHIỆM VỤ, GIẢI PHÁP THỜI GIAN TỚI; KIẾN NGHỊ, ĐỀ XUẤT",
                blocks=ended(ahead(agreement, counted, figures, link), brief.layout),
            ),
        ],
        recipients=recipients(agreement, brief.layout),
        signature=signature(issuer, brief),
        annex=Annex(
            title=f"Danh mục nhiệm vụ thực hiện {name_of(agreement)}",
            reference=f"(Kèm theo Báo cáo số {number(issuer, brief)} "
            f"ngày {format_date(brief.issued_on)} của {body_name(issuer, brief.layout)})",
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


def _subject(agreement: AgreementFacts, brief: Brief) -> str:
    # Decree 30 capitalises the subject after the title; the Party's form begins it in lower case.
    opening = "Kết quả thực hiện" if brief.layout is Layout.STATE else "kết quả thực hiện"
    return f"{opening} {name_of(agreement)} ({brief.period_label})"


def _task_row(ordinal: int, item: Counted, task_link: TaskLink) -> TaskRow:
    task = item.task
    remarks: list[str] = []
    if task.original_due_on and task.due_on and task.original_due_on != task.due_on:
        remarks.append(f"Thời hạn ban đầu {format_date(task.original_due_on)}")
    if task.completed_at:
        remarks.append(f"Hoàn thành ngày {format_date(day_of(task.completed_at))}")
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
