"""All SQL of who answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.party_succession.answering import Successor

# Everybody who promised something in an agreement: its parties, and who takes part in its tasks. What a party signed
# under stays as it was; a task's parties stand in it under the names they were assigned with.
_PROMISES = """
select 'party' as relation, p.id as party_id, null::uuid as task_id, null::text as task_title, p.organization_id,
       p.organization_name as name, p.ordinal, null::timestamptz as assigned_at
from agreement_party p
where p.agreement_id = $2
  and p.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
union all
select taking.relation, null, t.id, t.title, (taking.party->>'organization_id')::uuid, taking.party->>'name',
       taking.ordinal, t.created_at
from task t
cross join lateral (
    select 'lead' as relation, t.parties->'lead' as party, 1 as ordinal
    union all
    select 'coordinating', c.value, 1 + c.place
    from jsonb_array_elements(t.parties->'coordinating') with ordinality as c(value, place)
    union all
    select 'monitor', m.value, 1000 + m.place
    from jsonb_array_elements(t.parties->'monitoring') with ordinality as m(value, place)
) taking
where t.agreement_id = $2
  and t.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
order by assigned_at nulls first, task_id, ordinal
"""
_IS_MEMBER = "select exists (select from agreement_access where agreement_id = $2 and organization_id = $1)"
_ORGANIZATIONS = """
select o.id, o.name, o.kind, u.id as unit_id, u.name as unit_name, u.level as unit_level, u.valid_from, u.valid_to
from organization o join unit u on u.id = o.unit_id where o.id = any($1::uuid[])
"""
# From each unit along its successions to whatever is in force on the day. A unit that ended without an edge of its own
# (a district of 2025) goes on in the successors of its parts.
_SUCCESSORS = """
with recursive walk (root, part, id, is_default, partial, effective_on, kind, legal_basis) as (
    select asked, null::uuid, asked, true, false, null::date, null::text, null::text from unnest($1::uuid[]) as asked
    union
    select walk.root, coalesce(walk.part, step.part), step.id, walk.is_default and step.is_default,
           walk.partial or step.partial, step.effective_on, coalesce(step.kind, walk.kind),
           coalesce(step.legal_basis, walk.legal_basis)
    from walk
    join unit ended on ended.id = walk.id and ended.valid_to < $2
    cross join lateral (
        select s.new_unit_id as id, null::uuid as part, s.is_default, s.partial, s.effective_on, s.kind, s.legal_basis
        from unit_succession s where s.old_unit_id = ended.id and s.effective_on <= $2
        union all
        select part.unit_id, part.unit_id, true, false, (ended.valid_to + 1)::date, null, null
        from unit_parent part
        where part.parent_id = ended.id
          and coalesce(part.valid_from, '-infinity') <= ended.valid_to
          and coalesce(part.valid_to, 'infinity') >= ended.valid_to
          and not exists (select from unit_succession s where s.old_unit_id = ended.id and s.effective_on <= $2)
    ) step
)
select w.root, u.id as unit_id, u.name, u.level, u.sort_key, bool_or(w.is_default) as is_default,
       bool_and(w.partial) as partial, count(distinct w.part) filter (where w.is_default) as parts,
       max(w.effective_on) as effective_on, max(w.kind) as kind, max(w.legal_basis) as legal_basis
from walk w join unit u on u.id = w.id
where w.id <> w.root and coalesce(u.valid_from, '-infinity') <= $2 and coalesce(u.valid_to, 'infinity') >= $2
group by w.root, u.id
"""
# The oldest, where a unit has several of a kind: the one that everybody knows.
_ACTING = """
select distinct on (o.unit_id, o.kind) o.unit_id, o.kind, o.id, o.name
from organization o where o.unit_id = any($1::uuid[]) and o.kind = any($2::text[])
order by o.unit_id, o.kind, o.created_at, o.id
"""


async def promises(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID
) -> list[asyncpg.Record] | None:
    """Who promised what in the agreement, parties first; None where the caller is no member."""
    if not await connection.fetchval(_IS_MEMBER, organization_id, agreement_id):
        return None
    return await connection.fetch(_PROMISES, organization_id, agreement_id)


async def organizations(connection: asyncpg.Connection[Any], ids: Sequence[UUID]) -> dict[UUID, asyncpg.Record]:
    """Organisations with the unit that each acts for."""
    return {row["id"]: row for row in await connection.fetch(_ORGANIZATIONS, ids)}


async def successors(
    connection: asyncpg.Connection[Any], unit_ids: Sequence[UUID], on: date
) -> dict[UUID, list[Successor]]:
    """Of each unit, those in force on the day that follow it."""
    found: dict[UUID, list[Successor]] = defaultdict(list)
    for row in await connection.fetch(_SUCCESSORS, unit_ids, on):
        values = dict(row)
        found[values.pop("root")].append(Successor(**values))
    return found


async def acting_for(
    connection: asyncpg.Connection[Any], unit_ids: Sequence[UUID], kinds: Sequence[str]
) -> dict[tuple[UUID, str], asyncpg.Record]:
    """The organisation of a kind that acts for a unit."""
    rows = await connection.fetch(_ACTING, unit_ids, kinds)
    return {(row["unit_id"], row["kind"]): row for row in rows}
