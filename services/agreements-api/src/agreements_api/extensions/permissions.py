"""Who decides on extensions or takes them back, and while which status of the task."""

from collections.abc import Iterable

from agreements_api.agreements.permissions import LEADER, WORKERS
from agreements_api.extensions.models import ExtensionState
from agreements_api.policy import Caller, Relation, Rule, allowed, register
from agreements_api.tasks.models import TaskStatus
from agreements_api.tasks.permissions import LEAD

# Whoever set the deadline, watches over it, or stands above those who promised.
DECIDING = frozenset({Relation.CUSTODIAN, Relation.MONITOR, Relation.SUPERIOR})

register(
    Rule("extension.grant", LEADER, DECIDING, note="the date asked for, or another later one"),
    Rule("extension.deny", LEADER, DECIDING, note="with a reason"),
    Rule("extension.withdraw", WORKERS, LEAD, scope="tasks:write", note="who asked, or leads in its place by now"),
)

# The steps that each state has.
STEPS: dict[str, tuple[str, ...]] = {
    ExtensionState.REQUESTED: ("grant", "deny", "withdraw"),
    ExtensionState.GRANTED: (),
    ExtensionState.DENIED: (),
    ExtensionState.WITHDRAWN: (),
}
# A task that is over has no deadline to move.
DECIDABLE = frozenset(
    {TaskStatus.NOT_STARTED, TaskStatus.IN_PROGRESS, TaskStatus.SUBMITTED, TaskStatus.SUSPENDED},
)


def steps(state: str, status: str) -> tuple[str, ...]:
    return STEPS[state] if status in DECIDABLE else ()


def allowed_actions(caller: Caller, state: str, status: str, relations: Iterable[str]) -> tuple[str, ...]:
    """The steps that this caller can take now."""
    held = list(relations)
    return tuple(step for step in steps(state, status) if allowed(caller, f"extension.{step}", held))
