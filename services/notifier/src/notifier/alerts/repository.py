"""All SQL of alerts: their plan, their dispatch and the lists they end up in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from notifier.alerts.models import Alert
from notifier.alerts.policy import Step
from notifier.deadlines.models import DeadlineSubject
from shared.ids import new_id

PLAN_LOCK = 0x6C76_706C_616E  # one reconciler at a time
HOLD_LOCK = 0x6C76_686F_6C64  # held alone while deadlines are learned again, shared by every dispatch

# A step keeps its identity however often it is derived; one that was dropped as obsolete may come back.
_PLAN = """
insert into alert_step (id, task_id, organization_id, revision, policy, step, kind, audience, fire_at, ready_at)
select md5(concat_ws('/', d.task_id, d.organization_id, d.revision, p.policy, p.step))::uuid,
       d.task_id, d.organization_id, d.revision, p.policy, p.step, p.kind, p.audience, p.fire_at, p.fire_at
from unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
        $8::text[])
    as p(subject_kind, due_on, step, kind, audience, fire_at, known_before, policy)
join deadline d on d.due_on = p.due_on and d.subject_kind = p.subject_kind and d.is_open {scope}
where (p.known_before is null or d.since < p.known_before)
  and (p.audience in ('party', 'signers', 'mentioned') or d.role = 'lead')
on conflict (id) do update set state = 'planned', fire_at = excluded.fire_at, ready_at = excluded.ready_at
where alert_step.state = 'dropped' or (alert_step.state = 'planned' and alert_step.fire_at <> excluded.fire_at)
"""
_PLAN_ALL = _PLAN.format(scope="")
_PLAN_TASKS = _PLAN.format(scope="and d.task_id = any($9::uuid[])")
_DROP_PLANNED = "delete from alert_step where task_id = any($1::uuid[]) and state = 'planned'"
# From one due date to the next by the index, however many deadlines share it.
_OPEN_DUE_DATES = """
with recursive dates as (
    (select due_on from deadline where is_open and due_on is not null order by due_on limit 1)
    union all
    select (select d.due_on from deadline d where d.is_open and d.due_on > dates.due_on order by d.due_on limit 1)
    from dates where dates.due_on is not null
)
select due_on from dates where due_on is not null
"""
_PLAN_STATE = """
select lienvung_now() as now, nullif(planned_until, '-infinity') as planned_until from alert_plan where id = 1
"""
_PLAN_IS_DUE = """
select lienvung_now() not between reconciled_at and least(reconciled_at + $1, planned_until) from alert_plan
where id = 1
"""
_KEEP_PLAN = "update alert_plan set reconciled_at = $1, planned_until = $2 where id = 1"
_WAKE = """
with waiting as (
    select id from alert_step
    where state = 'planned' and waits > 0 and ready_at > lienvung_now()
      and (organization_id = $1
           or audience = 'superior'
              and organization_id in (select id from organization where superior_organization_id = $1))
    for update skip locked
)
update alert_step s set ready_at = lienvung_now() from waiting where s.id = waiting.id
"""
_CLAIM = """
with due as materialized (
    select id from alert_step where state = 'planned' and ready_at <= lienvung_now()
    order by ready_at limit $1 for update skip locked
)
update alert_step s set token = s.token + 1, ready_at = lienvung_now() + $2
from due where s.id = due.id
returning s.id, s.token
"""
# Never waits for a row: a step that its task's consumer is just changing stays claimed until the lease ends, and is
# looked at again then. While it is locked here, that consumer waits, so its deadline is the same for all that follows.
_HELD = """
select s.id, s.task_id, s.organization_id, s.revision, s.step, s.kind, s.audience, s.waits, d.role, d.due_on,
       t.subject_kind, t.agreement_id, t.title, t.members, t.traceparent,
       d.task_id is not null as is_live, o.id is not null as is_known,
       case when s.audience = 'superior' then o.superior_organization_id else s.organization_id end as told_id,
       exists (select from outbox_head h where h.aggregate_id = s.id) as is_published,
       people.account_ids, people.are_specialists, people.are_leaders, people.want_mail
