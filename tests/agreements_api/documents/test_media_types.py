"""What a file is, told from its content."""

import io
import struct
import zipfile

import pytest

from agreements_api.documents.media_types import TEXTS, MediaType, chosen, essence, extension_of, sniff
from tests.agreements_api.documents.files import JPEG, PNG, archive, open_document, open_xml, pdf

OLE = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600
MACROS = ("word/vbaProject.bin", b"\0")


def sniffed(content: bytes) -> frozenset[MediaType]:
    return sniff(io.BytesIO(content))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (pdf(), MediaType.PDF),
        (open_xml("docx"), MediaType.DOCX),
        (open_xml("xlsx"), MediaType.XLSX),
        (open_xml("pptx"), MediaType.PPTX),
        (open_document("odt"), MediaType.ODT),
        (open_document("ods"), MediaType.ODS),
        (open_document("odp"), MediaType.ODP),
        (PNG, MediaType.PNG),
        (JPEG, MediaType.JPEG),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00" + b"\0" * 24, MediaType.WEBP),
        (b"II*\x00\x08\x00\x00\x00" + b"\0" * 32, MediaType.TIFF),
    ],
    ids=lambda value: value.name if isinstance(value, MediaType) else "",
)
def test_the_types_that_people_attach_are_told_apart(content: bytes, kind: MediaType) -> None:
    assert sniffed(content) == {kind}


@pytest.mark.parametrize(
    "content",
    [
        "Biên bản hội nghị tại thị xã Đông Triều.\r\n".encode(),
        "tên;đơn vị\nA;B\n".encode("utf-16"),
        b"\xef\xbb\xbfa,b\n1,2\n",
        b"x" * 3_000_000,
        # Begins as a bitmap does, and is a word all the same.
        b"BM la viet tat cua Binh Minh\n",
    ],
    ids=["utf-8", "utf-16", "with a mark", "long", "like a bitmap"],
)
def test_text_is_text_or_a_table(content: bytes) -> None:
    assert sniffed(content) == TEXTS


@pytest.mark.parametrize(
    "content",
    [
        b"<html><body><script>alert(1)</script></body></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"%!PS-Adobe-3.0\n",
        b"MZ\x90\x00" + b"\0" * 200,
        b"\x7fELF\x02\x01\x01" + b"\0" * 200,
        OLE,
        b"Ti\xeang Vi\xeat",
        b"text\x00with a nul",
        "cắt giữa".encode()[:-1] + b"\xe1",
        bytes(range(256)),
    ],
    ids=["page", "drawing", "postscript", "exe", "elf", "ole", "latin", "nul", "cut", "bytes"],
)
def test_whatever_runs_or_says_nothing_is_none_of_them(content: bytes) -> None:
    assert sniffed(content) == frozenset()


@pytest.mark.parametrize(
    "content",
    [
        archive(("a.txt", "x")),
        open_xml("docm"),
        open_xml("docx", MACROS),
        archive(("[Content_Types].xml", "no types at all")),
        archive(("mimetype", "application/epub+zip")),
        open_xml("docx")[:-30],
        open_xml("docx")[:40],
        b"PK\x03\x04" + b"\0" * 100,
        b"PK\x03\x04 is how an archive begins",
    ],
    ids=["zip", "macros by type", "macros inside", "no types", "e-book", "cut at the end", "cut", "zeros", "words"],
)
def test_an_archive_that_is_no_office_file_is_none_of_them(content: bytes) -> None:
    assert sniffed(content) == frozenset()


def test_a_directory_of_a_million_entries_is_not_read() -> None:
    """Whoever reads it needs more memory than the whole file has bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as written:
        written.writestr("[Content_Types].xml", "x")
    whole = bytearray(out.getvalue())
    end = whole.rfind(b"PK\x05\x06")
    struct.pack_into("<L", whole, end + 12, 40_000_000)
    assert sniffed(bytes(whole)) == frozenset()


def test_no_more_of_a_bomb_is_unpacked_than_is_looked_at() -> None:
    bomb = archive(("[Content_Types].xml", b"\0" * 200_000_000))
    assert len(bomb) < 300_000
    assert sniffed(bomb) == frozenset()


def test_between_text_and_a_table_it_is_what_is_said_and_then_what_it_is_called() -> None:
    assert chosen(TEXTS, "text/csv", "a.txt") is MediaType.CSV
    assert chosen(TEXTS, "", "Danh sách.CSV") is MediaType.CSV
    assert chosen(TEXTS, "", "ghi chú") is MediaType.TEXT
    assert chosen({MediaType.PDF}, "text/csv", "a.csv") is MediaType.PDF


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/CSV; charset=utf-8", "text/csv"),
        ("application/octet-stream", ""),
        (None, ""),
        ("application/pdf", "application/pdf"),
    ],
)
def test_a_declared_type_is_taken_without_its_parameters(content_type: str | None, expected: str) -> None:
    assert essence(content_type) == expected


@pytest.mark.parametrize(("name", "expected"), [("a.PDF", ".pdf"), (".bashrc", ""), ("a", ""), ("a.tar.gz", ".gz")])
def test_an_extension_is_what_follows_the_last_dot(name: str, expected: str) -> None:
    assert extension_of(name) == expected
