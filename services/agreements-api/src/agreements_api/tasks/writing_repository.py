"""SQL of new and changed tasks: each change is one statement, with its history and its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from agreements_api.history.service import as_json
from agreements_api.policy import Relation
from agreements_api.tasks.reading_repository import shown_columns
from agreements_api.tasks.repository import Locked
from shared.auth import Actor
from shared.events import TaskEvent, TaskParty, TaskSnapshot
from shared.ids import new_id
from shared.outbox import row_of
from shared.text import fold


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
    select {shown_columns("$3", "$4")} from changed t join agreement a on a.id = t.agreement_id
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
_ADD_LAPSES = """
insert into task_confirmation (id, task_id, submission, decision, organization_id, organization_name, account_id,
                               decided_by, remark, decided_at)
select n.id, $1, $2, 'lapsed', n.organization_id, n.organization_name, $3, $4, $5, $6
from unnest($7::uuid[], $8::uuid[], $9::text[]) as n(id, organization_id, organization_name)
on conflict do nothing
"""
_ADD_MEMBERS = """
insert into agreement_member (agreement_id, organization_id, source_id, relation)
select $1, m.organization_id, $2, m.relation from unnest($3::uuid[], $4::text[]) as m(organization_id, relation)
"""
_END_MEMBERS = "delete from agreement_member where agreement_id = $1 and source_id = $2 returning organization_id"
_SET_LEAD = "update task set lead_organization_id = $2 where id = $1"
_SET_BESIDE = "update task set extension_count = $2, recurrence_id = $3 where id = $1"
_ADD_MANY_MEMBERS = """
insert into agreement_member (agreement_id, organization_id, source_id, relation)
select m.agreement_id, m.organization_id, m.source_id, m.relation
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) as m(agreement_id, organization_id, source_id, relation)
"""
