"""Tables as text (CSV): whichever encoding and separator the program wrote that they come from."""

import codecs
import csv
import io
from collections.abc import Iterator

from charset_normalizer import from_bytes

from agreements_api.imports.columns import LOOKED_AT, Header, find_header
from agreements_api.imports.inspection import Limits
from agreements_api.imports.kinds import ImportKind
from agreements_api.imports.refusals import Refusal, Refused
from agreements_api.imports.table import Cell, Row, Table, is_blank, no_header
from agreements_api.imports.values import text_of

SEPARATORS = (";", ",", "\t", "|")
LONGEST_FIELD = 100_000
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# What Vietnamese text is kept in where it is not Unicode.
_OLDER = ["cp1258", "cp1252"]


def read_delimited(content: bytes, kind: ImportKind, limits: Limits) -> Table:
    """The rows under the headers; every value is text, whatever it begins with."""
    text = decoded(content)
    if text.count("\n") + text.count("\r") > 2 * limits.physical_rows:
        raise Refused(Refusal.TOO_MANY_ROWS, limit=limits.rows)
    csv.field_size_limit(LONGEST_FIELD)
    found = [
        (separator, header)
        for separator in SEPARATORS
        if (header := find_header(kind, _top(text, separator, limits))) is not None
    ]
    if not found:
        raise no_header(kind)
    separator, header = max(found, key=lambda pair: len(pair[1].columns))
    rows = list(_rows(text, separator, header, limits))
    return Table(None, header, len(rows), rows)


def decoded(content: bytes) -> str:
    """The text: by its mark, as UTF-8 where it is that throughout, or as what it most looks like."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decode(content, encoding)
    wide = _wide(content)
    if wide is not None:
        return _decode(content, wide)
    if b"\0" in content:
        raise Refused(Refusal.WRONG_TYPE)
    try:
        return content.decode()
    except UnicodeDecodeError:
        guess = from_bytes(content[:256_000], cp_isolation=_OLDER).best()
        if guess is None:
            raise Refused(Refusal.UNKNOWN_ENCODING) from None
        return _decode(content, guess.encoding)


def _wide(content: bytes) -> str | None:
    """UTF-16 without a mark: separators and line ends have a NUL on one side of them."""
    sample = content[:4_000]
    half = max(len(sample) // 2, 1)
    if sample[1::2].count(0) > half * 0.3:
        return "utf-16-le"
    return "utf-16-be" if sample[0::2].count(0) > half * 0.3 else None


def _decode(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Refused(Refusal.UNKNOWN_ENCODING) from error


def _top(text: str, separator: str, limits: Limits) -> list[list[str]]:
    rows = []
    for row in _parsed(text, separator, limits):
        rows.append([text_of(value) for value in row])
        if len(rows) == LOOKED_AT:
            break
    return rows


def _rows(text: str, separator: str, header: Header, limits: Limits) -> Iterator[Row]:
    filled = 0
    for number, row in enumerate(_parsed(text, separator, limits), start=1):
        if number <= header.row + 1:
            continue
        cells = {
            header.columns[at]: Cell(value) for at, value in enumerate(row) if at in header.columns and value.strip()
        }
        if is_blank(cells.values()):
            continue
        filled += 1
        if filled > limits.rows:
            raise Refused(Refusal.TOO_MANY_ROWS, limit=limits.rows)
        yield Row(number, cells)


def _parsed(text: str, separator: str, limits: Limits) -> Iterator[list[str]]:
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if len(row) > limits.columns and any(value.strip() for value in row[limits.columns :]):
                raise Refused(Refusal.TOO_MANY_COLUMNS, limit=limits.columns)
            yield row[: limits.columns]
    except csv.Error as error:
        raise Refused(Refusal.FIELD_TOO_LONG) from error
