"""All SQL that reads history; it is written with the change that it tells of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

_LIST = """
select h.version, json_build_object(
    'version', h.version, 'action', h.action, 'occurred_at', h.occurred_at,
    'actor', json_build_object('id', h.actor_id, 'kind', h.actor_kind, 'name', h.actor_name,
                               'organization_id', h.organization_id),
    'changes', h.changes, 'remark', h.remark)::text as body
from history h
where h.subject_id = $1 and h.version < $2
  and h.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $3)
order by h.version desc limit $4
"""
NEWEST = 2**31 - 1


async def list_changes(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    subject_id: UUID,
    *,
    before: int | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Changes of one record, the newest first."""
    return await connection.fetch(_LIST, subject_id, NEWEST if before is None else before, organization_id, limit)
