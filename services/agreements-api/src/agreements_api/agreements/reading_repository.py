"""All SQL of what is shown of agreements, one or a page of them; scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.db import Parameters
from shared.text import escape_like

_PARTY = """'id', p.id, 'organization_id', p.organization_id, 'organization_name', p.organization_name, 'role', p.role,
    'required', p.required, 'signatory_name', p.signatory_name, 'signatory_title', p.signatory_title,
    'signed_at', p.signed_at, 'responsible_organization_id', p.responsible_organization_id,
    'responsible_organization_name', p.responsible_organization_name"""
# What AgreementPublic shows, but for allowed_actions, which depend on the caller; a test holds the two together.
_JSON = f"""json_build_object(
    'id', a.id, 'version', a.version, 'instrument', a.instrument, 'number', a.number, 'title', a.title,
    'status', a.status, 'parent', a.parent, 'parent_agreement_id', a.parent_agreement_id, 'fields', a.fields,
    'custodian_organization_id', a.custodian_organization_id, 'custodian_name', a.custodian_name,
    'signing_order', a.signing_order, 'term_from', a.term_from, 'term_to', a.term_to,
    'original_term_from', a.original_term_from, 'original_term_to', a.original_term_to, 'sign_by', a.sign_by,
    'response_working_days', a.response_working_days,
    'original_response_working_days', a.original_response_working_days,
    'amends_agreement_id', a.amends_agreement_id, 'amendment_kind', a.amendment_kind,
    'text_format', case when a.text_digest is not null then a.text_format end, 'text_digest', a.text_digest,
    'opened_at', a.opened_at, 'signed_on', a.signed_on, 'in_force_on', a.in_force_on, 'ended_on', a.ended_on,
    'demonstration', a.demonstration, 'source_url', a.source_url, 'note', a.note,
    'parties', coalesce((select json_agg(json_build_object({_PARTY}) order by p.ordinal)
        from agreement_party p where p.agreement_id = a.id), '[]'),
    'clause_count', (select count(*) from agreement_clause c where c.agreement_id = a.id and c.ended_on is null),
    'created_at', a.created_at, 'updated_at', a.updated_at)::text"""  # noqa: S608
# Who acts for party `p` today.
_ANSWERING = "coalesce(p.responsible_organization_id, p.organization_id)"
PUBLIC = "exists (select from publication u where u.agreement_id = a.id and u.unpublished_at is null)"
# Whether a party that he acts for can sign now: the rule of signing.is_turn. A test holds the two together.
_IS_TURN = f"""(a.status <> 'open_for_signature' or a.signing_order <> 'sequential' or exists (
    select from agreement_party p where p.agreement_id = a.id and {_ANSWERING} = $1 and p.signed_at is null
      and not exists (select from agreement_party o where o.agreement_id = a.id and o.ordinal < p.ordinal
        and o.required and o.role <> 'witness' and o.signed_at is null)))"""  # noqa: S608
# Whether what it amends can be amended: the rule of amendments.can_be_amended. Here and below through scalars, which
# are asked of the rows of a page alone.
_AMENDABLE = """(a.amends_agreement_id is null or coalesce(
    (select o.status in ('in_force', 'suspended') from agreement o where o.id = a.amends_agreement_id), false))"""
# Whether another amendment is open, which one at a time can be: the rule of repository.other_amendment_open.
_OTHER_OPEN = """coalesce((select true from agreement o where o.amends_agreement_id = a.amends_agreement_id
    and o.status = 'open_for_signature' and o.id <> a.id), false)"""
# How the caller ($1) stands to it, and whether every party that he acts for has signed.
_STANDING = f"""a.status, coalesce((select string_agg(m.relation, ',') from agreement_member m
    where m.agreement_id = a.id and m.organization_id = $1 and m.source_id = a.id), '') as relations,
    coalesce((select bool_and(p.signed_at is not null) from agreement_party p
        where p.agreement_id = a.id and {_ANSWERING} = $1), false) as signed, {_IS_TURN} as is_turn,
    a.amends_agreement_id is not null as amendment, a.presented_at is not null as presented,
    a.sign_by, {_AMENDABLE} as amendable, {_OTHER_OPEN} as other_open,
    a.in_force_on is not null as was_in_force, {PUBLIC} as public"""  # noqa: S608
SCOPE = "a.id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
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
select {_JSON} as body, a.version, {_STANDING} from agreement a where a.id = $2 and {SCOPE}
"""  # noqa: S608
_CLAUSES = f"""
select json_build_object({_CLAUSE},
    'task_count', (select count(*) from task t where t.clause_id = c.id and t.status <> 'cancelled'))::text as body
from agreement a join agreement_clause c on c.agreement_id = a.id
where a.id = $2 and {SCOPE} and ($3::date is null or (
    coalesce(c.started_on, a.in_force_on, $3) <= $3 and coalesce(c.ended_on, 'infinity') > $3))
order by c.ordinal, c.id
"""  # noqa: S608
_PARTIES = f"""
select json_build_object({_PARTY})::text as body
from agreement a join agreement_party p on p.agreement_id = a.id where a.id = $2 and {SCOPE} order by p.ordinal
"""  # noqa: S608
_SIGNATURES = f"""
select json_build_object({_SIGNATURE})::text as body
from agreement a join signature s on s.agreement_id = a.id where a.id = $2 and {SCOPE} order by s.id
"""  # noqa: S608
PARTS = {"parties": _PARTIES, "signatures": _SIGNATURES}


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
    following, order = page(sort, after, values)
    statement = (
        f"select {_JSON} as body, a.id, {SORTS[sort][0]} as sort_value, {_STANDING}"  # noqa: S608
        f" from agreement a where {where}{following}{order} limit {values.place(limit)}"
    )
    return (statement, *values)


def page(sort: str, after: tuple[datetime, UUID] | None, values: Parameters) -> tuple[str, str]:
    """Where a page begins, as a further condition, and the order of the list."""
    key, direction = SORTS[sort]
    following = ""
    if after is not None:
        moment, agreement_id = after
        following = (
            f" and ({key}, a.id) {direction} ({values.place(moment)}::timestamptz, {values.place(agreement_id)}::uuid)"
        )
    order = "desc" if direction == "<" else "asc"
    return following, f" order by {key} {order}, a.id {order}"


def _conditions(organization_id: UUID | None, narrowed: Filter) -> tuple[str, Parameters]:
    conditions, values = [SCOPE], Parameters(organization_id)
    value = values.place
    if narrowed.statuses:
        conditions.append(f"a.status = any({value(list(narrowed.statuses))}::text[])")
    if narrowed.instruments:
        conditions.append(f"a.instrument = any({value(list(narrowed.instruments))}::text[])")
    if narrowed.amends:
        conditions.append(f"a.amends_agreement_id = {value(narrowed.amends)}")
    if narrowed.field:
        conditions.append(f"{value(narrowed.field)} = any(a.fields)")
    if narrowed.party:
        conditions.append(
            "exists (select from agreement_party p where p.agreement_id = a.id"
            f" and {value(narrowed.party)} in (p.organization_id, p.responsible_organization_id))"
        )
    if narrowed.locality:
        conditions.append(
            "exists (select from agreement_party p"
            " join organization o on o.id in (p.organization_id, p.responsible_organization_id)"
            f" where p.agreement_id = a.id and o.unit_id = {value(narrowed.locality)})"
        )
    if narrowed.folded:
        conditions.append(f"a.folded like {value(f'%{escape_like(narrowed.folded)}%')}")
    return " and ".join(conditions), values
