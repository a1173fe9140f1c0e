"""What waits in the synthetic country: submissions, urgings, requests, obstacles, signatures, and people who handle it.

One province is made a party of a great many agreements, so that thousands of steps wait for it alone.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from tests.load.dataset import HELPERS

# Agreements that the great province joins.
JOINED = 900
PEOPLE = 20

_GREAT = """
select o.id, o.name, o.unit_id, u.name as unit_name from organization o join unit u on u.id = o.unit_id
where u.level = 'province' order by o.id limit 1
"""
_STATEMENTS = (
    """
    create temporary table numbered_task as
    select t.id, t.agreement_id, row_number() over (order by t.id) as n from task t where t.status = 'in_progress'
    """,
    "create unique index on numbered_task (id)",
    "analyze numbered_task",
    f"create temporary table great as {_GREAT}",
    """
    create temporary table joined as
    select a.id, row_number() over (order by a.id) as n from agreement a
    order by a.id limit {joined}
    """,
    """
    insert into agreement_party (id, agreement_id, ordinal, organization_id, organization_name, role, required,
                                 signatory_name, signatory_title, signed_at)
    select gen_random_uuid(), j.id, 5, g.id, g.name, 'signatory', true, 'Người ký tổng hợp', 'Chủ tịch', lienvung_now()
    from joined j, great g
    """,
    """
    insert into agreement_member (agreement_id, organization_id, source_id, relation)
    select j.id, g.id, j.id, 'party' from joined j, great g
    """,
    # It leads every third task of these that is under way, and coordinates in every other third.
    """
    create temporary table given as
    select n.id, n.agreement_id, n.n % 3 as place from numbered_task n join joined j on j.id = n.agreement_id
    """,
    """
    insert into agreement_member (agreement_id, organization_id, source_id, relation)
    select x.agreement_id, g.id, x.id, case x.place when 0 then 'lead' else 'coordinating' end
    from given x, great g where x.place < 2
    """,
    """
    update task t set lead_organization_id = g.id, parties = jsonb_set(t.parties, '{{lead}}', party.of)
    from given x, great g cross join lateral (select jsonb_build_object('organization_id', g.id, 'name', g.name,
        'unit_id', g.unit_id, 'unit_name', g.unit_name, 'due_on', null, 'confirmed_at', null) as of) party
    where x.id = t.id and x.place = 0
    """,
    """
    update task t set parties = jsonb_set(t.parties, '{{coordinating,0}}', party.of)
    from given x, great g cross join lateral (select jsonb_build_object('organization_id', g.id, 'name', g.name,
        'unit_id', g.unit_id, 'unit_name', g.unit_name, 'due_on', null, 'confirmed_at', null) as of) party
    where x.id = t.id and x.place = 1
    """,
    # In every tenth one party has yet to accept its part.
    """
    update task t set parties = t.parties #- '{{coordinating,1,accepted_at}}'
    from numbered_task n where n.id = t.id and n.n % 10 = 4
    """,
    # Every twentieth waits for its coordinating parties.
    """
    update task t set status = 'submitted', percent = 100, submission = 1, submitted_at = lienvung_now(),
        parties = jsonb_set(t.parties, '{{coordinating}}', (
            select jsonb_agg(y || jsonb_build_object('respond_by', lienvung_today() + (n.n % 9)::int - 1))
            from jsonb_array_elements(t.parties->'coordinating') y))
    from numbered_task n where n.id = t.id and n.n % 20 = 0
    """,
    """
    insert into task_extension (id, task_id, agreement_id, due_on, requested_due_on, reason,
                                requested_by_organization_id, requested_by_name, requested_by, requested_at)
    select gen_random_uuid(), t.id, t.agreement_id, t.due_on, t.due_on + 30, 'Lý do tổng hợp', t.lead_organization_id,
           t.parties->'lead'->>'name', 'Người thử tải tổng hợp', lienvung_now()
    from numbered_task n join task t on t.id = n.id where n.n % 30 = 1 and t.due_on is not null
    """,
    """
    insert into task_urging (id, agreement_id, task_id, kind, message, asked_by_organization_id,
        asked_by_organization_name, asked_by, asked_at, promised_by_organization_id, organization_id,
        organization_name, answer_due_on)
    select gen_random_uuid(), t.agreement_id, t.id, case when n.n % 60 = 2 then 'urging' else 'explanation' end,
           'Đôn đốc tổng hợp', (t.parties->'coordinating'->1->>'organization_id')::uuid,
           t.parties->'coordinating'->1->>'name', 'Người thử tải tổng hợp', lienvung_now(), t.lead_organization_id,
           t.lead_organization_id, t.parties->'lead'->>'name', lienvung_today() + (n.n % 11)::int - 3
    from numbered_task n join task t on t.id = n.id where n.n % 30 = 2
    """,
    """
    insert into obstacle (id, agreement_id, task_id, origin, text, raised_by_organization_id,
        raised_by_organization_name, raised_by, respond_by, due_on, created_at, updated_at, level,
        superior_organization_id, superior_organization_name, escalated_at, escalated_by)
    select gen_random_uuid(), t.agreement_id, t.id, 'raised', 'Vướng mắc tổng hợp', t.lead_organization_id,
           t.parties->'lead'->>'name', 'Người thử tải tổng hợp', day.due, day.due, lienvung_now(), lienvung_now(),
           case when above.id is null then 'locality' else 'province' end, above.id, above.name,
           case when above.id is not null then lienvung_now() end, case when above.id is not null then 'person' end
    from numbered_task n join task t on t.id = n.id join organization l on l.id = t.lead_organization_id
    left join organization above on above.id = l.superior_organization_id and n.n % 60 = 3
    cross join lateral (select lienvung_today() + (n.n % 13)::int - 4 as due) day
    where n.n % 30 = 3
    """,
    # Of the agreements that nobody joined, a few are open for signature anew.
    """
    update agreement_party p set signed_at = null from (
        select id from agreement order by id desc limit 400) a where a.id = p.agreement_id and p.ordinal > 2
    """,
    """
    update agreement a set status = 'open_for_signature', sign_by = lienvung_today() + 5, signed_on = null,
        in_force_on = null
    from (select id from agreement order by id desc limit 400) o where o.id = a.id
    """,
    # People of the great province and of one commune; they handle two of three tasks.
    """
    insert into account (id, organization_id, username, password_hash, name, roles)
    select pg_temp.id_of('account-' || o.id, p), o.id, 'tong-hop-' || o.id || '-' || p, 'none',
           'Người xử lý tổng hợp ' || p, case p when 0 then array['leader', 'specialist'] else array['specialist'] end
    from organization o, generate_series(0, {people} - 1) p
    where o.id in (select id from great) or o.id = '{commune}'
    """,
    """
    insert into work_assignment (id, organization_id, account_id, subject_kind, subject_id, agreement_id, assigned_by,
                                 since)
    select gen_random_uuid(), k.organization_id, c.id, 'task', k.task_id, k.agreement_id, c.id, lienvung_now()
    from (select distinct w.organization_id, w.task_id, w.agreement_id,
                 abs(hashtextextended(w.task_id::text, 1)) % ({people} * 3 / 2) as n
          from open_work w where w.task_id is not null and w.organization_id in (
            select organization_id from account where username like 'tong-hop-%')) k
    join account c on c.id = pg_temp.id_of('account-' || k.organization_id, k.n)
    """,
    "drop table great",
    "vacuum (analyze)",
)


async def fill_open_work(connection: asyncpg.Connection[Any], commune: UUID) -> None:
    """Let things wait in a database that holds the synthetic country."""
    await connection.execute(HELPERS)
    for statement in _STATEMENTS:
        await connection.execute(statement.format(joined=JOINED, people=PEOPLE, commune=commune))


async def great_province(connection: asyncpg.Connection[Any]) -> asyncpg.Record:
    """The province for which the most waits."""
    found: asyncpg.Record | None = await connection.fetchrow(_GREAT)
    assert found is not None
    return found
