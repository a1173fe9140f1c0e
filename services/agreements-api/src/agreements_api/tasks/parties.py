"""Who takes part in a task, until when, and how each stands to it."""

from collections.abc import Container, Sequence
from uuid import UUID

from agreements_api.history.service import plain
from agreements_api.policy import Relation
from agreements_api.tasks import assigning_repository, errors
from agreements_api.tasks.schemas import ParticipantCreate
from agreements_api.tasks.steps import Connection
from shared.events import Change, TaskParty, TaskSnapshot


async def participants(
    connection: Connection,
    lead_organization_id: UUID,
    coordinating: Sequence[ParticipantCreate],
    monitoring: Sequence[ParticipantCreate],
) -> tuple[TaskParty, list[TaskParty], list[TaskParty]]:
    """Lead, coordinating and monitoring parties as they are called today; each organisation in one place only."""
    named = named_in(lead_organization_id, coordinating, monitoring)
    known = await assigning_repository.organizations(connection, [organization for _, organization in named])
    check_named(named, known)

    def parties(given: Sequence[ParticipantCreate]) -> list[TaskParty]:
        return [known[one.organization_id].model_copy(update={"due_on": one.due_on}) for one in given]

    return known[lead_organization_id], parties(coordinating), parties(monitoring)


def named_in(
    lead_organization_id: UUID, coordinating: Sequence[ParticipantCreate], monitoring: Sequence[ParticipantCreate]
) -> list[tuple[str, UUID]]:
    """Every organisation that a body names, with its place there."""
    return [
        ("/lead_organization_id", lead_organization_id),
        *((f"/coordinating/{at}/organization_id", one.organization_id) for at, one in enumerate(coordinating)),
        *((f"/monitoring/{at}/organization_id", one.organization_id) for at, one in enumerate(monitoring)),
    ]


def check_named(named: Sequence[tuple[str, UUID]], known: Container[UUID], pointer: str = "") -> None:
    """Each of them is there, and stands in one place only; `pointer` is that of the body."""
    seen: set[UUID] = set()
    for place, organization in named:
        if organization not in known:
            raise errors.unknown_reference(pointer + place)
        if organization in seen:
            raise errors.named_twice(pointer + place)
        seen.add(organization)


async def relations_of(connection: Connection, task: TaskSnapshot) -> list[tuple[UUID, Relation]]:
    """How each organisation stands to the task, the bodies above its parties included."""
    taking_part = roles_in(task)
    above = await assigning_repository.superiors(connection, [organization for organization, _ in taking_part])
    return [*taking_part, *((organization, Relation.SUPERIOR) for organization in above)]


def roles_in(task: TaskSnapshot) -> list[tuple[UUID, Relation]]:
    """Who takes part, and as what; where units have merged, one organisation may be there for several."""
    roles = [
        (task.lead.organization_id, Relation.LEAD),
        *((party.organization_id, Relation.COORDINATING) for party in task.coordinating),
        *((party.organization_id, Relation.MONITOR) for party in task.monitoring),
    ]
    return list(dict.fromkeys(roles))


def party_deadlines(before: TaskSnapshot, after: TaskSnapshot) -> list[Change]:
    """The parties' own deadlines that differ; each is named by its organisation."""
    return [
        Change(field=f"due_on/{new.organization_id}", from_=plain(old.due_on), to=plain(new.due_on))
        for old, new in zip(
            (before.lead, *before.coordinating, *before.monitoring),
            (after.lead, *after.coordinating, *after.monitoring),
            strict=True,
        )
        if old.due_on != new.due_on
    ]


def with_deadlines(parties: Sequence[TaskParty], given: Sequence[ParticipantCreate], pointer: str) -> list[TaskParty]:
    """The same parties under the deadlines of the patch."""
    deadlines = {one.organization_id: one.due_on for one in given}
    if len(deadlines) != len(given) or deadlines.keys() != {party.organization_id for party in parties}:
        raise errors.parties_fixed(pointer)
    return [party.model_copy(update={"due_on": deadlines[party.organization_id]}) for party in parties]
