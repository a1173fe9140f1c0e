"""Where contents are kept: one interface to a folder or to any store that speaks S3, each content under its digest."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from agreements_api.config import Settings
from agreements_api.documents.ranges import Span
from shared import clock

if TYPE_CHECKING:
    # Written for checkers of types, and not there when the program runs.
    from obstore.store import ClientConfig, RetryConfig

# What a store that is away or refuses raises; an object that is not there is a FileNotFoundError.
STORAGE_ERRORS = (BaseError, OSError)
PIECE = 256 * 1024
# What a put holds in memory, several times over: one part at a time, and S3 takes none that is smaller.
_PART_OF_S3 = 5 * 1024 * 1024
_PART_OF_FOLDER = 1024 * 1024
_KEY = re.compile(r"sha256/[0-9a-f]{2}/([0-9a-f]{64})")
_RETRIES: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}


class Storage:
    """Contents by their digests. To put one that is there is no mistake, and neither is to remove one that is not."""

    def __init__(self, store: S3Store | LocalStore, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    async def put(self, digest: str, file: IO[bytes]) -> None:
        """Keep the whole file; it is there, whole, when this returns, and not before."""
        file.seek(0)
        part = _PART_OF_S3 if self._folder is None else _PART_OF_FOLDER
        await obstore.put_async(self._store, _key(digest), file, chunk_size=part, max_concurrency=1)
        if self._folder is not None:
            await asyncio.to_thread(_flush, self._folder / _key(digest))

    async def read(self, digest: str, span: Span | None = None) -> AsyncIterator[bytes]:
        """The content or a part of it, piece by piece; FileNotFoundError at once where it is not there."""
        options: obstore.GetOptions = {} if span is None else {"range": (span.start, span.end)}
        found = await obstore.get_async(self._store, _key(digest), options=options)
        return _pieces(found)

    async def remove(self, digest: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            await obstore.delete_async(self._store, _key(digest))

    async def listed(self, *, page: int) -> AsyncIterator[list[str]]:
        """The digests of all that is there, page by page; what is not named as a content is left alone."""
        async for objects in obstore.list(self._store, prefix="sha256", chunk_size=page):
            yield [match[1] for each in objects if (match := _KEY.fullmatch(each["path"]))]

    async def drop_unfinished(self, *, older_than: timedelta) -> int:
        """Remove what puts that were killed left in a folder; of an S3 store that is a rule of the bucket's own."""
        if self._folder is None:
            return 0
        return await asyncio.to_thread(_drop, self._folder, clock.wall_now() - older_than)


def open_storage(settings: Settings) -> Storage:
    """The storage that the settings name; a folder is made if it is not there."""
    place = settings.documents_url
    if not place.startswith("s3://"):
        folder = Path(place)
        return Storage(LocalStore(folder, mkdir=True), folder)
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    connection: ClientConfig = {
        "connect_timeout": "5s",
        "timeout": "60s",
        "allow_http": (settings.documents_s3_endpoint or "").startswith("http://"),
    }
    store = S3Store(
        bucket,
        prefix=prefix.strip("/") or None,
        endpoint=settings.documents_s3_endpoint,
        region=settings.documents_s3_region,
        access_key_id=settings.documents_s3_access_key_id,
        secret_access_key=settings.documents_s3_secret_access_key,
        virtual_hosted_style_request=settings.documents_s3_endpoint is None,
        # Not every store knows how to remove several at once, and nothing here asks for it.
        disable_bulk_delete=True,
        client_options=connection,
        retry_config=_RETRIES,
    )
    return Storage(store)


async def _pieces(found: obstore.GetResult) -> AsyncIterator[bytes]:
    async for piece in found.stream(min_chunk_size=PIECE):
        yield bytes(piece)


def _key(digest: str) -> str:
    return f"sha256/{digest[:2]}/{digest}"


def _flush(path: Path) -> None:
    # The row that is written next outlives a loss of power; so must what it stands for.
    for each in (path, path.parent):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _drop(folder: Path, before: datetime) -> int:
    dropped = 0
    for path in _unfinished(folder):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < before.timestamp():
                path.unlink()
                dropped += 1
    return dropped


def _unfinished(folder: Path) -> Iterator[Path]:
    # The store writes beside the place, under the same name and a number, and renames in the end.
    return (path for path in (folder / "sha256").glob("*/*#*") if path.is_file())
