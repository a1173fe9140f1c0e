"""The imports role: reads files that were sent, checks them, and writes what is right as a whole."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson
import structlog
from prometheus_client import Counter, Histogram

from agreements_api.agreements import permissions as agreement_permissions
from agreements_api.agreements import service as agreements
from agreements_api.agreements.schemas import AgreementCreate
from agreements_api.config import Settings
from agreements_api.imports import repository
from agreements_api.imports.agreement_rows import read_agreement
from agreements_api.imports.directory import Directory
from agreements_api.imports.findings import Findings, missing_columns
from agreements_api.imports.inspection import Limits
from agreements_api.imports.kinds import ImportKind
from agreements_api.imports.models import ImportStatus
from agreements_api.imports.reader import Headers, Reader
from agreements_api.imports.refusals import Refusal, Refused, worded
from agreements_api.imports.table import RawRow
from agreements_api.imports.task_rows import ClauseEntry, Clauses, read_task
from agreements_api.tasks import batches
from agreements_api.tasks.schemas import TaskCreate
from shared import clock
from shared.auth import SYSTEM, Actor
from shared.db import Database, driver_connection
from shared.problems import Forbidden, InvalidTransition, NotFound, Unprocessable
from shared.roles import Role, poll

WORKED_ON = Counter("lienvung_imports_total", "Takings of imports by what became of them", ["result"])
ROWS = Counter("lienvung_import_rows_total", "Rows that imports wrote", ["kind"])
SECONDS = Histogram("lienvung_import_seconds", "Time to work on an import", buckets=(0.5, 1, 2, 5, 10, 20, 30, 60, 120))
# People look at progress; oftener than this nobody sees it.
SIGN = 0.3

Connection: TypeAlias = "asyncpg.Connection[Any]"
Bodies: TypeAlias = "list[TaskCreate] | list[AgreementCreate]"

_log = structlog.get_logger(__name__)


class JobLost(Exception):
    """The import was cancelled, or another worker has it."""


class AlreadyWritten(Exception):
    """The same file is there already."""

    def __init__(self, row: asyncpg.Record) -> None:
        super().__init__(str(row["id"]))
        self.row = row


def import_role(settings: Settings, database: Database) -> Role:
    """One import at a time; more processes of this role take more of them."""

    async def run(stop: asyncio.Event) -> None:
        reader = make_reader(settings)

        async def work() -> bool:
            busy = await work_next(settings, database, reader)
            if not busy:
                await expire(settings, database)
            return busy

        await poll(stop, work, role="imports", idle_seconds=settings.import_poll_seconds)

    return run


def make_reader(settings: Settings) -> Reader:
    """A reader as the settings want it."""
    return Reader(
        Limits(settings.import_max_rows, settings.import_max_columns, settings.import_unpacked_mb),
        memory_mb=settings.import_memory_mb,
        cpu_seconds=settings.import_cpu_seconds,
        timeout=settings.import_timeout_seconds,
    )


async def work_next(settings: Settings, database: Database, reader: Reader) -> bool:
    """Work on the next import, if there is one."""
    async with database.write(SYSTEM) as connection:
        row = await repository.claim(connection, _seconds(settings.import_lease_seconds))
    if row is None:
        return False
    job = _Job(settings, database, reader, row)
    with SECONDS.time():
        result = await job.work()
    WORKED_ON.labels(result).inc()
    _log.info("import_worked_on", import_id=str(row["id"]), attempt=row["attempts"], result=result)
    return True


async def expire(settings: Settings, database: Database) -> int:
    """Let go of checked files that nobody has committed."""
    async with database.write(SYSTEM) as connection:
        return await repository.expire(connection, timedelta(hours=settings.import_keep_hours))


@dataclass
class _Seen:
    """How far the work is."""

    read: int = 0
    checked: int = 0
    written: int = 0
    told_at: float = 0.0


@dataclass
class _Checked:
    """What a file was found to hold."""

    findings: Findings
    bodies: Bodies = field(default_factory=list)


class _Job:
    """One taking of an import."""

    def __init__(self, settings: Settings, database: Database, reader: Reader, row: asyncpg.Record) -> None:
        self._settings = settings
        self._database = database
        self._reader = reader
        self._row = row
        self._id: UUID = row["id"]
        self._lease: int = row["lease"]
        self._kind = ImportKind(row["kind"])
        self._owner: UUID = row["agreement_id"] or row["organization_id"]
        self._actor = Actor(
            id=row["requested_by"],
            kind=row["requested_by_kind"],
            name=row["requested_by_name"],
            organization_id=row["organization_id"],
            roles=frozenset(orjson.loads(row["roles"])),
        )
        self._seen = _Seen()

    async def work(self) -> str:
        """Carry it out while the lease is held; a cancelled import is not carried out to its end."""
        if self._row["attempts"] > self._settings.import_attempts:
            return await self._finish(ImportStatus.FAILED, refused=Refused(Refusal.INTERRUPTED))
        working = asyncio.create_task(self._carry_out())
        holding = asyncio.create_task(self._hold())
        try:
            await asyncio.wait({working, holding}, return_when=asyncio.FIRST_COMPLETED)
            if holding.done() and not working.done():
                holding.result()
                return "lost"
            return working.result()
        finally:
            for one in (working, holding):
                one.cancel()
            await asyncio.gather(working, holding, return_exceptions=True)

    async def _carry_out(self) -> str:
        try:
            self._actor = await self._present_actor()
            checked = await self._check()
            if checked.findings.errors:
                return await self._finish(ImportStatus.REFUSED, checked.findings)
            if not checked.bodies:
                raise Refused(Refusal.NO_ROWS)
            await self._refuse_written()
            if self._row["dry_run"]:
                return await self._finish(ImportStatus.CHECKED, checked.findings, total=len(checked.bodies))
            await self._keep_findings(checked.findings)
            await self._write(checked)
        except JobLost:
            return "lost"
        except AlreadyWritten as written:
            return await self._finish(ImportStatus.DUPLICATE, duplicate_of=self._if_own(written.row))
        except Refused as refused:
            return await self._finish(ImportStatus.REFUSED, refused=refused)
        return ImportStatus.COMPLETED.value

    async def _present_actor(self) -> Actor:
        """Whoever sent the file, with the roles of now: it may have waited for days."""
        async with self._database.read(SYSTEM) as connection:
            account = await repository.present_roles(connection, self._actor.id)
        if account is None:
            return self._actor
        if not account["active"]:
            raise Refused(Refusal.NOT_ALLOWED)
        actor = self._actor
        return Actor(
            id=actor.id,
            kind=actor.kind,
            name=actor.name,
            organization_id=actor.organization_id,
            roles=frozenset(account["roles"]),
        )

    async def _check(self) -> _Checked:
        """Read the file and make of each row the request that a client would send."""
        clauses = await self._clauses()
        async with self._database.read(SYSTEM) as connection:
            content = await repository.content_of(connection, self._id)
            directory = Directory(await repository.directory(connection), clock.today())
        if content is None:
            raise JobLost
        headers, rows = await self._read(content)
        checked = _Checked(Findings(headers, self._settings.import_errors_kept))
        missing_columns(checked.findings, headers)
        if headers.missing:
            return checked
        tasks: list[TaskCreate] = []
        drafts: list[AgreementCreate] = []
        demonstration = self._row["demonstration"]
        for row in rows:
            if self._kind is ImportKind.TASKS:
                task = read_task(row, checked.findings, directory, clauses, demonstration=demonstration)
                tasks += [task] if task else []
            else:
                draft = read_agreement(row, checked.findings, directory, demonstration=demonstration)
                drafts += [draft] if draft else []
            self._seen.checked += 1
            if self._seen.checked % 50 == 0:
                await self._tell()
        await self._tell(at_once=True)
        checked.bodies = tasks if self._kind is ImportKind.TASKS else drafts
        return checked

    async def _read(self, content: bytes) -> tuple[Headers, list[RawRow]]:
        headers: Headers | None = None
        rows: list[RawRow] = []
        # Closed at once also where it is the import that is cancelled: its process must not go on.
        async with aclosing(self._reader.read(content, self._kind)) as parts:
            async for part in parts:
                if isinstance(part, Headers):
                    headers = part
                    async with self._database.write(SYSTEM) as connection:
                        await repository.describe(connection, self._id, self._lease, headers)
                    continue
                rows += part
                self._seen.read = len(rows)
                await self._tell()
        assert headers is not None
        return headers, rows

    async def _clauses(self) -> Clauses:
        """Of the agreement, if its sender may assign tasks of it now."""
        if self._kind is ImportKind.AGREEMENTS:
            if not agreement_permissions.may(self._actor, "draft", ()):
                raise Refused(Refusal.NOT_ALLOWED)
            return Clauses(())
        with _told_as_refusal():
            async with self._database.write(self._actor) as connection:
                held = await batches.begin(connection, self._actor, self._owner)
        return Clauses(
            [ClauseEntry(row["id"], row["ordinal"], row["heading"], row["ended"]) for row in held.clauses.values()]
        )

    async def _write(self, checked: _Checked) -> None:
        """Everything in one transaction, with the import's own end."""
        async with self._database.write(SYSTEM) as connection:
            if not await repository.begin_writing(connection, self._id, self._lease):
                raise JobLost
        with _told_as_refusal():
            async with self._database.transaction(self._actor) as session:
                connection = await driver_connection(session)
                await repository.lock_file(connection, self._kind, self._owner, self._row["digest"])
                await self._refuse_written()
                if self._kind is ImportKind.TASKS:
                    await self._write_tasks(connection, checked.bodies)
                else:
                    for body in checked.bodies:
                        assert isinstance(body, AgreementCreate)
                        await agreements.draft(session, self._actor, body)
                        await self._written(1)
                done = await repository.complete(
                    connection,
                    self._id,
                    self._lease,
                    written=len(checked.bodies),
                    notices=checked.findings.notices,
                )
                if not done:
                    raise JobLost
                await repository.forget(connection, [self._id])
        ROWS.labels(self._kind.value).inc(len(checked.bodies))

    async def _write_tasks(self, connection: Connection, bodies: Sequence[TaskCreate | AgreementCreate]) -> None:
        held = await batches.begin(connection, self._actor, self._owner)
        size = self._settings.import_batch
        for start in range(0, len(bodies), size):
            portion = [body for body in bodies[start : start + size] if isinstance(body, TaskCreate)]
            await held.assign(portion)
            await self._written(len(portion))

    async def _written(self, rows: int) -> None:
        self._seen.written += rows
        await self._tell()

    async def _refuse_written(self) -> None:
        if self._row["again"]:
            return
        async with self._database.read(SYSTEM) as connection:
            row = await repository.written_before(connection, self._kind, self._owner, self._row["digest"])
        if row is not None:
            raise AlreadyWritten(row)

    def _if_own(self, row: asyncpg.Record) -> UUID | None:
        """Another organisation's import is not named: it is not the caller's to read."""
        return row["id"] if row["organization_id"] == self._actor.organization_id else None

    async def _keep_findings(self, findings: Findings) -> None:
        async with self._database.write(SYSTEM) as connection:
            await self._replace_findings(connection, findings)

    async def _replace_findings(self, connection: Connection, findings: Findings) -> None:
        await repository.replace_findings(connection, self._id, self._row["organization_id"], findings.kept())

    async def _finish(
        self,
        status: ImportStatus,
        findings: Findings | None = None,
        *,
        refused: Refused | None = None,
        duplicate_of: UUID | None = None,
        total: int | None = None,
    ) -> str:
        async with self._database.write(SYSTEM) as connection:
            done = await repository.finish(
                connection,
                self._id,
                self._lease,
                status,
                refusal=worded(refused.code, refused.parameters) if refused else None,
                duplicate_of=duplicate_of,
                errors=findings.errors if findings else 0,
                notices=findings.notices if findings else 0,
                total=total,
            )
            if not done:
                return "lost"
            if findings is not None:
                await self._replace_findings(connection, findings)
            if status is not ImportStatus.CHECKED:
                await repository.forget(connection, [self._id])
        return status.value

    async def _tell(self, *, at_once: bool = False) -> None:
        """How far it is, for everybody to see: in a transaction of its own."""
        now = asyncio.get_running_loop().time()
        if not at_once and now - self._seen.told_at < SIGN:
            return
        self._seen.told_at = now
        seen = self._seen
        async with self._database.write(SYSTEM) as connection:
            await repository.set_progress(
                connection, self._id, self._lease, read=seen.read, checked=seen.checked, written=seen.written
            )

    async def _hold(self) -> None:
        """Return when the import is not held any more."""
        lease = self._settings.import_lease_seconds
        while True:
            await asyncio.sleep(min(lease / 4, 1.0))
            async with self._database.write(SYSTEM) as connection:
                if not await repository.keep(connection, self._id, self._lease, _seconds(lease)):
                    return


@contextmanager
def _told_as_refusal() -> Iterator[None]:
    """A rule that stands against the file only by now refuses it as a whole."""
    try:
        yield
    except InvalidTransition as error:
        raise Refused(Refusal.NOT_ASSIGNABLE, status=str(error)) from error
    except (NotFound, Forbidden) as error:
        raise Refused(Refusal.NOT_ALLOWED) from error
    except Unprocessable as error:
        # An organisation or a clause went between the check and the write; the next check tells which one.
        raise Refused(Refusal.CHANGED_MEANWHILE) from error


def _seconds(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
