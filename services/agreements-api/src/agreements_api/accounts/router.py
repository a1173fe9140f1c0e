"""HTTP of sessions, tokens, one's own account, users and clients."""

import base64
import binascii
from datetime import timedelta
from typing import Annotated
from urllib.parse import unquote_plus
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response

from agreements_api.accounts import clients, invitations, service, sessions
from agreements_api.accounts.answers import user_public
from agreements_api.accounts.errors import (
    InvalidClient,
    InvalidCredentials,
    InvalidGrant,
    InvalidTokenRequest,
    UnsupportedGrant,
)
from agreements_api.accounts.schemas import (
    ClientCreate,
    ClientPublic,
    ClientUpdate,
    ClientWithSecret,
    Invitation,
    InvitationAccept,
    InvitationAccepted,
    KeySet,
    MePublic,
    MeUpdate,
    SecretRotate,
    SessionCreate,
    SessionPublic,
    TokenPublic,
    UserCreate,
    UserInvited,
    UserPublic,
    UserUpdate,
)
from agreements_api.config import Settings
from agreements_api.dependencies import AttemptsDep, IssuerDep, PasswordsDep, SettingsDep
from agreements_api.representation import json_response, page_response, record_response
from shared.auth import SYSTEM, Actor, TokenIssuer
from shared.dependencies import (
    PAGE,
    ActorDep,
    CursorParameter,
    CursorsDep,
    DatabaseDep,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    Limit,
    SessionDep,
)
from shared.etags import unless_held
from shared.idempotency import run_idempotent
from shared.pagination import cut
from shared.problems import ServiceUnavailable
from shared.schemas import Page

router = APIRouter(tags=["accounts"])

_NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}
OfOrganization = Annotated[UUID | None, Query(description="Of this organisation; the operator sees all without it.")]


@router.post("/sessions", operation_id="sign_in", status_code=201, response_model=SessionPublic)
async def sign_in(
    body: SessionCreate,
    request: Request,
    database: DatabaseDep,
    passwords: PasswordsDep,
    attempts: AttemptsDep,
    issuer: IssuerDep,
    settings: SettingsDep,
) -> Response:
    """Sign in with name and password: an access token, and a refresh token that renews it once.

    A wrong password, an unknown name and a deactivated account get the same 401. 429 after too many of them.
    """
    address = _address(request)
    name = body.username.lower()
    attempts.check(name, address)
    try:
        async with passwords.turn(), database.transaction(SYSTEM) as session:
            signed_in = await sessions.sign_in(
                session,
                passwords,
                username=name,
                password=body.password,
                lasts=timedelta(days=settings.session_days),
            )
            account = await service.account_of(session, signed_in)
    except InvalidCredentials:
        attempts.failed(name, address)
        raise
    attempts.succeeded(name, address)
    shown = SessionPublic(
        **_tokens(issuer, settings, signed_in.actor, signed_in.refresh_token).model_dump(),
        session_id=signed_in.session_id,
        session_expires_at=signed_in.expires_at,
        account=account,
    )
    return json_response(shown.model_dump_json(), status_code=201, headers=_NOT_STORED)


@router.delete("/sessions/current", operation_id="sign_out", status_code=204, response_class=Response)
async def sign_out(database: DatabaseDep, actor: ActorDep) -> Response:
    """End the session that the access token belongs to: it can no longer be renewed."""
    async with database.transaction(SYSTEM) as session:
        await sessions.sign_out(session, actor)
    return Response(status_code=204)


