"""All SQL of worklists: a page of what waits, the counts of the whole list, and what its records show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.worklist.models import WAYS, Cycle, Urgency, WorkSubjectKind
from shared.db import Parameters


@dataclass(frozen=True)
class Person:
    """Somebody whose own list it is: what he handles, what is his by his role, and perhaps what nobody handles."""

    account_id: UUID
    by_role: Sequence[str]
    unhandled: bool


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed to; `steps` and `urgencies` narrow the page alone and not what is counted."""

    visible: Sequence[str]
    person: Person | None = None
    assignee: UUID | None = None
    unassigned: bool = False
    agreement_id: UUID | None = None
    steps: Sequence[str] | None = None
    urgencies: Sequence[str] = ()


@dataclass(frozen=True)
class Day:
    """The day that the list is of."""

    today: date
    soon: date
    cycles: Sequence[Cycle]
    # The latest `sign_by` after which nobody signs any more.
    signing_over: date


# Where the next page begins.
Position = tuple[date, UUID, str]

_OF_NOBODY = "w.handlers = array[]::uuid[]"
_URGENCY = {
    Urgency.OVERDUE: "{key} < $2",
    Urgency.TODAY: "{key} = $2",
    Urgency.SOON: "{key} > $2 and {key} <= $3",
    Urgency.LATER: "{key} > $3",
}
# Caller ($1), the day ($2) and its `soon_until` ($3), the steps that the caller is told of ($4), and of each frequency
# ($5) the last period that has ended ($6) with the day that its report is due on ($7), and the latest `sign_by` that is
# over ($8): until the text is taken back nobody signs it any more.
#
# A report is due at the deadline of the work where that is near or past or the work came back; any other is due when
# an official period has ended without one. All else is due when it says so.
_BY_ITS_DAY = """w.step = any($4::text[]) and (w.step <> 'report' or w.came_back or w.due_key <= $3)
    and (w.step <> 'sign' or w.due_key > $8) and (w.step <> 'confirm' or w.due_key >= $2)"""
_BY_PERIOD = """w.step = 'report' and 'report' = any($4::text[]) and not w.came_back and w.due_key > $3
    and coalesce(w.cycle, 'monthly') = c.frequency and w.reported_to < c.ended_on"""
_CYCLES = "unnest($5::text[], $6::date[], $7::date[]) c(frequency, ended_on, due_on)"
# Hidden from the planner: a plan that looks cheaper for one organisation would be made anew for its every call, which
# takes longer than to carry it out.
_OURS = "w.organization_id = (select $1::uuid)"
# Counted range by range along the index: to go through the rows and sort each into its place takes ten times as long.
# Only the reports that an official period calls for are looked at one by one.
_COUNTS = """
select coalesce(json_agg(json_build_array(g.step, g.urgency, g.number)) filter (where g.number > 0), '[]')::text
from (
    select s.step, u.urgency, n.number
    from unnest($4::text[]) s(step) cross join (values
        ('overdue', '-infinity'::date, $2::date - 1), ('today', $2::date, $2::date),
        ('soon', $2::date + 1, $3::date), ('later', $3::date + 1, 'infinity')) u(urgency, first, last)
    cross join lateral (select {free} as free,
        case s.step when 'sign' then greatest(u.first, $8::date + 1) when 'confirm' then greatest(u.first, $2::date)
            else u.first end as first) f
    cross join lateral (select count(*) as number from open_work w
        where {ours} and w.step = s.step and w.due_key between f.first and u.last {whole}) n
    where s.step <> 'report' or u.urgency <> 'later'
    union all
    select 'report', r.urgency, r.number from (
        select array[{of_reports}] as numbers from open_work w cross join (select false as free) f
        where {ours} and w.step = 'report' and 'report' = any($4::text[]) and w.due_key > $3 {whole}
    ) n cross join lateral (
        select 'later' as urgency, n.numbers[1] as number
        union all
        select {urgency}, n.numbers[c.place + 1]
        from unnest($7::date[]) with ordinality c(due_on, place)) r
) g
"""
_COLUMNS = "w.subject_id, w.step, w.relation, w.agreement_id, w.task_id, w.came_back"
_PAGE = f"""
select p.*, {{urgency}} as urgency from (
    (select {_COLUMNS}, w.due_key, null as frequency from open_work w cross join lateral (select {{free}} as free) f
     where {_OURS} and {_BY_ITS_DAY} {{by_its_day}}
     order by w.due_key, w.subject_id, w.step limit {{limit}})
    union all
    (select {_COLUMNS}, c.due_on, c.frequency from open_work w join {_CYCLES} on true
     cross join (select false as free) f
     where {_OURS} and {_BY_PERIOD} {{by_period}}
     order by c.due_on, w.subject_id, w.step limit {{limit}})
) p order by p.due_key, p.subject_id, p.step limit {{limit}}
"""  # noqa: S608

