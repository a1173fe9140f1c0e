"""Rules of accounts, sessions, tokens and clients. Every function runs inside the caller's transaction."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.accounts import repository
from agreements_api.accounts.errors import (
    InvalidAccount,
    InvalidApiClient,
    InvalidClient,
    InvalidCredentials,
    InvalidInvitation,
    InvalidScope,
    LastAdministrator,
)
from agreements_api.accounts.models import Account, ApiClient, ClientSecret, RefreshToken, SignIn
from agreements_api.accounts.passwords import Passwords
from agreements_api.accounts.permissions import relations
from agreements_api.accounts.schemas import (
    ClientCreate,
    ClientPublic,
    ClientUpdate,
    InvitationAccepted,
    MePublic,
    MeUpdate,
    OrganizationOfMe,
    SecretPublic,
    UserCreate,
    UserPublic,
    UserUpdate,
)
from agreements_api.history.service import changes_between
from agreements_api.localities.service import announce_people, hold_organization
from agreements_api.policy import Role, allowed, scopes
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.events import Change
from shared.problems import FieldError, Forbidden, NotFound

# What other services know of a person, and are told when it changes.
_TOLD = ("name", "email", "roles", "language", "active")


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
    token = await repository.lock_refresh_token(session, _digest(refresh_token))
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


async def client_actor(session: AsyncSession, client_id: str, client_secret: str, scope: str | None) -> Actor:
    """The district system that a `client_credentials` grant is for, with the scopes that it asked for."""
    client = await repository.read_client(session, _as_uuid(client_id))
    known = await repository.secrets_in_force(session, [client.id], at=clock.wall_now()) if client else []
    digest = _digest(client_secret)
    # Every one is compared, so that the time does not tell how near a guess came.
    matches = [hmac.compare_digest(secret.digest, digest) for secret in known]
    if client is None or not client.active or not any(matches):
        raise InvalidClient
    asked = frozenset(scope.split()) if scope else frozenset(client.scopes)
    if not asked or not asked <= set(client.scopes):
        raise InvalidScope
    organization = await repository.organization_of(session, client.organization_id)
    assert organization is not None
    return Actor(
        id=client.id,
        kind="client",
        name=client.name,
        organization_id=client.organization_id,
        roles=frozenset({Role.CLIENT.value}),
        scopes=asked,
        unit_id=organization["unit_id"],
    )


async def read_me(session: AsyncSession, actor: Actor) -> MePublic:
    if not allowed(actor, "me.read", relations(actor, account_id=actor.id)):
        raise Forbidden
    account = await repository.read_account(session, actor.id)
    if account is None:
        raise NotFound
    return await _me(session, actor, account)


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
    given = body.model_fields_set
    if "password" in given:
        if "current_password" not in given or not await passwords.verify(account.password_hash, body.current_password):
            wrong = {"vi": "Mật khẩu hiện tại không đúng.", "en": "The current password is not right."}
            raise InvalidAccount(errors=[FieldError("/current_password", "wrong_password", wrong)])
        await _set_password(session, passwords, account, body.password)
    values = {field: getattr(body, field) for field in given - {"password", "current_password"}}
    await _change(session, actor, account, values)
    return await _me(session, actor, account)


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
    scope = _scope(actor, "user.read", organization_id)
    return await repository.list_accounts(session, organization_id=scope, active=active, after=after, limit=limit)


async def create_user(
    session: AsyncSession, passwords: Passwords, actor: Actor, body: UserCreate, *, lasts: timedelta
) -> tuple[UserPublic, str | None]:
    """An account in one's own organisation, or in any for the operator; without a password, its invitation as well.

    Within a turn of `passwords` where there is a password.
    """
    organization_id = await _organization_for(session, actor, "user.create", body.organization_id, InvalidAccount)
    now = clock.now()
    account = Account(
        organization_id=organization_id,
        username=body.username,
        password_hash=await passwords.hash(body.password) if body.password is not None else None,
        name=body.name,
        email=body.email,
        roles=_unique(body.roles),
        language=body.language,
        created_at=now,
        updated_at=now,
    )
    token = _invite(account, lasts) if body.password is None else None
    repository.add(session, account)
    await _flush_unique(session, "/username", InvalidAccount)
    await announce_people(session, actor, organization_id, [Change(field="people", to=str(account.id))])
    return user_public(actor, account), token


async def invite(
    session: AsyncSession, actor: Actor, account_id: UUID, if_match: str | None, *, lasts: timedelta
) -> tuple[UserPublic, str]:
    """A new invitation in the place of the one that may be out; until it is accepted, a password stays good."""
    account = await repository.lock_account(session, account_id)
    if account is None:
        raise NotFound
    if not allowed(actor, "user.invite", _relations(actor, account)):
        raise Forbidden
    check_if_match(if_match, account.version)
    if not account.active:
        gone = {"vi": "Tài khoản đã ngừng hoạt động.", "en": "The account is not active."}
        raise InvalidAccount(errors=[FieldError("/active", "not_active", gone)])
    token = _invite(account, lasts)
    account.version += 1
    account.updated_at = clock.now()
    await session.flush()
    return user_public(actor, account), token


async def check_invitation(session: AsyncSession, token: str) -> Account:
    """Whose invitation it is, held; asked before a password is hashed, so that a guess costs nothing."""
    account = await repository.lock_invited(session, _digest(token))
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
    _withdraw_invitation(account)
    account.version += 1
    account.updated_at = clock.now()
    await _set_password(session, passwords, account, password)
    return InvitationAccepted(username=account.username, name=account.name)


async def read_user(session: AsyncSession, actor: Actor, account_id: UUID) -> UserPublic:
    account = await repository.read_account(session, account_id)
    if account is None:
        raise NotFound
    if not allowed(actor, "user.read", _relations(actor, account)):
        raise Forbidden
    return user_public(actor, account)


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
    if not allowed(actor, "user.update", _relations(actor, account)):
        raise Forbidden
    check_if_match(if_match, account.version)
    given = body.model_fields_set
    values = {field: getattr(body, field) for field in given - {"password"}}
    if "roles" in values:
        if account.organization_id is None:
            fixed = {"vi": "Vai trò quản trị hệ thống không đổi được.", "en": "The operator's role does not change."}
            raise InvalidAccount(errors=[FieldError("/roles", "not_assignable", fixed)])
        values["roles"] = _unique(body.roles)
    await _check_administered(
        session, actor, account, values.get("roles", account.roles), active=values.get("active", account.active)
    )
    if "password" in given:
        _withdraw_invitation(account)
        await _set_password(session, passwords, account, body.password)
    if values.get("active") is False and account.active:
        await _shut_out(session, account)
    await _change(session, actor, account, values)
    return user_public(actor, account)


async def read_account(session: AsyncSession, actor: Actor, account_id: UUID, action: str) -> Account:
    """The account of a person with whom the caller may do something; 404 where he sees none."""
    account = await repository.read_account(session, account_id)
    if account is None:
        raise NotFound
    if not allowed(actor, action, _relations(actor, account)):
        raise Forbidden
    return account


async def lock_accounts(session: AsyncSession, account_ids: Sequence[UUID]) -> dict[UUID, Account]:
    """Accounts that stay as they are until the end of the transaction; those that the caller sees."""
    return await repository.lock_accounts(session, account_ids)


def may_deactivate(actor: Actor, account: Account) -> bool:
    return allowed(actor, "user.update", _relations(actor, account))


async def deactivate(session: AsyncSession, actor: Actor, account: Account) -> Change:
    """End an account that the caller holds, and every session of it; the caller tells of the change."""
    await _check_administered(session, actor, account, account.roles, active=False)
    await _shut_out(session, account)
    account.active = False
    account.version += 1
    account.updated_at = clock.now()
    await session.flush()
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
        return "created"
    if Role.OPERATOR not in account.roles:
        taken = {"vi": "Tên này thuộc về tài khoản khác.", "en": "The name belongs to another account."}
        raise InvalidAccount(errors=[FieldError("/username", "taken", taken)])
    # The same password again signs nobody out: this runs at every start of an installation.
    if account.active and await passwords.verify(account.password_hash, password):
        return "unchanged"
    account.active = True
    account.version += 1
    account.updated_at = clock.now()
    await _set_password(session, passwords, account, password)
    return "changed"


async def list_clients(
    session: AsyncSession, actor: Actor, *, organization_id: UUID | None, after: tuple[str, UUID] | None, limit: int
) -> list[ClientPublic]:
    scope = _scope(actor, "client.read", organization_id)
    clients = await repository.list_clients(session, organization_id=scope, after=after, limit=limit)
    return await _clients_public(session, actor, clients)


async def create_client(session: AsyncSession, actor: Actor, body: ClientCreate) -> tuple[ClientPublic, str]:
    """A district system and its first secret."""
    organization_id = await _organization_for(session, actor, "client.create", body.organization_id, InvalidApiClient)
    _check_scopes(body.scopes)
    now = clock.now()
    client = ApiClient(
        organization_id=organization_id,
        name=body.name,
        scopes=_unique(body.scopes),
        created_at=now,
        updated_at=now,
    )
    repository.add(session, client)
    await _flush_unique(session, "/name", InvalidApiClient)
    secret = await _new_secret(session, client)
    return await _client_public(session, actor, client), secret


async def read_client(session: AsyncSession, actor: Actor, client_id: UUID) -> ClientPublic:
    client = await repository.read_client(session, client_id)
    if client is None:
        raise NotFound
    if not allowed(actor, "client.read", relations(actor, organization_id=client.organization_id)):
        raise Forbidden
    return await _client_public(session, actor, client)


async def update_client(
    session: AsyncSession, actor: Actor, client_id: UUID, if_match: str | None, body: ClientUpdate
) -> ClientPublic:
    """Name, scopes and activity; a token that is out keeps what it says until it expires by itself."""
    client = await repository.lock_client(session, client_id)
    if client is None:
        raise NotFound
    if not allowed(actor, "client.update", relations(actor, organization_id=client.organization_id)):
        raise Forbidden
    check_if_match(if_match, client.version)
    given = body.model_fields_set
    if "scopes" in given:
        _check_scopes(body.scopes)
    before = client.model_dump()
    for field in given:
        value = getattr(body, field)
        setattr(client, field, _unique(value) if field == "scopes" else value)
    if client.model_dump() != before:
        client.version += 1
        client.updated_at = clock.now()
        await _flush_unique(session, "/name", InvalidApiClient)
    return await _client_public(session, actor, client)


async def rotate_secret(
    session: AsyncSession, actor: Actor, client_id: UUID, if_match: str | None, *, overlap: timedelta
) -> tuple[ClientPublic, str]:
    """A new secret; the ones so far stay good for the overlap, so that a system can change over without a pause."""
    client = await repository.lock_client(session, client_id)
    if client is None:
        raise NotFound
    if not allowed(actor, "client.rotate", relations(actor, organization_id=client.organization_id)):
        raise Forbidden
    check_if_match(if_match, client.version)
    now = clock.wall_now()
    for secret in await repository.secrets_in_force(session, [client_id], at=now):
        ends = now + overlap
        secret.expires_at = ends if secret.expires_at is None else min(secret.expires_at, ends)
    client.version += 1
    client.updated_at = clock.now()
    value = await _new_secret(session, client)
    return await _client_public(session, actor, client), value


def user_public(actor: Actor, account: Account) -> UserPublic:
    held = _relations(actor, account)
    actions = [step for step in ("update", "invite") if allowed(actor, f"user.{step}", held)]
    return UserPublic.model_validate(_shown(account) | {"allowed_actions": actions})


async def _client_public(session: AsyncSession, actor: Actor, client: ApiClient) -> ClientPublic:
    (shown,) = await _clients_public(session, actor, [client])
    return shown


async def _clients_public(session: AsyncSession, actor: Actor, clients: Sequence[ApiClient]) -> list[ClientPublic]:
    known: dict[UUID, list[SecretPublic]] = {client.id: [] for client in clients}
    for secret in await repository.secrets_in_force(session, list(known), at=clock.wall_now()):
        shown = SecretPublic.model_validate(secret.model_dump(exclude={"client_id", "digest"}))
        known[secret.client_id].append(shown)
    return [
        ClientPublic.model_validate(
            {**client.model_dump(), "secrets": known[client.id], "allowed_actions": _client_actions(actor, client)}
        )
        for client in clients
    ]


def _client_actions(actor: Actor, client: ApiClient) -> list[str]:
    held = list(relations(actor, organization_id=client.organization_id))
    return [step for step in ("update", "rotate") if allowed(actor, f"client.{step}", held)]


async def _me(session: AsyncSession, actor: Actor, account: Account) -> MePublic:
    organization = (
        await repository.organization_of(session, account.organization_id) if account.organization_id else None
    )
    actions = ["update"] if allowed(actor, "me.update", relations(actor, account_id=account.id)) else []
    return MePublic.model_validate(
        {
            **_shown(account),
            "allowed_actions": actions,
            "organization": OrganizationOfMe.model_validate(organization) if organization else None,
        }
    )


def _shown(account: Account) -> dict[str, Any]:
    shown = account.model_dump(exclude={"password_hash", "invitation_digest", "invitation_expires_at"})
    return shown | {"invited_until": account.invitation_expires_at}


def _relations(actor: Actor, account: Account) -> list[str]:
    return list(relations(actor, account_id=account.id, organization_id=account.organization_id))


def _scope(actor: Actor, action: str, organization_id: UUID | None) -> UUID | None:
    """The organisation whose records are listed; none means every one, for those who may."""
    if allowed(actor, action):
        return organization_id
    own = actor.organization_id
    if own is None or not allowed(actor, action, relations(actor, organization_id=own)):
        raise Forbidden
    if organization_id not in (None, own):
        raise NotFound
    return own


async def _organization_for(
    session: AsyncSession,
    actor: Actor,
    action: str,
    organization_id: UUID | None,
    problem: type[InvalidAccount] | type[InvalidApiClient],
) -> UUID:
    """The organisation that the new record belongs to."""
    chosen = organization_id or actor.organization_id
    if chosen is None:
        if not allowed(actor, action):
            raise Forbidden
        missing = {"vi": "Cần nêu cơ quan.", "en": "Name the organisation."}
        raise problem(errors=[FieldError("/organization_id", "missing", missing)])
    if not allowed(actor, action, relations(actor, organization_id=chosen)):
        raise Forbidden
    if await repository.organization_of(session, chosen) is None:
        unknown = {"vi": "Không có bản ghi này.", "en": "There is no such record."}
        raise problem(errors=[FieldError("/organization_id", "unknown_reference", unknown)])
    return chosen


async def _change(session: AsyncSession, actor: Actor, account: Account, values: dict[str, Any]) -> None:
    before = {field: getattr(account, field) for field in _TOLD}
    for field, value in values.items():
        setattr(account, field, value)
    account.version += 1
    account.updated_at = clock.now()
    await session.flush()
    changes = changes_between(before, {field: getattr(account, field) for field in _TOLD}, _TOLD)
    if changes and account.organization_id is not None:
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
    _withdraw_invitation(account)
    await repository.revoke_sign_ins(session, account.id, at=clock.wall_now(), because="deactivated")


def _invite(account: Account, lasts: timedelta) -> str:
    token = secrets.token_urlsafe(32)
    account.invitation_digest = _digest(token)
    account.invitation_expires_at = clock.wall_now() + lasts
    return token


def _withdraw_invitation(account: Account) -> None:
    account.invitation_digest = account.invitation_expires_at = None


def _check_scopes(asked: Sequence[str]) -> None:
    known = scopes()
    unknown = {"vi": f"Phạm vi phải thuộc: {', '.join(known)}.", "en": f"A scope is one of {', '.join(known)}."}
    errors = [
        FieldError(f"/scopes/{index}", "unknown_scope", unknown)
        for index, scope in enumerate(asked)
        if scope not in known
    ]
    if errors:
        raise InvalidApiClient(errors=errors)


async def _set_password(session: AsyncSession, passwords: Passwords, account: Account, password: str) -> None:
    account.password_hash = await passwords.hash(password)
    await repository.revoke_sign_ins(session, account.id, at=clock.wall_now(), because="password_changed")


async def _renewed(session: AsyncSession, account: Account, record: SignIn) -> SignedIn:
    value = secrets.token_urlsafe(32)
    repository.add(session, RefreshToken(digest=_digest(value), session_id=record.id))
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


async def _new_secret(session: AsyncSession, client: ApiClient) -> str:
    value = secrets.token_urlsafe(32)
    repository.add(session, ClientSecret(client_id=client.id, digest=_digest(value)))
    await session.flush()
    return value


async def _flush_unique(
    session: AsyncSession, pointer: str, problem: type[InvalidAccount] | type[InvalidApiClient]
) -> None:
    """Names are unique beyond what the caller can see, so only the database can tell."""
    try:
        await session.flush()
    except IntegrityError as error:
        taken = {"vi": "Tên này đã được dùng.", "en": "The name is taken."}
        raise problem(errors=[FieldError(pointer, "taken", taken)]) from error


def _end(record: SignIn, at: datetime, because: str) -> None:
    if record.revoked_at is None:
        record.revoked_at, record.revoked_because = at, because


def _digest(value: str) -> bytes:
    # Tokens and secrets are random and long: a plain digest cannot be guessed back, and is found by an index.
    return hashlib.sha256(value.encode()).digest()


def _as_uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as error:
        raise InvalidClient from error


def _unique(values: Sequence[str]) -> list[str]:
    return [str(value) for value in dict.fromkeys(values)]
