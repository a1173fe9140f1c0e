"""CSV in the encodings and with the separators that programs write."""

import pytest

from agreements_api.imports.delimited import decoded, read_delimited
from agreements_api.imports.inspection import Limits
from agreements_api.imports.kinds import ImportKind
from agreements_api.imports.refusals import Refusal, Refused
from agreements_api.imports.table import Table
from agreements_api.imports.values import text_of
from tests.agreements_api.imports.tables import HEADERS, TASK, delimited, in_windows_1258

TEXT = delimited(HEADERS, TASK)


def read(content: bytes, limits: Limits | None = None) -> Table:
    return read_delimited(content, ImportKind.TASKS, limits or Limits())


def values(table: Table) -> list[list[object]]:
    return [[cell.value for cell in row.cells.values()] for row in table.rows]


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        in_windows_1258(TEXT),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16 with mark", "utf-16-le", "utf-16-be", "windows-1258"],
)
def test_every_encoding_gives_the_same_table(content: bytes) -> None:
    table = read(content)
    assert [[text_of(cell.value) for cell in row.cells.values()] for row in table.rows] == [list(TASK)]


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_separator_is_found_by_the_headers(separator: str) -> None:
    assert values(read(delimited(HEADERS, TASK, separator=separator).encode())) == [list(TASK)]


def test_a_comma_in_a_title_above_is_no_separator() -> None:
    text = delimited(("Danh mục nhiệm vụ, chủ trì, phối hợp, thời hạn",), HEADERS, TASK)
    table = read(text.encode())
    assert (table.header.row, values(table)) == (1, [list(TASK)])


def test_lines_within_quotes_belong_to_one_cell() -> None:
    row = ("1", "Hai\ndòng", *TASK[2:])
    table = read(delimited(HEADERS, row).encode())
    assert [row.number for row in table.rows] == [2]
    assert values(table)[0][1] == "Hai\ndòng"


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u200b", "\ufeff"])
def test_a_row_of_blanks_is_empty(blank: str) -> None:
    text = delimited(HEADERS, TASK, (blank,) * 5, ("", blank, "", "", ""))
    assert [row.number for row in read(text.encode()).rows] == [2]


def test_what_begins_like_a_formula_is_text() -> None:
    rows = [(str(at), text, *TASK[2:]) for at, text in enumerate(("=1+1", "+84", "-5", "@x", "=cmd|' /C calc'!A0"))]
    assert [row[1] for row in values(read(delimited(HEADERS, *rows).encode()))] == [row[1] for row in rows]


def test_rows_without_anything_are_passed_over() -> None:
    text = delimited(HEADERS, TASK, ("", "", "", "", ""), TASK)
    assert [row.number for row in read(text.encode()).rows] == [2, 4]


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"\x01\x02\x03\x04\x05\x06\x07\x00" * 200, Refusal.WRONG_TYPE),
        (b"one;two;three\n1;2;3\n", Refusal.NO_HEADER),
        (delimited(HEADERS, ("1", "x" * 200_000, *TASK[2:])).encode(), Refusal.FIELD_TOO_LONG),
        ((";".join(HEADERS) + "\n" + "\n" * 1_000_000).encode(), Refusal.TOO_MANY_ROWS),
        ((";".join(HEADERS) + "\n" + ";".join(TASK) + ";x" * 200).encode(), Refusal.TOO_MANY_COLUMNS),
        (b"\xff\xfe" + b"\x00\xd8" * 9, Refusal.UNKNOWN_ENCODING),
    ],
    ids=["bytes", "no headers", "a field without end", "a million empty lines", "columns", "half a character"],
)
def test_what_is_no_table_is_refused(content: bytes, refusal: Refusal) -> None:
    with pytest.raises(Refused) as error:
        read(content)
    assert error.value.code == refusal


def test_more_rows_than_may_be_are_refused() -> None:
    text = delimited(HEADERS, *[TASK] * 6).encode()
    assert len(values(read(text, Limits(rows=6)))) == 6
    with pytest.raises(Refused) as error:
        read(text, Limits(rows=5))
    assert error.value.code == Refusal.TOO_MANY_ROWS


def test_the_mark_is_no_part_of_the_text() -> None:
    assert decoded("STT".encode("utf-8-sig")) == "STT"
