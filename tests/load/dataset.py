"""Synthetic records to measure with: every name says so, and none of them is a real place, body or promise."""

from dataclasses import dataclass
from hashlib import md5
from uuid import UUID

import asyncpg

from agreements_api.agreements.reading_repository import STATE as AGREEMENT_STATE
from agreements_api.tasks.reading_repository import STATE as TASK_STATE


@dataclass(frozen=True)
class Size:
    """How much there is of everything."""

    organizations: int = 50
    agreements: int = 200
    tasks: int = 20_000


PARTIES = 5
SUPERIORS = 3


def synthetic_id(kind: str, number: int) -> UUID:
    """The id that the statements below give to the record of this kind and number."""
    return UUID(md5(f"{kind}-{number}".encode(), usedforsecurity=False).hexdigest())


async def fill_agreements(owner_url: str, size: Size) -> None:
    """Organisations, agreements in force and their tasks in the database of agreements-api."""
    await _run(owner_url, HELPERS, *(statement.format(**_numbers(size)) for statement in _AGREEMENTS))


async def fill_alerts(owner_url: str, *, steps: int, organizations: int = 50) -> None:
    """Deadlines of this day in the database of the notifier, with a step of each that is due now."""
    await _run(
        owner_url, HELPERS, *(statement.format(steps=steps, organizations=organizations) for statement in _ALERTS)
    )


async def fill_report(owner_url: str, *, tasks: int) -> None:
    """One agreement of five parties with so many tasks in the projections of reporting."""
    await _run(owner_url, HELPERS, *(statement.format(tasks=tasks) for statement in _REPORT))


def _numbers(size: Size) -> dict[str, int]:
    return {
        "organizations": size.organizations,
        "agreements": size.agreements,
        "tasks": size.tasks,
        "parties": PARTIES,
        "superiors": SUPERIORS,
    }


