"""Who may do what with accounts and clients."""

from collections.abc import Iterator
from uuid import UUID

from agreements_api.accounts.models import Account
from agreements_api.policy import MEMBERS, Relation, Role, Rule, register
from shared.auth import Actor

OPERATOR = frozenset({Role.OPERATOR})
ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
OWN = frozenset({Relation.OWN})
ANYONE = frozenset({Relation.ANYONE})

register(
    Rule("me.read", MEMBERS | {Role.OPERATOR}, frozenset({Relation.SELF})),
    Rule("me.update", MEMBERS | {Role.OPERATOR}, frozenset({Relation.SELF})),
    Rule("user.read", MEMBERS, OWN),
    Rule("user.read", OPERATOR, ANYONE),
    Rule("user.create", ADMINISTRATOR, OWN),
    Rule("user.create", OPERATOR, ANYONE),
    Rule("user.update", ADMINISTRATOR, OWN, note="roles, name, activity, a new password"),
    Rule("user.update", OPERATOR, ANYONE),
    Rule("user.invite", ADMINISTRATOR, OWN, note="a link by which a person chooses the password"),
    Rule("user.invite", OPERATOR, ANYONE),
    Rule("user.read_history", MEMBERS | {Role.OPERATOR}, frozenset({Relation.SELF})),
    Rule("user.read_history", ADMINISTRATOR, OWN),
    Rule("user.read_history", OPERATOR, ANYONE),
    Rule("client.read", ADMINISTRATOR, OWN),
    Rule("client.read", OPERATOR, ANYONE),
    Rule("client.create", ADMINISTRATOR, OWN),
    Rule("client.create", OPERATOR, ANYONE),
    Rule("client.update", ADMINISTRATOR, OWN, note="name, scopes, activity"),
    Rule("client.update", OPERATOR, ANYONE),
    Rule("client.rotate", ADMINISTRATOR, OWN),
    Rule("client.rotate", OPERATOR, ANYONE),
    Rule("client.read_history", ADMINISTRATOR, OWN),
    Rule("client.read_history", OPERATOR, ANYONE),
)


def relations(
    actor: Actor, *, account_id: UUID | None = None, organization_id: UUID | None = None
) -> Iterator[Relation]:
    """How the caller stands to an account or to what belongs to an organisation."""
    if account_id is not None and actor.kind == "user" and actor.id == account_id:
        yield Relation.SELF
    if organization_id is not None and actor.organization_id == organization_id:
        yield Relation.OWN


def relations_to(actor: Actor, account: Account) -> list[Relation]:
    """How the caller stands to a person's account."""
    return list(relations(actor, account_id=account.id, organization_id=account.organization_id))
