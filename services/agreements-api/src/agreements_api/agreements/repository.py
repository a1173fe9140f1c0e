"""All SQL of agreements; every read is scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements.models import Access, Agreement, Clause, Member, Party, Signature
from agreements_api.policy import Relation
from shared.auth import Actor

# What AgreementPublic shows, but for allowed_actions, which depend on the caller; a test holds the two together.
_JSON = """json_build_object(
    'id', a.id, 'version', a.version, 'instrument', a.instrument, 'number', a.number, 'title', a.title,
    'status', a.status, 'parent', a.parent, 'parent_agreement_id', a.parent_agreement_id, 'fields', a.fields,
    'custodian_organization_id', a.custodian_organization_id, 'custodian_name', a.custodian_name,
    'signing_order', a.signing_order, 'term_from', a.term_from, 'term_to', a.term_to, 'text_digest', a.text_digest,
    'opened_at', a.opened_at, 'signed_on', a.signed_on, 'in_force_on', a.in_force_on,
    'demonstration', a.demonstration, 'source_url', a.source_url, 'note', a.note,
    'parties', coalesce((select json_agg(json_build_object(
        'id', p.id, 'organization_id', p.organization_id, 'organization_name', p.organization_name, 'role', p.role,
        'required', p.required, 'signatory_name', p.signatory_name, 'signatory_title', p.signatory_title,
        'signed_at', p.signed_at) order by p.ordinal) from agreement_party p where p.agreement_id = a.id), '[]'),
    'clause_count', (select count(*) from agreement_clause c where c.agreement_id = a.id),
    'created_at', a.created_at, 'updated_at', a.updated_at)::text"""
# How the caller ($1) stands to it, and whether his own party has signed.
_STANDING = """a.status, coalesce((select string_agg(m.relation, ',') from agreement_member m
    where m.agreement_id = a.id and m.organization_id = $1 and m.source_id = a.id), '') as relations,
    exists (select from agreement_party p where p.agreement_id = a.id and p.organization_id = $1
        and p.signed_at is not null) as signed"""
_SCOPE = "a.id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"

SORTS: dict[str, tuple[str, str]] = {
    "created_at": ("a.created_at", ">"),
    "-created_at": ("a.created_at", "<"),
    "updated_at": ("a.updated_at", ">"),
    "-updated_at": ("a.updated_at", "<"),
}
_READ = f"""
select {_JSON} as body, a.version, {_STANDING} from agreement a where a.id = $2 and {_SCOPE}
"""  # noqa: S608
_CLAUSES = f"""
select json_build_object('id', c.id, 'ordinal', c.ordinal, 'heading', c.heading, 'text', c.text, 'field', c.field,
    'task_count', (select count(*) from task t where t.clause_id = c.id and t.status <> 'cancelled'))::text as body
from agreement a join agreement_clause c on c.agreement_id = a.id where a.id = $2 and {_SCOPE} order by c.ordinal
"""  # noqa: S608
_PARTIES = f"""
select json_build_object('id', p.id, 'organization_id', p.organization_id, 'organization_name', p.organization_name,
    'role', p.role, 'required', p.required, 'signatory_name', p.signatory_name,
    'signatory_title', p.signatory_title, 'signed_at', p.signed_at)::text as body
from agreement a join agreement_party p on p.agreement_id = a.id where a.id = $2 and {_SCOPE} order by p.ordinal
"""  # noqa: S608
_SIGNATURES = f"""
select json_build_object('id', s.id, 'organization_id', s.organization_id, 'signatory_name', s.signatory_name,
    'signatory_title', s.signatory_title, 'delegation', s.delegation, 'text_digest', s.text_digest,
    'signed_at', s.signed_at, 'voided_at', s.voided_at)::text as body
from agreement a join signature s on s.agreement_id = a.id where a.id = $2 and {_SCOPE} order by s.id
"""  # noqa: S608
PARTS = {"clauses": _CLAUSES, "parties": _PARTIES, "signatures": _SIGNATURES}
_TEXT = f"select a.frozen_text, a.text_digest, a.opened_at from agreement a where a.id = $2 and {_SCOPE}"  # noqa: S608


async def read(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID
) -> asyncpg.Record | None:
    """One agreement as JSON, with the caller's relations to it."""
    return await connection.fetchrow(_READ, organization_id, agreement_id)


async def read_parts(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID, part: str
) -> list[str]:
    """Clauses, parties or signatures, each as JSON."""
    return [row["body"] for row in await connection.fetch(PARTS[part], organization_id, agreement_id)]


