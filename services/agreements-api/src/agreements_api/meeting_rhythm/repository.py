"""All SQL of promises to meet; every read is scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[Any]"

_SCOPE = "m.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
_RELATIONS = """array(select r.relation from agreement_member r where r.agreement_id = m.agreement_id
    and r.organization_id = $1 and r.source_id = m.agreement_id) as relations"""
_SHOWN = f"""m.id, m.version, m.created_at, {_RELATIONS}, json_build_object('id', m.id, 'version', m.version,
    'agreement_id', m.agreement_id, 'clause_id', m.clause_id, 'frequency', m.frequency, 'from_on', m.from_on,
    'until_on', m.until_on, 'basis', m.basis, 'created_at', m.created_at, 'updated_at', m.updated_at)::text as body"""
_READ = f"select {_SHOWN} from meeting_promise m where m.agreement_id = $2 and m.id = $3 and {_SCOPE}"  # noqa: S608
PROMISES = f"""
select {_SHOWN} from meeting_promise m
where m.agreement_id = $2 and {_SCOPE} and ($3::uuid is null or m.id > $3) order by m.id limit $4
"""  # noqa: S608
# As they were at an instant ($3), by the states that the log keeps.
_PAST = f"""
select m.id, l.state::text as state from meeting_promise m cross join lateral (
    select g.state from meeting_log g where g.subject_id = m.id and g.occurred_at <= $3
    order by g.version desc limit 1) l
where m.agreement_id = $2 and {_SCOPE}"""  # noqa: S608
_PAST_READ = f"{_PAST} and m.id = $4"
PAST_PROMISES = f"{_PAST} and ($4::uuid is null or m.id > $4) order by m.id limit $5"
# The agreement is held for a change: two promises for the same days would not see each other.
_AGREEMENT = """
select a.id, a.in_force_on, array(select r.relation from agreement_member r where r.agreement_id = a.id
    and r.organization_id = $1 and r.source_id = a.id) as relations,
    array(select distinct y.organization_id from agreement_member y where y.agreement_id = a.id order by 1) as members,
    array(select c.id from agreement_clause c where c.agreement_id = a.id) as clauses
from agreement a
where a.id = $2 and a.id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
for no key update of a
"""
_LOCK = """
select m.id, m.version, m.clause_id, m.frequency, m.from_on, m.until_on, m.basis from meeting_promise m
where m.agreement_id = $1 and m.id = $2 for no key update
"""
_OVERLAPPING = """
select id from meeting_promise
where agreement_id = $1 and id <> $2 and clause_id is not distinct from $3
  and daterange(from_on, until_on, '[]') && daterange($4, $5, '[]') order by id limit 1
