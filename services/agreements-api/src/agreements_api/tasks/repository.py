"""All SQL of tasks; every read is scoped to the caller's organisation, every change is one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from agreements_api.history.service import as_json
from agreements_api.policy import Relation
from agreements_api.tasks.models import TaskRelation
from shared.auth import Actor
from shared.db import Parameters
from shared.events import LastReport, TaskEvent, TaskParty, TaskSnapshot
from shared.ids import new_id
from shared.outbox import row_of
from shared.text import escape_like, fold

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
_RELATIONS = """coalesce((select string_agg(m.relation, ',') from agreement_member m
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
_EXTENDABLE = """(t.status in ('not_started', 'in_progress') and t.due_on is not null and not exists (
    select from task_extension w where w.task_id = t.id and w.state = 'requested'))"""

# Whether there is a deadline that it can come again after, and it is what others of its series follow: the rules of
# recurrence.service. Through a scalar, which is asked of the rows of a page alone.
_REPEATABLE = """(t.status in ('not_started', 'in_progress') and coalesce(t.original_due_on, t.due_on) is not null
    and t.id = coalesce((select r.current_task_id from task_recurrence r where r.id = t.recurrence_id), t.id))"""


def _shown(today: str, soon: str) -> str:
    """The columns of `Shown`; the parameters of the day stand where the statement puts them."""
    return (
        f"{_JSON} as body, t.id, t.version, t.status, {TIMELINESS} as timeliness, {_RELATIONS} as relations,"
        f" jsonb_array_length(t.parties->'coordinating') > 0 as coordinated, {_CONFIRMED} as confirmed,"
        f" {_ACCEPTED} as accepted, {_EXTENDABLE} as extendable, {_REPEATABLE} as repeatable"
    ).format(today=today, soon=soon)


READ = f"""
select {_shown("$3", "$4")} from task t join agreement a on a.id = t.agreement_id where t.id = $2 and {SCOPE}
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
_REPORT_TO_CORRECT = """
select r.reported_at, (select k.id from task_progress_report k where k.corrects_report_id = r.id) as corrected_by
from task_progress_report r where r.task_id = $1 and r.id = $2
"""

# Sort key, its type and direction. A task without a deadline comes after every other.
SORTS: dict[str, tuple[str, str, str]] = {
    "due_on": ("t.due_key", "date", ">"),
    "-due_on": ("t.due_key", "date", "<"),
    "updated_at": ("t.updated_at", "timestamptz", ">"),
    "-updated_at": ("t.updated_at", "timestamptz", "<"),
    "created_at": ("t.created_at", "timestamptz", ">"),
    "-created_at": ("t.created_at", "timestamptz", "<"),
}


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed to; what is empty does not narrow it."""

    statuses: Sequence[str] = ()
    timeliness: Sequence[str] = ()
    agreement_id: UUID | None = None
    due_before: date | None = None
    due_after: date | None = None
    locality: UUID | None = None
    organization: UUID | None = None
    relations: Sequence[str] = ()
    field: str | None = None
    folded: str | None = None


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


async def report_to_correct(
    connection: asyncpg.Connection[Any], task_id: UUID, report_id: UUID
) -> asyncpg.Record | None:
    """When an earlier report of a locked task was given, and which one corrects it."""
    return await connection.fetchrow(_REPORT_TO_CORRECT, task_id, report_id)


async def list_tasks(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    sort: str,
    after: tuple[date | datetime, UUID] | None,
    limit: int,
    today: date,
    soon: date,
) -> list[asyncpg.Record]:
    """A page of the tasks that the caller may see."""
    return await connection.fetch(
        *list_statement(organization_id, narrowed, sort=sort, after=after, limit=limit, today=today, soon=soon)
    )


async def count_tasks(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, narrowed: Filter, *, today: date, soon: date
) -> int:
    values = Parameters(organization_id)
    where = " and ".join((SCOPE, *narrow(narrowed, today, soon, values)))
    return int(await connection.fetchval(f"select count(*) from task t where {where}", *values))  # noqa: S608


def list_statement(
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    sort: str,
    after: tuple[date | datetime, UUID] | None,
    limit: int,
    today: date,
    soon: date,
) -> tuple[Any, ...]:
    """The statement of a page and its parameters."""
    values = Parameters(organization_id, today, soon)
    conditions = narrow(narrowed, today, soon, values)
    statement = _list_sql(conditions, len(values), sort, after is not None, limit)
    return (statement, *values, *(after or ()))


# There are as many statements as ways to narrow and order a list; each is built, and prepared, once. First the keys of
# the page, from an index alone where it can be, and only then its rows: wide as they are, they are read for what is
# shown and never for what is sorted away. The limit is no parameter, because a plan for any limit is one for a tenth of
# the table.
@lru_cache(maxsize=512)
def _list_sql(conditions: tuple[str, ...], count: int, sort: str, following: bool, limit: int) -> str:
    key, kind, direction = SORTS[sort]
    where = " and ".join((SCOPE, *conditions))
    if following:
        where += f" and ({key}, t.id) {direction} (${count + 1}::{kind}, ${count + 2}::uuid)"
    order = "desc" if direction == "<" else "asc"
    return f"""
with page as materialized (
    select t.id, {key} as sort_value from task t where {where} order by {key} {order}, t.id {order} limit {limit:d}
)
select {_shown("$2", "$3")}, p.sort_value
from page p join task t on t.id = p.id join agreement a on a.id = t.agreement_id
order by p.sort_value {order}, p.id {order}
"""  # noqa: S608


def narrow(narrowed: Filter, today: date, soon: date, values: Parameters) -> tuple[str, ...]:
    """The conditions of a list of tasks; `values` gains what they are about."""
    conditions: list[str] = []
    value = values.place
    if narrowed.statuses:
        conditions.append(f"t.status = any({value(list(narrowed.statuses))}::text[])")
    if narrowed.timeliness:
        stand = TIMELINESS.format(today=value(today), soon=value(soon))
        conditions.append(f"{stand} = any({value(list(narrowed.timeliness))}::text[])")
    if narrowed.agreement_id:
        conditions.append(f"t.agreement_id = {value(narrowed.agreement_id)}")
    if narrowed.due_before:
        conditions.append(f"t.due_key < {value(narrowed.due_before)}")
    if narrowed.due_after:
        conditions.append(f"t.due_key > {value(narrowed.due_after)} and t.due_on is not null")
    if narrowed.locality or narrowed.organization or narrowed.relations:
        conditions.append(_taking_part(narrowed, values))
    if narrowed.field:
        conditions.append(f"t.field = {value(narrowed.field)}")
    if narrowed.folded:
        conditions.append(f"t.folded like {value('%' + escape_like(narrowed.folded) + '%')}")
    return tuple(conditions)


def _taking_part(narrowed: Filter, values: Parameters) -> str:
    """Some one organisation takes part that is meant by all of unit, organisation and relation."""
    value = values.place
    relations = list(narrowed.relations) or [relation.value for relation in TaskRelation]
    condition = f"m.source_id = t.id and m.relation = any({value(relations)}::text[])"
    if narrowed.organization:
        condition += f" and m.organization_id = {value(narrowed.organization)}"
    elif not narrowed.locality:
        condition += " and m.organization_id = $1"
    joined = ""
    if narrowed.locality:
        joined = " join organization o on o.id = m.organization_id"
        condition += f" and o.unit_id = {value(narrowed.locality)}"
    return f"exists (select from agreement_member m{joined} where {condition})"


@dataclass
class Locked:
    """A task whose row is held until the transaction ends, and how the caller stands to it."""

    task: TaskSnapshot
    submission: int
    note: str | None
    relations: str
    members: list[UUID]
    extendable: bool = True
    repeatable: bool = True
    # What its agreement sets of the window for answers.
    response_days: int | None = None


_MEMBERS = "array(select distinct m.organization_id from agreement_member m where m.agreement_id = t.agreement_id)"
_LOCK = f"""
select t.id, t.version, t.agreement_id, a.title as agreement_title, a.number as agreement_number, t.clause_id,
    t.title, t.description, t.deliverable, t.field, t.status, t.due_on, t.original_due_on, t.percent,
    t.completed_at, t.submitted_at, t.demonstration, t.created_at, t.updated_at,
    t.extension_count, t.recurrence_id, t.previous_occurrence_id, t.parties::text as parties,
    t.last_report::text as last_report, t.submission, t.note, {_RELATIONS} as relations,
    {_MEMBERS} as members, {_EXTENDABLE} as extendable, {_REPEATABLE} as repeatable,
    a.response_working_days as response_days,
    (select s.version from task s where s.id = t.id) as seen_version
from task t join agreement a on a.id = t.agreement_id
where t.id = $2 and {SCOPE}
for no key update of t
"""  # noqa: S608


async def lock(connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID) -> Locked | None:
    """The task's row for a change, if the caller is a member."""
    row = await connection.fetchrow(_LOCK, organization_id, task_id)
    if row is not None and row["version"] != row["seen_version"]:
        # It waited for another change, and who stands how to the task was read before that one came.
        row = await connection.fetchrow(_LOCK, organization_id, task_id)
    return None if row is None else _locked(row)


# Every open task of these agreements, in one order, for a change of who answers for it: that asks nobody's relations.
_LOCK_OPEN = (
    _LOCK.replace(
        f"t.id = $2 and {SCOPE}",
        "t.agreement_id = any($1::uuid[]) and t.status not in ('completed', 'cancelled') order by t.id",
    )
    .replace(f"{_RELATIONS} as relations", "'' as relations")
    .replace(_MEMBERS, "'{}'::uuid[]")
)


# A task as the product itself sees it, for what becomes of it by a rule.
_SNAPSHOT = (
    _LOCK.replace(f"t.id = $2 and {SCOPE}", "t.id = $1")
    .replace(f"{_RELATIONS} as relations", "'' as relations")
    .replace("for no key update of t", "")
)


async def snapshot(connection: asyncpg.Connection[Any], task_id: UUID) -> Locked:
    """The task as it is, without anybody's relations to it."""
    row = await connection.fetchrow(_SNAPSHOT, task_id)
    assert row is not None
    return _locked(row)


async def lock_open_of(connection: asyncpg.Connection[Any], agreement_ids: Sequence[UUID]) -> list[Locked]:
    """The rows of all open tasks of these agreements, which are locked, without anybody's relations to them."""
    return [_locked(row) for row in await connection.fetch(_LOCK_OPEN, agreement_ids)]


_LOCK_AS_SYSTEM = _LOCK.replace(f"t.id = $2 and {SCOPE}", "t.id = any($1::uuid[]) order by t.id").replace(
    f"{_RELATIONS} as relations", "'' as relations"
)


async def lock_as_system(connection: asyncpg.Connection[Any], task_ids: Sequence[UUID]) -> list[Locked]:
    """The rows of these tasks for a change that no organisation makes."""
    return [_locked(row) for row in await connection.fetch(_LOCK_AS_SYSTEM, task_ids)]


# The task whose window has been over for longest; one that another transaction holds is left to it.
_LOCK_LAPSED = _LOCK.replace(f"t.id = $2 and {SCOPE}", "t.respond_by < $1 order by t.respond_by, t.id limit 1").replace(
    f"{_RELATIONS} as relations", "'' as relations"
) + (" skip locked")


async def lock_lapsed(connection: asyncpg.Connection[Any], today: date) -> Locked | None:
    """A submitted task whose window was over before today."""
    row = await connection.fetchrow(_LOCK_LAPSED, today)
    return None if row is None else _locked(row)


_ADD_LAPSES = """
insert into task_confirmation (id, task_id, submission, decision, organization_id, organization_name, account_id,
                               decided_by, remark, decided_at)
select n.id, $1, $2, 'lapsed', n.organization_id, n.organization_name, $3, $4, $5, $6
from unnest($7::uuid[], $8::uuid[], $9::text[]) as n(id, organization_id, organization_name)
on conflict do nothing
"""


async def add_lapses(
    connection: asyncpg.Connection[Any],
    actor: Actor,
    locked: Locked,
    parties: Sequence[TaskParty],
    *,
    remark: str,
    at: datetime,
) -> None:
    """One row for each organisation that let the window pass."""
    names = {party.organization_id: party.name for party in parties}
    await connection.execute(
        _ADD_LAPSES,
        locked.task.id,
        locked.submission,
        actor.id,
        actor.name,
        remark,
        at,
        [new_id() for _ in names],
        list(names),
        list(names.values()),
    )


def _locked(row: asyncpg.Record) -> Locked:
    values = dict(row)
    del values["seen_version"]
    parties = orjson.loads(values.pop("parties"))
    report = values.pop("last_report")
    submission, note = values.pop("submission"), values.pop("note")
    relations, members, response_days = values.pop("relations"), values.pop("members"), values.pop("response_days")
    extendable, repeatable = values.pop("extendable"), values.pop("repeatable")
    task = TaskSnapshot(
        **values,
        lead=TaskParty.model_validate(parties["lead"]),
        coordinating=[TaskParty.model_validate(party) for party in parties["coordinating"]],
        monitoring=[TaskParty.model_validate(party) for party in parties["monitoring"]],
        last_report=LastReport.model_validate_json(report) if report else None,
    )
    return Locked(task, submission, note, relations, members, extendable, repeatable, response_days)


@dataclass(frozen=True)
class Told:
    """One version for history: what was done, and what it changed."""

    action: str
    event: TaskEvent
    remark: str | None = None


@dataclass(frozen=True)
class ReportRow:
    period_start: date
    period_end: date
    percent: int
    narrative: str
    difficulties: str | None
    corrects: UUID | None = None
    evidence: Sequence[UUID] = ()
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class DecisionRow:
    decision: str
    organization_id: UUID
    organization_name: str
    remark: str | None
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class Change:
    """A task after one step: what its row becomes, what is told of it, and what is kept beside it."""

    task: TaskSnapshot
    submission: int
    note: str | None
    told: Sequence[Told]
    report: ReportRow | None = None
    decision: DecisionRow | None = None


async def write(
    connection: asyncpg.Connection[Any], actor: Actor, change: Change, *, today: date, soon: date
) -> asyncpg.Record:
    """Row, history, events and what lies beside them, in one statement; gives back what a read would."""
    statement, values = _WRITE, _values(actor, change, today, soon)
    if change.report is not None:
        report = change.report
        statement = _WRITE_REPORT
        values += [report.id, report.period_start, report.period_end, report.percent, report.narrative]
        values += [report.difficulties, actor.name, report.corrects, list(report.evidence)]
    elif change.decision is not None:
        decision = change.decision
        statement = _WRITE_DECISION
        values += [decision.id, decision.decision, decision.organization_id, decision.organization_name]
        values += [actor.name, decision.remark]
    row: asyncpg.Record | None = await connection.fetchrow(statement, *values)
    assert row is not None
    return row


async def create(
    connection: asyncpg.Connection[Any],
    actor: Actor,
    change: Change,
    relations: Sequence[tuple[UUID, Relation]],
    *,
    today: date,
    soon: date,
) -> asyncpg.Record:
    """A new task; whoever takes part becomes a member first, so that the task is shown as they will see it."""
    task = change.task
    await connection.execute(
        _ADD_MEMBERS,
        task.agreement_id,
        task.id,
        [organization for organization, _ in relations],
        [relation.value for _, relation in relations],
    )
    row: asyncpg.Record | None = await connection.fetchrow(
        _CREATE,
        *_values(actor, change, today, soon),
        task.agreement_id,
        task.clause_id,
        task.lead.organization_id,
        task.demonstration,
        task.recurrence_id,
        task.previous_occurrence_id,
    )
    assert row is not None
    return row


async def move_parties(
    connection: asyncpg.Connection[Any], task: TaskSnapshot, relations: Sequence[tuple[UUID, Relation]]
) -> None:
    """Others take part in a locked task from now on; whoever took part until now reads on."""
    gone = await connection.fetch(_END_MEMBERS, task.agreement_id, task.id)
    present = {organization for organization, _ in relations}
    former = {row["organization_id"] for row in gone} - present
    members = [*relations, *((organization, Relation.FORMER) for organization in former)]
    await connection.execute(
        _ADD_MEMBERS,
        task.agreement_id,
        task.id,
        [organization for organization, _ in members],
        [relation.value for _, relation in members],
    )
    await connection.execute(_SET_LEAD, task.id, task.lead.organization_id)


async def set_beside(
    connection: asyncpg.Connection[Any], task_id: UUID, *, extension_count: int, recurrence_id: UUID | None
) -> None:
    """What rarely changes about a locked task, ahead of the version that tells of it."""
    await connection.execute(_SET_BESIDE, task_id, extension_count, recurrence_id)


async def lock_agreement(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID, clause_id: UUID | None
) -> asyncpg.Record | None:
    """The agreement, held so that its status stays while others may assign tasks at the same time."""
    return await connection.fetchrow(_LOCK_AGREEMENT, organization_id, agreement_id, clause_id)


async def organizations(connection: asyncpg.Connection[Any], ids: Sequence[UUID]) -> dict[UUID, TaskParty]:
    """Organisations as parties of a task, with the unit that each stands for."""
    rows = await connection.fetch(_ORGANIZATIONS, ids)
    return {row["organization_id"]: TaskParty(**row) for row in rows}


async def superiors(connection: asyncpg.Connection[Any], ids: Sequence[UUID]) -> list[UUID]:
    """The bodies above these, up to the top: each watches over what those below it promise."""
    return [row["id"] for row in await connection.fetch(_SUPERIORS, ids)]


async def create_many(
    connection: asyncpg.Connection[Any],
    actor: Actor,
    changes: Sequence[tuple[Change, Sequence[tuple[UUID, Relation]]]],
    *,
    today: date,
    soon: date,
) -> None:
    """New tasks of one agreement, each as `create` makes one; the server hears of all before it is asked for any."""
    members = [(change.task, relation) for change, relations in changes for relation in relations]
    await connection.execute(
        _ADD_MANY_MEMBERS,
        [task.agreement_id for task, _ in members],
        [organization for _, (organization, _) in members],
        [task.id for task, _ in members],
        [relation.value for _, (_, relation) in members],
    )
    await connection.executemany(
        _CREATE,
        [
            [
                *_values(actor, change, today, soon),
                change.task.agreement_id,
                change.task.clause_id,
                change.task.lead.organization_id,
                change.task.demonstration,
                change.task.recurrence_id,
                change.task.previous_occurrence_id,
            ]
            for change, _ in changes
        ],
    )


async def clauses_of(connection: asyncpg.Connection[Any], agreement_id: UUID) -> list[asyncpg.Record]:
    """The clauses of an agreement that is locked."""
    return await connection.fetch(_CLAUSES, agreement_id)


async def superiors_of_each(connection: asyncpg.Connection[Any], ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """For each organisation the bodies above it, up to the top."""
    return {row["id"]: row["above"] for row in await connection.fetch(_SUPERIORS_OF_EACH, ids)}


def _values(actor: Actor, change: Change, today: date, soon: date) -> list[Any]:
    """$1 to $30 of every change."""
    task = change.task
    history = [
        {
            "id": str(new_id()),
            "agreement_id": str(task.agreement_id),
            "version": told.event.version,
            "action": told.action,
            "actor_kind": actor.kind,
            "actor_name": actor.name,
            "changes": as_json(told.event.changes),
            "remark": told.remark,
            "before": _before(told.event.task, task),
        }
        for told in change.told
    ]
    events = [row_of(told.event) for told in change.told]
    parties = {
        "lead": task.lead.model_dump(mode="json"),
        "coordinating": [party.model_dump(mode="json") for party in task.coordinating],
        "monitoring": [party.model_dump(mode="json") for party in task.monitoring],
    }
    return [
        actor.organization_id,
        task.id,
        today,
        soon,
        task.version,
        task.title,
        fold(task.title),
        task.description,
        task.deliverable,
        task.field,
        task.status,
        task.due_on,
        task.original_due_on,
        task.percent,
        orjson.dumps(parties).decode(),
        task.last_report.model_dump_json() if task.last_report else None,
        change.submission,
        task.submitted_at,
        task.completed_at,
        change.note,
        task.updated_at,
        actor.id,
        orjson.dumps(history).decode(),
        events[0].topic,
        events[0].key,
        [event.event_id for event in events],
        [event.version for event in events],
        [event.type for event in events],
        [event.payload for event in events],
        [event.headers for event in events],
    ]


def _before(earlier: TaskSnapshot, last: TaskSnapshot) -> dict[str, Any]:
    """What was otherwise in a version that the same step went beyond."""
    differing = {name for name, value in vars(earlier).items() if value != getattr(last, name)}
    return earlier.model_dump(mode="json", include=differing) if differing else {}


# $1 to $4 are those of a read: the caller, the task, the day. $5 to $21 are columns, $22 to $30 what is told.
# What is shown is built once: history keeps it, but for what depends on the day, and the caller gets it.
_TOLD = f"""
shown as materialized (
    select {_shown("$3", "$4")} from changed t join agreement a on a.id = t.agreement_id
), told as (
    insert into history (id, subject_id, agreement_id, subject_kind, version, action, actor_id, actor_kind,
                         actor_name, organization_id, changes, remark, occurred_at, state)
    select h.id, $2, h.agreement_id, 'task', h.version, h.action, $22, h.actor_kind, h.actor_name, $1, h.changes,
           h.remark, $21, (s.body::jsonb - 'timeliness') || h.before
    from shown s, json_to_recordset($23::text::json) as h(id uuid, agreement_id uuid, version int, action text,
        actor_kind text, actor_name text, changes jsonb, remark text, before jsonb)
    order by h.version
), sent as (
    insert into outbox (event_id, aggregate_id, version, type, topic, key, payload, headers, occurred_at)
    select e.event_id, $2, e.version, e.type, $24, $25, e.payload::json, e.headers::json, $21
    from unnest($26::uuid[], $27::bigint[], $28::text[], $29::text[], $30::text[])
        with ordinality as e(event_id, version, type, payload, headers, position)
    order by e.position
)"""  # noqa: S608
_WRITTEN = "select * from shown"
_CHANGE = f"""
with changed as (
    update task set version = $5, title = $6, folded = $7, description = $8, deliverable = $9, field = $10,
        status = $11, due_on = $12, original_due_on = $13, percent = $14, parties = $15::text::jsonb,
        last_report = $16::text::jsonb, submission = $17, submitted_at = $18, completed_at = $19, note = $20,
        updated_at = $21
    where id = $2 returning *
), {_TOLD}"""  # noqa: S608
_WRITE = f"{_CHANGE} {_WRITTEN}"
_WRITE_REPORT = f"""{_CHANGE}, reported as (
    insert into task_progress_report (id, task_id, period_start, period_end, percent, narrative, difficulties,
                                      organization_id, account_id, reported_by, reported_at, corrects_report_id)
    values ($31, $2, $32, $33, $34, $35, $36, $1, $22, $37, $21, $38)
), proved as (
    insert into task_report_evidence (report_id, document_id, agreement_id, position)
    select $31, e.document_id, c.agreement_id, e.position
    from changed c, unnest($39::uuid[]) with ordinality as e(document_id, position)
) {_WRITTEN}"""  # noqa: S608
_WRITE_DECISION = f"""{_CHANGE}, decided as (
    insert into task_confirmation (id, task_id, submission, decision, organization_id, organization_name, account_id,
                                   decided_by, remark, decided_at)
    values ($31, $2, $17, $32, $33, $34, $22, $35, $36, $21)
) {_WRITTEN}"""  # noqa: S608
_CREATE = f"""
with changed as (
    insert into task (id, version, title, folded, description, deliverable, field, status, due_on, original_due_on,
        percent, parties, last_report, submission, submitted_at, completed_at, note, updated_at, created_at,
        agreement_id, clause_id, lead_organization_id, demonstration, recurrence_id, previous_occurrence_id)
    values ($2, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::text::jsonb, $16::text::jsonb, $17, $18, $19, $20,
        $21, $21, $31, $32, $33, $34, $35, $36)
    returning *
), {_TOLD} {_WRITTEN}"""  # noqa: S608
_ADD_MEMBERS = """
insert into agreement_member (agreement_id, organization_id, source_id, relation)
select $1, m.organization_id, $2, m.relation from unnest($3::uuid[], $4::text[]) as m(organization_id, relation)
"""
_END_MEMBERS = "delete from agreement_member where agreement_id = $1 and source_id = $2 returning organization_id"
_SET_LEAD = "update task set lead_organization_id = $2 where id = $1"
_SET_BESIDE = "update task set extension_count = $2, recurrence_id = $3 where id = $1"
_LOCK_AGREEMENT = """
select a.id, a.version, a.title, a.number, a.status, a.amends_agreement_id is not null as amendment,
    c.id as clause_id, c.field as clause_field, c.ended_on is not null as clause_ended,
    coalesce((select string_agg(m.relation, ',') from agreement_member m
              where m.agreement_id = a.id and m.organization_id = $1 and m.source_id = a.id), '') as relations,
    exists (select from agreement_party p where p.agreement_id = a.id and p.organization_id = $1
        and p.signed_at is not null) as signed, a.in_force_on is not null as was_in_force,
    exists (select from publication u where u.agreement_id = a.id and u.unpublished_at is null) as public,
    array(select m.organization_id from agreement_member m where m.agreement_id = a.id) as members
from agreement a left join agreement_clause c on c.agreement_id = a.id and c.id = $3
where a.id = $2 and a.id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
for share of a
"""
_ORGANIZATIONS = """
select o.id as organization_id, o.name, o.unit_id, u.name as unit_name
from organization o join unit u on u.id = o.unit_id where o.id = any($1::uuid[])
"""
_SUPERIORS = """
with recursive chain (id) as (
    select superior_organization_id from organization where id = any($1::uuid[])
    union
    select o.superior_organization_id from chain join organization o on o.id = chain.id
)
select id from chain where id is not null order by id
"""
_ADD_MANY_MEMBERS = """
insert into agreement_member (agreement_id, organization_id, source_id, relation)
select m.agreement_id, m.organization_id, m.source_id, m.relation
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) as m(agreement_id, organization_id, source_id, relation)
"""
_CLAUSES = """
select c.id, c.ordinal, c.heading, c.field, c.ended_on is not null as ended
from agreement_clause c where c.agreement_id = $1 order by c.ordinal, c.id
"""
_SUPERIORS_OF_EACH = """
with recursive chain (id, above) as (
    select id, superior_organization_id from organization where id = any($1::uuid[])
    union
    select c.id, o.superior_organization_id from chain c join organization o on o.id = c.above
)
select id, array_agg(above) filter (where above is not null) as above from chain group by id
"""
