"""What each organisation has to do, kept beside the records that ask for it, so that a worklist is one index."""

from dataclasses import dataclass

from alembic import op

from shared.db.migrations import run_script

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

APP = "agreements_app"

TABLE = """
-- One row for each step that waits for an organisation. It is derived: only the triggers below write it, and each row
-- follows from the views below; a worklist of thousands is read and counted from its indexes alone.
create table open_work (
    subject_id      uuid not null,
    organization_id uuid not null,
    step            text not null,
    -- By which the organisation may take the step.
    relation        text not null,
    agreement_id    uuid not null,
    task_id         uuid,
    -- By what people of the organisation handle it, and who of them does and is still there.
    handled_id      uuid not null generated always as (coalesce(task_id, agreement_id)) stored,
    handlers        uuid[] not null,
    due_on          date,
    due_key         date not null generated always as (coalesce(due_on, 'infinity'::date)) stored,
    -- Of a report: how far the task is reported, how often it comes again, and whether it came back from a submission.
    reported_to     date,
    cycle           text,
    came_back       boolean not null default false,
    primary key (subject_id, organization_id, step)
) with (fillfactor = 80);
-- By the first the steps are counted, along the second a page is read.
create index open_work_counted on open_work (organization_id, step, due_key)
    include (came_back, reported_to, cycle, handlers, agreement_id);
create index open_work_ordered on open_work (organization_id, due_key, subject_id, step)
    include (came_back, handlers, agreement_id);
create index open_work_handled on open_work (handled_id, organization_id);
create index task_extension_waiting on task_extension (agreement_id) where state = 'requested';

alter table open_work enable row level security;
-- Nobody but members reads it: without an alternative the condition is one of the index, asked once for a list.
create policy open_work_of_own on open_work to {app} using (organization_id = lienvung_org());
grant select on open_work to {app};
"""

_COLUMNS = "subject_id, organization_id, step, relation, agreement_id, task_id, due_on, reported_to, cycle, came_back"
# A source whose rows have nothing to report.
_NO_REPORT = "null::date as reported_to, null::text as cycle, false as came_back"


@dataclass(frozen=True)
class Source:
    """Records that ask for a step, and which organisations they ask."""

    name: str
    view: str


