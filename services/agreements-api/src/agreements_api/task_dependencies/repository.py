"""All SQL of dependencies; every read is scoped to the caller's organisation."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.history.parts import PartKind, keeping, parts_at
from agreements_api.task_dependencies.models import Dependency, Direction

# Dependencies of one agreement are made one after the other: two that together make a cycle see each other.
_LOCK = "select pg_advisory_xact_lock(hashtextextended($1::text, 354))"
_SCOPE = "t.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
# Caller ($1), task ($2). `w` is the task that has to wait: how the caller stands to that one decides.
_SHOWN = """json_build_object('id', e.id, 'task_id', e.task_id, 'depends_on_task_id', e.depends_on_task_id,
    'lag_working_days', e.lag_working_days, 'neighbour', json_build_object('id', n.id, 'title', n.title,
        'status', n.status, 'due_on', n.due_on, 'completed_at', n.completed_at, 'lead', n.parties->'lead'->>'name'),
    'created_at', e.created_at)::text as body, e.id, w.status, array(
        select m.relation from agreement_member m where m.agreement_id = t.agreement_id and m.organization_id = $1
          and m.source_id in (t.agreement_id, w.id)) as relations"""
LISTS = {
    Direction.PREDECESSORS: f"""
select {_SHOWN} from task t join task_dependency e on e.task_id = t.id join task w on w.id = t.id
    join task n on n.id = e.depends_on_task_id
where t.id = $2 and {_SCOPE} and ($3::uuid is null or e.id < $3) order by e.id desc limit $4
""",  # noqa: S608
    Direction.SUCCESSORS: f"""
select {_SHOWN} from task t join task_dependency e on e.depends_on_task_id = t.id join task w on w.id = e.task_id
    join task n on n.id = e.task_id
where t.id = $2 and {_SCOPE} and ($3::uuid is null or e.id < $3) order by e.id desc limit $4
""",  # noqa: S608
}
_READ = f"""
select {_SHOWN} from task t join task_dependency e on e.task_id = t.id and e.id = $3 join task w on w.id = t.id
    join task n on n.id = e.depends_on_task_id
where t.id = $2 and {_SCOPE}
"""  # noqa: S608
# As they were at an instant ($3), each with its neighbour as that was.
_NEIGHBOUR_THEN = """
cross join lateral (
    select h.state from history h where h.subject_id = (p.state->>'{neighbour}')::uuid and h.occurred_at <= $3
    order by h.version desc limit 1) n"""
_SHOWN_THEN = """p.part_id as id, (p.state || jsonb_build_object('neighbour', jsonb_build_object(
    'id', n.state->'id', 'title', n.state->'title', 'status', n.state->'status', 'due_on', n.state->'due_on',
    'completed_at', n.state->'completed_at', 'lead', n.state->'lead'->'name')))::text as state"""
PAST_LISTS = {
    Direction.PREDECESSORS: f"""
select {_SHOWN_THEN} from {parts_at(PartKind.DEPENDENCY)} p {_NEIGHBOUR_THEN.format(neighbour="depends_on_task_id")}
where $4::uuid is null or p.part_id < $4 order by p.part_id desc limit $5
""",  # noqa: S608
    Direction.SUCCESSORS: f"""
