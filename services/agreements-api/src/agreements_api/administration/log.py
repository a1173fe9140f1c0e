"""Writing down what is done to users, clients and organisations: with the change itself, in its transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.administration import repository
from agreements_api.administration.models import Action, AdministrationLog, SubjectKind
from agreements_api.history.service import as_json
from shared.auth import Actor
from shared.events import Change


@dataclass(frozen=True)
class Subject:
    """The record that something was done to, at its version from then on."""

    kind: SubjectKind
    id: UUID
    organization_id: UUID | None
    version: int


def tell(
    session: AsyncSession, actor: Actor, subject: Subject, action: Action, changes: Iterable[Change], *, at: datetime
) -> None:
    """One entry, which goes to the database with the change that it tells of, in the same flush.

    Nothing that lets anybody in may stand in `changes`: of a password or a secret they name the field alone.
    """
    entry = AdministrationLog(
        organization_id=subject.organization_id,
        subject_kind=subject.kind.value,
        subject_id=subject.id,
        version=subject.version,
        action=action.value,
        actor_id=actor.id,
        actor_kind=actor.kind,
        actor_name=actor.name,
        actor_organization_id=actor.organization_id,
        changes=as_json(changes),
        occurred_at=at,
    )
    repository.add(session, entry)