# Where units have merged, one organisation answers for several parties, and acts for all of them at once.
TASK = """
select t.id as subject_id, p.organization_id, p.step, p.relation, t.agreement_id, t.id as task_id,
    min(case when p.step = 'confirm' then p.due_on else coalesce(p.due_on, t.due_on) end) as due_on,
    case when p.step = 'report' then coalesce((t.last_report->>'period_end')::date,
        (coalesce((t.parties->'lead'->>'accepted_at')::timestamptz, t.created_at)
            at time zone 'Asia/Ho_Chi_Minh')::date) end as reported_to,
    case when p.step = 'report' then
        (select r.frequency from task_recurrence r where r.id = t.recurrence_id) end as cycle,
    p.step = 'report' and t.submission > 0 as came_back
from task t join agreement a on a.id = t.agreement_id cross join lateral (
    select t.lead_organization_id as organization_id, 'accept' as step, 'lead' as relation,
        (t.parties->'lead'->>'due_on')::date as due_on
    where t.status = 'not_started'
    union all
    select t.lead_organization_id, 'report', 'lead', (t.parties->'lead'->>'due_on')::date
    where t.status = 'in_progress'
    union all
    select (y->>'organization_id')::uuid, 'accept', 'coordinating', (y->>'due_on')::date
    from jsonb_array_elements(t.parties->'coordinating') y
    where t.status in ('not_started', 'in_progress') and y->>'accepted_at' is null
      and (t.status = 'in_progress' or (y->>'organization_id')::uuid <> t.lead_organization_id)
    union all
    select (y->>'organization_id')::uuid, 'confirm', 'coordinating', (y->>'respond_by')::date
    from jsonb_array_elements(t.parties->'coordinating') y
    where t.status = 'submitted' and y->>'confirmed_at' is null
    union all
    select (y->>'organization_id')::uuid, 'complete', 'monitor', null
    from jsonb_array_elements(t.parties->'monitoring') y
    where t.status = 'submitted' and jsonb_array_length(t.parties->'coordinating') = 0
    union all
    select a.custodian_organization_id, 'complete', 'custodian', null
    where t.status = 'submitted' and jsonb_array_length(t.parties->'coordinating') = 0
      and jsonb_array_length(t.parties->'monitoring') = 0
) p
where p.organization_id is not null
group by t.id, p.organization_id, p.step, p.relation
"""
# In sequence, everybody who is waited for and comes before has signed.
SIGNING = f"""
select a.id as subject_id, coalesce(p.responsible_organization_id, p.organization_id) as organization_id,
    'sign' as step, 'party' as relation, a.id as agreement_id, null::uuid as task_id, a.sign_by as due_on, {_NO_REPORT}
from agreement a join agreement_party p on p.agreement_id = a.id
where a.status = 'open_for_signature' and p.signed_at is null and (a.signing_order <> 'sequential' or not exists (
    select from agreement_party o where o.agreement_id = a.id and o.ordinal < p.ordinal and o.required
      and o.role <> 'witness' and o.signed_at is null))
group by a.id, 2
"""
# Who stands in the place that was asked, whoever that was at first. Nobody needs the answer of what is over.
URGING = f"""
select u.id as subject_id, coalesce(h.id, u.organization_id) as organization_id, 'answer_' || u.kind as step,
    'own' as relation, u.agreement_id, u.task_id, u.answer_due_on as due_on, {_NO_REPORT}
from task_urging u join task t on t.id = u.task_id left join lateral (
    select (y.party->>'organization_id')::uuid as id
    from (select t.parties->'lead' as party
          union all select jsonb_array_elements(t.parties->'coordinating')
          union all select jsonb_array_elements(t.parties->'monitoring')) y
    where coalesce(y.party->>'promised_by_organization_id', y.party->>'organization_id')
        = u.promised_by_organization_id::text
    limit 1) h on true
where u.status = 'open' and t.status <> 'cancelled' and (u.kind = 'explanation' or t.status <> 'completed')
"""
# Whoever set the deadline, watches over it, or stands above those who promised; the first of them decides.
EXTENSION = f"""
select e.id as subject_id, m.organization_id, 'decide_extension' as step, min(m.relation) as relation, e.agreement_id,
    e.task_id, e.due_on, {_NO_REPORT}
from task_extension e join task t on t.id = e.task_id
join agreement_member m on m.agreement_id = e.agreement_id and m.source_id in (e.agreement_id, e.task_id)
    and m.relation in ('custodian', 'monitor', 'superior')
where e.state = 'requested' and t.status not in ('completed', 'cancelled')
group by e.id, m.organization_id
"""
# In whose hands it is: the lead's or, escalated, those of the body above, as long as that is a member.
OBSTACLE = f"""
select o.id as subject_id, coalesce(s.organization_id, t.lead_organization_id) as organization_id,
    'resolve_obstacle' as step, case when s.organization_id is null then 'lead' else 'superior' end as relation,
    o.agreement_id, o.task_id, o.due_on, {_NO_REPORT}
from obstacle o join task t on t.id = o.task_id left join lateral (
    select m.organization_id from agreement_member m
    where o.level = 'province' and m.agreement_id = o.agreement_id and m.relation = 'superior'
      and m.source_id in (o.agreement_id, o.task_id)
      and m.organization_id in (o.superior_organization_id, (
        select l.superior_organization_id from organization l where l.id = t.lead_organization_id))
    order by m.organization_id <> o.superior_organization_id limit 1) s on true
where o.status = 'open' and t.status not in ('completed', 'cancelled', 'suspended')
"""


def _answering(side: str) -> str:
    return f"""coalesce((select (y.one->>'organization_id')::uuid
        from (select t.parties->'lead' union all select jsonb_array_elements(t.parties->'coordinating')) y(one)
        where coalesce(y.one->>'promised_by_organization_id', y.one->>'organization_id') = b.{side}_promiser_id::text
        limit 1), b.{side}_organization_id)"""


