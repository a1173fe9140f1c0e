"""All SQL of imports; what people ask for is scoped to the caller's organisation, the queue is the system's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from agreements_api.imports.directory import Entry
from agreements_api.imports.findings import Finding
from agreements_api.imports.kinds import ImportKind
from agreements_api.imports.models import ImportStatus
from agreements_api.imports.reader import Headers
from shared.auth import Actor

Connection: TypeAlias = "asyncpg.Connection[Any]"

_SHOWN = """j.id, j.version, j.organization_id, j.kind, j.agreement_id, j.file_name, j.size_bytes, j.digest, j.dry_run,
    j.again, j.demonstration, j.status, j.sheet, j.rows_total, j.rows_read, j.rows_checked, j.rows_written, j.errors,
    j.notices, j.ignored_columns::text as ignored_columns, j.refusal::text as refusal, j.duplicate_of, j.requested_by,
    j.requested_by_kind, j.requested_by_name, j.roles::text as roles, j.attempts, j.lease, j.created_at, j.updated_at,
    j.finished_at"""
_ADD = """
with job as (
    insert into import_job (id, version, organization_id, kind, agreement_id, file_name, size_bytes, digest, dry_run,
        again, demonstration, status, requested_by, requested_by_kind, requested_by_name, roles, created_at, updated_at)
    values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'queued', $11, $12, $13, $14::text::jsonb, $15, $15)
)
insert into import_content (import_id, organization_id, content) values ($1, $2, $16)
"""
_READ = f"select {_SHOWN} from import_job j where j.organization_id = $1 and j.id = $2"  # noqa: S608
LIST = f"""
select {_SHOWN} from import_job j
where j.organization_id = $1 and ($2::uuid is null or j.id < $2)
  and ($3::text[] is null or j.status = any($3)) and ($4::uuid is null or j.agreement_id = $4)
order by j.id desc limit $5
"""  # noqa: S608
ERRORS = """
select e.ordinal, e.severity, e.row_number, e.column_number, e.cell, e.header, e.code, e.detail::text as detail, e.value
from import_error e join import_job j on j.id = e.import_id
where j.organization_id = $1 and e.import_id = $2 and e.ordinal > $3 and ($4::text is null or e.severity = $4)
order by e.ordinal limit $5
"""
_COMMIT = f"""
update import_job j set status = 'queued', dry_run = false, version = version + 1, attempts = 0, updated_at = $3,
    rows_read = 0, rows_checked = 0, rows_written = 0, free_at = clock_timestamp()
where j.organization_id = $1 and j.id = $2 and exists (select from import_content c where c.import_id = j.id)
returning {_SHOWN}
"""  # noqa: S608
_END = f"""
update import_job j set status = $3, version = version + 1, updated_at = $4, finished_at = $4
where j.organization_id = $1 and j.id = $2 returning {_SHOWN}
"""  # noqa: S608
_FORGET = "delete from import_content where import_id = any($1::uuid[])"

# The number of the taking is the fencing token: who comes back with an older one has lost the import.
_CLAIM = f"""
update import_job j set status = 'checking', attempts = attempts + 1, lease = lease + 1, version = version + 1,
    rows_read = 0, rows_checked = 0, rows_written = 0, updated_at = lienvung_now(),
    free_at = clock_timestamp() + $1::interval
where j.id = (
    select id from import_job
    where status in ('queued', 'checking', 'writing') and free_at <= clock_timestamp()
    order by free_at for update skip locked limit 1)
returning {_SHOWN}
"""  # noqa: S608
_KEEP = """
update import_job set free_at = clock_timestamp() + $3::interval
where id = $1 and lease = $2 and status in ('checking', 'writing')
"""
_PROGRESS = """
update import_job set rows_read = $3, rows_checked = $4, rows_written = $5, updated_at = lienvung_now()
where id = $1 and lease = $2 and status in ('checking', 'writing')
"""
_DESCRIBE = """
update import_job set sheet = $3, rows_total = $4, ignored_columns = $5::text::jsonb
where id = $1 and lease = $2 and status = 'checking'
"""
_BEGIN_WRITING = """
update import_job set status = 'writing', version = version + 1, updated_at = lienvung_now()
where id = $1 and lease = $2 and status = 'checking'
"""
_FINISH = """
update import_job set status = $3, version = version + 1, updated_at = lienvung_now(), refusal = $4::text::jsonb,
    duplicate_of = $5, errors = $6, notices = $7, rows_total = coalesce($8, rows_total),
    finished_at = case when $3 <> 'checked' then lienvung_now() end
