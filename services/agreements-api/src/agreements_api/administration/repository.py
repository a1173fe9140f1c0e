"""All SQL of the log of administration; which rows there are is decided by row-level security too."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.administration.models import AdministrationLog, SubjectKind

LIST = """
select l.entry, json_build_object(
    'entry', l.entry, 'version', l.version, 'action', l.action, 'occurred_at', l.occurred_at,
    'actor', json_build_object('id', l.actor_id, 'kind', l.actor_kind, 'name', l.actor_name,
                               'organization_id', l.actor_organization_id),
    'changes', l.changes, 'remark', l.remark, 'digest', encode(l.digest, 'hex'),
    'previous_digest', encode(l.previous_digest, 'hex'), 'reconstructed', l.reconstructed)::text as body
from administration_log l
where l.subject_id = $1 and l.subject_kind = $2 and ($3::int is null or l.entry < $3)
order by l.entry desc limit $4
"""
# The table of each kind of record, and what of a record is held to what was told of it. Focal points and invitations
# change with others and with time.
_RECORDS = {
    SubjectKind.USER: ("account", ("username", "name", "email", "roles", "language", "active")),
    SubjectKind.CLIENT: ("api_client", ("name", "scopes", "active")),
    SubjectKind.ORGANIZATION: (
        "organization",
        ("unit_id", "name", "short_name", "kind", "superior_organization_id"),
    ),
}


def _links(kind: SubjectKind) -> str:
    """A batch of records with every entry of each. One statement, so that records and entries are of one moment."""
    table, fields = _RECORDS[kind]
    state = ", ".join(f"'{field}', x.{field}" for field in fields)
    return f"""
with record as materialized (select x.* from {table} x where ($1::uuid is null or x.id > $1) order by x.id limit $2)
select x.id as subject_id, x.version as record_version, l.entry, l.version, l.occurred_at, l.previous_digest, l.digest,
    administration_digest(l) as recomputed, jsonb_build_object({state})::text as present, t.told
from record x
left join administration_log l on l.subject_id = x.id and l.subject_kind = '{kind.value}'
left join lateral (
    select coalesce(jsonb_object_agg(c.change->>'field', c.change->'to' order by e.entry, c.nth), '{{}}')::text as told
    from administration_log e cross join lateral jsonb_array_elements(e.changes) with ordinality c(change, nth)
    where e.subject_id = x.id and c.change->>'field' = any('{{{",".join(fields)}}}')) t on true
order by x.id, l.entry
"""  # noqa: S608


def _heads(kind: SubjectKind) -> str:
    """The last entry until the instant of each record of a batch; records that were not there yet have none."""
    return f"""
select x.id, l.entry, l.digest from {_RECORDS[kind][0]} x
left join lateral (
    select e.entry, e.digest from administration_log e where e.subject_id = x.id and e.occurred_at <= $3
    order by e.entry desc limit 1) l on true
where $1::uuid is null or x.id > $1 order by x.id limit $2
"""  # noqa: S608


_LINKS = {kind: _links(kind) for kind in SubjectKind}
_HEADS = {kind: _heads(kind) for kind in SubjectKind}
_ORPHANS = """
select distinct on (l.subject_id) l.subject_kind, l.subject_id, l.version, l.occurred_at from administration_log l
where not exists (select from account x where x.id = l.subject_id and l.subject_kind = 'user')
  and not exists (select from api_client x where x.id = l.subject_id and l.subject_kind = 'client')
  and not exists (select from organization x where x.id = l.subject_id and l.subject_kind = 'organization')
order by l.subject_id, l.entry desc limit 1000
"""


def add(session: AsyncSession, entry: AdministrationLog) -> None:
    session.add(entry)


async def entries(
    connection: asyncpg.Connection[Any], kind: SubjectKind, subject_id: UUID, *, before: int | None, limit: int
) -> list[asyncpg.Record]:
    """What was done to a record, the newest first."""
    return await connection.fetch(LIST, subject_id, kind.value, before, limit)


async def links_of(
    connection: asyncpg.Connection[Any], kind: SubjectKind, *, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """The next records of a kind with all their entries, for whoever proves the chain; seen by the system only."""
    return await connection.fetch(_LINKS[kind], after, limit)


async def heads_of(
    connection: asyncpg.Connection[Any], kind: SubjectKind, *, after: UUID | None, at: datetime, limit: int
) -> list[asyncpg.Record]:
    """The next records of a kind with the last entry of each."""
    return await connection.fetch(_HEADS[kind], after, limit, at)


async def orphans(connection: asyncpg.Connection[Any]) -> list[asyncpg.Record]:
    """The last entry of each record that is there no more."""
    return await connection.fetch(_ORPHANS)