# The first step that is not completed, for each side that has yet to confirm it.
BOUNDARY_CASE = f"""
select b.id as subject_id, side.organization_id, 'confirm_handover' as step, 'own' as relation, b.agreement_id,
    b.task_id, min(s.due_on) as due_on, {_NO_REPORT}
from boundary_case b join task t on t.id = b.task_id cross join lateral (
    select * from boundary_case_step n where n.case_id = b.id and n.completed_at is null order by n.ordinal limit 1) s
cross join lateral (values ({_answering("first")}, s.first_confirmed_at),
    ({_answering("second")}, s.second_confirmed_at)) side(organization_id, confirmed_at)
where b.state = 'open' and side.confirmed_at is null
group by b.id, side.organization_id
"""
# The custodian, the bodies above, and whoever answers until somebody decides; other parties may, and are not bothered.
SUCCESSION = f"""
select c.id as subject_id, m.organization_id, 'decide_succession' as step, min(m.relation) as relation,
    c.agreement_id, c.task_id, null::date as due_on, {_NO_REPORT}
from succession_case c
join agreement_member m on m.agreement_id = c.agreement_id and m.source_id = c.agreement_id
    and (m.relation in ('custodian', 'superior') or m.relation = 'party' and m.organization_id = c.organization_id)
where c.state = 'open'
group by c.id, m.organization_id
"""
# The custodian, and whoever hosted the meeting where that is a party.
OUTCOME = f"""
select o.id as subject_id, w.organization_id, 'assign_outcome' as step, min(w.relation) as relation, m.agreement_id,
    null::uuid as task_id, o.due_on, {_NO_REPORT}
from meeting_outcome o join meeting m on m.id = o.meeting_id join agreement a on a.id = m.agreement_id
cross join lateral (
    select a.custodian_organization_id as organization_id, 'custodian' as relation
    union all
    select coalesce(p.responsible_organization_id, p.organization_id), 'party' from agreement_party p
    where p.agreement_id = a.id and p.organization_id = m.host_organization_id) w
where o.task_id is null and m.status = 'held' and a.status = 'in_force' and a.amends_agreement_id is null
group by o.id, m.id, w.organization_id
"""

SOURCES = (
    Source("task", TASK),
    Source("signing", SIGNING),
    Source("urging", URGING),
    Source("extension", EXTENSION),
    Source("obstacle", OBSTACLE),
    Source("boundary_case", BOUNDARY_CASE),
    Source("succession", SUCCESSION),
    Source("outcome", OUTCOME),
)

HANDLERS = """
create function open_work_handlers(organization uuid, handled uuid) returns uuid[] language sql stable
set search_path = pg_catalog, public, pg_temp as $$
    select coalesce(array_agg(h.account_id order by h.account_id), '{}')
    from work_assignment h join account c on c.id = h.account_id
    where h.subject_id = handled and h.organization_id = organization and c.active
$$;
revoke all on function open_work_handlers(uuid, uuid) from public;
"""
VIEW = "create view open_work_of_{name} as {view}"
# Rows that no longer follow go, those that follow are there: what a step leaves as it was is not written.
# The handlers as `open_work_handlers` has them, written out for what is refreshed by the thousand.
REFRESH = """
create function open_work_refresh_{name}(ids uuid[]) returns void language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if coalesce(cardinality(ids), 0) = 0 then
        return;
    end if;
    with due as materialized (
        select {columns} from open_work_of_{name} v where v.subject_id = any(ids)
    ), gone as (
        delete from open_work w where w.subject_id = any(ids) and not exists (
            select from due d
            where d.subject_id = w.subject_id and d.organization_id = w.organization_id and d.step = w.step)
    )
    insert into open_work as w ({columns}, handlers)
    select {columns}, by.handlers
    from due d cross join lateral (select coalesce((
        select array_agg(h.account_id order by h.account_id)
        from work_assignment h join account c on c.id = h.account_id
        where h.subject_id = coalesce(d.task_id, d.agreement_id) and h.organization_id = d.organization_id
          and c.active), '{{}}') as handlers) by
    -- Even an update that changes nothing would write the row's lock.
    where not exists (
        select from open_work s
        where s.subject_id = d.subject_id and s.organization_id = d.organization_id and s.step = d.step
          and (s.relation, s.task_id, s.due_on, s.reported_to, s.cycle, s.came_back, s.handlers) is not distinct from
            (d.relation, d.task_id, d.due_on, d.reported_to, d.cycle, d.came_back, by.handlers))
    on conflict (subject_id, organization_id, step) do update set relation = excluded.relation,
        task_id = excluded.task_id, due_on = excluded.due_on, reported_to = excluded.reported_to,
        cycle = excluded.cycle, came_back = excluded.came_back, handlers = excluded.handlers;
end $$;
revoke all on function open_work_refresh_{name}(uuid[]) from public;
"""