@router.post("/oauth/token", operation_id="issue_token", response_model=TokenPublic)
async def issue_token(
    request: Request,
    database: DatabaseDep,
    issuer: IssuerDep,
    settings: SettingsDep,
    grant_type: Annotated[
        str,
        Form(max_length=100, description="`refresh_token` or `client_credentials`.", examples=["refresh_token"]),
    ],
    refresh_token: Annotated[str | None, Form(max_length=500, examples=["1c7V…"])] = None,
    client_id: Annotated[str | None, Form(max_length=100)] = None,
    client_secret: Annotated[str | None, Form(max_length=500)] = None,
    scope: Annotated[
        str | None, Form(max_length=2000, description="Some of the client's scopes, separated by blanks.")
    ] = None,
) -> Response:
    """The token endpoint of RFC 6749; a client authenticates by form fields or by Basic.

    A refresh token is good once: where it comes a second time, its whole session ends. Errors are problem documents
    that carry RFC 6749's own name in `error`.
    """
    if grant_type == "refresh_token":
        if not refresh_token:
            raise InvalidTokenRequest
        tokens = await _refreshed(database, issuer, settings, refresh_token)
    elif grant_type == "client_credentials":
        identity, secret = _client_credentials(request, client_id, client_secret)
        async with database.transaction(SYSTEM) as session:
            actor = await clients.actor_of(session, identity, secret, scope)
        tokens = _tokens(issuer, settings, actor, None)
    else:
        raise UnsupportedGrant
    return json_response(tokens.model_dump_json(exclude_none=True), headers=_NOT_STORED)


@router.get("/.well-known/jwks.json", operation_id="read_key_set", response_model=KeySet)
async def read_key_set(issuer: IssuerDep) -> Response:
    """The public keys that access tokens are signed with."""
    try:
        keys = KeySet.model_validate(issuer.jwks())
    except FileNotFoundError as error:
        raise _NoKeys from error
    return json_response(keys.model_dump_json(), headers={"Cache-Control": "public, max-age=300"})


@router.get("/me", operation_id="read_me", response_model=MePublic)
async def read_me(session: SessionDep, actor: ActorDep, if_none_match: IfNoneMatch = None) -> Response:
    """One's own account and its organisation."""
    me = await service.read_me(session, actor)
    return unless_held(if_none_match, _shown(me))