async def read_text(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID
) -> asyncpg.Record | None:
    return await connection.fetchrow(_TEXT, organization_id, agreement_id)


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed to; what is empty does not narrow it."""

    statuses: Sequence[str] = ()
    instruments: Sequence[str] = ()
    field: str | None = None
    party: UUID | None = None
    locality: UUID | None = None
    folded: str | None = None


async def list_agreements(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    sort: str,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[asyncpg.Record]:
    """A page of the agreements that the caller may see."""
    return await connection.fetch(*list_statement(organization_id, narrowed, sort=sort, after=after, limit=limit))


async def count_agreements(connection: asyncpg.Connection[Any], organization_id: UUID | None, narrowed: Filter) -> int:
    where, values = _conditions(organization_id, narrowed)
    return int(await connection.fetchval(f"select count(*) from agreement a where {where}", *values))  # noqa: S608


def list_statement(
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    sort: str,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> tuple[Any, ...]:
    """The statement of a page and its parameters."""
    where, values = _conditions(organization_id, narrowed)
    key, direction = SORTS[sort]
    if after is not None:
        values += list(after)
        where += f" and ({key}, a.id) {direction} (${len(values) - 1}::timestamptz, ${len(values)}::uuid)"
    values.append(limit)
    order = "desc" if direction == "<" else "asc"
    statement = (
        f"select {_JSON} as body, a.id, {key} as sort_value, {_STANDING}"  # noqa: S608
        f" from agreement a where {where} order by {key} {order}, a.id {order} limit ${len(values)}"
    )
    return (statement, *values)


def _conditions(organization_id: UUID | None, narrowed: Filter) -> tuple[str, list[Any]]:
    where = [_SCOPE]
    values: list[Any] = [organization_id]

    def add(condition: str, value: Any) -> None:
        values.append(value)
        where.append(condition.replace("?", f"${len(values)}"))

    if narrowed.statuses:
        add("a.status = any(?::text[])", list(narrowed.statuses))
    if narrowed.instruments:
        add("a.instrument = any(?::text[])", list(narrowed.instruments))
    if narrowed.field:
        add("? = any(a.fields)", narrowed.field)
    if narrowed.party:
        add(
            "exists (select from agreement_party p where p.agreement_id = a.id and p.organization_id = ?)",
            narrowed.party,
        )
    if narrowed.locality:
        add(
            "exists (select from agreement_party p join organization o on o.id = p.organization_id"
            " where p.agreement_id = a.id and o.unit_id = ?)",
            narrowed.locality,
        )
    if narrowed.folded:
        add("a.folded like ?", f"%{escape_like(narrowed.folded)}%")
    return " and ".join(where), values


def escape_like(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


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


async def is_member(session: AsyncSession, actor: Actor, agreement_id: UUID) -> bool:
    statement = select(Member.relation).where(
        Member.agreement_id == agreement_id, Member.organization_id == actor.organization_id
    )
    return (await session.exec(statement)).first() is not None


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


async def members_of(session: AsyncSession, agreement_id: UUID) -> list[UUID]:
    """Every organisation that may see the agreement."""
    statement = select(Member.organization_id).where(Member.agreement_id == agreement_id).distinct()
    return sorted((await session.exec(statement)).all())


async def names_of(session: AsyncSession, organization_ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = await (await session.connection()).execute(
        text("select id, name from organization where id = any(:ids)"), {"ids": list(organization_ids)}
    )
    return {row.id: row.name for row in rows}


# The body above, the one above that, and so on: each of them watches over what those below it promise.
_SUPERIORS = text("""
    with recursive chain (id) as (
        select superior_organization_id from organization where id = any(:ids)
        union
        select o.superior_organization_id from chain join organization o on o.id = chain.id
    )
    select id from chain where id is not null
""")


async def superiors_of(session: AsyncSession, organization_ids: Sequence[UUID]) -> list[UUID]:
    rows = await (await session.connection()).execute(_SUPERIORS, {"ids": list(organization_ids)})
    return [row.id for row in rows]


async def replace_members(session: AsyncSession, agreement_id: UUID, relations: set[tuple[UUID, Relation]]) -> None:
    """The agreement's own relations are exactly these; those through its tasks stay."""
    rows = sorted(relations)
    given = {
        "agreement_id": agreement_id,
        "organizations": [organization for organization, _ in rows],
        "relations": [relation.value for _, relation in rows],
    }
    connection = await session.connection()
    # First who comes, then who goes: an organisation that lost access in between could not let anybody in.
    await connection.execute(_ADD_MEMBERS, given)
    await connection.execute(_DROP_MEMBERS, given)


_NAMED = "unnest(cast(:organizations as uuid[]), cast(:relations as text[])) as n(organization_id, relation)"
_ADD_MEMBERS = text(
    "insert into agreement_member (agreement_id, organization_id, source_id, relation)"  # noqa: S608
    f" select :agreement_id, n.organization_id, :agreement_id, n.relation from {_NAMED} on conflict do nothing"
)
_DROP_MEMBERS = text(
    "delete from agreement_member m where m.agreement_id = :agreement_id and m.source_id = :agreement_id"  # noqa: S608
    f" and not exists (select from {_NAMED} where n.organization_id = m.organization_id and n.relation = m.relation)"
)


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


async def void_signatures(session: AsyncSession, agreement_id: UUID, at: datetime) -> None:
    await (await session.connection()).execute(
        text("update signature set voided_at = :at where agreement_id = :id and voided_at is null"),
        {"id": agreement_id, "at": at},
    )


async def add(session: AsyncSession, *records: Agreement | Party | Clause | Signature | Any) -> None:
    session.add_all(records)
    await session.flush()
