"""Assigning many tasks of one agreement at once, under the rules of assigning one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from agreements_api.policy import Relation
from agreements_api.tasks import assigning_repository, errors, writing_repository
from agreements_api.tasks.assigning import assigned, new_task
from agreements_api.tasks.parties import check_named, named_in, roles_in
from agreements_api.tasks.schemas import ParticipantCreate, TaskCreate
from agreements_api.tasks.service import check_assignable
from agreements_api.tasks.timeliness import soon_until
from shared import clock
from shared.auth import Actor
from shared.events import TaskParty, TaskSnapshot

Connection: TypeAlias = "asyncpg.Connection[Any]"
Relations: TypeAlias = Sequence[tuple[UUID, Relation]]


@dataclass
class Batches:
    """An agreement that is held while tasks are assigned; the caller's transaction ends it."""

    connection: Connection
    actor: Actor
    agreement: asyncpg.Record
    clauses: Mapping[UUID, asyncpg.Record]
    members: set[UUID]
    parties: dict[UUID, TaskParty]
    above: dict[UUID, list[UUID]]

    async def assign(self, bodies: Sequence[TaskCreate]) -> None:
        """Some more tasks; a body that names what is not there raises with its place, as `/3/clause_id`."""
        await self._learn(bodies)
        now = clock.now()
        day = clock.day_of(now)
        changes = [self._new(body, f"/{at}", now) for at, body in enumerate(bodies)]
        await writing_repository.create_many(self.connection, self.actor, changes, today=day, soon=soon_until(day))

    async def _learn(self, bodies: Sequence[TaskCreate]) -> None:
        """Everybody who is named, with the bodies above them."""
        named = {organization for body in bodies for _, organization in _named(body)} - self.parties.keys()
        if named:
            self.parties |= await assigning_repository.organizations(self.connection, list(named))
            self.above |= await assigning_repository.superiors_of_each(self.connection, list(named))

    def _new(self, body: TaskCreate, pointer: str, now: datetime) -> tuple[writing_repository.Change, Relations]:
        clause_field = self._clause_field(body, pointer)
        check_named(_named(body), self.parties, pointer)
        lead = self.parties[body.lead_organization_id]
        parties = lead, self._with_deadlines(body.coordinating), self._with_deadlines(body.monitoring)
        task = new_task(body, self.agreement, parties, clause_field, now)
        relations = self._relations(task)
        self.members.update(organization for organization, _ in relations)
        return assigned(self.actor, task, sorted(self.members), body.note), relations

    def _clause_field(self, body: TaskCreate, pointer: str) -> str | None:
        if body.clause_id is None:
            return None
        clause = self.clauses.get(body.clause_id)
        if clause is None:
            raise errors.unknown_reference(f"{pointer}/clause_id")
        if clause["ended"]:
            raise errors.clause_ended(f"{pointer}/clause_id")
        field: str | None = clause["field"]
        return field

    def _with_deadlines(self, given: Sequence[ParticipantCreate]) -> list[TaskParty]:
        return [self.parties[one.organization_id].model_copy(update={"due_on": one.due_on}) for one in given]

    def _relations(self, task: TaskSnapshot) -> Relations:
        taking_part = roles_in(task)
        above = sorted({body for organization, _ in taking_part for body in self.above.get(organization) or ()})
        return [*taking_part, *((organization, Relation.SUPERIOR) for organization in above)]


async def begin(connection: Connection, actor: Actor, agreement_id: UUID) -> Batches:
    """Hold the agreement, if the caller may assign tasks of it now."""
    agreement = await assigning_repository.lock_agreement(connection, actor.organization_id, agreement_id, None)
    check_assignable(actor, agreement)
    assert agreement is not None
    clauses = await assigning_repository.clauses_of(connection, agreement_id)
    return Batches(
        connection,
        actor,
        agreement,
        {clause["id"]: clause for clause in clauses},
        set(agreement["members"]),
        parties={},
        above={},
    )


def _named(body: TaskCreate) -> list[tuple[str, UUID]]:
    return named_in(body.lead_organization_id, body.coordinating, body.monitoring)
