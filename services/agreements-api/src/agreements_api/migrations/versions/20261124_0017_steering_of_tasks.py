"""What stands beside a task: milestones, dependencies, extensions of its deadline, and what repeats it."""

import sqlalchemy as sa
from alembic import op

from shared.db.migrations import run_script

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

APP = "agreements_app"

TASKS = """
alter table task
    add column extension_count        smallint not null default 0 check (extension_count >= 0),
    add column recurrence_id          uuid,
    add column previous_occurrence_id uuid references task,
    add constraint task_occurrence_check check (previous_occurrence_id is null or recurrence_id is not null);
-- Whatever makes the next occurrence, and however often: there is one.
create unique index task_occurrence_once on task (previous_occurrence_id) where previous_occurrence_id is not null;

-- Who leads a task took it on when history says so, the last time that he did.
update task t set parties = jsonb_set(t.parties, '{{lead,accepted_at}}', to_jsonb(h.occurred_at))
from (select subject_id, max(occurred_at) as occurred_at from history
      where subject_kind = 'task' and action = 'accept' group by subject_id) h
where h.subject_id = t.id and t.status <> 'not_started';
"""

MILESTONES = """
create table task_milestone (
    id           uuid primary key,
    version      int not null default 1,
    task_id      uuid not null references task,
    agreement_id uuid not null references agreement,
    position     int not null check (position > 0),
    title        text not null,
    due_on       date,
    done_on      date,
    created_at   timestamptz not null,
    updated_at   timestamptz not null
);
create index task_milestone_of on task_milestone (task_id, position, id);
"""

DEPENDENCIES = """
create table task_dependency (
    id                 uuid primary key,
    agreement_id       uuid not null references agreement,
    -- It begins so many working days after the other one is finished.
    task_id            uuid not null references task,
    depends_on_task_id uuid not null references task,
    lag_working_days   smallint not null check (lag_working_days between 0 and 1000),
    created_at         timestamptz not null,
    check (task_id <> depends_on_task_id),
    unique (task_id, depends_on_task_id)
);
create index task_dependency_of on task_dependency (task_id, id);
create index task_dependency_on on task_dependency (depends_on_task_id, id);
"""

EXTENSIONS = """
create table task_extension (
    id                           uuid primary key,
    version                      int not null default 1,
    task_id                      uuid not null references task,
    agreement_id                 uuid not null references agreement,
    -- The deadline that was in force when it was asked for, and the one that is asked for.
    due_on                       date not null,
    requested_due_on             date not null,
    granted_due_on               date,
    reason                       text not null,
    state                        text not null default 'requested' check (state in ('requested', 'granted', 'denied')),
    requested_by_organization_id uuid not null references organization,
    requested_by_name            text not null,
    requested_by                 text not null,
    requested_at                 timestamptz not null,
    decided_by_organization_id   uuid references organization,
    decided_by_name              text,
    decided_by                   text,
    decided_at                   timestamptz,
    remark                       text,
    check ((state = 'requested') = (decided_at is null)),
    check ((state = 'granted') = (granted_due_on is not null)),
    check (requested_due_on > due_on and granted_due_on > due_on)
);
create index task_extension_of on task_extension (task_id, id);
create unique index task_extension_open on task_extension (task_id) where state = 'requested';
"""

RECURRENCE = """
create table task_recurrence (
    id                 uuid primary key,
    agreement_id       uuid not null references agreement,
    frequency          text not null check (frequency in ('monthly', 'quarterly', 'half_yearly', 'yearly')),
    -- RFC 5545, in the cut-off days of the official reporting periods.
    rule               text not null,
    working_days_after smallint not null check (working_days_after between 0 and 60),
    until              date,
    -- The newest occurrence; the deadline of the one after it, and the day from which that one is made.
    current_task_id    uuid not null unique references task,
    next_due_on        date not null,
    next_from          date not null,
    ended_at           timestamptz,
    created_at         timestamptz not null,
    updated_at         timestamptz not null
);
create index task_recurrence_due on task_recurrence (next_from, id) where ended_at is null;
alter table task add constraint task_recurrence_fkey foreign key (recurrence_id) references task_recurrence
    deferrable initially deferred;

-- Whoever completes an occurrence, and by whichever statement, lets the next one be made.
create function task_recurrence_follow() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    update task_recurrence set next_from = least(next_from, (new.completed_at at time zone 'Asia/Ho_Chi_Minh')::date)
    where current_task_id = new.id and ended_at is null;
    return null;
end $$;
create trigger task_recurrence_follow after update of status on task for each row
    when (new.status = 'completed' and old.status <> 'completed' and new.recurrence_id is not null)
    execute function task_recurrence_follow();
"""

SECURITY = """
grant select, insert, delete on task_milestone, task_dependency to {app};
grant update (version, position, title, due_on, done_on, updated_at) on task_milestone to {app};
grant select, insert on task_extension to {app};
-- What was asked for stays as it was asked.
grant update (version, state, granted_due_on, decided_by_organization_id, decided_by_name, decided_by, decided_at,
              remark) on task_extension to {app};
grant select, insert on task_recurrence to {app};
grant update (frequency, rule, working_days_after, until, current_task_id, next_due_on, next_from, ended_at,
              updated_at) on task_recurrence to {app};
"""
TABLES = ("task_milestone", "task_dependency", "task_extension", "task_recurrence")

BACK = """
drop trigger task_recurrence_follow on task;
drop function task_recurrence_follow();
alter table task drop constraint task_recurrence_fkey;
drop table task_recurrence, task_extension, task_dependency, task_milestone;
drop index task_occurrence_once;
alter table task
    drop constraint task_occurrence_check,
    drop column previous_occurrence_id, drop column recurrence_id, drop column extension_count;
"""
_KEEPS = """
select exists (select from task_extension) or exists (select from task_recurrence)
    or exists (select from task_dependency) or exists (select from task_milestone)
"""


def upgrade() -> None:
    for script in (TASKS, MILESTONES, DEPENDENCIES, EXTENSIONS, RECURRENCE, SECURITY):
        run_script(op, script.format(app=APP))
    for table in TABLES:
        op.execute(f"alter table {table} enable row level security")
        op.execute(
            f"create policy {table}_of_members on {table} to {APP} using (lienvung_is_system() or exists ("
            f"select from agreement_access x where x.agreement_id = {table}.agreement_id"
            f" and x.organization_id = lienvung_org()))"
        )


def downgrade() -> None:
    # Who asked for which deadline, and what follows what, cannot be told in the older tables.
    if op.get_bind().execute(sa.text(_KEEPS)).scalar():
        raise RuntimeError("tasks were extended, linked or repeated since: this migration cannot be taken back")
    run_script(op, BACK)
