"""Who decides who answers, and who has successions carried out."""

from collections.abc import Iterable

from agreements_api.agreements.permissions import ALL, CUSTODIAN, LEADER, PARTY
from agreements_api.party_succession.models import CaseState
from agreements_api.policy import MEMBERS, Relation, Role, Rule, allowed, register
from shared.auth import Actor

SUPERIOR = frozenset({Relation.SUPERIOR})

register(
    Rule("succession.read", MEMBERS, ALL, scope="agreements:read", note="who answers, and what is to be decided"),
    Rule("succession.decide", LEADER, PARTY | CUSTODIAN | SUPERIOR, note="between several successors, once"),
    Rule("succession.apply", frozenset({Role.OPERATOR}), frozenset({Relation.ANYONE}), note="everything that ended"),
)


def may_decide(actor: Actor, relations: Iterable[str]) -> bool:
    return allowed(actor, "succession.decide", relations)


def may_apply(actor: Actor) -> bool:
    return allowed(actor, "succession.apply")


def allowed_actions(actor: Actor, state: str, relations: Iterable[str]) -> tuple[str, ...]:
    return ("decide",) if state == CaseState.OPEN and may_decide(actor, relations) else ()
