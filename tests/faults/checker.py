"""Proves from the outside that no committed change was lost, reordered or applied twice.

Pure functions over what was collected after the faults: `Evidence` in, `Finding`s out. An empty list is the proof.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

TASK, AGREEMENT = "task", "agreement"
# What each consumer keeps: reporting projects all that it reports about, the notifier what deadlines are made of.
PROJECTED = frozenset({"organization", AGREEMENT, TASK})
WITH_DEADLINES = frozenset({"organization", TASK})
# What the feed of events carries; organisations' events hold the addresses of people and stay out of it.
NOT_FED = frozenset({"organization", "unit"})


@dataclass(frozen=True)
class Change:
    """One committed change: the version that an aggregate reached."""

    aggregate_id: str
    version: int
    kind: str = TASK


@dataclass(frozen=True)
class Alert:
    """One alert: `identity` is what must be unique (task or agreement, revision, policy, step, recipient, channel)."""

    identity: tuple[str, ...]


class Outcome(StrEnum):
    """What the client was told of a write."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


@dataclass(frozen=True)
class Write:
    """One write as its client saw it; `token` is a text in the write that can be found again in the database."""

    token: str
    what: str
    outcome: Outcome
    # What the acknowledgement said that was reached.
    reached: Change | None = None


@dataclass(frozen=True)
class Finding:
    """Something that must not be: what kind, on what, and in words."""

    kind: str
    subject: str
    detail: str


@dataclass
class Evidence:
    """What was found in each place once everything had come to rest.

    `committed` is what the services' own tables say; `travelled` is in the order of each partition (an aggregate never
    leaves its partition), `fed` in the order of the event feed, `kept` the history that reporting holds of tasks;
    `projections` and `deadlines` give the version that each consumer holds for an aggregate, `signings` the agreements
    that ever asked for signatures until a day, and of which deadlines are kept therefore; `expected_alerts` and
    `expected_mails` are derived again from tasks and policy, `possible_alerts` (where given) is all that was ever due
    at some version of a task, `listed_alerts` is read from the in-app lists, `mailed` holds one identity for each
    message that reached the mail server; `writes` is what clients were told and `applied` how often each write is
    found; `put_aside` are messages that a consumer could not apply and `failures` answers that must never be given.
    """

    committed: list[Change] = field(default_factory=list)
    travelled: list[Change] = field(default_factory=list)
    fed: list[Change] | None = None
    kept: list[Change] | None = None
    projections: dict[str, int] = field(default_factory=dict)
    deadlines: dict[str, int] = field(default_factory=dict)
    signings: frozenset[str] = frozenset()
    expected_alerts: list[Alert] = field(default_factory=list)
    possible_alerts: frozenset[tuple[str, ...]] | None = None
    listed_alerts: list[Alert] = field(default_factory=list)
    expected_mails: list[tuple[str, ...]] = field(default_factory=list)
    mailed: list[tuple[str, ...]] = field(default_factory=list)
    sender_kills: int = 0
    writes: list[Write] = field(default_factory=list)
    applied: dict[str, int] = field(default_factory=dict)
    put_aside: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


# Table → its rows as text, for every table that holds an effect.
Effects = Mapping[str, Collection[str]]


def check(evidence: Evidence) -> list[Finding]:
    """Every finding; none means that the faults cost nothing."""
    return [
        *_gaps(_of(PROJECTED, evidence.committed)),
        *_lost_or_inverted("Kafka", evidence.committed, evidence.travelled),
        *_in_the_feed(evidence),
        *_kept_history(evidence),
        *_behind("projection", _of(PROJECTED, evidence.committed), evidence.projections),
        *_behind("deadline", _with_deadlines(evidence), evidence.deadlines),
        *_alerts(evidence),
        *_mails(evidence),
        *_writes(evidence),
        *(Finding("put_aside", letter, "a consumer could not apply it") for letter in evidence.put_aside),
        *(Finding("failed_answer", answer, "no fault excuses it") for answer in evidence.failures),
    ]


def compare(before: Effects, after: Effects) -> list[Finding]:
    """What differs once all events have arrived for a second time; nothing may."""
    findings: list[Finding] = []
    for table in sorted(before.keys() | after.keys()):
        old, new = Counter(before.get(table, ())), Counter(after.get(table, ()))
        findings += [Finding("effect_twice", table, f"new: {row}") for row in (new - old).elements()]
        findings += [Finding("effect_gone", table, f"no longer there: {row}") for row in (old - new).elements()]
    return findings


def _of(kinds: Collection[str], changes: Iterable[Change]) -> list[Change]:
    return [change for change in changes if change.kind in kinds]


