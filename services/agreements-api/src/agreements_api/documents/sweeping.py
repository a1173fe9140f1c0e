"""Contents that nothing refers to leave the store: after the last removal, and after a process that was killed."""

from datetime import timedelta

import structlog
from prometheus_client import Counter

from agreements_api.documents import repository
from agreements_api.documents.storage import STORAGE_ERRORS, Storage
from shared.auth import SYSTEM
from shared.db import Database

SWEPT = Counter("lienvung_documents_swept_total", "Contents of documents that were taken away", ["what"])
PAGE = 500
UNFINISHED_FOR = timedelta(days=1)

_log = structlog.get_logger(__name__)


async def sweep(database: Database, storage: Storage, *, grace_seconds: float) -> None:
    """One round. The row goes first: it never stands for an object that is not there."""
    try:
        while await _retire(database, grace_seconds) == PAGE:
            pass
        await _drop_orphans(database, storage)
        SWEPT.labels("unfinished").inc(await storage.drop_unfinished(older_than=UNFINISHED_FOR))
    except STORAGE_ERRORS as error:
        _log.warning("document_store_away", error=type(error).__name__)


async def _retire(database: Database, grace_seconds: float) -> int:
    async with database.write(SYSTEM) as connection:
        retired = await repository.retire_unreferenced(connection, grace_seconds=grace_seconds, limit=PAGE)
    SWEPT.labels("unreferenced").inc(retired)
    return retired


async def _drop_orphans(database: Database, storage: Storage) -> None:
    async for digests in storage.listed(page=PAGE):
        async with database.read(SYSTEM) as connection:
            orphans = await repository.without_content(connection, digests)
        for digest in orphans:
            # An upload of the same content holds this lock from before its object until after its row.
            async with database.write(SYSTEM) as connection:
                if await repository.try_lock_digest(connection, digest) and await repository.without_content(
                    connection, [digest]
                ):
                    await storage.remove(digest)
                    SWEPT.labels("orphan").inc()
