"""Drawing: real PDFs out of worker processes that are limited, watched and replaced."""

import asyncio
import io
import json
import os
import re
from collections.abc import AsyncIterator
from typing import Any, cast

import pypdf
import pytest
import pytest_asyncio

from reporting.reports.facts import Layout
from reporting.reports.renderer import Renderer, RenderFailed
from reporting.reports.worker import LENGTH
from tests.reporting.reports.test_document import PARTY_COMMITTEE, PEOPLES_COMMITTEE, report, task


@pytest_asyncio.fixture
async def renderer() -> AsyncIterator[Renderer]:
    renderer = Renderer(documents_per_worker=3, memory_mb=1024, timeout=60)
    yield renderer
    await renderer.close()


def worker(renderer: Renderer) -> int:
    process = renderer._process
    assert process is not None
    return process.pid


def words(pdf: bytes) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages))


def links(pdf: bytes) -> list[str]:
    return [
        str(annotation.get_object()["/A"]["/URI"])
        for page in pypdf.PdfReader(io.BytesIO(pdf)).pages
        for annotation in page.get("/Annots", [])
    ]


@pytest.mark.parametrize(
    ("layout", "phrases"),
    [
        (Layout.STATE, ["CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", "Số: 12/BC-UBND"]),
        (Layout.PARTY, ["ĐẢNG CỘNG SẢN VIỆT NAM", "ĐẢNG BỘ TỈNH HẢI DƯƠNG", "T/M BAN THƯỜNG VỤ"]),
    ],
)
async def test_a_layout_has_the_parts_that_its_rules_name(
    renderer: Renderer, layout: Layout, phrases: list[str]
) -> None:
    issuer = PARTY_COMMITTEE if layout is Layout.PARTY else PEOPLES_COMMITTEE
    pdf = await renderer.pdf(report(task("A"), issuer=issuer, layout=layout), "http://lienvung.test")
    shown = words(pdf)
    for phrase in (*phrases, "BÁO CÁO", "Chí Linh, ngày 05 tháng 02 năm 2024", "Nơi nhận:", "Phụ lục"):
        assert phrase in shown


async def test_the_file_is_an_archive_with_its_own_fonts(renderer: Renderer) -> None:
    pdf = await renderer.pdf(report(task("A")), "http://lienvung.test")
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    metadata = cast(Any, reader.root_object["/Metadata"]).get_data().decode()
    assert re.search(r"<pdfaid:part>2</pdfaid:part>\s*<pdfaid:conformance>B</pdfaid:conformance>", metadata)
    assert reader.pages[0].mediabox[2:] == pytest.approx([595.3, 841.9], abs=0.5)
    assert b"LiberationSerif" in pdf


async def test_the_same_report_is_drawn_to_the_same_bytes(renderer: Renderer) -> None:
    document = report(task("A"))
    assert await renderer.pdf(document, "http://a.test") == await renderer.pdf(document, "http://a.test")


async def test_figures_and_tasks_are_links(renderer: Renderer) -> None:
    document = report(task("A"), task("B"))
    found = links(await renderer.pdf(document, "http://lienvung.test/"))
    assert f"http://lienvung.test{document.figures['total'].tasks}" in found
    assert {f"http://lienvung.test{row.link}" for row in document.annex.rows} <= set(found)


async def test_what_a_person_wrote_is_text_and_never_markup(renderer: Renderer) -> None:
    nasty = '#read("/etc/passwd") $x$ *b* _i_ <l> @r \\ // `c` #panic("x") ]['
    shown = words(await renderer.pdf(report(task(nasty)), "http://lienvung.test"))
    assert '#read("/etc/passwd")' in shown
    assert '#panic("x")' in shown


async def test_a_character_that_the_typeface_lacks_becomes_a_box_and_fails_no_report(renderer: Renderer) -> None:
    shown = words(await renderer.pdf(report(task("Chợ 😀 quê 中\u0007 ✓")), "http://lienvung.test"))
    assert "Chợ □ quê □□" in shown


async def test_pages_after_the_first_are_numbered_and_the_annex_counts_its_own(renderer: Renderer) -> None:
    pdf = await renderer.pdf(report(*(task(f"Nhiệm vụ {i}") for i in range(120))), "http://lienvung.test")
    pages = [page.extract_text().split() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]
    annex = next(number for number, page in enumerate(pages) if page[:2] == ["Phụ", "lục"])
    assert pages[0][0] != "1"
    assert [page[0] for page in pages[1:annex]] == [str(number) for number in range(2, annex + 1)]
    assert [page[0] for page in pages[annex + 1 :]] == [str(n) for n in range(2, len(pages) - annex + 1)]


async def test_a_worker_is_replaced_after_its_share_of_documents(renderer: Renderer) -> None:
    document = report()
    await renderer.pdf(document, "")
    first = worker(renderer)
    await renderer.pdf(document, "")
    assert worker(renderer) == first
    await renderer.pdf(document, "")
    await renderer.pdf(document, "")
    assert worker(renderer) != first


async def test_a_document_that_wants_too_much_memory_fails_alone() -> None:
    renderer = Renderer(documents_per_worker=25, memory_mb=256, timeout=60)
    try:
        with pytest.raises(RenderFailed):
            await renderer.pdf(report(*(task(f"Nhiệm vụ {i}") for i in range(8000))), "")
        assert (await renderer.pdf(report(task("A")), "")).startswith(b"%PDF")
    finally:
        await renderer.close()


async def test_a_document_that_takes_too_long_is_given_up() -> None:
    renderer = Renderer(documents_per_worker=25, memory_mb=1024, timeout=0.01)
    with pytest.raises(RenderFailed, match="not drawn within"):
        await renderer.pdf(report(task("A")), "")
    assert renderer._process is None


async def test_a_killed_worker_fails_its_document_and_the_next_one_gets_a_new_worker(renderer: Renderer) -> None:
    await renderer.pdf(report(), "")
    os.kill(worker(renderer), 9)
    await asyncio.sleep(0.05)
    assert (await renderer.pdf(report(), "")).startswith(b"%PDF")


async def test_a_cancelled_drawing_ends_its_worker(renderer: Renderer) -> None:
    await renderer.pdf(report(), "")
    pid = worker(renderer)
    drawing = asyncio.create_task(renderer.pdf(report(*(task(f"{i}") for i in range(3000))), ""))
    await asyncio.sleep(0.05)
    drawing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drawing
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_worker_ends_although_its_answer_is_longer_than_what_is_read_ahead(renderer: Renderer) -> None:
    # What a drawing leaves behind that is cancelled when its answer has begun to come.
    process = await renderer._worker()
    assert process.stdin is not None
    assert process.stdout is not None
    document = report(*(task(f"Nhiệm vụ {i}") for i in range(600)))
    request = json.dumps({"data": document.model_dump_json(), "origin": "", "timestamp": "0"}).encode()
    process.stdin.write(LENGTH.pack(len(request)) + request)
    length = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
    # More than the buffer of the reader and that of the pipe.
    assert length > 3 * 2**16
    await asyncio.sleep(0.5)
    async with asyncio.timeout(10):
        await renderer.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
