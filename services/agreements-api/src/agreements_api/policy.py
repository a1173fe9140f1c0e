"""The one table of permissions: which role may do which action in which relation to the record."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.problems import Forbidden


class Role(StrEnum):
    """What a person is within an organisation, and the two that stand outside of one."""

    VIEWER = "viewer"
    SPECIALIST = "specialist"
    LEADER = "leader"
    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    CLIENT = "client"


ROLE_WORDING: dict[Role, str] = {
    Role.VIEWER: "người xem",
    Role.SPECIALIST: "chuyên viên",
    Role.LEADER: "lãnh đạo",
    Role.ADMINISTRATOR: "quản trị đơn vị",
    Role.OPERATOR: "quản trị hệ thống",
    Role.CLIENT: "hệ thống kết nối",
}

# Everyone who works for an organisation.
MEMBERS = frozenset({Role.VIEWER, Role.SPECIALIST, Role.LEADER, Role.ADMINISTRATOR})


class Relation(StrEnum):
    """How the caller's organisation stands to a record."""

    ANYONE = "anyone"
    SELF = "self"
    OWN = "own"
    PARTY = "party"
    CUSTODIAN = "custodian"
    LEAD = "lead"
    COORDINATING = "coordinating"
    MONITOR = "monitor"
    SUPERIOR = "superior"
    # Stood in it until its unit ended and another one took the place.
    FORMER = "former"


class ActorLike(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def roles(self) -> frozenset[str]: ...
    @property
    def scopes(self) -> frozenset[str]: ...


@dataclass(frozen=True)
class Caller:
    """All that the table asks of an actor: callers who are alike in this share what was answered before."""

    kind: str
    roles: frozenset[str]
    scopes: frozenset[str]

    @classmethod
    def of(cls, actor: ActorLike) -> "Caller":
        return cls(actor.kind, actor.roles, actor.scopes)


@dataclass(frozen=True)
class Rule:
    """One row: `roles` may do `action` where they stand in one of `relations`; a client needs `scope` instead."""

    action: str
    roles: frozenset[str]
    relations: frozenset[str]
    scope: str | None = None
    note: str = ""


# What reporting asks of a client; its secrets and scopes are given out here like any other.
SCOPES_ELSEWHERE = frozenset({"reports:read", "reports:write"})

POLICY: list[Rule] = []
_BY_ACTION: dict[str, list[Rule]] = {}


def register(*rules: Rule) -> None:
    """Each domain's `permissions.py` adds its rows once, when it is imported."""
    for rule in rules:
        if rule in POLICY:
            continue
        POLICY.append(rule)
        _BY_ACTION.setdefault(rule.action, []).append(rule)


def allowed(actor: ActorLike, action: str, relations: Iterable[str] = ()) -> bool:
    """Whether the table has a row for this caller; an action that nobody registered is a mistake, not a refusal."""
    if actor.kind == "system":
        return True
    held = {Relation.ANYONE.value, *relations}
    return any(_speaks_for(actor, rule) and not held.isdisjoint(rule.relations) for rule in _BY_ACTION[action])


def check_scope(actor: ActorLike, action: str) -> None:
    """A client reads as far as its scopes go; which records a person sees is a matter of membership alone."""
    if actor.kind == "client" and not allowed(actor, action, Relation):
        raise Forbidden


def scopes() -> list[str]:
    """Every scope that a client can be given."""
    return sorted({rule.scope for rule in POLICY if rule.scope} | SCOPES_ELSEWHERE)


def as_markdown(elsewhere: Iterable[Rule] = ()) -> str:
    """The table for the documentation, with the rows of other services where they are given."""
    actions = {action: list(rules) for action, rules in _BY_ACTION.items()}
    for rule in elsewhere:
        actions.setdefault(rule.action, []).append(rule)
    head = [
        "| Action | " + " | ".join(f"{role} ({ROLE_WORDING[role]})" for role in Role) + " | Note |",
        "|---" * (len(Role) + 2) + "|",
    ]
    return "\n".join(head + [_row(action, rules) for action, rules in sorted(actions.items())])


def _speaks_for(actor: ActorLike, rule: Rule) -> bool:
    if actor.kind == "client":
        return rule.scope is not None and rule.scope in actor.scopes
    return not rule.roles.isdisjoint(actor.roles)


def _row(action: str, rules: list[Rule]) -> str:
    cells = [_cell(role, rules) for role in Role]
    note = "; ".join(rule.note for rule in rules if rule.note)
    return f"| `{action}` | " + " | ".join(cells) + f" | {note} |"


def _cell(role: Role, rules: list[Rule]) -> str:
    found: list[str] = []
    for rule in rules:
        if role is Role.CLIENT and rule.scope:
            found.append(f"`{rule.scope}`: {_relations(rule)}")
        elif role is not Role.CLIENT and role in rule.roles:
            found.append(_relations(rule))
    return "<br>".join(dict.fromkeys(found))


def _relations(rule: Rule) -> str:
    return ", ".join(relation.value for relation in Relation if relation in rule.relations)
