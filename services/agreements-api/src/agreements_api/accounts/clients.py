"""Rules of district systems and their secrets. All run in the caller's transaction."""

import hmac
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.accounts import repository
from agreements_api.accounts.credentials import digest_of, new_token
from agreements_api.accounts.errors import InvalidApiClient, InvalidClient, InvalidScope
from agreements_api.accounts.models import ApiClient, ClientSecret
from agreements_api.accounts.permissions import relations
from agreements_api.accounts.records import flush_unique, organization_for, scope_of, unique
from agreements_api.accounts.schemas import ClientCreate, ClientPublic, ClientUpdate, SecretPublic
from agreements_api.accounts.told import SECRET, changes_of_client, state_of_client, step_of, tell_of_client
from agreements_api.administration.models import Action
from agreements_api.policy import Role, allowed, scopes
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.problems import FieldError, Forbidden, NotFound


async def actor_of(session: AsyncSession, client_id: str, client_secret: str, scope: str | None) -> Actor:
    """The district system that a `client_credentials` grant is for, with the scopes that it asked for."""
    client = await repository.read_client(session, _as_uuid(client_id))
    known = await repository.secrets_in_force(session, [client.id], at=clock.wall_now()) if client else []
    digest = digest_of(client_secret)
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


async def list_clients(
    session: AsyncSession, actor: Actor, *, organization_id: UUID | None, after: tuple[str, UUID] | None, limit: int
) -> list[ClientPublic]:
    scope = scope_of(actor, "client.read", organization_id)
    clients = await repository.list_clients(session, organization_id=scope, after=after, limit=limit)
    return await _clients_public(session, actor, clients)


async def create_client(session: AsyncSession, actor: Actor, body: ClientCreate) -> tuple[ClientPublic, str]:
    """A district system and its first secret."""
    organization_id = await organization_for(session, actor, "client.create", body.organization_id, InvalidApiClient)
    _check_scopes(body.scopes)
    now = clock.now()
    client = ApiClient(
        organization_id=organization_id,
        name=body.name,
        scopes=unique(body.scopes),
        created_at=now,
        updated_at=now,
    )
    repository.add(session, client)
    tell_of_client(session, actor, client, Action.CREATE, changes_of_client({}, client))
    await flush_unique(session, "/name", InvalidApiClient)
    secret = await _new_secret(session, client)
    return await _client_public(session, actor, client), secret


async def read_client(session: AsyncSession, actor: Actor, client_id: UUID) -> ClientPublic:
    return await _client_public(session, actor, await find_client(session, actor, client_id, "client.read"))


async def find_client(session: AsyncSession, actor: Actor, client_id: UUID, action: str) -> ApiClient:
    """A district system with which the caller may do something; 404 where he sees none."""
    client = await repository.read_client(session, client_id)
    if client is None:
        raise NotFound
    if not allowed(actor, action, relations(actor, organization_id=client.organization_id)):
        raise Forbidden
    return client


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
    before = state_of_client(client)
    for field in given:
        value = getattr(body, field)
        setattr(client, field, unique(value) if field == "scopes" else value)
    changes = changes_of_client(before, client)
    if changes:
        client.version += 1
        client.updated_at = clock.now()
        tell_of_client(session, actor, client, step_of(changes), changes)
        await flush_unique(session, "/name", InvalidApiClient)
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
    tell_of_client(session, actor, client, Action.ROTATE_SECRET, [SECRET])
    value = await _new_secret(session, client)
    return await _client_public(session, actor, client), value


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


async def _new_secret(session: AsyncSession, client: ApiClient) -> str:
    value = new_token()
    repository.add(session, ClientSecret(client_id=client.id, digest=digest_of(value)))
    await session.flush()
    return value


def _as_uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as error:
        raise InvalidClient from error
