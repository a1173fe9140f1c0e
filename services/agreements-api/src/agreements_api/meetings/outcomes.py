"""Rules of what a meeting concluded: an outcome is recorded, changed, and becomes a task once."""

from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.history.service import plain
from agreements_api.meetings import errors, repository
from agreements_api.meetings.changing import begin
from agreements_api.meetings.repository import Connection
from agreements_api.meetings.schemas import MOST_OUTCOMES, OutcomeAssign, OutcomeCreate, OutcomeUpdate
from agreements_api.tasks import service as tasks
from agreements_api.tasks.schemas import TaskCreate
from shared.auth import Actor
from shared.events import Change, MeetingChanged
from shared.ids import new_id

_OUTCOME = ("text", "responsible_organization_id", "due_on")


async def record(
    connection: Connection, actor: Actor, meeting_id: UUID, if_match: str | None, body: OutcomeCreate
) -> asyncpg.Record:
    """One more conclusion of the meeting."""
    step = await begin(connection, actor, meeting_id, "record", if_match)
    present = await repository.outcomes(connection, meeting_id)
    if len(present) >= MOST_OUTCOMES:
        raise errors.TooManyOutcomes
    columns = await _with_responsible(connection, body.model_dump())
    outcome_id = new_id()
    await repository.add_outcome(connection, outcome_id, meeting_id, len(present) + 1, columns)
    change = Change(field=f"outcomes/{outcome_id}", to=body.text)
    return await step.end(step.columns, "record_outcome", MeetingChanged, [change])


async def update(
    connection: Connection,
    actor: Actor,
    meeting_id: UUID,
    outcome_id: UUID,
    if_match: str | None,
    body: OutcomeUpdate,
) -> asyncpg.Record:
    """Change what the patch names of an outcome that is no task yet."""
    step = await begin(connection, actor, meeting_id, "record", if_match)
    before = await _open_outcome(connection, meeting_id, outcome_id)
    after = await _with_responsible(connection, dict(before) | body.model_dump(exclude_unset=True))
    changes = [
        Change(field=f"outcomes/{outcome_id}/{name}", from_=plain(before[name]), to=plain(after[name]))
        for name in _OUTCOME
        if before[name] != after[name]
    ]
    await repository.change_outcome(connection, outcome_id, after)
    return await step.end(step.columns, "update_outcome", MeetingChanged, changes)


async def assign(
    connection: Connection,
    actor: Actor,
    meeting_id: UUID,
    outcome_id: UUID,
    if_match: str | None,
    body: OutcomeAssign,
) -> tuple[asyncpg.Record, UUID]:
    """The outcome becomes a task of the agreement, once; gives the meeting and the task's id."""
    step = await begin(connection, actor, meeting_id, "assign", if_match)
    outcome = await _open_outcome(connection, meeting_id, outcome_id)
    lead = body.lead_organization_id or outcome["responsible_organization_id"]
    if lead is None:
        raise errors.no_lead("/lead_organization_id")
    task = TaskCreate(
        **body.model_dump(exclude={"title", "lead_organization_id", "due_on"}),
        title=body.title or outcome["text"],
        lead_organization_id=lead,
        due_on=body.due_on or outcome["due_on"],
        demonstration=step.demonstration,
    )
    task_id: UUID = (await tasks.assign(connection, actor, step.agreement_id, task))["id"]
    await repository.keep_task(connection, outcome_id, task_id)
    change = Change(field=f"outcomes/{outcome_id}/task_id", to=str(task_id))
    return await step.end(step.columns, "assign_outcome", MeetingChanged, [change]), task_id


async def _open_outcome(connection: Connection, meeting_id: UUID, outcome_id: UUID) -> asyncpg.Record:
    found = [row for row in await repository.outcomes(connection, meeting_id) if row["id"] == outcome_id]
    if not found:
        raise errors.OutcomeNotFound
    if found[0]["task_id"] is not None:
        raise errors.AlreadyAssigned(task_id=str(found[0]["task_id"]))
    return found[0]


async def _with_responsible(connection: Connection, columns: dict[str, Any]) -> dict[str, Any]:
    """An outcome with the name of whoever is responsible for it."""
    responsible = columns["responsible_organization_id"]
    if responsible is None:
        return columns | {"responsible_name": None}
    known = await repository.names(connection, [responsible])
    if responsible not in known:
        raise errors.unknown_reference("/responsible_organization_id")
    return columns | {"responsible_name": known[responsible]}
