"""Rules of mails: one attempt at one mail, what follows from it, and who wants none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from notifier.config import Settings
from notifier.deadlines.models import DeadlineSubject
from notifier.delivery import repository
from notifier.delivery.errors import Refused
from notifier.delivery.models import DeliveryStatus, Letter
from shared import clock
from shared.auth import SYSTEM
from shared.db import driver_connection
from shared.events import AlertSnapshot, DeliveryFailed, EventActor, SigningAlertSnapshot, SigningDeliveryFailed
from shared.outbox import publish

LONGEST_PAUSE = timedelta(hours=1)


async def refused(session: AsyncSession, settings: Settings, letter: Letter, refusal: Refused) -> DeliveryStatus:
    """Try a refused mail again later, or give it up and say so in an event."""
    connection = await driver_connection(session)
    if not refusal.for_good and letter.attempts < settings.send_attempts:
        await repository.postpone(connection, letter, pause_after(letter.attempts, settings), refusal.reason)
        return DeliveryStatus.QUEUED
    if await repository.finish(connection, letter, DeliveryStatus.FAILED, refusal.reason):
        await publish(session, _failed(letter, refusal.reason))
    return DeliveryStatus.FAILED


def pause_after(attempts: int, settings: Settings) -> timedelta:
    """Doubled with every attempt, up to an hour."""
    return min(timedelta(seconds=settings.send_backoff_seconds * 2 ** (attempts - 1)), LONGEST_PAUSE)


async def change_subscription(connection: asyncpg.Connection[Any], account_id: UUID, *, wanted: bool) -> None:
    """Whether this person gets mails; alerts in the list come either way."""
    if wanted:
        await repository.opt_in(connection, account_id)
    else:
        await repository.opt_out(connection, account_id)


def _failed(letter: Letter, reason: str) -> DeliveryFailed | SigningDeliveryFailed:
    return (
        _signing_failed(letter, reason)
        if letter.subject_kind == DeadlineSubject.AGREEMENT
        else _task_failed(letter, reason)
    )


def _signing_failed(letter: Letter, reason: str) -> SigningDeliveryFailed:
    return SigningDeliveryFailed(
        version=1,
        actor=EventActor.of(SYSTEM),
        occurred_at=clock.now(),
        members=[letter.organization_id],
        alert=SigningAlertSnapshot(
            id=letter.id,
            agreement_id=letter.agreement_id,
            agreement_title=letter.agreement_title,
            step=letter.step,
            due_on=letter.due_on,
            recipients=1,
            deadline_revision=letter.deadline_revision,
            organization_ids=[letter.organization_id],
            channel="email",
            reason=reason,
        ),
    )


def _task_failed(letter: Letter, reason: str) -> DeliveryFailed:
    return DeliveryFailed(
        version=1,
        actor=EventActor.of(SYSTEM),
        occurred_at=clock.now(),
        # Nobody else's business: only the organisation whose person could not be reached.
        members=[letter.organization_id],
        alert=AlertSnapshot(
            id=letter.id,
            task_id=letter.about_task_id or letter.task_id,
            agreement_id=letter.agreement_id,
            step=letter.step,
            due_on=letter.due_on,
            recipients=1,
            task_title=letter.task_title,
            deadline_revision=letter.deadline_revision,
            organization_ids=[letter.organization_id],
            channel="email",
            reason=reason,
        ),
    )
