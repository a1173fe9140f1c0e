"""The past of what lies beside tasks and agreements: what repeats tasks, dossiers of boundary areas, meetings."""

from alembic import op

from shared.db.migrations import run_script

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

APP = "agreements_app"

# As with successions, only what is replaced is kept; that a completed occurrence calls the next one earlier is no
# other setting.
RECURRENCES = """
create table task_recurrence_past (
    recurrence_id uuid not null references task_recurrence,
    -- From when on it was so.
    since         timestamptz not null,
    agreement_id  uuid not null references agreement,
    state         jsonb not null,
    primary key (recurrence_id, since)
);

create function task_recurrence_keep() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into task_recurrence_past (recurrence_id, since, agreement_id, state)
        values (old.id, old.updated_at, old.agreement_id, to_jsonb(old)) on conflict do nothing;
    return null;
end $$;
create trigger task_recurrence_keep after update on task_recurrence for each row
    when (old.updated_at is distinct from new.updated_at) execute function task_recurrence_keep();

alter table task_recurrence_past enable row level security;
create policy task_recurrence_past_of_members on task_recurrence_past to {app} using (
    lienvung_is_system() or exists (select from agreement_access x
        where x.agreement_id = task_recurrence_past.agreement_id and x.organization_id = lienvung_org()));
grant select on task_recurrence_past to {app};
"""
# The histories of a series' tasks tell when it was set and how often it came, when an occurrence was made and when it
# was ended. For how many working days, and until when, they never told: these are taken to be what they are now.
SERIES = """
with told as (
    select r.id, h.version, h.action, h.subject_id,
        case when h.version = 1 then (h.state->>'created_at')::timestamptz else h.occurred_at end as since,
        (select y->>'to' from jsonb_array_elements(h.changes) y where y->>'field' = 'recurrence') as frequency,
        case when h.version = 1 then h.state->>'original_due_on'
            else (select y->>'from' from jsonb_array_elements(h.changes) y where y->>'field' = 'next_due_on') end
            as due_before
    from task_recurrence r join history h on h.agreement_id = r.agreement_id and h.subject_kind = 'task'
        and h.state->>'recurrence_id' = r.id::text
    where h.action in ('set_recurrence', 'end_recurrence')
        or h.version = 1 and h.state->>'previous_occurrence_id' is not null
), numbered as (
    select t.*, row_number() over (partition by t.id order by t.since, t.version desc) as nth from told t
), stage as (
    select n.*,
        (select m.frequency from numbered m where m.id = n.id and m.nth <= n.nth and m.frequency is not null
            order by m.nth desc limit 1) as came,
        (select m.due_before from numbered m where m.id = n.id and m.nth > n.nth and m.due_before is not null
            order by m.nth limit 1) as next_due
    from numbered n
)
insert into task_recurrence_past (recurrence_id, since, agreement_id, state)
select r.id, s.since, r.agreement_id, to_jsonb(r) || jsonb_build_object(
    'frequency', s.came, 'rule', case s.came when 'monthly' then 'FREQ=MONTHLY;BYMONTHDAY=14'
        when 'quarterly' then 'FREQ=YEARLY;BYMONTH=3,6,9,12;BYMONTHDAY=14'
        when 'half_yearly' then 'FREQ=YEARLY;BYMONTH=6,12;BYMONTHDAY=14'
        else 'FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=14' end,
    'current_task_id', s.subject_id, 'next_due_on', coalesce(s.next_due, r.next_due_on::text),
    'ended_at', case when s.action = 'end_recurrence' then s.since end, 'updated_at', s.since)
from stage s join task_recurrence r on r.id = s.id
where s.since < r.updated_at and s.came is not null
on conflict do nothing
"""
# The log of a dossier keeps it as it was, as that of an obstacle does. From the present backwards: what the log says of
# a change is undone. Of steps that others replaced it told no more than their titles: their days are unknown, and
# their ids are new.
DOSSIERS = """
alter table boundary_case_log add column state jsonb;

do $$
declare
    part   boundary_case;
    entry  boundary_case_log;
    change jsonb;
    shown  jsonb;
    former jsonb;
    names  text[];
    side   int;
    nobody constant jsonb := '{"confirmed_at": null, "confirmed_by": null, "remark": null}';
begin
    for part in select * from boundary_case loop
        select jsonb_build_object(
            'id', part.id, 'agreement_id', part.agreement_id, 'task_id', part.task_id, 'task_title', t.title,
            'kind', part.kind, 'state', part.state, 'place', part.place, 'households', part.households,
            'plots', part.plots, 'area_m2', part.area_m2, 'note', part.note,
            'sides', jsonb_build_array(
                jsonb_build_object('organization_id', part.first_organization_id, 'name', part.first_name,
                    'unit_id', part.first_unit_id, 'unit_name', part.first_unit_name,
                    'answering_organization_id', part.first_organization_id),
                jsonb_build_object('organization_id', part.second_organization_id, 'name', part.second_name,
                    'unit_id', part.second_unit_id, 'unit_name', part.second_unit_name,
                    'answering_organization_id', part.second_organization_id)),
            'steps', coalesce((select jsonb_agg(jsonb_build_object('id', s.id, 'ordinal', s.ordinal,
                'title', s.title, 'due_on', s.due_on, 'confirmations', jsonb_build_array(
                    jsonb_build_object('confirmed_at', s.first_confirmed_at, 'confirmed_by', s.first_confirmed_by,
                        'remark', s.first_remark),
                    jsonb_build_object('confirmed_at', s.second_confirmed_at, 'confirmed_by', s.second_confirmed_by,
                        'remark', s.second_remark)), 'completed_at', s.completed_at) order by s.ordinal)
                from boundary_case_step s where s.case_id = part.id), '[]'),
            'handed_over_on', part.handed_over_on, 'closed_on', part.closed_on, 'close_remark', part.close_remark,
            'demonstration', t.demonstration, 'created_at', part.created_at)
        into shown from task t where t.id = part.task_id;
        for entry in select * from boundary_case_log g where g.case_id = part.id order by g.version desc loop
            update boundary_case_log set state = shown || jsonb_build_object(
                'version', entry.version, 'updated_at', entry.occurred_at) where id = entry.id;
            for change in select * from jsonb_array_elements(entry.changes) loop
                names := string_to_array(change->>'field', '/');
                former := coalesce(change->'from', 'null');
                if names[1] = 'steps' and array_length(names, 1) = 3 then
                    side := case names[3] when 'first' then 0 else 1 end;
                    if former = 'null' then
                        former := nobody;
                    else
                        select jsonb_build_object('confirmed_at', g.occurred_at, 'confirmed_by', g.actor_name,
                            'remark', g.remark)
                        into former from boundary_case_log g
                        where g.case_id = part.id and g.version < entry.version and g.action = 'confirm'
                            and g.changes @> jsonb_build_array(jsonb_build_object('field', change->'field'))
                        order by g.version desc limit 1;
                    end if;
                    shown := shown || jsonb_build_object('steps', (
                        select jsonb_agg(case when y.s->>'id' <> names[2] then y.s
                            else jsonb_set(y.s, array['confirmations', side::text], former)
                                || '{"completed_at": null}' end order by y.nth)
                        from jsonb_array_elements(shown->'steps') with ordinality y(s, nth)));
                elsif names[1] = 'steps' and jsonb_typeof(former) = 'array' then
                    shown := shown || jsonb_build_object('steps', (
                        select coalesce(jsonb_agg(jsonb_build_object('id', gen_random_uuid(), 'ordinal', y.nth,
                            'title', y.title, 'due_on', null, 'confirmations', jsonb_build_array(nobody, nobody),
                            'completed_at', null) order by y.nth), '[]')
                        from jsonb_array_elements_text(former) with ordinality y(title, nth)));
                elsif names[1] in ('kind', 'place', 'households', 'plots', 'area_m2', 'note', 'state',
                                   'handed_over_on', 'closed_on') then
                    shown := shown || jsonb_build_object(names[1], former);
                end if;
            end loop;
            if entry.action = 'close' then
                shown := shown || '{"close_remark": null}';
            end if;
        end loop;
    end loop;
end $$;

alter table boundary_case_log alter column state set not null;
"""
# The same of meetings and of what was promised of them. The log never told under which name a former host invited, nor
# where the name of whoever came ends and the title begins: the name is that of today, the title begins at the comma.
MEETINGS = """
alter table meeting_log add column state jsonb;

do $$
declare
    part   meeting;
    entry  meeting_log;
    change jsonb;
    shown  jsonb;
    former jsonb;
    one    jsonb;
    names  text[];
    guest  organization;
begin
    for part in select * from meeting loop
        select jsonb_build_object(
            'id', part.id, 'agreement_id', part.agreement_id, 'agreement_title', a.title, 'kind', part.kind,
            'title', part.title, 'status', part.status, 'host_organization_id', part.host_organization_id,
            'host_name', part.host_name, 'place', part.place, 'online_url', part.online_url,
            'starts_at', part.starts_at, 'ends_at', part.ends_at, 'held_on', part.held_on,
            'cancel_reason', part.cancel_reason, 'agenda', part.agenda,
            'participants', coalesce((select jsonb_agg(jsonb_build_object('organization_id', p.organization_id,
                'organization_name', p.organization_name, 'unit_id', p.unit_id, 'invited', p.invited,
                'attendance', p.attendance, 'person_name', p.person_name, 'person_title', p.person_title)
                order by p.organization_name, p.organization_id)
                from meeting_participant p where p.meeting_id = part.id), '[]'),
            'minutes_revision', (select max(n.revision) from meeting_minutes n where n.meeting_id = part.id),
            'outcomes', coalesce((select jsonb_agg(jsonb_build_object('id', o.id, 'ordinal', o.ordinal, 'text', o.text,
                'responsible_organization_id', o.responsible_organization_id, 'responsible_name', o.responsible_name,
                'due_on', o.due_on, 'task_id', o.task_id) order by o.ordinal)
                from meeting_outcome o where o.meeting_id = part.id), '[]'),
            'demonstration', a.demonstration, 'created_at', part.created_at)
        into shown from agreement a where a.id = part.agreement_id;
        for entry in select * from meeting_log g where g.subject_id = part.id order by g.version desc loop
            update meeting_log set state = shown || jsonb_build_object(
                'version', entry.version, 'updated_at', entry.occurred_at) where id = entry.id;
            for change in select * from jsonb_array_elements(entry.changes) loop
                names := string_to_array(change->>'field', '/');
                former := coalesce(change->'from', 'null');
                if names[1] = 'participants' then
                    select y.p into one from jsonb_array_elements(shown->'participants') y(p)
                    where y.p->>'organization_id' = names[2];
                    if names[3] = 'person' then
                        one := one || jsonb_build_object('person_name', nullif(split_part(former#>>'{}', ', ', 1), ''),
                            'person_title', case when strpos(former#>>'{}', ', ') > 0
                                then substr(former#>>'{}', strpos(former#>>'{}', ', ') + 2) end);
                    elsif former = 'null' then
                        one := null;
                    elsif former = '"invited"' then
                        one := coalesce(one, '{"invited": true}')
                            || '{"attendance": null, "person_name": null, "person_title": null}';
                    else
                        one := coalesce(one, '{"invited": false, "person_name": null, "person_title": null}')
                            || jsonb_build_object('attendance', former);
                    end if;
                    if one is not null and not one ? 'organization_id' then
                        select * into guest from organization o where o.id = names[2]::uuid;
                        one := one || jsonb_build_object('organization_id', guest.id,
                            'organization_name', guest.name, 'unit_id', guest.unit_id);
                    end if;
                    shown := shown || jsonb_build_object('participants', (
                        select coalesce(jsonb_agg(y.p order by y.p->>'organization_name', y.p->>'organization_id'),
                            '[]')
                        from (select p from jsonb_array_elements(shown->'participants') x(p)
                              where x.p->>'organization_id' <> names[2]
                              union all select one where one is not null) y(p)));
                elsif names[1] = 'outcomes' and array_length(names, 1) = 2 then
                    shown := shown || jsonb_build_object('outcomes', (
                        select coalesce(jsonb_agg(y.o order by y.nth), '[]')
                        from jsonb_array_elements(shown->'outcomes') with ordinality y(o, nth)
                        where y.o->>'id' <> names[2]));
                elsif names[1] = 'outcomes' then
                    one := jsonb_build_object(names[3], former);
                    if names[3] = 'responsible_organization_id' then
                        one := one || jsonb_build_object('responsible_name', (
                            select o.name from organization o where o.id = (former#>>'{}')::uuid));
                    end if;
                    shown := shown || jsonb_build_object('outcomes', (
                        select jsonb_agg(case when y.o->>'id' <> names[2] then y.o else y.o || one end order by y.nth)
                        from jsonb_array_elements(shown->'outcomes') with ordinality y(o, nth)));
                elsif names[1] = 'host_organization_id' and former <> 'null' then
                    shown := shown || jsonb_build_object('host_organization_id', former, 'host_name', (
                        select o.name from organization o where o.id = (former#>>'{}')::uuid));
                else
                    shown := shown || jsonb_build_object(names[1], former);
                end if;
            end loop;
            if entry.action = 'cancel' then
                shown := shown || '{"cancel_reason": null}';
            end if;
        end loop;
    end loop;
end $$;

do $$
declare
    part   meeting_promise;
    entry  meeting_log;
    change jsonb;
    shown  jsonb;
begin
    for part in select * from meeting_promise loop
        shown := jsonb_build_object('id', part.id, 'agreement_id', part.agreement_id, 'clause_id', part.clause_id,
            'frequency', part.frequency, 'from_on', part.from_on, 'until_on', part.until_on, 'basis', part.basis,
            'created_at', part.created_at);
        for entry in select * from meeting_log g where g.subject_id = part.id order by g.version desc loop
            update meeting_log set state = shown || jsonb_build_object(
                'version', entry.version, 'updated_at', entry.occurred_at) where id = entry.id;
            for change in select * from jsonb_array_elements(entry.changes) loop
                shown := shown || jsonb_build_object(change->>'field', coalesce(change->'from', 'null'));
            end loop;
        end loop;
    end loop;
end $$;

alter table meeting_log alter column state set not null;
"""
# The past of a corridor has the segments that were withdrawn since, which no index led to.
SEGMENTS = "create index corridor_segment_withdrawn on corridor_segment (corridor_id) where withdrawn_at is not null"
DOWNGRADE = """
drop index corridor_segment_withdrawn;
alter table meeting_log drop column state;
alter table boundary_case_log drop column state;
drop trigger task_recurrence_keep on task_recurrence;
drop function task_recurrence_keep();
drop table task_recurrence_past;
"""


def upgrade() -> None:
    # The times in the states are those of the API, whatever zone the server stands in.
    op.execute("set local timezone to 'UTC'")
    run_script(op, RECURRENCES.format(app=APP))
    op.execute(SERIES)
    run_script(op, DOSSIERS)
    run_script(op, MEETINGS)
    op.execute(SEGMENTS)


def downgrade() -> None:
    run_script(op, DOWNGRADE)
