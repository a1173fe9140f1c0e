"""Drafts that take open points up: nothing that was carried into one is lost when the draft changes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.provenance import repository
from agreements_api.provenance.models import OpenPointState
from shared.db import as_system, driver_connection


@dataclass(frozen=True)
class Carried:
    """An open point that a draft takes up, whoever sees the agreement that it is of."""

    id: UUID
    state: OpenPointState
    clause_id: UUID | None


async def carried_into(session: AsyncSession, agreement_id: UUID) -> list[Carried]:
    """The points that were carried into an agreement which is held, settled ones among them."""
    connection = await driver_connection(session)
    async with as_system(connection):
        rows = await repository.carried_into(connection, agreement_id)
    return [Carried(row["id"], OpenPointState(row["state"]), row["carried_to_clause_id"]) for row in rows]


async def let_go(session: AsyncSession, points: Collection[Carried]) -> None:
    """For a moment no clause takes these up, so that the clauses can be written anew."""
    await _put(session, {point.id: None for point in points if point.clause_id is not None})


async def take_up(session: AsyncSession, points: Collection[Carried], clause_ids: Collection[UUID]) -> None:
    """The clauses that are still there take up what they took up before."""
    await _put(session, {point.id: point.clause_id for point in points if point.clause_id in clause_ids})


async def _put(session: AsyncSession, clauses: dict[UUID, UUID | None]) -> None:
    if clauses:
        connection = await driver_connection(session)
        async with as_system(connection):
            await repository.put_into_clauses(connection, clauses)
