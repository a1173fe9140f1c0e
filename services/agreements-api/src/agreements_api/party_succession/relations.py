"""How everybody stands to an agreement and its tasks after their records. Pure functions, no database."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from agreements_api.agreements.models import Agreement, AgreementStatus, Party
from agreements_api.policy import Relation
from shared.events import TaskSnapshot

# Organisation, the agreement or task through which it stands there, and as what.
Row = tuple[UUID, UUID, str]


@dataclass(frozen=True)
class Standing:
    """Everybody who stands in one agreement, and which of the ways there are through its tasks."""

    rows: Collection[Row]
    through_tasks: Collection[UUID]


@dataclass(frozen=True)
class Moves:
    """Who comes and who goes, and who sees the agreement afterwards."""

    add: Collection[Row]
    drop: Collection[Row]
    members: Sequence[UUID]


def follow(
    agreement: Agreement,
    parties: Iterable[Party],
    tasks: Sequence[TaskSnapshot],
    standing: Standing,
    above: Mapping[UUID, Sequence[UUID]],
    *,
    takes: Mapping[UUID, UUID],
    itself: bool = True,
) -> Moves:
    """Bring relations in line with an agreement (`itself`) and some of its tasks.

    `takes` says who takes whose place: the new one gets what the old one saw through other agreements, and stands to
    tasks that are over as the old one did, whose name they keep. Whoever does not stand there any more reads on.
    """
    present = {row for row in standing.rows if row[2] != Relation.FORMER}
    sources = {task.id for task in tasks} | ({agreement.id} if itself else set())
    wanted = set(_of_tasks(tasks))
    if itself:
        wanted |= set(_of_agreement(agreement, parties, present))
    wanted |= _superiors(wanted, above)
    here = {row for row in present if row[1] in sources}
    # An amendment and what it amends show each other: that row goes over as it is.
    ours = {agreement.id, *standing.through_tasks}
    elsewhere = {row for row in present if row[0] in takes and row[1] not in ours}
    # A task that is over is told under the names of its day, and can still be reopened, explained or commented on.
    over = {row for row in present if row[0] in takes and row[1] in standing.through_tasks and row[1] not in sources}
    drop = (here - wanted) | elsewhere | over
    after = (present - drop) | wanted | {(takes[old], source, relation) for old, source, relation in elsewhere | over}
    after |= {(old, source, Relation.FORMER.value) for old, source, _ in over}
    members = {row[0] for row in after}
    seen = {row[0] for row in standing.rows}
    # Whoever is named in a draft that was never opened has not seen it, and neither does its heir.
    taken = takes.keys() & seen
    former = seen - members | taken | ({takes[old] for old in taken} - members)
    after |= {(one, agreement.id, Relation.FORMER.value) for one in former}
    return Moves(after - set(standing.rows), drop - after, sorted(members | former | _readers(standing)))


def _of_agreement(agreement: Agreement, parties: Iterable[Party], present: Collection[Row]) -> Iterable[Row]:
    yield agreement.custodian_organization_id, agreement.id, Relation.CUSTODIAN.value
    # Nobody but its custodian stands to an agreement that was never opened.
    opened = any(source == agreement.id and relation == Relation.PARTY for _, source, relation in present)
    if agreement.status != AgreementStatus.DRAFT or opened:
        for party in parties:
            yield party.answering_id, agreement.id, Relation.PARTY.value


def _of_tasks(tasks: Iterable[TaskSnapshot]) -> Iterable[Row]:
    for task in tasks:
        yield task.lead.organization_id, task.id, Relation.LEAD.value
        for party in task.coordinating:
            yield party.organization_id, task.id, Relation.COORDINATING.value
        for party in task.monitoring:
            yield party.organization_id, task.id, Relation.MONITOR.value


def _superiors(named: Collection[Row], above: Mapping[UUID, Sequence[UUID]]) -> set[Row]:
    """The bodies above everybody who promises something; they do not watch a draft."""
    promised = {source for _, source, relation in named if relation in (Relation.PARTY, Relation.LEAD)}
    return {
        (superior, source, Relation.SUPERIOR.value)
        for one, source, _ in named
        if source in promised
        for superior in above.get(one, ())
    }


def _readers(standing: Standing) -> set[UUID]:
    return {one for one, _, relation in standing.rows if relation == Relation.FORMER}
