"""Rules of report jobs: who may ask for one, what it is made from, and how it ends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from reporting.indicators import service as indicators
from reporting.indicators.links import Cell, Scope
from reporting.indicators.periods import InvalidPeriod, Period, PeriodKind, between, official
from reporting.projections import repository as projections
from reporting.projections.models import Agreement
from reporting.reports import errors, permissions, repository
from reporting.reports.document import evaluation
from reporting.reports.facts import Brief, Layout, Participant, Signer, TaskFacts
from reporting.reports.models import (
    TRANSITIONS,
    Progress,
    Report,
    ReportContent,
    ReportFormat,
    ReportKind,
    ReportLanguage,
    ReportStatus,
)
from reporting.reports.parts import EvaluationDocument
from reporting.reports.schemas import (
    PeriodCreate,
    ReportCreate,
    ReportPeriodPublic,
    ReportPublic,
    RequesterPublic,
    SignerPublic,
    content_path,
)
from shared import clock
from shared.auth import Actor
from shared.events import (
    EventActor,
    ReportEvent,
    ReportFailed,
    ReportReady,
    ReportRequested,
    ReportSnapshot,
)
from shared.ids import new_id
from shared.outbox import publish

MEDIA_TYPES = {ReportFormat.PDF: "application/pdf", ReportFormat.JSON: "application/json"}


async def request(session: AsyncSession, actor: Actor, wanted: ReportCreate) -> Report:
    """Queue a report; its figures are those of this moment, or of the period's end if that has passed."""
    organization_id = permissions.authorize(actor, "report.request")
    agreement = await repository.agreement_of(session, organization_id, wanted.agreement_id)
    if agreement is None:
        if await projections.is_being_rebuilt(session):
            raise errors.BeingRebuilt
        raise errors.AgreementNotFound
    now = await projections.moment(session)
    period = _named_period(wanted.period)
    as_of = indicators.moment_of(wanted.as_of, period, now, pointer="/as_of")
    if period is None:
        period = await _whole_period(session, agreement, as_of)
    if period.begins > as_of:
        raise errors.PeriodNotBegun
    report = Report(
        id=new_id(),
        version=1,
        organization_id=organization_id,
        agreement_id=agreement.id,
        kind=wanted.kind.value,
        layout=wanted.layout.value,
        format=wanted.format.value,
        language=wanted.language.value,
        number=wanted.number,
        place=wanted.place,
        signer=wanted.signer.model_dump(mode="json"),
        period_label=period.label,
        period_from=period.first,
        period_to=period.last,
        as_of=as_of,
        issued_on=wanted.issued_on or clock.day_of(now),
        status=ReportStatus.QUEUED.value,
        progress=0,
        attempts=0,
        requested_by=actor.id,
        requested_by_kind=actor.kind,
        requested_by_name=actor.name,
        created_at=now,
        updated_at=now,
    )
    await repository.add(session, report)
    await publish(session, _event(ReportRequested, report, EventActor.of(actor)))
    return report


async def read(session: AsyncSession, actor: Actor, report_id: UUID, *, lock: bool = False) -> Report:
    """A report of the caller's organization."""
    organization_id = permissions.authorize(actor, "report.read")
    report = await repository.report_of(session, organization_id, report_id, lock=lock)
    if report is None:
        raise errors.ReportNotFound
    return report


async def reports(
    session: AsyncSession,
    actor: Actor,
    *,
    agreement_id: UUID | None,
    statuses: Sequence[ReportStatus],
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Report]:
    """Reports of the caller's organization."""
    return await repository.reports_of(
        session,
        permissions.authorize(actor, "report.read"),
        agreement_id=agreement_id,
        statuses=statuses,
        before=before,
        limit=limit,
    )


async def content(session: AsyncSession, actor: Actor, report_id: UUID) -> tuple[Report, bytes]:
    """The finished document of a report."""
    report = await read(session, actor, report_id)
    if report.status != ReportStatus.READY:
        raise errors.ReportNotReady(report.status)
    document = await repository.content_of(session, report.id)
    if document is None:
        raise errors.ReportNotReady(report.status)
    return report, document


async def cancel(session: AsyncSession, actor: Actor, report: Report) -> Report:
    """Stop a job; a renderer that works on it finds that it holds it no more."""
    permissions.authorize(actor, "report.cancel")
    if ReportStatus.CANCELLED not in TRANSITIONS[ReportStatus(report.status)]:
        raise errors.NotCancellable(possible=[])
    now = await projections.moment(session)
    _end(report, ReportStatus.CANCELLED, now)
    await session.flush()
    return report


