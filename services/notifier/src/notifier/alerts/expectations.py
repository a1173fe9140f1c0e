"""Which alerts must exist, derived from history alone: what the fault checker holds the lists against."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from notifier.alerts.models import Audience, Channel
from notifier.alerts.policy import Policy, policies, steps
from notifier.alerts.recipients import Candidate, recipients
from notifier.deadlines.models import Deadline, DeadlineRole, DeadlineSubject
from notifier.deadlines.service import SubjectEvent, deadlines_after, subject_ids
from shared.calendar import WorkingCalendar
from shared.clock import day_of
from shared.events import OrganizationSnapshot

# Task or agreement, revision, policy, step, recipient, channel.
Identity = tuple[str, str, str, str, str, str]


def expected_alerts(
    events: Iterable[SubjectEvent],
    organizations: Iterable[OrganizationSnapshot],
    now: datetime,
    *,
    fire_hour: int = 8,
    calendar: WorkingCalendar | None = None,
    opted_out: Collection[UUID] = (),
) -> set[Identity]:
    """The alerts that must exist at `now`, in-app and e-mail.

    `events` are those of any number of tasks and agreements, each one's in the order of their versions;
    `organizations` have the people that they had when the steps fired. Only what is still open is counted: whether a
    step fired before its task was completed, or its agreement signed, depends on which came first.
    """
    calendar = calendar or WorkingCalendar()
    by_kind = policies(fire_hour)
    known = {organization.id: organization for organization in organizations}
    return {
        identity
        for deadlines in replay(events, calendar).values()
        for deadline in deadlines.values()
        for identity in _of_deadline(
            deadline, known, now, by_kind[DeadlineSubject(deadline.subject_kind)], calendar, opted_out
        )
    }


def replay(events: Iterable[SubjectEvent], calendar: WorkingCalendar | None = None) -> dict[UUID, dict[UUID, Deadline]]:
    """The deadlines of each task and agreement by organisation, as the consumer must have them after these events.

    An agreement that never had a deadline is not among them, because the consumer keeps nothing of it.
    """
    calendar = calendar or WorkingCalendar()
    subjects: dict[UUID, dict[UUID, Deadline]] = {}
    for event in events:
        for subject_id in subject_ids(event):
            before = subjects.get(subject_id, {})
            if after := deadlines_after(before, event, calendar, subject_id):
                subjects[subject_id] = {deadline.organization_id: deadline for deadline in after}
    return subjects


def _candidates(
    audience: Audience,
    party: UUID,
    organizations: Mapping[UUID, OrganizationSnapshot],
    opted_out: Collection[UUID],
) -> list[Candidate]:
    organization = organizations.get(party)
    if organization is not None and audience is Audience.SUPERIOR:
        superior = organization.superior_organization_id
        organization = organizations.get(superior) if superior else None
    return [
        Candidate(
            account_id=person.account_id,
            is_specialist="specialist" in person.roles,
            is_leader="leader" in person.roles,
            wants_mail=person.email is not None and person.account_id not in opted_out,
        )
        for person in (organization.people if organization else ())
        if person.active
    ]


def _of_deadline(
    deadline: Deadline,
    organizations: Mapping[UUID, OrganizationSnapshot],
    now: datetime,
    policy: Policy,
    calendar: WorkingCalendar,
    opted_out: Collection[UUID],
) -> Iterable[Identity]:
    if not deadline.is_open or deadline.due_on is None:
        return
    for step in steps(deadline.due_on, calendar, policy, until=day_of(now)):
        if step.fire_at > now or not step.concerns(deadline.since):
            continue
        if not step.audience.concerns(deadline.role):
            continue
        people = _candidates(step.audience, deadline.organization_id, organizations, opted_out)
        if deadline.account_ids is not None:
            people = [person for person in people if person.account_id in deadline.account_ids]
        for person in recipients(step.audience, people):
            channels = [Channel.IN_APP]
            if person.wants_mail and deadline.role != DeadlineRole.MONITORING:
                channels.append(Channel.EMAIL)
            for channel in channels:
                yield (
                    str(deadline.task_id),
                    str(deadline.revision),
                    policy.name,
                    step.name,
                    str(person.account_id),
                    str(channel),
                )
