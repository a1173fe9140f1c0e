"""What the API takes and shows of sessions, tokens, accounts and clients."""

import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ConfigDict, EmailStr, Field
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from agreements_api.localities.models import OrganizationKind
from agreements_api.policy import MEMBERS, Role
from shared.schemas import Line, Model


def _composed(value: Any) -> Any:
    # The same password typed on another keyboard may come decomposed; blanks at its ends are part of it.
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


def _assignable(role: Role) -> Role:
    if role not in MEMBERS:
        raise PydanticCustomError("not_assignable", "No account of an organisation has this role")
    return role


Username = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9](?:[a-z0-9._-]{1,62})[a-z0-9]$",
        description="3–64 of a–z, 0–9, dot, hyphen and underscore; begins and ends with a letter or digit.",
    ),
]
Password = Annotated[str, Field(min_length=12, max_length=256), BeforeValidator(_composed)]
OfferedPassword = Annotated[str, Field(min_length=1, max_length=256), BeforeValidator(_composed)]
Roles = Annotated[list[Annotated[Role, AfterValidator(_assignable)]], Field(min_length=1, max_length=4)]
Language = Literal["vi", "en"]
Scopes = Annotated[list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=50)]

USER_EXAMPLE: JsonDict = {
    "id": "01990000-0000-7000-8000-000000000009",
    "version": 1,
    "organization_id": "01990000-0000-7000-8000-000000000002",
    "username": "dongtrieu.specialist",
    "name": "Chuyên viên UBND thị xã Đông Triều",
    "email": "chuyenvien@demo.lienvung.example",
    "roles": ["specialist"],
    "language": "vi",
    "active": True,
    "invited_until": None,
    "created_at": "2026-11-23T03:00:00Z",
    "updated_at": "2026-11-23T03:00:00Z",
    "allowed_actions": [],
}
ME_EXAMPLE: JsonDict = {
    **USER_EXAMPLE,
    "allowed_actions": ["update"],
    "organization": {
        "id": "01990000-0000-7000-8000-000000000002",
        "name": "UBND thị xã Đông Triều",
        "short_name": "UBND Đông Triều",
        "kind": "peoples_committee",
        "unit_id": "5f0c1b3e-6f0d-5d5e-9c55-0d5a5d4c9a11",
    },
}
TOKEN_EXAMPLE: JsonDict = {
    "access_token": "eyJhbGciOiJFUzI1NiIs…",
    "token_type": "Bearer",
    "expires_in": 900,
    "refresh_token": "1c7V…",
    "scope": None,
}
CLIENT_EXAMPLE: JsonDict = {
    "id": "01990000-0000-7000-8000-0000000000c5",
    "version": 1,
    "organization_id": "01990000-0000-7000-8000-000000000002",
    "name": "Hệ thống điều hành thị xã Đông Triều",
    "scopes": ["localities:read"],
    "active": True,
    "secrets": [
        {
            "id": "01990000-0000-7000-8000-0000000000c6",
            "created_at": "2026-11-23T03:00:00Z",
            "expires_at": None,
        }
    ],
    "created_at": "2026-11-23T03:00:00Z",
    "updated_at": "2026-11-23T03:00:00Z",
    "allowed_actions": ["update", "rotate"],
}


class SessionCreate(Model):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "dongtrieu.leader", "password": "mười hai ký tự"}]}
    )

    username: Annotated[str, Field(min_length=1, max_length=100)]
    password: OfferedPassword


class TokenPublic(Model):
    """RFC 6749, 5.1; `refresh_token` renews once, and is answered with the next one."""

    model_config = ConfigDict(json_schema_extra={"examples": [TOKEN_EXAMPLE]})

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: int = Field(description="Seconds.")
    refresh_token: str | None = None
    scope: str | None = None


class OrganizationOfMe(Model):
    id: UUID
    name: str
    short_name: str | None
    kind: OrganizationKind
    unit_id: UUID


class UserPublic(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [USER_EXAMPLE]})

    id: UUID
    version: int
    organization_id: UUID | None
    username: str
    name: str
    email: str | None
    roles: list[Role]
    language: Language
    active: bool
    invited_until: datetime | None = Field(
        default=None, description="Until when the invitation that is out can be accepted; null where none is out."
    )
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str]


class Invitation(Model):
    """By which a person chooses the password of an account; `token` is told this once, and is good once."""

    token: str | None = Field(description="Null in a repetition under the same Idempotency-Key: invite again.")
    expires_at: datetime