from unnest($1::uuid[], $2::bigint[]) as claimed(id, token)
join alert_step s on s.id = claimed.id and s.token = claimed.token and s.state = 'planned'
left join deadline d on d.task_id = s.task_id and d.organization_id = s.organization_id and d.revision = s.revision
    and d.is_open and d.due_on is not null and (s.audience in ('party', 'signers', 'mentioned') or d.role = 'lead')
left join task t on t.id = d.task_id
left join organization o on o.id = s.organization_id
left join lateral (
    select array_agg(p.account_id order by p.account_id) as account_ids,
           array_agg('specialist' = any(p.roles) order by p.account_id) as are_specialists,
           array_agg('leader' = any(p.roles) order by p.account_id) as are_leaders,
           array_agg(p.email is not null and not exists (select from mail_optout x where x.account_id = p.account_id)
                     order by p.account_id) as want_mail
    from person p
    where p.active and (d.account_ids is null or p.account_id = any(d.account_ids)) and p.organization_id =
        case when s.audience = 'superior' then o.superior_organization_id else s.organization_id end
) people on true
for update of s skip locked
"""
_TELL = """
insert into alert (id, step_id, task_id, deadline_revision, policy, step, kind, channel, recipient_id, organization_id,
                   party_organization_id, party_role, agreement_id, agreement_title, task_title, due_on,
                   demonstration, subject_kind, about_task_id, path, fired_at)
select new.id, s.id, s.task_id, s.revision, s.policy, s.step, s.kind, 'in_app', new.recipient_id, new.organization_id,
       s.organization_id, d.role, t.agreement_id, t.agreement_title, t.title, d.due_on, t.demonstration,
       t.subject_kind, t.about_task_id, t.path, $5
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) as new(id, step_id, recipient_id, organization_id)
join alert_step s on s.id = new.step_id
join deadline d on d.task_id = s.task_id and d.organization_id = s.organization_id
join task t on t.id = s.task_id
on conflict on constraint alert_once do nothing
returning id
"""
_MAIL = """
insert into delivery (id, alert_id, channel, organization_id, recipient_id, traceparent)
select id, alert_id, 'email', organization_id, recipient_id, traceparent
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[])
    as new(id, alert_id, organization_id, recipient_id, traceparent)
on conflict on constraint delivery_once do nothing
"""
_SETTLE = """
update alert_step s set state = new.state, recipients = new.recipients, done_at = $4
from unnest($1::uuid[], $2::text[], $3::int[]) as new(id, state, recipients)
where s.id = new.id
"""
_WAIT = """
update alert_step s set waits = s.waits + 1,
       ready_at = $2::timestamptz + least(interval '5 minutes', interval '2 seconds' * power(2, least(s.waits, 10)))
where s.id = any($1::uuid[])
"""

_ALERT = """a.id, a.version, a.kind, a.step, a.subject_kind, a.task_id, a.task_title, a.agreement_id, a.agreement_title,
a.party_organization_id, a.party_role, a.due_on, a.deadline_revision, a.demonstration, a.fired_at, a.read_at,
a.snoozed_until, a.about_task_id, a.path"""
_LIST = f"""
select {_ALERT} from alert a
where a.recipient_id = $1 and a.channel = 'in_app'
  and ($2::timestamptz is null or (a.fired_at, a.id) < ($2, $3)) {{filters}}
order by a.fired_at desc, a.id desc limit $4
"""  # noqa: S608 - constants of this module
_COUNT = "select count(*) from alert a where a.recipient_id = $1 and a.channel = 'in_app' {filters}"
_UNREAD = "and a.read_at is null and (a.snoozed_until is null or a.snoozed_until <= lienvung_now())"
_SUMMARY = """
select coalesce(sum(n) filter (where is_awake), 0)::int as unread,
       coalesce(sum(n) filter (where not is_awake), 0)::int as snoozed,
       coalesce(jsonb_object_agg(kind, n) filter (where is_awake), '{}')::text as by_kind,
       max(newest) as newest
