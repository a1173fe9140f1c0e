"""Who may raise, work on, escalate and settle obstacles, and which steps their state has."""

from collections.abc import Iterable

from agreements_api.agreements.permissions import ALL, CUSTODIAN, LEADER, WORKERS
from agreements_api.obstacles.models import ObstacleLevel, ObstacleStatus
from agreements_api.policy import MEMBERS, Relation, Rule, allowed, register
from shared.auth import Actor

TAKING_PART = frozenset({Relation.LEAD, Relation.COORDINATING, Relation.MONITOR})
LEAD = frozenset({Relation.LEAD})
COORDINATING = frozenset({Relation.COORDINATING})
SUPERIOR = frozenset({Relation.SUPERIOR})
OWN = frozenset({Relation.OWN})

register(
    Rule("obstacle.read", MEMBERS, ALL, scope="tasks:read"),
    Rule("obstacle.raise", WORKERS, TAKING_PART | CUSTODIAN, scope="tasks:write", note="of a task under way"),
    Rule("obstacle.update", WORKERS, OWN, note="own: who raised it"),
    Rule("obstacle.measure", WORKERS, LEAD | COORDINATING | CUSTODIAN | SUPERIOR, note="plan, change, carry out"),
    Rule("obstacle.escalate", LEADER, TAKING_PART | CUSTODIAN, note="from locality to province, with a reason"),
    Rule("obstacle.resolve", LEADER, LEAD | CUSTODIAN | SUPERIOR | OWN, note="own: who raised it"),
    Rule("obstacle.reopen", LEADER, TAKING_PART | CUSTODIAN | SUPERIOR | OWN, note="with a reason"),
)

# The steps that each state has.
STEPS: dict[tuple[str, str], tuple[str, ...]] = {
    (ObstacleStatus.OPEN, ObstacleLevel.LOCALITY): ("update", "measure", "escalate", "resolve"),
    (ObstacleStatus.OPEN, ObstacleLevel.PROVINCE): ("update", "measure", "resolve"),
    (ObstacleStatus.RESOLVED, ObstacleLevel.LOCALITY): ("reopen",),
    (ObstacleStatus.RESOLVED, ObstacleLevel.PROVINCE): ("reopen",),
}


def may(actor: Actor, step: str, relations: Iterable[str]) -> bool:
    return allowed(actor, f"obstacle.{step}", relations)


def allowed_actions(
    actor: Actor, status: str, level: str, relations: Iterable[str], *, escalatable: bool
) -> tuple[str, ...]:
    """The steps that this caller can take now; `escalatable` where there is a body above the lead."""
    held = list(relations)
    return tuple(
        step for step in STEPS[status, level] if may(actor, step, held) and (step != "escalate" or escalatable)
    )
