"""All SQL of the projections. An event, or a batch of them, is one statement: what it ends and what it adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.db import driver_connection

# In an order in which no reader ever sees a task without the members that may see it.
PROJECTIONS = ("task_version", "clause", "party", "agreement", "agreement_member", "organization")

# The inbox drops old versions; the statements do so again, because a replay after the loss of the inbox's tables must
# not rewrite what is known.
_ORGANIZATION = """
insert into organization as known
select * from jsonb_populate_record(null::organization, $1::text::jsonb)
on conflict (id) do update set
    version = excluded.version, name = excluded.name, short_name = excluded.short_name, kind = excluded.kind,
    unit_id = excluded.unit_id, unit_code = excluded.unit_code, unit_name = excluded.unit_name,
    unit_level = excluded.unit_level, province_id = excluded.province_id, province_name = excluded.province_name,
    superior_organization_id = excluded.superior_organization_id
where known.version < excluded.version
"""

_AGREEMENT = """
with fresh as (
    insert into agreement as known
    select * from jsonb_populate_record(null::agreement, $1::text::jsonb)
    on conflict (id) do update set
        version = excluded.version, instrument = excluded.instrument, number = excluded.number,
        title = excluded.title, status = excluded.status, parent = excluded.parent, fields = excluded.fields,
        custodian_organization_id = excluded.custodian_organization_id, term_from = excluded.term_from,
        term_to = excluded.term_to, in_force_on = excluded.in_force_on, signed_on = excluded.signed_on,
        demonstration = excluded.demonstration, source_url = excluded.source_url
    where known.version < excluded.version
    returning id
),
party_new as (
    select p.* from fresh, jsonb_populate_recordset(null::party, $2::text::jsonb) p
),
party_gone as (
    delete from party p using fresh
    where p.agreement_id = fresh.id and p.id not in (select id from party_new)
),
party_kept as (
    insert into party select * from party_new
    on conflict (id) do update set
        organization_id = excluded.organization_id, organization_name = excluded.organization_name,
        signatory_name = excluded.signatory_name, signatory_title = excluded.signatory_title,
        required = excluded.required, signed_at = excluded.signed_at
),
clause_new as (
    select c.* from fresh, jsonb_populate_recordset(null::clause, $3::text::jsonb) c
),
clause_gone as (
    delete from clause c using fresh
    where c.agreement_id = fresh.id and c.id not in (select id from clause_new)
),
clause_kept as (
    insert into clause select * from clause_new
    on conflict (id) do update set
        ordinal = excluded.ordinal, heading = excluded.heading, text = excluded.text, field = excluded.field
),
member_gone as (
    delete from agreement_member m using fresh
    where m.agreement_id = fresh.id and m.source_id = fresh.id and m.organization_id <> all ($4::uuid[])
)
insert into agreement_member (agreement_id, source_id, organization_id)
select fresh.id, fresh.id, organization_id from fresh, unnest($4::uuid[]) as organization_id
on conflict do nothing
"""

# All versions of a batch at once. A version ends at the instant at which the next begins, and never before it began:
# the clocks of two machines may disagree by milliseconds.
_TASKS = """
with new as (
    select distinct on (task_id, version) *
    from jsonb_populate_recordset(null::task_version, $1::text::jsonb)
    order by task_id, version
),
current as (
    select t.task_id, t.version, t.valid_from from task_version t
    where t.valid_to = 'infinity' and t.task_id = any (array(select task_id from new))
),
fresh as (
    select n::task_version as kept, n.task_id, n.agreement_id, n.version,
           greatest(max(n.valid_from) over history, c.valid_from) as begins
    from new n left join current c using (task_id)
    where n.version > coalesce(c.version, 0)
    window history as (partition by n.task_id order by n.version)
),
spans as (
    select f.*, row_number() over history = 1 as first,
           coalesce(lead(f.begins) over history, 'infinity') as ends
    from fresh f
    window history as (partition by f.task_id order by f.version)
),
closed as (
    update task_version t set valid_to = s.begins from spans s
    where s.first and t.task_id = s.task_id and t.valid_to = 'infinity'
    returning t.task_id
),
added as (
    insert into task_version
    select r.* from spans s,
        jsonb_populate_record(s.kept, jsonb_build_object('valid_from', s.begins, 'valid_to', s.ends)) r
    -- Always true, and only known once every version that was current is closed: one is current at any time.
    where (select count(*) from closed) >= 0
),
member as (
    select s.agreement_id, s.task_id, m.organization_id
    from spans s join unnest($2::uuid[], $3::uuid[]) as m (task_id, organization_id) using (task_id)
    where s.ends = 'infinity'
),
member_gone as (
    delete from agreement_member m using spans s
    where s.ends = 'infinity' and m.agreement_id = s.agreement_id and m.source_id = s.task_id
      and (m.source_id, m.organization_id) not in (select task_id, organization_id from member)
)
insert into agreement_member (agreement_id, source_id, organization_id)
select agreement_id, task_id, organization_id from member
-- In one order everywhere, so that two batches cannot wait for each other in a circle.
order by 1, 2, 3
on conflict do nothing
"""

_COMPLETE = """
update projection_state set complete_until = greatest(complete_until, $1) where id = 1 and rebuilds = $2
"""


async def put_organization(session: AsyncSession, organization: Mapping[str, Any]) -> None:
    """Keep the organization's state, if it is newer than the known one."""
    connection = await driver_connection(session)
    await connection.execute(_ORGANIZATION, _json(organization))


