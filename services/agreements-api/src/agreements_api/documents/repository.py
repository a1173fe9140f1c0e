"""All SQL of documents and their contents; every read of a document is scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from agreements_api.documents.models import Document, ScanState, SubjectKind
from agreements_api.meetings.repository import HOSTING
from agreements_api.party_succession.standing import in_place_at


class Origin(NamedTuple):
    """How a kind of subject is found, and which rows of the statement stand still while documents come and go.

    What somebody waited for is seen in those rows alone: until when documents are kept is to follow from their columns.
    """

    row: str
    statement: str


_SEEN = "exists (select from agreement_access x where x.agreement_id = {key} and x.organization_id = $1)"
_OF_TASK = """array(select distinct m.relation from agreement_member m
    where m.agreement_id = t.agreement_id and m.organization_id = $1 and m.source_id in (t.agreement_id, t.id))"""


# What stood at a task when progress was reported is kept; all of it, while others confirm it and when they have.
_REPORTED = """case when t.status in ('submitted', 'completed') then 'infinity'
    else (t.last_report->>'reported_at')::timestamptz end"""

# So many may look for a content to scan at once and find one.
WORKERS = 32
ALWAYS = datetime.max.replace(tzinfo=UTC)

# Of each kind of subject, for the caller ($1) and its identifier ($2): since when it is there, its agreement and task,
# how the caller stands to it, whether it takes documents, and until when what was attached to it is kept. Another
# domain adds its kind here.
SUBJECTS: dict[SubjectKind, Origin] = {
    SubjectKind.AGREEMENT: Origin(
        row="a",
        statement=f"""
select a.created_at as since,
    a.id as agreement_id, null::uuid as task_id, a.custodian_organization_id as owner_id, true as open,
    array(select distinct m.relation from agreement_member m
        where m.agreement_id = a.id and m.organization_id = $1 and m.source_id = a.id) as relations,
    case when a.status <> 'draft' then a.opened_at end as kept_until
from agreement a where a.id = $2 and {_SEEN.format(key="a.id")}
""",  # noqa: S608
    ),
    SubjectKind.TASK: Origin(
        row="t",
        statement=f"""
select t.created_at as since,
    t.agreement_id, t.id as task_id, t.lead_organization_id as owner_id, t.status <> 'cancelled' as open,
    {_OF_TASK} as relations, {_REPORTED} as kept_until
from task t where t.id = $2 and {_SEEN.format(key="t.agreement_id")}
""",  # noqa: S608
    ),
    SubjectKind.REPORT: Origin(
        row="t",
        statement=f"""
select r.reported_at as since, t.agreement_id, t.id as task_id,
    {in_place_at("t.agreement_id", "t.id", "t.parties", "r.organization_id")} as owner_id,
    t.status <> 'cancelled' as open, {_OF_TASK} as relations, 'infinity'::timestamptz as kept_until
from task_progress_report r join task t on t.id = r.task_id
where r.id = $2 and {_SEEN.format(key="t.agreement_id")}
""",  # noqa: S608
    ),
    # What lay at an obstacle when it was handed to the body above, or settled, is what that was decided upon.
    SubjectKind.OBSTACLE: Origin(
        row="o, t",
        statement=f"""
select o.created_at as since,
    o.agreement_id, o.task_id, o.raised_by_organization_id as owner_id, t.status <> 'cancelled' as open,
    {_OF_TASK} as relations, greatest(o.resolved_at, o.escalated_at) as kept_until
from obstacle o join task t on t.id = o.task_id where o.id = $2 and {_SEEN.format(key="o.agreement_id")}
""",  # noqa: S608
    ),
    # What lay at a meeting that was held, when something was last recorded of it: attendance, minutes, outcomes.
    SubjectKind.MEETING: Origin(
        row="m",
        statement=f"""
select m.created_at as since,
    m.agreement_id, null::uuid as task_id, m.host_organization_id as owner_id, m.status <> 'cancelled' as open,
    array(select distinct r.relation from agreement_member r
        where r.agreement_id = m.agreement_id and r.organization_id = $1 and r.source_id = m.agreement_id
        union select 'own' where {HOSTING} = $1) as relations,
    case when m.status = 'held' then m.updated_at end as kept_until
