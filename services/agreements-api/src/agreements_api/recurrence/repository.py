"""All SQL of what repeats tasks; every read is scoped to the caller's organisation."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.recurrence.models import Recurrence

_SCOPE = "t.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
_READ = f"""
select r.* from task t join task_recurrence r on r.id = t.recurrence_id where t.id = $2 and {_SCOPE}
"""  # noqa: S608
# What repeated it at an instant ($3): the series that its task was of then, as the last setting until then had it.
_PAST = f"""
select p.* from task t cross join lateral (
    select (h.state->>'recurrence_id')::uuid as recurrence_id from history h
    where h.subject_id = t.id and h.occurred_at <= $3 order by h.version desc limit 1) w
join task_recurrence r on r.id = w.recurrence_id cross join lateral (
    select * from (
        select r.* where r.updated_at <= $3
        union all select k.* from task_recurrence_past s, jsonb_populate_record(null::task_recurrence, s.state) k
        where s.recurrence_id = r.id and s.since <= $3) x
    order by x.updated_at desc limit 1) p
where t.id = $2 and {_SCOPE}
"""  # noqa: S608
_LOCK = "select * from task_recurrence where id = $1 for update"
_INSERT = """
insert into task_recurrence (id, agreement_id, frequency, rule, working_days_after, until, current_task_id, next_due_on,
                             next_from, ended_at, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
_UPDATE = """
update task_recurrence set frequency = $2, rule = $3, working_days_after = $4, until = $5, current_task_id = $6,
    next_due_on = $7, next_from = $8, ended_at = $9, updated_at = $10
where id = $1
"""
# What is due until a day ($1), whichever worker comes for it. While the task or its agreement is suspended the series
# waits; where the task was cancelled, its clause repealed or its agreement ended, it is over. An agreement in which
# somebody else is settling who answers is left to him, and held before its series, so that none is kept from others.
DUE = """
select r.*, a.status in ('concluded', 'terminated', 'lapsed') or t.status = 'cancelled' or c.ended_on is not null
    as over
from task_recurrence r join task t on t.id = r.current_task_id join agreement a on a.id = r.agreement_id
    left join agreement_clause c on c.id = t.clause_id
where r.ended_at is null and r.next_from <= $1 and t.status <> 'suspended' and a.status <> 'suspended'
order by r.next_from, r.id limit $2 for no key update of a skip locked for update of r skip locked
"""


async def read(connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID) -> Recurrence | None:
    """What repeats a task that the caller sees."""
    row = await connection.fetchrow(_READ, organization_id, task_id)
    return None if row is None else Recurrence(**dict(row))


async def read_past(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID, as_of: datetime
) -> Recurrence | None:
    """What repeated a task at an instant."""
    row = await connection.fetchrow(_PAST, organization_id, task_id, as_of)
    return None if row is None else Recurrence(**dict(row))


async def lock(connection: asyncpg.Connection[Any], recurrence_id: UUID) -> Recurrence:
    row = await connection.fetchrow(_LOCK, recurrence_id)
    assert row is not None
    return Recurrence(**dict(row))


async def lock_due(connection: asyncpg.Connection[Any], *, today: date, limit: int) -> list[tuple[Recurrence, bool]]:
    """Series whose next occurrence is to be made, and that no other worker holds; and whether each is over."""
    rows = [dict(row) for row in await connection.fetch(DUE, today, limit)]
    return [(Recurrence(**row), over) for row in rows for over in (row.pop("over"),)]


async def insert(connection: asyncpg.Connection[Any], recurrence: Recurrence) -> None:
    await connection.execute(
        _INSERT,
        recurrence.id,
        recurrence.agreement_id,
        recurrence.frequency,
        recurrence.rule,
        recurrence.working_days_after,
        recurrence.until,
        recurrence.current_task_id,
        recurrence.next_due_on,
        recurrence.next_from,
        recurrence.ended_at,
        recurrence.created_at,
        recurrence.updated_at,
    )


async def update(connection: asyncpg.Connection[Any], recurrence: Recurrence) -> None:
    await connection.execute(
        _UPDATE,
        recurrence.id,
        recurrence.frequency,
        recurrence.rule,
        recurrence.working_days_after,
        recurrence.until,
        recurrence.current_task_id,
        recurrence.next_due_on,
        recurrence.next_from,
        recurrence.ended_at,
        recurrence.updated_at,
    )
