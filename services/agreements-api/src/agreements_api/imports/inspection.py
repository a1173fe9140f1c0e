"""What a file is by its content, and whether it is harmless; nothing of it is interpreted before that is known."""

import io
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from agreements_api.imports.refusals import Refusal, Refused

MEGABYTE = 1024 * 1024
MOST_PARTS = 2_000
# Packed XML seldom shrinks to a fiftieth; what is small unpacked may shrink as it likes.
MOST_RATIO, SMALL = 200, 2 * MEGABYTE
MOST_MERGED = 20_000
# By which number expat tells it.
OUT_OF_MEMORY = expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]
_CHUNK = 64 * 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_FOREIGN = (
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"\x1f\x8b",
    b"Rar!",
    b"7z\xbc\xaf",
    b"{\\rtf",
    b"\x7fELF",
    b"MZ",
)
_REACHING_OUT = re.compile(
    r"xl/(?:externalLinks|queryTables|embeddings|activeX|ctrlProps)/|xl/connections\.xml|xl/model/|customUI/|xl/webextensions/"
)
_MACROS = re.compile(r"vbaProject|xl/macrosheets/|xl/dialogsheets/", re.IGNORECASE)
_CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})")


class FileType(StrEnum):
    XLSX = "xlsx"
    CSV = "csv"


@dataclass(frozen=True)
class Limits:
    """How much a file may be; the process that reads it has limits of its own beside these."""

    rows: int = 10_000
    columns: int = 100
    unpacked_mb: int = 100

    @property
    def physical_rows(self) -> int:
        """Empty rows included: somebody's last formatted row may lie far below the last one with a task."""
        return self.rows * 2 + 1_000


@dataclass
class SheetSize:
    """What a pass over a sheet's XML finds, without keeping any of it."""

    filled_rows: int = 0
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)


def type_of(content: bytes) -> FileType:
    """XLSX or CSV by content, whatever the file is called."""
    if content.startswith(_OLE):
        raise Refused(Refusal.ENCRYPTED if _ENCRYPTED in content else Refusal.OLD_FORMAT)
    if content.startswith(b"PK\x03\x04"):
        return FileType.XLSX
    if content.startswith(_FOREIGN) or content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise Refused(Refusal.WRONG_TYPE)
    return FileType.CSV


