"""All SQL of agreements; every read is scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
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
    WithdrawnText,
)
from agreements_api.history.models import History
from agreements_api.policy import Relation
from shared.auth import Actor
from shared.db import driver_connection
from shared.text import escape_like

# What AgreementPublic shows, but for allowed_actions, which depend on the caller; a test holds the two together.
_JSON = """json_build_object(
    'id', a.id, 'version', a.version, 'instrument', a.instrument, 'number', a.number, 'title', a.title,
    'status', a.status, 'parent', a.parent, 'parent_agreement_id', a.parent_agreement_id, 'fields', a.fields,
    'custodian_organization_id', a.custodian_organization_id, 'custodian_name', a.custodian_name,
    'signing_order', a.signing_order, 'term_from', a.term_from, 'term_to', a.term_to,
    'original_term_from', a.original_term_from, 'original_term_to', a.original_term_to, 'sign_by', a.sign_by,
    'amends_agreement_id', a.amends_agreement_id, 'amendment_kind', a.amendment_kind,
    'text_format', case when a.text_digest is not null then a.text_format end, 'text_digest', a.text_digest,
    'opened_at', a.opened_at, 'signed_on', a.signed_on, 'in_force_on', a.in_force_on, 'ended_on', a.ended_on,
    'demonstration', a.demonstration, 'source_url', a.source_url, 'note', a.note,
    'parties', coalesce((select json_agg(json_build_object(
        'id', p.id, 'organization_id', p.organization_id, 'organization_name', p.organization_name, 'role', p.role,
        'required', p.required, 'signatory_name', p.signatory_name, 'signatory_title', p.signatory_title,
        'signed_at', p.signed_at, 'responsible_organization_id', p.responsible_organization_id,
        'responsible_organization_name', p.responsible_organization_name) order by p.ordinal)
        from agreement_party p where p.agreement_id = a.id), '[]'),
    'clause_count', (select count(*) from agreement_clause c where c.agreement_id = a.id and c.ended_on is null),
    'created_at', a.created_at, 'updated_at', a.updated_at)::text"""
# Who acts for party `p` today.
_ANSWERING = "coalesce(p.responsible_organization_id, p.organization_id)"
# How the caller ($1) stands to it, and whether every party that he acts for has signed.
_STANDING = f"""a.status, coalesce((select string_agg(m.relation, ',') from agreement_member m
    where m.agreement_id = a.id and m.organization_id = $1 and m.source_id = a.id), '') as relations,
    coalesce((select bool_and(p.signed_at is not null) from agreement_party p
        where p.agreement_id = a.id and {_ANSWERING} = $1), false) as signed,
    a.amends_agreement_id is not null as amendment, a.presented_at is not null as presented"""  # noqa: S608
_SCOPE = "a.id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
_CLAUSE = """'id', c.id, 'ordinal', c.ordinal, 'heading', c.heading, 'text', c.text, 'field', c.field,
    'operation', c.operation, 'target_clause_id', c.target_clause_id, 'amendment_id', c.amendment_id,
    'started_on', c.started_on, 'ended_on', c.ended_on, 'ended_by', c.ended_by, 'replaced_by', c.replaced_by"""
_SIGNATURE = """'id', s.id, 'organization_id', s.organization_id, 'signatory_name', s.signatory_name,
    'signatory_title', s.signatory_title, 'organization_name', s.organization_name, 'role', s.role,
    'authority', s.authority, 'principal_title', s.principal_title, 'delegation', s.delegation,
    'delegation_number', s.delegation_number, 'delegation_valid_until', s.delegation_valid_until,
    'text_digest', s.text_digest, 'signed_at', s.signed_at, 'voided_at', s.voided_at,
    'void_reason', s.void_reason"""
# What history keeps of a version of agreement `a`: all that is shown of it, with its clauses and signatures.
STATE = f"""(({_JSON})::jsonb || jsonb_build_object(
    'clauses', coalesce((select jsonb_agg(jsonb_build_object({_CLAUSE}) order by c.ordinal, c.id)
        from agreement_clause c where c.agreement_id = a.id), '[]'),
    'signatures', coalesce((select jsonb_agg(jsonb_build_object({_SIGNATURE}) order by s.id)
        from signature s where s.agreement_id = a.id), '[]')))"""  # noqa: S608

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
select json_build_object({_CLAUSE},
    'task_count', (select count(*) from task t where t.clause_id = c.id and t.status <> 'cancelled'))::text as body
from agreement a join agreement_clause c on c.agreement_id = a.id
where a.id = $2 and {_SCOPE} and ($3::date is null or (
    coalesce(c.started_on, a.in_force_on, $3) <= $3 and coalesce(c.ended_on, 'infinity') > $3))
order by c.ordinal, c.id
"""  # noqa: S608
_PARTIES = f"""
select json_build_object('id', p.id, 'organization_id', p.organization_id, 'organization_name', p.organization_name,
    'role', p.role, 'required', p.required, 'signatory_name', p.signatory_name,
    'signatory_title', p.signatory_title, 'signed_at', p.signed_at,
    'responsible_organization_id', p.responsible_organization_id,
    'responsible_organization_name', p.responsible_organization_name)::text as body
from agreement a join agreement_party p on p.agreement_id = a.id where a.id = $2 and {_SCOPE} order by p.ordinal
"""  # noqa: S608
_SIGNATURES = f"""
select json_build_object({_SIGNATURE})::text as body
from agreement a join signature s on s.agreement_id = a.id where a.id = $2 and {_SCOPE} order by s.id
"""  # noqa: S608
PARTS = {"parties": _PARTIES, "signatures": _SIGNATURES}
_TEXT = f"""
select a.frozen_text, a.text_format, a.text_digest, a.opened_at from agreement a where a.id = $2 and {_SCOPE}
"""  # noqa: S608
# The agreement's own text, those of its amendments as far as the caller sees them, and what was taken back of it.
_TEXTS_OF = f"""
    select a.id, a.number, a.title, a.status, a.text_format, a.text_digest, a.opened_at, a.signed_on, a.in_force_on,
        coalesce(a.amendment_kind, 'original') as kind, null::timestamptz as withdrawn_at, null::text as withdrawal,
        a.frozen_text as content, a.created_at as placed
    from agreement a where (a.id = $2 or a.amends_agreement_id = $2) and a.frozen_text is not null and {_SCOPE}
    union all
    select a.id, a.number, a.title, a.status, w.text_format, w.text_digest, w.opened_at, null, null,
        'withdrawn', w.withdrawn_at, w.reason, w.content, w.withdrawn_at
    from agreement a join withdrawn_text w on w.agreement_id = a.id where a.id = $2 and {_SCOPE}
"""  # noqa: S608
_TEXTS = f"""
select json_build_object('agreement_id', x.id, 'kind', x.kind, 'number', x.number, 'title', x.title,
    'status', x.status, 'text_format', x.text_format, 'text_digest', x.text_digest, 'opened_at', x.opened_at,
    'signed_on', x.signed_on, 'in_force_on', x.in_force_on, 'withdrawn_at', x.withdrawn_at,
    'withdrawal', x.withdrawal)::text as body
from ({_TEXTS_OF}) x order by x.id <> $2, x.placed, x.id
"""  # noqa: S608
_TEXT_OF = f"select * from ({_TEXTS_OF}) x where x.text_digest = $3 order by x.opened_at desc limit 1"  # noqa: S608


