"""The statements of many changes: the order in which their agreements and tasks are held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

_VISIBLE = "select x.agreement_id from agreement_access x where x.organization_id = $1"
_HOLD_AGREEMENTS = f"""
select a.id from agreement a
where a.id in ({_VISIBLE})
  and (a.id = any($2::uuid[]) or a.id in (select t.agreement_id from task t where t.id = any($3::uuid[])))
order by a.id for no key update of a
"""  # noqa: S608
_HOLD_TASKS = f"""
select t.id from task t where t.id = any($2::uuid[]) and t.agreement_id in ({_VISIBLE})
order by t.id for no key update of t
"""  # noqa: S608


async def hold(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    *,
    agreement_ids: Sequence[UUID],
    task_ids: Sequence[UUID],
) -> None:
    """Lock the rows in one order, so that two callers with the same ones wait for each other and never in a circle.

    The agreements come first: new members of several, whom two callers name in different orders, are rows as well.
    """
    await connection.fetch(_HOLD_AGREEMENTS, organization_id, agreement_ids, task_ids)
    await connection.fetch(_HOLD_TASKS, organization_id, task_ids)
