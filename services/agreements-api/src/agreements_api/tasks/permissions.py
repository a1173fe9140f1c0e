"""Who may do what with a task, and which steps its status has."""

from collections.abc import Iterable
from functools import lru_cache

from agreements_api.agreements.permissions import ALL, CUSTODIAN, LEADER, WORKERS
from agreements_api.policy import MEMBERS, Caller, Relation, Rule, allowed, register
from agreements_api.tasks.models import TaskStatus
from shared.auth import Actor

LEAD = frozenset({Relation.LEAD})
COORDINATING = frozenset({Relation.COORDINATING})
MONITOR = frozenset({Relation.MONITOR})

register(
    Rule("task.read", MEMBERS, ALL, scope="tasks:read"),
    Rule("task.update", WORKERS, CUSTODIAN, note="also the deadlines; before it is submitted"),
    Rule("task.accept", WORKERS, LEAD | COORDINATING, scope="tasks:write", note="a coordinating party its part"),
    Rule("task.report", WORKERS, LEAD, scope="tasks:write"),
    Rule("task.submit", WORKERS, LEAD, scope="tasks:write"),
    Rule("task.confirm", LEADER, COORDINATING, note="once for each submission"),
    Rule("task.return", LEADER, COORDINATING | MONITOR, note="with a reason"),
    Rule("task.refuse", LEADER, COORDINATING, note="with a reason, which becomes an obstacle"),
    Rule("task.complete", LEADER, LEAD | MONITOR | CUSTODIAN, note="only where no coordinating party has to confirm"),
    Rule("task.cancel", LEADER, CUSTODIAN, note="with a reason"),
    Rule("task.suspend", LEADER, CUSTODIAN, note="with a reason"),
    Rule("task.resume", LEADER, CUSTODIAN, note="with a reason"),
    Rule("task.reopen", LEADER, CUSTODIAN | MONITOR, note="completed or cancelled, with a reason"),
    Rule("task.reassign", LEADER, CUSTODIAN, note="with a reason"),
    Rule("task.extend", WORKERS, LEAD, scope="tasks:write", note="asks for a later deadline"),
    Rule("task.set_milestones", WORKERS, LEAD | CUSTODIAN, scope="tasks:write"),
    Rule("task.set_dependencies", WORKERS, LEAD | CUSTODIAN, scope="tasks:write"),
    Rule("task.set_recurrence", WORKERS, CUSTODIAN),
)

_PLANNING = ("set_milestones", "set_dependencies", "set_recurrence")

# The steps that each status has; the table of states in the documentation is this one.
STEPS: dict[str, tuple[str, ...]] = {
    TaskStatus.NOT_STARTED: ("update", "accept", "extend", *_PLANNING, "reassign", "suspend", "cancel"),
    TaskStatus.IN_PROGRESS: (
        *("update", "accept", "report", "submit", "extend", *_PLANNING),
        *("reassign", "suspend", "cancel"),
    ),
    TaskStatus.SUBMITTED: ("confirm", "return", "refuse", "complete", "cancel"),
    TaskStatus.COMPLETED: ("reopen",),
    TaskStatus.SUSPENDED: ("resume", "reassign", "cancel"),
    TaskStatus.CANCELLED: ("reopen",),
}


def may(actor: Actor, step: str, relations: Iterable[str]) -> bool:
    return allowed(actor, f"task.{step}", relations)


# What a submission is answered with: until its window closes, which is its confirmation.
ANSWERS = frozenset({"confirm", "return", "refuse"})


@lru_cache(maxsize=64)
def steps(status: str, *, coordinated: bool) -> tuple[str, ...]:
    """What can happen to a task: it is completed by its coordinating parties or, without any, by decision."""
    without = ("complete",) if coordinated else ("confirm", "refuse")
    return tuple(step for step in STEPS[status] if step not in without)


# Asked for every row of a list; there are few different answers.
@lru_cache(maxsize=4096)
def allowed_actions(
    caller: Caller,
    status: str,
    relations: str,
    *,
    coordinated: bool,
    confirmed: bool,
    closed: bool,
    accepted: bool,
    extendable: bool,
    repeatable: bool,
) -> tuple[str, ...]:
    """The steps that this caller can take now; `relations` are his organisation's, separated by commas."""
    held = relations.split(",")
    without = (
        *(("confirm", confirmed), ("refuse", confirmed), ("accept", accepted)),
        *(("extend", not extendable), ("set_recurrence", not repeatable)),
        *((step, closed) for step in ANSWERS),
    )
    done = {step for step, is_without in without if is_without}
    return tuple(
        step
        for step in steps(status, coordinated=coordinated)
        if step not in done and allowed(caller, f"task.{step}", held)
    )