_OF_AGREEMENT = "join agreement a on a.id = {}.agreement_id"
_TITLES = "a.title as agreement_title, a.number as agreement_number"
# What each kind of record shows of itself, and who waits: of the rows of a page alone, each by its key.
_DETAILS: dict[WorkSubjectKind, str] = {
    WorkSubjectKind.TASK: f"""
select p.*, t.version, t.title, {_TITLES}, null::uuid as part, null::date as asked_on,
    case when t.status = 'submitted' then t.lead_organization_id else a.custodian_organization_id end as counterpart_id,
    case when t.status = 'submitted' then t.parties->'lead'->>'name' else a.custodian_name end as counterpart_name,
    t.submission > 0 and t.status = 'in_progress' and exists (
        select from task_confirmation d where d.task_id = t.id and d.submission = t.submission
          and d.decision in ('returned', 'refused')) as sent_back
from page p join task t on t.id = p.subject_id {_OF_AGREEMENT.format("t")}
""",  # noqa: S608
    WorkSubjectKind.AGREEMENT: f"""
select p.*, a.version, a.title, {_TITLES}, null::uuid as part, null::date as asked_on,
    a.custodian_organization_id as counterpart_id, a.custodian_name as counterpart_name, false as sent_back
from page p join agreement a on a.id = p.subject_id
""",  # noqa: S608
    WorkSubjectKind.URGING: f"""
select p.*, u.version, t.title, {_TITLES}, null::uuid as part, null::date as asked_on,
    u.asked_by_organization_id as counterpart_id, u.asked_by_organization_name as counterpart_name,
    false as sent_back
from page p join task_urging u on u.id = p.subject_id join task t on t.id = u.task_id {_OF_AGREEMENT.format("u")}
""",  # noqa: S608
    WorkSubjectKind.EXTENSION: f"""
select p.*, e.version, t.title, {_TITLES}, null::uuid as part, e.requested_due_on as asked_on,
    e.requested_by_organization_id as counterpart_id, e.requested_by_name as counterpart_name, false as sent_back
from page p join task_extension e on e.id = p.subject_id join task t on t.id = e.task_id {_OF_AGREEMENT.format("e")}
""",  # noqa: S608
    WorkSubjectKind.OBSTACLE: f"""
select p.*, o.version, o.text as title, {_TITLES}, null::uuid as part, null::date as asked_on,
    o.raised_by_organization_id as counterpart_id, o.raised_by_organization_name as counterpart_name,
    false as sent_back
from page p join obstacle o on o.id = p.subject_id {_OF_AGREEMENT.format("o")}
""",  # noqa: S608
    WorkSubjectKind.BOUNDARY_CASE: f"""
select p.*, b.version, s.title, {_TITLES}, s.id as part, null::date as asked_on,
    case when b.first_organization_id = $1 then b.second_organization_id
        else b.first_organization_id end as counterpart_id,
    case when b.first_organization_id = $1 then b.second_name else b.first_name end as counterpart_name,
    false as sent_back
from page p join boundary_case b on b.id = p.subject_id {_OF_AGREEMENT.format("b")} cross join lateral (
    select n.id, n.title from boundary_case_step n where n.case_id = b.id and n.completed_at is null
    order by n.ordinal limit 1) s
""",  # noqa: S608
    WorkSubjectKind.SUCCESSION_CASE: f"""
select p.*, c.version, c.promised_by_name as title, {_TITLES}, null::uuid as part, null::date as asked_on,
    c.organization_id as counterpart_id, c.organization_name as counterpart_name, false as sent_back
from page p join succession_case c on c.id = p.subject_id {_OF_AGREEMENT.format("c")}
""",  # noqa: S608
    WorkSubjectKind.MEETING: f"""
select p.*, m.version, o.text as title, {_TITLES}, m.id as part, null::date as asked_on,
    o.responsible_organization_id as counterpart_id, o.responsible_name as counterpart_name, false as sent_back
from page p join meeting_outcome o on o.id = p.subject_id join meeting m on m.id = o.meeting_id
    {_OF_AGREEMENT.format("m")}
""",  # noqa: S608
}
_DETAILS[WorkSubjectKind.EXPLANATION] = _DETAILS[WorkSubjectKind.URGING]


