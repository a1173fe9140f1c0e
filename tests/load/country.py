"""The whole country as synthetic records: real units of 2025, and nothing else that is real.

Every organisation, agreement, task and person says in its name that it is made to measure with. Run by itself
(`python -m tests.load.country OWNER_URL`) it fills a migrated database that holds the units and nothing else.
"""

import asyncio
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import asyncpg

from agreements_api.agreements.reading_repository import STATE as AGREEMENT_STATE
from agreements_api.tasks.reading_repository import STATE as TASK_STATE
from tests.load.dataset import HELPERS

WORKERS = 2
TASKS_OF_EACH = 20
_SETTINGS = "set synchronous_commit = off; set work_mem = '128MB'; set maintenance_work_mem = '512MB'"


@dataclass(frozen=True)
class Scale:
    """So many provinces with all their communes, and so many agreements of 20 tasks and about 100 history rows each."""

    provinces: int
    agreements: int

    @property
    def tasks(self) -> int:
        return self.agreements * TASKS_OF_EACH


COUNTRY = Scale(provinces=34, agreements=20_000)
# One province with as much for each of its communes as in the whole country.
PROVINCE = Scale(provinces=1, agreements=600)


async def fill(owner_url: str, scale: Scale, *, history: bool = True) -> float:
    """Fill a database that has the units; gives the seconds it took, most of which are those of the history."""
    begun = perf_counter()
    searched = await _drop_searched(owner_url)
    numbers = {"provinces": scale.provinces, "agreements": scale.agreements, "tasks_of_each": TASKS_OF_EACH}
    await _run(owner_url, [*_TABLES, *_HELPERS, *(statement.format(**numbers) for statement in _BEFORE)])
    for step in (*_IN_SHARES, _WAITING, *(_HISTORY if history else ())):
        bounds = [scale.agreements * share // WORKERS for share in range(WORKERS + 1)]
        shares = itertools.pairwise(bounds)
        await asyncio.gather(
            *(
                _run(owner_url, [*_HELPERS, _stated(step.format(first=first, last=last - 1, **numbers))])
                for first, last in shares
            )
        )
    await _run(owner_url, _AFTER)
    await _each(owner_url, searched)
    await _each(owner_url, await _vacuums(owner_url))
    return perf_counter() - begun


async def _drop_searched(owner_url: str) -> list[str]:
    """Take away what is searched by words, which is made from all rows in a fraction of the time; gives how to."""
    connection = await asyncpg.connect(owner_url)
    try:
        found = await connection.fetch(
            "select indexname, indexdef from pg_indexes where schemaname = 'public' and indexdef like '% USING gin %'"
            " and tablename in ('task', 'agreement', 'publication') order by tablename = 'task' desc"
        )
        for row in found:
            await connection.execute(f"drop index {row['indexname']}")
    finally:
        await connection.close()
    return [row["indexdef"] for row in found]


async def _vacuums(owner_url: str) -> list[str]:
    """The largest tables first, so that the last one to end is a small one."""
    connection = await asyncpg.connect(owner_url)
    try:
        found = await connection.fetch(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
            " order by pg_total_relation_size(oid) desc"
        )
    finally:
        await connection.close()
    return [f"vacuum (analyze) {row['relname']}" for row in found]


async def _each(owner_url: str, statements: Sequence[str]) -> None:
    """Each on its own, as many at once as there are workers."""
    waiting = iter(statements)

    async def work() -> None:
        for statement in waiting:
            await _run(owner_url, [statement])

    await asyncio.gather(*(work() for _ in range(WORKERS)))


def _stated(statement: str) -> str:
    # Not by format: these are statements of the product, with braces of their own.
    return statement.replace("<agreement state>", AGREEMENT_STATE).replace("<task state>", TASK_STATE)


async def _run(owner_url: str, statements: Sequence[str]) -> None:
    connection = await asyncpg.connect(owner_url)
    try:
        # Nobody waits for one row of these: what matters is that the whole is there at the end.
        await connection.execute(_SETTINGS)
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


_TABLES = (
    """
    create unlogged table synthetic_organization (
        number int primary key, id uuid unique, name text, unit_id uuid, unit_name text, province int, party jsonb
    )
    """,
    """
    create unlogged table synthetic_party (
        agreement int, place int, id uuid, organization uuid, province int, primary key (agreement, place)
    )
    """,
)
# Communes are numbered along their provinces, so that the next numbers are neighbours of a sort; every eighth agreement
# also has a party far away.
_HELPERS = (
    HELPERS,
    """
create function pg_temp.commune_of(agreement bigint, place bigint, communes bigint) returns bigint
language sql immutable as $$
    select case when place = 3 and agreement % 8 = 0 then (agreement * 7919 + communes / 2) % communes
                else (agreement * 7919 + place) % communes end
$$;
-- Ids of history grow with time, as those of the product do.
create function pg_temp.next_id() returns uuid language sql volatile as $$
    select encode(substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        || substring(uuid_send(gen_random_uuid()) from 7), 'hex')::uuid
$$;
""",
)

# Whose rows make those of worklists.
_WAITED_FOR = ("task", "agreement_party", "agreement_member")
_BEFORE = (
    """
    insert into synthetic_organization (number, id, name, unit_id, unit_name, province)
    select -rank, pg_temp.id_of('province', rank), 'UBND ' || type || ' ' || name || ' (tổng hợp)', id, name, -rank
    from (select u.*, row_number() over (order by code) as rank from unit u
          where level = 'province' and valid_to is null) p
    where rank <= {provinces}
    """,
    """
    insert into synthetic_organization (number, id, name, unit_id, unit_name, province)
    select row_number() over (order by o.number desc, u.code) - 1, pg_temp.id_of('commune', u.code::int),
           'UBND ' || u.type || ' ' || u.name || ' (tổng hợp)', u.id, u.name, o.number
    from unit u
    join unit_parent p on p.unit_id = u.id and p.valid_to is null
    join synthetic_organization o on o.unit_id = p.parent_id
    where u.level = 'commune' and u.valid_to is null
    """,
    """
    update synthetic_organization set party = jsonb_build_object('organization_id', id, 'name', name,
        'unit_id', unit_id, 'unit_name', unit_name, 'due_on', null, 'confirmed_at', null,
        'accepted_at', '2025-07-02T00:00:00+00:00')
    """,
    "analyze synthetic_organization",
    """
    insert into organization (id, unit_id, name, kind, folded, sort_key, superior_organization_id)
    select o.id, o.unit_id, o.name, 'peoples_committee', u.folded || ' tong hop', u.sort_key,
           case when o.number >= 0 then pg_temp.id_of('province', -o.province) end
    from synthetic_organization o join unit u on u.id = o.unit_id
    order by o.number
    """,
    # The parties of each agreement, once for all that follows.
    """
    insert into synthetic_party (agreement, place, id, organization, province)
    select a, place, pg_temp.id_of('agreement', a), o.id, o.province
    from generate_series(0, {agreements} - 1) a
    cross join generate_series(0, 3) place
    join synthetic_organization o
      on o.number = pg_temp.commune_of(a, place, (select count(*) from synthetic_organization where number >= 0))
    """,
    "analyze synthetic_party",
    "alter table agreement_clause disable trigger user",
    # What waits follows from the whole, once it is there.
    *(f"alter table {table} disable trigger open_work_insert" for table in _WAITED_FOR),
)

_IN_SHARES = (
    """
    insert into agreement (id, version, instrument, number, title, folded, status, fields, custodian_organization_id,
        custodian_name, signing_order, frozen_text, text_digest, opened_at, signed_on, in_force_on, term_from, term_to,
        demonstration, note, created_at, updated_at)
    select p.id, 3, (array['plan', 'programme', 'regulation', 'memorandum'])[1 + a % 4], a || '/KH-TH',
           'Bản ghi tổng hợp số ' || a || ': phối hợp giữa các địa phương', 'ban ghi tong hop so ' || a
           || ': phoi hop giua cac dia phuong ' || a || '/kh-th', 'in_force',
           array[(array['giao thông', 'du lịch', 'an ninh', 'thương mại', 'môi trường'])[1 + a % 5]],
           p.organization, o.name, 'parallel', 'Văn bản tổng hợp', encode(sha256('Văn bản tổng hợp'), 'hex'),
           m.at, m.at::date, m.at::date, m.at::date, (m.at + interval '5 years')::date, true,
           'Synthetic record, made for measuring.', m.at - interval '20 days', m.at
    from generate_series({first}, {last}) a
    join synthetic_party p on p.agreement = a and p.place = 0
    join synthetic_organization o on o.id = p.organization
    cross join lateral (select timestamptz '2025-07-02' + abs(hashint8(a)) % 400 * interval '1 day' as at) m
    """,
    """
    insert into agreement_party (id, agreement_id, ordinal, organization_id, organization_name, role, required,
                                 signatory_name, signatory_title, signed_at)
    select pg_temp.id_of('party', p.agreement * 4 + p.place), p.id, p.place + 1, o.id, o.name, 'signatory', true,
           'Người ký tổng hợp', 'Chủ tịch', a.opened_at
    from synthetic_party p
    join synthetic_organization o on o.id = p.organization
    join agreement a on a.id = p.id
    where p.agreement between {first} and {last}
    """,
    """
    insert into agreement_clause (id, agreement_id, ordinal, heading, text, field)
    select pg_temp.id_of('clause', p.agreement * 4 + c), p.id, c + 1, 'Nội dung tổng hợp ' || c + 1,
           'Điều khoản tổng hợp, không phải cam kết thật.', 'giao thông'
    from synthetic_party p cross join generate_series(0, 3) c
    where p.place = 0 and p.agreement between {first} and {last}
    """,
    """
    insert into agreement_member (agreement_id, organization_id, source_id, relation)
    select id, organization, id, 'party' from synthetic_party where agreement between {first} and {last}
    union all
    select id, organization, id, 'custodian' from synthetic_party
    where place = 0 and agreement between {first} and {last}
    union all
    select distinct id, pg_temp.id_of('province', -province), id, 'superior'
    from synthetic_party where agreement between {first} and {last}
    """,
    """
    insert into task (id, version, agreement_id, clause_id, title, folded, description, deliverable, field, status,
        due_on, original_due_on, percent, lead_organization_id, parties, last_report, demonstration, note, created_at,
        updated_at, submission, submitted_at, completed_at)
    select pg_temp.id_of('task', t), case when t % 20 < 17 then 5 else 4 end, a.id,
           pg_temp.id_of('clause', n * 4 + t % 4),
           'Nhiệm vụ tổng hợp ' || t || ': rà soát tuyến đường kết nối',
           'nhiem vu tong hop ' || t || ': ra soat tuyen duong ket noi',
           'Bản ghi tổng hợp để đo tải, không phải nhiệm vụ thật.', 'Báo cáo tổng hợp',
           (array['giao thông', 'du lịch', 'an ninh', 'thương mại', 'môi trường'])[1 + t % 5],
           kind.status, kind.due_on, kind.due_on, kind.percent, lead.id,
           jsonb_build_object('lead', lead.party,
               'coordinating', jsonb_build_array(first_other.party, second_other.party),
               'monitoring', '[]'::jsonb),
           jsonb_build_object('period_start', '2026-06-15', 'period_end', '2026-09-14', 'percent', kind.percent,
               'narrative', 'Đã làm một phần việc tổng hợp.', 'difficulties', null,
               'reported_at', a.updated_at + interval '60 days'),
           true, 'Synthetic record, made for measuring.', a.updated_at + interval '1 day',
           a.updated_at + interval '90 days' + t % 1000 * interval '1 minute',
           case when kind.status = 'completed' then 1 else 0 end,
           case when kind.status = 'completed' then a.updated_at + interval '80 days' end,
           case when kind.status = 'completed' then a.updated_at + interval '90 days' end
    from generate_series({first}, {last}) n
    cross join generate_series(0, {tasks_of_each} - 1) k
    cross join lateral (select n::bigint * {tasks_of_each} + k as t) numbered
    join agreement a on a.id = pg_temp.id_of('agreement', n)
    join synthetic_party lp on lp.agreement = n and lp.place = k % 4
    join synthetic_organization lead on lead.id = lp.organization
    join synthetic_party fp on fp.agreement = n and fp.place = (k + 1) % 4
    join synthetic_organization first_other on first_other.id = fp.organization
    join synthetic_party sp on sp.agreement = n and sp.place = (k + 2) % 4
    join synthetic_organization second_other on second_other.id = sp.organization
    cross join lateral (
        select (array['in_progress', 'completed', 'in_progress', 'completed', 'in_progress'])[1 + t % 5] as status,
               case when t % 11 > 0 then (select lienvung_today()) - 200 + abs(hashint8(t)) % 500 end as due_on,
               case when t % 5 in (1, 3) then 100 else (t * 31 % 90)::int end as percent
    ) kind
    """,
    """
    insert into agreement_member (agreement_id, organization_id, source_id, relation)
    select t.agreement_id, (party.value->>'organization_id')::uuid, t.id, party.relation
    from synthetic_party p
    join task t on t.agreement_id = p.id
    cross join lateral (
        select t.parties->'lead' as value, 'lead' as relation
        union all select value, 'coordinating' from jsonb_array_elements(t.parties->'coordinating')
    ) party
    where p.place = 0 and p.agreement between {first} and {last}
    """,
    """
    insert into task_progress_report (id, task_id, period_start, period_end, percent, narrative, organization_id,
                                      account_id, reported_by, reported_at)
    select pg_temp.id_of('report', hashtextextended(t.id::text, 0)), t.id, '2026-06-15', '2026-09-14', t.percent,
           'Đã làm một phần việc tổng hợp.', t.lead_organization_id, t.lead_organization_id, 'Người báo cáo tổng hợp',
           t.created_at + interval '59 days'
    from synthetic_party p join task t on t.agreement_id = p.id
    where p.place = 0 and p.agreement between {first} and {last}
    """,
    # Every second agreement is public, with a few of its tasks.
    """
    insert into publication (agreement_id, version, published_at, modified_at, folded, unit_ids)
    select a.id, 1, a.updated_at + interval '2 days',
           a.updated_at + interval '2 days' + p.agreement * interval '1 second', a.folded, array(
               select distinct o.unit_id from agreement_party y join organization o on o.id = y.organization_id
               where y.agreement_id = a.id)
    from synthetic_party p join agreement a on a.id = p.id
    where p.place = 0 and p.agreement % 2 = 0 and p.agreement between {first} and {last}
    """,
    """
    insert into publication_task (task_id, agreement_id, published_at)
    select pg_temp.id_of('task', p.agreement::bigint * {tasks_of_each} + k), p.id, a.updated_at + interval '2 days'
    from synthetic_party p join agreement a on a.id = p.id cross join generate_series(0, 4) k
    where p.place = 0 and p.agreement % 2 = 0 and p.agreement between {first} and {last}
    """,
)
# Nobody handles anything yet, and nothing of the whole country waits for a signature.
_WAITING = """
insert into open_work (subject_id, organization_id, step, relation, agreement_id, task_id, due_on, reported_to, cycle,
                       came_back, handlers)
select v.subject_id, v.organization_id, v.step, v.relation, v.agreement_id, v.task_id, v.due_on, v.reported_to, v.cycle,
       v.came_back, '{{}}'
from open_work_of_task v
where v.subject_id = any(array(
    select t.id from synthetic_party p join task t on t.agreement_id = p.id
    where p.place = 0 and p.agreement between {first} and {last}))
"""
# The last version of each record is what it is now; those before it, what they may have been. They come in their order,
# one record after the other, without being sorted: the database chains each entry to the one before it, and refuses
# one that finds none.
_HISTORY = (
    """
    insert into history (id, subject_id, agreement_id, subject_kind, version, action, actor_id, actor_kind, actor_name,
                         organization_id, changes, state, occurred_at)
    select pg_temp.next_id(), s.id, s.id, 'agreement', v, m.action, s.custodian_organization_id, 'user',
           'Người thử tải tổng hợp', s.custodian_organization_id,
           jsonb_build_array(jsonb_build_object('field', 'status', 'from', m.was, 'to', m.status)),
           case when v = 3 then s.state
                else s.state || jsonb_build_object('version', v, 'updated_at', m.at, 'status', m.status) end, m.at
    from (
        select a.*, <agreement state> as state from synthetic_party p join agreement a on a.id = p.id
        where p.place = 0 and p.agreement between {first} and {last}
        -- Not drawn into what is around it: a state is put together once for all of its versions.
        offset 0
    ) s
    cross join lateral generate_series(1, s.version) v
    cross join lateral (
        select (array['draft', 'open', 'enter_into_force'])[v] as action,
               (array['draft', 'open_for_signature', 'in_force'])[v] as status,
               (array[null, 'draft', 'open_for_signature'])[v] as was,
               case v when 1 then s.created_at when 2 then s.created_at + interval '10 days' else s.updated_at end as at
    ) m
    """,
    """
    insert into history (id, subject_id, agreement_id, subject_kind, version, action, actor_id, actor_kind, actor_name,
                         organization_id, changes, state, occurred_at)
    select pg_temp.next_id(), s.id, s.agreement_id, 'task', v, m.action, s.lead_organization_id, 'user',
           'Người thử tải tổng hợp', s.lead_organization_id,
           jsonb_build_array(jsonb_build_object('field', 'percent', 'from', s.percent * (v - 2) / s.version,
                                                'to', s.percent * (v - 1) / s.version)),
           case when v = s.version then s.state
                else s.state || jsonb_build_object('version', v, 'updated_at', m.at, 'status', m.status,
                    'percent', s.percent * (v - 1) / s.version, 'submitted_at', null, 'completed_at', null) end, m.at
    from (
        select t.*, <task state> as state
        from synthetic_party p join agreement a on a.id = p.id join task t on t.agreement_id = a.id
        where p.place = 0 and p.agreement between {first} and {last}
        -- Not drawn into what is around it: a state is put together once for all of its versions.
        offset 0
    ) s
    cross join lateral generate_series(1, s.version) v
    cross join lateral (
        select case v when 1 then 'assign' when 2 then 'accept' else 'report' end as action,
               case v when 1 then 'not_started' when s.version then s.status else 'in_progress' end as status,
               case when v = s.version then s.updated_at else s.created_at + (v - 1) * interval '15 days' end as at
    ) m
    """,
)

_AFTER = (
    "alter table agreement_clause enable trigger user",
    *(f"alter table {table} enable trigger open_work_insert" for table in _WAITED_FOR),
    "drop table synthetic_party, synthetic_organization cascade",
)


async def _main(owner_url: str) -> None:
    sys.stdout.write("Filling in the whole country; every record is synthetic and says so.\n")
    seconds = await fill(owner_url, COUNTRY)
    sys.stdout.write(f"{COUNTRY.agreements:,} agreements, {COUNTRY.tasks:,} tasks: {seconds:.0f} s\n")


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
