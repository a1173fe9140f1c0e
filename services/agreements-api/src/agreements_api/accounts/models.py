"""Tables of accounts, sessions, refresh tokens, clients and their secrets."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Column, DateTime, FetchedValue, LargeBinary, Text
from sqlmodel import Field

from agreements_api.tables import Table
from shared.ids import new_id


class Account(Table, table=True):
    """A person who signs in with a name and a password."""

    __tablename__ = "account"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int = 1
    organization_id: UUID | None = Field(default=None, foreign_key="organization.id")
    username: str
    # None until the invitation is accepted.
    password_hash: str | None = None
    name: str
    email: str | None = None
    roles: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    language: str = "vi"
    active: bool = True
    # Of the invitation that is out; the token itself is known to its holder only.
    invitation_digest: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    invitation_expires_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    created_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=FetchedValue())
    )
    updated_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=FetchedValue())
    )


class SignIn(Table, table=True):
    """One sign-in: the family that all refresh tokens rotated from it belong to."""

    __tablename__ = "session"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="account.id")
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    created_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=FetchedValue())
    )
    revoked_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    revoked_because: str | None = None


class RefreshToken(Table, table=True):
    """A token that renews a session once; only its digest is kept."""

    __tablename__ = "refresh_token"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    session_id: UUID = Field(foreign_key="session.id")
    issued_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=FetchedValue())
    )
    used_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class ApiClient(Table, table=True):
    """A district system that calls in its organisation's name, as far as its scopes reach."""

    __tablename__ = "api_client"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int = 1
    organization_id: UUID = Field(foreign_key="organization.id")
    name: str
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    active: bool = True
    created_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=FetchedValue())
    )
    updated_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=FetchedValue())
    )


class ClientSecret(Table, table=True):
    """A secret of a client; after a rotation the old one stays good for a while, so that no system stops."""

    __tablename__ = "client_secret"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    client_id: UUID = Field(foreign_key="api_client.id")
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=FetchedValue())
    )
    expires_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