# What lies beside a record is held while its rows are made anew: whoever changes it at the same time comes before or
# after, in the order that every step keeps (agreement, task, what lies beside it).
FOLLOW = """
create function open_work_follow_task_insert() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform open_work_refresh_task(array(select id from changed));
    return null;
end $$;

create function open_work_follow_task_update() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    touched uuid[];
    stood uuid[];
begin
    select array_agg(n.id), array_agg(n.id) filter (where n.status <> o.status or n.parties <> o.parties)
    into touched, stood from changed n join was o on o.id = n.id
    where (n.status, n.parties, n.due_on, n.last_report->>'period_end', n.submission, n.recurrence_id,
           n.lead_organization_id)
        is distinct from (o.status, o.parties, o.due_on, o.last_report->>'period_end', o.submission,
           o.recurrence_id, o.lead_organization_id);
    perform open_work_refresh_task(touched);
    if stood is not null then
        perform open_work_refresh_urging(array(
            select id from task_urging where task_id = any(stood) and status = 'open' order by id for share));
        perform open_work_refresh_extension(array(
            select id from task_extension where task_id = any(stood) and state = 'requested' order by id for share));
        perform open_work_refresh_obstacle(array(
            select id from obstacle where task_id = any(stood) and status = 'open' order by id for share));
        perform open_work_refresh_boundary_case(array(
            select id from boundary_case where task_id = any(stood) and state = 'open' order by id for share));
    end if;
    return null;
end $$;

create function open_work_follow_recurrence() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform open_work_refresh_task(array(
        select n.current_task_id from changed n join was o on o.id = n.id where n.frequency <> o.frequency));
    return null;
end $$;

create function open_work_follow_agreement() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    touched uuid[];
    signing uuid[];
    kept uuid[];
begin
    select array_agg(n.id),
        array_agg(n.id) filter (where 'open_for_signature' in (n.status, o.status)),
        array_agg(n.id) filter (where n.custodian_organization_id <> o.custodian_organization_id)
    into touched, signing, kept from changed n join was o on o.id = n.id
    where (n.status, n.sign_by, n.signing_order, n.custodian_organization_id)
        is distinct from (o.status, o.sign_by, o.signing_order, o.custodian_organization_id);
    if touched is not null then
        perform open_work_refresh_signing(signing);
        perform open_work_refresh_outcome(array(
            select u.id from meeting m join meeting_outcome u on u.meeting_id = m.id
            where m.agreement_id = any(touched) and u.task_id is null));
    end if;
    if kept is not null then
        perform open_work_refresh_task(array(
            select id from task where agreement_id = any(kept) and status = 'submitted'));
    end if;
    return null;
end $$;

create function open_work_follow_party() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    touched uuid[] := array(select distinct agreement_id from changed);
begin
    -- Nobody signs before it is opened or after it is in force; what opens and ends it is followed by itself.
    perform open_work_refresh_signing(array(
        select id from agreement where id = any(touched) and status = 'open_for_signature'));
    perform open_work_refresh_outcome(array(
        select u.id from meeting m join meeting_outcome u on u.meeting_id = m.id
        where m.agreement_id = any(touched) and u.task_id is null));
    return null;
end $$;

-- Of those who decide by how they stand to a record, which is none of the lead's and of the coordinating parties.
create function open_work_follow_member() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    touched uuid[] := array(
        select distinct agreement_id from changed where relation in ('custodian', 'superior', 'monitor'));
    -- Who decides of a succession goes by the agreement itself, and not by its tasks.
    itself uuid[] := array(
        select distinct agreement_id from changed
        where source_id = agreement_id and relation in ('custodian', 'superior', 'party'));
begin
    if cardinality(touched) > 0 then
        perform open_work_refresh_extension(array(
            select id from task_extension where agreement_id = any(touched) and state = 'requested'
            order by id for share));
        perform open_work_refresh_obstacle(array(
            select id from obstacle where agreement_id = any(touched) and status = 'open' and level = 'province'
            order by id for share));
    end if;
    if cardinality(itself) > 0 then
        perform open_work_refresh_succession(array(
            select id from succession_case where agreement_id = any(itself) and state = 'open'));
    end if;
    return null;
end $$;

create function open_work_follow_assignment() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    -- A row that is being made meanwhile is made before, and handed out here, or after, and looks who handles it.
    perform a.id from agreement a where a.id in (select c.subject_id from changed c) order by a.id for share;
    perform t.id from task t where t.id in (select c.subject_id from changed c) order by t.id for share;
    update open_work w set handlers = open_work_handlers(w.organization_id, w.handled_id)
    where (w.handled_id, w.organization_id) in (select c.subject_id, c.organization_id from changed c);
    return null;
end $$;

create function open_work_follow_account() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    update open_work w set handlers = open_work_handlers(w.organization_id, w.handled_id)
    where (w.handled_id, w.organization_id) in (
        select h.subject_id, h.organization_id from changed n join was o on o.id = n.id and o.active <> n.active
            join work_assignment h on h.account_id = n.id);
    return null;
end $$;

create function open_work_follow_outcome() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    -- Whether an outcome can become a task is a matter of its agreement, which stays as it is meanwhile.
    perform a.id from agreement a where a.id in (
        select m.agreement_id from changed c join meeting m on m.id = c.meeting_id) order by a.id for share;
    perform open_work_refresh_outcome(array(select id from changed));
    return null;
end $$;
"""
# Of the tables whose rows ask by themselves.
FOLLOW_ONE = """
create function open_work_follow_{table}() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform open_work_refresh_{name}(array(select distinct {key} from changed));
    return null;
end $$;
"""
OF_ONE = (
    ("task_urging", "urging", "id"),
    ("task_extension", "extension", "id"),
    ("obstacle", "obstacle", "id"),
    ("boundary_case", "boundary_case", "id"),
    ("boundary_case_step", "boundary_case", "case_id"),
    ("succession_case", "succession", "id"),
)
TRIGGERS = {
    ("task", "insert"): "task_insert",
    ("task", "update"): "task_update",
    ("task_recurrence", "update"): "recurrence",
    ("agreement", "update"): "agreement",
    ("agreement_party", "insert"): "party",
    ("agreement_party", "update"): "party",
    ("agreement_party", "delete"): "party",
    ("agreement_member", "insert"): "member",
    ("agreement_member", "delete"): "member",
    ("meeting_outcome", "insert"): "outcome",
    ("meeting_outcome", "update"): "outcome",
    **{(table, event): table for table, _, _ in OF_ONE for event in ("insert", "update")},
    ("boundary_case_step", "delete"): "boundary_case_step",
    ("work_assignment", "insert"): "assignment",
    ("work_assignment", "delete"): "assignment",
    ("account", "update"): "account",
}
_TRANSITION = {
    "insert": "new table as changed",
    "update": "old table as was new table as changed",
    "delete": "old table as changed",
}

