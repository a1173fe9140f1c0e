"""Who may do what in the whole product: the table of agreements-api with the rows of the other services."""

import agreements_api.app  # noqa: F401 - each domain adds its rows when it is imported
from agreements_api import policy
from agreements_api.agreements.permissions import ALL
from agreements_api.policy import MEMBERS, Relation, Role, Rule
from notifier.permissions import DEADLINES, EVENTS
from reporting.reports.permissions import RULES as REPORTS

_OWN = frozenset({Relation.OWN})
# People see in the notifier what their organisation is a member of; its systems need the scope as well.
_NOTIFIER = (
    Rule("alert.read", MEMBERS | {Role.OPERATOR}, frozenset({Relation.SELF}), note="notifier"),
    Rule("dead_letter.settle", frozenset({Role.OPERATOR}), frozenset({Relation.ANYONE}), note="notifier"),
    Rule("deadline.read", MEMBERS, ALL, scope=DEADLINES, note="notifier"),
    Rule("event.read", MEMBERS, ALL, scope=EVENTS, note="notifier"),
)


def elsewhere() -> list[Rule]:
    """The rows of notifier and reporting."""
    reports = [Rule(action, rule.roles, _OWN, scope=rule.scope, note="reporting") for action, rule in REPORTS.items()]
    return [*_NOTIFIER, *reports]


def as_markdown() -> str:
    """One table for all services."""
    return policy.as_markdown(elsewhere())
