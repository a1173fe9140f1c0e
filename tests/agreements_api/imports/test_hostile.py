"""Files that would harm whoever reads them: each is refused, for the reason that it has, within the reader's memory."""

import asyncio
import io
import json
import struct
import zipfile

import psutil
import pytest

from agreements_api.imports.inspection import MEGABYTE, Limits
from agreements_api.imports.kinds import ImportKind
from agreements_api.imports.reader import Headers, Reader
from agreements_api.imports.refusals import WORDING, Refusal, Refused, worded
from agreements_api.imports.table import RawRow
from tests.agreements_api.imports.tables import HEADERS, TASK, part_of, tasks, with_parts, workbook

SHEET = "xl/worksheets/sheet1.xml"
PLAIN = workbook(HEADERS, TASK)
# A tenth of what a worker may have: what is refused here is refused before it is unpacked.
MEMORY_MB = 256


def reader(limits: Limits | None = None, *, memory_mb: int = MEMORY_MB, cpu_seconds: int = 60) -> Reader:
    return Reader(limits or Limits(), memory_mb=memory_mb, cpu_seconds=cpu_seconds, timeout=120)


async def read(content: bytes, by: Reader | None = None) -> list[RawRow]:
    rows: list[RawRow] = []
    async for part in (by or reader()).read(content, ImportKind.TASKS):
        if not isinstance(part, Headers):
            rows += part
    return rows


async def refusal_of(content: bytes, by: Reader | None = None) -> Refusal:
    with pytest.raises(Refused) as error:
        await read(content, by)
    told = worded(error.value.code, error.value.parameters)
    assert told["vi"]
    assert "{" not in told["vi"] + told["en"]
    return error.value.code


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children() if "agreements_api.imports.reading" in child.cmdline()}


def sheet_of(rows: str, after: str = "") -> bytes:
    """The plain workbook with other rows in its sheet."""
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    return with_parts(PLAIN, {SHEET: f"<worksheet {space}><sheetData>{rows}</sheetData>{after}</worksheet>"})


def with_strings(rows: str, count: int, *, text: str = "x" * 20) -> bytes:
    """A sheet with these rows, and so many texts that its cells may name by their number."""
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    texts = "".join(f"<si><t>{at:x}{text}</t></si>" for at in range(count))
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    named = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    types = part_of(PLAIN, "[Content_Types].xml").replace("</Types>", named)
    parts = {"xl/sharedStrings.xml": f"<sst {space}>{texts}</sst>", "[Content_Types].xml": types}
    return with_parts(sheet_of(rows), {**parts})


def with_relationship(type_: str, target: str) -> bytes:
    base = "http://schemas.openxmlformats.org"
    return with_parts(
        PLAIN,
        {
            "xl/worksheets/_rels/sheet1.xml.rels": f'<Relationships xmlns="{base}/package/2006/relationships">'
            f'<Relationship Id="rId9" Type="{base}/officeDocument/2006/relationships/{type_}" Target="{target}"'
            ' TargetMode="External"/></Relationships>'
        },
    )


async def test_the_plain_workbook_is_read() -> None:
    [row] = await read(PLAIN)
    assert row.values["title"] == TASK[1]


async def test_two_thousand_tasks_fit_into_a_small_process() -> None:
    assert len(await read(tasks(2_000))) == 2_000


async def test_a_part_that_unpacks_to_far_more_is_refused_by_the_directory() -> None:
    bomb = with_parts(PLAIN, {"xl/media/image1.png": b"\0" * (30 * MEGABYTE)})
    assert len(bomb) < MEGABYTE
    assert await refusal_of(bomb) == Refusal.UNPACKED_TOO_LARGE


async def test_many_parts_that_are_too_large_together_are_refused() -> None:
    noise = bytes(range(256)) * 4_096
    parts: dict[str, bytes | str] = {f"xl/media/image{at}.png": noise for at in range(6)}
    assert await refusal_of(with_parts(PLAIN, parts), reader(Limits(unpacked_mb=5))) == Refusal.UNPACKED_TOO_LARGE


async def test_a_directory_that_lies_about_a_size_is_not_believed() -> None:
    bomb = with_parts(PLAIN, {"xl/media/image1.png": b"\0" * (30 * MEGABYTE)})
    honest, lie = struct.pack("<I", 30 * MEGABYTE), struct.pack("<I", 1_000)
    assert bomb.count(honest) == 2
    assert await refusal_of(bomb.replace(honest, lie)) == Refusal.DAMAGED


