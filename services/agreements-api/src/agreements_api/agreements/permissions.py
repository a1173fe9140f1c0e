"""Who may do what with an agreement, and which steps its status has."""

from collections.abc import Iterable
from functools import lru_cache

from agreements_api.agreements.models import AgreementStatus
from agreements_api.policy import MEMBERS, Caller, Relation, Role, Rule, allowed, register
from shared.auth import Actor

WORKERS = frozenset({Role.SPECIALIST, Role.LEADER})
LEADER = frozenset({Role.LEADER})
ALL = frozenset(
    {
        Relation.PARTY,
        Relation.CUSTODIAN,
        Relation.SUPERIOR,
        Relation.LEAD,
        Relation.COORDINATING,
        Relation.MONITOR,
        Relation.FORMER,
    }
)
CUSTODIAN = frozenset({Relation.CUSTODIAN})
PARTY = frozenset({Relation.PARTY})

register(
    Rule("agreement.draft", WORKERS, frozenset({Relation.ANYONE}), note="one's own organisation becomes custodian"),
    Rule("agreement.read", MEMBERS, ALL, scope="agreements:read"),
    Rule("agreement.update", WORKERS, CUSTODIAN, note="draft only"),
    Rule("agreement.delete", WORKERS, CUSTODIAN, note="a draft that nobody else has seen"),
    Rule("agreement.open", LEADER, CUSTODIAN),
    Rule("agreement.sign", LEADER, PARTY, note="for one's own party, once"),
    Rule("agreement.decline", LEADER, PARTY, note="back to draft"),
    Rule("agreement.recall", LEADER, CUSTODIAN, note="back to draft, before the last required signature"),
    Rule("agreement.assign_task", WORKERS, CUSTODIAN | PARTY, note="in force only"),
    Rule("agreement.amend", WORKERS, CUSTODIAN | PARTY, note="a draft of one's own organisation"),
    Rule("agreement.renew", WORKERS, CUSTODIAN | PARTY, note="a draft of one's own organisation"),
    Rule("agreement.suspend", LEADER, CUSTODIAN, note="with a reason"),
    Rule("agreement.resume", LEADER, CUSTODIAN, note="with a reason"),
    Rule("agreement.conclude", LEADER, CUSTODIAN, note="with a reason"),
    Rule("agreement.terminate", LEADER, CUSTODIAN, note="with a reason"),
)

# The steps that each status has; the table of states in the documentation is this one.
STEPS: dict[str, tuple[str, ...]] = {
    AgreementStatus.DRAFT: ("update", "delete", "open"),
    AgreementStatus.OPEN_FOR_SIGNATURE: ("sign", "decline", "recall"),
    AgreementStatus.IN_FORCE: ("assign_task", "amend", "renew", "suspend", "conclude", "terminate"),
    AgreementStatus.SUSPENDED: ("amend", "renew", "resume", "conclude", "terminate"),
    AgreementStatus.CONCLUDED: (),
    AgreementStatus.TERMINATED: (),
    AgreementStatus.LAPSED: (),
}
# What an amendment does, it did when it came into force: from then on every step is the amended agreement's.
UNTIL_FORCE = frozenset({AgreementStatus.DRAFT.value, AgreementStatus.OPEN_FOR_SIGNATURE.value})


def steps(status: str, *, amendment: bool) -> tuple[str, ...]:
    return () if amendment and status not in UNTIL_FORCE else STEPS[status]


def publishing(*, public: bool, was_in_force: bool) -> tuple[str, ...]:
    """Only what has bound its parties can be shown to the public, and only what is shown can be taken back."""
    if public:
        return ("unpublish",)
    return ("publish",) if was_in_force else ()


def may(actor: Actor, step: str, relations: Iterable[str]) -> bool:
    return allowed(actor, f"agreement.{step}", relations)


# Asked for every row of a list; there are few different answers.
@lru_cache(maxsize=4096)
def allowed_actions(
    caller: Caller,
    status: str,
    relations: str,
    *,
    signed: bool,
    is_turn: bool = True,
    amendment: bool = False,
    amendable: bool = True,
    other_open: bool = False,
    signing_over: bool = False,
    presented: bool = True,
    public: bool = False,
    was_in_force: bool = False,
) -> tuple[str, ...]:
    """The steps that this caller can take now; `relations` are his organisation's, separated by commas.

    `amendable` and `other_open` are of the agreement that an amendment changes, and of its other amendments.
    """
    held = relations.split(",")
    without = (
        ("open", not amendable or other_open),
        ("sign", signed or not is_turn or not amendable or signing_over),
        ("decline", signed),
        ("delete", presented),
    )
    done = {step for step, is_without in without if is_without}
    own = (
        step
        for step in steps(status, amendment=amendment)
        if step not in done and allowed(caller, f"agreement.{step}", held)
    )
    shown = publishing(public=public, was_in_force=was_in_force)
    return (*own, *(step for step in shown if allowed(caller, f"publication.{step}", held)))
