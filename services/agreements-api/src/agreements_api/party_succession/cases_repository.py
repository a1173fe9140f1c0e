"""All SQL of cases: who took which place, what is to be decided, and decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from agreements_api.party_succession.known import cases_at
from agreements_api.party_succession.models import CaseState
from agreements_api.party_succession.repository import Acting
from shared.auth import Actor
from shared.ids import new_id

Connection = asyncpg.Connection

_ADD_CASES = """
insert into succession_case (id, agreement_id, task_id, promised_by_organization_id, promised_by_name, old_unit_id,
    unit_id, organization_id, organization_name, effective_on, proposed_unit_id, state, created_at, updated_at)
select c.id, c.agreement_id, c.task_id, c.promised_by_organization_id, c.promised_by_name, c.old_unit_id, c.unit_id,
    c.organization_id, c.organization_name, c.effective_on, c.unit_id, c.state, $2::timestamptz, $2::timestamptz
from json_to_recordset($1::text::json) as c(id uuid, agreement_id uuid, task_id uuid, promised_by_organization_id uuid,
    promised_by_name text, old_unit_id uuid, unit_id uuid, organization_id uuid, organization_name text,
    effective_on date, state text)
on conflict (coalesce(task_id, agreement_id), promised_by_organization_id, old_unit_id) where state <> 'superseded'
do nothing returning state
"""


async def add_cases(connection: Connection[Any], rows: Sequence[dict[str, Any]], at: datetime) -> int:
    """Record who took which place; how many of these somebody has to decide."""
    if not rows:
        return 0
    added = await connection.fetch(_ADD_CASES, orjson.dumps(rows).decode(), at)
    return sum(row["state"] == CaseState.OPEN for row in added)


_CASE_SCOPE = "c.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
_RELATIONS = """array(select m.relation from agreement_member m where m.agreement_id = c.agreement_id
        and m.organization_id = $1 and m.source_id = c.agreement_id)"""


def _cases(cases: str = "succession_case", tasks: str = "task", relations: str = _RELATIONS) -> str:
    """Cases with what they concern; from what stands now, or from what stood at an instant."""
    return f"""
select c.id, c.version, c.agreement_id, a.title as agreement_title, a.number as agreement_number, c.task_id,
    c.promised_by_organization_id, c.promised_by_name, c.old_unit_id,
    old.name as old_unit_name, old.level as old_unit_level, c.unit_id, u.name as unit_name, u.level as unit_level,
    c.organization_id, c.organization_name, c.effective_on, c.proposed_unit_id, c.state, c.decided_by_name,
    c.decided_by_organization_id, c.decided_at, c.reason, c.created_at, c.updated_at, o.kind as organization_kind,
    o.name as template_name, ou.name as template_unit_name,
    array(
        select 'party' from agreement_party p
        where c.task_id is null and p.agreement_id = c.agreement_id
          and p.organization_id = c.promised_by_organization_id
        union all
        select 'custodian' where c.task_id is null and c.promised_by_organization_id
            = coalesce(a.original_custodian_organization_id, a.custodian_organization_id)) as concerns,
    coalesce((
        select json_agg(json_build_object('id', k.id, 'title', k.title, 'relation', k.relation) order by k.id)
        from (
            select t.id, t.title, taking.relation, taking.party from {tasks} t cross join lateral (
                select 'lead' as relation, t.parties->'lead' as party
                union all select 'coordinating', jsonb_array_elements(t.parties->'coordinating')
                union all select 'monitor', jsonb_array_elements(t.parties->'monitoring')) taking
            where t.agreement_id = c.agreement_id and t.status not in ('completed', 'cancelled')
              and (c.task_id is null or t.id = c.task_id)) k
        where coalesce(k.party->>'promised_by_organization_id', k.party->>'organization_id')::uuid
            = c.promised_by_organization_id
          and (c.task_id is not null or not exists (
            select from {cases} own where own.task_id = k.id and own.old_unit_id = c.old_unit_id
              and own.promised_by_organization_id = c.promised_by_organization_id and own.state <> 'superseded'))
    ), '[]')::text as tasks,
    {relations} as relations
