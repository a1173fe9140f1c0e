"""What a report says, before it is drawn."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from reporting.indicators.links import Scope
from reporting.indicators.periods import between
from reporting.reports.document import evaluation
from reporting.reports.facts import (
    AgreementFacts,
    Brief,
    ClauseFacts,
    Issuer,
    Layout,
    Participant,
    PartyFacts,
    Signer,
    TaskFacts,
)
from reporting.reports.parts import EvaluationDocument, FigureTable, Paragraph
from reporting.reports.wording import parent_name
from shared.ids import new_id

AS_OF = datetime(2024, 12, 20, 9, tzinfo=UTC)
PERIOD = between(date(2024, 10, 18), date(2024, 12, 20))
PARTY_COMMITTEE = Issuer(
    "Ban Thường vụ Thành ủy Chí Linh",
    "standing_committee",
    "Ban Thường vụ Tỉnh ủy Hải Dương",
    "standing_committee",
    "Tỉnh Hải Dương",
)
PEOPLES_COMMITTEE = Issuer(
    "UBND thành phố Chí Linh", "peoples_committee", "UBND tỉnh Hải Dương", "peoples_committee", "Tỉnh Hải Dương"
)
NOBODY = Signer(None, None, None)
CLAUSES = (new_id(), new_id())
AGREEMENT = AgreementFacts(
    id=new_id(),
    title="Kế hoạch phối hợp phát triển du lịch",
    instrument="plan",
    number="12-KH/ThU",
    status="in_force",
    parent=parent_name("conclusion", "352-KL/TUQN-TUBG-TUHD", None, "ba Ban Thường vụ Tỉnh ủy"),
    in_force_on=date(2024, 10, 18),
    term_from=None,
    term_to=None,
    demonstration=False,
    parties=(
        PartyFacts(new_id(), "Thị ủy Kinh Môn", datetime(2024, 10, 18, 3, tzinfo=UTC)),
        PartyFacts(new_id(), "Thành ủy Chí Linh", None),
    ),
    clauses=(
        ClauseFacts(CLAUSES[0], 1, "Quảng bá du lịch", "du lịch"),
        ClauseFacts(CLAUSES[1], 2, "Tiêu thụ nông sản", "thương mại"),
    ),
)


def task(title: str, **values: object) -> TaskFacts:
    base = TaskFacts(
        id=new_id(),
        title=title,
        field="du lịch",
        status="in_progress",
        deliverable=None,
        due_on=date(2024, 12, 31),
        original_due_on=None,
        percent=20,
        completed_at=None,
        demonstration=False,
        clause_id=CLAUSES[0],
        lead_unit_id=UUID(int=1),
        lead_unit_name="Thành phố Chí Linh",
        lead_name="UBND thành phố Chí Linh",
    )
    return replace(base, **values)  # type: ignore[arg-type]


def report(
    *tasks: TaskFacts,
    issuer: Issuer = PARTY_COMMITTEE,
    layout: Layout = Layout.PARTY,
    number: str | None = "12",
    signer: Signer = NOBODY,
    agreement: AgreementFacts = AGREEMENT,
    as_of: datetime = AS_OF,
) -> EvaluationDocument:
    brief = Brief(layout, number, "Chí Linh", date(2024, 2, 5), PERIOD.label, PERIOD.first, PERIOD.last, as_of, signer)
    scope = Scope(as_of, PERIOD, {"agreement_id": str(agreement.id)})
    return evaluation(agreement, tasks, issuer, brief, link=scope.link, task_link=lambda i: f"/v1/tasks/{i}")


def text_of(document: EvaluationDocument, numeral: str) -> str:
    (section,) = [section for section in document.sections if section.numeral == numeral]
    return "\n".join(
        "".join(run.text for run in block.runs) if isinstance(block, Paragraph) else getattr(block, "text", "")
        for block in section.blocks
    )


def test_the_party_layout_names_the_committee_and_its_province() -> None:
    head = report().letterhead
    assert (head.superior, head.issuer) == ("ĐẢNG BỘ TỈNH HẢI DƯƠNG", "THÀNH ỦY CHÍ LINH")
    assert head.symbol == "Số 12-BC/ThU"
    assert report().signature.authority == "T/M BAN THƯỜNG VỤ"


def test_the_state_layout_names_the_body_and_the_one_above_it() -> None:
    head = report(issuer=PEOPLES_COMMITTEE, layout=Layout.STATE).letterhead
    assert (head.superior, head.issuer) == ("UBND TỈNH HẢI DƯƠNG", "ỦY BAN NHÂN DÂN THÀNH PHỐ CHÍ LINH")
    assert head.symbol == "Số: 12/BC-UBND"


def test_a_party_committee_is_not_the_body_above_a_peoples_committee() -> None:
    issuer = replace(PEOPLES_COMMITTEE, superior_name="Ban Thường vụ Tỉnh ủy", superior_kind="standing_committee")
    assert report(issuer=issuer, layout=Layout.STATE).letterhead.superior is None


def test_the_date_has_zeros_where_the_decree_wants_them() -> None:
    assert report().letterhead.place_and_date == "Chí Linh, ngày 05 tháng 02 năm 2024"


@pytest.mark.parametrize(
    ("number", "symbol"),
    [(None, "Số: ……/BC-UBND"), ("7", "Số: 07/BC-UBND"), ("120", "Số: 120/BC-UBND"), ("9/BC-X", "Số: 9/BC-X")],
)
def test_a_number_gets_its_symbol_and_a_missing_one_leaves_room(number: str | None, symbol: str) -> None:
    document = report(issuer=PEOPLES_COMMITTEE, layout=Layout.STATE, number=number)
    assert document.letterhead.symbol == symbol


@pytest.mark.parametrize(
    ("given", "shown"),
    [(None, "TM. ỦY BAN NHÂN DÂN"), ("TM.", "TM. ỦY BAN NHÂN DÂN"), ("kt. chủ tịch", "KT. CHỦ TỊCH")],
)
def test_the_signers_authority(given: str | None, shown: str) -> None:
    document = report(issuer=PEOPLES_COMMITTEE, layout=Layout.STATE, signer=Signer(given, "Phó Chủ tịch", "A"))
    assert document.signature.authority == shown
    assert document.signature.title == "PHÓ CHỦ TỊCH"


def test_a_report_has_the_four_sections_of_a_periodic_report() -> None:
    assert [section.numeral for section in report(task("A")).sections] == ["I", "II", "III", "IV"]


def test_only_the_state_closes_the_text_with_a_stroke() -> None:
    state = report(task("A"), issuer=PEOPLES_COMMITTEE, layout=Layout.STATE)
    assert text_of(state, "IV").endswith("./.")
    assert not text_of(report(task("A")), "IV").endswith("./.")


def test_every_number_of_tasks_links_to_its_tasks() -> None:
    document = report(
        task("Xong", status="completed", completed_at=datetime(2024, 12, 1, tzinfo=UTC)),
        task("Muộn", status="completed", due_on=date(2024, 11, 1), completed_at=datetime(2024, 12, 1, tzinfo=UTC)),
        task("Trễ", due_on=date(2024, 12, 1)),
        task("Không hạn", due_on=None),
    )
    assert {cell: figure.count for cell, figure in document.figures.items()} == {
        "total": 4,
        "completed": 2,
        "completed_on_time": 1,
        "completed_late": 1,
        "open": 2,
        "open_in_time": 1,
        "no_deadline": 1,
        "overdue": 1,
        "due": 3,
    }
    assert all(f"figure={cell}&" in figure.tasks for cell, figure in document.figures.items())
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, FigureTable):
                assert all(cell.tasks for row in block.rows for cell in row.cells)
            elif isinstance(block, Paragraph):
                assert all(run.tasks for run in block.runs if re.fullmatch(r"[\d.]+", run.text))


def test_rows_stand_in_the_order_of_the_vietnamese_alphabet() -> None:
    document = report(*(task("x", field=name) for name in ("đất đai", "du lịch", "ăn uống", "an ninh", "y tế")))
    table = next(block for block in document.sections[1].blocks if isinstance(block, FigureTable))
    assert [row.name for row in table.rows] == ["An ninh", "Ăn uống", "Du lịch", "Đất đai", "Y tế", "Tổng cộng"]
    assert [row.ordinal for row in document.annex.rows] == [1, 2, 3, 4, 5]


def test_numbers_and_rates_are_written_in_the_vietnamese_way() -> None:
    done = [task("x", status="completed", completed_at=AS_OF - timedelta(days=9)) for _ in range(1234)]
    document = report(*done, *(task("y", due_on=date(2024, 12, 1)) for _ in range(17)))
    assert "1.251" in text_of(document, "II")
    assert "98,64 %" in text_of(document, "II")


def test_a_cancelled_task_is_in_no_figure_and_not_in_the_annex() -> None:
    document = report(task("A"), task("B", status="cancelled"))
    assert document.figures["total"].count == 1
    assert [row.task for row in document.annex.rows] == ["A"]


def test_shortcomings_name_what_is_overdue_and_what_no_task_fulfils() -> None:
    document = report(
        task("Làm đường", due_on=date(2024, 12, 1), difficulties="thiếu vốn"),
        task(
            "Chờ",
            status="submitted",
            coordinating=(Participant("UBND Kinh Môn", None, None), Participant("UBND Sơn Động", None, AS_OF)),
        ),
    )
    said = text_of(document, "III")
    assert "Làm đường (chủ trì: UBND thành phố Chí Linh; thời hạn 01/12/2024; tiến độ 20 %)" in said
    assert "chưa được xác nhận bởi: UBND Kinh Môn." in said
    assert "1 điều khoản chưa được giao thành nhiệm vụ cụ thể: Tiêu thụ nông sản." in said
    assert "Thiếu vốn" in said


def test_a_signature_that_came_later_is_not_in_an_earlier_report() -> None:
    parties = tuple(replace(party, signed_at=datetime(2024, 10, 18, 3, tzinfo=UTC)) for party in AGREEMENT.parties)
    later = (replace(parties[0], signed_at=AS_OF + timedelta(days=1)), parties[1])
    assert "2/2 bên đã ký" in text_of(report(agreement=replace(AGREEMENT, parties=parties)), "I")
    assert "1/2 bên đã ký" in text_of(report(agreement=replace(AGREEMENT, parties=later)), "I")


def test_demonstration_data_is_marked_wherever_it_is_shown() -> None:
    document = report(task("A", demonstration=True, due_on=date(2024, 12, 1)), task("B"))
    assert document.demonstration is not None
    marked = {row.task: "(**)" in row.remark for row in document.annex.rows}
    assert marked == {"A": True, "B": False}
    assert "(**)" in text_of(document, "III")
    assert report(task("B")).demonstration is None


def test_a_moved_deadline_shows_the_first_one_too() -> None:
    (row,) = report(task("A", original_due_on=date(2024, 11, 1))).annex.rows
    assert "Thời hạn ban đầu 01/11/2024" in row.remark
    assert row.due == "31/12/2024"


def test_a_report_without_tasks_says_so_and_is_whole() -> None:
    document = report()
    assert document.figures["total"].count == 0
    assert document.annex.rows == []
    assert "chưa có nhiệm vụ đến hạn" in text_of(document, "II")
