"""All SQL of deliveries and of who wants no mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from notifier.delivery.models import Letter

# statement_timestamp and not clock_timestamp: only a stable value can be looked up in the index of the queue.
_CLAIM = """
with next as (
    select id from delivery where status = 'queued' and ready_at <= statement_timestamp()
    order by ready_at limit 1 for update skip locked
), taken as (
    update delivery d set token = d.token + 1, attempts = d.attempts + 1, ready_at = statement_timestamp() + $1
    from next where d.id = next.id
    returning d.id, d.token, d.attempts, d.traceparent, d.recipient_id, d.organization_id, d.alert_id
)
select taken.id, taken.token, taken.attempts, taken.traceparent, taken.recipient_id, taken.organization_id,
       p.name, p.email, p.language,
       coalesce(p.active, false) and p.email is not null
           and not exists (select from mail_optout x where x.account_id = taken.recipient_id) as is_wanted,
       a.id as alert_id, a.task_id, a.agreement_id, a.agreement_title, t.agreement_number, a.task_title, t.lead_name,
       a.party_role, a.kind, a.step, a.policy, a.deadline_revision, a.due_on, a.demonstration, a.fired_at,
       a.subject_kind, a.about_task_id, a.path, t.remark
from taken
join alert a on a.id = taken.alert_id
left join task t on t.id = a.task_id
left join person p on p.organization_id = taken.organization_id and p.account_id = taken.recipient_id
"""
_FINISH = """
update delivery set status = $3, finished_at = clock_timestamp(), error = $4
where id = $1 and token = $2 and status = 'queued'
"""
_POSTPONE = """
update delivery set ready_at = statement_timestamp() + $3, error = $4, attempts = attempts - $5
where id = $1 and token = $2 and status = 'queued'
"""
_SECRET = "select value from service_secret where name = 'unsubscribe'"  # noqa: S105 - a statement
_OPT_OUT = "insert into mail_optout (account_id, since) values ($1, lienvung_now()) on conflict do nothing"
_OPT_IN = "delete from mail_optout where account_id = $1"
_IS_OUT = "select exists (select from mail_optout where account_id = $1)"
_LANGUAGE = "select language from person where account_id = $1 order by active desc limit 1"


async def claim(connection: asyncpg.Connection[Any], lease: timedelta) -> Letter | None:
    """The next mail that is due and that nobody else holds."""
    row = await connection.fetchrow(_CLAIM, lease)
    return Letter(**row) if row is not None else None


async def finish(connection: asyncpg.Connection[Any], letter: Letter, status: str, error: str | None = None) -> bool:
    """End a delivery; false if it is no longer held."""
    return await connection.execute(_FINISH, letter.id, letter.token, status, error) == "UPDATE 1"


async def postpone(
    connection: asyncpg.Connection[Any], letter: Letter, pause: timedelta, error: str, *, uncounted: bool = False
) -> None:
    """Put a delivery back for a while; `uncounted` where the attempt says nothing about the mail."""
    await connection.execute(_POSTPONE, letter.id, letter.token, pause, error, int(uncounted))


async def secret(connection: asyncpg.Connection[Any]) -> bytes:
    """What the links in mails are signed with."""
    value: bytes = await connection.fetchval(_SECRET)
    return value


async def opt_out(connection: asyncpg.Connection[Any], account_id: UUID) -> None:
    await connection.execute(_OPT_OUT, account_id)


async def opt_in(connection: asyncpg.Connection[Any], account_id: UUID) -> None:
    await connection.execute(_OPT_IN, account_id)


async def is_out(connection: asyncpg.Connection[Any], account_id: UUID) -> bool:
    out: bool = await connection.fetchval(_IS_OUT, account_id)
    return out


async def language_of(connection: asyncpg.Connection[Any], account_id: UUID) -> str:
    return await connection.fetchval(_LANGUAGE, account_id) or "vi"
