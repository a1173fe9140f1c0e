"""Who may show an agreement and its tasks to the public."""

from collections.abc import Iterable

from agreements_api.agreements.permissions import ALL, CUSTODIAN, LEADER, publishing
from agreements_api.policy import MEMBERS, Rule, allowed, register
from shared.auth import Actor

register(
    Rule("publication.read", MEMBERS, ALL, scope="agreements:read"),
    Rule("publication.publish", LEADER, CUSTODIAN, note="an agreement that has been in force; its tasks one by one"),
    Rule("publication.unpublish", LEADER, CUSTODIAN, note="leaves a tombstone"),
)


def may(actor: Actor, step: str, relations: Iterable[str]) -> bool:
    return allowed(actor, f"publication.{step}", relations)


# What can happen now; an agreement lists it among its own steps.
steps = publishing
