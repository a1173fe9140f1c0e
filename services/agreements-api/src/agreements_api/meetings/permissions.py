"""Who may plan, hold and record meetings, and which steps their status has."""

from collections.abc import Iterable

from agreements_api.agreements.permissions import ALL, CUSTODIAN, PARTY, WORKERS
from agreements_api.agreements.permissions import may as may_with_agreement
from agreements_api.meetings.models import MeetingStatus
from agreements_api.policy import MEMBERS, Relation, Rule, allowed, register
from shared.auth import Actor

# The organisation that hosts the meeting.
HOST = frozenset({Relation.OWN})

register(
    Rule("meeting.read", MEMBERS, ALL, scope="agreements:read"),
    Rule(
        "meeting.plan",
        WORKERS,
        CUSTODIAN | PARTY | frozenset({Relation.SUPERIOR}),
        note="of an agreement in force or suspended",
    ),
    Rule("meeting.update", WORKERS, CUSTODIAN | HOST, note="own: hosts it; before it is held"),
    Rule("meeting.hold", WORKERS, CUSTODIAN | HOST, note="own: hosts it"),
    Rule("meeting.cancel", WORKERS, CUSTODIAN | HOST, note="own: hosts it; with a reason"),
    Rule("meeting.record", WORKERS, CUSTODIAN | HOST, note="own: hosted it; attendance, minutes and outcomes"),
)

# The steps that each status has; the table of states in the documentation is this one.
STEPS: dict[str, tuple[str, ...]] = {
    MeetingStatus.PLANNED: ("update", "hold", "cancel"),
    MeetingStatus.HELD: ("record",),
    MeetingStatus.CANCELLED: (),
}


def may(actor: Actor, step: str, relations: Iterable[str]) -> bool:
    return allowed(actor, f"meeting.{step}", relations)


def may_assign(actor: Actor, relations: Iterable[str]) -> bool:
    """Whoever may assign a task of the agreement may make an outcome of its meeting one."""
    return may_with_agreement(actor, "assign_task", relations)


def allowed_actions(actor: Actor, status: str, relations: Iterable[str]) -> tuple[str, ...]:
    """The steps that this caller can take now."""
    held = list(relations)
    return tuple(step for step in STEPS[status] if may(actor, step, held))


def outcome_actions(actor: Actor, relations: Iterable[str], *, assigned: bool, assignable: bool) -> tuple[str, ...]:
    """What this caller can do with an outcome; `assignable` is whether its agreement takes tasks now."""
    held = list(relations)
    if assigned:
        return ()
    update = ("update",) if may(actor, "record", held) else ()
    return (*update, "assign") if assignable and may_assign(actor, held) else update
