"""All SQL of report jobs and of the facts that a report is made from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import literal_column, text, tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from reporting.projections.consumers import GROUP
from reporting.projections.models import Agreement, AgreementMember
from reporting.reports.facts import AgreementFacts, ClauseFacts, Issuer, PartyFacts
from reporting.reports.models import Progress, Report, ReportContent, ReportStatus
from reporting.reports.wording import parent_name


async def agreement_of(session: AsyncSession, organization_id: UUID, agreement_id: UUID) -> Agreement | None:
    """The agreement, if the organization is a member of it."""
    members = select(col(AgreementMember.agreement_id)).where(col(AgreementMember.organization_id) == organization_id)
    statement = select(Agreement).where(col(Agreement.id) == agreement_id, col(Agreement.id).in_(members))
    return (await session.exec(statement)).one_or_none()


async def first_task_at(session: AsyncSession, agreement_id: UUID) -> datetime | None:
    """When the agreement's first task was assigned."""
    connection = await session.connection()
    statement = text("select min(created_at) from task_version where agreement_id = :agreement_id")
    value: datetime | None = (await connection.execute(statement, {"agreement_id": agreement_id})).scalar_one()
    return value


async def add(session: AsyncSession, report: Report) -> None:
    """A new job."""
    session.add(report)
    await session.flush()


async def report_of(
    session: AsyncSession, organization_id: UUID, report_id: UUID, *, lock: bool = False
) -> Report | None:
    """A job of the organization."""
    statement = select(Report).where(col(Report.id) == report_id, col(Report.organization_id) == organization_id)
    if lock:
        statement = statement.with_for_update()
    return (await session.exec(statement)).one_or_none()


async def reports_of(
    session: AsyncSession,
    organization_id: UUID,
    *,
    agreement_id: UUID | None,
    statuses: Sequence[ReportStatus],
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Report]:
    """Jobs of the organization, the newest first."""
    statement = select(Report).where(col(Report.organization_id) == organization_id)
    if agreement_id is not None:
        statement = statement.where(col(Report.agreement_id) == agreement_id)
    if statuses:
        statement = statement.where(col(Report.status).in_([status.value for status in statuses]))
    if before is not None:
        statement = statement.where(tuple_(col(Report.created_at), col(Report.id)) < before)
    statement = statement.order_by(col(Report.created_at).desc(), col(Report.id).desc()).limit(limit)
    return list((await session.exec(statement)).all())


async def progress_of(connection: asyncpg.Connection[Any], organization_id: UUID, report_id: UUID) -> Progress | None:
    """How far a job of the organization is."""
    row = await connection.fetchrow(
        "select version, status, progress, failure from report where id = $1 and organization_id = $2",
        report_id,
        organization_id,
    )
    if row is None:
        return None
    return Progress(row["version"], ReportStatus(row["status"]), row["progress"], row["failure"])


async def content_of(session: AsyncSession, report_id: UUID) -> bytes | None:
    """The finished document."""
    statement = select(col(ReportContent.content)).where(col(ReportContent.report_id) == report_id)
    return (await session.exec(statement)).one_or_none()


async def claim(session: AsyncSession, *, lease_seconds: float, settle_seconds: float) -> tuple[Report, int] | None:
    """Take the next waiting job, or one whose renderer let its lease run out; with the number of the taking.

    A job waits until the projections hold all that had been sent a moment after it was asked for: a report must not
    miss what its reader saw happen before. The number is the fencing token: who comes back with an older one has lost
    the job.
    """
    connection = await session.connection()
    row = (
        await connection.execute(
            text(
                """
                update report set status = 'rendering', attempts = attempts + 1, lease = lease + 1,
                    version = version + 1, progress = 10, updated_at = lienvung_now(),
                    free_at = clock_timestamp() + make_interval(secs => :lease)
                where id = (
                    select id from report
                    where status in ('queued', 'rendering') and free_at <= clock_timestamp()
                      and queued_at + make_interval(secs => :settle)
                          <= (select complete_until from projection_state where id = 1)
                    order by free_at
                    for update skip locked
                    limit 1)
                returning id, lease
                """
            ),
            {"lease": lease_seconds, "settle": settle_seconds},
        )
    ).one_or_none()
    if row is None:
        return None
    report = await session.get_one(Report, row.id)
    return report, row.lease


