"""The schedule role: takes the steps that are due and turns them into alerts, mails and events."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from opentelemetry import trace
from prometheus_client import Counter
from sqlmodel.ext.asyncio.session import AsyncSession

from notifier.alerts import repository
from notifier.alerts.models import Audience, StepKind
from notifier.alerts.planning import Planner
from notifier.alerts.recipients import Candidate, recipients
from notifier.alerts.repository import NewAlert
from notifier.config import Settings
from notifier.deadlines.models import DeadlineRole, DeadlineSubject
from notifier.feed.service import trim
from shared.auth import SYSTEM
from shared.db import Database, driver_connection
from shared.events import (
    AlertEvent,
    AlertSnapshot,
    DeadlineApproaching,
    DeadlineDue,
    DeadlineEscalated,
    DeadlinePassed,
    EventActor,
    SigningAlertEvent,
    SigningAlertSnapshot,
    SigningApproaching,
    SigningDue,
)
from shared.ids import new_id
from shared.outbox import publish_all
from shared.roles import Role, poll

ALERTS = Counter("lienvung_alerts_dispatched_total", "Alerts written into people's lists", ["kind"])
STEPS = Counter("lienvung_alert_steps_total", "Steps that fell due, by what became of them", ["state"])

DISPATCHED, DROPPED, WAITING = "dispatched", "dropped", "waiting"

DISPATCH_ATTEMPTS = 4
DISPATCH_PAUSE = 0.03
TRIM_INTERVAL = 900.0

_tracer = trace.get_tracer("notifier.scheduler")

_EVENTS: dict[str, type[AlertEvent]] = {
    StepKind.APPROACHING: DeadlineApproaching,
    StepKind.DUE: DeadlineDue,
    StepKind.OVERDUE: DeadlinePassed,
    StepKind.ESCALATED: DeadlineEscalated,
}
_SIGNING_EVENTS: dict[str, type[SigningAlertEvent]] = {
    StepKind.APPROACHING: SigningApproaching,
    StepKind.DUE: SigningDue,
}
Claimed = Sequence[tuple[UUID, int]]


def schedule_role(settings: Settings, database: Database) -> Role:
    """Any number of schedulers may run; each takes the steps that no other holds."""
    planner = Planner.of(settings)

    async def run(stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        trimmed_at = float("-inf")

        async def work() -> bool:
            nonlocal trimmed_at
            await reconcile_if_due(settings, database, planner)
            if loop.time() - trimmed_at > TRIM_INTERVAL:
                await trim(database, timedelta(days=settings.feed_retention_days))
                trimmed_at = loop.time()
            return await dispatch_due(settings, database) >= settings.schedule_batch

        await poll(stop, work, role="schedule", idle_seconds=settings.schedule_poll_seconds)

    return run


async def reconcile_if_due(settings: Settings, database: Database, planner: Planner) -> None:
    async with database.read(SYSTEM) as connection:
        is_due = await repository.plan_is_due(connection, timedelta(seconds=settings.reconcile_seconds))
    if is_due:
        await planner.reconcile(database)


async def dispatch_due(settings: Settings, database: Database) -> int:
    """Claim one batch and dispatch it; how many steps were claimed."""
    claimed = await claim(settings, database)
    if claimed:
        await dispatch(database, claimed)
    return len(claimed)


async def claim(settings: Settings, database: Database) -> Claimed:
    """Take due steps under a lease. The commit makes the lease outlive this process, and the next one wait for it."""
    async with database.write(SYSTEM) as connection:
        if not await repository.may_dispatch(connection):
            return []
        return await repository.claim(
            connection, settings.schedule_batch, timedelta(seconds=settings.schedule_lease_seconds)
        )


async def dispatch(database: Database, claimed: Claimed) -> int:
    """Alerts, mails and events of the claimed steps; how many alerts there are now.

    A step whose token is no longer ours was taken over after our lease ended, and is left to whoever took it. One that
    another transaction has locked is tried again at once: a scheduler that just came too late for it keeps the lock
    until its claim ends.
    """
    told = 0
    for _ in range(DISPATCH_ATTEMPTS):
        outcomes = await _dispatch_held(database, claimed)
        for outcome in outcomes:
            STEPS.labels(outcome.state).inc()
            if outcome.told:
                ALERTS.labels(outcome.step["kind"]).inc(outcome.told)
        told += sum(outcome.told for outcome in outcomes)
        handled = {outcome.step["id"] for outcome in outcomes}
        claimed = [one for one in claimed if one[0] not in handled]
        if not claimed:
            break
        await asyncio.sleep(DISPATCH_PAUSE)
    return told


async def _dispatch_held(database: Database, claimed: Claimed) -> list["Outcome"]:
    """All that follows from these steps in one transaction."""
    with _tracer.start_as_current_span("dispatch alerts", attributes={"steps": len(claimed)}):
        async with database.transaction(SYSTEM) as session:
            connection = await driver_connection(session)
            if not await repository.may_dispatch(connection):
                return []
            return await _tell(session, connection, claimed)


@dataclass
class Outcome:
    """What becomes of one step."""

    step: Mapping[str, Any]
    state: str
    alerts: list[NewAlert]
    told: int = 0


async def _tell(session: AsyncSession, connection: Any, claimed: Claimed) -> list[Outcome]:
    moment = await repository.now(connection)
    outcomes = [outcome_of(dict(step)) for step in await repository.held(connection, claimed)]
    new = await repository.tell(connection, [alert for outcome in outcomes for alert in outcome.alerts], moment)
    for outcome in outcomes:
        outcome.alerts = [alert for alert in outcome.alerts if alert.id in new]
        outcome.told = len(outcome.alerts)
    mails = [alert for outcome in outcomes for alert in outcome.alerts if alert.wants_mail]
    if mails:
        await repository.mail(connection, mails)
    if waiting := [outcome.step["id"] for outcome in outcomes if outcome.state == WAITING]:
        await repository.wait(connection, waiting, moment)
    if settled := [(one.step["id"], one.state, one.told) for one in outcomes if one.state != WAITING]:
        await repository.settle(connection, settled, moment)
    await publish_all(session, [_event(outcome, moment) for outcome in outcomes if _is_news(outcome)])
    return outcomes


def outcome_of(step: Mapping[str, Any]) -> Outcome:
    """Whom a held step tells: nobody where it is overtaken, somebody later where nobody is known yet."""
    if not step["is_live"]:
        return Outcome(step, DROPPED, [])
    people = [
        Candidate(*one)
        for one in zip(
            step["account_ids"] or (),
            step["are_specialists"] or (),
            step["are_leaders"] or (),
            step["want_mail"] or (),
            strict=True,
        )
    ]
    alerts = [
        NewAlert(
            id=new_id(),
            step_id=step["id"],
            recipient_id=person.account_id,
            organization_id=step["told_id"],
            wants_mail=person.wants_mail and step["role"] != DeadlineRole.MONITORING,
            traceparent=step["traceparent"],
        )
        for person in recipients(Audience(step["audience"]), people)
    ]
    if alerts:
        return Outcome(step, DISPATCHED, alerts)
    # Known to have nobody above it: there is nothing to wait for.
    return Outcome(step, DROPPED if step["is_known"] and step["told_id"] is None else WAITING, [])


def _is_news(outcome: Outcome) -> bool:
    # What is asked was told by the event that asked it.
    told_of = outcome.step["subject_kind"] in (DeadlineSubject.TASK, DeadlineSubject.AGREEMENT)
    return told_of and outcome.told > 0 and not outcome.step["is_published"]


def _event(outcome: Outcome, moment: datetime) -> AlertEvent | SigningAlertEvent:
    step = outcome.step
    if step["subject_kind"] == DeadlineSubject.AGREEMENT:
        return _signing_event(outcome, moment)
    return _EVENTS[step["kind"]](
        version=1,
        actor=EventActor.of(SYSTEM),
        occurred_at=moment,
        members=step["members"],
        alert=AlertSnapshot(
            id=step["id"],
            task_id=step["task_id"],
            agreement_id=step["agreement_id"],
            step=step["step"],
            due_on=step["due_on"],
            recipients=outcome.told,
            task_title=step["title"],
            deadline_revision=step["revision"],
            organization_ids=[step["organization_id"]],
        ),
    )


def _signing_event(outcome: Outcome, moment: datetime) -> SigningAlertEvent:
    step = outcome.step
    return _SIGNING_EVENTS[step["kind"]](
        version=1,
        actor=EventActor.of(SYSTEM),
        occurred_at=moment,
        members=step["members"],
        alert=SigningAlertSnapshot(
            id=step["id"],
            agreement_id=step["agreement_id"],
            agreement_title=step["title"],
            step=step["step"],
            due_on=step["due_on"],
            recipients=outcome.told,
            deadline_revision=step["revision"],
            organization_ids=[step["organization_id"]],
        ),
    )
