"""Others take part in a task because its custodian says so."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from agreements_api.history.service import plain
from agreements_api.tasks import errors, writing_repository
from agreements_api.tasks.models import TaskStatus
from agreements_api.tasks.parties import participants, relations_of
from agreements_api.tasks.schemas import ParticipantCreate, Reassignment
from agreements_api.tasks.steps import Connection, Step, begin, changes_of
from shared.auth import Actor
from shared.events import Change, TaskParty, TaskReassigned, TaskSnapshot


async def reassign(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, body: Reassignment
) -> asyncpg.Record:
    """What was reported stays; a new lead and new coordinating parties have yet to accept."""
    step = await begin(connection, actor, task_id, "reassign", if_match)
    before = step.locked.task
    after = await _after(step, body)
    changes = [*changes_of(before, after), *changed_parties(before, after)]
    if not changes:
        raise errors.nothing_reassigned()
    relations = await relations_of(connection, after)
    await writing_repository.move_parties(connection, after, relations)
    step.locked.members = sorted({*step.locked.members, *(organization for organization, _ in relations)})
    return await step.end(after, "reassign", TaskReassigned, changes=changes, remark=body.reason)


async def _after(step: Step, body: Reassignment) -> TaskSnapshot:
    task = step.locked.task
    coordinating = _as_given(task.coordinating) if body.coordinating is None else body.coordinating
    monitoring = _as_given(task.monitoring) if body.monitoring is None else body.monitoring
    lead_id = body.lead_organization_id or task.lead.organization_id
    lead, *rest = await participants(step.connection, lead_id, coordinating, monitoring)
    return with_parties(
        task,
        lead,
        _with_deadlines(task.coordinating, rest[0], coordinating),
        _with_deadlines(task.monitoring, rest[1], monitoring),
    )


def with_parties(
    task: TaskSnapshot, lead: TaskParty, coordinating: Sequence[TaskParty], monitoring: Sequence[TaskParty]
) -> TaskSnapshot:
    """The task with these parties; whoever stays in his place keeps his name, and what he accepted. Pure."""
    changed = {
        "lead": _kept([task.lead], lead),
        "coordinating": [_kept(task.coordinating, party) for party in coordinating],
        "monitoring": [_kept(task.monitoring, party) for party in monitoring],
    }
    if lead.organization_id != task.lead.organization_id and task.status == TaskStatus.IN_PROGRESS:
        # Nobody has taken it on who leads it now.
        changed["status"] = TaskStatus.NOT_STARTED.value
    return task.model_copy(update=changed)


def changed_parties(before: TaskSnapshot, after: TaskSnapshot) -> list[Change]:
    """Who left and who came; a deadline of his own that changed is named by its organisation. Pure."""
    changes = []
    if before.lead.organization_id != after.lead.organization_id:
        changes.append(Change(field="lead", from_=before.lead.name, to=after.lead.name))
    for field, old, new in (
        ("coordinating", before.coordinating, after.coordinating),
        ("monitoring", before.monitoring, after.monitoring),
    ):
        was, becomes = ({party.organization_id: party for party in parties} for parties in (old, new))
        changes += [Change(field=field, from_=party.name) for key, party in was.items() if key not in becomes]
        changes += [Change(field=field, to=party.name) for key, party in becomes.items() if key not in was]
        changes += [
            Change(field=f"due_on/{key}", from_=plain(was[key].due_on), to=plain(party.due_on))
            for key, party in becomes.items()
            if key in was and was[key].due_on != party.due_on
        ]
    return changes


def _kept(former: Sequence[TaskParty], party: TaskParty) -> TaskParty:
    for known in former:
        if known.organization_id == party.organization_id:
            return known.model_copy(update={"due_on": party.due_on})
    return party


def _with_deadlines(
    former: Sequence[TaskParty], parties: Sequence[TaskParty], given: Sequence[ParticipantCreate]
) -> list[TaskParty]:
    """Whoever stays keeps the deadline that he had, unless one is given."""
    known = {party.organization_id: party.due_on for party in former}
    return [
        party
        if "due_on" in one.model_fields_set
        else party.model_copy(update={"due_on": known.get(party.organization_id)})
        for party, one in zip(parties, given, strict=True)
    ]


def _as_given(parties: Sequence[TaskParty]) -> list[ParticipantCreate]:
    return [ParticipantCreate(organization_id=party.organization_id) for party in parties]
