"""SQL of what is shown of a task and of its parts; every read is scoped to the caller's organisation."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

# The rule of timeliness.timeliness in SQL: {today} is the day in Vietnam, {soon} its `soon_until`. A test holds the two
# together.
TIMELINESS = """case
    when t.status = 'cancelled' then null
    when t.status = 'completed' then case
        when t.due_on is null or t.completed_at is null
             or (t.completed_at at time zone 'Asia/Ho_Chi_Minh')::date <= t.due_on
        then 'completed_on_time' else 'completed_late' end
    when t.due_on is null then 'no_deadline'
    when t.due_on < {today} then 'overdue'
    when t.due_on <= {soon} then 'due_soon'
    when t.status = 'not_started' then 'not_due'
    else 'in_time' end"""

# What TaskPublic shows, but for allowed_actions, which depend on the caller; a test holds the two together.
_JSON = f"""json_build_object(
    'id', t.id, 'version', t.version, 'agreement_id', t.agreement_id, 'agreement_title', a.title,
    'agreement_number', a.number, 'clause_id', t.clause_id, 'title', t.title, 'description', t.description,
    'deliverable', t.deliverable, 'field', t.field, 'status', t.status, 'timeliness', {TIMELINESS},
    'due_on', t.due_on, 'original_due_on', t.original_due_on, 'percent', t.percent,
    'submitted_at', t.submitted_at, 'completed_at', t.completed_at, 'demonstration', t.demonstration,
    'note', t.note, 'lead', t.parties->'lead', 'coordinating', t.parties->'coordinating',
    'monitoring', t.parties->'monitoring', 'last_report', t.last_report, 'extension_count', t.extension_count,
    'recurrence_id', t.recurrence_id, 'previous_occurrence_id', t.previous_occurrence_id, 'created_at', t.created_at,
    'updated_at', t.updated_at)::text"""

# What history keeps of a version of task `t` of agreement `a`: all that is shown of it on whichever day.
STATE = f"(({_JSON.format(today='null::date', soon='null::date')})::jsonb - 'timeliness')"

# The caller ($1) stands to a task through its agreement and through the task itself.
RELATIONS = """coalesce((select string_agg(m.relation, ',') from agreement_member m
    where m.agreement_id = t.agreement_id and m.organization_id = $1 and m.source_id in (t.agreement_id, t.id)), '')"""
SCOPE = "t.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
# Where units have merged, one organisation answers for several parties; whether it has confirmed for all of them.
_CONFIRMED = """(t.status = 'submitted' and jsonb_path_exists(t.parties,
    '$.coordinating[*] ? (@.organization_id == $me && @.confirmed_at != null)',
    jsonb_build_object('me', $1::uuid)) and not jsonb_path_exists(t.parties,
    '$.coordinating[*] ? (@.organization_id == $me && @.confirmed_at == null)',
    jsonb_build_object('me', $1::uuid)))"""
# Whether it has taken on all that it was given: a lead takes on the task, a coordinating party its part of it.
_ACCEPTED = """(t.status not in ('not_started', 'in_progress')
    or not (t.status = 'not_started' and t.lead_organization_id = $1)
    and not jsonb_path_exists(t.parties,
        '$.coordinating[*] ? (@.organization_id == $me && (!exists(@.accepted_at) || @.accepted_at == null))',
        jsonb_build_object('me', $1::uuid)))"""

# Whether there is a deadline to ask for a later one of, and no such request waits. Looked up only where it matters.
EXTENDABLE = """(t.status in ('not_started', 'in_progress') and t.due_on is not null and not exists (
    select from task_extension w where w.task_id = t.id and w.state = 'requested'))"""

# Whether there is a deadline that it can come again after, and it is the newest of its series: the rules of
# recurrence.service. Through a scalar, which is asked of the rows of a page alone.
REPEATABLE = """(t.status in ('not_started', 'in_progress') and coalesce(t.original_due_on, t.due_on) is not null
    and t.id = coalesce((select r.current_task_id from task_recurrence r where r.id = t.recurrence_id), t.id))"""


def shown_columns(today: str, soon: str) -> str:
    """What reads, lists and changes give of a task; the parameters of the day stand where the statement puts them."""
    return (
        f"{_JSON} as body, t.id, t.version, t.status, {TIMELINESS} as timeliness, {RELATIONS} as relations,"
        f" jsonb_array_length(t.parties->'coordinating') > 0 as coordinated, {_CONFIRMED} as confirmed,"
        f" (t.respond_by < {{today}}) is true as closed, {_ACCEPTED} as accepted, {EXTENDABLE} as extendable,"
        f" {REPEATABLE} as repeatable"
    ).format(today=today, soon=soon)


READ = f"""
select {shown_columns("$3", "$4")} from task t join agreement a on a.id = t.agreement_id where t.id = $2 and {SCOPE}
"""  # noqa: S608
_VISIBLE = f"""
select exists (select from task t where t.id = $2 and {SCOPE} and ($3::timestamptz is null or t.created_at <= $3))
"""  # noqa: S608
_REPORTS = f"""
select r.id, json_build_object('id', r.id, 'period_start', r.period_start, 'period_end', r.period_end,
    'percent', r.percent, 'narrative', r.narrative, 'difficulties', r.difficulties,
    'organization_id', r.organization_id, 'reported_by', r.reported_by, 'reported_at', r.reported_at,
    'corrects', r.corrects_report_id, 'corrected_by', (
        select k.id from task_progress_report k
        where k.corrects_report_id = r.id and ($5::timestamptz is null or k.reported_at <= $5)),
    'evidence', coalesce((select json_agg(json_build_object('document_id', d.id, 'name', d.name,
        'media_type', d.media_type, 'size', d.size, 'digest', d.digest) order by e.position)
        from task_report_evidence e join document d on d.id = e.document_id where e.report_id = r.id),
        '[]'))::text as body
