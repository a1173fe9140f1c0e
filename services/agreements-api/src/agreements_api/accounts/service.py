"""Rules of people's accounts: one's own, those of an organisation, the operator's. All in the caller's transaction."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.accounts import invitations, repository
from agreements_api.accounts.answers import me_public, user_public
from agreements_api.accounts.errors import InvalidAccount, LastAdministrator
from agreements_api.accounts.models import Account
from agreements_api.accounts.passwords import Passwords
from agreements_api.accounts.permissions import relations, relations_to
from agreements_api.accounts.records import flush_unique, organization_for, scope_of, unique
from agreements_api.accounts.schemas import MePublic, MeUpdate, UserCreate, UserPublic, UserUpdate
from agreements_api.accounts.sessions import SignedIn, set_password
from agreements_api.accounts.told import changes_of, state_of, step_of, tell_of
from agreements_api.administration.models import Action
from agreements_api.localities.service import announce_people, hold_organization
from agreements_api.policy import Role, allowed
from shared import clock
from shared.auth import SYSTEM, Actor
from shared.etags import check_if_match
from shared.events import Change
from shared.problems import FieldError, Forbidden, NotFound

# What other services know of a person, and are told when it changes.
_TOLD = ("name", "email", "roles", "language", "active")


async def read_me(session: AsyncSession, actor: Actor) -> MePublic:
    if not allowed(actor, "me.read", relations(actor, account_id=actor.id)):
        raise Forbidden
    account = await repository.read_account(session, actor.id)
    if account is None:
        raise NotFound
    return await me_public(session, actor, account)


async def account_of(session: AsyncSession, signed_in: SignedIn) -> MePublic:
    """The account of a session that has just begun."""
    return await read_me(session, signed_in.actor)


async def update_me(
    session: AsyncSession, passwords: Passwords, actor: Actor, if_match: str | None, body: MeUpdate
) -> MePublic:
    """Change one's own name, address, language or password. Within a turn of `passwords` where it is a password."""
    if not allowed(actor, "me.update", relations(actor, account_id=actor.id)):
        raise Forbidden
    account = await repository.lock_account(session, actor.id)
    if account is None:
        raise NotFound
    check_if_match(if_match, account.version)
    before, given = state_of(account), body.model_fields_set
    if "password" in given:
        if "current_password" not in given or not await passwords.verify(account.password_hash, body.current_password):
            wrong = {"vi": "Mật khẩu hiện tại không đúng.", "en": "The current password is not right."}
            raise InvalidAccount(errors=[FieldError("/current_password", "wrong_password", wrong)])
        await set_password(session, passwords, account, body.password)
    for field in given - {"password", "current_password"}:
        setattr(account, field, getattr(body, field))
    await _next_version(session, actor, account, changes_of(before, account, new_password="password" in given))
    return await me_public(session, actor, account)


async def list_users(
    session: AsyncSession,
    actor: Actor,
    *,
    organization_id: UUID | None,
    active: bool | None,
    after: tuple[str, UUID] | None,
    limit: int,
) -> Sequence[Account]:
    """Accounts of the caller's organisation; of any for the operator."""
    scope = scope_of(actor, "user.read", organization_id)
    return await repository.list_accounts(session, organization_id=scope, active=active, after=after, limit=limit)


async def create_user(
    session: AsyncSession, passwords: Passwords, actor: Actor, body: UserCreate, *, lasts: timedelta
) -> tuple[UserPublic, str | None]:
    """An account in one's own organisation, or in any for the operator; without a password, its invitation as well.

    Within a turn of `passwords` where there is a password.
    """
    organization_id = await organization_for(session, actor, "user.create", body.organization_id, InvalidAccount)
    now = clock.now()
    account = Account(
        organization_id=organization_id,
        username=body.username,
        password_hash=await passwords.hash(body.password) if body.password is not None else None,
        name=body.name,
        email=body.email,
        roles=unique(body.roles),
        language=body.language,
        created_at=now,
        updated_at=now,
    )
    token = invitations.issue(account, lasts) if body.password is None else None
    repository.add(session, account)
    tell_of(session, actor, account, Action.CREATE, changes_of({}, account, new_password=token is None))
    await flush_unique(session, "/username", InvalidAccount)
    await announce_people(session, actor, organization_id, [Change(field="people", to=str(account.id))])
    return user_public(actor, account), token


async def read_user(session: AsyncSession, actor: Actor, account_id: UUID) -> UserPublic:
    return user_public(actor, await read_account(session, actor, account_id, "user.read"))


