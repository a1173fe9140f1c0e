"""The past of what lies beside tasks: settings of what repeats them, dossiers of boundary areas."""

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
DOWNGRADE = """
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


def downgrade() -> None:
    run_script(op, DOWNGRADE)
