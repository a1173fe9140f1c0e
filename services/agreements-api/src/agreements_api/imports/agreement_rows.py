"""Rows of a table as drafts of agreements: the same request for each that a client would send."""

from collections.abc import Mapping

from agreements_api.agreements.models import INSTRUMENT_WORDING, Instrument
from agreements_api.agreements.schemas import AgreementCreate, ClauseCreate, PartyCreate
from agreements_api.imports.columns import AGREEMENT_COLUMNS
from agreements_api.imports.directory import Directory
from agreements_api.imports.findings import Findings
from agreements_api.imports.rows import Cells
from agreements_api.imports.table import RawRow
from agreements_api.imports.values import NotUnderstood, shortened
from shared.text import fold

_HEADERS = {column.key: column.header for column in AGREEMENT_COLUMNS}
# What people call the kinds of documents beside their full names; folded.
INSTRUMENTS: Mapping[str, Instrument] = {
    **{fold(wording): instrument for instrument, wording in INSTRUMENT_WORDING.items()},
    **{instrument.value: instrument for instrument in Instrument},
    "ke hoach": Instrument.PLAN,
    "kh": Instrument.PLAN,
    "kl": Instrument.CONCLUSION,
    "chuong trinh hop tac": Instrument.PROGRAMME,
    "chuong trinh phoi hop": Instrument.PROGRAMME,
    "ctr": Instrument.PROGRAMME,
    "quy che": Instrument.REGULATION,
    "bien ban": Instrument.MEMORANDUM,
    "bien ban thoa thuan": Instrument.MEMORANDUM,
    "ban ghi nho": Instrument.MEMORANDUM,
    "thoa thuan hop tac": Instrument.AGREEMENT,
}


def read_agreement(
    row: RawRow, findings: Findings, directory: Directory, *, demonstration: bool
) -> AgreementCreate | None:
    """The draft of a row; none where it is none or something in it is wrong."""
    cells = Cells(row, findings)
    if cells.is_example() or cells.is_group():
        return None
    cells.require("title", _HEADERS["title"])
    cells.require("instrument", _HEADERS["instrument"])
    return cells.build(
        AgreementCreate,
        {
            "title": cells.line("title"),
            "instrument": _instrument(cells),
            "number": cells.line("number"),
            "parties": _parties(cells, directory),
            "fields": cells.lines("fields"),
            "clauses": [ClauseCreate(text=line) for line in cells.paragraphs("clauses")],
            "term_from": cells.day("term_from"),
            "term_to": cells.day("term_to"),
            "sign_by": cells.day("sign_by"),
            "source_url": cells.text("source_url"),
            "note": cells.text("note"),
            "demonstration": demonstration,
        },
    )


def _instrument(cells: Cells) -> Instrument | None:
    text = cells.line("instrument")
    if text is None:
        return None
    found = INSTRUMENTS.get(fold(text))
    if found is None:
        said, known = shortened(text), ", ".join(INSTRUMENT_WORDING.values())
        cells.refuse(
            "instrument",
            NotUnderstood(
                "unknown_instrument",
                f"«{said}» không thuộc danh mục: {known}.",
                f"“{said}” is none of: {known}.",
            ),
        )
    return found


def _parties(cells: Cells, directory: Directory) -> list[PartyCreate]:
    named = cells.organizations("parties", directory)
    if len({one.entry.id for one in named}) < len(named):
        cells.refuse(
            "parties",
            NotUnderstood("named_twice", "Một bên được nêu nhiều lần.", "A party is named more than once."),
        )
    return [PartyCreate(organization_id=one.entry.id) for one in named]