from {cases} c join agreement a on a.id = c.agreement_id join unit old on old.id = c.old_unit_id
join unit u on u.id = c.unit_id join organization o on o.id = c.promised_by_organization_id
join unit ou on ou.id = o.unit_id
"""  # noqa: S608


_CASE = _cases()
_READ_CASE = f"{_CASE} where c.id = $2 and {_CASE_SCOPE}"
WORKLIST = f"""
{_CASE} where c.state in ('open', 'decided') and c.state = any($2::text[])
  and ($3::uuid is null or c.agreement_id = $3) and ($4::uuid is null or c.id > $4) and {_CASE_SCOPE}
order by c.id limit $5
"""
OF_AGREEMENT = f"""
{_CASE} where c.agreement_id = $2 and ($3::text[] = '{{}}' or c.state = any($3))
  and ($4::uuid is null or c.id > $4) and {_CASE_SCOPE}
order by c.id limit $5
"""
# The agreement ($2) at an instant ($6). Of each case its newest version by then; nothing can be done with it any more.
OF_AGREEMENT_PAST = f"""
with cases as materialized ({cases_at("$2", "$6")}), tasks as materialized (
    select distinct on (h.subject_id) h.subject_id as id, h.agreement_id, h.state->>'title' as title,
        h.state->>'status' as status, h.state as parties
    from history h where h.agreement_id = $2 and h.subject_kind = 'task' and h.occurred_at <= $6
    order by h.subject_id, h.version desc
)
{_cases("cases", "tasks", "array[]::text[]")}
where ($3::text[] = '{{}}' or c.state = any($3)) and ($4::uuid is null or c.id > $4) and {_CASE_SCOPE}
order by c.id limit $5
"""  # noqa: S608


async def read_case(connection: Connection[Any], organization_id: UUID | None, case_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_READ_CASE, organization_id, case_id)


async def list_worklist(
    connection: Connection[Any],
    organization_id: UUID | None,
    *,
    states: Sequence[str],
    agreement_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """What was or is to be decided in agreements that the caller sees, the oldest first."""
    return await connection.fetch(WORKLIST, organization_id, list(states), agreement_id, after, limit)


async def list_cases(
    connection: Connection[Any],
    organization_id: UUID | None,
    agreement_id: UUID,
    *,
    states: Sequence[str],
    after: UUID | None,
    limit: int,
    as_of: datetime | None = None,
) -> list[asyncpg.Record]:
    """Every succession in one agreement, the oldest first; as they stood at an instant, or now."""
    values = organization_id, agreement_id, list(states), after, limit
    if as_of is None:
        return await connection.fetch(OF_AGREEMENT, *values)
    return await connection.fetch(OF_AGREEMENT_PAST, *values, as_of)


# What was decided of a task apart, and what followed from that, holds for its next occurrence in the same words.
_CARRY_OVER = """
insert into succession_case (id, agreement_id, task_id, promised_by_organization_id, promised_by_name, old_unit_id,
    unit_id, organization_id, organization_name, effective_on, proposed_unit_id, state, decided_by, decided_by_name,
    decided_by_organization_id, decided_at, reason, created_at, updated_at)
select n.id, c.agreement_id, $3, c.promised_by_organization_id, c.promised_by_name, c.old_unit_id, c.unit_id,
    c.organization_id, c.organization_name, c.effective_on, c.proposed_unit_id, c.state, c.decided_by,
    c.decided_by_name, c.decided_by_organization_id, c.decided_at, c.reason, $4::timestamptz, $4::timestamptz