async def _run(owner_url: str, *statements: str) -> None:
    connection = await asyncpg.connect(owner_url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


HELPERS = """
create function pg_temp.id_of(kind text, number bigint) returns uuid language sql immutable as $$
    select md5(kind || '-' || number)::uuid
$$;
create function pg_temp.party(agreement bigint, place bigint, organizations bigint) returns bigint
language sql immutable as $$ select (agreement + 7 * (place % 5)) % organizations $$;
create function pg_temp.party_json(number bigint) returns jsonb language sql immutable as $$
    select jsonb_build_object('organization_id', pg_temp.id_of('organization', number),
        'name', 'UBND địa phương thử tải ' || number, 'unit_id', pg_temp.id_of('unit', number),
        'unit_name', 'Địa phương thử tải ' || number, 'due_on', null, 'confirmed_at', null)
$$;
"""

_AGREEMENTS = (
    """
    insert into unit (id, level, code, name, type, folded, sort_key)
    select pg_temp.id_of('unit', i), 'district', 'T' || i, 'Địa phương thử tải ' || i, 'huyện',
           'dia phuong thu tai ' || i, 'dia phuong thu tai ' || i
    from generate_series(0, {organizations} + {superiors} - 1) i
    """,
    """
    insert into organization (id, unit_id, name, kind, folded, sort_key, superior_organization_id)
    select pg_temp.id_of('organization', i), pg_temp.id_of('unit', i), 'UBND địa phương thử tải ' || i,
           'peoples_committee', 'ubnd dia phuong thu tai ' || i, 'ubnd dia phuong thu tai ' || i,
           case when i < {organizations} then pg_temp.id_of('organization', {organizations} + i % {superiors}) end
    from generate_series({organizations} + {superiors} - 1, 0, -1) i
    """,
    """
    insert into agreement (id, instrument, number, title, folded, status, fields, custodian_organization_id,
        custodian_name, signing_order, frozen_text, text_digest, signed_on, in_force_on, demonstration, note,
        created_at, updated_at)
    select pg_temp.id_of('agreement', a), 'plan', a || '/KH-TT', 'Kế hoạch phối hợp thử tải số ' || a,
           'ke hoach phoi hop thu tai so ' || a, 'in_force', array['giao thông', 'du lịch'],
           pg_temp.id_of('organization', pg_temp.party(a, 0, {organizations})),
           'UBND địa phương thử tải ' || pg_temp.party(a, 0, {organizations}), 'parallel', 'Văn bản tổng hợp',
           'tổng hợp', '2024-10-18', '2024-10-18', true, 'Synthetic record, made for measuring.', lienvung_now(),
           lienvung_now()
    from generate_series(0, {agreements} - 1) a
    """,
    """
    insert into agreement_member (agreement_id, organization_id, source_id, relation)
    select pg_temp.id_of('agreement', a), pg_temp.id_of('organization', pg_temp.party(a, p, {organizations})),
           pg_temp.id_of('agreement', a), 'party'
    from generate_series(0, {agreements} - 1) a, generate_series(0, {parties} - 1) p
    union all
    select pg_temp.id_of('agreement', a), pg_temp.id_of('organization', pg_temp.party(a, 0, {organizations})),
           pg_temp.id_of('agreement', a), 'custodian'
    from generate_series(0, {agreements} - 1) a
    union all
    select pg_temp.id_of('agreement', a), pg_temp.id_of('organization', {organizations} + s),
           pg_temp.id_of('agreement', a), 'superior'
    from generate_series(0, {agreements} - 1) a, generate_series(0, {superiors} - 1) s
    """,
    """
    insert into task (id, agreement_id, title, folded, description, deliverable, field, status, due_on,
        original_due_on, percent, lead_organization_id, parties, demonstration, note, created_at, updated_at,
        submitted_at, completed_at)
    select pg_temp.id_of('task', t), pg_temp.id_of('agreement', t % {agreements}),
           'Nhiệm vụ thử tải ' || t || ': rà soát tuyến đường kết nối giữa các địa phương',
           'nhiem vu thu tai ' || t || ': ra soat tuyen duong ket noi giua cac dia phuong',
           'Bản ghi tổng hợp để đo tải, không phải nhiệm vụ thật. ' || repeat('Nội dung thử. ', 8),
           'Báo cáo thử tải', 'giao thông', kind.status, kind.due_on, kind.due_on, kind.percent,
           pg_temp.id_of('organization', pg_temp.party(t % {agreements}, place, {organizations})),
           jsonb_build_object(
               'lead', pg_temp.party_json(pg_temp.party(t % {agreements}, place, {organizations})),
               'coordinating', jsonb_build_array(
                   pg_temp.party_json(pg_temp.party(t % {agreements}, place + 1, {organizations})),
                   pg_temp.party_json(pg_temp.party(t % {agreements}, place + 2, {organizations}))),
               'monitoring', case when t % 3 = 0 then jsonb_build_array(
                   pg_temp.party_json(pg_temp.party(t % {agreements}, place + 3, {organizations})))
                   else '[]'::jsonb end),
           true, 'Synthetic record, made for measuring.', lienvung_now(), lienvung_now(),
           case when kind.status in ('submitted', 'completed') then lienvung_now() end,
           case when kind.status = 'completed' then lienvung_now() end
    from generate_series(0::bigint, {tasks} - 1) t
    cross join lateral (select t / {agreements} as place) at
    cross join lateral (
        select (array['in_progress', 'in_progress', 'in_progress', 'not_started', 'completed', 'submitted'])[
                   1 + t / {agreements} / {parties} % 6] as status,
               -- By digest: a date that went by the number would put one agreement's tasks side by side.
               case when t % 11 > 0 then lienvung_today() - 60 + abs(hashint8(t)) % 400 end as due_on,
               (t * 31) % 100 as percent
    ) kind
    """,
    """
    insert into agreement_member (agreement_id, organization_id, source_id, relation)
    select t.agreement_id, (party.value->>'organization_id')::uuid, t.id, party.relation
    from task t
    cross join lateral (
        select t.parties->'lead' as value, 'lead' as relation
        union all select value, 'coordinating' from jsonb_array_elements(t.parties->'coordinating')
        union all select value, 'monitor' from jsonb_array_elements(t.parties->'monitoring')
    ) party
    """,
    # A record has history from its first version on: the database refuses the second without it.
    f"""
    insert into history (id, subject_id, agreement_id, subject_kind, version, action, actor_id, actor_kind, actor_name,
                         changes, occurred_at, state)
    select gen_random_uuid(), a.id, a.id, 'agreement', 1, 'draft', pg_temp.id_of('account', 0), 'user',
           'Người thử tải', '[]'::jsonb, a.updated_at, {AGREEMENT_STATE}
    from agreement a
    union all
    select gen_random_uuid(), t.id, t.agreement_id, 'task', 1, 'assign', pg_temp.id_of('account', 0), 'user',
           'Người thử tải', '[]'::jsonb, t.updated_at, {TASK_STATE}
    from task t join agreement a on a.id = t.agreement_id
    """,
    "vacuum (analyze)",
)

_ALERTS = (
    """
    insert into organization (id, version, name)
    select pg_temp.id_of('organization', i), 1, 'UBND địa phương thử tải ' || i
    from generate_series(0, {organizations} - 1) i
    """,
    """
    insert into person (organization_id, account_id, name, email, roles, language, active)
    select pg_temp.id_of('organization', i), pg_temp.id_of('account', i * 10 + p), 'Người thử tải ' || i || '.' || p,
           'thu-tai-' || i || '-' || p || '@lienvung.example',
           array[case when p = 0 then 'leader' else 'specialist' end], 'vi', true
    from generate_series(0, {organizations} - 1) i, generate_series(0, 2) p
    """,
    """
    insert into task (id, version, agreement_id, agreement_title, title, status, lead_name, members, demonstration)
    select pg_temp.id_of('task', t), 1, pg_temp.id_of('agreement', t % 200),
           'Kế hoạch phối hợp thử tải số ' || t % 200, 'Nhiệm vụ thử tải ' || t, 'in_progress',
           'UBND địa phương thử tải ' || t % {organizations},
           array[pg_temp.id_of('organization', t % {organizations}),
                 pg_temp.id_of('organization', (t + 7) % {organizations})], true
    from generate_series(0, {steps} - 1) t
    """,
    """
    insert into deadline (task_id, organization_id, role, due_on, revision, is_open, since, task_version)
    select pg_temp.id_of('task', t), pg_temp.id_of('organization', t % {organizations}), 'lead', lienvung_today(), 1,
           true, lienvung_now() - interval '30 days', 1
    from generate_series(0, {steps} - 1) t
    """,
    """
    insert into alert_step (id, task_id, organization_id, revision, policy, step, kind, audience, fire_at, ready_at)
    select pg_temp.id_of('step', t), pg_temp.id_of('task', t), pg_temp.id_of('organization', t % {organizations}), 1,
           'default', 'due', 'due', 'party', lienvung_now(), lienvung_now()
    from generate_series(0, {steps} - 1) t
    """,
    # Planned for the next days already, so that what is measured is the dispatch alone.
    "update alert_plan set planned_until = lienvung_now() + interval '2 days', reconciled_at = lienvung_now()",
    "vacuum (analyze)",
)

_REPORT = (
    """
    insert into organization (id, version, name, kind, unit_id, unit_code, unit_name, unit_level, province_id,
                              province_name)
    select pg_temp.id_of('organization', i), 1, 'UBND địa phương thử tải ' || i, 'peoples_committee',
           pg_temp.id_of('unit', i), 'T' || i, 'Địa phương thử tải ' || i, 'district', pg_temp.id_of('unit', 99),
           'Tỉnh thử tải'
    from generate_series(0, 4) i
    """,
    """
    insert into agreement (id, version, instrument, number, title, status, fields, custodian_organization_id,
                           in_force_on, signed_on, demonstration)
    values (pg_temp.id_of('agreement', 0), 1, 'plan', '0/KH-TT', 'Kế hoạch phối hợp thử tải số 0', 'in_force',
            array['giao thông', 'du lịch'], pg_temp.id_of('organization', 0), '2024-10-18', '2024-10-18', true)
    """,
    """
    insert into party (id, agreement_id, organization_id, organization_name, required, signed_at)
    select pg_temp.id_of('party', i), pg_temp.id_of('agreement', 0), pg_temp.id_of('organization', i),
           'UBND địa phương thử tải ' || i, true, '2024-10-18'
    from generate_series(0, 4) i
    """,
    """
    insert into clause (id, agreement_id, ordinal, heading, text, field)
    select pg_temp.id_of('clause', i), pg_temp.id_of('agreement', 0), i, 'Điều ' || i, 'Nội dung thử tải.',
           (array['giao thông', 'du lịch', 'an ninh'])[1 + i % 3]
    from generate_series(1, 6) i
    """,
    """
    insert into agreement_member (agreement_id, source_id, organization_id)
    select pg_temp.id_of('agreement', 0), pg_temp.id_of('agreement', 0), pg_temp.id_of('organization', i)
    from generate_series(0, 4) i
    """,
    """
    insert into task_version (task_id, version, valid_from, agreement_id, clause_id, title, deliverable, field,
        status, due_on, original_due_on, percent, completed_at, submitted_at, demonstration, lead_organization_id,
        lead_name, lead_unit_id, lead_unit_name, coordinating, monitoring, last_report, created_at)
    select pg_temp.id_of('task', t), 2, '2024-11-01', pg_temp.id_of('agreement', 0),
           pg_temp.id_of('clause', 1 + t % 6),
           'Nhiệm vụ thử tải ' || t || ': rà soát tuyến đường kết nối giữa các địa phương', 'Báo cáo thử tải',
           (array['giao thông', 'du lịch', 'an ninh'])[1 + t % 3], kind.status, date '2025-01-01' + t % 500,
           date '2025-01-01' + t % 500, (t * 31) % 100,
           case when kind.status = 'completed' then timestamptz '2025-03-01' + t % 300 * interval '1 day' end,
           case when kind.status = 'completed' then timestamptz '2025-03-01' + t % 300 * interval '1 day' end,
           true, pg_temp.id_of('organization', t % 5), 'UBND địa phương thử tải ' || t % 5,
           pg_temp.id_of('unit', t % 5), 'Địa phương thử tải ' || t % 5,
           jsonb_build_array(pg_temp.party_json((t + 1) % 5), pg_temp.party_json((t + 2) % 5)), '[]',
           jsonb_build_object('percent', (t * 31) % 100, 'narrative', 'Đã làm một phần việc thử tải.',
                              'difficulties', 'Chưa có khó khăn thật nào.', 'reported_at', '2025-02-01T00:00:00Z'),
           '2024-11-01'
    from generate_series(0, {tasks} - 1) t
    cross join lateral (
        select (array['in_progress', 'completed', 'not_started', 'submitted'])[1 + t % 4] as status
    ) kind
    """,
    "update projection_state set complete_until = 'infinity'",
    "vacuum (analyze)",
)
