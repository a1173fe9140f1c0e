"""All SQL that reads history; it is written with the change that it tells of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.agreements.reading_repository import STATE as AGREEMENT_STATE
from agreements_api.tasks.reading_repository import STATE as TASK_STATE

_SCOPE = "h.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
_ENTRY = """json_build_object(
    'version', h.version, 'action', h.action, 'occurred_at', h.occurred_at,
    'actor', json_build_object('id', h.actor_id, 'kind', h.actor_kind, 'name', h.actor_name,
                               'organization_id', h.organization_id),
    'changes', h.changes, 'remark', h.remark, 'digest', encode(h.digest, 'hex'),
    'previous_digest', encode(h.previous_digest, 'hex'), 'reconstructed', h.reconstructed)::text"""
_LIST = f"""
select h.version, {_ENTRY} as body
from history h
where h.subject_id = $2 and h.version < $3 and ($4::timestamptz is null or h.occurred_at <= $4) and {_SCOPE}
order by h.version desc limit $5
"""  # noqa: S608
NEWEST = 2**31 - 1
STATE_AT = f"""
select h.version, h.occurred_at, h.state::text as state
from history h where h.subject_id = $2 and h.occurred_at <= $3 and {_SCOPE}
order by h.version desc limit 1
"""  # noqa: S608
# What each of these records was before the first instant, and each of its versions until the second.
_STAGE = f"h.subject_id, h.subject_kind, h.version, {_ENTRY} as entry, h.state::text as state"
BETWEEN = f"""
select {_STAGE} from history h
where h.agreement_id = $2 and h.occurred_at > $3 and h.occurred_at <= $4
  and ($5::uuid is null or h.subject_id = $5) and {_SCOPE}
order by h.subject_id, h.version
"""  # noqa: S608
_STATES_BEFORE = f"""
select b.subject_id, b.state::text as state from unnest($2::uuid[]) s(id) cross join lateral (
    select h.subject_id, h.state from history h
    where h.subject_id = s.id and h.occurred_at <= $3 and {_SCOPE} order by h.version desc limit 1) b
"""  # noqa: S608
_AGREEMENT_OF = f"select h.agreement_id from history h where h.subject_id = $2 and h.version = 1 and {_SCOPE}"  # noqa: S608


async def list_changes(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    subject_id: UUID,
    *,
    before: int | None,
    limit: int,
    as_of: datetime | None = None,
) -> list[asyncpg.Record]:
    """Changes of one record, the newest first."""
    first = NEWEST if before is None else before
    return await connection.fetch(_LIST, organization_id, subject_id, first, as_of, limit)


async def state_at(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, subject_id: UUID, instant: datetime
) -> asyncpg.Record | None:
    """The last version until the instant."""
    return await connection.fetchrow(STATE_AT, organization_id, subject_id, instant)


async def agreement_of(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, subject_id: UUID
) -> UUID | None:
    """The agreement that a record belongs to, if the caller may see it."""
    agreement_id: UUID | None = await connection.fetchval(_AGREEMENT_OF, organization_id, subject_id)
    return agreement_id


async def stages_between(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    agreement_id: UUID,
    *,
    begin: datetime,
    end: datetime,
    subject_id: UUID | None,
) -> list[asyncpg.Record]:
    """The versions after `begin` until `end` of an agreement and its tasks, or of one of these."""
    return await connection.fetch(BETWEEN, organization_id, agreement_id, begin, end, subject_id)


async def states_before(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, subject_ids: Sequence[UUID], instant: datetime
) -> dict[UUID, str]:
    """The state of each record at the instant, where it was there."""
    rows = await connection.fetch(_STATES_BEFORE, organization_id, subject_ids, instant)
    return {row["subject_id"]: row["state"] for row in rows}


# Each kind of record, with how it is named here, its condition of one agreement, and what is to be its last state.
_KINDS = {
    "agreement": ("agreement a", "a", "a.id", AGREEMENT_STATE),
    "task": ("task t join agreement a on a.id = t.agreement_id", "t", "t.agreement_id", TASK_STATE),
}
KINDS = tuple(_KINDS)


def _links(kind: str, of_one: str) -> str:
    """A batch of records with every entry of each. One statement, so that records and entries are of one moment."""
    table, alias, agreement, state = _KINDS[kind]
    return f"""
with record as materialized (
    select {alias}.id, {alias}.version from {table}
    where ($1::uuid is null or {alias}.id > $1) and {of_one.format(agreement=agreement)}
    order by {alias}.id limit $2
)
select r.id as subject_id, r.version as record_version, h.version, h.occurred_at, h.previous_digest, h.digest,
    history_digest(h) as recomputed, p.state::text as present,
    case when p.state is not null then h.state::text end as told
from record r left join history h on h.subject_id = r.id left join lateral (
    select n.state from (select {state} as state from {table} where {alias}.id = r.id) n
    where h.version = r.version and n.state is distinct from h.state) p on true
order by r.id, h.version
"""  # noqa: S608


def _heads(kind: str) -> str:
    """The last entry until the instant of each record of a batch; records that were not there yet have none."""
    table, alias, _, _ = _KINDS[kind]
    return f"""
select r.id, h.version, h.digest from (
    select {alias}.id from {table} where ($1::uuid is null or {alias}.id > $1) order by {alias}.id limit $2) r
left join lateral (
    select e.version, e.digest from history e where e.subject_id = r.id and e.occurred_at <= $3
    order by e.version desc limit 1) h on true
order by r.id
"""  # noqa: S608


_LINKS = {kind: _links(kind, "true") for kind in KINDS}
LINKS_OF_ONE = {kind: _links(kind, "{agreement} = $3") for kind in KINDS}
_HEADS = {kind: _heads(kind) for kind in KINDS}
# History of what is no record any more; for one agreement, of what belonged to it. What has to be known of all history
# is in an index: its rows, wide as they are, are read for what was found.
_ORPHANS = """
with orphan as materialized (
    select h.subject_id, max(h.version) as version, max(h.occurred_at) as occurred_at from history h
    where {of_one} and not exists (select from agreement a where a.id = h.subject_id)
      and not exists (select from task t where t.id = h.subject_id)
    group by h.subject_id order by h.subject_id limit 1000
)
select o.*, k.subject_kind from orphan o join history k on k.subject_id = o.subject_id and k.version = o.version
order by o.subject_id
"""


async def links_of(
    connection: asyncpg.Connection[Any], kind: str, *, after: UUID | None, agreement_id: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """The next records of a kind with all their entries, for whoever proves the chain; seen by the system only."""
    if agreement_id is None:
        return await connection.fetch(_LINKS[kind], after, limit)
    return await connection.fetch(LINKS_OF_ONE[kind], after, limit, agreement_id)


async def heads_of(
    connection: asyncpg.Connection[Any], kind: str, *, after: UUID | None, at: datetime, limit: int
) -> list[asyncpg.Record]:
    """The next records of a kind with the last entry of each."""
    return await connection.fetch(_HEADS[kind], after, limit, at)


async def orphans(connection: asyncpg.Connection[Any], agreement_id: UUID | None) -> list[asyncpg.Record]:
    if agreement_id is None:
        return await connection.fetch(_ORPHANS.format(of_one="true"))
    return await connection.fetch(_ORPHANS.format(of_one="h.agreement_id = $1"), agreement_id)
