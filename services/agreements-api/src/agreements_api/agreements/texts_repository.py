"""All SQL of the texts that are signed: frozen, taken back, and the rows that they are rendered from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements.models import Agreement, Clause, Party, Signature, WithdrawnText
from agreements_api.agreements.reading_repository import SCOPE

_TEXT = f"""
select a.frozen_text, a.text_format, a.text_digest, a.opened_at from agreement a where a.id = $2 and {SCOPE}
"""  # noqa: S608
# The agreement's own text, those of its amendments as far as the caller sees them, and what was taken back of it.
_TEXTS_OF = f"""
    select a.id, a.number, a.title, a.status, a.text_format, a.text_digest, a.opened_at, a.signed_on, a.in_force_on,
        coalesce(a.amendment_kind, 'original') as kind, null::timestamptz as withdrawn_at, null::text as withdrawal,
        a.frozen_text as content, a.created_at as placed
    from agreement a where (a.id = $2 or a.amends_agreement_id = $2) and a.frozen_text is not null and {SCOPE}
    union all
    select a.id, a.number, a.title, a.status, w.text_format, w.text_digest, w.opened_at, null, null,
        'withdrawn', w.withdrawn_at, w.reason, w.content, w.withdrawn_at
    from agreement a join withdrawn_text w on w.agreement_id = a.id where a.id = $2 and {SCOPE}
"""  # noqa: S608
_TEXTS = f"""
select json_build_object('agreement_id', x.id, 'kind', x.kind, 'number', x.number, 'title', x.title,
    'status', x.status, 'text_format', x.text_format, 'text_digest', x.text_digest, 'opened_at', x.opened_at,
    'signed_on', x.signed_on, 'in_force_on', x.in_force_on, 'withdrawn_at', x.withdrawn_at,
    'withdrawal', x.withdrawal)::text as body
from ({_TEXTS_OF}) x order by x.id <> $2, x.placed, x.id
"""  # noqa: S608
_TEXT_OF = f"select * from ({_TEXTS_OF}) x where x.text_digest = $3 order by x.opened_at desc limit 1"  # noqa: S608


async def read_texts(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID
) -> list[str]:
    """What was signed first, then every amendment and what was taken back, each as JSON without the text itself."""
    return [row["body"] for row in await connection.fetch(_TEXTS, organization_id, agreement_id)]


async def read_text_of(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID, digest: str
) -> asyncpg.Record | None:
    """One of `read_texts` by its digest."""
    return await connection.fetchrow(_TEXT_OF, organization_id, agreement_id, digest)


async def read_text(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID
) -> asyncpg.Record | None:
    return await connection.fetchrow(_TEXT, organization_id, agreement_id)


async def frozen_after(session: AsyncSession, after: UUID | None, limit: int) -> list[UUID]:
    """Agreements that have, or once had, a text for signature; the page after `after`."""
    rows = await (await session.connection()).execute(
        text(
            "select a.id from agreement a where (cast(:after as uuid) is null or a.id > :after) and (a.frozen_text is"
            " not null or exists (select from withdrawn_text w where w.agreement_id = a.id)) order by a.id limit :limit"
        ),
        {"after": after, "limit": limit},
    )
    return [row.id for row in rows]


async def records_of(session: AsyncSession, agreement_ids: Sequence[UUID], *, held: bool) -> Recorded:
    """Everything that the texts of these agreements are made of, in a fixed number of statements.

    Held, nobody signs between the first statement and the last.
    """
    ids = list(agreement_ids)
    statement = select(Agreement).where(col(Agreement.id).in_(ids))
    agreements = list((await session.exec(statement.with_for_update(read=True) if held else statement)).all())
    amended = [one.amends_agreement_id for one in agreements if one.amends_agreement_id]
    bases = list((await session.exec(select(Agreement).where(col(Agreement.id).in_(amended)))).all())
    parties = (
        await session.exec(select(Party).where(col(Party.agreement_id).in_(ids)).order_by(col(Party.ordinal)))
    ).all()
    clauses = (
        await session.exec(
            select(Clause).where(col(Clause.agreement_id).in_(ids)).order_by(col(Clause.ordinal), col(Clause.id))
        )
    ).all()
    named = [clause.target_clause_id for clause in clauses if clause.target_clause_id]
    targets = (await session.exec(select(Clause).where(col(Clause.id).in_(named)))).all()
    signatures = (
        await session.exec(select(Signature).where(col(Signature.agreement_id).in_(ids)).order_by(col(Signature.id)))
    ).all()
    withdrawn = (
        await session.exec(
            select(WithdrawnText).where(col(WithdrawnText.agreement_id).in_(ids)).order_by(col(WithdrawnText.id))
        )
    ).all()
    return Recorded(
        agreements={one.id: one for one in (*bases, *agreements)},
        parties=list(parties),
        clauses=list(clauses),
        targets={clause.id: clause for clause in targets},
        signatures=list(signatures),
        withdrawn=list(withdrawn),
    )


@dataclass(frozen=True)
class Recorded:
    """Rows of several agreements; `agreements` holds those that they amend as well."""

    agreements: dict[UUID, Agreement]
    parties: list[Party]
    clauses: list[Clause]
    targets: dict[UUID, Clause]
    signatures: list[Signature]
    withdrawn: list[WithdrawnText]
