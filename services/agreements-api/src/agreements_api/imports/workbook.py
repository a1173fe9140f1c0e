"""Workbooks (XLSX): the sheet that has the headers, its merged cells spread over what they cover."""

import io
import posixpath
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from xml.etree import ElementTree
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from agreements_api.imports.columns import LOOKED_AT, ORDINAL, Header, find_header
from agreements_api.imports.inspection import OUT_OF_MEMORY, Limits, SheetSize, measure, open_package
from agreements_api.imports.kinds import ImportKind
from agreements_api.imports.refusals import Refusal, Refused
from agreements_api.imports.table import FORMULA, WRONG_VALUE, Cell, Row, Table, is_blank, no_header
from agreements_api.imports.values import text_of

_MOST_SHEETS = 50
_NUMBER = ORDINAL.key


@dataclass(frozen=True)
class _Merged:
    """A merged range, with its place counted from 1."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int

    @property
    def is_across(self) -> bool:
        return self.last_column > self.first_column


def read_workbook(content: bytes, kind: ImportKind, limits: Limits) -> Table:
    """The first visible sheet with headers, and its rows one after the other."""
    package = open_package(content, limits)
    with _damaged():
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        return _find(package, book, kind, limits)


@contextmanager
def _damaged() -> Iterator[None]:
    """What openpyxl meets in a package whose parts do not fit together."""
    try:
        with warnings.catch_warnings():
            # Of styles and extensions that are not read; the reading process has nowhere to tell of them.
            warnings.simplefilter("ignore")
            yield
    except ElementTree.ParseError as error:
        if error.code == OUT_OF_MEMORY:
            raise MemoryError from error
        raise Refused(Refusal.DAMAGED) from error
    except (BadZipFile, InvalidFileException, KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise Refused(Refusal.DAMAGED) from error


def _find(package: ZipFile, book: Any, kind: ImportKind, limits: Limits) -> Table:
    for sheet in book.worksheets[:_MOST_SHEETS]:
        if sheet.sheet_state != "visible":
            continue
        size = measure(package, posixpath.normpath(sheet._worksheet_path), limits)
        sheet.reset_dimensions()
        merged = _by_row(size)
        top = [_texts(row) for row in _spread(sheet.iter_rows(max_row=LOOKED_AT, max_col=limits.columns), merged)]
        header = find_header(kind, top)
        if header is not None:
            return Table(sheet.title[:100], header, size.filled_rows, _rows(sheet, header, merged, limits))
    raise no_header(kind)


def _rows(sheet: Any, header: Header, merged: dict[int, list[_Merged]], limits: Limits) -> Iterator[Row]:
    with _damaged():
        yield from _read_rows(sheet, header, merged, limits)


def _read_rows(sheet: Any, header: Header, merged: dict[int, list[_Merged]], limits: Limits) -> Iterator[Row]:
    cells = sheet.iter_rows(max_row=limits.physical_rows, max_col=limits.columns)
    for number, row in enumerate(_spread(cells, merged), start=1):
        if number <= header.row + 1:
            continue
        found = {
            header.columns[at]: cell for at, cell in enumerate(row) if at in header.columns and cell.value is not None
        }
        if is_blank(found.values()):
            continue
        yield Row(number, found, heading=_is_heading(row, header))


def _is_heading(row: Sequence[Cell], header: Header) -> bool:
    """One range over several columns and nothing beside it but its number ("I. Hạ tầng giao thông") is no task."""
    filled = {at: cell.merged for at, cell in enumerate(row) if cell.value is not None}
    ranges = {merged for at, merged in filled.items() if header.columns.get(at) != _NUMBER}
    covered = [at for at, merged in filled.items() if at in header.columns and merged in ranges]
    return len(ranges) == 1 and ranges != {None} and len(covered) > 1


def _texts(row: Sequence[Cell]) -> list[str]:
    """What may be headers; one over several columns is that of the first of them."""
    merged = (None, *(cell.merged for cell in row))
    return [
        "" if cell.merged is not None and cell.merged == before else text_of(cell.value)
        for before, cell in zip(merged, row, strict=False)
    ]


def _spread(rows: Any, merged: dict[int, list[_Merged]]) -> Iterator[list[Cell]]:
    """The rows, with the value of a merged range in each cell that it covers."""
    values: dict[_Merged, Cell] = {}
    for number, row in enumerate(rows, start=1):
        cells = [_cell(cell) for cell in row]
        for range_ in merged.get(number, ()):
            if range_.last_column > len(cells):
                cells += [Cell(None)] * (min(range_.last_column, 1_000) - len(cells))
            at = range_.first_column - 1
            if at >= len(cells):
                continue
            if number == range_.first_row:
                values[range_] = Cell(cells[at].value, id(range_) if range_.is_across else None)
            filled = values.get(range_)
            if filled is not None:
                for column in range(at, min(range_.last_column, len(cells))):
                    cells[column] = filled
            if number == range_.last_row:
                values.pop(range_, None)
        yield cells


def _by_row(size: SheetSize) -> dict[int, list[_Merged]]:
    """The ranges that each row has a part in; one that reaches beyond every row that may be is nobody's table."""
    found: dict[int, list[_Merged]] = {}
    covered = 0
    for place in size.merged:
        range_ = _Merged(*place)
        covered += range_.last_row - range_.first_row + 1
        if covered > 1_000_000:
            raise Refused(Refusal.TOO_MANY_ROWS, limit=size.filled_rows)
        for row in range(range_.first_row, range_.last_row + 1):
            found.setdefault(row, []).append(range_)
    return found


def _cell(cell: Any) -> Cell:
    value, kind = cell.value, cell.data_type
    if kind == "f":
        return Cell(FORMULA)
    if kind == "e":
        return Cell(WRONG_VALUE)
    if isinstance(value, datetime):
        return Cell(value.date())
    if value is None or isinstance(value, str | int | float | date):
        return Cell(value if value != "" else None)
    # A time of day or a span: as Excel shows it, it is text.
    return Cell(str(value))