from meeting m where m.id = $2 and {_SEEN.format(key="m.agreement_id")}
""",  # noqa: S608
    ),
}

# Whose unit ended and whose place another one took sees what it attached; it is that one's by now (migration 0034).
_OWN = "document_holder(d.agreement_id, d.task_id, d.organization_id) = $1::uuid"
_SHOWN = f"""d.id, d.version, d.agreement_id, d.subject_kind, d.subject_id, d.task_id, d.digest, d.size, d.media_type,
    d.name, d.description, d.organization_id, d.organization_name, d.added_by, d.created_at, d.updated_at, d.removed_at,
    d.removed_by, d.removal_reason, c.state, c.detail, c.scanned_at,
    exists (select from task_report_evidence e where e.document_id = d.id) as named,
    {_OWN} is true as own"""
_FROM = f"""document d join document_content c on c.digest = d.digest
where {_SEEN.format(key="d.agreement_id")}"""
_READ = f"select {_SHOWN} from {_FROM} and d.id = $2"  # noqa: S608
_LIST = f"""
select {_SHOWN} from {_FROM} and {{key}} = $2 and ($3::uuid is null or d.id < $3)
    and ($4 or d.removed_at is null or d.removed_at > $7::timestamptz)
    and ($7::timestamptz is null or d.created_at <= $7)
    and ($5::uuid is null or d.subject_id = $5 or exists (
        select from task_report_evidence e join task_progress_report r on r.id = e.report_id
        where e.report_id = $5 and e.document_id = d.id and ($7::timestamptz is null or r.reported_at <= $7)))
order by d.id desc limit $6
"""  # noqa: S608
OF_SUBJECT, OF_AGREEMENT, OF_TASK = (_LIST.format(key=f"d.{key}") for key in ("subject_id", "agreement_id", "task_id"))
_EVIDENCE = f"""
select d.id, d.name, d.media_type, d.size, d.digest, d.removed_at, c.state
from {_FROM} and d.task_id = $2 and d.id = any($3::uuid[])
"""  # noqa: S608
# What has come to a task, or to what stands in its way, since progress was reported last, and can be opened.
_UNREPORTED = f"""
select d.id from {_FROM} and d.task_id = $2 and d.subject_kind in ('task', 'obstacle') and d.removed_at is null
    and c.state in ('clean', 'not_scanned') and ($3::timestamptz is null or d.created_at > $3)
order by d.id limit $4
"""  # noqa: S608
# A subject that has no documents is seen through its agreement; a kind that nobody has registered has none.
_AGREEMENT_SEEN = f"""
select exists (select from agreement a where a.id = $2 and {_SEEN.format(key="a.id")}
    and ($3::timestamptz is null or a.created_at <= $3))
"""  # noqa: S608
_TASK_SEEN = f"""
select exists (select from task t where t.id = $2 and {_SEEN.format(key="t.agreement_id")}
    and ($3::timestamptz is null or t.created_at <= $3))
"""  # noqa: S608
_LOCK = "select from document where id = $1 for update"
_REPORT = "select exists (select from task_progress_report r where r.id = $1 and r.task_id = $2)"
_SAME = "select id from document where subject_id = $1 and digest = $2 and removed_at is null"

_COLUMNS = (
    "id, version, agreement_id, subject_kind, subject_id, task_id, digest, size, media_type, name, description,"
    " organization_id, organization_name, account_id, added_by, created_at, updated_at"
)
_ADD = f"""
insert into document ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
on conflict do nothing returning id
"""  # noqa: S608
_REMOVE = """
update document set version = version + 1, updated_at = $2, removed_at = $2, removed_by = $3, removal_reason = $4
where id = $1
"""
_ORGANIZATION = "select name from organization where id = $1"
_MEMBERS = "select distinct organization_id from agreement_member where agreement_id = $1 order by 1"

# Whoever puts an object into the store or takes one out of it holds its digest until the row says so.
_LOCK_DIGEST = "select pg_advisory_xact_lock(hashtextextended($1, 354))"
_TRY_LOCK_DIGEST = "select pg_try_advisory_xact_lock(hashtextextended($1, 354))"
_TOUCH = """
update document_content set touched_at = clock_timestamp() where digest = $1 and removed_at is null returning digest
"""
# What was known of a content is known of the same one when it comes again, but for what nobody looked at.
_KEEP = """
insert into document_content (digest, size, state, due_at)
values ($1, $2, $3, case when $3 = 'pending' then clock_timestamp() end)
on conflict (digest) do update set removed_at = null, touched_at = clock_timestamp(),
    due_at = case when document_content.state in ('clean', 'infected') then null else excluded.due_at end,
    state = case when document_content.state in ('clean', 'infected') then document_content.state
        else excluded.state end