def open_package(content: bytes, limits: Limits) -> ZipFile:
    """The parts of a workbook, once each of them is known to be harmless."""
    try:
        package = ZipFile(io.BytesIO(content))
        _check_parts(package.infolist(), limits)
        _check_contents(package, limits)
    except (BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise Refused(Refusal.DAMAGED) from error
    return package


def measure(package: ZipFile, part: str, limits: Limits) -> SheetSize:
    """Rows, columns and merged cells of a sheet; refuses more of them than may be."""
    size = SheetSize()
    scan = _SheetScan(size, limits)
    for name, attributes in _elements(package, part):
        scan.see(name, attributes)
    return size


def _check_parts(parts: list[ZipInfo], limits: Limits) -> None:
    """By the directory alone, before anything is unpacked."""
    if len(parts) > MOST_PARTS:
        raise Refused(Refusal.UNPACKED_TOO_LARGE, limit=limits.unpacked_mb, part=f"{len(parts)} parts")
    for part in parts:
        if part.flag_bits & 0x1:
            raise Refused(Refusal.ENCRYPTED)
        if part.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise Refused(Refusal.DAMAGED)
        if _MACROS.search(part.filename):
            raise Refused(Refusal.MACROS)
        if _REACHING_OUT.match(part.filename):
            raise Refused(Refusal.EXTERNAL_LINKS, part=part.filename[:100])
        if part.file_size > SMALL and part.file_size > MOST_RATIO * part.compress_size:
            raise Refused(Refusal.UNPACKED_TOO_LARGE, limit=limits.unpacked_mb, part=part.filename[:100])
    if sum(part.file_size for part in parts) > limits.unpacked_mb * MEGABYTE:
        raise Refused(Refusal.UNPACKED_TOO_LARGE, limit=limits.unpacked_mb, part="…")
    names = {part.filename for part in parts}
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        raise Refused(
            Refusal.OLD_FORMAT if {"mimetype", "content.xml", "xl/workbook.bin"} & names else Refusal.WRONG_TYPE
        )
    if len(names) < len(parts):
        raise Refused(Refusal.DAMAGED)


def _check_contents(package: ZipFile, limits: Limits) -> None:
    """Every part unpacked once, bit by bit and counted: what the directory says need not be true."""
    unpacked = 0
    for part in package.infolist():
        is_xml = part.filename.endswith((".xml", ".rels", ".vml"))
        reader = _reader(part.filename) if is_xml else None
        with package.open(part) as source:
            while chunk := source.read(_CHUNK):
                unpacked += len(chunk)
                if unpacked > limits.unpacked_mb * MEGABYTE:
                    raise Refused(Refusal.UNPACKED_TOO_LARGE, limit=limits.unpacked_mb, part=part.filename[:100])
                if reader is not None:
                    _feed(reader, chunk, part.filename, final=False)
        if reader is not None:
            _feed(reader, b"", part.filename, final=True)


def _reader(part: str) -> expat.XMLParserType:
    """A parser that only looks for what must not be there."""
    reader = expat.ParserCreate()

    def declared(*_: Any) -> None:
        raise Refused(Refusal.XML_ENTITIES, part=part[:100])

    def element(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") == "External":
            # A link to click on does nothing by itself.
            if not attributes.get("Type", "").endswith("/hyperlink"):
                raise Refused(Refusal.EXTERNAL_LINKS, part=posixpath.basename(part)[:100])
        elif name == "Override" and "macroEnabled" in attributes.get("ContentType", ""):
            raise Refused(Refusal.MACROS)

    reader.StartDoctypeDeclHandler = declared
    reader.EntityDeclHandler = declared
    if part.endswith(".rels") or part == "[Content_Types].xml":
        reader.StartElementHandler = element
    return reader


def _feed(reader: expat.XMLParserType, chunk: bytes, part: str, *, final: bool) -> None:
    try:
        reader.Parse(chunk, final)
    except expat.ExpatError as error:
        if error.code == OUT_OF_MEMORY:
            raise MemoryError from error
        # VML is what old drawings are written in, and seldom well.
        if not part.endswith(".vml"):
            raise Refused(Refusal.DAMAGED) from error


def _elements(package: ZipFile, part: str) -> Iterator[tuple[str, dict[str, str]]]:
    reader = expat.ParserCreate()
    seen: list[tuple[str, dict[str, str]]] = []
    reader.StartElementHandler = lambda name, attributes: seen.append((name.rpartition(":")[2], attributes))
    with package.open(part) as source:
        while chunk := source.read(_CHUNK):
            _feed(reader, chunk, part, final=False)
            yield from seen
            seen.clear()


class _SheetScan:
    """Counts the rows and columns of a sheet as its elements come by."""

    def __init__(self, size: SheetSize, limits: Limits) -> None:
        self._size = size
        self._limits = limits
        self._row = self._rows = 0
        self._column = 0
        self._filled = False

    def see(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self._begin_row(attributes)
        elif name == "c":
            found = _CELL.fullmatch(attributes.get("r", ""))
            self._column = column_number(found.group(1)) if found else self._column + 1
        elif name in ("v", "is", "f"):
            self._fill()
        elif name == "mergeCell":
            self._merge(attributes.get("ref", ""))

    def _begin_row(self, attributes: dict[str, str]) -> None:
        given = attributes.get("r", "")
        self._row = int(given) if given.isdecimal() else self._row + 1
        self._rows += 1
        self._column, self._filled = 0, False
        if self._rows > self._limits.physical_rows:
            raise Refused(Refusal.TOO_MANY_ROWS, limit=self._limits.rows)

    def _fill(self) -> None:
        if self._column > self._limits.columns:
            raise Refused(Refusal.TOO_MANY_COLUMNS, limit=self._limits.columns)
        if not self._filled:
            self._filled = True
            self._size.filled_rows += 1
            if self._row > self._limits.physical_rows or self._size.filled_rows > self._limits.rows + 100:
                raise Refused(Refusal.TOO_MANY_ROWS, limit=self._limits.rows)

    def _merge(self, reference: str) -> None:
        first, _, last = reference.partition(":")
        start, end = _CELL.fullmatch(first), _CELL.fullmatch(last)
        if not start or not end:
            return
        if len(self._size.merged) >= MOST_MERGED:
            raise Refused(Refusal.TOO_MANY_ROWS, limit=self._limits.rows)
        # Nothing below is read, however far the range reaches.
        last_row = min(int(end.group(2)), self._limits.physical_rows)
        self._size.merged.append(
            (int(start.group(2)), column_number(start.group(1)), last_row, column_number(end.group(1)))
        )


def column_number(letters: str) -> int:
    """A → 1, AA → 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """1 → A, 27 → AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
