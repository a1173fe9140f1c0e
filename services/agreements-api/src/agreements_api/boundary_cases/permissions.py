"""Who may open, confirm and close dossiers of boundary areas, and which steps their state has."""

from collections.abc import Iterable

from agreements_api.agreements.permissions import ALL, CUSTODIAN, LEADER, WORKERS
from agreements_api.boundary_cases.handover import StepAction
from agreements_api.boundary_cases.models import CaseState
from agreements_api.policy import MEMBERS, Relation, Rule, allowed, register
from agreements_api.tasks.permissions import COORDINATING, LEAD
from shared.auth import Actor

# The organisation that answers for one of the two sides.
SIDE = frozenset({Relation.OWN})

register(
    Rule("boundary_case.read", MEMBERS, ALL, scope="tasks:read"),
    Rule("boundary_case.open", WORKERS, LEAD | COORDINATING | CUSTODIAN, note="of a task that is not over"),
    Rule("boundary_case.update", WORKERS, LEAD | CUSTODIAN | SIDE, note="own: one of the two sides; until handed over"),
    Rule("boundary_case.confirm", LEADER, SIDE, note="own: for one's own side"),
    Rule("boundary_case.take_back", LEADER, SIDE, note="own: one's own, until the other side has confirmed"),
    Rule("boundary_case.close", LEADER, LEAD | CUSTODIAN, note="with a remark"),
)

# The steps that each state has; the table of states in the documentation is this one.
STEPS: dict[str, tuple[str, ...]] = {
    CaseState.OPEN: ("update", "confirm", "take_back"),
    CaseState.HANDED_OVER: ("close",),
    CaseState.CLOSED: (),
}
# Steps of one of the hand-over's own steps.
_OF_A_STEP = frozenset(StepAction)


def may(actor: Actor, step: str, relations: Iterable[str]) -> bool:
    return allowed(actor, f"boundary_case.{step}", relations)


def allowed_actions(actor: Actor, state: str, relations: Iterable[str]) -> tuple[str, ...]:
    """The steps that this caller can take now with the dossier itself."""
    held = list(relations)
    return tuple(step for step in STEPS[state] if step not in _OF_A_STEP and may(actor, step, held))


def step_actions(actor: Actor, state: str, relations: Iterable[str], possible: Iterable[StepAction]) -> tuple[str, ...]:
    """Of what is possible with a step of the hand-over, what this caller can do."""
    held = list(relations)
    return tuple(action.value for action in possible if action in STEPS[state] and may(actor, action, held))