async def watched(connection: asyncpg.Connection[Any], actor: Actor, report_id: UUID) -> Progress:
    """How far a report of the caller's organization is."""
    progress = await repository.progress_of(connection, permissions.authorize(actor, "report.read"), report_id)
    if progress is None:
        raise errors.ReportNotFound
    return progress


async def claim(
    session: AsyncSession, *, lease_seconds: float, settle_seconds: float, attempts: int
) -> tuple[Report, int] | None:
    """The next job with the number of its taking; one that took too many renderers down with it fails here."""
    taken = await repository.claim(session, lease_seconds=lease_seconds, settle_seconds=settle_seconds)
    if taken is not None and taken[0].attempts > attempts:
        await _fail(session, taken[0], "given up: the renderer did not come back")
        return None
    return taken


async def compose(connection: asyncpg.Connection[Any], report: Report, *, settle_seconds: float) -> EvaluationDocument:
    """What the report says, from the projections as they were at its moment.

    All of it is read from one snapshot, so that a rebuild in the middle cannot leave a part of the tasks out.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        if not await repository.is_complete(connection, report.id, settle_seconds):
            raise errors.ProjectionsBehind("the projections do not hold all events of the agreement")
        return await _compose(connection, report)


async def finish(session: AsyncSession, report_id: UUID, lease: int, document: bytes) -> bool:
    """Keep what a renderer made, unless the job was cancelled or taken over meanwhile."""
    report = await repository.held(session, report_id, lease)
    if report is None:
        return False
    now = await projections.moment(session)
    report.media_type = MEDIA_TYPES[ReportFormat(report.format)]
    report.size_bytes = len(document)
    report.digest = hashlib.sha256(document).hexdigest()
    report.progress = 100
    _end(report, ReportStatus.READY, now)
    await repository.add_content(
        session,
        ReportContent(report_id=report.id, organization_id=report.organization_id, content=document),
    )
    await publish(session, _event(ReportReady, report, _requester(report)))
    return True


async def give_back(
    session: AsyncSession, report_id: UUID, lease: int, reason: str, *, attempts: int, pause_seconds: float
) -> None:
    """A renderer failed: the job is tried again after a pause, longer each time, or fails after the last attempt."""
    report = await repository.held(session, report_id, lease)
    if report is None:
        return
    if report.attempts >= attempts:
        await _fail(session, report, reason)
        return
    await _queue(session, report, pause_seconds * 2 ** (report.attempts - 1))


async def postpone(session: AsyncSession, report_id: UUID, lease: int, *, pause_seconds: float) -> None:
    """The facts are not there yet, which is nobody's failure: the attempt does not count."""
    report = await repository.held(session, report_id, lease)
    if report is not None:
        report.attempts -= 1
        await _queue(session, report, pause_seconds)


def public(actor: Actor, report: Report) -> ReportPublic:
    """The job as the API shows it to its caller."""
    status = ReportStatus(report.status)
    cancellable = ReportStatus.CANCELLED in TRANSITIONS[status] and permissions.allowed(actor, "report.cancel")
    return ReportPublic(
        id=report.id,
        version=report.version,
        kind=ReportKind(report.kind),
        status=status,
        progress=report.progress,
        agreement_id=report.agreement_id,
        organization_id=report.organization_id,
        period=ReportPeriodPublic(label=report.period_label, first=report.period_from, last=report.period_to),
        as_of=report.as_of,
        layout=Layout(report.layout),
        format=ReportFormat(report.format),
        language=ReportLanguage(report.language),
        place=report.place,
        issued_on=report.issued_on,
        signer=SignerPublic(**report.signer),
        number=report.number,
        requested_by=RequesterPublic(id=report.requested_by, name=report.requested_by_name),
        failure=report.failure,
        media_type=report.media_type,
        size_bytes=report.size_bytes,
        digest=report.digest,
        content=content_path(report.id) if status is ReportStatus.READY else None,
        allowed_actions=["cancel"] if cancellable else [],
        created_at=report.created_at,
        updated_at=report.updated_at,
        finished_at=report.finished_at,
    )


