"""Who may draw corridors, and who may change a segment."""

from collections.abc import Iterable

from agreements_api.agreements.models import AgreementStatus
from agreements_api.agreements.permissions import ALL, CUSTODIAN, LEADER, PARTY, WORKERS
from agreements_api.policy import MEMBERS, Relation, Rule, allowed, register
from shared.auth import Actor

OWN = frozenset({Relation.OWN})

register(
    Rule("corridor.read", MEMBERS, ALL, scope="agreements:read"),
    Rule("corridor.create", WORKERS, CUSTODIAN | PARTY, note="of an agreement in force"),
    Rule("corridor.update", WORKERS, CUSTODIAN),
    Rule(
        "segment.create",
        WORKERS,
        CUSTODIAN | OWN,
        note="own: stands in the agreement; of another one only where it runs, no plans",
    ),
    Rule("segment.update", WORKERS, OWN, scope="corridors:write", note="one's own organisation's segments only"),
    Rule("segment.hand_over", LEADER, CUSTODIAN | OWN, note="to who answers for it from now on; with a reason"),
    Rule("segment.withdraw", LEADER, OWN, note="with a reason; it stays on record"),
)

SEGMENT_STEPS = ("update", "hand_over", "withdraw")


def may(actor: Actor, action: str, relations: Iterable[str]) -> bool:
    return allowed(actor, action, relations)


def corridor_actions(actor: Actor, relations: Iterable[str], *, stands: bool, agreement_status: str) -> tuple[str, ...]:
    """The steps that this caller can take with a corridor; whoever stands in its agreement may add one of his own."""
    held = list(relations)
    found = ["update"] if may(actor, "corridor.update", held) else []
    adding = [*held, Relation.OWN] if stands else held
    adds = agreement_status == AgreementStatus.IN_FORCE and may(actor, "segment.create", adding)
    return (*found, *(["add_segment"] if adds else []))


def segment_actions(actor: Actor, relations: Iterable[str], *, withdrawn: bool) -> tuple[str, ...]:
    """The steps that this caller can take with a segment now."""
    held = list(relations)
    return () if withdrawn else tuple(step for step in SEGMENT_STEPS if may(actor, f"segment.{step}", held))
