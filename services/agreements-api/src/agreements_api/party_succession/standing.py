"""Who stands to an agreement today, in SQL, for records that name an organisation of their own day.

A meeting names its host and an obstacle whoever raised it. The name stays as it was; who may act by it follows from
where that organisation's place in the agreement is by now: docs/successions.md. Arguments are columns or values of the
statement that this becomes a part of. The functions are those of migration 0029, which what waits for somebody
(`open_work`) is told by as well.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg


def stands(agreement: str, organization: str) -> str:
    """Whether it is more than a reader of what it once took part in."""
    return f"place_stands({agreement}, {organization})"


def acts(agreement: str, organization: str) -> str:
    """Whether it can still do something with what is its own there: bodies of ended units do nothing that they read.

    Where a unit goes on, its own stays its own, even if it takes part in nothing else there.
    """
    return f"place_acts({agreement}, {organization})"


def in_place_of(agreement: str, organization: str) -> str:
    """Whoever acts for an organisation in the agreement today, most often itself; null where nobody does."""
    return f"place_in_agreement({agreement}, {organization})"


def in_task(agreement: str, task: str, parties: str, organization: str) -> str:
    """Whoever has the place of a party of a task today; null where nobody does.

    The parties of a task that is over stay as they were: who stands to it in their place is told by relations alone. An
    old body that somebody has given something else in the agreement has not come back to this by that.
    """
    return f"place_in_task({agreement}, {task}, {parties}, {organization})"


def in_place_at(agreement: str, task: str, parties: str, organization: str) -> str:
    """Whoever acts at a task today for an organisation that did something there, with a place in it or without one."""
    return f"place_beside_task({agreement}, {task}, {parties}, {organization})"


_NAME = f"select o.name from organization o where o.id = $2 and {stands('$1', 'o.id')}"  # noqa: S608


async def standing_name(connection: asyncpg.Connection[Any], agreement_id: UUID, organization_id: UUID) -> str | None:
    """What an organisation is called that stands in the agreement; None where it does not."""
    name: str | None = await connection.fetchval(_NAME, agreement_id, organization_id)
    return name
