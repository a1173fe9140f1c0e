"""What a district system needs for each of the notifier's resources; people see what is theirs by membership alone."""

from shared.auth import Actor
from shared.problems import Forbidden

DEADLINES = "tasks:read"
SIGNINGS = "agreements:read"
EVENTS = "agreements:read"


class ScopeMissing(Forbidden):
    """A client whose scopes do not reach here."""


class OperatorOnly(Forbidden):
    """Only the operator of the system."""


def check_scope(actor: Actor, scope: str) -> None:
    """A client needs the scope; a person's roles all read."""
    if not has_scope(actor, scope):
        raise ScopeMissing


def has_scope(actor: Actor, scope: str) -> bool:
    return actor.kind != "client" or scope in actor.scopes


def check_operator(actor: Actor) -> None:
    if "operator" not in actor.roles:
        raise OperatorOnly
