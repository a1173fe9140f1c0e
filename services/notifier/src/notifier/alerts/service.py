"""Rules of a person's own alerts: reading, snoozing, counting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlmodel.ext.asyncio.session import AsyncSession

from notifier.alerts import errors, repository
from notifier.alerts.models import Alert, StepKind
from notifier.alerts.schemas import AlertPublic, AlertSummary
from notifier.alerts.wording import message, subject_url, working_days_left
from notifier.deadlines.models import DeadlineSubject
from shared import clock
from shared.auth import Actor
from shared.clock import day_of
from shared.etags import check_if_match

LONGEST_SNOOZE_DAYS = 30
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


async def mark_read(session: AsyncSession, actor: Actor, alert_id: UUID, if_match: str | None) -> Alert:
    """Mark one alert as read; once read it stays as it is."""
    alert = await _own(session, actor, alert_id, if_match)
    if alert.read_at is None:
        alert.read_at = clock.now()
        alert.version += 1
    return alert


async def snooze(session: AsyncSession, actor: Actor, alert_id: UUID, if_match: str | None, until: datetime) -> Alert:
    """Put an alert off: until then it does not count as unread."""
    moment, until = clock.now(), _aware(until)
    if not moment < until <= moment + timedelta(days=LONGEST_SNOOZE_DAYS):
        raise errors.SnoozeOutOfRange(LONGEST_SNOOZE_DAYS)
    alert = await _own(session, actor, alert_id, if_match)
    alert.snoozed_until = until
    alert.read_at = None
    alert.version += 1
    return alert


async def mark_all_read(session: AsyncSession, actor: Actor, before: datetime | None, task_id: UUID | None) -> int:
    """Mark all of the caller's alerts as read, or those of a task, up to a moment."""
    now = clock.now()
    # Nothing fired outside of these; what lies at the ends of the calendar has no place in a database's time either.
    moment = min(max(_aware(before), _FIRST), now) if before is not None else now
    return await repository.mark_all_read(session, actor.id, moment, task_id)


async def summary(connection: asyncpg.Connection[Any], actor: Actor) -> AlertSummary:
    """How many of the caller's alerts wait."""
    row = await repository.summary(connection, actor.id)
    counts: dict[str, int] = orjson.loads(row["by_kind"])
    return AlertSummary(
        unread=row["unread"],
        snoozed=row["snoozed"],
        by_kind={kind: counts.get(kind, 0) for kind in StepKind},
        newest_at=row["newest"],
    )


def shown(alert: Mapping[str, Any], language: str) -> AlertPublic:
    """The alert as its owner sees it today."""
    kind, subject = StepKind(alert["kind"]), DeadlineSubject(alert["subject_kind"])
    is_task = subject is DeadlineSubject.TASK
    return AlertPublic(
        id=alert["id"],
        version=alert["version"],
        kind=kind,
        step=alert["step"],
        subject_id=alert["task_id"],
        message=message(kind, alert["task_title"], alert["due_on"], day_of(alert["fired_at"]), language, subject),
        subject_kind=subject,
        subject_url=alert["path"] or subject_url(subject, alert["task_id"]),
        task_id=alert["task_id"] if is_task else alert["about_task_id"],
        task_title=alert["task_title"] if is_task or alert["about_task_id"] else None,
        agreement_id=alert["agreement_id"],
        agreement_title=alert["agreement_title"],
        organization_id=alert["party_organization_id"],
        role=alert["party_role"],
        due_on=alert["due_on"],
        deadline_revision=alert["deadline_revision"],
        working_days_left=working_days_left(alert["due_on"], clock.today()),
        demonstration=alert["demonstration"],
        fired_at=alert["fired_at"],
        read_at=alert["read_at"],
        snoozed_until=alert["snoozed_until"],
        allowed_actions=["snooze"] if alert["read_at"] else ["read", "snooze"],
    )


async def _own(session: AsyncSession, actor: Actor, alert_id: UUID, if_match: str | None) -> Alert:
    alert = await repository.lock_alert(session, actor.id, alert_id)
    if alert is None:
        raise errors.AlertNotFound
    # Two people never share an alert, so a tag is taken where it is given and not demanded.
    if if_match is not None:
        check_if_match(if_match, alert.version)
    return alert


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
