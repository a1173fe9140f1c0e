"""All SQL of milestones; every read is scoped to the caller's organisation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.milestones.models import Milestone

_SCOPE = "t.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
# Caller ($1), task ($2).
_SHOWN = """json_build_object('id', e.id, 'version', e.version, 'task_id', e.task_id, 'position', e.position,
    'title', e.title, 'due_on', e.due_on, 'done_on', e.done_on, 'created_at', e.created_at,
    'updated_at', e.updated_at)::text as body, e.id, e.task_id, e.version, e.position, t.status, array(
        select m.relation from agreement_member m where m.agreement_id = t.agreement_id and m.organization_id = $1
          and m.source_id in (t.agreement_id, t.id)) as relations"""
_READ = f"""
select {_SHOWN} from task t join task_milestone e on e.task_id = t.id and e.id = $3 where t.id = $2 and {_SCOPE}
"""  # noqa: S608
LIST = f"""
select {_SHOWN} from task t join task_milestone e on e.task_id = t.id
where t.id = $2 and {_SCOPE} and ($3::int is null or (e.position, e.id) > ($3, $4::uuid))
order by e.position, e.id limit $5
"""  # noqa: S608
_LOCK = "select * from task_milestone where task_id = $1 and id = $2 for no key update"
_STANDING = "select count(*) as number, coalesce(max(position), 0) as last from task_milestone where task_id = $1"
_INSERT = """
insert into task_milestone (id, task_id, agreement_id, position, title, due_on, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $7)
"""
_UPDATE = """
update task_milestone set version = $2, position = $3, title = $4, due_on = $5, done_on = $6, updated_at = $7
where id = $1
"""
_DELETE = "delete from task_milestone where id = $1"


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


async def delete(connection: asyncpg.Connection[Any], milestone_id: UUID) -> None:
    await connection.execute(_DELETE, milestone_id)
