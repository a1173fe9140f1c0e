"""Files as people keep them, and as nobody should send them; made here, so that each test shows what is in its file."""

import csv
import io
import unicodedata
import zipfile
from collections.abc import Sequence
from typing import Any

from openpyxl import Workbook

HEADERS = ("STT", "Nội dung nhiệm vụ", "Đơn vị chủ trì", "Đơn vị phối hợp", "Thời hạn")
TASK = ("1", "Rà soát khu vực giáp ranh", "UBND thị xã Đông Triều", "UBND thị xã Kinh Môn", "31/12/2026")


def workbook(*rows: Sequence[Any], merged: Sequence[str] = (), sheet: str = "Sheet1") -> bytes:
    """An XLSX file with these rows in its one sheet."""
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    for row in rows:
        page.append(list(row))
    for place in merged:
        page.merge_cells(place)
    return saved(book)


def saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def tasks(count: int, *, title: str = "Nhiệm vụ số") -> bytes:
    """A workbook of so many tasks."""
    return workbook(HEADERS, *((str(at), f"{title} {at}", *TASK[2:]) for at in range(1, count + 1)))


def delimited(*rows: Sequence[str], separator: str = ";") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue()


def in_windows_1258(text: str) -> bytes:
    """Tones as marks of their own: that is how this code page writes Vietnamese."""
    return "".join(_for_1258(letter) for letter in text).encode("cp1258")


def _for_1258(letter: str) -> str:
    try:
        letter.encode("cp1258")
    except UnicodeEncodeError:
        letters = list(unicodedata.normalize("NFD", letter))
        base, marks = letters[0], letters[1:]
        for mark in list(marks):
            composed = unicodedata.normalize("NFC", base + mark)
            if len(composed) == 1 and mark in "\u0302\u0306\u031b":
                base, marks = composed, [other for other in marks if other != mark]
        return base + "".join(marks)
    return letter


def with_parts(content: bytes, parts: dict[str, bytes | str]) -> bytes:
    """The workbook with parts added or put in the place of others."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            if part.filename not in parts:
                target.writestr(part.filename, source.read(part))
        for name, data in parts.items():
            target.writestr(name, data)
    return file.getvalue()


def part_of(content: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        return source.read(name).decode()
