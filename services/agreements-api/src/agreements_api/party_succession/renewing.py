"""Who takes part in the next occurrence of a task: whoever would answer for it by now, had it stayed open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.party_succession import cases_repository, repository
from agreements_api.party_succession.answering import Taken, recorded
from agreements_api.party_succession.following import Heir, Heirs, Takers, takers
from agreements_api.party_succession.models import CaseState
from agreements_api.party_succession.places import case_rows, promisers, reassign, remark
from agreements_api.tasks.parties import roles_in
from shared.events import Change, TaskSnapshot

Connection = asyncpg.Connection
# What is recorded of promises in an agreement, by task decided apart and promiser, and then by the unit that ended.
_Recorded = Mapping[tuple[UUID | None, UUID], Mapping[UUID, Taken]]


@dataclass(frozen=True)
class Renewal:
    """A task as it begins anew, what was taken over in it since the last time, and what is to be recorded of that."""

    task: TaskSnapshot
    changes: Sequence[Change]
    remark: str | None
    cases: Sequence[dict[str, Any]]
    apart: Sequence[UUID]


async def renew(session: AsyncSession, heirs: Heirs, task: TaskSnapshot, previous_id: UUID) -> Renewal:
    """Give a task that is to be made with the parties of the one before it to whoever answers for each promise today.

    Its agreement is held, so that no succession and no decision comes between this and the new task.
    """
    connection = await repository.connection_of(session)
    taking = await takers(session, heirs, [task.agreement_id], {one for one, _ in roles_in(task)})
    taken = await repository.taken_of_all(connection, task.agreement_id)
    decided = await _decided(session, heirs, task, previous_id, taken)
    return _renewed(task, previous_id, taking, decided, taken)


async def record(connection: Connection[Any], renewal: Renewal, at: datetime) -> None:
    """Who took which place in the new task, once that is there."""
    await cases_repository.add_cases(connection, renewal.cases, at)
    await cases_repository.carry_over(connection, renewal.apart, renewal.task.id, at)


async def _decided(
    session: AsyncSession, heirs: Heirs, task: TaskSnapshot, previous_id: UUID, taken: _Recorded
) -> dict[UUID, Heir]:
    """Who takes each promise that somebody has decided about: a completed task did not follow a decision since."""
    found: dict[UUID, Heir] = {}
    for promised_by in promisers(task):
        records = recorded(taken, previous_id, promised_by)
        if any(one.state == CaseState.DECIDED for one in records.values()):
            heir = await heirs.by_decision(session, promised_by, records)
            if heir is not None:
                found[promised_by] = heir
    return found


def _renewed(
    task: TaskSnapshot, previous_id: UUID, taking: Takers, decided: Mapping[UUID, Heir], taken: _Recorded
) -> Renewal:
    def takes(promised_by: UUID, holder: UUID) -> Heir | None:
        heir = decided.get(promised_by) or taking.of(task.agreement_id, holder)
        return None if heir is None or heir.organization_id == holder else heir

    after, succession = reassign(task, takes, {})
    cases: list[dict[str, Any]] = []
    came: list[Heir] = []
    for place in succession.places.values():
        heir = takes(place.promised_by, place.holder)
        assert heir is not None
        came.append(heir)
        # What was decided of the task apart goes over by itself and is nothing of the rest of the agreement.
        apart = {str(unit_id) for unit_id in taken.get((previous_id, place.promised_by), ())}
        rows = case_rows(task.agreement_id, None, place.promised_by, place.promised_by_name, heir)
        cases += [row for row in rows if row["old_unit_id"] not in apart]
    apart_cases = [one.case_id for first in promisers(task) for one in taken.get((previous_id, first), {}).values()]
    return Renewal(after, succession.changes, remark(came) if came else None, cases, apart_cases)
