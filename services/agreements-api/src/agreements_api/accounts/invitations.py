"""Rules of invitations, by which people choose their passwords. All run in the caller's transaction."""

from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.accounts import repository
from agreements_api.accounts.answers import user_public
from agreements_api.accounts.credentials import digest_of, new_token
from agreements_api.accounts.errors import InvalidAccount, InvalidInvitation
from agreements_api.accounts.models import Account
from agreements_api.accounts.passwords import Passwords
from agreements_api.accounts.permissions import relations_to
from agreements_api.accounts.schemas import InvitationAccepted, UserPublic
from agreements_api.accounts.sessions import set_password
from agreements_api.accounts.told import changes_of, state_of, tell_of
from agreements_api.administration.models import Action
from agreements_api.policy import allowed
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.problems import FieldError, Forbidden, NotFound


async def invite(
    session: AsyncSession, actor: Actor, account_id: UUID, if_match: str | None, *, lasts: timedelta
) -> tuple[UserPublic, str]:
    """A new invitation in the place of the one that may be out; until it is accepted, a password stays good."""
    account = await repository.lock_account(session, account_id)
    if account is None:
        raise NotFound
    if not allowed(actor, "user.invite", relations_to(actor, account)):
        raise Forbidden
    check_if_match(if_match, account.version)
    if not account.active:
        gone = {"vi": "Tài khoản đã ngừng hoạt động.", "en": "The account is not active."}
        raise InvalidAccount(errors=[FieldError("/active", "not_active", gone)])
    before = state_of(account)
    token = issue(account, lasts)
    account.version += 1
    account.updated_at = clock.now()
    tell_of(session, actor, account, Action.INVITE, changes_of(before, account))
    await session.flush()
    return user_public(actor, account), token


async def check_invitation(session: AsyncSession, token: str) -> Account:
    """Whose invitation it is, held; asked before a password is hashed, so that a guess costs nothing."""
    account = await repository.lock_invited(session, digest_of(token))
    if account is None or not account.active or account.invitation_expires_at is None:
        raise InvalidInvitation
    if account.invitation_expires_at <= clock.wall_now():
        raise InvalidInvitation
    return account


async def accept_invitation(
    session: AsyncSession, passwords: Passwords, *, token: str, password: str
) -> InvitationAccepted:
    """The password that the person chose; the invitation is used up. Within a turn of `passwords`."""
    account = await check_invitation(session, token)
    before = state_of(account)
    withdraw(account)
    account.version += 1
    account.updated_at = clock.now()
    await set_password(session, passwords, account, password)
    # Whoever holds the invitation is the person that it was given to: nobody has signed in yet.
    person = Actor(id=account.id, kind="user", name=account.name, organization_id=account.organization_id)
    tell_of(session, person, account, Action.ACCEPT_INVITATION, changes_of(before, account, new_password=True))
    return InvitationAccepted(username=account.username, name=account.name)


def issue(account: Account, lasts: timedelta) -> str:
    """The one invitation that is out for the account, as its holder is told it."""
    token = new_token()
    account.invitation_digest = digest_of(token)
    account.invitation_expires_at = clock.wall_now() + lasts
    return token


def withdraw(account: Account) -> None:
    account.invitation_digest = account.invitation_expires_at = None