from (
    select kind, snoozed_until is null or snoozed_until <= lienvung_now() as is_awake,
           count(*) as n, max(fired_at) as newest
    from alert where recipient_id = $1 and channel = 'in_app' and read_at is null
    group by 1, 2
) unread
"""
_READ_ALL = text("""
    update alert set read_at = lienvung_now(), version = version + 1
    where recipient_id = :recipient_id and channel = 'in_app' and read_at is null and fired_at <= :before
      and (cast(:task_id as uuid) is null or task_id = :task_id or about_task_id = :task_id)
""")


class Planned(NamedTuple):
    """A step of every open deadline of this kind that falls on this date."""

    kind: DeadlineSubject
    policy: str
    due_on: date
    step: Step


@dataclass(frozen=True)
class NewAlert:
    """One alert to be: whom a step tells, and whether by mail as well."""

    id: UUID
    step_id: UUID
    recipient_id: UUID
    organization_id: UUID
    wants_mail: bool
    traceparent: str | None


async def now(connection: asyncpg.Connection[Any]) -> datetime:
    """The product's time, by the database's clock."""
    moment: datetime = await connection.fetchval("select lienvung_now()")
    return moment


async def plan(
    connection: asyncpg.Connection[Any], planned: Sequence[Planned], *, task_ids: Sequence[UUID] | None = None
) -> int:
    """Plan these steps for every open deadline with their due date; gives how many are new or moved."""
    if not planned:
        return 0
    columns = [
        [str(one.kind) for one in planned],
        [one.due_on for one in planned],
        [one.step.name for one in planned],
        [str(one.step.kind) for one in planned],
        [str(one.step.audience) for one in planned],
        [one.step.fire_at for one in planned],
        [one.step.known_before for one in planned],
        [one.policy for one in planned],
    ]
    if task_ids is None:
        status = await connection.execute(_PLAN_ALL, *columns)
    else:
        status = await connection.execute(_PLAN_TASKS, *columns, task_ids)
    return int(status.rsplit(" ", 1)[1])


async def drop_planned(connection: asyncpg.Connection[Any], task_ids: Sequence[UUID]) -> None:
    """Forget the steps of these tasks and signings that have not fired."""
    await connection.execute(_DROP_PLANNED, task_ids)


async def drop_all_planned(connection: asyncpg.Connection[Any]) -> None:
    """Forget every step that has not fired, and how far the plan reaches."""
    await connection.execute("delete from alert_step where state = 'planned'")
    await connection.execute("update alert_plan set planned_until = '-infinity', reconciled_at = '-infinity'")


async def open_due_dates(connection: asyncpg.Connection[Any]) -> list[date]:
    return [row["due_on"] for row in await connection.fetch(_OPEN_DUE_DATES)]


async def lock_plan(connection: asyncpg.Connection[Any]) -> bool:
    """True where nobody else reconciles at this moment."""
    free: bool = await connection.fetchval("select pg_try_advisory_xact_lock($1)", PLAN_LOCK)
    return free


async def plan_is_due(connection: asyncpg.Connection[Any], interval: timedelta) -> bool:
    """Whether it is time to reconcile: the interval is over, or the clock was moved."""
    due: bool = await connection.fetchval(_PLAN_IS_DUE, interval)
    return due


async def plan_state(connection: asyncpg.Connection[Any]) -> tuple[datetime, datetime | None]:
    row = await connection.fetchrow(_PLAN_STATE)
    assert row is not None
    return row["now"], row["planned_until"]


async def keep_plan(connection: asyncpg.Connection[Any], reconciled_at: datetime, planned_until: datetime) -> None:
    await connection.execute(_KEEP_PLAN, reconciled_at, planned_until)


async def wake(connection: asyncpg.Connection[Any], organization_id: UUID) -> None:
    await connection.execute(_WAKE, organization_id)


async def may_dispatch(connection: asyncpg.Connection[Any]) -> bool:
    """False while deadlines are learned again; true keeps that from beginning until the transaction ends."""
    free: bool = await connection.fetchval("select pg_try_advisory_xact_lock_shared($1)", HOLD_LOCK)
    return free


async def claim(connection: asyncpg.Connection[Any], limit: int, lease: timedelta) -> list[tuple[UUID, int]]:
    """Due steps that nobody else holds, each with the token that proves the hold."""
    return [(row["id"], row["token"]) for row in await connection.fetch(_CLAIM, limit, lease)]


async def held(connection: asyncpg.Connection[Any], claimed: Sequence[tuple[UUID, int]]) -> list[asyncpg.Record]:
    """The claimed steps that are still ours, locked, each with what it is about and who could be told."""
    return await connection.fetch(_HELD, [id_ for id_, _ in claimed], [token for _, token in claimed])


async def tell(connection: asyncpg.Connection[Any], alerts: Sequence[NewAlert], moment: datetime) -> set[UUID]:
    """Write alerts into people's lists; gives those that were not there yet."""
    rows = await connection.fetch(
        _TELL,
        [alert.id for alert in alerts],
        [alert.step_id for alert in alerts],
        [alert.recipient_id for alert in alerts],
        [alert.organization_id for alert in alerts],
        moment,
    )
    return {row["id"] for row in rows}