"""
_INSERT = """
insert into meeting_promise (id, agreement_id, clause_id, frequency, from_on, until_on, basis, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
"""
_UPDATE = """
update meeting_promise set version = $2, frequency = $3, from_on = $4, until_on = $5, basis = $6, updated_at = $7
where id = $1
"""
_TERM = """
select least(m.term_to, m.ended_on) as ends_on from agreement m
where m.id = $2 and m.id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
"""
_PAST_TERM = """
select least((h.state->>'term_to')::date, (h.state->>'ended_on')::date) as ends_on
from agreement m cross join lateral (
    select g.state from history g where g.subject_id = m.id and g.occurred_at <= $3 order by g.version desc limit 1) h
where m.id = $2 and m.id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
"""
_EVERY_PROMISE = f"""
select m.id, m.clause_id, m.frequency, m.from_on, m.until_on from meeting_promise m
where m.agreement_id = $2 and {_SCOPE} order by m.id
"""  # noqa: S608
HELD = f"""
select m.id, m.kind, m.held_on from meeting m
where m.agreement_id = $2 and {_SCOPE} and m.held_on <= $3 order by m.starts_at, m.id
"""  # noqa: S608
_NEXT_PLANNED = f"""
select min(m.starts_at) from meeting m
where m.agreement_id = $2 and {_SCOPE} and m.status = 'planned' and m.starts_at >= $3
"""  # noqa: S608
_PAST_PROMISED = f"""
select p.id, (l.state->>'clause_id')::uuid as clause_id, l.state->>'frequency' as frequency,
    (l.state->>'from_on')::date as from_on, (l.state->>'until_on')::date as until_on
from ({_PAST}) p, lateral (select p.state::jsonb as state) l order by p.id
"""  # noqa: S608
_PAST_MEETINGS = f"""
from meeting m cross join lateral (
    select g.state from meeting_log g where g.subject_id = m.id and g.occurred_at <= $3
    order by g.version desc limit 1) l
cross join lateral (
    select l.state->>'kind' as kind, l.state->>'status' as status, (l.state->>'held_on')::date as held_on,
        (l.state->>'starts_at')::timestamptz as starts_at) t
where m.agreement_id = $2 and {_SCOPE}"""  # noqa: S608
_PAST_HELD = f"select m.id, t.kind, t.held_on {_PAST_MEETINGS} and t.held_on <= $4 order by t.starts_at, m.id"
_PAST_NEXT = f"select min(t.starts_at) {_PAST_MEETINGS} and t.status = 'planned' and t.starts_at >= $4"


async def read(
    connection: Connection, organization_id: UUID | None, agreement_id: UUID, promise_id: UUID
) -> asyncpg.Record | None:
    """One promise as JSON, with the caller's relations to its agreement."""
    return await connection.fetchrow(_READ, organization_id, agreement_id, promise_id)


async def list_promises(
    connection: Connection, organization_id: UUID | None, agreement_id: UUID, *, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """Promises of an agreement, in the order in which they were recorded."""
    return await connection.fetch(PROMISES, organization_id, agreement_id, after, limit)


async def read_past(
    connection: Connection, organization_id: UUID | None, agreement_id: UUID, as_of: datetime, promise_id: UUID
) -> asyncpg.Record | None:
    """One promise as it was at an instant."""
    return await connection.fetchrow(_PAST_READ, organization_id, agreement_id, as_of, promise_id)


async def list_past(
    connection: Connection,
    organization_id: UUID | None,
    agreement_id: UUID,
    as_of: datetime,
    *,
    after: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Promises of an agreement as they were at an instant, in the order in which they were recorded."""
    return await connection.fetch(PAST_PROMISES, organization_id, agreement_id, as_of, after, limit)


async def hold_agreement(
    connection: Connection, organization_id: UUID | None, agreement_id: UUID
) -> asyncpg.Record | None:
    return await connection.fetchrow(_AGREEMENT, organization_id, agreement_id)


async def lock(connection: Connection, agreement_id: UUID, promise_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_LOCK, agreement_id, promise_id)


async def overlapping(
    connection: Connection, agreement_id: UUID, promise_id: UUID, clause_id: UUID | None, first: date, last: date | None
) -> UUID | None:
    """Another promise of the same clause, or of none, that covers some of these days."""
    found: UUID | None = await connection.fetchval(_OVERLAPPING, agreement_id, promise_id, clause_id, first, last)
    return found


async def insert(
    connection: Connection, promise_id: UUID, agreement_id: UUID, columns: Mapping[str, Any], *, at: datetime
) -> None:
    await connection.execute(_INSERT, promise_id, agreement_id, columns["clause_id"], *_values(columns), at)


async def update(
    connection: Connection, promise_id: UUID, version: int, columns: Mapping[str, Any], *, at: datetime
) -> None:
    await connection.execute(_UPDATE, promise_id, version, *_values(columns), at)


async def agreement(
    connection: Connection, organization_id: UUID | None, agreement_id: UUID, as_of: datetime | None = None
) -> asyncpg.Record | None:
    """When the agreement ends, or was to end at an instant, if the caller is a member, and it was there."""
    if as_of is None:
        return await connection.fetchrow(_TERM, organization_id, agreement_id)
    return await connection.fetchrow(_PAST_TERM, organization_id, agreement_id, as_of)


async def every_promise(
    connection: Connection, organization_id: UUID | None, agreement_id: UUID, as_of: datetime | None
) -> Sequence[asyncpg.Record]:
    """Every promise, or those that there were at an instant."""
    if as_of is None:
        return await connection.fetch(_EVERY_PROMISE, organization_id, agreement_id)
    return await connection.fetch(_PAST_PROMISED, organization_id, agreement_id, as_of)


async def held(
    connection: Connection, organization_id: UUID | None, agreement_id: UUID, as_of: datetime | None, *, until: date
) -> Sequence[asyncpg.Record]:
    """Meetings that were held by the end of a day, as far as was known at an instant, the earliest first."""
    if as_of is None:
        return await connection.fetch(HELD, organization_id, agreement_id, until)
    return await connection.fetch(_PAST_HELD, organization_id, agreement_id, as_of, until)


async def next_planned(
    connection: Connection, organization_id: UUID | None, agreement_id: UUID, as_of: datetime | None, *, after: datetime
) -> datetime | None:
    """When the next meeting is, or was at an instant, to begin."""
    found: datetime | None
    if as_of is None:
        found = await connection.fetchval(_NEXT_PLANNED, organization_id, agreement_id, after)
    else:
        found = await connection.fetchval(_PAST_NEXT, organization_id, agreement_id, as_of, after)
    return found


def _values(columns: Mapping[str, Any]) -> list[Any]:
    return [columns[name] for name in ("frequency", "from_on", "until_on", "basis")]
