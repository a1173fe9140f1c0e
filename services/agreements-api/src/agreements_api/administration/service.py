"""Who reads what was done to users, clients and organisations."""

from __future__ import annotations

from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.accounts import clients
from agreements_api.accounts import service as accounts
from agreements_api.administration import repository
from agreements_api.administration.models import SubjectKind
from agreements_api.localities import service as localities
from shared.auth import Actor
from shared.db import driver_connection
from shared.problems import NotFound


async def history_of_user(
    session: AsyncSession, actor: Actor, user_id: UUID, *, before: int | None, limit: int
) -> list[asyncpg.Record]:
    await accounts.read_account(session, actor, user_id, "user.read_history")
    return await _entries(session, SubjectKind.USER, user_id, before=before, limit=limit)


async def history_of_client(
    session: AsyncSession, actor: Actor, client_id: UUID, *, before: int | None, limit: int
) -> list[asyncpg.Record]:
    await clients.find_client(session, actor, client_id, "client.read_history")
    return await _entries(session, SubjectKind.CLIENT, client_id, before=before, limit=limit)


async def history_of_organization(
    session: AsyncSession, actor: Actor, organization_id: UUID, *, before: int | None, limit: int
) -> list[asyncpg.Record]:
    await localities.check_may_read_history(session, actor, organization_id)
    return await _entries(session, SubjectKind.ORGANIZATION, organization_id, before=before, limit=limit)


async def _entries(
    session: AsyncSession, kind: SubjectKind, subject_id: UUID, *, before: int | None, limit: int
) -> list[asyncpg.Record]:
    """Every record has at least one, so that none means: not visible."""
    connection = await driver_connection(session)
    rows = await repository.entries(connection, kind, subject_id, before=before, limit=limit)
    if not rows and before is None:
        raise NotFound
    return rows
