"""The reform of 2025 carried out on synthetic agreements of its districts: every edge, every place taken."""

import asyncio
from time import perf_counter

import asyncpg

from agreements_api.agreements.reading_repository import STATE as AGREEMENT_STATE
from agreements_api.config import Settings
from agreements_api.localities.loader import load_units
from agreements_api.party_succession.runs import Progress, apply_all
from agreements_api.tasks.reading_repository import STATE as TASK_STATE
from lienvung.postgres import DatabaseAddress
from shared.db import Database
from shared.settings import Environment
from tests.load.stack import Bench
from tests.load.table import Row

AGREEMENTS, TASKS_OF_EACH = 5_000, 10
WITHIN = 60.0
BATCH = 50

# Each agreement is of three neighbouring districts: their party committees sign, their people's committees do the work.
_FILL = (
    """
    create temp table place as
    select u.id, u.name, u.level, u.valid_to, row_number() over (partition by u.level order by u.code) - 1 as number,
        p.parent_id, md5('sc-' || u.id)::uuid as committee, md5('pc-' || u.id)::uuid as people
    from unit u left join unit_parent p on p.unit_id = u.id and p.valid_to = '2025-06-30'
    where u.valid_to = '2025-06-30' and u.level in ('province', 'district')
    """,
    """
    insert into organization (id, unit_id, name, kind, folded, sort_key, superior_organization_id, created_at,
        updated_at)
    select k.id, u.id, k.name || u.name || ' (tổng hợp)', k.kind, lower(u.name), u.name,
        case when u.level = 'district' then md5('sc-' || u.parent_id)::uuid end, now(), now()
    from place u cross join lateral (values
        (u.committee, 'standing_committee', 'Ban Thường vụ cấp ủy '), (u.people, 'peoples_committee', 'UBND ')
    ) k(id, kind, name)
    order by u.level desc
    """,
    """
    create temp table synthetic as
    select md5('succession-agreement-' || a)::uuid as id, a as number, array_agg(p.committee order by s) as committees,
        array_agg(p.people order by s) as peoples, array_agg(p.id order by s) as units,
        array_agg(p.name order by s) as names, array_agg(distinct p.parent_id) as provinces
    from generate_series(0, {agreements} - 1) a cross join generate_series(0, 2) s
    join place p on p.level = 'district'
        and p.number = (a * 7 + s) % (select count(*) from place where level = 'district')
    group by a
    """,
    """
    insert into agreement (id, instrument, number, title, folded, status, fields, custodian_organization_id,
        custodian_name, signing_order, frozen_text, text_digest, opened_at, signed_on, in_force_on, demonstration,
        note, created_at, updated_at)
    select id, 'plan', number || '/KH-TH', 'Bản ghi tổng hợp số ' || number, 'ban ghi tong hop', 'in_force',
        array['giao thông'], committees[1], 'Ban Thường vụ cấp ủy ' || names[1], 'parallel', 'Văn bản tổng hợp',
        encode(sha256('Văn bản tổng hợp'), 'hex'), '2024-10-18', '2024-10-18', '2024-10-18', true,
        'Synthetic record, made for measuring.', '2024-10-18', '2024-10-18'
    from synthetic
    """,
    """
    insert into agreement_party (id, agreement_id, ordinal, organization_id, organization_name, role, required,
        signed_at)
    select gen_random_uuid(), s.id, n, committees[n], 'Ban Thường vụ cấp ủy ' || names[n], 'signatory', true,
        '2024-10-18'
    from synthetic s, generate_series(1, 3) n
    """,
    "alter table agreement_clause disable trigger user",
    """
    insert into agreement_clause (id, agreement_id, ordinal, text)
    select gen_random_uuid(), s.id, n, 'Điều khoản tổng hợp, không phải cam kết thật.'
    from synthetic s, generate_series(1, 4) n
    """,
    "alter table agreement_clause enable trigger user",
    """
    insert into task (id, agreement_id, title, folded, status, due_on, original_due_on, lead_organization_id, parties,
        demonstration, note, created_at, updated_at)
    select md5('succession-task-' || s.number || '-' || t)::uuid, s.id, 'Nhiệm vụ tổng hợp ' || t, 'nhiem vu tong hop',
        'in_progress', date '2026-12-01' + t, date '2026-12-01' + t, s.peoples[1],
        jsonb_build_object('lead', p.parties->0, 'coordinating', jsonb_build_array(p.parties->1, p.parties->2),
            'monitoring', '[]'::jsonb), true, 'Synthetic record, made for measuring.', '2024-10-20', '2024-10-20'
    from synthetic s cross join generate_series(1, {tasks}) t cross join lateral (
        select jsonb_agg(jsonb_build_object('organization_id', s.peoples[n], 'name', 'UBND ' || s.names[n],
            'unit_id', s.units[n], 'unit_name', s.names[n], 'due_on', null, 'confirmed_at', null) order by n) as parties
        from generate_series(1, 3) n) p
    """,
    """
    insert into agreement_member (agreement_id, organization_id, source_id, relation)
    select id, committees[n], id, 'party' from synthetic, generate_series(1, 3) n
    union all select id, committees[1], id, 'custodian' from synthetic
    union all select id, md5('sc-' || p)::uuid, id, 'superior' from synthetic, unnest(provinces) p
    union all
    select s.id, s.peoples[n], t.id, case n when 1 then 'lead' else 'coordinating' end
    from synthetic s join task t on t.agreement_id = s.id, generate_series(1, 3) n
    union all
    select s.id, md5('sc-' || p)::uuid, t.id, 'superior'
    from synthetic s join task t on t.agreement_id = s.id, unnest(s.provinces) p
    """,
    """
    insert into history (id, subject_id, agreement_id, subject_kind, version, action, actor_id, actor_kind, actor_name,
        changes, occurred_at, state)
    select gen_random_uuid(), a.id, a.id, 'agreement', 1, 'draft', gen_random_uuid(), 'user', 'Tổng hợp', '[]',
        a.updated_at, <agreement state> from agreement a
    """,
    """
    insert into history (id, subject_id, agreement_id, subject_kind, version, action, actor_id, actor_kind, actor_name,
        changes, occurred_at, state)
    select gen_random_uuid(), t.id, a.id, 'task', 1, 'assign', gen_random_uuid(), 'user', 'Tổng hợp', '[]',
        t.updated_at, <task state> from task t join agreement a on a.id = t.agreement_id
    """,
    "analyze",
)