async def update_user(
    session: AsyncSession,
    passwords: Passwords,
    actor: Actor,
    account_id: UUID,
    if_match: str | None,
    body: UserUpdate,
) -> UserPublic:
    """Roles, activity, name, address or a new password of an account. Within a turn where it is a password."""
    account = await repository.lock_account(session, account_id)
    if account is None:
        raise NotFound
    if not allowed(actor, "user.update", relations_to(actor, account)):
        raise Forbidden
    check_if_match(if_match, account.version)
    before, given = state_of(account), body.model_fields_set
    values = {field: getattr(body, field) for field in given - {"password"}}
    if "roles" in values:
        if account.organization_id is None:
            fixed = {"vi": "Vai trò quản trị hệ thống không đổi được.", "en": "The operator's role does not change."}
            raise InvalidAccount(errors=[FieldError("/roles", "not_assignable", fixed)])
        values["roles"] = unique(body.roles)
    await _check_administered(
        session, actor, account, values.get("roles", account.roles), active=values.get("active", account.active)
    )
    if "password" in given:
        invitations.withdraw(account)
        await set_password(session, passwords, account, body.password)
    if values.get("active") is False and account.active:
        await _shut_out(session, account)
    for field, value in values.items():
        setattr(account, field, value)
    await _next_version(session, actor, account, changes_of(before, account, new_password="password" in given))
    return user_public(actor, account)


async def read_account(session: AsyncSession, actor: Actor, account_id: UUID, action: str) -> Account:
    """The account of a person with whom the caller may do something; 404 where he sees none."""
    account = await repository.read_account(session, account_id)
    if account is None:
        raise NotFound
    if not allowed(actor, action, relations_to(actor, account)):
        raise Forbidden
    return account


async def lock_accounts(session: AsyncSession, account_ids: Sequence[UUID]) -> dict[UUID, Account]:
    """Accounts that stay as they are until the end of the transaction; those that the caller sees."""
    return await repository.lock_accounts(session, account_ids)


def may_deactivate(actor: Actor, account: Account) -> bool:
    return allowed(actor, "user.update", relations_to(actor, account))


def tell_of_hand_over(session: AsyncSession, actor: Actor, account: Account, changes: Sequence[Change]) -> None:
    """What somebody had to do, or was reached for, became another's: no version of the account itself."""
    tell_of(session, actor, account, Action.HAND_OVER, changes, at=clock.now())


async def deactivate(session: AsyncSession, actor: Actor, account: Account) -> Change:
    """End an account that the caller holds, and every session of it; the caller writes it and tells others of it."""
    await _check_administered(session, actor, account, account.roles, active=False)
    before = state_of(account)
    await _shut_out(session, account)
    account.active = False
    account.version += 1
    account.updated_at = clock.now()
    tell_of(session, actor, account, Action.DEACTIVATE, changes_of(before, account))
    return Change(field="people", to=str(account.id))


async def ensure_operator(session: AsyncSession, passwords: Passwords, *, username: str, password: str) -> str:
    """The operator's account with this password, made or brought up to it. Within a turn of `passwords`."""
    account = await repository.find_account(session, username)
    if account is None:
        now = clock.now()
        account = Account(
            username=username,
            password_hash=await passwords.hash(password),
            name="Quản trị hệ thống",
            roles=[Role.OPERATOR.value],
            created_at=now,
            updated_at=now,
        )
        repository.add(session, account)
        tell_of(session, SYSTEM, account, Action.CREATE, changes_of({}, account, new_password=True))
        return "created"
    if Role.OPERATOR not in account.roles:
        taken = {"vi": "Tên này thuộc về tài khoản khác.", "en": "The name belongs to another account."}
        raise InvalidAccount(errors=[FieldError("/username", "taken", taken)])
    # The same password again signs nobody out: this runs at every start of an installation.
    if account.active and await passwords.verify(account.password_hash, password):
        return "unchanged"
    before = state_of(account)
    account.active = True
    account.version += 1
    account.updated_at = clock.now()
    await set_password(session, passwords, account, password)
    changes = changes_of(before, account, new_password=True)
    tell_of(session, SYSTEM, account, step_of(changes), changes)
    return "changed"


async def _next_version(session: AsyncSession, actor: Actor, account: Account, changes: Sequence[Change]) -> None:
    """Where anything is another than before; a new password and an invitation are told to no other service."""
    if not changes:
        return
    account.version += 1
    account.updated_at = clock.now()
    tell_of(session, actor, account, step_of(changes), changes)
    await session.flush()
    if account.organization_id is not None and any(change.field in _TOLD for change in changes):
        await announce_people(session, actor, account.organization_id, [Change(field="people", to=str(account.id))])


async def _check_administered(
    session: AsyncSession, actor: Actor, account: Account, roles: Sequence[str], *, active: bool
) -> None:
    """An organisation is not left without anybody who can administer it; who administers all of them can help it."""
    stays = active and Role.ADMINISTRATOR in roles
    if stays or account.organization_id is None or not account.active or Role.ADMINISTRATOR not in account.roles:
        return
    if allowed(actor, "user.update"):
        return
    # Two administrators who remove each other at once do so one after the other.
    await hold_organization(session, account.organization_id)
    if not await repository.has_other_administrator(session, account.organization_id, account.id):
        raise LastAdministrator


async def _shut_out(session: AsyncSession, account: Account) -> None:
    invitations.withdraw(account)
    await repository.revoke_sign_ins(session, account.id, at=clock.wall_now(), because="deactivated")