async def test_an_archive_in_an_archive_is_not_unpacked() -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xml", b"\0" * (30 * MEGABYTE))
    assert len(await read(with_parts(PLAIN, {"xl/media/inner.zip": inner.getvalue()}))) == 1


async def test_thousands_of_parts_are_refused() -> None:
    parts: dict[str, bytes | str] = {f"xl/media/{at}": b"" for at in range(2_100)}
    assert await refusal_of(with_parts(PLAIN, parts)) == Refusal.UNPACKED_TOO_LARGE


async def test_a_million_empty_rows_are_refused() -> None:
    rows = "".join(f'<row r="{at}" spans="1:5" customHeight="1"/>' for at in range(1, 1_000_001))
    assert await refusal_of(sheet_of(rows)) == Refusal.TOO_MANY_ROWS


async def test_a_million_rows_of_empty_cells_are_refused() -> None:
    rows = "".join(f'<row r="{at}"><c r="A{at}" s="1"/></row>' for at in range(1, 1_000_001))
    assert await refusal_of(sheet_of(rows)) == Refusal.TOO_MANY_ROWS


async def test_a_value_in_the_last_row_of_all_is_refused() -> None:
    assert await refusal_of(sheet_of('<row r="1048576"><c r="A1048576"><v>1</v></c></row>')) == Refusal.TOO_MANY_ROWS


async def test_more_columns_than_may_be_are_refused() -> None:
    assert await refusal_of(sheet_of('<row r="1"><c r="XFD1"><v>1</v></c></row>')) == Refusal.TOO_MANY_COLUMNS


async def test_more_merged_ranges_than_may_be_are_refused() -> None:
    merged = "".join(f'<mergeCell ref="A{at}:B{at}"/>' for at in range(1, 20_100))
    assert await refusal_of(sheet_of("", f"<mergeCells>{merged}</mergeCells>")) == Refusal.TOO_MANY_ROWS


async def test_a_dimension_that_lies_is_not_believed() -> None:
    sheet = part_of(PLAIN, SHEET).replace('ref="A1:E2"', 'ref="A1:XFD1048576"')
    assert "XFD1048576" in sheet
    assert len(await read(with_parts(PLAIN, {SHEET: sheet}))) == 1


@pytest.mark.parametrize(
    "part", ["xl/vbaProject.bin", "xl/macrosheets/sheet1.xml", "xl/vbaProjectSignature.bin"], ids=str
)
async def test_macros_are_refused(part: str) -> None:
    assert await refusal_of(with_parts(PLAIN, {part: b"<x/>"})) == Refusal.MACROS


async def test_a_type_of_workbooks_with_macros_is_refused_without_any_macro() -> None:
    types = part_of(PLAIN, "[Content_Types].xml").replace(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
    )
    assert await refusal_of(with_parts(PLAIN, {"[Content_Types].xml": types})) == Refusal.MACROS


@pytest.mark.parametrize(
    "part",
    [
        "xl/externalLinks/externalLink1.xml",
        "xl/connections.xml",
        "xl/queryTables/queryTable1.xml",
        "xl/embeddings/oleObject1.bin",
    ],
)
async def test_what_fetches_data_from_elsewhere_is_refused(part: str) -> None:
    dde = '<externalLink><ddeLink ddeService="cmd" ddeTopic="/C calc"/></externalLink>'
    assert await refusal_of(with_parts(PLAIN, {part: dde})) == Refusal.EXTERNAL_LINKS


async def test_a_template_of_somewhere_else_is_refused_and_a_link_to_click_on_is_not() -> None:
    assert await refusal_of(with_relationship("attachedTemplate", "http://x.example/t")) == Refusal.EXTERNAL_LINKS
    assert len(await read(with_relationship("hyperlink", "http://x.example/"))) == 1


@pytest.mark.parametrize("part", [SHEET, "xl/sharedStrings.xml", "docProps/core.xml", "xl/_rels/workbook.xml.rels"])
async def test_entities_are_refused_wherever_they_are_declared(part: str) -> None:
    entities = "".join(f'<!ENTITY e{at} "{f"&e{at - 1};" * 10}">' for at in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "lol">{entities}]><x>&e9;</x>'
    assert await refusal_of(with_parts(PLAIN, {part: bomb})) == Refusal.XML_ENTITIES


