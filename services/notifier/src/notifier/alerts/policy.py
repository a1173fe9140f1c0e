"""The alert policies: which steps a deadline has and when each of them fires. Pure functions of dates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from notifier.alerts.models import Audience, StepKind
from notifier.deadlines.models import DeadlineSubject
from shared.calendar import WorkingCalendar
from shared.clock import end_of, start_of

# No step comes earlier before a deadline, whatever holidays lie between.
_FURTHEST_AHEAD = timedelta(days=60)
# Older than the product; dates before it, which only a mistake can be, count as it.
_EARLIEST = date(2000, 1, 1)


@dataclass(frozen=True)
class Policy:
    """Everything is counted in working days.

    The weekly reminder comes every fifth working day: over Tết it pauses as the offices do.
    """

    name: str = "default.v1"
    fire_hour: int = 8
    # Whom the ordinary steps tell.
    audience: Audience = Audience.PARTY
    before: tuple[int, ...] = (7, 3, 1)
    # Whom a step tells at once, as soon as the deadline is there, and whether there is one on its day.
    at_once: tuple[Audience, ...] = ()
    on_the_day: bool = True
    overdue_daily: int = 3
    overdue_every: int = 5
    # After a thousand working days nobody is reminded any more; the task stays overdue in every list and report.
    overdue_limit: int = 1000
    escalations: Mapping[int, Audience] = field(default_factory=lambda: {5: Audience.LEADERS, 10: Audience.SUPERIOR})

    def reminds_on(self, overdue: int) -> bool:
        """Whether so many working days after the deadline there is a reminder."""
        return overdue <= self.overdue_daily or (overdue - self.overdue_daily) % self.overdue_every == 0


def policies(fire_hour: int) -> Mapping[DeadlineSubject, Policy]:
    """The policy of each kind of deadline.

    A signature that is not given in time is never overdue: the text goes back to draft, and there is nothing to sign.
    Neither is a confirmation: it lapses. What is asked is told once; that it is late is listed. That a plan period
    closed without its task is told once as well, at the same time to the body above the lead; and to the lead that its
    result was not confirmed.
    """
    return {
        DeadlineSubject.TASK: Policy(fire_hour=fire_hour),
        DeadlineSubject.AGREEMENT: Policy(
            name="signing.v1", fire_hour=fire_hour, audience=Audience.SIGNERS, overdue_limit=0, escalations={}
        ),
        DeadlineSubject.RESPONSE: _asking("response.v1", fire_hour, Audience.SIGNERS, before=(1,)),
        DeadlineSubject.URGING: _asking("urging.v1", fire_hour, Audience.PARTY),
        DeadlineSubject.EXPLANATION: _asking("explanation.v1", fire_hour, Audience.SIGNERS),
        DeadlineSubject.OBSTACLE: _asking("obstacle.v1", fire_hour, Audience.SIGNERS),
        DeadlineSubject.MENTION: _asking("mention.v1", fire_hour, Audience.MENTIONED),
        DeadlineSubject.FUNDING: _asking("funding.v1", fire_hour, Audience.PARTY, also=(Audience.SUPERIOR,)),
        DeadlineSubject.REFUSAL: _asking("refusal.v1", fire_hour, Audience.PARTY),
    }


def _asking(
    name: str,
    fire_hour: int,
    audience: Audience,
    *,
    before: tuple[int, ...] = (),
    also: tuple[Audience, ...] = (),
) -> Policy:
    return Policy(
        name=name,
        fire_hour=fire_hour,
        audience=audience,
        before=before,
        at_once=(audience, *also),
        on_the_day=False,
        overdue_limit=0,
        escalations={},
    )


@dataclass(frozen=True)
class Step:
    """One step of one due date; it exists for a deadline that was known before `known_before` (None: always)."""

    name: str
    kind: StepKind
    audience: Audience
    day: date
    fire_at: datetime
    known_before: datetime | None

    def concerns(self, since: datetime) -> bool:
        """Whether a deadline that came into being at `since` has this step.

        One that arrives already past gets its latest overdue step and the escalations it has reached, and no other.
        """
        return self.known_before is None or since < self.known_before


def steps(due_on: date, calendar: WorkingCalendar, policy: Policy, *, until: date) -> list[Step]:
    """The steps of a due date up to a day, in the order of their days."""
    at_once = list(_at_once(policy))
    if due_on - until > _FURTHEST_AHEAD:
        return at_once
    due_on = max(due_on, _EARLIEST)
    found = [*at_once, *_before(due_on, calendar, policy), *_overdue(due_on, calendar, policy, until)]
    return sorted((step for step in found if step.day <= until), key=lambda step: step.fire_at)


def _at_once(policy: Policy) -> Iterator[Step]:
    # A day that is over for whatever comes: it falls due in the transaction that brings the deadline.
    for audience in policy.at_once:
        name = "asked" if audience is policy.audience else f"asked_{audience}"
        yield _step(policy, name, StepKind.ASKED, _EARLIEST, None, audience)


def _before(due_on: date, calendar: WorkingCalendar, policy: Policy) -> Iterator[Step]:
    # A deadline on a day off is announced on the last working day before it: on the day itself nobody would read it.
    last_day = calendar.last_working_day(due_on)
    for count in sorted(policy.before, reverse=True):
        day = calendar.add_working_days(last_day, -count)
        yield _step(policy, f"before_{count}", StepKind.APPROACHING, day, end_of(day), policy.audience)
    if policy.on_the_day:
        yield _step(policy, "due", StepKind.DUE, last_day, end_of(due_on), policy.audience)


def _overdue(due_on: date, calendar: WorkingCalendar, policy: Policy, until: date) -> Iterator[Step]:
    day = due_on
    latest: tuple[int, date] | None = None
    for count in range(1, policy.overdue_limit + 1):
        day = calendar.add_working_days(day, 1)
        if (audience := policy.escalations.get(count)) is not None:
            yield _step(policy, f"escalation_{count}", StepKind.ESCALATED, day, None, audience)
        if policy.reminds_on(count):
            if latest is not None:
                yield _step(policy, f"overdue_{latest[0]}", StepKind.OVERDUE, latest[1], start_of(day), policy.audience)
            if day > until:
                return
            latest = (count, day)
    if latest is not None:
        yield _step(policy, f"overdue_{latest[0]}", StepKind.OVERDUE, latest[1], None, policy.audience)


def _step(
    policy: Policy,
    name: str,
    kind: StepKind,
    day: date,
    known_before: datetime | None,
    audience: Audience,
) -> Step:
    return Step(name, kind, audience, day, start_of(day) + timedelta(hours=policy.fire_hour), known_before)
