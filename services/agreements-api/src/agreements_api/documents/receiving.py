"""A file as it comes in: read piece by piece into a temporary file, measured and hashed on the way."""

import asyncio
import hashlib
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, NamedTuple

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from agreements_api.documents import errors, naming

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

# What is gathered before it is written and hashed, off the loop.
_PIECE = 1024 * 1024
# What the parts of a multipart body are wrapped in.
_WRAPPING = 64 * 1024
_FILE = "file"
_STORED_AT_ONCE = 2
# The parser of multipart bodies passes it over.
_EXTENDED = re.compile(r"(?i);\s*filename\*\s*=\s*([^;\s]+)")


@dataclass(frozen=True)
class Received:
    """A whole file, which is gone from the disk when whoever received it is done."""

    file: IO[bytes]
    size: int
    digest: str
    declared: str | None
    name: str | None
    # Where the file stands in the request, for whatever is wrong with it.
    pointer: str


class Intake:
    """How many files a process receives at the same time: each takes room on the disk.

    Fewer are put into the store at once, because each holds a connection to the database meanwhile.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self.storing = asyncio.Semaphore(_STORED_AT_ONCE)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        if not self._free:
            raise errors.TooManyUploads(headers={"Retry-After": "5"})
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


@asynccontextmanager
async def receive(request: Request, *, limit: int) -> AsyncIterator[Received]:
    """The file of a request, as the body itself or as the part `file` of a multipart body.

    Raises PayloadTooLarge as soon as it is known, and UploadBrokenOff where the caller goes away.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    multipart = kind == b"multipart/form-data"
    _check_announced(request, limit + (_WRAPPING if multipart else 0), limit)
    # Without a name in any folder: whatever becomes of this process, nothing of it stays.
    with tempfile.TemporaryFile(prefix="lienvung-upload-") as file:
        spool = _Spool(file, limit)
        try:
            if multipart:
                part = await _read_part(request, options.get(b"boundary", b""), spool)
                declared, name, pointer = part.declared, part.name, "/file"
            else:
                await _read_body(request, spool)
                declared, pointer = request.headers.get("content-type"), ""
                name = name_of(request.headers.get("content-disposition"))
            await spool.flush()
        except ClientDisconnect as error:
            raise errors.UploadBrokenOff from error
        except OSError as error:
            # No room on the disk is nothing that the caller could mend.
            raise errors.StorageAway(headers={"Retry-After": "60"}) from error
        if not spool.size:
            raise errors.empty_file(pointer)
        yield Received(file, spool.size, spool.digest, declared, name, pointer)


def name_of(disposition: str | None) -> str | None:
    """The name in a Content-Disposition; `filename*` before `filename`, as RFC 6266 asks."""
    if disposition is None:
        return None
    if match := _EXTENDED.search(disposition):
        told = naming.extended(match[1].strip('"'))
        if told is not None:
            return told
    _, options = parse_options_header(disposition.encode("latin-1"))
    plain = options.get(b"filename")
    # Browsers write names as they are, in UTF-8.
    return plain.decode("utf-8", errors="replace") if plain is not None else None


class _Spool:
    """Gathers pieces, and writes and hashes them a megabyte at a time."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self.size = 0
        self._file = file
        self._limit = limit
        self._hasher = hashlib.sha256()
        self._gathered = bytearray()

    @property
    def digest(self) -> str:
        return self._hasher.hexdigest()

    def add(self, piece: bytes | memoryview) -> None:
        self.size += len(piece)
        if self.size > self._limit:
            raise errors.FileTooLarge(self._limit)
        self._gathered += piece

    async def relieve(self) -> None:
        if len(self._gathered) >= _PIECE:
            await self.flush()

    async def flush(self) -> None:
        gathered, self._gathered = self._gathered, bytearray()
        await asyncio.to_thread(self._write, gathered)

    def _write(self, gathered: bytearray) -> None:
        self._hasher.update(gathered)
        self._file.write(gathered)


def _check_announced(request: Request, most: int, limit: int) -> None:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise errors.FileTooLarge(limit)


async def _read_body(request: Request, spool: _Spool) -> None:
    async for piece in request.stream():
        spool.add(piece)
        await spool.relieve()


class _Part(NamedTuple):
    declared: str | None
    name: str | None


@dataclass
class _Form:
    """The parts of a multipart body as the parser comes upon them; only `file` is one that is looked for."""

    spool: _Spool
    parts: list[_Part] = field(default_factory=list)
    ended: bool = False
    _header: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _headers: dict[str, str] = field(default_factory=dict)

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": lambda data, start, end: self.spool.add(memoryview(data)[start:end]),
            "on_end": self._end,
        }

    def _header_end(self) -> None:
        self._headers[self._header.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._header.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        disposition = self._headers.get("content-disposition", "")
        _, options = parse_options_header(disposition.encode("latin-1"))
        name = options.get(b"name", b"").decode("utf-8", errors="replace")
        if name != _FILE:
            raise errors.unknown_part(name[:100])
        if self.parts:
            raise errors.several_files()
        self.parts.append(_Part(self._headers.get("content-type"), name_of(disposition)))

    def _end(self) -> None:
        self.ended = True


async def _read_part(request: Request, boundary: bytes, spool: _Spool) -> _Part:
    form = _Form(spool)
    received = 0
    try:
        parser = MultipartParser(boundary, form.callbacks())
        async for piece in request.stream():
            received += len(piece)
            if received > spool.size + _WRAPPING + len(piece):
                raise errors.InvalidMultipart
            parser.write(piece)
            await spool.relieve()
        parser.finalize()
    except FormParserError as error:
        raise errors.InvalidMultipart from error
    if not form.ended:
        raise errors.UploadBrokenOff
    if not form.parts:
        raise errors.no_file()
    return form.parts[0]
