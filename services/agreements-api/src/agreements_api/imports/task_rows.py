"""Rows of a table as tasks: the same request for each that a client would send."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from agreements_api.imports.columns import TASK_COLUMNS
from agreements_api.imports.directory import Directory
from agreements_api.imports.findings import Findings
from agreements_api.imports.rows import Cells, Named
from agreements_api.imports.table import RawRow
from agreements_api.imports.values import NotUnderstood, number_of, shortened
from agreements_api.tasks.schemas import ParticipantCreate, TaskCreate
from shared.text import fold

_HEADERS = {column.key: column.header for column in TASK_COLUMNS}
_CLAUSE = re.compile(r"(?:dieu|muc|khoan|noi dung)\s*(\d+)")


@dataclass(frozen=True)
class ClauseEntry:
    """A clause of the agreement as a cell may name it."""

    id: UUID
    ordinal: int
    heading: str | None
    ended: bool


class Clauses:
    """Finds a clause by its number or its heading."""

    def __init__(self, entries: Sequence[ClauseEntry]) -> None:
        self._by_ordinal = {entry.ordinal: entry for entry in entries}
        self._by_heading: Mapping[str, ClauseEntry] = {fold(entry.heading): entry for entry in entries if entry.heading}

    def find(self, text: str) -> ClauseEntry:
        words = fold(text).rstrip(".:")
        found = self._by_heading.get(words) or self._by_number(words)
        if found is None:
            said = shortened(text)
            raise NotUnderstood(
                "unknown_clause",
                f"Thỏa thuận không có điều khoản «{said}».",
                f"The agreement has no clause “{said}”.",
            )
        if found.ended:
            raise NotUnderstood(
                "clause_ended",
                "Điều khoản này không còn hiệu lực: phụ lục đã sửa đổi hoặc bãi bỏ.",
                "This clause is no longer in force: an amendment replaced or repealed it.",
            )
        return found

    def _by_number(self, words: str) -> ClauseEntry | None:
        named = _CLAUSE.match(words)
        try:
            number = number_of(named.group(1) if named else words)
        except NotUnderstood:
            return None
        return self._by_ordinal.get(int(number)) if number == int(number) else None


def read_task(
    row: RawRow, findings: Findings, directory: Directory, clauses: Clauses, *, demonstration: bool
) -> TaskCreate | None:
    """The task of a row; none where it is no task or something in it is wrong."""
    cells = Cells(row, findings)
    if cells.is_example() or cells.is_group():
        return None
    cells.require("title", _HEADERS["title"])
    cells.require("lead", _HEADERS["lead"])
    lead = cells.organization("lead", directory)
    coordinating = cells.organizations("coordinating", directory)
    monitoring = cells.organizations("monitoring", directory)
    seen = set() if lead is None else {lead.id}
    for key, named in (("coordinating", coordinating), ("monitoring", monitoring)):
        for one in named:
            if one.entry.id in seen:
                cells.refuse(key, _named_twice(one.entry.name))
            seen.add(one.entry.id)
    return cells.build(
        TaskCreate,
        {
            "title": cells.line("title"),
            "clause_id": _clause(cells, clauses),
            "description": cells.text("description"),
            "deliverable": cells.text("deliverable"),
            "field": cells.line("field"),
            "due_on": cells.day("due_on"),
            "lead_organization_id": lead.id if lead else None,
            "coordinating": [_participant(one) for one in coordinating],
            "monitoring": [_participant(one) for one in monitoring],
            "demonstration": demonstration,
            "note": cells.text("note"),
        },
    )


def _clause(cells: Cells, clauses: Clauses) -> UUID | None:
    text = cells.line("clause")
    if text is None:
        return None
    try:
        return clauses.find(text).id
    except NotUnderstood as error:
        cells.refuse("clause", error)
        return None


def _participant(named: Named) -> ParticipantCreate:
    return ParticipantCreate(organization_id=named.entry.id, due_on=named.due_on)


def _named_twice(name: str) -> NotUnderstood:
    return NotUnderstood(
        "named_twice",
        f"«{name}» được nêu nhiều lần trong nhiệm vụ này.",
        f"“{name}” is named more than once in this task.",
    )
