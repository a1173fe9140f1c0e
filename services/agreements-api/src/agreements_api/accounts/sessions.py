"""Rules of sessions: begun with a password, renewed by tokens, ended. All run in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.accounts import repository
from agreements_api.accounts.credentials import digest_of, new_token
from agreements_api.accounts.errors import InvalidCredentials
from agreements_api.accounts.models import Account, RefreshToken, SignIn
from agreements_api.accounts.passwords import Passwords
from shared import clock
from shared.auth import Actor
from shared.problems import NotFound


@dataclass(frozen=True)
class SignedIn:
    """A session and the token that renews it next; the token is known here and to its holder only."""

    actor: Actor
    refresh_token: str
    session_id: UUID
    expires_at: datetime


async def sign_in(
    session: AsyncSession, passwords: Passwords, *, username: str, password: str, lasts: timedelta
) -> SignedIn:
    """A new session. Within a turn of `passwords`; whatever is wrong reads and takes the same."""
    account = await repository.find_account(session, username.lower())
    checked = account.password_hash if account is not None else None
    if not await passwords.verify(checked, password) or account is None:
        raise InvalidCredentials
    # Between the reading and now the account may have changed; from here on it stays as it is.
    account = await repository.lock_account(session, account.id)
    if account is None or not account.active or account.password_hash is None or account.password_hash != checked:
        raise InvalidCredentials
    if passwords.is_outdated(account.password_hash):
        account.password_hash = await passwords.hash(password)
    record = SignIn(account_id=account.id, expires_at=clock.wall_now() + lasts)
    repository.add(session, record)
    await session.flush()
    return await _renewed(session, account, record)


async def renew(session: AsyncSession, refresh_token: str) -> SignedIn | None:
    """The next tokens of a session, or none.

    A token that comes a second time was stolen from one of its two holders, and nobody can tell which is which: the
    session ends. It ends by a change of the database, so the caller must commit and only then answer 401.
    """
    token = await repository.lock_refresh_token(session, digest_of(refresh_token))
    if token is None:
        return None
    record = await repository.lock_sign_in(session, token.session_id)
    assert record is not None
    now = clock.wall_now()
    if token.used_at is not None:
        _end(record, now, "token_reused")
        return None
    if record.revoked_at is not None or record.expires_at <= now:
        return None
    account = await repository.read_account(session, record.account_id)
    if account is None or not account.active:
        _end(record, now, "deactivated")
        return None
    token.used_at = now
    return await _renewed(session, account, record)


async def sign_out(session: AsyncSession, actor: Actor) -> None:
    """End the caller's session; the access token stays good until it expires by itself."""
    record = await repository.lock_sign_in(session, actor.session_id) if actor.session_id else None
    if record is None or record.account_id != actor.id:
        raise NotFound
    _end(record, clock.wall_now(), "signed_out")


async def set_password(session: AsyncSession, passwords: Passwords, account: Account, password: str) -> None:
    """The account's password from now on; the sessions under the one before it end."""
    account.password_hash = await passwords.hash(password)
    await repository.revoke_sign_ins(session, account.id, at=clock.wall_now(), because="password_changed")


async def _renewed(session: AsyncSession, account: Account, record: SignIn) -> SignedIn:
    value = new_token()
    repository.add(session, RefreshToken(digest=digest_of(value), session_id=record.id))
    organization = (
        await repository.organization_of(session, account.organization_id) if account.organization_id else None
    )
    actor = Actor(
        id=account.id,
        kind="user",
        name=account.name,
        organization_id=account.organization_id,
        roles=frozenset(account.roles),
        unit_id=organization["unit_id"] if organization else None,
        session_id=record.id,
    )
    return SignedIn(actor, value, record.id, record.expires_at)


def _end(record: SignIn, at: datetime, because: str) -> None:
    if record.revoked_at is None:
        record.revoked_at, record.revoked_because = at, because
