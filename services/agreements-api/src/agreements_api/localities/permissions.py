"""Who may do what with units and organisations."""

from collections.abc import Collection, Iterator
from uuid import UUID

from agreements_api.policy import MEMBERS, Relation, Role, Rule, register
from shared.auth import Actor

EVERYONE = MEMBERS | {Role.OPERATOR}
OPERATOR = frozenset({Role.OPERATOR})

register(
    Rule("unit.read", EVERYONE, frozenset({Relation.ANYONE}), scope="localities:read"),
    Rule("succession.record", OPERATOR, frozenset({Relation.ANYONE}), note="a resolution changes every locality"),
    Rule("organization.read", EVERYONE, frozenset({Relation.ANYONE}), scope="localities:read"),
    Rule("organization.create", OPERATOR, frozenset({Relation.ANYONE})),
    Rule("organization.update", OPERATOR, frozenset({Relation.ANYONE})),
    Rule(
        "organization.update",
        frozenset({Role.ADMINISTRATOR}),
        frozenset({Relation.OWN}),
        note="its own: short name and contact",
    ),
    Rule(
        "organization.read_history",
        frozenset({Role.ADMINISTRATOR}),
        frozenset({Relation.OWN, Relation.SUPERIOR}),
        note="with that of its focal points; superior: stands above it",
    ),
    Rule("organization.read_history", OPERATOR, frozenset({Relation.ANYONE})),
    Rule("contact.update", OPERATOR, frozenset({Relation.ANYONE}), note="focal points"),
    Rule("contact.update", frozenset({Role.ADMINISTRATOR}), frozenset({Relation.OWN})),
    Rule("organization.govern", OPERATOR, frozenset({Relation.ANYONE}), note="name, kind and superior"),
)


def relations(actor: Actor, organization_id: UUID | None, above: Collection[UUID] = ()) -> Iterator[Relation]:
    """How the caller stands to an organisation; to one that he stands above, where it is said what does."""
    if organization_id is not None and actor.organization_id == organization_id:
        yield Relation.OWN
    elif actor.organization_id in above:
        yield Relation.SUPERIOR
