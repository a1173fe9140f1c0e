"""Files of the types that people attach, made as small as they can be, and how they are sent."""

import io
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.agreements_api.agreements.world import Json, Person, accepted

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"
_OPEN_XML = "application/vnd.openxmlformats-officedocument."
_MAIN = {
    "docx": (f"{_OPEN_XML}wordprocessingml.document.main+xml", "/word/document.xml"),
    "xlsx": (f"{_OPEN_XML}spreadsheetml.sheet.main+xml", "/xl/workbook.xml"),
    "pptx": (f"{_OPEN_XML}presentationml.presentation.main+xml", "/ppt/presentation.xml"),
    "docm": ("application/vnd.ms-word.document.macroEnabled.main+xml", "/word/document.xml"),
}
_OPEN_DOCUMENT = {"odt": "text", "ods": "spreadsheet", "odp": "presentation"}


def pdf(words: str = "") -> bytes:
    """A PDF that no other one equals, unless it says the same."""
    return f"%PDF-1.7\n% {words or uuid4()}\n%%EOF\n".encode()


def archive(*entries: tuple[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in entries:
            written.writestr(name, content)
    return out.getvalue()


def open_xml(extension: str, *more: tuple[str, str | bytes]) -> bytes:
    """What Word, Excel and PowerPoint write."""
    main, part = _MAIN[extension]
    types = f'<Types><Override PartName="{part}" ContentType="{main}"/></Types>'
    return archive(("[Content_Types].xml", types), (part.lstrip("/"), f"<x>{uuid4()}</x>"), *more)


def open_document(extension: str) -> bytes:
    """What LibreOffice writes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as written:
        written.writestr("mimetype", f"application/vnd.oasis.opendocument.{_OPEN_DOCUMENT[extension]}")
        written.writestr("content.xml", f"<x>{uuid4()}</x>")
    return out.getvalue()


def stored(folder: Path) -> set[str]:
    """The names of all files in a folder of contents."""
    return {path.name for path in folder.rglob("*") if path.is_file()}


async def send(
    person: Person,
    subject: tuple[str, str],
    content: Any = None,
    *,
    name: str | None = "Biên bản (minh họa).pdf",
    declared: str | None = None,
    key: str | None = None,
    **query: str,
) -> httpx.Response:
    """The content as the body itself."""
    headers = person.unsafe() | ({"Content-Type": declared} if declared else {})
    if key is not None:
        headers["Idempotency-Key"] = key
    asked = {"subject_kind": subject[0], "subject_id": subject[1]} | ({"name": name} if name is not None else {})
    return await person.http.post(
        "/v1/documents", params=asked | query, content=pdf() if content is None else content, headers=headers
    )


async def send_form(person: Person, subject: tuple[str, str], *files: tuple[str, Any], **query: str) -> httpx.Response:
    """The content as a page's form sends it."""
    return await person.http.post(
        "/v1/documents",
        params={"subject_kind": subject[0], "subject_id": subject[1]} | query,
        files=list(files),
        headers=person.unsafe(),
    )


async def attached(person: Person, subject: tuple[str, str], content: Any = None, **more: Any) -> Json:
    return accepted(await send(person, subject, content, **more), 201)


async def download(person: Person, document_id: str, **headers: str) -> httpx.Response:
    """Through a link, without a token, as a browser would."""
    link = await person.read(f"/v1/documents/{document_id}/link")
    path = link["url"].removeprefix("http://127.0.0.1:8080")
    return await person.http.get(path, headers=headers)
