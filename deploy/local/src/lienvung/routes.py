"""Which service answers which path, and which paths need no token: the gateway's whole knowledge of the API."""

import re
from dataclasses import dataclass

AGREEMENTS_API = "agreements-api"
NOTIFIER = "notifier"
REPORTING = "reporting"

# The first segment after /v1 decides; a segment stands under one service only.
RESOURCES: dict[str, tuple[str, ...]] = {
    AGREEMENTS_API: (
        "sessions",
        "oauth",
        ".well-known",
        "me",
        "users",
        "invitations",
        "clients",
        "units",
        "successions",
        "organizations",
        "agreements",
        "tasks",
        "my-work",
        "open-points",
        "obstacles",
        "urgings",
        "meetings",
        "boundary-cases",
        "corridors",
        "funding-gates",
        "plan-periods",
        "documents",
        "imports",
        "public",
        "policy",
    ),
    NOTIFIER: (
        "alerts",
        "deadlines",
        "alert-policies",
        "preferences",
        "subscriptions",
        "events",
        "event-types",
        "calendars",
        "unsubscribe",
        "dead-letters",
    ),
    REPORTING: ("indicators", "dashboards", "pulse", "reports", "report-schedules", "evaluations"),
}
# Answers that may stay open for hours (server-sent events), as regular expressions.
STREAMS = {
    AGREEMENTS_API: r"/v1/imports/[^/]+/events",
    NOTIFIER: r"/v1/events",
    REPORTING: r"/v1/reports/[^/]+/events",
}
# Files come in by these: they pass through as they come, and have limits of size and time of their own.
UPLOADS = {AGREEMENTS_API: ("documents", "imports")}


@dataclass(frozen=True)
class OpenRoute:
    """Calls that need no token: a path as a regular expression, and a method where only one is meant."""

    name: str
    service: str
    pattern: str
    method: str | None = None
    # A file comes back, which takes as long as the caller's line needs.
    file: bool = False


OPEN_ROUTES = (
    OpenRoute("sign-in", AGREEMENTS_API, r"/v1/sessions", "POST"),
    OpenRoute("token", AGREEMENTS_API, r"/v1/oauth/token", "POST"),
    OpenRoute("invitation", AGREEMENTS_API, r"/v1/invitations/accept", "POST"),
    OpenRoute("jwks", AGREEMENTS_API, r"/v1/\.well-known/jwks\.json"),
    # Its signature stands in the link.
    OpenRoute("document-content", AGREEMENTS_API, r"/v1/documents/[^/]+/content", "GET", file=True),
    OpenRoute("public", AGREEMENTS_API, r"/v1/public(?:/.*)?"),
    OpenRoute("unsubscribe", NOTIFIER, r"/v1/unsubscribe(?:/.*)?"),
)


def needs_token(method: str, path: str) -> bool:
    """Whether the gateway asks for a token; it does for all that is not listed above."""
    return not any(
        route.method in (None, method.upper()) and re.fullmatch(route.pattern, path) for route in OPEN_ROUTES
    )


def pattern_of(segments: tuple[str, ...]) -> str:
    """The paths of these resources as one regular expression."""
    return f"/v1/(?:{'|'.join(re.escape(segment) for segment in segments)})(?:/.*)?"