"""
DUE = """
select digest from document_content where due_at <= clock_timestamp() and removed_at is null
order by due_at limit $1
"""
# Not by its row: whoever attaches the same content meanwhile has to write there.
_HOLD = "select pg_try_advisory_xact_lock(hashtextextended($1, 355))"
_STILL_DUE = """
select digest, attempts from document_content
where digest = $1 and due_at <= clock_timestamp() and removed_at is null
"""
_RECORD = """
update document_content set
    state = case when $2 = 'error' and state = 'not_scanned' then state else $2 end, detail = $3,
    attempts = case when $2 = 'error' then attempts + 1 else 0 end,
    scanned_at = case when $2 = 'error' then scanned_at else clock_timestamp() end,
    due_at = case when $2 = 'error' then clock_timestamp()
        + least(interval '1 hour', make_interval(secs => $4 * power(2, least(attempts, 16)))) end
where digest = $1
"""
_SCHEDULE = """
update document_content set due_at = clock_timestamp()
where state = 'not_scanned' and due_at is null and removed_at is null
"""
UNREFERENCED = """
select c.digest from document_content c
where c.removed_at is null and c.touched_at < clock_timestamp() - make_interval(secs => $1)
  and not exists (select from document d where d.digest = c.digest and d.removed_at is null)
order by c.touched_at limit $2 for update skip locked
"""
# Asked again once the rows are held: what attached itself in between has let go of them by now.
_RETIRE = """
update document_content c set removed_at = clock_timestamp(), due_at = null
where c.digest = any($1::text[])
  and not exists (select from document d where d.digest = c.digest and d.removed_at is null)
"""
_WITHOUT = """
select k.digest from unnest($1::text[]) as k(digest)
where not exists (select from document_content c where c.digest = k.digest and c.removed_at is null)
"""


@dataclass(frozen=True)
class Subject:
    """What a document is attached to."""

    kind: SubjectKind
    id: UUID
    since: datetime
    agreement_id: UUID
    task_id: UUID | None
    # Who leads the task, gave the report, keeps the agreement, raised the obstacle or hosts the meeting.
    owner_id: UUID | None
    open: bool
    relations: Sequence[str]
    kept_until: datetime | None


@dataclass(frozen=True)
class Scanned:
    """What a scan came to."""

    state: ScanState
    detail: str | None = None


@dataclass(frozen=True)
class Listed:
    """Which documents a list is of: of one agreement, one task or one subject."""

    key: str
    id: UUID
    report_id: UUID | None = None
    removed: bool = False
    # Now, where there is no instant.
    as_of: datetime | None = None


async def subject(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, kind: SubjectKind, subject_id: UUID
) -> Subject | None:
    """The subject as it is now, if the caller may see it."""
    return await _subject(connection, organization_id, kind, subject_id, "")


async def hold_subject(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, kind: SubjectKind, subject_id: UUID
) -> Subject | None:
    """The same, held against changes: what is removed while somebody reports or signs goes before that or never."""
    return await _subject(connection, organization_id, kind, subject_id, " for share of ")


async def _subject(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    kind: SubjectKind,
    subject_id: UUID,
    holding: str,
) -> Subject | None:
    origin = SUBJECTS[kind]
    statement = origin.statement + (holding + origin.row if holding else "")
    row = await connection.fetchrow(statement, organization_id, subject_id)
    if row is None:
        return None
    found = Subject(kind, subject_id, **row)
    # The driver gives infinity as the last moment that it knows, in no zone.
    endless = found.kept_until is not None and found.kept_until.tzinfo is None
    return replace(found, kept_until=ALWAYS) if endless else found


async def read(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, document_id: UUID
) -> asyncpg.Record | None:
    """One document and what the scan knows of its content."""
    return await connection.fetchrow(_READ, organization_id, document_id)


async def list_documents(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    listed: Listed,
    *,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Documents, the newest first."""
    statement = {"subject_id": OF_SUBJECT, "agreement_id": OF_AGREEMENT, "task_id": OF_TASK}[listed.key]
    return await connection.fetch(
        statement, organization_id, listed.id, before, listed.removed, listed.report_id, limit, listed.as_of
    )


async def evidence(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID, document_ids: Sequence[UUID]
) -> list[asyncpg.Record]:
    """Those of the documents that belong to a task, its reports or its obstacles, with what the scan knows of them."""
    return await connection.fetch(_EVIDENCE, organization_id, task_id, document_ids)