async def test_a_file_outside_is_not_read_by_an_entity() -> None:
    outside = '<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'
    assert await refusal_of(with_parts(PLAIN, {"docProps/app.xml": outside})) == Refusal.XML_ENTITIES


async def test_a_workbook_under_a_password_is_named_as_such() -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500
    assert await refusal_of(ole + "EncryptedPackage".encode("utf-16-le")) == Refusal.ENCRYPTED
    assert await refusal_of(ole) == Refusal.OLD_FORMAT


async def test_a_part_under_a_password_is_named_as_such() -> None:
    flags = bytearray(PLAIN)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        flags[flags.index(mark) + offset] |= 1
    assert await refusal_of(bytes(flags)) == Refusal.ENCRYPTED


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"%PDF-1.7\n", Refusal.WRONG_TYPE),
        (b"<html><table><tr><td>1</td></tr></table></html>", Refusal.WRONG_TYPE),
        (b"\x7fELF\x02\x01", Refusal.WRONG_TYPE),
        (b"PK\x03\x04" + b"\0" * 200, Refusal.DAMAGED),
        (PLAIN[: len(PLAIN) // 2], Refusal.DAMAGED),
        (with_parts(PLAIN, {SHEET: "<worksheet><sheetData><row>"}), Refusal.DAMAGED),
        (with_parts(PLAIN, {"xl/workbook.xml": "<workbook/>"}), Refusal.NO_HEADER),
        (with_strings('<row r="1"><c r="A1" t="s"><v>99</v></c></row>', 1), Refusal.DAMAGED),
    ],
    ids=["pdf", "html", "program", "no archive", "half a file", "half a sheet", "no sheet", "no texts"],
)
async def test_what_is_no_table_is_refused(content: bytes, refusal: Refusal) -> None:
    assert await refusal_of(content) == refusal


async def test_an_opendocument_table_is_named_as_such() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<x/>")
    assert await refusal_of(file.getvalue()) == Refusal.OLD_FORMAT


async def test_whoever_wants_more_memory_than_there_is_is_refused_and_the_next_file_is_read() -> None:
    """Within every limit of the file, and beyond that of the process: the worker that asked goes on.

    At several limits, as it differs from one to the next how little is left to tell of it with.
    """
    large = with_strings("", 1_200_000)
    for memory_mb in (80, 86, 114, 132):
        by = reader(Limits(unpacked_mb=1_000), memory_mb=memory_mb)
        assert await refusal_of(large, by) == Refusal.TOO_MUCH_MEMORY
        assert len(await read(PLAIN, by)) == 1


async def test_one_text_in_a_hundred_thousand_cells_does_not_fill_the_memory_of_who_asked() -> None:
    """Small as a file and as a process, large only as the rows that come out of it."""
    cells = "".join(f'<c r="{column}{{0}}" t="s"><v>0</v></c>' for column in "ABCDE")
    rows = "".join(f'<row r="{at}">{cells.format(at)}</row>' for at in range(3, 9_000))
    head = part_of(PLAIN, SHEET).split("<sheetData>")[1].split("</sheetData>")[0]
    large = with_strings(head + rows, 1, text="x" * 4_000)
    assert len(large) < MEGABYTE
    assert await refusal_of(large, reader(memory_mb=512)) == Refusal.TOO_MUCH_MEMORY


async def test_whoever_takes_more_time_than_there_is_is_refused() -> None:
    rows = with_strings("", 1_500_000)
    for by in (
        Reader(Limits(), memory_mb=512, cpu_seconds=60, timeout=0.05),
        Reader(Limits(unpacked_mb=1_000), memory_mb=2_000, cpu_seconds=1, timeout=60),
    ):
        assert await refusal_of(rows, by) == Refusal.TOO_LONG


async def test_the_process_goes_with_whoever_asked() -> None:
    """A cancelled import leaves no process behind."""
    before = children()

    async def read_for_long() -> None:
        await read(tasks(9_000))

    reading = asyncio.create_task(read_for_long())
    while children() == before:  # noqa: ASYNC110 - no event tells of another process
        await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert children() == before


def test_every_refusal_has_its_words() -> None:
    assert set(WORDING) == set(Refusal)
    assert json.dumps([list(words) for words in WORDING.values()])
