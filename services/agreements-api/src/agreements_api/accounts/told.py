"""What the log of administration tells of accounts and clients: as they are shown, and nothing that opens a door."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.accounts.models import Account, ApiClient
from agreements_api.administration.log import Subject, tell
from agreements_api.administration.models import Action, SubjectKind
from agreements_api.history.service import changes_between
from shared.auth import Actor
from shared.events import Change

# A new one is told of by its name alone.
PASSWORD = Change(field="password")
SECRET = Change(field="secret")
_OF_ACCOUNT = ("username", "name", "email", "roles", "language", "active", "invited_until")
_OF_CLIENT = ("name", "scopes", "active")

State = dict[str, Any]


def state_of(account: Account) -> State:
    """What there is to tell of an account."""
    return account.model_dump(include=set(_OF_ACCOUNT)) | {"invited_until": account.invitation_expires_at}


def state_of_client(client: ApiClient) -> State:
    return client.model_dump(include=set(_OF_CLIENT))


def changes_of(before: Mapping[str, Any], account: Account, *, new_password: bool = False) -> list[Change]:
    """What is another of an account than before."""
    changes = changes_between(before, state_of(account), _OF_ACCOUNT)
    return [*changes, PASSWORD] if new_password else changes


def changes_of_client(before: Mapping[str, Any], client: ApiClient) -> list[Change]:
    return changes_between(before, state_of_client(client), _OF_CLIENT)


def step_of(changes: Sequence[Change]) -> Action:
    """How a patch is called: by what it did to somebody's being active, where it did something to that."""
    active = next((change.to for change in changes if change.field == "active"), None)
    return {None: Action.UPDATE, True: Action.ACTIVATE, False: Action.DEACTIVATE}[active]


def tell_of(
    session: AsyncSession,
    actor: Actor,
    account: Account,
    action: Action,
    changes: Sequence[Change],
    *,
    at: datetime | None = None,
) -> None:
    """An entry of the account at the version that it has by now; `at` where it got no new one."""
    happened_at = at or account.updated_at
    assert happened_at is not None
    subject = Subject(SubjectKind.USER, account.id, account.organization_id, account.version)
    tell(session, actor, subject, action, changes, at=happened_at)


def tell_of_client(
    session: AsyncSession, actor: Actor, client: ApiClient, action: Action, changes: Sequence[Change]
) -> None:
    assert client.updated_at is not None
    subject = Subject(SubjectKind.CLIENT, client.id, client.organization_id, client.version)
    tell(session, actor, subject, action, changes, at=client.updated_at)
