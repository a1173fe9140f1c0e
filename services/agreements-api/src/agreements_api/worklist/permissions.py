"""Who reads a worklist, and which of its steps a caller can take."""

from collections.abc import Iterable
from functools import lru_cache

from agreements_api.agreements import permissions as agreements
from agreements_api.assignments import permissions as assignments
from agreements_api.boundary_cases import permissions as boundary_cases
from agreements_api.extensions import permissions as extensions
from agreements_api.obstacles import permissions as obstacles
from agreements_api.party_succession import permissions as party_succession
from agreements_api.policy import MEMBERS, Caller, Relation, Role, Rule, allowed, register
from agreements_api.tasks import permissions as tasks
from agreements_api.urgings import permissions as urgings
from agreements_api.worklist.models import WAYS, Step, WorkSubjectKind
from shared.auth import Actor

register(
    Rule(
        "worklist.read",
        MEMBERS,
        frozenset({Relation.ANYONE}),
        scope="tasks:read",
        note="of one's own organisation; agreements for a client with `agreements:read` as well",
    ),
)

# The domains whose rows of the table are asked here: each adds them when it is imported.
ASKED = (agreements, assignments, boundary_cases, extensions, obstacles, party_succession, tasks, urgings)

# The least that somebody is to whom an organisation hands out work.
_WORKER = Caller("user", frozenset({Role.SPECIALIST.value}), frozenset())

# Of records that a client needs another scope for.
_OF_AGREEMENTS = frozenset({WorkSubjectKind.AGREEMENT, WorkSubjectKind.SUCCESSION_CASE, WorkSubjectKind.MEETING})


def may_read(actor: Actor) -> bool:
    """A client reads as far as its scopes go; what a person sees is his own organisation's."""
    return actor.kind != "client" or allowed(actor, "worklist.read")


def may_see_colleague(actor: Actor) -> bool:
    """Whether the caller sees what another person of his organisation has to do."""
    return allowed(actor, "work.read", [Relation.OWN])


# Asked for every item of a page; there are few different answers.
@lru_cache(maxsize=4096)
def may_take(caller: Caller, step: Step, relation: str) -> bool:
    """Whether the caller can take a step that waits for his organisation by this relation."""
    return allowed(caller, WAYS[step].permission, [relation])


@lru_cache(maxsize=256)
def takeable(caller: Caller) -> frozenset[Step]:
    """The steps that a caller can take, wherever one of them waits for his organisation."""
    return frozenset(step for step, way in WAYS.items() if allowed(caller, way.permission, way.relations))


@lru_cache(maxsize=256)
def visible(caller: Caller) -> frozenset[Step]:
    """The steps that a caller is told of: a person of all, a system of those about records that it may read."""
    if caller.kind != "client":
        return frozenset(WAYS)
    return frozenset(
        step
        for step, way in WAYS.items()
        if way.subject not in _OF_AGREEMENTS or allowed(caller, "agreement.read", [Relation.PARTY])
    )


def of_everybody(steps: Iterable[Step]) -> frozenset[Step]:
    """Those that are handed out to people; the others are for whoever leads the organisation."""
    return frozenset(step for step in steps if allowed(_WORKER, WAYS[step].permission, WAYS[step].relations))


def takes_what_nobody_handles(actor: Actor) -> bool:
    """Leaders answer for what has been handed out to nobody; a system acts for its organisation as a whole."""
    return actor.kind == "client" or Role.LEADER.value in actor.roles
