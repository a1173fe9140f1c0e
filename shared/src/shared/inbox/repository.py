"""All SQL of the inbox."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, TextClause, text
from sqlmodel.ext.asyncio.session import AsyncSession

Position = tuple[str, int]
Key = tuple[str, str]

_START = text("""
    insert into inbox_offset (consumer_group, topic, partition, cluster_id, next_offset)
    select :group, topic, partition, :cluster_id, 0
    from unnest(cast(:topics as text[]), cast(:partitions as int[])) as assigned(topic, partition)
    on conflict do nothing
""")
_OFFSETS = text("""
    select topic, partition, next_offset from inbox_offset
    where consumer_group = :group and cluster_id = :cluster_id
""")
# An update and no upsert: a position that was reset while its consumer ran must be noticed, not written back.
_ADVANCE = text("""
    update inbox_offset as old set next_offset = new.next_offset, updated_at = clock_timestamp()
    from unnest(cast(:topics as text[]), cast(:partitions as int[]), cast(:offsets as bigint[]))
        as new(topic, partition, next_offset)
    where old.consumer_group = :group and old.cluster_id = :cluster_id
      and old.topic = new.topic and old.partition = new.partition
""")
# The share lock makes a replay of the key and the arrival of its next message wait for each other.
_PARKED = text("""
    select topic, key from parked_key
    where consumer_group = :group
      and (topic, key) in (select * from unnest(cast(:topics as text[]), cast(:keys as text[])))
    order by topic, key for share
""")
_PARK = text("""
    insert into parked_key (consumer_group, topic, key) values (:group, :topic, :key) on conflict do nothing
""")
_VERSIONS = text("""
    select aggregate_id, version from inbox_version
    where consumer_group = :group and aggregate_id = any(cast(:aggregates as uuid[]))
""")
_SAVE_VERSIONS = text("""
    insert into inbox_version as known (consumer_group, aggregate_id, version)
    select :group, aggregate_id, version
    from unnest(cast(:aggregates as uuid[]), cast(:versions as bigint[])) as new(aggregate_id, version)
    on conflict (consumer_group, aggregate_id) do update set version = excluded.version
    where known.version < excluded.version
""")
# The same bytes are one letter, however often a new cluster or a repeated batch brings them.
_DEAD_LETTER = text("""
    insert into dead_letter (consumer_group, topic, partition, cluster_id, message_offset, key, event_id, type, payload,
                             reason, error, attempts)
    values (:group, :topic, :partition, :cluster_id, :message_offset, :key, :event_id, :type, :payload,
            :reason, :error, :attempts)
    on conflict (consumer_group, topic, key, md5(payload)) do nothing
    returning id
""")
_LOCK_KEY = text("""
    select 1 from parked_key where consumer_group = :group and topic = :topic and key = :key for update
""")
_LETTERS = text("""
    select id, payload from dead_letter
    where consumer_group = :group and topic = :topic and key = :key and resolved_at is null
    order by id limit :limit
""")
_FAILED_AGAIN = text("""
    update dead_letter set reason = 'poison', error = :error, attempts = attempts + 1 where id = :id
""")
_RESOLVE = text("""
    update dead_letter set resolved_at = clock_timestamp(), resolution = :resolution
    where consumer_group = :group and id = :id and resolved_at is null
""")
_UNPARK = text("delete from parked_key where consumer_group = :group and topic = :topic and key = :key")
_WAITING = text("""
    select id, topic, key, event_id, type, reason, error, attempts, created_at from dead_letter
    where consumer_group = :group and resolved_at is null and id > :after
    order by id limit :limit