async def keep(session: AsyncSession, report_id: UUID, lease: int, lease_seconds: float) -> bool:
    """Prolong the lease; false if the job was cancelled or taken over."""
    connection = await session.connection()
    result = await connection.execute(
        text(
            """
            update report set free_at = clock_timestamp() + make_interval(secs => :seconds)
            where id = :id and lease = :lease and status = 'rendering'
            """
        ),
        {"id": report_id, "lease": lease, "seconds": lease_seconds},
    )
    return result.rowcount == 1


async def held(session: AsyncSession, report_id: UUID, lease: int) -> Report | None:
    """The job, locked, if this taking still holds it."""
    statement = (
        select(Report)
        .where(
            col(Report.id) == report_id,
            col(Report.status) == ReportStatus.RENDERING.value,
            literal_column("report.lease") == lease,
        )
        .with_for_update()
    )
    return (await session.exec(statement)).one_or_none()


async def pause(session: AsyncSession, report_id: UUID, seconds: float) -> None:
    """Nobody takes the job before so many seconds have passed."""
    connection = await session.connection()
    await connection.execute(
        text("update report set free_at = clock_timestamp() + make_interval(secs => :seconds) where id = :id"),
        {"id": report_id, "seconds": seconds},
    )


async def set_progress(session: AsyncSession, report_id: UUID, lease: int, progress: int) -> None:
    """How far the taking has come."""
    connection = await session.connection()
    await connection.execute(
        text(
            """
            update report set progress = :progress, version = version + 1, updated_at = lienvung_now()
            where id = :id and lease = :lease and status = 'rendering'
            """
        ),
        {"id": report_id, "lease": lease, "progress": progress},
    )


async def is_complete(connection: asyncpg.Connection[Any], report_id: UUID, settle_seconds: float) -> bool:
    """Whether the projections that this transaction sees hold all that the report must not miss."""
    return bool(
        await connection.fetchval(
            """
            select r.queued_at + make_interval(secs => $2) <= s.complete_until
                and not exists (
                    select from parked_key k where k.consumer_group = $3 and k.key = r.agreement_id::text)
            from report r, projection_state s where r.id = $1 and s.id = 1
            """,
            report_id,
            settle_seconds,
            GROUP,
        )
    )


async def add_content(session: AsyncSession, content: ReportContent) -> None:
    """What the job made."""
    session.add(content)
    await session.flush()


async def agreement_facts(
    connection: asyncpg.Connection[Any], organization_id: UUID, agreement_id: UUID
) -> AgreementFacts | None:
    """The agreement with its parties and clauses, if the organization is a member of it."""
    row = await connection.fetchrow(
        """
        select * from agreement a
        where id = $1 and id in (select m.agreement_id from agreement_member m where m.organization_id = $2)
        """,
        agreement_id,
        organization_id,
    )
    if row is None:
        return None
    parties = await connection.fetch("select * from party where agreement_id = $1", agreement_id)
    clauses = await connection.fetch("select * from clause where agreement_id = $1 order by ordinal", agreement_id)
    parent = json.loads(row["parent"] or "{}")
    return AgreementFacts(
        id=row["id"],
        title=row["title"],
        instrument=row["instrument"],
        number=row["number"],
        status=row["status"],
        parent=parent_name(*(parent.get(key) for key in ("instrument", "number", "title", "issued_by"))),
        in_force_on=row["in_force_on"],
        term_from=row["term_from"],
        term_to=row["term_to"],
        demonstration=row["demonstration"],
        parties=tuple(PartyFacts(p["organization_id"], p["organization_name"], p["signed_at"]) for p in parties),
        clauses=tuple(
            ClauseFacts(c["id"], c["ordinal"], c["heading"] or f"Điều {c['ordinal']}", c["field"]) for c in clauses
        ),
    )


async def issuer(connection: asyncpg.Connection[Any], organization_id: UUID) -> Issuer | None:
    """The organization that issues the report, and what stands above it."""
    row = await connection.fetchrow(
        """
        select o.name, o.kind, o.province_name, superior.name as superior_name, superior.kind as superior_kind
        from organization o left join organization superior on superior.id = o.superior_organization_id
        where o.id = $1
        """,
        organization_id,
    )
    if row is None:
        return None
    return Issuer(row["name"], row["kind"], row["superior_name"], row["superior_kind"], row["province_name"])
