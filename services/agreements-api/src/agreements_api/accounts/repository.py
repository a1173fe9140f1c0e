"""All SQL of accounts, sessions and clients."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, Executable, any_, literal, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.accounts.models import Account, ApiClient, ClientSecret, RefreshToken, SignIn
from agreements_api.policy import Role
from shared.db import as_system, driver_connection

Row = dict[str, Any]


async def find_account(session: AsyncSession, username: str) -> Account | None:
    return (await session.exec(select(Account).where(Account.username == username))).one_or_none()


async def read_account(session: AsyncSession, account_id: UUID) -> Account | None:
    return await session.get(Account, account_id)


async def lock_account(session: AsyncSession, account_id: UUID) -> Account | None:
    # Not stronger than it must be: sessions that refer to the account may be added meanwhile.
    return await session.get(Account, account_id, with_for_update={"key_share": True}, populate_existing=True)


async def lock_accounts(session: AsyncSession, account_ids: Sequence[UUID]) -> dict[UUID, Account]:
    """Several at once, in one order: two who lock the same ones wait for each other and do not meet in a deadlock."""
    query = (
        select(Account)
        .where(col(Account.id).in_(account_ids))
        .order_by(col(Account.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {account.id: account for account in (await session.exec(query)).all()}


async def lock_invited(session: AsyncSession, digest: bytes) -> Account | None:
    """Whose invitation it is."""
    query = select(Account).where(Account.invitation_digest == digest).with_for_update(key_share=True)
    return (await session.exec(query.execution_options(populate_existing=True))).one_or_none()


async def has_other_administrator(session: AsyncSession, organization_id: UUID, except_id: UUID) -> bool:
    """Whether somebody else can sign in and administer the organisation."""
    query = select(Account.id).where(
        Account.organization_id == organization_id,
        Account.id != except_id,
        col(Account.active),
        col(Account.password_hash).is_not(None),
        literal(Role.ADMINISTRATOR.value) == any_(col(Account.roles)),
    )
    return (await session.exec(query)).first() is not None


async def list_accounts(
    session: AsyncSession,
    *,
    organization_id: UUID | None,
    active: bool | None,
    after: tuple[str, UUID] | None,
    limit: int,
) -> Sequence[Account]:
    """Accounts by username; which ones, beside the filter, is decided by row-level security too."""
    query = select(Account).order_by(col(Account.username)).limit(limit)
    if organization_id is not None:
        query = query.where(Account.organization_id == organization_id)
    if active is not None:
        query = query.where(Account.active == active)
    if after is not None:
        query = query.where(col(Account.username) > after[0])
    return (await session.exec(query)).all()


async def organization_of(session: AsyncSession, organization_id: UUID) -> Row | None:
    result = await _execute(
        session,
        text("select id, name, short_name, kind, unit_id from organization where id = :id"),
        {"id": organization_id},
    )
    row = result.mappings().one_or_none()
    return dict(row) if row else None


async def lock_refresh_token(session: AsyncSession, digest: bytes) -> RefreshToken | None:
    return await session.get(RefreshToken, digest, with_for_update=True)


async def lock_sign_in(session: AsyncSession, session_id: UUID) -> SignIn | None:
    return await session.get(SignIn, session_id, with_for_update=True)


async def revoke_sign_ins(session: AsyncSession, account_id: UUID, *, at: datetime, because: str) -> None:
    """End every session of an account."""
    # Sessions are the system's own under row-level security; that the caller may end these was decided before.
    async with as_system(await driver_connection(session)):
        await _execute(
            session,
            text(
                "update session set revoked_at = :at, revoked_because = :because"
                " where account_id = :account_id and revoked_at is null"
            ),
            {"account_id": account_id, "at": at, "because": because},
        )


async def read_client(session: AsyncSession, client_id: UUID) -> ApiClient | None:
    return await session.get(ApiClient, client_id)


async def lock_client(session: AsyncSession, client_id: UUID) -> ApiClient | None:
    return await session.get(ApiClient, client_id, with_for_update=True, populate_existing=True)


async def list_clients(
    session: AsyncSession, *, organization_id: UUID | None, after: tuple[str, UUID] | None, limit: int
) -> Sequence[ApiClient]:
    query = select(ApiClient).order_by(col(ApiClient.name), col(ApiClient.id)).limit(limit)
    if organization_id is not None:
        query = query.where(ApiClient.organization_id == organization_id)
    if after is not None:
        name, client_id = after
        query = query.where(
            (col(ApiClient.name) > name) | ((col(ApiClient.name) == name) & (col(ApiClient.id) > client_id))
        )
    return (await session.exec(query)).all()


async def secrets_in_force(
    session: AsyncSession, client_ids: Sequence[UUID], *, at: datetime
) -> Sequence[ClientSecret]:
    """The secrets of some clients that are good at a moment, oldest first."""
    query = (
        select(ClientSecret)
        .where(
            col(ClientSecret.client_id).in_(client_ids),
            col(ClientSecret.expires_at).is_(None) | (col(ClientSecret.expires_at) > at),
        )
        .order_by(col(ClientSecret.id))
    )
    return (await session.exec(query)).all()


def add(session: AsyncSession, record: Account | SignIn | RefreshToken | ApiClient | ClientSecret) -> None:
    session.add(record)


async def _execute(session: AsyncSession, statement: Executable, values: Row) -> CursorResult[Any]:
    # Text goes to the connection: what a session adds to `execute` is for entities.
    return await (await session.connection()).execute(statement, values)
