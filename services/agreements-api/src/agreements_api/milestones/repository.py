"""All SQL of milestones; every read is scoped to the caller's organisation."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.history.parts import PartKind, keeping, parts_at
from agreements_api.milestones.models import Milestone

_SCOPE = "t.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
_JSON = """json_build_object('id', e.id, 'version', e.version, 'task_id', e.task_id, 'position', e.position,
    'title', e.title, 'due_on', e.due_on, 'done_on', e.done_on, 'created_at', e.created_at,
    'updated_at', e.updated_at)"""
# Caller ($1), task ($2).
_SHOWN = f"""{_JSON}::text as body, e.id, e.task_id, e.version, e.position, t.status, array(
        select m.relation from agreement_member m where m.agreement_id = t.agreement_id and m.organization_id = $1
          and m.source_id in (t.agreement_id, t.id)) as relations"""  # noqa: S608
_READ = f"""
select {_SHOWN} from task t join task_milestone e on e.task_id = t.id and e.id = $3 where t.id = $2 and {_SCOPE}
"""  # noqa: S608
LIST = f"""
select {_SHOWN} from task t join task_milestone e on e.task_id = t.id
where t.id = $2 and {_SCOPE} and ($3::int is null or (e.position, e.id) > ($3, $4::uuid))
order by e.position, e.id limit $5
"""  # noqa: S608
# As they were at an instant ($3).
_PAST_READ = f"""
select p.state::text as state from {parts_at(PartKind.MILESTONE)} p where p.part_id = $4
"""  # noqa: S608
PAST_LIST = f"""
select p.state::text as state, p.part_id as id, (p.state->>'position')::int as position
from {parts_at(PartKind.MILESTONE)} p
where $4::int is null or ((p.state->>'position')::int, p.part_id) > ($4, $5::uuid)
order by (p.state->>'position')::int, p.part_id limit $6
"""  # noqa: S608
_LOCK = "select * from task_milestone where task_id = $1 and id = $2 for no key update"
_STANDING = "select count(*) as number, coalesce(max(position), 0) as last from task_milestone where task_id = $1"
_KEPT = keeping(PartKind.MILESTONE, "changed", state=f"{_JSON}::jsonb", version="e.version", occurred_at="e.updated_at")
_INSERT = f"""
with changed as (
    insert into task_milestone (id, task_id, agreement_id, position, title, due_on, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $7) returning *
) {_KEPT}"""  # noqa: S608
_UPDATE = f"""
with changed as (
    update task_milestone set version = $2, position = $3, title = $4, due_on = $5, done_on = $6, updated_at = $7
    where id = $1 returning *
) {_KEPT}"""  # noqa: S608
_GONE = keeping(PartKind.MILESTONE, "gone", state="null::jsonb", version="e.version + 1", occurred_at="$2")
_DELETE = f"with gone as (delete from task_milestone where id = $1 returning *) {_GONE}"  # noqa: S608


async def read(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID, milestone_id: UUID
) -> asyncpg.Record | None:
    """One milestone as JSON, with the caller's relations to its task."""
    return await connection.fetchrow(_READ, organization_id, task_id, milestone_id)


async def list_of(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    task_id: UUID,
    *,
    after: tuple[int, UUID] | None,
    limit: int,
) -> list[asyncpg.Record]:
    """The milestones of a task in their order."""
    position, milestone_id = after or (None, None)
    return await connection.fetch(LIST, organization_id, task_id, position, milestone_id, limit)


async def read_past(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    task_id: UUID,
    as_of: datetime,
    milestone_id: UUID,
) -> asyncpg.Record | None:
    """One milestone as it was at an instant."""
    return await connection.fetchrow(_PAST_READ, organization_id, task_id, as_of, milestone_id)


async def list_past(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    task_id: UUID,
    as_of: datetime,
    *,
    after: tuple[int, UUID] | None,
    limit: int,
) -> list[asyncpg.Record]:
    """The milestones of a task as they were at an instant, in the order that they had."""
    position, milestone_id = after or (None, None)
    return await connection.fetch(PAST_LIST, organization_id, task_id, as_of, position, milestone_id, limit)


async def standing(connection: asyncpg.Connection[Any], task_id: UUID) -> tuple[int, int]:
    """How many milestones a locked task has, and the position of the last one."""
    row = await connection.fetchrow(_STANDING, task_id)
    assert row is not None
    return row["number"], row["last"]


async def lock(connection: asyncpg.Connection[Any], task_id: UUID, milestone_id: UUID) -> Milestone | None:
    row = await connection.fetchrow(_LOCK, task_id, milestone_id)
    return None if row is None else Milestone(**dict(row))


async def insert(connection: asyncpg.Connection[Any], milestone: Milestone) -> None:
    await connection.execute(
        _INSERT,
        milestone.id,
        milestone.task_id,
        milestone.agreement_id,
        milestone.position,
        milestone.title,
        milestone.due_on,
        milestone.created_at,
    )


async def update(connection: asyncpg.Connection[Any], milestone: Milestone) -> None:
    await connection.execute(
        _UPDATE,
        milestone.id,
        milestone.version,
        milestone.position,
        milestone.title,
        milestone.due_on,
        milestone.done_on,
        milestone.updated_at,
    )


async def delete(connection: asyncpg.Connection[Any], milestone_id: UUID, at: datetime) -> None:
    await connection.execute(_DELETE, milestone_id, at)
