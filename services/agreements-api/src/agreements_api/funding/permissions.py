"""Who may say what a task needs of public investment."""

from collections.abc import Iterable

from agreements_api.agreements.permissions import ALL, CUSTODIAN, WORKERS
from agreements_api.funding.gates import OVER
from agreements_api.policy import MEMBERS, Relation, Role, Rule, allowed, register
from shared.auth import Actor

register(
    Rule("funding.read", MEMBERS, ALL, scope="tasks:read"),
    Rule(
        "funding.update",
        WORKERS,
        CUSTODIAN | {Relation.LEAD},
        scope="tasks:write",
        note="until the task is completed or cancelled",
    ),
    Rule("plan_period.read", MEMBERS | {Role.OPERATOR}, frozenset({Relation.ANYONE}), scope="tasks:read"),
    Rule(
        "plan_period.add",
        frozenset({Role.OPERATOR}),
        frozenset({Relation.ANYONE}),
        note="one register for the whole country",
    ),
)


def may(actor: Actor, step: str, relations: Iterable[str]) -> bool:
    return allowed(actor, f"funding.{step}", relations)


def may_read_periods(actor: Actor) -> bool:
    return allowed(actor, "plan_period.read")


def may_add_periods(actor: Actor) -> bool:
    return allowed(actor, "plan_period.add")


def allowed_actions(actor: Actor, task_status: str, relations: Iterable[str]) -> list[str]:
    """The steps that this caller can take now."""
    return ["update"] if task_status not in OVER and may(actor, "update", relations) else []
