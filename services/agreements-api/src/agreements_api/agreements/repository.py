"""All SQL of changing agreements: their rows held, their parts, and what history keeps of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements.models import (
    Access,
    Agreement,
    AgreementStatus,
    Clause,
    Member,
    Party,
    Signature,
    Withdrawal,
)
from agreements_api.agreements.reading_repository import PUBLIC, STATE
from agreements_api.history.models import History
from shared.auth import Actor
from shared.db import as_system, driver_connection


async def lock(session: AsyncSession, actor: Actor, agreement_id: UUID) -> Agreement | None:
    """The agreement's row for a change, if the caller is a member."""
    statement = (
        select(Agreement)
        .where(
            Agreement.id == agreement_id,
            col(Agreement.id).in_(select(Access.agreement_id).where(Access.organization_id == actor.organization_id)),
        )
        .with_for_update()
    )
    return (await session.exec(statement)).one_or_none()


async def lock_amended(session: AsyncSession, agreement_id: UUID) -> Agreement | None:
    """The agreement that an amendment changes; always locked after the amendment itself."""
    return (await session.exec(select(Agreement).where(Agreement.id == agreement_id).with_for_update())).one_or_none()


async def lock_signings_over(session: AsyncSession, *, signed_by: date, limit: int) -> list[Agreement]:
    """Agreements whose last day for signatures is `signed_by` or earlier; those that another holds are left to it."""
    statement = (
        select(Agreement)
        .where(
            Agreement.status == AgreementStatus.OPEN_FOR_SIGNATURE,
            col(Agreement.sign_by).is_not(None),
            col(Agreement.sign_by) <= signed_by,
        )
        .order_by(col(Agreement.sign_by), col(Agreement.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list((await session.exec(statement)).all())


async def lock_terms_over(session: AsyncSession, *, today: date, limit: int) -> list[Agreement]:
    """Agreements whose term ended before today; those that another holds are left to it."""
    statement = (
        select(Agreement)
        .where(
            # As text of the statement, and no parameter: the index is for these.
            text("agreement.status in ('in_force', 'suspended')"),
            col(Agreement.term_to).is_not(None),
            col(Agreement.term_to) < today,
            col(Agreement.amends_agreement_id).is_(None),
        )
        .order_by(col(Agreement.term_to), col(Agreement.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list((await session.exec(statement)).all())


async def get(session: AsyncSession, agreement_id: UUID) -> Agreement | None:
    """An agreement that the transaction may see, not held."""
    return (await session.exec(select(Agreement).where(Agreement.id == agreement_id))).one_or_none()


async def is_public(session: AsyncSession, agreement_id: UUID) -> bool:
    statement = text(f"select {PUBLIC} from agreement a where a.id = :agreement")  # noqa: S608
    return bool((await (await session.connection()).execute(statement, {"agreement": agreement_id})).scalar_one())


async def other_amendment_open(session: AsyncSession, amendment: Agreement) -> bool:
    statement = select(Agreement.id).where(
        Agreement.amends_agreement_id == amendment.amends_agreement_id,
        Agreement.status == AgreementStatus.OPEN_FOR_SIGNATURE,
        Agreement.id != amendment.id,
    )
    return (await session.exec(statement)).first() is not None


async def is_member(session: AsyncSession, actor: Actor, agreement_id: UUID) -> bool:
    statement = select(Member.relation).where(
        Member.agreement_id == agreement_id, Member.organization_id == actor.organization_id
    )
    return (await session.exec(statement)).first() is not None


_RESTS_ON = """
with recursive below (id) as (
    select $1::uuid union select a.parent_agreement_id from agreement a join below b on a.id = b.id
)
select exists (select from below b where b.id = $2)
"""


async def rests_on(session: AsyncSession, agreement_id: UUID, parent_id: UUID) -> bool:
    """Whether an agreement is the other one or rests on it, through whichever agreements the caller may not see.

    It is held, so that nobody lets it rest on the other one meanwhile.
    """
    connection = await driver_connection(session)
    async with as_system(connection):
        await connection.execute("select from agreement where id = $1 for share", agreement_id)
        return bool(await connection.fetchval(_RESTS_ON, agreement_id, parent_id))


async def relations_of(session: AsyncSession, actor: Actor, agreement_id: UUID) -> list[str]:
    statement = select(Member.relation).where(
        Member.agreement_id == agreement_id,
        Member.organization_id == actor.organization_id,
        Member.source_id == agreement_id,
    )
    return list((await session.exec(statement)).all())


async def parties_of(session: AsyncSession, agreement_id: UUID) -> list[Party]:
    statement = select(Party).where(Party.agreement_id == agreement_id).order_by(col(Party.ordinal))
    return list((await session.exec(statement)).all())


async def clauses_of(session: AsyncSession, agreement_id: UUID) -> list[Clause]:
    statement = select(Clause).where(Clause.agreement_id == agreement_id).order_by(col(Clause.ordinal))
    return list((await session.exec(statement)).all())


async def clauses_in_force(session: AsyncSession, agreement_id: UUID) -> list[Clause]:
    statement = (
        select(Clause)
        .where(Clause.agreement_id == agreement_id, col(Clause.ended_on).is_(None))
        .order_by(col(Clause.ordinal))
    )
    return list((await session.exec(statement)).all())


async def names_of(session: AsyncSession, organization_ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = await (await session.connection()).execute(
        text("select id, name from organization where id = any(:ids)"), {"ids": list(organization_ids)}
    )
    return {row.id: row.name for row in rows}


async def replace_parts(
    session: AsyncSession,
    agreement_id: UUID,
    *,
    parties: Sequence[Party] | None = None,
    clauses: Sequence[Clause] | None = None,
) -> None:
    """The parties and clauses of a draft, as far as they are given."""
    if parties is not None:
        await session.exec(delete(Party).where(col(Party.agreement_id) == agreement_id))
        session.add_all(parties)
    if clauses is not None:
        await session.exec(delete(Clause).where(col(Clause.agreement_id) == agreement_id))
        session.add_all(clauses)
    await session.flush()


async def void_signatures(session: AsyncSession, agreement_id: UUID, at: datetime, reason: Withdrawal) -> None:
    await (await session.connection()).execute(
        text(
            "update signature set voided_at = :at, void_reason = :reason where agreement_id = :id and voided_at is null"
        ),
        {"id": agreement_id, "at": at, "reason": reason.value},
    )


async def end_clause(
    session: AsyncSession, clause: Clause, *, amendment_id: UUID, on: date, replaced_by: UUID | None
) -> None:
    """The clause holds no longer from this day on; its row stays as it was signed."""
    clause.ended_on, clause.ended_by, clause.replaced_by = on, amendment_id, replaced_by
    await session.flush()


_ADD_HISTORY = f"""
insert into history (id, subject_id, agreement_id, subject_kind, version, action, actor_id, actor_kind, actor_name,
                     organization_id, changes, remark, occurred_at, state)
select $1, a.id, a.id, 'agreement', $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10, $11, {STATE}
from agreement a where a.id = $2
"""  # noqa: S608


async def add_history(session: AsyncSession, told: History) -> None:
    """What is told of a version, with the agreement and its parts as they now stand in the tables."""
    await session.flush()
    done = await (await driver_connection(session)).execute(
        _ADD_HISTORY,
        told.id,
        told.subject_id,
        told.version,
        told.action,
        told.actor_id,
        told.actor_kind,
        told.actor_name,
        told.organization_id,
        orjson.dumps(told.changes).decode(),
        told.remark,
        told.occurred_at,
    )
    # Whoever changes an agreement sees it: a version without its history must not be committed.
    assert done == "INSERT 0 1"


async def add(session: AsyncSession, *records: Agreement | Party | Clause | Signature | Any) -> None:
    session.add_all(records)
    await session.flush()
