"""Who may show an agreement and its tasks to the public."""

from collections.abc import Iterable

from agreements_api.agreements.permissions import ALL, CUSTODIAN, LEADER
from agreements_api.policy import MEMBERS, Rule, allowed, register
from shared.auth import Actor

register(
    Rule("publication.read", MEMBERS, ALL, scope="agreements:read"),
    Rule("publication.publish", LEADER, CUSTODIAN, note="an agreement that has been in force; its tasks one by one"),
    Rule("publication.unpublish", LEADER, CUSTODIAN, note="leaves a tombstone"),
)


def may(actor: Actor, step: str, relations: Iterable[str]) -> bool:
    return allowed(actor, f"publication.{step}", relations)


def may_read(actor: Actor) -> bool:
    """A client reads as far as its scopes go; which records a person sees is a matter of membership alone."""
    return actor.kind != "client" or may(actor, "read", ALL)


def steps(*, public: bool, was_in_force: bool) -> tuple[str, ...]:
    """What can happen now: only what has bound its parties can be shown, and only what is shown can be taken back."""
    if public:
        return ("unpublish",)
    return ("publish",) if was_in_force else ()
