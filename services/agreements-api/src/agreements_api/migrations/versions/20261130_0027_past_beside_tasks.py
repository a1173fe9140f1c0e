"""The past of what repeats tasks: every setting that another one has replaced."""

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
DOWNGRADE = """
drop trigger task_recurrence_keep on task_recurrence;
drop function task_recurrence_keep();
drop table task_recurrence_past;
"""


def upgrade() -> None:
    # The times in the states are those of the API, whatever zone the server stands in.
    op.execute("set local timezone to 'UTC'")
    run_script(op, RECURRENCES.format(app=APP))
    op.execute(SERIES)


def downgrade() -> None:
    run_script(op, DOWNGRADE)
