"""Who may urge and ask for explanations, and who answers."""

from collections.abc import Iterable

from agreements_api.agreements.permissions import ALL, LEADER, WORKERS
from agreements_api.policy import MEMBERS, Relation, Rule, allowed, register
from agreements_api.tasks.models import TaskStatus
from agreements_api.urgings.models import UrgingKind, UrgingStatus
from shared.auth import Actor

ASKING = frozenset({Relation.CUSTODIAN, Relation.MONITOR, Relation.SUPERIOR, Relation.COORDINATING})
OWN = frozenset({Relation.OWN})

register(
    Rule("urging.read", MEMBERS, ALL, scope="tasks:read", note="explanations as well"),
    Rule("urging.ask", LEADER, ASKING, note="while the task is not over"),
    Rule("urging.answer", WORKERS, OWN, scope="tasks:write", note="own: who was asked, or took its place"),
    Rule("explanation.ask", LEADER, ASKING, note="unless the task is cancelled"),
    Rule("explanation.answer", LEADER, OWN, note="own: who was asked, or took its place"),
)

# In which a task can be urged; an explanation can also be asked for once it is completed.
PRESSING = frozenset({TaskStatus.NOT_STARTED.value, TaskStatus.IN_PROGRESS.value, TaskStatus.SUBMITTED.value})


def may(actor: Actor, kind: UrgingKind, step: str, relations: Iterable[str]) -> bool:
    return allowed(actor, f"{kind}.{step}", relations)


def can_be_asked(kind: UrgingKind, task_status: str) -> bool:
    return task_status in PRESSING if kind is UrgingKind.URGING else task_status != TaskStatus.CANCELLED


def allowed_actions(actor: Actor, kind: UrgingKind, status: str, relations: Iterable[str]) -> tuple[str, ...]:
    """The steps that this caller can take now."""
    return ("answer",) if status == UrgingStatus.OPEN and may(actor, kind, "answer", relations) else ()