async def _compose(connection: asyncpg.Connection[Any], report: Report) -> EvaluationDocument:
    agreement = await repository.agreement_facts(connection, report.organization_id, report.agreement_id)
    issuer = await repository.issuer(connection, report.organization_id)
    if agreement is None or issuer is None:
        raise errors.FactsMissing("the agreement or the organization is not known")
    period = Period(report.period_from, report.period_to, report.period_label)
    scope = Scope(report.as_of, period, {"agreement_id": str(report.agreement_id)})
    tasks = await indicators.rows(connection, report.organization_id, scope, Cell.TOTAL)
    return evaluation(
        agreement,
        [_task_facts(row) for row in tasks],
        issuer,
        Brief(
            layout=Layout(report.layout),
            number=report.number,
            place=report.place,
            issued_on=report.issued_on,
            period_label=report.period_label,
            period_from=report.period_from,
            period_to=report.period_to,
            as_of=report.as_of,
            signer=Signer(**report.signer),
        ),
        link=scope.link,
        task_link=lambda task_id: f"/v1/tasks/{task_id}",
    )


async def _queue(session: AsyncSession, report: Report, pause_seconds: float) -> None:
    report.status = ReportStatus.QUEUED.value
    report.progress = 0
    report.version += 1
    report.updated_at = await projections.moment(session)
    await session.flush()
    await repository.pause(session, report.id, pause_seconds)


async def _fail(session: AsyncSession, report: Report, reason: str) -> None:
    report.failure = reason[:500]
    _end(report, ReportStatus.FAILED, await projections.moment(session))
    await session.flush()
    await publish(session, _event(ReportFailed, report, _requester(report)))


def _end(report: Report, status: ReportStatus, now: datetime) -> None:
    report.status = status.value
    report.version += 1
    report.updated_at = now
    report.finished_at = now


def _named_period(wanted: PeriodCreate | None) -> Period | None:
    if wanted is None:
        return None
    try:
        match wanted:
            case PeriodCreate(kind=PeriodKind() as kind, year=int() as year, index=index, first=None, last=None):
                return official(kind, year, index)
            case PeriodCreate(kind=None, year=None, first=date() as first, last=date() as last):
                return between(first, last)
    except InvalidPeriod as error:
        raise errors.PeriodInvalid from error
    raise errors.PeriodInvalid


async def _whole_period(session: AsyncSession, agreement: Agreement, as_of: datetime) -> Period:
    """From the day in force, or the first task where that came before, until the moment of the figures."""
    last = clock.day_of(as_of)
    first_task = await repository.first_task_at(session, agreement.id)
    begun = [agreement.in_force_on or agreement.signed_on, first_task and clock.day_of(first_task)]
    return between(min([day for day in begun if day] + [last]), last)


def _requester(report: Report) -> EventActor:
    return EventActor(
        id=report.requested_by,
        kind=report.requested_by_kind,
        name=report.requested_by_name,
        organization_id=report.organization_id,
    )


def _event(kind: type[ReportEvent], report: Report, actor: EventActor) -> ReportEvent:
    return kind(
        version=report.version,
        actor=actor,
        occurred_at=report.updated_at,
        members=[report.organization_id],
        report=ReportSnapshot(
            id=report.id,
            version=report.version,
            agreement_id=report.agreement_id,
            kind=report.kind,
            status=report.status,
            requested_by=report.requested_by,
            organization_id=report.organization_id,
            period_start=report.period_from,
            period_end=report.period_to,
            as_of=report.as_of.astimezone(clock.VN_TZ).date(),
            error=report.failure,
        ),
    )


def _task_facts(row: asyncpg.Record) -> TaskFacts:
    """A version of a task as the document's rules take it."""
    last_report = json.loads(row["last_report"] or "{}")
    return TaskFacts(
        id=row["task_id"],
        title=row["title"],
        field=row["field"],
        status=row["status"],
        deliverable=row["deliverable"],
        due_on=row["due_on"],
        original_due_on=row["original_due_on"],
        percent=row["percent"],
        completed_at=row["completed_at"],
        demonstration=row["demonstration"],
        clause_id=row["clause_id"],
        lead_unit_id=row["locality_id"],
        lead_unit_name=row["locality_name"],
        lead_name=row["lead_name"],
        coordinating=tuple(
            Participant(
                party["name"],
                date.fromisoformat(party["due_on"]) if party["due_on"] else None,
                datetime.fromisoformat(party["confirmed_at"]) if party["confirmed_at"] else None,
            )
            for party in json.loads(row["coordinating"])
        ),
        narrative=last_report.get("narrative"),
        difficulties=last_report.get("difficulties"),
    )