class UserInvited(UserPublic):
    """An account and its invitation; the invitation is null where a password was given."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **USER_EXAMPLE,
                    "invited_until": "2026-11-26T03:00:00Z",
                    "invitation": {"token": "Q2b7…", "expires_at": "2026-11-26T03:00:00Z"},
                }
            ]
        }
    )

    invitation: Invitation | None


class InvitationAccept(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "Q2b7…", "password": "mười hai ký tự"}]})

    token: Annotated[str, Field(min_length=1, max_length=200)]
    password: Password


class InvitationAccepted(Model):
    """Whose account it is: from now on this name signs in with the chosen password."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "dongtrieu.specialist", "name": "Chuyên viên (minh họa)"}]}
    )

    username: str
    name: str


class MePublic(UserPublic):
    model_config = ConfigDict(json_schema_extra={"examples": [ME_EXAMPLE]})

    organization: OrganizationOfMe | None


class SessionPublic(TokenPublic):
    """A new session: tokens, how long it can be renewed, and whose it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **TOKEN_EXAMPLE,
                    "session_id": "01990000-0000-7000-8000-00000000005e",
                    "session_expires_at": "2026-12-23T03:00:00Z",
                    "account": ME_EXAMPLE,
                }
            ]
        }
    )

    session_id: UUID
    session_expires_at: datetime
    account: MePublic


class UserCreate(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "organization_id": "01990000-0000-7000-8000-000000000002",
                    "username": "dongtrieu.specialist",
                    "password": "mười hai ký tự",
                    "name": "Chuyên viên UBND thị xã Đông Triều",
                    "email": "chuyenvien@demo.lienvung.example",
                    "roles": ["specialist"],
                    "language": "vi",
                }
            ]
        }
    )

    organization_id: UUID | None = Field(default=None, description="The caller's own without it.")
    username: Username
    password: Password | None = Field(
        default=None, description="Without it the answer holds an invitation, by which the person chooses one."
    )
    name: Line
    email: EmailStr | None = None
    roles: Roles
    language: Language = "vi"


class UserUpdate(Model):
    """A merge patch: what is absent stays. Deactivation and a new password end the person's sessions."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"roles": ["leader"], "active": True}]})

    name: Line = "-"
    email: EmailStr | None = None
    roles: Roles = [Role.VIEWER]
    language: Language = "vi"
    active: bool = True
    password: Password = "-"  # noqa: S105 - never taken: only what the patch names is


class MeUpdate(Model):
    """A merge patch of one's own account; a new password needs the current one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"language": "en"}]})

    name: Line = "-"
    email: EmailStr | None = None
    language: Language = "vi"
    password: Password = "-"  # noqa: S105 - never taken: only what the patch names is
    current_password: OfferedPassword = "-"  # noqa: S105 - the same


class ClientCreate(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Hệ thống điều hành thị xã Đông Triều", "scopes": ["localities:read"]}]
        }
    )

    organization_id: UUID | None = Field(default=None, description="The caller's own without it.")
    name: Line
    scopes: Scopes


class ClientUpdate(Model):
    """A merge patch: what is absent stays. A system that is not active gets no more tokens."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"active": False}]})

    name: Line = "-"
    scopes: Scopes = ["-"]
    active: bool = True


class SecretRotate(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_hours": 24}]})

    overlap_hours: Annotated[float, Field(ge=0, le=720)] | None = Field(
        default=None, description="How long the secrets so far stay good; 0 ends them now."
    )


class SecretPublic(Model):
    """A secret in force, without its value."""

    id: UUID
    created_at: datetime
    expires_at: datetime | None


class ClientPublic(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [CLIENT_EXAMPLE]})

    id: UUID
    version: int
    organization_id: UUID
    name: str
    scopes: list[str]
    active: bool
    secrets: list[SecretPublic]
    created_at: datetime
    updated_at: datetime
    allowed_actions: list[str]


class ClientWithSecret(ClientPublic):
    """`client_secret` is told this once; a repetition under the same Idempotency-Key has null there."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**CLIENT_EXAMPLE, "client_secret": "kq3m0Qw…"}]},
    )

    client_secret: str | None


class PublicKey(Model):
    kty: str
    crv: str
    x: str
    y: str
    kid: str
    use: str
    alg: str


class KeySet(Model):
    """RFC 7517; the newest key is the last."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "keys": [
                        {
                            "kty": "EC",
                            "crv": "P-256",
                            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                            "kid": "20261123T030000000000",
                            "use": "sig",
                            "alg": "ES256",
                        }
                    ]
                }
            ]
        }
    )

    keys: list[PublicKey]
