"""All SQL of the queue in which successions are carried out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.auth import Actor

Connection = asyncpg.Connection

# Agreements with what is to be followed: whoever stands in them, or in a task of theirs, for a unit that ended. A
# deleted draft is over. Where a task comes again, its next occurrence may be on the way to anybody who stands there, be
# it as a reader: to whom it goes was settled before the units ended, and nobody sees it yet.
_AFFECTED = """
select m.agreement_id
from unit u join organization o on o.unit_id = u.id join agreement_member m on m.organization_id = o.id
where u.valid_to < $1 and ($2::uuid[] is null or u.id = any($2)) and m.relation <> 'former'
union
select p.agreement_id
from unit u join organization o on o.unit_id = u.id
join agreement_party p on coalesce(p.responsible_organization_id, p.organization_id) = o.id
join agreement a on a.id = p.agreement_id
where u.valid_to < $1 and ($2::uuid[] is null or u.id = any($2)) and a.discarded_at is null
union
select m.agreement_id
from unit u join organization o on o.unit_id = u.id join agreement_member m on m.organization_id = o.id
join task_recurrence r on r.agreement_id = m.agreement_id
where u.valid_to < $1 and ($2::uuid[] is null or u.id = any($2)) and r.ended_at is null
"""
_RUN = """
select r.id, r.effective_on, cardinality(r.unit_ids) as units, r.requested_by_name, r.agreements, r.done, r.repointed,
       r.tasks, r.decisions, r.created_at, r.started_at, r.finished_at
from succession_run r
"""
_ADD_RUN = """
insert into succession_run (id, effective_on, unit_ids, requested_by, requested_by_name, created_at)
values ($1, $2, $3, $4, $5, $6)
"""


async def add_run(
    connection: Connection[Any],
    actor: Actor,
    run_id: UUID,
    effective_on: date,
    unit_ids: Sequence[UUID] | None,
    *,
    now: datetime,
) -> None:
    """Queue what is to be carried out from a day on."""
    await connection.execute(_ADD_RUN, run_id, effective_on, unit_ids, actor.id, actor.name, now)


async def read_run(connection: Connection[Any], run_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(f"{_RUN} where r.id = $1", run_id)


async def list_runs(connection: Connection[Any], *, before: UUID | None, limit: int) -> list[asyncpg.Record]:
    """Runs, the newest first."""
    return await connection.fetch(
        f"{_RUN} where ($1::uuid is null or r.id < $1) order by r.id desc limit $2", before, limit
    )


async def due_run(connection: Connection[Any], today: date, *, run_id: UUID | None = None) -> asyncpg.Record | None:
    """The run to work on next: the oldest that is due and not finished, or the one named."""
    return await connection.fetchrow(
        "select id, unit_ids, effective_on, started_at from succession_run"
        " where finished_at is null and effective_on <= $1 and ($2::uuid is null or id = $2)"
        " order by effective_on, id limit 1",
        today,
        run_id,
    )


async def unfinished_run(connection: Connection[Any]) -> UUID | None:
    """A run over everything that was begun and stopped."""
    run: UUID | None = await connection.fetchval(
        "select id from succession_run where unit_ids is null and finished_at is null order by effective_on, id limit 1"
    )
    return run


async def begin_run(connection: Connection[Any], run_id: UUID, today: date, now: datetime) -> None:
    """Write down which agreements the run is about, once, whoever begins it."""
    row = await connection.fetchrow(
        "select unit_ids from succession_run where id = $1 and started_at is null for update", run_id
    )
    if row is None:
        return
    await connection.execute(
        f"insert into succession_step (run_id, agreement_id) select $3::uuid, agreement_id from ({_AFFECTED}) x",  # noqa: S608
        today,
        row["unit_ids"],
        run_id,
    )
    await connection.execute(
        "update succession_run set started_at = $2,"
        " agreements = (select count(*) from succession_step s where s.run_id = $1) where id = $1",
        run_id,
        now,
    )


async def take_steps(connection: Connection[Any], run_id: UUID, limit: int) -> list[UUID]:
    """Agreements of the run that no other worker is at, held until the transaction ends."""
    rows = await connection.fetch(
        "select agreement_id from succession_step where run_id = $1 order by agreement_id limit $2"
        " for update skip locked",
        run_id,
        limit,
    )
    return [row["agreement_id"] for row in rows]


async def finish_steps(
    connection: Connection[Any],
    run_id: UUID,
    agreement_ids: Sequence[UUID],
    *,
    repointed: int,
    tasks: int,
    decisions: int,
) -> None:
    """The last statement of a batch: other workers wait for the counters."""
    await connection.execute(
        "delete from succession_step where run_id = $1 and agreement_id = any($2::uuid[])", run_id, agreement_ids
    )
    await connection.execute(
        "update succession_run set done = done + $2, repointed = repointed + $3, tasks = tasks + $4,"
        " decisions = decisions + $5 where id = $1",
        run_id,
        len(agreement_ids),
        repointed,
        tasks,
        decisions,
    )


async def finish_run(connection: Connection[Any], run_id: UUID, now: datetime) -> bool:
    """Whether nothing is left of the run, not even with another worker."""
    done = await connection.execute(
        "update succession_run set finished_at = $2 where id = $1 and finished_at is null and started_at is not null"
        " and not exists (select from succession_step s where s.run_id = $1)",
        run_id,
        now,
    )
    return bool(done == "UPDATE 1")


_MISPLACED = """
select o.id, o.superior_organization_id, lies.id as under_unit_id
from organization o join unit u on u.id = o.unit_id
join organization above on above.id = o.superior_organization_id join unit gone on gone.id = above.unit_id
left join lateral (
    with recursive way (id, level, depth) as (
        select u.id, u.level, 0
        union all
        select x.id, x.level, w.depth + 1
        from way w join unit_parent p on p.unit_id = w.id and coalesce(p.valid_from, '-infinity') <= $1
            and coalesce(p.valid_to, 'infinity') >= $1 join unit x on x.id = p.parent_id
    )
    select w.id from way w where w.depth > 0 and w.level in (gone.level, 'province') order by w.depth limit 1
) lies on true
where gone.valid_to < $1 and ($2::uuid[] is null or gone.id = any($2)) and coalesce(u.valid_to, 'infinity') >= $1
  and ($3::uuid is null or o.id > $3)
order by o.id limit $4
"""


async def misplaced(
    connection: Connection[Any], today: date, unit_ids: Sequence[UUID] | None, *, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """Organisations of units in force whose superior's unit has ended, and under which unit of its level theirs lie.

    Where there is none of its level any more, that is the province.
    """
    return await connection.fetch(_MISPLACED, today, unit_ids, after, limit)


_ENDED_IN_STEPS = """
select distinct o.id
from succession_step s join agreement_member m on m.agreement_id = s.agreement_id and m.relation <> 'former'
join organization o on o.id = m.organization_id join unit u on u.id = o.unit_id
where s.run_id = $1 and u.valid_to < $2
order by o.id
"""


async def ended_in_steps(connection: Connection[Any], run_id: UUID, today: date) -> list[UUID]:
    """Organisations that a run is about: at once, for as a page each would be looked for among all that stand."""
    return [row["id"] for row in await connection.fetch(_ENDED_IN_STEPS, run_id, today)]