select {_SHOWN_THEN} from {parts_at(PartKind.DEPENDENCY, task="other_task_id")} p
{_NEIGHBOUR_THEN.format(neighbour="task_id")}
where $4::uuid is null or p.part_id < $4 order by p.part_id desc limit $5
""",  # noqa: S608
}
_STATUS = "select status from task where id = $1 and agreement_id = $2"
_WAITS_FOR = """
with recursive ahead (id) as (
    select $1::uuid
    union
    select d.depends_on_task_id from ahead a join task_dependency d on d.task_id = a.id
)
select exists (select from ahead where id = $2)
"""
_STATE = """jsonb_build_object('id', e.id, 'task_id', e.task_id, 'depends_on_task_id', e.depends_on_task_id,
    'lag_working_days', e.lag_working_days, 'created_at', e.created_at)"""
_KEPT = keeping(
    PartKind.DEPENDENCY,
    "changed",
    state=_STATE,
    version="1",
    occurred_at="e.created_at",
    other="e.depends_on_task_id",
)
_INSERT = f"""
with changed as (
    insert into task_dependency (id, agreement_id, task_id, depends_on_task_id, lag_working_days, created_at)
    values ($1, $2, $3, $4, $5, $6) on conflict (task_id, depends_on_task_id) do nothing returning *
) {_KEPT} returning part_id
"""  # noqa: S608
_GONE = keeping(
    PartKind.DEPENDENCY, "gone", state="null::jsonb", version="2", occurred_at="$3", other="e.depends_on_task_id"
)
_DELETE = f"""
with gone as (delete from task_dependency where id = $1 and task_id = $2 returning *) {_GONE} returning other_task_id
"""  # noqa: S608
# Everything behind a task, with all that each of these waits for.
_GRAPH = f"""
with recursive behind (id) as (
    select t.id from task t where t.id = $2 and {_SCOPE}
    union
    select d.task_id from behind b join task_dependency d on d.depends_on_task_id = b.id
)
select d.task_id, d.depends_on_task_id, d.lag_working_days
from behind b join task_dependency d on d.task_id = b.id
"""  # noqa: S608
_TASKS = f"""
select t.id, t.title, t.status, t.due_on, (t.completed_at at time zone 'Asia/Ho_Chi_Minh')::date as finished_on,
    t.parties->'lead'->>'name' as lead
from task t where t.id = any($2::uuid[]) and {_SCOPE}
"""  # noqa: S608


async def lock(connection: asyncpg.Connection[Any], agreement_id: UUID) -> None:
    """Hold the dependencies of an agreement until the end of the transaction."""
    await connection.execute(_LOCK, str(agreement_id))


async def list_of(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    task_id: UUID,
    direction: Direction,
    *,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """What a task waits for, or what waits for it, the newest first."""
    return await connection.fetch(LISTS[direction], organization_id, task_id, before, limit)


async def list_past(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    task_id: UUID,
    as_of: datetime,
    direction: Direction,
    *,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """What a task waited for at an instant, or what waited for it, the newest first."""
    return await connection.fetch(PAST_LISTS[direction], organization_id, task_id, as_of, before, limit)


async def read(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID, dependency_id: UUID
) -> asyncpg.Record | None:
    return await connection.fetchrow(_READ, organization_id, task_id, dependency_id)


async def status_of(connection: asyncpg.Connection[Any], task_id: UUID, agreement_id: UUID) -> str | None:
    """The status of a task of this agreement."""
    status: str | None = await connection.fetchval(_STATUS, task_id, agreement_id)
    return status


async def waits_for(connection: asyncpg.Connection[Any], task_id: UUID, other_id: UUID) -> bool:
    """Whether the one is, or waits for, the other, over however many tasks between."""
    return bool(await connection.fetchval(_WAITS_FOR, task_id, other_id))


async def insert(connection: asyncpg.Connection[Any], dependency: Dependency) -> bool:
    """False where it was there already."""
    return (
        await connection.fetchval(
            _INSERT,
            dependency.id,
            dependency.agreement_id,
            dependency.task_id,
            dependency.depends_on_task_id,
            dependency.lag_working_days,
            dependency.created_at,
        )
        is not None
    )


async def delete(connection: asyncpg.Connection[Any], task_id: UUID, dependency_id: UUID, at: datetime) -> UUID | None:
    """What the task depended on, if it did."""
    depended_on: UUID | None = await connection.fetchval(_DELETE, dependency_id, task_id, at)
    return depended_on


async def graph(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID
) -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
    """The links behind a task, and every task at an end of one, itself included."""
    links = await connection.fetch(_GRAPH, organization_id, task_id)
    ids = {task_id, *(link["task_id"] for link in links), *(link["depends_on_task_id"] for link in links)}
    return links, await connection.fetch(_TASKS, organization_id, list(ids))
