"""Rules of promises to meet. Every function runs inside the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.agreements.errors import AgreementNotFound
from agreements_api.history.service import changes_between
from agreements_api.meeting_rhythm import errors, repository
from agreements_api.meeting_rhythm.models import Frequency, PeriodState
from agreements_api.meeting_rhythm.permissions import may_record
from agreements_api.meeting_rhythm.repository import Connection
from agreements_api.meeting_rhythm.rhythm import HeldMeeting, Promised, rhythm
from agreements_api.meeting_rhythm.schemas import (
    MeetingRhythm,
    PromiseCreate,
    PromisedPeriod,
    PromiseKept,
    PromiseUpdate,
)
from agreements_api.meetings import repository as meetings
from agreements_api.meetings.models import MeetingKind
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.events import Change, EventActor, MeetingPromiseChanged, MeetingPromiseSnapshot
from shared.ids import new_id
from shared.outbox import publish_on

_TOLD = ("clause_id", "frequency", "from_on", "until_on", "basis")
# How many periods are shown one by one; the figures speak of all.
SHOWN = 40


async def record(connection: Connection, actor: Actor, agreement_id: UUID, body: PromiseCreate) -> asyncpg.Record:
    """How often the parties promised to meet."""
    agreement = await _held_agreement(connection, actor, agreement_id)
    if agreement["in_force_on"] is None:
        raise errors.NeverInForce
    if body.clause_id is not None and body.clause_id not in agreement["clauses"]:
        raise errors.unknown_reference("/clause_id")
    promise_id, columns, now = new_id(), body.model_dump(), clock.now()
    await _check_days(connection, agreement_id, promise_id, columns)
    await repository.insert(connection, promise_id, agreement_id, columns, at=now)
    return await _tell(connection, actor, agreement, promise_id, 1, "record_promise", _changes({}, columns), now)


async def update(
    connection: Connection,
    actor: Actor,
    agreement_id: UUID,
    promise_id: UUID,
    if_match: str | None,
    body: PromiseUpdate,
) -> asyncpg.Record:
    """Change what the patch names; the log keeps what was promised before."""
    agreement = await _held_agreement(connection, actor, agreement_id)
    before = await repository.lock(connection, agreement_id, promise_id)
    if before is None:
        raise errors.PromiseNotFound
    check_if_match(if_match, before["version"])
    after = dict(before) | body.model_dump(exclude_unset=True)
    changes = _changes(dict(before), after)
    if not changes:
        return await _shown(connection, actor, agreement_id, promise_id)
    await _check_days(connection, agreement_id, promise_id, after)
    version, now = before["version"] + 1, clock.now()
    await repository.update(connection, promise_id, version, after, at=now)
    return await _tell(connection, actor, agreement, promise_id, version, "update_promise", changes, now)


async def read_log(
    connection: Connection,
    actor: Actor,
    agreement_id: UUID,
    promise_id: UUID,
    *,
    before: int | None,
    limit: int,
    as_of: datetime | None,
) -> list[asyncpg.Record]:
    """What was recorded of a promise, or had been until an instant, the newest first."""
    seer = actor.organization_id
    promise = await repository.read(connection, seer, agreement_id, promise_id)
    if promise is None or (as_of is not None and promise["created_at"] > as_of):
        raise errors.PromiseNotFound
    return await meetings.log(connection, seer, promise_id, before=before, limit=limit, as_of=as_of)


async def read_rhythm(
    connection: Connection, actor: Actor, agreement_id: UUID, on: date, as_of: datetime | None
) -> MeetingRhythm:
    """Promised meetings held against those that were held by the end of a day, as far as was known at an instant."""
    organization_id = actor.organization_id
    agreement = await repository.agreement(connection, organization_id, agreement_id, as_of)
    if agreement is None:
        raise AgreementNotFound
    held = await repository.held(connection, organization_id, agreement_id, as_of, until=on)
    regular = [HeldMeeting(row["id"], row["held_on"]) for row in held if row["kind"] == MeetingKind.REGULAR]
    planned = await repository.next_planned(connection, organization_id, agreement_id, as_of, after=clock.start_of(on))
    return MeetingRhythm(
        agreement_id=agreement_id,
        on=on,
        promises=[
            _kept(promise, agreement["ends_on"], regular, on)
            for promise in await repository.every_promise(connection, organization_id, agreement_id, as_of)
        ],
        regular_held=len(regular),
        extraordinary_held=len(held) - len(regular),
        last_held_on=max((row["held_on"] for row in held), default=None),
        next_planned_on=clock.day_of(planned) if planned else None,
    )


def _kept(promise: asyncpg.Record, ends_on: date | None, regular: Sequence[HeldMeeting], on: date) -> PromiseKept:
    until_on = min((day for day in (promise["until_on"], ends_on) if day is not None), default=None)
    stand = rhythm(Frequency(promise["frequency"]), promise["from_on"], until_on, regular, on=on)
    return PromiseKept(
        promise_id=promise["id"],
        clause_id=promise["clause_id"],
        frequency=promise["frequency"],
        from_on=promise["from_on"],
        until_on=until_on,
        promised=len(stand.periods),
        held=stand.number_of(PeriodState.HELD),
        late=stand.number_of(PeriodState.LATE),
        missing=stand.number_of(PeriodState.MISSING),
        next_due_on=stand.next_due_on,
        periods=[_period(period) for period in stand.periods[-SHOWN:]],
    )


def _period(period: Promised) -> PromisedPeriod:
    meeting = asdict(period.meeting) if period.meeting else {"id": None, "held_on": None}
    return PromisedPeriod(
        starts_on=period.starts_on,
        due_on=period.due_on,
        state=period.state,
        meeting_id=meeting["id"],
        held_on=meeting["held_on"],
    )


async def _held_agreement(connection: Connection, actor: Actor, agreement_id: UUID) -> asyncpg.Record:
    agreement = await repository.hold_agreement(connection, actor.organization_id, agreement_id)
    if agreement is None:
        raise AgreementNotFound
    if not may_record(actor, agreement["relations"]):
        raise errors.NotAllowed
    return agreement


async def _check_days(connection: Connection, agreement_id: UUID, promise_id: UUID, columns: Mapping[str, Any]) -> None:
    first, last = columns["from_on"], columns["until_on"]
    if last is not None and last < first:
        raise errors.ends_first("/until_on")
    other = await repository.overlapping(connection, agreement_id, promise_id, columns["clause_id"], first, last)
    if other is not None:
        raise errors.PromiseOverlaps(promise_id=str(other))


async def _tell(
    connection: Connection,
    actor: Actor,
    agreement: asyncpg.Record,
    promise_id: UUID,
    version: int,
    action: str,
    changes: Sequence[Change],
    at: datetime,
) -> asyncpg.Record:
    row = await _shown(connection, actor, agreement["id"], promise_id)
    subject = ("promise", promise_id)
    await meetings.add_log(connection, actor, subject, agreement["id"], version, action, changes, row["body"], at=at)
    event = MeetingPromiseChanged(
        version=version,
        actor=EventActor.of(actor),
        occurred_at=at,
        members=agreement["members"],
        changes=list(changes),
        promise=MeetingPromiseSnapshot.model_validate_json(row["body"]),
    )
    await publish_on(connection, event)
    return row


async def _shown(connection: Connection, actor: Actor, agreement_id: UUID, promise_id: UUID) -> asyncpg.Record:
    row = await repository.read(connection, actor.organization_id, agreement_id, promise_id)
    assert row is not None
    return row


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    return changes_between(before, after, _TOLD)
