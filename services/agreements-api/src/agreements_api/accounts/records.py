"""What users and clients have in common: the organisation that each belongs to, and names that are unique."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.accounts import repository
from agreements_api.accounts.errors import InvalidAccount, InvalidApiClient
from agreements_api.accounts.permissions import relations
from agreements_api.policy import allowed
from shared.auth import Actor
from shared.problems import FieldError, Forbidden, NotFound


def scope_of(actor: Actor, action: str, organization_id: UUID | None) -> UUID | None:
    """The organisation whose records are listed; none means every one, for those who may."""
    if allowed(actor, action):
        return organization_id
    own = actor.organization_id
    if own is None or not allowed(actor, action, relations(actor, organization_id=own)):
        raise Forbidden
    if organization_id not in (None, own):
        raise NotFound
    return own


async def organization_for(
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


async def flush_unique(
    session: AsyncSession, pointer: str, problem: type[InvalidAccount] | type[InvalidApiClient]
) -> None:
    """Names are unique beyond what the caller can see, so only the database can tell."""
    try:
        await session.flush()
    except IntegrityError as error:
        taken = {"vi": "Tên này đã được dùng.", "en": "The name is taken."}
        raise problem(errors=[FieldError(pointer, "taken", taken)]) from error


def unique(values: Sequence[str]) -> list[str]:
    return [str(value) for value in dict.fromkeys(values)]
