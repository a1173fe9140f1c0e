"""Who may raise and settle open points, and which steps their state has."""

from collections.abc import Iterable

from agreements_api.agreements.permissions import ALL, CUSTODIAN, LEADER, PARTY, WORKERS
from agreements_api.policy import MEMBERS, Relation, Rule, allowed, register
from agreements_api.provenance.models import OpenPointState
from shared.auth import Actor

SUPERIOR = frozenset({Relation.SUPERIOR})

register(
    Rule("open_point.read", MEMBERS, ALL, scope="agreements:read"),
    Rule("open_point.raise", WORKERS, CUSTODIAN | PARTY | SUPERIOR, note="of an agreement that has been in force"),
    Rule("open_point.carry", LEADER, CUSTODIAN | PARTY, note="into a record that the caller sees"),
    Rule("open_point.resolve", LEADER, CUSTODIAN | PARTY),
    Rule("provenance.read", MEMBERS, ALL, scope="agreements:read"),
)

# The steps that each state has.
STEPS: dict[str, tuple[str, ...]] = {
    OpenPointState.OPEN: ("carry", "resolve"),
    OpenPointState.CARRIED: ("resolve",),
    OpenPointState.RESOLVED: (),
}


def may(actor: Actor, step: str, relations: Iterable[str]) -> bool:
    return allowed(actor, f"open_point.{step}", relations)


def allowed_actions(actor: Actor, state: str, relations: Iterable[str]) -> tuple[str, ...]:
    """The steps that this caller can take now."""
    held = list(relations)
    return tuple(step for step in STEPS[state] if may(actor, step, held))
