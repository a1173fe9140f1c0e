"""Who may say how often meetings were promised, and see how the promise is kept."""

from collections.abc import Iterable

from agreements_api.agreements.permissions import ALL, CUSTODIAN, WORKERS
from agreements_api.policy import MEMBERS, Rule, allowed, register
from shared.auth import Actor

register(
    Rule("meeting_promise.read", MEMBERS, ALL, scope="agreements:read"),
    Rule("meeting_promise.record", WORKERS, CUSTODIAN, note="of an agreement that has been in force"),
)


def may_record(actor: Actor, relations: Iterable[str]) -> bool:
    return allowed(actor, "meeting_promise.record", relations)


def allowed_actions(actor: Actor, relations: Iterable[str]) -> tuple[str, ...]:
    return ("update",) if may_record(actor, relations) else ()
