"""A table as it comes out of a file: its headers, and rows of cells that nobody has judged yet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from agreements_api.imports.columns import COLUMNS, Header
from agreements_api.imports.kinds import ImportKind
from agreements_api.imports.refusals import Refusal, Refused
from agreements_api.imports.values import Raw, text_of


class _Mark(str):
    """What stands in the place of a value that is not taken."""

    __slots__ = ()


# The value that was stored with a formula is not believed: it may be another one's, or old.
FORMULA = _Mark("=")
WRONG_VALUE = _Mark("#")


@dataclass(frozen=True)
class Cell:
    """A value, and the merged range across columns that it comes from."""

    value: Raw
    merged: int | None = None


@dataclass(frozen=True)
class Row:
    """A row that is not empty; `number` is the one that people see beside it."""

    number: int
    cells: Mapping[str, Cell]
    heading: bool = False


@dataclass(frozen=True)
class Table:
    sheet: str | None
    header: Header
    total: int
    rows: Iterable[Row]


@dataclass(frozen=True)
class RawRow:
    """A row as the parent of the reading process gets it."""

    number: int
    values: Mapping[str, Raw]


def is_blank(cells: Iterable[Cell]) -> bool:
    """Whether nobody sees anything in these cells, whatever blanks were left in them."""
    return not any(text_of(cell.value) for cell in cells)


def packed(row: Row) -> list[Any]:
    """A row as JSON."""
    return [row.number, {key: _packed(cell.value) for key, cell in row.cells.items()}]


def unpacked(row: list[Any]) -> RawRow:
    number, values = row
    return RawRow(int(number), {key: _unpacked(value) for key, value in values.items()})


def no_header(kind: ImportKind) -> Refused:
    return Refused(Refusal.NO_HEADER, columns=", ".join(column.header for column in COLUMNS[kind] if column.required))


def _packed(value: Raw) -> Any:
    if isinstance(value, _Mark):
        return {"mark": str(value)}
    return {"day": value.isoformat()} if isinstance(value, date) else value


def _unpacked(value: Any) -> Raw:
    if not isinstance(value, dict):
        plain: Raw = value
        return plain
    if "day" in value:
        return date.fromisoformat(value["day"])
    return FORMULA if value["mark"] == FORMULA else WRONG_VALUE