async def unreported(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    task_id: UUID,
    since: datetime | None,
    *,
    limit: int,
) -> list[UUID]:
    """What can be named as evidence of a task's next report."""
    rows = await connection.fetch(_UNREPORTED, organization_id, task_id, since, limit)
    return [row["id"] for row in rows]


async def is_agreement_visible(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID, as_of: datetime | None
) -> bool:
    """Whether the caller sees it, and it was there at the instant."""
    return bool(await connection.fetchval(_AGREEMENT_SEEN, organization_id, agreement_id, as_of))


async def is_task_visible(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID, as_of: datetime | None
) -> bool:
    return bool(await connection.fetchval(_TASK_SEEN, organization_id, task_id, as_of))


async def is_report_of(connection: asyncpg.Connection[Any], report_id: UUID, task_id: UUID) -> bool:
    return bool(await connection.fetchval(_REPORT, report_id, task_id))


async def lock(connection: asyncpg.Connection[Any], document_id: UUID) -> None:
    """Hold a document of the caller's own organisation until the end of the transaction."""
    await connection.execute(_LOCK, document_id)


async def add(connection: asyncpg.Connection[Any], document: Document) -> UUID | None:
    """Attach; gives the document that holds the place where the same content is attached already."""
    values: Mapping[str, Any] = document.model_dump()
    added = await connection.fetchval(_ADD, *(values[column] for column in _COLUMNS.split(", ")))
    if added is not None:
        return None
    present: UUID | None = await connection.fetchval(_SAME, document.subject_id, document.digest)
    return present or document.id


async def remove(
    connection: asyncpg.Connection[Any], document_id: UUID, *, at: datetime, by: str, reason: str | None
) -> None:
    await connection.execute(_REMOVE, document_id, at, by, reason)


async def organization_name(connection: asyncpg.Connection[Any], organization_id: UUID) -> str:
    name: str = await connection.fetchval(_ORGANIZATION, organization_id)
    return name


async def members(connection: asyncpg.Connection[Any], agreement_id: UUID) -> list[UUID]:
    """Every organisation that may see the agreement."""
    return [row["organization_id"] for row in await connection.fetch(_MEMBERS, agreement_id)]


async def lock_digest(connection: asyncpg.Connection[Any], digest: str) -> None:
    await connection.execute(_LOCK_DIGEST, digest)


async def try_lock_digest(connection: asyncpg.Connection[Any], digest: str) -> bool:
    return bool(await connection.fetchval(_TRY_LOCK_DIGEST, digest))


async def touch(connection: asyncpg.Connection[Any], digest: str) -> bool:
    """Whether a content is stored already; if so, nothing takes it away for a while."""
    return await connection.fetchval(_TOUCH, digest) is not None


async def keep(connection: asyncpg.Connection[Any], digest: str, *, size: int, state: ScanState) -> None:
    """A content whose object is in the store from now on."""
    await connection.execute(_KEEP, digest, size, state.value)


async def hold_due(connection: asyncpg.Connection[Any]) -> asyncpg.Record | None:
    """The content that has waited longest for the scanner and that no other worker holds."""
    for row in await connection.fetch(DUE, WORKERS):
        if await connection.fetchval(_HOLD, row["digest"]):
            content: asyncpg.Record | None = await connection.fetchrow(_STILL_DUE, row["digest"])
            if content is not None:
                return content
    return None


async def record_scan(
    connection: asyncpg.Connection[Any], digest: str, scanned: Scanned, *, retry_seconds: float
) -> None:
    await connection.execute(_RECORD, digest, scanned.state.value, scanned.detail, float(retry_seconds))


async def schedule_unscanned(connection: asyncpg.Connection[Any]) -> None:
    await connection.execute(_SCHEDULE)


async def retire_unreferenced(connection: asyncpg.Connection[Any], *, grace_seconds: float, limit: int) -> int:
    """Contents that no document refers to any more count as gone; gives how many were found."""
    rows = await connection.fetch(UNREFERENCED, float(grace_seconds), limit)
    await connection.execute(_RETIRE, [row["digest"] for row in rows])
    return len(rows)


async def without_content(connection: asyncpg.Connection[Any], digests: Sequence[str]) -> list[str]:
    """Those of the digests that no row stands for."""
    return [row["digest"] for row in await connection.fetch(_WITHOUT, list(digests))]