from unnest($1::uuid[], $2::uuid[]) as n(id, case_id) join succession_case c on c.id = n.case_id
"""


async def carry_over(connection: Connection[Any], case_ids: Sequence[UUID], task_id: UUID, at: datetime) -> None:
    """Record of a new task what is recorded of another one apart from the rest of its agreement."""
    if case_ids:
        await connection.execute(_CARRY_OVER, [new_id() for _ in case_ids], case_ids, task_id, at)


@dataclass(frozen=True)
class Case:
    """A case whose row is held until the transaction ends."""

    id: UUID
    version: int
    agreement_id: UUID
    task_id: UUID | None
    promised_by_organization_id: UUID
    promised_by_name: str
    old_unit_id: UUID
    unit_id: UUID
    effective_on: date
    state: CaseState


_CASE_COLUMNS = """id, version, agreement_id, task_id, promised_by_organization_id, promised_by_name, old_unit_id,
    unit_id, effective_on, state"""


async def lock_case(connection: Connection[Any], case_id: UUID) -> Case | None:
    row = await connection.fetchrow(f"select {_CASE_COLUMNS} from succession_case where id = $1 for update", case_id)  # noqa: S608
    return None if row is None else Case(**{**row, "state": CaseState(row["state"])})


async def lock_cases_alike(connection: Connection[Any], case: Case) -> list[Case]:
    """What else is open of the same unit in the agreement, whichever of its bodies promised it."""
    rows = await connection.fetch(
        f"select {_CASE_COLUMNS} from succession_case where agreement_id = $1 and old_unit_id = $2"  # noqa: S608
        " and task_id is null and state = 'open' and id <> $3 order by id for update",
        case.agreement_id,
        case.old_unit_id,
        case.id,
    )
    return [Case(**{**row, "state": CaseState(row["state"])}) for row in rows]


@dataclass(frozen=True)
class Choice:
    """Which unit was chosen, who acts for it, why and when; for `date` and person see the actor."""

    unit_id: UUID
    taken_by: Acting | None
    reason: str | None
    at: datetime

    @property
    def values(self) -> tuple[UUID, UUID | None, str | None, str | None, datetime]:
        by = self.taken_by
        return self.unit_id, by.id if by else None, by.name if by else None, self.reason, self.at


_DECIDE = """
update succession_case set state = 'decided', version = version + 1, unit_id = $2, organization_id = $3,
    organization_name = $4, reason = $5, decided_at = $6, updated_at = $6, decided_by = $7, decided_by_name = $8,
    decided_by_organization_id = $9
where id = $1
"""
_SUPERSEDE = """
update succession_case set state = 'superseded', version = version + 1, updated_at = $4
where agreement_id = $1 and task_id is null and promised_by_organization_id = $2 and old_unit_id = any($3::uuid[])
  and state <> 'superseded'
"""
# The task's own row: the agreement's goes on for everything else.
_DECIDE_TASKS = """
insert into succession_case (id, agreement_id, task_id, promised_by_organization_id, promised_by_name, old_unit_id,
    effective_on, proposed_unit_id, state, created_at, updated_at, unit_id, organization_id, organization_name, reason,
    decided_at, decided_by, decided_by_name, decided_by_organization_id)
select n.id, c.agreement_id, n.task_id, c.promised_by_organization_id, c.promised_by_name, c.old_unit_id,
    c.effective_on, c.proposed_unit_id, 'decided', $8::timestamptz, $8::timestamptz, $4::uuid, $5::uuid, $6::text,
    $7::text, $8::timestamptz, $9::uuid, $10::text, $11::uuid
from succession_case c, unnest($2::uuid[], $3::uuid[]) as n(id, task_id) where c.id = $1
"""


async def decide_case(connection: Connection[Any], actor: Actor, case: Case, choice: Choice) -> None:
    await connection.execute(_DECIDE, case.id, *choice.values, actor.id, actor.name, actor.organization_id)


async def supersede(connection: Connection[Any], case: Case, unit_ids: Sequence[UUID], at: datetime) -> None:
    """What came after the unit that another one was chosen instead of rests on nothing any more."""
    await connection.execute(_SUPERSEDE, case.agreement_id, case.promised_by_organization_id, unit_ids, at)


async def decide_tasks(
    connection: Connection[Any], actor: Actor, case: Case, tasks: Sequence[tuple[UUID, UUID]], choice: Choice
) -> None:
    """Decide of some tasks apart (row, task); the case has another version, since it concerns fewer of them."""
    rows, task_ids = [row for row, _ in tasks], [task for _, task in tasks]
    who = actor.id, actor.name, actor.organization_id
    await connection.execute(_DECIDE_TASKS, case.id, rows, task_ids, *choice.values, *who)
    await connection.execute(
        "update succession_case set version = version + 1, updated_at = $2 where id = $1", case.id, choice.at
    )
