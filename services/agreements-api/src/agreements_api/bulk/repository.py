"""The one statement of many changes: the order in which their tasks are held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

_HOLD = """
select t.id from task t
where t.id = any($2::uuid[]) and t.agreement_id in (
    select x.agreement_id from agreement_access x where x.organization_id = $1)
order by t.id for no key update of t
"""


async def hold(connection: asyncpg.Connection[Any], organization_id: UUID | None, ids: Sequence[UUID]) -> None:
    """Lock the rows in one order, so that two callers with the same tasks wait for each other and never in a circle."""
    await connection.fetch(_HOLD, organization_id, ids)
