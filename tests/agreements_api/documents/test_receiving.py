"""A request's file, however its bytes come in, and what is told when they do not."""

import errno
import hashlib
import io
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, Any, NoReturn

import pytest
from fastapi import Request
from starlette.types import Message

from agreements_api.documents import uploads
from agreements_api.documents.errors import (
    FileTooLarge,
    StorageAway,
    TooManyUploads,
    TypeNotAllowed,
    UploadBrokenOff,
)
from agreements_api.documents.media_types import MediaType
from agreements_api.documents.receiving import Intake, Received, receive
from tests.agreements_api.documents.files import PNG

CONTENT = b"%PDF-1.7\n--boundary is no boundary\r\n--b\r\n" + bytes(range(256)) * 20
FORM = (
    b'--boundary\r\nContent-Disposition: form-data; name="file"; filename="B\xc3\xa1o c\xc3\xa1o.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n" + CONTENT + b"\r\n--boundary--\r\n"
)
LIMIT = 10_000


def request(*pieces: bytes, ends: bool = True, **headers: str) -> Request:
    """A request whose body comes in these pieces; one that does not end, breaks off."""
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.request", "body": b""} if ends else {"type": "http.disconnect"})
    waiting = iter(messages)

    async def next_message() -> Message:
        return next(waiting)

    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": fields}, next_message)


@asynccontextmanager
async def received(*pieces: bytes, limit: int = LIMIT, **more: Any) -> AsyncIterator[Received]:
    async with receive(request(*pieces, **more), limit=limit) as found:
        yield found


def whole(found: Received) -> bytes:
    found.file.seek(0)
    return found.file.read()


@pytest.mark.parametrize("size", [1, 2, 7, 64, 100_000])
async def test_a_form_is_read_wherever_its_pieces_begin(size: int) -> None:
    pieces = [FORM[at : at + size] for at in range(0, len(FORM), size)]
    async with received(*pieces, content_type="multipart/form-data; boundary=boundary") as found:
        assert whole(found) == CONTENT
        assert (found.name, found.declared, found.size) == ("Báo cáo.pdf", "application/pdf", len(CONTENT))
        assert found.digest == hashlib.sha256(CONTENT).hexdigest()


async def test_nothing_of_a_file_is_left_when_it_was_dealt_with(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with received(CONTENT) as found:
        assert whole(found) == CONTENT
        # Whatever kills this process now leaves nothing either.
        assert list(tmp_path.iterdir()) == []
    assert found.file.closed


@pytest.mark.parametrize(
    ("kind", "piece"),
    [("application/pdf", CONTENT), ("multipart/form-data; boundary=boundary", FORM[:200])],
    ids=["body", "form"],
)
async def test_an_upload_that_breaks_off_is_none(kind: str, piece: bytes) -> None:
    with pytest.raises(UploadBrokenOff):
        async with received(piece, ends=False, content_type=kind):
            pytest.fail("nothing was received")


async def test_no_more_is_read_than_may_come() -> None:
    read = 0

    async def endless() -> Message:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    with pytest.raises(FileTooLarge):
        async with receive(Request({"type": "http", "method": "POST", "headers": []}, endless), limit=LIMIT):
            pytest.fail("nothing was received")
    assert read == LIMIT // 1000 + 1


async def test_what_wraps_a_file_has_a_limit_too() -> None:
    """A preamble is no part, and would be skipped for as long as it comes."""
    kind = "multipart/form-data; boundary=boundary"
    junk = b'--boundary\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--boundary--\r\n'
    with pytest.raises(Exception, match=r"(?i)multipart"):
        async with received(junk, *[b"\r\n" * 10_000] * 20, content_type=kind):
            pytest.fail("nothing was received")


async def test_a_disk_without_room_is_the_installations_own_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, _: Any) -> NoReturn:
            raise OSError(errno.ENOSPC, "No space left on device")

    def no_room(**_: Any) -> IO[bytes]:
        return Full()

    monkeypatch.setattr(tempfile, "TemporaryFile", no_room)
    with pytest.raises(StorageAway):
        async with received(CONTENT):
            pytest.fail("nothing was received")


async def test_a_place_is_given_back_whatever_becomes_of_the_upload() -> None:
    intake = Intake(1)

    async def upload() -> None:
        async with intake.place():
            with pytest.raises(TooManyUploads):
                async with intake.place():
                    pytest.fail("there was one place")
            raise UploadBrokenOff

    for _ in range(2):
        with pytest.raises(UploadBrokenOff):
            await upload()


async def test_an_installation_may_take_fewer_types() -> None:
    async with received(PNG) as found:
        with pytest.raises(TypeNotAllowed) as raised:
            await uploads.check(found, "ảnh.png", [MediaType.PDF])
        assert raised.value.members == {"allowed": ["application/pdf"]}
        assert (await uploads.check(found, "ảnh.png", list(MediaType))).media_type is MediaType.PNG
