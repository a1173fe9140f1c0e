"""SQL of what a task is assigned under and to: its agreement and clauses, organisations and the bodies above them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from shared.events import TaskParty


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


async def clauses_of(connection: asyncpg.Connection[Any], agreement_id: UUID) -> list[asyncpg.Record]:
    """The clauses of an agreement that is locked."""
    return await connection.fetch(_CLAUSES, agreement_id)


async def superiors_of_each(connection: asyncpg.Connection[Any], ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """For each organisation the bodies above it, up to the top."""
    return {row["id"]: row["above"] for row in await connection.fetch(_SUPERIORS_OF_EACH, ids)}


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