""")
_RESET = (
    text("delete from inbox_offset where consumer_group = :group"),
    text("delete from inbox_version where consumer_group = :group"),
    text("delete from parked_key where consumer_group = :group"),
    text("delete from dead_letter where consumer_group = :group"),
)


async def start_positions(
    session: AsyncSession, group: str, cluster_id: str, assigned: Iterable[Position]
) -> dict[Position, int]:
    """Where to read from; partitions that were never read start at 0."""
    positions = sorted(assigned)
    await _run(session, _START, group=group, cluster_id=cluster_id, **_columns(positions))
    return {
        position: offset
        for position, offset in (await offsets(session, group, cluster_id)).items()
        if position in set(positions)
    }


async def offsets(session: AsyncSession, group: str, cluster_id: str) -> dict[Position, int]:
    rows = await _run(session, _OFFSETS, group=group, cluster_id=cluster_id)
    return {(row.topic, row.partition): row.next_offset for row in rows}


async def advance(session: AsyncSession, group: str, cluster_id: str, new: Mapping[Position, int]) -> bool:
    """Set the offsets and lock them; false if one of them is gone."""
    positions = sorted(new)
    result = await _run(
        session,
        _ADVANCE,
        group=group,
        cluster_id=cluster_id,
        offsets=[new[position] for position in positions],
        **_columns(positions),
    )
    return result.rowcount == len(positions)


async def parked_keys(session: AsyncSession, group: str, keys: Iterable[Key]) -> set[Key]:
    pairs = sorted(set(keys))
    rows = await _run(
        session, _PARKED, group=group, topics=[topic for topic, _ in pairs], keys=[key for _, key in pairs]
    )
    return {(row.topic, row.key) for row in rows}


async def park(session: AsyncSession, group: str, key: Key) -> None:
    await _run(session, _PARK, group=group, topic=key[0], key=key[1])


async def versions(session: AsyncSession, group: str, aggregates: Iterable[UUID]) -> dict[UUID, int]:
    rows = await _run(session, _VERSIONS, group=group, aggregates=list(set(aggregates)))
    return {row.aggregate_id: row.version for row in rows}


async def save_versions(session: AsyncSession, group: str, new: Mapping[UUID, int]) -> None:
    if new:
        # In one order everywhere, so that two batches cannot wait for each other in a circle.
        aggregates = sorted(new)
        await _run(
            session,
            _SAVE_VERSIONS,
            group=group,
            aggregates=aggregates,
            versions=[new[aggregate] for aggregate in aggregates],
        )


async def add_dead_letter(session: AsyncSession, **values: Any) -> bool:
    """False if these bytes were put aside before."""
    return (await _run(session, _DEAD_LETTER, **values)).first() is not None


async def lock_key(session: AsyncSession, group: str, key: Key) -> bool:
    return (await _run(session, _LOCK_KEY, group=group, topic=key[0], key=key[1])).first() is not None


async def letters(session: AsyncSession, group: str, key: Key, limit: int) -> Sequence[tuple[int, bytes]]:
    rows = await _run(session, _LETTERS, group=group, topic=key[0], key=key[1], limit=limit)
    return [(row.id, bytes(row.payload)) for row in rows]


async def failed_again(session: AsyncSession, letter: int, error: str) -> None:
    await _run(session, _FAILED_AGAIN, id=letter, error=error)


async def resolve(session: AsyncSession, group: str, letter: int, resolution: str) -> bool:
    return (await _run(session, _RESOLVE, group=group, id=letter, resolution=resolution)).rowcount == 1


async def unpark(session: AsyncSession, group: str, key: Key) -> None:
    await _run(session, _UNPARK, group=group, topic=key[0], key=key[1])


async def waiting_letters(session: AsyncSession, group: str, after: int, limit: int) -> Sequence[Any]:
    return (await _run(session, _WAITING, group=group, after=after, limit=limit)).all()


async def forget(session: AsyncSession, group: str) -> None:
    for statement in _RESET:
        await _run(session, statement, group=group)


def _columns(positions: Sequence[Position]) -> dict[str, Any]:
    return {
        "topics": [topic for topic, _ in positions],
        "partitions": [partition for _, partition in positions],
    }


async def _run(session: AsyncSession, statement: TextClause, **values: Any) -> CursorResult[Any]:
    return await (await session.connection()).execute(statement, values)
