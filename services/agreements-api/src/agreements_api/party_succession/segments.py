"""What a decision about who answers does to the segments that came to somebody until then."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from agreements_api.corridors.models import Segment
from agreements_api.corridors.succession import Inherited
from agreements_api.party_succession.answering import Step
from agreements_api.party_succession.following import Heir


@dataclass(frozen=True)
class Inheritance:
    """A promise on its way past the unit that ended: who held it until then, who since, and who takes it now."""

    # Where it is decided apart from the rest: its task.
    task_id: UUID | None
    # Tasks that were decided apart before, and so are none of this.
    apart: frozenset[UUID]
    until: frozenset[UUID]
    since: frozenset[UUID]
    heir: Heir

    def takes(self, one: Inherited) -> bool:
        """Whether the segment came to whoever holds the promise because it took a place in it. Pure."""
        concerned = one.task_id not in self.apart if self.task_id is None else one.task_id == self.task_id
        return concerned and one.segment.organization_id in self.since and not self.until.isdisjoint(one.inherited_from)


def inheritance(
    promised_by: UUID,
    way: Sequence[Step],
    old_unit_id: UUID,
    heir: Heir,
    *,
    task_id: UUID | None,
    apart: frozenset[UUID],
) -> Inheritance | None:
    """Who held a promise before and after a unit ended; None where its way does not pass there."""
    units = [step.ended.unit_id for step in way]
    if old_unit_id not in units:
        return None
    at = units.index(old_unit_id)
    until = frozenset({promised_by, *_holders(way[:at])})
    return Inheritance(task_id, apart, until, frozenset(_holders(way[at:])), heir)


def to_give(inherited: Sequence[Inherited], inheritances: Sequence[Inheritance]) -> Iterator[tuple[Segment, Heir]]:
    """Each segment that another one owns from now on."""
    for one in inherited:
        heir = next((each.heir for each in inheritances if each.takes(one)), None)
        if heir is not None and heir.organization_id != one.segment.organization_id:
            yield one.segment, heir


def _holders(way: Sequence[Step]) -> Iterator[UUID]:
    for step in way:
        if step.taken is not None and step.taken.organization_id is not None:
            yield step.taken.organization_id
