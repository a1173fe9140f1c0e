"""Who may comment on a task, and what an author may do with what he said."""

from collections.abc import Iterable

from agreements_api.agreements.permissions import ALL, CUSTODIAN, LEADER, WORKERS
from agreements_api.comments.models import CommentState
from agreements_api.policy import MEMBERS, Relation, Rule, allowed, register
from shared.auth import Actor

# Whoever has left a place reads on and says nothing.
STANDING = ALL - {Relation.FORMER}
SELF = frozenset({Relation.SELF})

register(
    Rule("comment.read", MEMBERS, ALL, scope="tasks:read"),
    Rule("comment.add", WORKERS, STANDING, note="also: whom a comment can name"),
    Rule("comment.update", WORKERS, SELF, note="self: who wrote it, while one could add it"),
    Rule("comment.delete", WORKERS, SELF, note="self: who wrote it, while one could add it; what it said is kept"),
    Rule("comment.read_versions", WORKERS, SELF, note="self: who wrote it"),
    Rule("comment.read_versions", LEADER, CUSTODIAN),
)

# The steps that each state has.
STEPS: dict[str, tuple[str, ...]] = {
    CommentState.PUBLISHED: ("update", "delete"),
    CommentState.DELETED: (),
}


def may(actor: Actor, step: str, relations: Iterable[str]) -> bool:
    return allowed(actor, f"comment.{step}", relations)


def may_change(actor: Actor, step: str, relations: Iterable[str]) -> bool:
    """An author words anew or takes back what he said as long as his organisation could say it."""
    held = list(relations)
    return may(actor, step, held) and may(actor, "add", held)


def allowed_actions(actor: Actor, state: str, relations: Iterable[str]) -> tuple[str, ...]:
    """The steps that this caller can take now."""
    held = list(relations)
    return tuple(step for step in STEPS[state] if may_change(actor, step, held))