@router.patch("/me", operation_id="update_me", response_model=MePublic)
async def update_me(
    body: MeUpdate,
    request: Request,
    database: DatabaseDep,
    passwords: PasswordsDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Change one's own name, address, language or password by a merge patch (RFC 7396)."""
    given = body.password if "password" in body.model_fields_set else None
    async with passwords.turn_for(given), database.transaction(actor) as session:

        async def handle() -> Response:
            return _shown(await service.update_me(session, passwords, actor, if_match, body))

        return await run_idempotent(request, session, actor, key, handle)


@router.get("/users", operation_id="list_users", response_model=Page[UserPublic])
async def list_users(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    organization: OfOrganization = None,
    active: Annotated[bool | None, Query(description="Only active ones, or only the others.")] = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Accounts of one's own organisation by username."""
    after = _after(cursors.decode("users", cursor)) if cursor is not None else None
    rows = await service.list_users(
        session, actor, organization_id=organization, active=active, after=after, limit=limit + 1
    )
    items, last = cut(list(rows), limit)
    return page_response(
        request,
        [user_public(actor, account).model_dump_json() for account in items],
        cursors.encode("users", [last.username, last.id]) if last else None,
        None,
    )


@router.post("/users", operation_id="create_user", status_code=201, response_model=UserInvited)
async def create_user(
    body: UserCreate,
    request: Request,
    database: DatabaseDep,
    passwords: PasswordsDep,
    actor: ActorDep,
    settings: SettingsDep,
    key: IdempotencyKey,
) -> Response:
    """An account in one's own organisation; the operator names any.

    Without a password the answer holds an invitation: its token is told this once, and whoever has it chooses the
    password at `/invitations/accept`.
    """
    told: list[str] = []
    lasts = timedelta(hours=settings.invitation_hours)
    async with passwords.turn_for(body.password), database.transaction(actor) as session:

        async def handle() -> Response:
            user, token = await service.create_user(session, passwords, actor, body, lasts=lasts)
            if token is not None:
                told.append(token)
            return _without_token(user, status_code=201, location=f"/v1/users/{user.id}")

        response = await run_idempotent(request, session, actor, key, handle)
    return _with_token(response, told)


@router.post("/users/{user_id}/invite", operation_id="invite_user", response_model=UserInvited)
async def invite_user(
    user_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    settings: SettingsDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """A new invitation, for who has not accepted the last one or forgot the password; the last one is void."""
    told: list[str] = []
    lasts = timedelta(hours=settings.invitation_hours)

    async def handle() -> Response:
        user, token = await invitations.invite(session, actor, user_id, if_match, lasts=lasts)
        told.append(token)
        return _without_token(user)

    return _with_token(await run_idempotent(request, session, actor, key, handle), told)


@router.post("/invitations/accept", operation_id="accept_invitation", response_model=InvitationAccepted)
async def accept_invitation(body: InvitationAccept, database: DatabaseDep, passwords: PasswordsDep) -> Response:
    """Choose the password of the account that one was invited to; asks for no token but the invitation's own.

    It is good once: 422 for one that is unknown, used, replaced or too old. Sessions that the account had end.
    """
    async with database.transaction(SYSTEM) as session:
        await invitations.check_invitation(session, body.token)
    async with passwords.turn(), database.transaction(SYSTEM) as session:
        accepted = await invitations.accept_invitation(session, passwords, token=body.token, password=body.password)
    return json_response(accepted.model_dump_json(), headers=_NOT_STORED)


@router.get("/users/{user_id}", operation_id="read_user", response_model=UserPublic)
async def read_user(user_id: UUID, session: SessionDep, actor: ActorDep, if_none_match: IfNoneMatch = None) -> Response:
    """An account of one's own organisation."""
    user = await service.read_user(session, actor, user_id)
    return unless_held(if_none_match, _shown(user))


@router.patch("/users/{user_id}", operation_id="update_user", response_model=UserPublic)
async def update_user(
    user_id: UUID,
    body: UserUpdate,
    request: Request,
    database: DatabaseDep,
    passwords: PasswordsDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Change roles, activity, name, address, language or password by a merge patch (RFC 7396)."""
    given = body.password if "password" in body.model_fields_set else None
    async with passwords.turn_for(given), database.transaction(actor) as session:

        async def handle() -> Response:
            return _shown(await service.update_user(session, passwords, actor, user_id, if_match, body))

        return await run_idempotent(request, session, actor, key, handle)


@router.get("/clients", operation_id="list_clients", response_model=Page[ClientPublic])
async def list_clients(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    organization: OfOrganization = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """District systems that call in the organisation's name, by name."""
    after = _after(cursors.decode("clients", cursor)) if cursor is not None else None
    rows = await clients.list_clients(session, actor, organization_id=organization, after=after, limit=limit + 1)
    items, last = cut(rows, limit)
    return page_response(
        request,
        [client.model_dump_json() for client in items],
        cursors.encode("clients", [last.name, last.id]) if last else None,
        None,
    )


@router.post("/clients", operation_id="create_client", status_code=201, response_model=ClientWithSecret)
async def create_client(
    body: ClientCreate, request: Request, database: DatabaseDep, actor: ActorDep, key: IdempotencyKey
) -> Response:
    """Register a district system; its secret is told in this answer only."""
    told: list[str] = []

    async def handle() -> Response:
        client, secret = await clients.create_client(session, actor, body)
        told.append(secret)
        return _without_secret(client, status_code=201)

    async with database.transaction(actor) as session:
        response = await run_idempotent(request, session, actor, key, handle)
    return _with_secret(response, told)


@router.get("/clients/{client_id}", operation_id="read_client", response_model=ClientPublic)
async def read_client(
    client_id: UUID, session: SessionDep, actor: ActorDep, if_none_match: IfNoneMatch = None
) -> Response:
    """A district system and which of its secrets are in force."""
    client = await clients.read_client(session, actor, client_id)
    return unless_held(if_none_match, _shown(client))


@router.patch("/clients/{client_id}", operation_id="update_client", response_model=ClientPublic)
async def update_client(
    client_id: UUID,
    body: ClientUpdate,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Change name, scopes or activity by a merge patch (RFC 7396); one that is not active gets no more tokens."""

    async def handle() -> Response:
        return _shown(await clients.update_client(session, actor, client_id, if_match, body))

    return await run_idempotent(request, session, actor, key, handle)


@router.post("/clients/{client_id}/rotate-secret", operation_id="rotate_client_secret", response_model=ClientWithSecret)
async def rotate_client_secret(
    client_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    settings: SettingsDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
    body: SecretRotate | None = None,
) -> Response:
    """A new secret; the ones so far stay good for a while, or end now with `overlap_hours` 0."""
    asked = body.overlap_hours if body is not None else None
    overlap = timedelta(hours=settings.secret_overlap_hours if asked is None else asked)
    told: list[str] = []

    async def handle() -> Response:
        client, secret = await clients.rotate_secret(session, actor, client_id, if_match, overlap=overlap)
        told.append(secret)
        return _without_secret(client)

    async with database.transaction(actor) as session:
        response = await run_idempotent(request, session, actor, key, handle)
    return _with_secret(response, told)


class _NoKeys(ServiceUnavailable):
    """Nobody has made a signing key yet: an installation's matter, not the caller's."""


async def _refreshed(database: DatabaseDep, issuer: TokenIssuer, settings: Settings, token: str) -> TokenPublic:
    async with database.transaction(SYSTEM) as session:
        renewed = await sessions.renew(session, token)
    # Only now: an exception inside the block would take back that the session was ended.
    if renewed is None:
        raise InvalidGrant
    return _tokens(issuer, settings, renewed.actor, renewed.refresh_token)


def _tokens(issuer: TokenIssuer, settings: Settings, actor: Actor, refresh_token: str | None) -> TokenPublic:
    lasts = timedelta(minutes=settings.access_token_minutes)
    try:
        access_token = issuer.issue(actor, lasts)
    except FileNotFoundError as error:
        raise _NoKeys from error
    return TokenPublic(
        access_token=access_token,
        expires_in=int(lasts.total_seconds()),
        refresh_token=refresh_token,
        scope=" ".join(sorted(actor.scopes)) or None,
    )


def _client_credentials(request: Request, client_id: str | None, client_secret: str | None) -> tuple[str, str]:
    """By Basic or by form fields, not by both (RFC 6749, 2.3)."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        if client_secret is not None:
            raise InvalidTokenRequest
        try:
            name, _, secret = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError) as error:
            raise InvalidClient from error
        return unquote_plus(name), unquote_plus(secret)
    if not client_id or not client_secret:
        raise InvalidClient
    return client_id, client_secret


def _address(request: Request) -> str:
    """Where the request came from; the gateway writes the last element itself."""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded or (request.client.host if request.client else "")


def _shown(record: UserPublic | ClientPublic, *, status_code: int = 200, location: str | None = None) -> Response:
    return record_response(record.model_dump_json(), record.version, status_code=status_code, location=location)


def _without_secret(client: ClientPublic, *, status_code: int = 200) -> Response:
    shown = ClientWithSecret(**client.model_dump(), client_secret=None)
    location = f"/v1/clients/{client.id}" if status_code == 201 else None
    return _shown(shown, status_code=status_code, location=location)


def _with_secret(response: Response, told: list[str]) -> Response:
    """The secret goes into the answer after the answer was stored, so that no table ever holds it.

    A repetition under the same Idempotency-Key therefore has null in its place: whoever lost the first answer rotates
    the secret. The alternative, to encrypt it into the stored answer, needs a key kept as safely as the secret itself.
    """
    if not told:
        return response
    shown = ClientWithSecret.model_validate_json(bytes(response.body)).model_copy(update={"client_secret": told[0]})
    headers = {name: response.headers[name] for name in ("etag", "location") if name in response.headers}
    return json_response(shown.model_dump_json(), status_code=response.status_code, headers={**headers, **_NOT_STORED})


def _without_token(user: UserPublic, *, status_code: int = 200, location: str | None = None) -> Response:
    expires_at = user.invited_until
    invitation = Invitation(token=None, expires_at=expires_at) if expires_at is not None else None
    shown = UserInvited(**user.model_dump(), invitation=invitation)
    return _shown(shown, status_code=status_code, location=location)


def _with_token(response: Response, told: list[str]) -> Response:
    """As with a client's secret: what is stored of the answer has null in the token's place."""
    if not told:
        return response
    shown = UserInvited.model_validate_json(bytes(response.body))
    assert shown.invitation is not None
    shown = shown.model_copy(update={"invitation": shown.invitation.model_copy(update={"token": told[0]})})
    headers = {name: response.headers[name] for name in ("etag", "location") if name in response.headers}
    return json_response(shown.model_dump_json(), status_code=response.status_code, headers={**headers, **_NOT_STORED})


def _after(values: list[str]) -> tuple[str, UUID]:
    name, identity = values
    return name, UUID(identity)
