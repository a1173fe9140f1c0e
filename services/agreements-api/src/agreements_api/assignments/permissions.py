"""Who may say which person handles what, see a person's open work, and hand it over."""

from collections.abc import Iterable

from agreements_api.agreements.permissions import ALL, WORKERS
from agreements_api.assignments.models import SubjectKind
from agreements_api.policy import MEMBERS, Relation, Role, Rule, allowed, register
from shared.auth import Actor

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
OWN = frozenset({Relation.OWN})
SELF = frozenset({Relation.SELF})
IN_THE_TASK = frozenset({Relation.LEAD, Relation.COORDINATING, Relation.MONITOR, Relation.CUSTODIAN})
IN_THE_AGREEMENT = frozenset({Relation.PARTY, Relation.CUSTODIAN})

register(
    Rule("assignment.read", MEMBERS, ALL, scope="tasks:read", note="one's own organisation's people only"),
    Rule("task.assign_people", WORKERS, IN_THE_TASK, note="one's own organisation's people only"),
    Rule("agreement.assign_people", WORKERS, IN_THE_AGREEMENT, note="one's own organisation's people only"),
    Rule("work.read", MEMBERS, SELF),
    Rule("work.read", frozenset({Role.LEADER, Role.ADMINISTRATOR}), OWN),
    Rule("work.hand_over", WORKERS, SELF),
    Rule("work.hand_over", ADMINISTRATOR, OWN, note="and deactivate who leaves, in the same step"),
)


def may_assign(actor: Actor, kind: SubjectKind, relations: Iterable[str]) -> bool:
    return allowed(actor, f"{kind}.assign_people", relations)


def can_work(roles: Iterable[str]) -> bool:
    """Whether somebody with these roles can do anything with what is handed to him."""
    return not WORKERS.isdisjoint(roles)
