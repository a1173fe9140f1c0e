"""Who may ask for reports and read them: the one table of this service's permissions.

A report belongs to the organization that issues it; nobody outside of it sees that there is one. Which agreements an
organization can report on is no question of roles: it must be a member (see `repository.agreement_of`).
"""

from dataclasses import dataclass
from uuid import UUID

from reporting.reports.errors import NotAllowed, ReportNotFound
from shared.auth import Actor


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do something for their own organization: people by role, district systems by scope."""

    roles: frozenset[str]
    scope: str


READERS = frozenset({"viewer", "specialist", "leader", "administrator"})
REQUESTERS = READERS - {"viewer"}

RULES = {
    "report.read": Rule(READERS, "reports:read"),
    "report.request": Rule(REQUESTERS, "reports:write"),
    "report.cancel": Rule(REQUESTERS, "reports:write"),
}


def authorize(actor: Actor, action: str) -> UUID:
    """The organization in whose name the actor does it, or why not."""
    if actor.organization_id is None:
        raise ReportNotFound
    if not allowed(actor, action):
        raise NotAllowed
    return actor.organization_id


def allowed(actor: Actor, action: str) -> bool:
    """Whether the table has a row for the actor."""
    rule = RULES[action]
    return rule.scope in actor.scopes if actor.kind == "client" else not actor.roles.isdisjoint(rule.roles)