async def read(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    narrowed: Filter,
    day: Day,
    *,
    after: Position | None,
    limit: int,
) -> list[asyncpg.Record]:
    """The most urgent first, each row with the counts of the whole list; where there is none, one without a step."""
    return await connection.fetch(*statement(organization_id, narrowed, day, after=after, limit=limit))


def statement(
    organization_id: UUID | None, narrowed: Filter, day: Day, *, after: Position | None, limit: int
) -> tuple[Any, ...]:
    """The statement of a page with its counts, and its parameters."""
    values = Parameters(
        organization_id,
        day.today,
        day.soon,
        list(narrowed.visible),
        [cycle.frequency for cycle in day.cycles],
        [cycle.ended_on for cycle in day.cycles],
        [cycle.due_on for cycle in day.cycles],
        day.signing_over,
    )
    value = values.place
    free = "false"
    if narrowed.person is not None:
        free = f"{{step}} = any({value(list(narrowed.person.by_role))}::text[])"
    whole = _whole(narrowed, values)
    shown: list[str] = []
    if narrowed.steps is not None:
        shown.append(f"w.step = any({value(list(narrowed.steps))}::text[])")
    if narrowed.urgencies:
        shown.append(f"({' or '.join(_URGENCY[Urgency(urgency)] for urgency in narrowed.urgencies)})")
    if after is not None:
        due_key, subject_id, step = after
        position = f"{value(due_key)}::date, {value(subject_id)}::uuid, {value(step)}::text"
        shown.append(f"({{key}}, w.subject_id, w.step) > ({position})")
    return _sql(free, whole, tuple(shown), len(day.cycles), limit), *values


def _whole(narrowed: Filter, values: Parameters) -> tuple[str, ...]:
    """The conditions on the whole list; their parameters are added to those that are there."""
    conditions: list[str] = []
    value = values.place
    if narrowed.agreement_id is not None:
        conditions.append(f"w.agreement_id = {value(narrowed.agreement_id)}::uuid")
    if narrowed.assignee is not None:
        conditions.append(f"{value(narrowed.assignee)}::uuid = any(w.handlers)")
    if narrowed.unassigned:
        conditions.append(_OF_NOBODY)
    if narrowed.person is not None:
        person = narrowed.person
        # What is somebody's by his role is so whoever handles it: the handlers are looked at for the other steps only.
        ways = ["f.free", f"{value(person.account_id)}::uuid = any(w.handlers)"]
        if person.unhandled:
            ways.append(_OF_NOBODY)
        conditions.append(f"({' or '.join(ways)})")
    return tuple(conditions)


# The limit is no parameter, because a plan for any limit is one for a tenth of the table.
@lru_cache(maxsize=512)
def _sql(free: str, whole: tuple[str, ...], shown: tuple[str, ...], cycles: int, limit: int) -> str:
    conditions = _and((*whole, *shown))
    page = _PAGE.format(
        free=free.format(step="w.step"),
        urgency=_urgency("p.due_key"),
        by_its_day=conditions.format(key="w.due_key"),
        by_period=conditions.format(key="c.due_on"),
        limit=limit,
    )
    of_reports = [
        "count(*) filter (where w.came_back)",
        *(
            f"count(*) filter (where not w.came_back and coalesce(w.cycle, 'monthly') = ($5::text[])[{place}]"
            f" and w.reported_to < ($6::date[])[{place}])"
            for place in range(1, cycles + 1)
        ),
    ]
    counts = _COUNTS.format(
        ours=_OURS,
        free=free.format(step="s.step"),
        whole=_and(whole),
        urgency=_urgency("c.due_on"),
        of_reports=", ".join(of_reports),
    )
    return f"""
with page as materialized ({page}), counted (counts) as materialized ({counts})
select n.counts, d.* from counted n left join ({_ARMS}) d on true order by d.due_key, d.subject_id, d.step
"""  # noqa: S608


def _urgency(key: str) -> str:
    ways = " ".join(f"when {condition.format(key=key)} then '{name}'" for name, condition in _URGENCY.items())
    return f"case {ways} end"


def _and(conditions: tuple[str, ...]) -> str:
    return "".join(f" and {condition}" for condition in conditions)


def _arm(kind: WorkSubjectKind) -> str:
    steps = ", ".join(f"'{step}'" for step, way in WAYS.items() if way.subject is kind)
    return f"{_DETAILS[kind]} where p.step in ({steps})"


_ARMS = " union all ".join(_arm(kind) for kind in _DETAILS)