async def mail(connection: asyncpg.Connection[Any], alerts: Sequence[NewAlert]) -> None:
    """Queue a mail for each of these alerts."""
    await connection.execute(
        _MAIL,
        [new_id() for _ in alerts],
        [alert.id for alert in alerts],
        [alert.organization_id for alert in alerts],
        [alert.recipient_id for alert in alerts],
        [alert.traceparent for alert in alerts],
    )


async def settle(
    connection: asyncpg.Connection[Any], settled: Sequence[tuple[UUID, str, int]], moment: datetime
) -> None:
    """These steps are over, each with its state and the number of people it told."""
    await connection.execute(_SETTLE, *(list(column) for column in zip(*settled, strict=True)), moment)


async def wait(connection: asyncpg.Connection[Any], step_ids: Sequence[UUID], moment: datetime) -> None:
    """These steps have nobody to tell yet and come back after a pause that grows."""
    await connection.execute(_WAIT, list(step_ids), moment)


async def list_alerts(
    connection: asyncpg.Connection[Any],
    recipient_id: UUID,
    *,
    unread: bool,
    task_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[asyncpg.Record]:
    """A person's alerts, the newest first."""
    filters, more = _filters(unread, task_id, first=5)
    return await connection.fetch(_LIST.format(filters=filters), recipient_id, *(after or (None, None)), limit, *more)


async def count_alerts(
    connection: asyncpg.Connection[Any], recipient_id: UUID, *, unread: bool, task_id: UUID | None
) -> int:
    filters, more = _filters(unread, task_id, first=2)
    total: int = await connection.fetchval(_COUNT.format(filters=filters), recipient_id, *more)
    return total


async def summary(connection: asyncpg.Connection[Any], recipient_id: UUID) -> asyncpg.Record:
    row: asyncpg.Record | None = await connection.fetchrow(_SUMMARY, recipient_id)
    assert row is not None
    return row


async def lock_alert(session: AsyncSession, recipient_id: UUID, alert_id: UUID) -> Alert | None:
    """One of the person's own alerts, locked for a change."""
    statement = select(Alert).where(col(Alert.id) == alert_id, col(Alert.recipient_id) == recipient_id)
    return (await session.exec(statement.with_for_update())).one_or_none()


async def mark_all_read(session: AsyncSession, recipient_id: UUID, before: datetime, task_id: UUID | None) -> int:
    parameters = {"recipient_id": recipient_id, "before": before, "task_id": task_id}
    return int((await (await session.connection()).execute(_READ_ALL, parameters)).rowcount)


def _filters(unread: bool, task_id: UUID | None, *, first: int) -> tuple[str, list[UUID]]:
    unread_only = _UNREAD if unread else ""
    if task_id is None:
        return unread_only, []
    return f"{unread_only} and (a.task_id = ${first} or a.about_task_id = ${first})", [task_id]
