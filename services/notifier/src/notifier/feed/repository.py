"""All SQL of the feed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

# Positions are drawn under a lock that lasts until the transaction's end. PostgreSQL makes a transaction visible before
# it lets its locks go, so whoever sees a position sees every lower one: a cursor never passes over a row that commits
# late, however many consumers append. A sequence alone would not do, because its numbers are not commit-ordered.
APPEND_LOCK = 0x6C76_6665_6564
_LOCK = "select pg_advisory_xact_lock($1)"
_APPEND = """
with event as (
    insert into feed_event (position, event_id, type, agreement_id, payload)
    select nextval('feed_position'), n.event_id, n.type, n.agreement_id, n.payload
    from (
        select e.* from unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
            with ordinality as e(event_id, type, agreement_id, payload, place)
        where not exists (select from feed_event f where f.event_id = e.event_id)
        order by e.place
    ) n
    returning position, event_id
)
insert into feed_member (organization_id, position)
select m.organization_id, e.position
from unnest($5::uuid[], $6::uuid[]) as m(event_id, organization_id) join event e on e.event_id = m.event_id
on conflict do nothing
"""
# The caller's positions in order come from feed_member's own key; the events behind them are looked up one by one.
_PAGE = """
select e.position, e.event_id, e.type, e.payload
from feed_member m join feed_event e on e.position = m.position
where m.organization_id = $1 and m.position > $2 and m.position <= $3 {filters}
order by m.position limit $4
"""
_BOUNDS = """
select (select trimmed_to from feed_state where id = 1) as trimmed_to,
       coalesce((select max(position) from feed_event), 0) as newest
"""
_TRIM = """
with old as (
    select position from feed_event where received_at < clock_timestamp() - $1::interval order by position limit $2
), gone as (
    delete from feed_event e using old where e.position = old.position returning e.position
)
update feed_state set trimmed_to = greatest(trimmed_to, (select max(position) from gone))
where id = 1 and exists (select from gone)
"""


@dataclass(frozen=True)
class Entry:
    """An event as the feed keeps it, with the organisations that may see it."""

    event_id: UUID
    type: str
    agreement_id: str
    payload: str
    members: Sequence[UUID]


async def append(connection: asyncpg.Connection[Any], entries: Sequence[Entry]) -> None:
    """Add events at the end, in their order; an event that is there already changes nothing."""
    await connection.execute(_LOCK, APPEND_LOCK)
    await connection.execute(
        _APPEND,
        [entry.event_id for entry in entries],
        [entry.type for entry in entries],
        [entry.agreement_id for entry in entries],
        [entry.payload for entry in entries],
        [entry.event_id for entry in entries for _ in entry.members],
        [member for entry in entries for member in entry.members],
    )


async def bounds(connection: asyncpg.Connection[Any]) -> tuple[int, int]:
    """The last position that retention took away, and the newest one."""
    row = await connection.fetchrow(_BOUNDS)
    assert row is not None
    # Everything may have been taken away, the newest with it.
    return row["trimmed_to"], max(row["newest"], row["trimmed_to"])


async def page(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    *,
    after: int,
    upto: int,
    limit: int,
    types: Sequence[str] = (),
    agreement_id: UUID | None = None,
) -> list[asyncpg.Record]:
    """Events that the organisation may see, in order."""
    filters = ""
    values: list[Any] = []
    if types:
        values.append(list(types))
        filters += f" and e.type = any(${4 + len(values)})"
    if agreement_id is not None:
        values.append(str(agreement_id))
        filters += f" and e.agreement_id = ${4 + len(values)}"
    return await connection.fetch(_PAGE.format(filters=filters), organization_id, after, upto, limit, *values)


async def trim(connection: asyncpg.Connection[Any], retention: timedelta, limit: int) -> bool:
    """Take away one batch of what is older; true if there was something."""
    return await connection.execute(_TRIM, retention, limit) == "UPDATE 1"
