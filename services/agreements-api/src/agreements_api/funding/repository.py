"""All SQL of plan periods and of the funding of tasks; every read is scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.funding.gates import Period
from agreements_api.funding.models import Gate, TaskFunding
from shared.auth import Actor

_PERIODS = """
select id, first_on, last_on from plan_period
where $1::timestamptz is null or added_at is null or added_at <= $1 order by last_on
"""
_REGISTER = """
select id, first_on, last_on, added_by_name as added_by, added_at from plan_period
where $1::text is null or id = $1 order by last_on
"""
# The table keeps periods apart, whoever adds them at the same time.
_ADD_PERIOD = """
insert into plan_period (id, first_on, last_on, added_by, added_by_name, added_at) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing returning id
"""
_OVERLAPPING = "select id from plan_period where first_on <= $2 and last_on >= $1 order by last_on"
_SCOPE = "t.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
_RELATIONS = """array(select distinct m.relation from agreement_member m
    where m.agreement_id = t.agreement_id and m.organization_id = $1 and m.source_id in (t.agreement_id, t.id))"""
_COLUMNS = (
    "f.version, f.needs_public_investment, f.plan_period, f.closes_on, f.source, f.amount, f.status, f.remark,"
    " f.updated_at"
)
_MISSES = """coalesce((select json_agg(json_build_object('plan_period', m.plan_period, 'closed_on', p.last_on,
        'told_at', m.told_at) order by p.last_on)
        from task_funding_miss m join plan_period p on p.id = m.plan_period
        where m.task_id = t.id and {condition}), '[]')::text as missed_periods"""
_READ = f"""
select t.id as task_id, t.agreement_id, t.status as task_status, {_COLUMNS}, {_RELATIONS} as relations,
    {_MISSES.format(condition="true")}
from task t left join task_funding f on f.task_id = t.id
where t.id = $2 and {_SCOPE}
"""  # noqa: S608
# What was said of a task ({task}) by an instant ({instant}), and how it stood itself: each version is one of its
# history, which tells every field that it changed.
_TOLD = """lateral (
    select h.state from history h where h.subject_id = {task} and h.occurred_at <= {instant}
    order by h.version desc limit 1) w
cross join lateral (
    select count(distinct h.version)::int as version, max(h.occurred_at) as updated_at,
        jsonb_object_agg(split_part(y->>'field', '/', 2), y->'to' order by h.version)
            filter (where y is not null) as told,
        array_agg(h.remark order by h.version desc) filter (where h.action = 'change_funding') as remarks
    from history h left join lateral jsonb_array_elements(h.changes) y on y->>'field' like 'funding/%'
    where h.subject_id = {task} and h.occurred_at <= {instant}
      and h.action in ('change_funding', 'miss_plan_period')) v
left join plan_period p on p.id = v.told->>'plan_period'
cross join lateral (
    select (v.told->>'needs_public_investment')::boolean as needs_public_investment,
        v.told->>'plan_period' as plan_period, p.last_on as closes_on, v.told->>'source' as source,
        (v.told->>'amount')::bigint as amount, coalesce(v.told->>'status', 'none') as status) said"""
_PAST = f"""
select t.id as task_id, t.agreement_id, w.state->>'status' as task_status, v.version,
    said.*, v.remarks[1] as remark,
    case when v.version = f.version then f.updated_at else v.updated_at end as updated_at,
    {_MISSES.format(condition="m.told_at <= $3")}
from task t cross join {_TOLD.format(task="t.id", instant="$3")}
left join task_funding f on f.task_id = t.id
where t.id = $2 and {_SCOPE}
"""  # noqa: S608
# The rule of gates.gate in SQL: $3 is the day in Vietnam, $4 its `soon_from`. A test holds the two together.
_GATE = """case when f.status in ('in_plan', 'allocated') then 'funded' when f.closes_on < $3 then 'missed'
    when f.closes_on <= $4 then 'closing_soon' else 'open' end"""
_LISTED = f"""
select f.task_id, t.title as task_title, t.status as task_status, f.agreement_id, a.title as agreement_title,
    t.lead, f.plan_period, f.closes_on, f.source, f.amount, f.status, {_GATE} as gate
from {{source}}
where f.needs_public_investment and t.status not in ('completed', 'cancelled')
  and f.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
  and ($2::uuid is null or f.agreement_id = $2) and {_GATE} = any($5::text[])
  and ($6::date is null or f.closes_on <= $6) and ($7::text is null or f.plan_period = $7)
  and ($8::date is null or (f.closes_on, f.task_id) > ($8, $9::uuid))
order by f.closes_on, f.task_id limit $10
"""  # noqa: S608
GATES = _LISTED.format(
    source="""task_funding f join task k on k.id = f.task_id join agreement a on a.id = f.agreement_id
    cross join lateral (select k.title, k.status, k.parties->'lead'->>'name' as lead) t"""
)
# As they were at an instant ($11).
PAST_GATES = _LISTED.format(
    source=f"""task_funding k cross join {_TOLD.format(task="k.task_id", instant="$11")}
    cross join lateral (
        select w.state->>'title' as title, w.state->>'status' as status, w.state->'lead'->>'name' as lead) t
    cross join lateral (select k.task_id, k.agreement_id, said.*) f
    cross join lateral (
        select h.state->>'title' as title from history h
        where h.subject_id = k.agreement_id and h.occurred_at <= $11 order by h.version desc limit 1) a"""  # noqa: S608
)
_GET = "select * from task_funding where task_id = $1"
_WRITE = """
insert into task_funding (task_id, agreement_id, version, needs_public_investment, plan_period, closes_on, source,
                          amount, status, remark, told, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
        exists (select from task_funding_miss m where m.task_id = $1 and m.plan_period = $5), $11)
