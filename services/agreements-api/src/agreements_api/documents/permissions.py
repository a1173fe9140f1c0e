"""Who may read, attach and remove documents."""

from collections.abc import Iterable

from agreements_api.agreements.permissions import ALL, CUSTODIAN, PARTY, WORKERS
from agreements_api.documents.models import HELD, SubjectKind
from agreements_api.meetings.permissions import HOST
from agreements_api.obstacles.permissions import SUPERIOR
from agreements_api.policy import MEMBERS, Relation, Rule, allowed, register
from agreements_api.tasks.permissions import COORDINATING, LEAD, MONITOR
from shared.auth import Actor

register(
    Rule("document.read", MEMBERS, ALL, scope="documents:read"),
    Rule("document.add", WORKERS, CUSTODIAN | PARTY, scope="documents:write", note="to an agreement"),
    Rule(
        "meeting.add_document",
        WORKERS,
        CUSTODIAN | PARTY | HOST,
        scope="documents:write",
        note="own: hosts it; minutes and what was handed out",
    ),
    Rule(
        "evidence.add",
        WORKERS,
        LEAD | COORDINATING | MONITOR | CUSTODIAN,
        scope="documents:write",
        note="to a task; to a report its lead only",
    ),
    Rule(
        "obstacle.add_evidence",
        WORKERS,
        LEAD | COORDINATING | MONITOR | CUSTODIAN | SUPERIOR,
        scope="documents:write",
        note="superior: settles what was escalated",
    ),
    Rule(
        "document.remove",
        WORKERS,
        frozenset({Relation.OWN}),
        scope="documents:write",
        note="one's own organisation's, or of whose place it has; never what was signed, reported or decided upon",
    ),
)

_ADDING: dict[SubjectKind, str] = {
    SubjectKind.AGREEMENT: "document.add",
    SubjectKind.MEETING: "meeting.add_document",
    SubjectKind.TASK: "evidence.add",
    SubjectKind.REPORT: "evidence.add",
    SubjectKind.OBSTACLE: "obstacle.add_evidence",
}


def may_add(actor: Actor, kind: SubjectKind, relations: Iterable[str]) -> bool:
    """Whether the caller may attach something to a subject of this kind that he stands in these relations to."""
    return allowed(actor, _ADDING[kind], relations)


def may_remove(actor: Actor, *, own: bool) -> bool:
    return allowed(actor, "document.remove", [Relation.OWN] if own else [])


def allowed_actions(actor: Actor, *, state: str, removed: bool, own: bool, kept: bool) -> list[str]:
    """What this caller can do with a document now."""
    if removed:
        return []
    actions = [] if state in HELD else ["download"]
    return [*actions, "remove"] if not kept and may_remove(actor, own=own) else actions
