"""What tasks and agreements have in common when they are read from rows: cells, their types, and who is named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agreements_api.imports.directory import Directory, Entry, unknown_organization
from agreements_api.imports.findings import Findings, check_mark
from agreements_api.imports.table import RawRow
from agreements_api.imports.values import NotUnderstood, Raw, day_of, lines_of, paragraphs_of, shortened, text_of
from shared.problem_handlers import field_errors
from shared.text import fold, format_date

M = TypeVar("M", bound=BaseModel)

# How templates mark the rows that only show how it is done.
EXAMPLE_MARK = "Ví dụ"
# Organisations in one cell; a task has no more, and looking up each of thousands would take a worker's time.
MOST_NAMED, LONGEST_NAME = 100, 500
_GROUP = re.compile(r"[ivxlc]+|[a-z]|phan [ivxlc\d]+")
_REMARK = re.compile(r"^(.*\S)\s*\(([^()]*\d[^()]*)\)$")


@dataclass(frozen=True)
class Named:
    """An organisation that a cell names, with a day of its own where one stands in brackets behind it."""

    entry: Entry
    due_on: date | None


class Cells:
    """The cells of one row; what is wrong with them goes to the findings."""

    def __init__(self, row: RawRow, findings: Findings) -> None:
        self.number = row.number
        self._values = row.values
        self._findings = findings
        self._refused: set[str] = set()

    @property
    def is_whole(self) -> bool:
        """Whether nothing was wrong so far."""
        return not self._refused

    def has(self, key: str) -> bool:
        return bool(text_of(self._values.get(key)))

    def raw(self, key: str) -> Raw:
        """The value, or none where the cell is empty or not taken."""
        value = self._values.get(key)
        if value is None:
            return None
        if not check_mark(self._findings, self.number, key, value):
            self._refused.add(key)
            return None
        return value

    def text(self, key: str) -> str | None:
        return text_of(self.raw(key)) or None

    def line(self, key: str) -> str | None:
        """Text that is one line, however the cell breaks it."""
        return " ".join(text_of(self.raw(key)).split()) or None

    def day(self, key: str) -> date | None:
        value = self.raw(key)
        try:
            understood = day_of(value)
        except NotUnderstood as error:
            self.refuse(key, error)
            return None
        if not understood.literal:
            self._tell_reading(key, value, understood.day)
        return understood.day

    def lines(self, key: str) -> list[str]:
        return lines_of(self.raw(key))

    def paragraphs(self, key: str) -> list[str]:
        return paragraphs_of(self.raw(key))

    def organization(self, key: str, directory: Directory) -> Entry | None:
        text = self.text(key)
        if text is None:
            return None
        try:
            if len(text) > LONGEST_NAME:
                raise unknown_organization(text)
            return directory.find(" ".join(text.split()))
        except NotUnderstood as error:
            self.refuse(key, error)
            return None

    def organizations(self, key: str, directory: Directory) -> list[Named]:
        """Every organisation that the cell names, each line or part by itself."""
        lines = self.lines(key)
        if len(lines) > MOST_NAMED:
            self.refuse(key, _too_many_named(len(lines)))
            return []
        found: list[Named] = []
        for line in lines:
            try:
                found += _named(line, directory)
            except NotUnderstood as error:
                self.refuse(key, error)
        return found

    def refuse(self, key: str, error: NotUnderstood) -> None:
        self._refused.add(key)
        self._findings.not_understood(self.number, key, error, self._values.get(key))

    def require(self, key: str, header: str) -> None:
        """An error where the cell is empty."""
        if not self.has(key):
            self.refuse(
                key, NotUnderstood("missing", f"Ô «{header}» bị bỏ trống.", f"The cell under “{header}” is empty.")
            )

    def build(self, model: type[M], values: Mapping[str, Any]) -> M | None:
        """The request that a client would send for this row, under the same limits; none where anything is wrong."""
        if not self.is_whole:
            return None
        try:
            return model.model_validate({name: value for name, value in values.items() if value not in (None, [])})
        except ValidationError as error:
            for told in field_errors([{**detail, "loc": ("body", *detail["loc"])} for detail in error.errors()]):
                key = told.pointer.split("/")[1]
                self._refused.add(key)
                wording = {"vi": told.detail, "en": told.detail} if isinstance(told.detail, str) else told.detail
                self._findings.error(self.number, key, told.code, wording, self._values.get(key))
            return None

    def is_example(self) -> bool:
        return fold(text_of(self._values.get("ordinal"))).startswith(fold(EXAMPLE_MARK))

    def is_group(self) -> bool:
        """A heading between the rows: a roman number or a letter, a few words, and nothing else.

        Of one over all the columns a table of text keeps the words in the first of them.
        """
        ordinal = fold(text_of(self._values.get("ordinal"))).rstrip(".)")
        filled = {key for key in self._values if self.has(key)}
        if filled == {"ordinal"}:
            return any(letter.isalpha() for letter in ordinal)
        return bool(_GROUP.fullmatch(ordinal)) and filled <= {"ordinal", "title"}

    def _tell_reading(self, key: str, value: Raw, day: date | None) -> None:
        said = shortened(value)
        vi, en = (format_date(day), day.isoformat()) if day else ("không có thời hạn", "no deadline")
        self._findings.notice(
            self.number,
            key,
            "read_as",
            {"vi": f"«{said}» được hiểu là {vi}.", "en": f"“{said}” was read as {en}."},
            value,
        )


def _too_many_named(count: int) -> NotUnderstood:
    return NotUnderstood(
        "too_many_named",
        f"Ô này nêu {count} cơ quan; nhiều nhất {MOST_NAMED}.",
        f"This cell names {count} organisations; at most {MOST_NAMED}.",
    )


def _named(line: str, directory: Directory) -> list[Named]:
    if len(line) > LONGEST_NAME:
        raise unknown_organization(line)
    remark = _REMARK.match(line)
    if remark is None:
        return [Named(entry, None) for entry, _ in directory.find_all(line)]
    try:
        due_on = day_of(remark.group(2)).day
    except NotUnderstood:
        # Brackets that are part of a name.
        return [Named(entry, None) for entry, _ in directory.find_all(line)]
    return [Named(entry, due_on) for entry, _ in directory.find_all(remark.group(1))]