async def measure(bench: Bench) -> list[Row]:
    """One row: how long it takes until somebody else answers for everything that the reform's districts promised."""
    database = await asyncio.to_thread(bench.parts.create, "agreements", "bench_successions")
    await fill(database)
    seconds, progress = await carry_out(database)
    assert (progress.repointed, progress.tasks) == (AGREEMENTS, AGREEMENTS * TASKS_OF_EACH)
    return [
        Row(
            f"successions of 2025 on {AGREEMENTS:,} agreements with {TASKS_OF_EACH} open tasks each",
            f"{seconds:.1f} s",
            f"{progress.founded:,} organisations founded, {progress.decisions:,} decisions asked for",
            f"{progress.tasks / seconds:,.0f} tasks/s",
            f"≤ {WITHIN:.0f} s",
            seconds <= WITHIN,
        )
    ]


async def fill(database: DatabaseAddress, *, agreements: int = AGREEMENTS, tasks: int = TASKS_OF_EACH) -> None:
    """Units of both eras with every edge, organisations of the districts of 2024, and what these have promised."""
    opened = Database(_settings(database))
    await opened.start()
    try:
        await load_units(opened)
    finally:
        await opened.stop()
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute("set synchronous_commit = off; set timezone = 'UTC'")
        for statement in _FILL:
            numbered = statement.replace("{agreements}", str(agreements)).replace("{tasks}", str(tasks))
            # Not by format: these are statements of the product, with braces of their own.
            states = numbered.replace("<agreement state>", AGREEMENT_STATE).replace("<task state>", TASK_STATE)
            await connection.execute(states)
    finally:
        await connection.close()


async def carry_out(database: DatabaseAddress) -> tuple[float, Progress]:
    """What `agreements-api successions apply` does, and how long it takes."""
    opened = Database(_settings(database))
    await opened.start()
    try:
        started = perf_counter()
        _, progress = await apply_all(opened, batch=BATCH, limit=None, stop=asyncio.Event())
        return perf_counter() - started, progress
    finally:
        await opened.stop()


def _settings(database: DatabaseAddress) -> Settings:
    return Settings(database_url=database.url, environment=Environment.TEST)
