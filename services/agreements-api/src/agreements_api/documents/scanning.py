"""The role `scan`: looks for viruses in what was uploaded, and takes away contents that nothing refers to."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import asyncpg
import structlog
from prometheus_client import Counter

from agreements_api.config import Settings
from agreements_api.documents import repository, sweeping
from agreements_api.documents.clamd import Clamd, ScanFailed
from agreements_api.documents.models import ScanState
from agreements_api.documents.repository import Scanned
from agreements_api.documents.storage import STORAGE_ERRORS, Storage, open_storage
from shared.auth import SYSTEM
from shared.db import Database
from shared.roles import Role, poll

SCANS = Counter("lienvung_document_scans_total", "Scans of contents of documents", ["outcome"])

_log = structlog.get_logger(__name__)


def scan_role(settings: Settings, database: Database) -> Role:
    """Any number may run: each takes the contents that no other holds, and a killed one lets go of its own."""

    async def run(stop: asyncio.Event) -> None:
        storage = open_storage(settings)
        clamd = Clamd(settings.scanner_address, settings.scanner_timeout_seconds) if settings.scanner_address else None
        loop = asyncio.get_running_loop()
        swept = -settings.document_sweep_seconds
        adopted = clamd is None

        async def work() -> bool:
            nonlocal adopted, swept
            if not adopted:
                await _adopt(database)
                adopted = True
            if clamd is not None and await scan_next(
                database, storage, clamd, retry_seconds=settings.scan_retry_seconds
            ):
                return True
            if loop.time() - swept >= settings.document_sweep_seconds:
                await sweeping.sweep(database, storage, grace_seconds=settings.document_grace_seconds)
                swept = loop.time()
            return False

        await poll(stop, work, role="scan", idle_seconds=settings.scan_poll_seconds)

    return run


async def scan_next(database: Database, storage: Storage, clamd: Clamd, *, retry_seconds: float) -> bool:
    """Scan one content that is due; false where none is. It is held until the verdict stands in its row."""
    async with database.write(SYSTEM) as connection:
        content = await repository.hold_due(connection)
        if content is None:
            return False
        scanned = await _examine(storage, clamd, content)
        await repository.record_scan(connection, content["digest"], scanned, retry_seconds=retry_seconds)
    SCANS.labels(scanned.state.value).inc()
    return True


async def _examine(storage: Storage, clamd: Clamd, content: asyncpg.Record) -> Scanned:
    digest: str = content["digest"]
    hasher = hashlib.sha256()
    try:
        verdict = await clamd.scan(_hashed(await storage.read(digest), hasher))
    except FileNotFoundError:
        _log.error("document_content_missing", digest=digest)
        return Scanned(ScanState.ERROR, "missing")
    except ScanFailed as failed:
        _log.warning("document_scan_failed", digest=digest, reason=failed.reason, attempts=content["attempts"] + 1)
        return Scanned(ScanState.ERROR, failed.reason)
    except STORAGE_ERRORS as error:
        _log.warning("document_store_away", error=type(error).__name__)
        return Scanned(ScanState.ERROR, "storage")
    if verdict.found is not None:
        _log.warning("document_infected", digest=digest, found=verdict.found)
        return Scanned(ScanState.INFECTED, verdict.found)
    if hasher.hexdigest() != digest:
        _log.error("document_content_differs", digest=digest)
        return Scanned(ScanState.ERROR, "differs")
    return Scanned(ScanState.CLEAN)


async def _hashed(content: AsyncIterator[bytes], hasher: "hashlib._Hash") -> AsyncIterator[bytes]:
    async for piece in content:
        hasher.update(piece)
        yield piece


async def _adopt(database: Database) -> None:
    """What came in while there was no scanner is looked at too, now that there is one; until then it stays open."""
    async with database.write(SYSTEM) as connection:
        await repository.schedule_unscanned(connection)