def _with_deadlines(evidence: Evidence) -> list[Change]:
    return [
        change
        for change in evidence.committed
        if change.kind in WITH_DEADLINES or (change.kind == AGREEMENT and change.aggregate_id in evidence.signings)
    ]


def _versions(changes: Iterable[Change]) -> dict[str, set[int]]:
    versions: dict[str, set[int]] = defaultdict(set)
    for change in changes:
        versions[change.aggregate_id].add(change.version)
    return versions


def _gaps(committed: Iterable[Change]) -> Iterator[Finding]:
    """Every version was committed once: a number that is missing below the newest one is a change without a trace."""
    for aggregate_id, versions in _versions(committed).items():
        for version in sorted(set(range(1, max(versions))) - versions):
            yield Finding("gap", aggregate_id, f"version {version} of {max(versions)} left no trace")


def _lost_or_inverted(place: str, committed: Iterable[Change], travelled: Iterable[Change]) -> Iterator[Finding]:
    """At-least-once with order: the first arrival of each version comes after that of every lower one."""
    first_arrivals: dict[str, list[int]] = defaultdict(list)
    for change in travelled:
        arrivals = first_arrivals[change.aggregate_id]
        if change.version not in arrivals:
            arrivals.append(change.version)
    wanted = _versions(committed)
    for aggregate_id, versions in wanted.items():
        arrivals = first_arrivals.get(aggregate_id, [])
        for version in sorted(versions.difference(arrivals)):
            yield Finding("lost", aggregate_id, f"version {version} was committed and never reached {place}")
        if arrivals != sorted(arrivals):
            yield Finding("inverted", aggregate_id, f"versions reached {place} as {arrivals}")
        for version in sorted(set(arrivals) - versions):
            yield Finding("invented", aggregate_id, f"version {version} reached {place} and was never committed")
    for aggregate_id in first_arrivals.keys() - wanted.keys():
        yield Finding("invented", aggregate_id, f"reached {place} and was never committed")


def _in_the_feed(evidence: Evidence) -> Iterator[Finding]:
    if evidence.fed is None:
        return
    committed = [change for change in evidence.committed if change.kind not in NOT_FED]
    yield from _lost_or_inverted("the feed", committed, evidence.fed)
    yield from _doubled("the feed", evidence.fed)


def _kept_history(evidence: Evidence) -> Iterator[Finding]:
    if evidence.kept is None:
        return
    yield from _lost_or_inverted("reporting's history", _of({TASK}, evidence.committed), evidence.kept)
    yield from _doubled("reporting's history", evidence.kept)


def _doubled(place: str, changes: Iterable[Change]) -> Iterator[Finding]:
    for change, times in Counter(changes).items():
        if times > 1:
            yield Finding("doubled", change.aggregate_id, f"version {change.version} is {times} times in {place}")


def _behind(place: str, committed: Iterable[Change], held: Mapping[str, int]) -> Iterator[Finding]:
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
        if evidence.possible_alerts is not None and identity not in evidence.possible_alerts:
            yield Finding("alert_invented", "/".join(identity), "in the list and due at no version of its task")


def _mails(evidence: Evidence) -> Iterator[Finding]:
    """A sender that dies between SMTP's answer and its own commit may send that one message again, and no other."""
    for identity in sorted(set(evidence.expected_mails).difference(evidence.mailed)):
        yield Finding("mail_missing", "/".join(identity), "due by policy and never reached the mail server")
    surplus = {identity: times - 1 for identity, times in Counter(evidence.mailed).items() if times > 1}
    if sum(surplus.values()) > evidence.sender_kills:
        for identity, extra in surplus.items():
            yield Finding("mail_doubled", "/".join(identity), f"{extra} too many")


def _writes(evidence: Evidence) -> Iterator[Finding]:
    """What a client was told is so, and nothing that it asked for once happened twice."""
    committed = _versions(evidence.committed)
    for write in evidence.writes:
        times = evidence.applied.get(write.token, 0)
        subject = f"{write.what} {write.token}"
        if times > 1:
            yield Finding("write_doubled", subject, f"asked for once and applied {times} times")
        if write.outcome is Outcome.ACKNOWLEDGED and times == 0:
            yield Finding("write_lost", subject, "acknowledged and not in the database")
        if write.outcome is Outcome.REFUSED and times > 0:
            yield Finding("write_refused_and_applied", subject, "the client was told that it failed")
        if write.outcome is Outcome.UNANSWERED:
            yield Finding("write_unanswered", subject, "repeated until the client's patience was over")
        reached = write.reached
        if reached is not None and reached.version not in committed.get(reached.aggregate_id, ()):
            yield Finding("write_lost", subject, f"acknowledged as version {reached.version} of {reached.aggregate_id}")