async def put_agreement(
    session: AsyncSession,
    agreement: Mapping[str, Any],
    *,
    parties: Sequence[Mapping[str, Any]],
    clauses: Sequence[Mapping[str, Any]],
    members: Sequence[UUID],
) -> None:
    """Keep the agreement's state with exactly these parties, clauses and members, if it is newer."""
    connection = await driver_connection(session)
    await connection.execute(_AGREEMENT, _json(agreement), _json(parties), _json(clauses), sorted(set(members)))


async def add_task_versions(
    session: AsyncSession, versions: Sequence[Mapping[str, Any]], members: Mapping[UUID, Sequence[UUID]]
) -> None:
    """End the current version of each task and begin those that are newer; its members are exactly these."""
    connection = await driver_connection(session)
    pairs = [(task_id, member) for task_id, ids in members.items() for member in ids]
    await connection.execute(
        _TASKS, _json(versions), [task_id for task_id, _ in pairs], [member for _, member in pairs]
    )


async def clear(session: AsyncSession) -> None:
    """Forget every projection, and that they were ever complete."""
    connection = await session.connection()
    await connection.execute(
        text("update projection_state set rebuilds = rebuilds + 1, complete_until = '-infinity' where id = 1")
    )
    for table in PROJECTIONS:
        await connection.execute(text(f"delete from {table}"))  # noqa: S608 - a name of this module


async def size(session: AsyncSession) -> dict[str, int]:
    """Rows of each projection, for the operator who rebuilt them."""
    connection = await session.connection()
    counts: dict[str, int] = {}
    for table in PROJECTIONS:
        statement = text(f"select count(*) from {table}")  # noqa: S608 - a name of this module
        counts[table] = int((await connection.execute(statement)).scalar_one())
    return counts


async def moment(session: AsyncSession) -> datetime:
    """The product's time, by the database's clock."""
    connection = await session.connection()
    value: datetime = (await connection.execute(text("select lienvung_now()"))).scalar_one()
    return value


async def rebuilds(connection: asyncpg.Connection[Any]) -> tuple[int, datetime]:
    """How often the projections were made again, and the machine's time of now."""
    row = await connection.fetchrow("select rebuilds, clock_timestamp() as now from projection_state where id = 1")
    assert row is not None
    return row["rebuilds"], row["now"]


async def completed(connection: asyncpg.Connection[Any], until: datetime, rebuilds: int) -> None:
    """Everything that had been sent until then is applied, unless the projections were cleared meanwhile."""
    await connection.execute(_COMPLETE, until, rebuilds)


async def is_being_rebuilt(session: AsyncSession) -> bool:
    """Whether the projections have never been complete since they were cleared."""
    connection = await session.connection()
    statement = text("select complete_until = '-infinity' from projection_state where id = 1")
    return bool((await connection.execute(statement)).scalar_one())


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
