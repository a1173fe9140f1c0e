"""Proves from the outside that no committed change was lost, reordered or applied twice.

Pure functions over what was collected after the faults: `Evidence` in, `Finding`s out. An empty list is the proof.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Change:
    """One committed change: the version that an aggregate reached."""

    aggregate_id: str
    version: int


@dataclass(frozen=True)
class Alert:
    """One alert: `identity` is what must be unique (task, revision, policy, step, recipient, channel)."""

    identity: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """Something that must not be: what kind, on what, and in words."""

    kind: str
    subject: str
    detail: str


@dataclass
class Evidence:
    """What was found in each place once everything had come to rest.

    `travelled` is in the order of each partition (an aggregate never leaves its partition); `projections` and
    `deadlines` give the version that each consumer holds for an aggregate; `expected_alerts` is derived again from
    tasks and policy, `listed_alerts` is read from the in-app list, `mailed` holds one identity for each message that
    reached the mail server.
    """

    committed: list[Change] = field(default_factory=list)
    travelled: list[Change] = field(default_factory=list)
    projections: dict[str, int] = field(default_factory=dict)
    deadlines: dict[str, int] = field(default_factory=dict)
    expected_alerts: list[Alert] = field(default_factory=list)
    listed_alerts: list[Alert] = field(default_factory=list)
    mailed: list[tuple[str, ...]] = field(default_factory=list)
    sender_kills: int = 0


def check(evidence: Evidence) -> list[Finding]:
    """Every finding; none means that the faults cost nothing."""
    return [
        *_lost_or_inverted(evidence.committed, evidence.travelled),
        *_behind("projection", evidence.committed, evidence.projections),
        *_behind("deadline", evidence.committed, evidence.deadlines),
        *_alerts(evidence),
        *_mails(evidence),
    ]


def _lost_or_inverted(committed: Iterable[Change], travelled: Iterable[Change]) -> Iterator[Finding]:
    """At-least-once with order: the first arrival of each version comes after that of every lower one."""
    first_arrivals: dict[str, list[int]] = defaultdict(list)
    for change in travelled:
        arrivals = first_arrivals[change.aggregate_id]
        if change.version not in arrivals:
            arrivals.append(change.version)
    wanted: dict[str, set[int]] = defaultdict(set)
    for change in committed:
        wanted[change.aggregate_id].add(change.version)
    for aggregate_id, versions in wanted.items():
        arrivals = first_arrivals.get(aggregate_id, [])
        for version in sorted(versions.difference(arrivals)):
            yield Finding("lost", aggregate_id, f"version {version} was committed and never reached Kafka")
        if arrivals != sorted(arrivals):
            yield Finding("inverted", aggregate_id, f"versions reached Kafka as {arrivals}")
    for aggregate_id in first_arrivals.keys() - wanted.keys():
        yield Finding("invented", aggregate_id, "reached Kafka and was never committed")


def _behind(place: str, committed: Iterable[Change], held: dict[str, int]) -> Iterator[Finding]:
    newest: dict[str, int] = {}
    for change in committed:
        newest[change.aggregate_id] = max(change.version, newest.get(change.aggregate_id, 0))
    for aggregate_id, version in held.items():
        if version != newest.get(aggregate_id):
            yield Finding(
                f"{place}_behind", aggregate_id, f"holds version {version} of {newest.get(aggregate_id, 'nothing')}"
            )
    for aggregate_id in newest.keys() - held.keys():
        yield Finding(f"{place}_missing", aggregate_id, f"version {newest[aggregate_id]} was never applied")


def _alerts(evidence: Evidence) -> Iterator[Finding]:
    listed = Counter(alert.identity for alert in evidence.listed_alerts)
    expected = {alert.identity for alert in evidence.expected_alerts}
    for identity in sorted(expected - listed.keys()):
        yield Finding("alert_missing", "/".join(identity), "due by policy and not in the list")
    for identity, times in listed.items():
        if times > 1:
            yield Finding("alert_doubled", "/".join(identity), f"{times} times in the list")


def _mails(evidence: Evidence) -> Iterator[Finding]:
    """A sender that dies between SMTP's answer and its own commit may send that one message again, and no other."""
    surplus = {identity: times - 1 for identity, times in Counter(evidence.mailed).items() if times > 1}
    if sum(surplus.values()) > evidence.sender_kills:
        for identity, extra in surplus.items():
            yield Finding("mail_doubled", "/".join(identity), f"{extra} too many")