async def read(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID
) -> asyncpg.Record | None:
    """One agreement as JSON, with the caller's relations to it."""
    return await connection.fetchrow(_READ, organization_id, agreement_id)


async def read_parts(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID, part: str
) -> list[str]:
    """Parties or signatures, each as JSON."""
    return [row["body"] for row in await connection.fetch(PARTS[part], organization_id, agreement_id)]


async def read_clauses(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID, on: date | None
) -> list[str]:
    """The clauses that hold on a day, or all that ever held, each as JSON."""
    return [row["body"] for row in await connection.fetch(_CLAUSES, organization_id, agreement_id, on)]


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


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed to; what is empty does not narrow it."""

    statuses: Sequence[str] = ()
    instruments: Sequence[str] = ()
    field: str | None = None
    party: UUID | None = None
    locality: UUID | None = None
    folded: str | None = None
    amends: UUID | None = None


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
    if narrowed.amends:
        add("a.amends_agreement_id = ?", narrowed.amends)
    if narrowed.field:
        add("? = any(a.fields)", narrowed.field)
    if narrowed.party:
        add(
            "exists (select from agreement_party p where p.agreement_id = a.id"
            " and ? in (p.organization_id, p.responsible_organization_id))",
            narrowed.party,
        )
    if narrowed.locality:
        add(
            "exists (select from agreement_party p"
            " join organization o on o.id in (p.organization_id, p.responsible_organization_id)"
            " where p.agreement_id = a.id and o.unit_id = ?)",
            narrowed.locality,
        )
    if narrowed.folded:
        add("a.folded like ?", f"%{escape_like(narrowed.folded)}%")
    return " and ".join(where), values


# The last state until the instant ($2) of each agreement that was there, along the order of creation.
_OF_THE_PAST = f"""
from agreement a cross join lateral (
    select e.state from history e where e.subject_id = a.id and e.occurred_at <= $2 order by e.version desc limit 1) h
where a.created_at <= $2 and {_SCOPE}
"""  # noqa: S608
_PAST_TASKS = f"""
select h.clause_id, count(*) as tasks
from agreement a join task t on t.agreement_id = a.id cross join lateral (
    select (e.state->>'clause_id')::uuid as clause_id, e.state->>'status' as status from history e
    where e.subject_id = t.id and e.occurred_at <= $3 order by e.version desc limit 1) h