from task t join task_progress_report r on r.task_id = t.id
where t.id = $2 and {SCOPE} and ($3::uuid is null or r.id < $3)
  and ($5::timestamptz is null or r.reported_at <= $5)
order by r.id desc limit $4
"""  # noqa: S608
_CONFIRMATIONS = f"""
select c.id, json_build_object('id', c.id, 'submission', c.submission, 'decision', c.decision,
    'valid', c.decision in ('confirmed', 'lapsed') and case when $5::timestamptz is null
        then c.submission = t.submission and t.status in ('submitted', 'completed')
        else p.state->>'status' in ('submitted', 'completed') and exists (
            select from jsonb_array_elements(p.state->'coordinating') y
            where (y->>'organization_id')::uuid = c.organization_id
              and (y->>'confirmed_at')::timestamptz = c.decided_at) end,
    'organization_id', c.organization_id, 'organization_name', c.organization_name, 'decided_by', c.decided_by,
    'remark', c.remark, 'decided_at', c.decided_at)::text as body
from task t join task_confirmation c on c.task_id = t.id left join lateral (
    select h.state from history h where h.subject_id = t.id and $5::timestamptz is not null and h.occurred_at <= $5
    order by h.version desc limit 1) p on true
where t.id = $2 and {SCOPE} and ($3::uuid is null or c.id < $3)
  and ($5::timestamptz is null or c.decided_at <= $5)
order by c.id desc limit $4
"""  # noqa: S608
PARTS = {"reports": _REPORTS, "confirmations": _CONFIRMATIONS}
_REPORTED = f"""
select t.last_report::text as last_report, r.frequency
from task t left join task_recurrence r on r.id = t.recurrence_id where t.id = $2 and {SCOPE}
"""  # noqa: S608


async def read(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID, *, today: date, soon: date
) -> asyncpg.Record | None:
    """One task as JSON, with the caller's relations to it."""
    return await connection.fetchrow(READ, organization_id, task_id, today, soon)


async def is_visible(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID, as_of: datetime | None = None
) -> bool:
    """Whether the caller sees the task, and it was there at the instant."""
    return bool(await connection.fetchval(_VISIBLE, organization_id, task_id, as_of))


async def read_parts(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    task_id: UUID,
    part: str,
    *,
    before: UUID | None,
    limit: int,
    as_of: datetime | None = None,
) -> list[asyncpg.Record]:
    """Reports or confirmations of a task, each as JSON, the newest first; as they stood at an instant, or now."""
    return await connection.fetch(PARTS[part], organization_id, task_id, before, limit, as_of)


async def reported(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID
) -> asyncpg.Record | None:
    """The last report of a task, and how often the task comes again."""
    return await connection.fetchrow(_REPORTED, organization_id, task_id)
