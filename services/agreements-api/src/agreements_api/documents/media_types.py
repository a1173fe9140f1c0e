"""The types of files that can be taken, told from what is in a file and never from what it is called."""

import codecs
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import IO

import puremagic


class MediaType(StrEnum):
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    ODT = "application/vnd.oasis.opendocument.text"
    ODS = "application/vnd.oasis.opendocument.spreadsheet"
    ODP = "application/vnd.oasis.opendocument.presentation"
    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"
    TIFF = "image/tiff"
    TEXT = "text/plain"
    CSV = "text/csv"


# The usual one first.
EXTENSIONS: dict[MediaType, tuple[str, ...]] = {
    MediaType.PDF: (".pdf",),
    MediaType.DOCX: (".docx",),
    MediaType.XLSX: (".xlsx",),
    MediaType.PPTX: (".pptx",),
    MediaType.ODT: (".odt",),
    MediaType.ODS: (".ods",),
    MediaType.ODP: (".odp",),
    MediaType.PNG: (".png",),
    MediaType.JPEG: (".jpg", ".jpeg", ".jfif"),
    MediaType.WEBP: (".webp",),
    MediaType.TIFF: (".tif", ".tiff"),
    MediaType.TEXT: (".txt",),
    MediaType.CSV: (".csv",),
}
# What says no more than that there are bytes.
UNSAID = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-download"})
# Nothing in a file of text tells a table from prose: here, and only here, what it is said to be decides.
TEXTS = frozenset({MediaType.TEXT, MediaType.CSV})

_ZIP = b"PK\x03\x04"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
# From here on a text is taken for what its first words say that it is: a page, a drawing, a program.
_CERTAIN = 0.5
_PIECE = 1024 * 1024
# An office file has some hundred entries; who reads a directory of a million needs as much memory as it likes.
_LARGEST_DIRECTORY = 1024 * 1024
_DIRECTORY_END = struct.Struct("<4s4H2LH")
_OPEN_XML = {
    b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml": MediaType.DOCX,
    b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml": MediaType.XLSX,
    b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml": MediaType.PPTX,
}
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError, ValueError)


def sniff(file: IO[bytes]) -> frozenset[MediaType]:
    """What a file can be by its content; several only where its content does not say, none where it is no such type."""
    file.seek(0)
    head = file.read(4096)
    if head.startswith(_ZIP):
        found = _container(file)
        return frozenset({found} if found else ())
    matches = _matches(file)
    best = max((match.confidence for match in matches), default=0.0)
    named = {match.mime_type for match in matches if match.confidence == best}
    kinds = frozenset(kind for kind in MediaType if kind.value in named and kind not in TEXTS)
    if not kinds and best < _CERTAIN and _is_text(file, head):
        return TEXTS
    return kinds


def chosen(found: Collection[MediaType], declared: str, name: str | None) -> MediaType:
    """The type of a file that can be any of `found`: what it is said to be, or what its name says."""
    for kind in sorted(found):
        if kind.value == declared:
            return kind
    for kind in sorted(found):
        if name is not None and extension_of(name) in EXTENSIONS[kind]:
            return kind
    # Of the two kinds of text, the one that promises less.
    return max(found)


def extension_of(name: str) -> str:
    """`.pdf` of "Biên bản.PDF", and nothing of a name without one."""
    stem, dot, extension = name.rpartition(".")
    return f".{extension.lower()}" if dot and stem else ""


def essence(content_type: str | None) -> str:
    """The type alone, without its parameters; empty where it says nothing."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return "" if kind in UNSAID else kind


def _matches(file: IO[bytes]) -> Sequence[puremagic.PureMagicWithConfidence]:
    file.seek(0)
    try:
        return puremagic.magic_stream(file)
    except (puremagic.PureError, ValueError):
        return ()


def _is_text(file: IO[bytes], head: bytes) -> bool:
    """Whether all of it is UTF-8, or UTF-16 that says so, without any character that no text has."""
    decoder = codecs.getincrementaldecoder("utf-16" if head.startswith(_UTF16) else "utf-8")()
    file.seek(0)
    try:
        while piece := file.read(_PIECE):
            if _CONTROL.search(decoder.decode(piece)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _container(file: IO[bytes]) -> MediaType | None:
    """The office format of a ZIP archive; none for any other archive and for one that brings macros along."""
    if not _is_modest(file):
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if any(name.rpartition("/")[2].lower() == "vbaproject.bin" for name in names):
                return None
            if names[0] == "mimetype":
                return _open_document(_beginning(archive, "mimetype", 100))
            return _open_xml(_beginning(archive, "[Content_Types].xml", _PIECE))
    except _UNREADABLE:
        return None


def _beginning(archive: zipfile.ZipFile, name: str, size: int) -> bytes:
    # So much and no more is unpacked, however much there would be.
    with archive.open(name) as entry:
        return entry.read(size)


def _open_document(mimetype: bytes) -> MediaType | None:
    kinds = (MediaType.ODT, MediaType.ODS, MediaType.ODP)
    return next((kind for kind in kinds if kind.value.encode() == mimetype.strip()), None)


def _open_xml(content_types: bytes) -> MediaType | None:
    found = {kind for marker, kind in _OPEN_XML.items() if b'"' + marker + b'"' in content_types.replace(b"'", b'"')}
    return found.pop() if len(found) == 1 else None


def _is_modest(file: IO[bytes]) -> bool:
    """Whether the archive's directory is small enough to be read: asked before anything reads it."""
    end = file.seek(0, 2)
    # The record stands at the end, before a comment of at most 64 KB.
    file.seek(max(0, end - _DIRECTORY_END.size - 65_535))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _DIRECTORY_END.size:
        return False
    size: int = _DIRECTORY_END.unpack_from(tail, at)[5]
    return size <= _LARGEST_DIRECTORY