where a.id = $2 and {_SCOPE} and h.clause_id is not null and h.status <> 'cancelled'
group by h.clause_id
"""  # noqa: S608


async def list_past(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    as_of: datetime,
    sort: str,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[asyncpg.Record]:
    """A page of the agreements that the caller may see today, as they were at an instant."""
    statement = past_list_statement(organization_id, narrowed, as_of=as_of, sort=sort, after=after, limit=limit)
    return await connection.fetch(*statement)


async def count_past(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, narrowed: Filter, *, as_of: datetime
) -> int:
    where, values = _past_conditions(narrowed, [organization_id, as_of])
    return int(await connection.fetchval(f"select count(*) {_OF_THE_PAST}{where}", *values))


async def count_past_tasks(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID, as_of: datetime
) -> dict[UUID, int]:
    """How many tasks fulfilled each clause at an instant."""
    rows = await connection.fetch(_PAST_TASKS, organization_id, agreement_id, as_of)
    return {row["clause_id"]: row["tasks"] for row in rows}


def past_list_statement(
    organization_id: UUID | None,
    narrowed: Filter,
    *,
    as_of: datetime,
    sort: str,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> tuple[Any, ...]:
    """The statement of a page of the past and its parameters."""
    where, values = _past_conditions(narrowed, [organization_id, as_of])
    key, direction = SORTS[sort]
    if after is not None:
        values += list(after)
        where += f" and ({key}, a.id) {direction} (${len(values) - 1}::timestamptz, ${len(values)}::uuid)"
    values.append(limit)
    order = "desc" if direction == "<" else "asc"
    statement = (
        f"select h.state::text as state, a.id, {key} as sort_value"
        f" {_OF_THE_PAST}{where} order by {key} {order}, a.id {order} limit ${len(values)}"
    )
    return (statement, *values)


def _past_conditions(narrowed: Filter, values: list[Any]) -> tuple[str, list[Any]]:
    """The conditions of the past beside those that every list of it has; `values` are the parameters so far."""
    conditions: list[str] = []

    def value(given: Any) -> str:
        values.append(given)
        return f"${len(values)}"

    if narrowed.statuses:
        conditions.append(f"h.state->>'status' = any({value(list(narrowed.statuses))}::text[])")
    if narrowed.instruments:
        conditions.append(f"h.state->>'instrument' = any({value(list(narrowed.instruments))}::text[])")
    if narrowed.amends:
        conditions.append(f"a.amends_agreement_id = {value(narrowed.amends)}")
    if narrowed.field:
        conditions.append(f"h.state->'fields' @> to_jsonb({value(narrowed.field)}::text)")
    if narrowed.party:
        party = f"jsonb_build_object('organization_id', {value(narrowed.party)}::uuid)"
        conditions.append(f"h.state->'parties' @> jsonb_build_array({party})")
    if narrowed.locality:
        conditions.append(
            "exists (select from jsonb_array_elements(h.state->'parties') y"
            " join organization o on o.id = (y->>'organization_id')::uuid"
            f" where o.unit_id = {value(narrowed.locality)})"
        )
    return "".join(f" and {condition}" for condition in conditions), values


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


async def clauses_in_force(session: AsyncSession, agreement_id: UUID) -> list[Clause]:
    statement = (
        select(Clause)
        .where(Clause.agreement_id == agreement_id, col(Clause.ended_on).is_(None))
        .order_by(col(Clause.ordinal))
    )
    return list((await session.exec(statement)).all())


async def organizations_of(session: AsyncSession, agreement_id: UUID, relation: Relation) -> list[UUID]:
    """Who stands in this relation to the agreement itself."""
    statement = select(Member.organization_id).where(
        Member.agreement_id == agreement_id, Member.source_id == agreement_id, Member.relation == relation
    )
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


async def add_members(
    session: AsyncSession, agreement_id: UUID, source_id: UUID, relations: set[tuple[UUID, Relation]]
) -> None:
    """Let organisations see the agreement through `source_id`; what they are already, they stay."""
    rows = sorted(relations)
    await (await session.connection()).execute(
        _ADD_THROUGH,
        {
            "agreement_id": agreement_id,
            "source_id": source_id,
            "organizations": [organization for organization, _ in rows],
            "relations": [relation.value for _, relation in rows],
        },
    )


async def drop_members(session: AsyncSession, agreement_id: UUID, source_id: UUID) -> None:
    """Whoever saw the agreement through `source_id` alone no longer sees it."""
    await (await session.connection()).execute(
        text("delete from agreement_member where agreement_id = :agreement_id and source_id = :source_id"),
        {"agreement_id": agreement_id, "source_id": source_id},
    )


async def show_to_members_of(session: AsyncSession, agreement_id: UUID, other_id: UUID) -> None:
    """Whoever sees the other agreement sees this one too, and may do nothing with it."""
    await (await session.connection()).execute(
        text(
            "insert into agreement_member (agreement_id, organization_id, source_id, relation)"
            " select distinct cast(:agreement_id as uuid), organization_id, cast(:other_id as uuid), relation"
            " from agreement_member where agreement_id = :other_id on conflict do nothing"
        ),
        {"agreement_id": agreement_id, "other_id": other_id},
    )


_ADD_THROUGH = text(
    "insert into agreement_member (agreement_id, organization_id, source_id, relation)"  # noqa: S608
    f" select :agreement_id, n.organization_id, :source_id, n.relation from {_NAMED} on conflict do nothing"
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