# Everything that waits on the day of this migration.
FILL = {
    "task": "select id from task where status in ('not_started', 'in_progress', 'submitted')",
    "signing": "select id from agreement where status = 'open_for_signature'",
    "urging": "select id from task_urging where status = 'open'",
    "extension": "select id from task_extension where state = 'requested'",
    "obstacle": "select id from obstacle where status = 'open'",
    "boundary_case": "select id from boundary_case where state = 'open'",
    "succession": "select id from succession_case where state = 'open'",
    "outcome": "select id from meeting_outcome where task_id is null",
}


def upgrade() -> None:
    run_script(op, TABLE.format(app=APP))
    run_script(op, HANDLERS)
    for source in SOURCES:
        op.execute(VIEW.format(name=source.name, view=source.view))
        run_script(op, REFRESH.format(name=source.name, columns=_COLUMNS))
    run_script(op, FOLLOW)
    for table, name, key in OF_ONE:
        run_script(op, FOLLOW_ONE.format(table=table, name=name, key=key))
    for (table, event), function in TRIGGERS.items():
        op.execute(
            f"create trigger open_work_{event} after {event} on {table} referencing {_TRANSITION[event]}"
            f" for each statement execute function open_work_follow_{function}()"
        )
    for name, ids in FILL.items():
        op.execute(f"select open_work_refresh_{name}(array({ids}))")


def downgrade() -> None:
    for table, event in TRIGGERS:
        op.execute(f"drop trigger open_work_{event} on {table}")
    for function in dict.fromkeys(TRIGGERS.values()):
        op.execute(f"drop function open_work_follow_{function}()")
    for source in SOURCES:
        op.execute(f"drop function open_work_refresh_{source.name}(uuid[])")
        op.execute(f"drop view open_work_of_{source.name}")
    op.execute("drop function open_work_handlers(uuid, uuid)")
    op.execute("drop index task_extension_waiting")
    op.execute("drop table open_work")
