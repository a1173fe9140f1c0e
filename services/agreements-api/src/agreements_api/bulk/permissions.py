"""Who may send many changes at once; each change needs its own permission as well."""

from agreements_api.agreements.permissions import WORKERS
from agreements_api.policy import Relation, Rule, allowed, register
from shared.auth import Actor

register(
    Rule(
        "task.bulk",
        WORKERS,
        frozenset({Relation.ANYONE}),
        scope="tasks:write",
        note="each change needs its own permission as well",
    )
)


def may_send(actor: Actor) -> bool:
    return allowed(actor, "task.bulk")
