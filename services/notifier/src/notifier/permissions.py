"""What a district system needs for each of the notifier's resources; people see what is theirs by membership alone."""

from shared.auth import Actor
from shared.problems import Forbidden

DEADLINES = "tasks:read"
EVENTS = "agreements:read"


class ScopeMissing(Forbidden):
    """A client whose scopes do not reach here."""


class OperatorOnly(Forbidden):
    """Only the operator of the system."""


def check_scope(actor: Actor, scope: str) -> None:
    """A client needs the scope; a person's roles all read."""
    if actor.kind == "client" and scope not in actor.scopes:
        raise ScopeMissing


def check_operator(actor: Actor) -> None:
    if "operator" not in actor.roles:
        raise OperatorOnly