where id = $1 and lease = $2 and status in ('checking', 'writing')
"""
_COMPLETE = """
update import_job set status = 'completed', version = version + 1, updated_at = lienvung_now(),
    finished_at = lienvung_now(), rows_written = $3, rows_total = $3, errors = 0, notices = $4
where id = $1 and lease = $2 and status = 'writing'
"""
_CONTENT = "select content from import_content where import_id = $1"
# Whoever sent it: the same file is written once into the same agreement.
_WRITTEN = """
select id, organization_id from import_job
where kind = $1 and coalesce(agreement_id, organization_id) = $2 and digest = $3 and status = 'completed'
order by id desc limit 1
"""
_LOCK_FILE = "select pg_advisory_xact_lock(hashtextextended($1, 516))"
_FORGET_ERRORS = "delete from import_error where import_id = $1"
_TELL = """
insert into import_error (import_id, ordinal, organization_id, severity, row_number, column_number, cell, header, code,
                          detail, value)
select $1, e.ordinal, $2, e.severity, e.row_number, e.column_number, e.cell, e.header, e.code, e.detail::jsonb, e.value
from unnest($3::int[], $4::text[], $5::int[], $6::int[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
    as e(ordinal, severity, row_number, column_number, cell, header, code, detail, value)
"""
_EXPIRE = """
update import_job set status = 'expired', version = version + 1, updated_at = lienvung_now(),
    finished_at = lienvung_now()
where id in (select id from import_job where status = 'checked' and updated_at < lienvung_now() - $1::interval
             limit 100 for update skip locked)
returning id
"""
_DIRECTORY = """
select o.id, o.name, o.short_name, u.name as unit_name, u.valid_to as unit_until, s.name as above
from organization o join unit u on u.id = o.unit_id left join organization s on s.id = o.superior_organization_id
"""
_PRESENT_ROLES = "select active, roles from account where id = $1"


async def add(
    connection: Connection,
    actor: Actor,
    import_id: UUID,
    wanted: dict[str, Any],
    *,
    file_name: str,
    digest: str,
    content: bytes,
    now: datetime,
) -> None:
    """A new import, waiting for a worker, with its file."""
    await connection.execute(
        _ADD,
        import_id,
        actor.organization_id,
        wanted["kind"],
        wanted["agreement_id"],
        file_name,
        len(content),
        digest,
        wanted["dry_run"],
        wanted["again"],
        wanted["demonstration"],
        actor.id,
        actor.kind,
        actor.name,
        orjson.dumps(sorted(actor.roles)).decode(),
        now,
        content,
    )


async def read(
    connection: Connection, organization_id: UUID | None, import_id: UUID, *, lock: bool = False
) -> asyncpg.Record | None:
    """An import of the organisation."""
    return await connection.fetchrow(_READ + (" for no key update" if lock else ""), organization_id, import_id)


async def list_imports(
    connection: Connection,
    organization_id: UUID | None,
    *,
    statuses: Sequence[str],
    agreement_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Imports of the organisation, the newest first."""
    return await connection.fetch(LIST, organization_id, before, list(statuses) or None, agreement_id, limit)


async def list_errors(
    connection: Connection,
    organization_id: UUID | None,
    import_id: UUID,
    *,
    severity: str | None,
    after: int,
    limit: int,
) -> list[asyncpg.Record]:
    """What was found in the cells, from the top to the bottom."""
    return await connection.fetch(ERRORS, organization_id, import_id, after, severity, limit)


async def queue_for_writing(
    connection: Connection, organization_id: UUID | None, import_id: UUID, now: datetime
) -> asyncpg.Record | None:
    """Back into the queue, now to be written; none where its file is gone."""
    return await connection.fetchrow(_COMMIT, organization_id, import_id, now)


async def end(
    connection: Connection, organization_id: UUID | None, import_id: UUID, status: ImportStatus, now: datetime
) -> asyncpg.Record:
    """Ended by a person; its file is forgotten."""
    row: asyncpg.Record | None = await connection.fetchrow(_END, organization_id, import_id, status.value, now)
    assert row is not None
    await forget(connection, [import_id])
    return row


async def forget(connection: Connection, import_ids: Sequence[UUID]) -> None:
    """The files of imports that have ended."""
    await connection.execute(_FORGET, list(import_ids))


async def claim(connection: Connection, lease: timedelta) -> asyncpg.Record | None:
    """Take the next import that waits, or one whose worker let its lease run out."""
    return await connection.fetchrow(_CLAIM, lease)


async def keep(connection: Connection, import_id: UUID, lease: int, seconds: timedelta) -> bool:
    """Prolong the lease; false if the import was cancelled or taken over."""
    return bool(await connection.execute(_KEEP, import_id, lease, seconds) == "UPDATE 1")


async def set_progress(
    connection: Connection, import_id: UUID, lease: int, *, read: int, checked: int, written: int
) -> None:
    await connection.execute(_PROGRESS, import_id, lease, read, checked, written)


async def describe(connection: Connection, import_id: UUID, lease: int, headers: Headers) -> None:
    """What the file is made of, as soon as that is known."""
    ignored = orjson.dumps(list(headers.ignored)).decode()
    await connection.execute(_DESCRIBE, import_id, lease, headers.sheet, headers.total, ignored)


async def begin_writing(connection: Connection, import_id: UUID, lease: int) -> bool:
    return bool(await connection.execute(_BEGIN_WRITING, import_id, lease) == "UPDATE 1")


async def finish(
    connection: Connection,
    import_id: UUID,
    lease: int,
    status: ImportStatus,
    *,
    refusal: dict[str, str] | None = None,
    duplicate_of: UUID | None = None,
    errors: int = 0,
    notices: int = 0,
    total: int | None = None,
) -> bool:
    """The end of a taking that wrote nothing; false if it was lost meanwhile."""
    told = orjson.dumps(refusal).decode() if refusal else None
    done = await connection.execute(_FINISH, import_id, lease, status.value, told, duplicate_of, errors, notices, total)
    return bool(done == "UPDATE 1")


async def complete(connection: Connection, import_id: UUID, lease: int, *, written: int, notices: int) -> bool:
    """In the transaction that wrote: all of it is there, or none."""
    return bool(await connection.execute(_COMPLETE, import_id, lease, written, notices) == "UPDATE 1")


async def content_of(connection: Connection, import_id: UUID) -> bytes | None:
    content: bytes | None = await connection.fetchval(_CONTENT, import_id)
    return content


async def lock_file(connection: Connection, kind: ImportKind, owner: UUID, digest: str) -> None:
    """Hold the file until the end of the transaction: who writes it too waits, and then sees that it is written."""
    await connection.execute(_LOCK_FILE, f"{kind}:{owner}:{digest}")


async def written_before(connection: Connection, kind: ImportKind, owner: UUID, digest: str) -> asyncpg.Record | None:
    return await connection.fetchrow(_WRITTEN, kind.value, owner, digest)


async def replace_findings(
    connection: Connection, import_id: UUID, organization_id: UUID, findings: Sequence[Finding]
) -> None:
    """What is said of the cells, in the place of what was said before."""
    await connection.execute(_FORGET_ERRORS, import_id)
    await connection.execute(
        _TELL,
        import_id,
        organization_id,
        list(range(1, len(findings) + 1)),
        [found.severity.value for found in findings],
        [found.row for found in findings],
        [found.column for found in findings],
        [found.cell for found in findings],
        [found.header for found in findings],
        [found.code for found in findings],
        [orjson.dumps(dict(found.detail)).decode() for found in findings],
        [found.value for found in findings],
    )


async def expire(connection: Connection, kept: timedelta) -> int:
    """Checked imports that nobody committed in time."""
    ids = [row["id"] for row in await connection.fetch(_EXPIRE, kept)]
    if ids:
        await forget(connection, ids)
    return len(ids)


async def directory(connection: Connection) -> list[Entry]:
    """Every organisation with its unit."""
    return [Entry(**row) for row in await connection.fetch(_DIRECTORY)]


async def present_roles(connection: Connection, account_id: UUID) -> asyncpg.Record | None:
    """What an account may do by now."""
    return await connection.fetchrow(_PRESENT_ROLES, account_id)
