"""Who may import, and which steps an import has."""

from agreements_api.agreements.permissions import WORKERS
from agreements_api.imports.models import ImportStatus
from agreements_api.policy import MEMBERS, Relation, Rule, allowed, register
from shared.auth import Actor

ANYONE = frozenset({Relation.ANYONE})
OWN = frozenset({Relation.OWN})

register(
    Rule(
        "import.create",
        WORKERS,
        ANYONE,
        note="and `agreement.assign_task` or `agreement.draft` for what is in the file",
    ),
    Rule("import_template.read", MEMBERS, ANYONE),
    Rule("import.read", MEMBERS, OWN),
    Rule("import.commit", WORKERS, OWN, note="with the rights of whoever sent the file, as they are by then"),
    Rule("import.cancel", WORKERS, OWN, note="until it is written"),
)

# The steps that each status has; the table of states in the documentation is this one.
STEPS: dict[str, tuple[str, ...]] = {
    ImportStatus.QUEUED: ("cancel",),
    ImportStatus.CHECKING: ("cancel",),
    ImportStatus.CHECKED: ("commit", "cancel"),
    ImportStatus.WRITING: ("cancel",),
    ImportStatus.COMPLETED: (),
    ImportStatus.REFUSED: (),
    ImportStatus.DUPLICATE: (),
    ImportStatus.CANCELLED: (),
    ImportStatus.EXPIRED: (),
    ImportStatus.FAILED: (),
}


def may(actor: Actor, step: str) -> bool:
    """Of imports of the caller's own organisation: others are not found."""
    return allowed(actor, f"import.{step}", (Relation.OWN,))


def may_have_template(actor: Actor) -> bool:
    return allowed(actor, "import_template.read")


def allowed_actions(actor: Actor, status: str) -> tuple[str, ...]:
    return tuple(step for step in STEPS[status] if may(actor, step))