on conflict (task_id) do update set version = excluded.version,
    needs_public_investment = excluded.needs_public_investment, plan_period = excluded.plan_period,
    closes_on = excluded.closes_on, source = excluded.source, amount = excluded.amount, status = excluded.status,
    remark = excluded.remark, told = excluded.told, updated_at = excluded.updated_at
"""
_DUE = """f.needs_public_investment and not f.told and f.status in ('none', 'proposed') and f.closes_on < {today}"""
# The task is what a change of its funding locks first, so it is what is held here as well.
HOLD_MISSED = f"""
select t.id from task_funding f join task t on t.id = f.task_id
where {_DUE.format(today="$1")} and t.status not in ('completed', 'cancelled')
order by f.closes_on, f.task_id limit $2
for no key update of t skip locked
"""  # noqa: S608
_MISSED = f"""
select f.* from task_funding f where f.task_id = any($2::uuid[]) and {_DUE.format(today="$1")} order by f.task_id
"""  # noqa: S608
_TELL = """
with told as (
    insert into task_funding_miss (task_id, plan_period, agreement_id, status, told_at) values ($1, $2, $3, $4, $5)
)
update task_funding set told = true, version = version + 1, updated_at = $5 where task_id = $1
"""


@dataclass(frozen=True)
class Narrowed:
    """What the list of gates is narrowed to; what is None does not narrow it."""

    gates: Sequence[Gate]
    agreement_id: UUID | None = None
    closes_until: date | None = None
    plan_period: str | None = None


async def periods(connection: asyncpg.Connection[Any], as_of: datetime | None = None) -> list[Period]:
    """Every plan period, or those that were there at an instant, the first one first."""
    return [Period(**row) for row in await connection.fetch(_PERIODS, as_of)]


async def register(connection: asyncpg.Connection[Any], period_id: str | None = None) -> list[asyncpg.Record]:
    """Every plan period, or one, with who added it."""
    return await connection.fetch(_REGISTER, period_id)


async def add_period(connection: asyncpg.Connection[Any], actor: Actor, period: Period, at: datetime) -> bool:
    """Whether it was added; not where it overlaps another one."""
    values = (period.id, period.first_on, period.last_on, actor.id, actor.name, at)
    return await connection.fetchval(_ADD_PERIOD, *values) is not None


async def overlapping(connection: asyncpg.Connection[Any], period: Period) -> list[str]:
    return [row["id"] for row in await connection.fetch(_OVERLAPPING, period.first_on, period.last_on)]


async def read(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID
) -> asyncpg.Record | None:
    """A task's funding, also where nobody has said anything of it, with the caller's relations to the task."""
    return await connection.fetchrow(_READ, organization_id, task_id)


async def read_past(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID, as_of: datetime
) -> asyncpg.Record | None:
    """A task's funding as it was at an instant, also where nobody had said anything of it yet."""
    return await connection.fetchrow(_PAST, organization_id, task_id, as_of)


async def list_gates(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    narrowed: Narrowed,
    *,
    today: date,
    soon: date,
    after: tuple[date, UUID] | None,
    limit: int,
    as_of: datetime | None = None,
) -> list[asyncpg.Record]:
    """Gates of the tasks that the caller sees, as they are or were, what closes first before what closes later."""
    values = [
        organization_id,
        narrowed.agreement_id,
        today,
        soon,
        [one.value for one in narrowed.gates],
        narrowed.closes_until,
        narrowed.plan_period,
        *(after or (None, None)),
        limit,
    ]
    if as_of is None:
        return await connection.fetch(GATES, *values)
    return await connection.fetch(PAST_GATES, *values, as_of)


async def get(connection: asyncpg.Connection[Any], task_id: UUID) -> TaskFunding | None:
    """The funding of a task whose row is held."""
    row = await connection.fetchrow(_GET, task_id)
    return None if row is None else TaskFunding(**row)


async def write(connection: asyncpg.Connection[Any], funding: TaskFunding) -> None:
    await connection.execute(
        _WRITE,
        funding.task_id,
        funding.agreement_id,
        funding.version,
        funding.needs_public_investment,
        funding.plan_period,
        funding.closes_on,
        funding.source,
        funding.amount,
        funding.status,
        funding.remark,
        funding.updated_at,
    )


async def hold_missed(connection: asyncpg.Connection[Any], *, today: date, limit: int) -> list[UUID]:
    """Tasks whose period may have closed without them; those that another holds are left to it."""
    return [row["id"] for row in await connection.fetch(HOLD_MISSED, today, limit)]


async def still_missed(
    connection: asyncpg.Connection[Any], task_ids: Sequence[UUID], *, today: date
) -> list[TaskFunding]:
    """Those of the held tasks of which it is true now that nobody can change it."""
    return [TaskFunding(**row) for row in await connection.fetch(_MISSED, today, task_ids)]


async def tell(connection: asyncpg.Connection[Any], funding: TaskFunding, *, at: datetime) -> None:
    """Keep that the present period was missed; a second row for the same period is refused by its key."""
    await connection.execute(_TELL, funding.task_id, funding.plan_period, funding.agreement_id, funding.status, at)
