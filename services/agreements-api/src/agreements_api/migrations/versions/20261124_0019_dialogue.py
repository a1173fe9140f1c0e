"""What parties say to each other about a task: windows to answer in, obstacles, urgings and comments."""

import sqlalchemy as sa
from alembic import op

from shared.db.migrations import run_script

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

APP = "agreements_app"

RESPONSES = """
-- The last day on which the present submission can be answered. It follows from the parties, whoever writes them; a
-- column, because under row-level security an index condition may only use what PostgreSQL knows to leak nothing.
alter table task add column respond_by date;
create function task_respond_by_follow() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    new.respond_by := case when new.status = 'submitted' then (
        select min((y->>'respond_by')::date) from jsonb_array_elements(new.parties->'coordinating') y
        where y->>'confirmed_at' is null) end;
    return new;
end $$;
create trigger task_respond_by_follow before insert or update of status, parties on task
    for each row execute function task_respond_by_follow();
create index task_respond_by on task (respond_by, id) where respond_by is not null;

alter table task_confirmation
    drop constraint task_confirmation_decision_check,
    add constraint task_confirmation_decision_check
        check (decision in ('confirmed', 'returned', 'refused', 'lapsed'));
-- Whoever has confirmed a submission does not lapse, and the other way round.
drop index task_confirmation_once;
create unique index task_confirmation_once on task_confirmation (task_id, submission, organization_id)
    where decision in ('confirmed', 'lapsed');
"""

OBSTACLES = """
create table obstacle (
    id                          uuid primary key,
    version                     int not null default 1,
    agreement_id                uuid not null references agreement,
    task_id                     uuid not null references task,
    -- By whoever works on the task, or by a party that refused to confirm.
    origin                      text not null check (origin in ('raised', 'refusal')),
    text                        text not null,
    status                      text not null default 'open' check (status in ('open', 'resolved')),
    level                       text not null default 'locality' check (level in ('locality', 'province')),
    raised_by_organization_id   uuid not null references organization,
    -- The name it was raised under, whatever becomes of it.
    raised_by_organization_name text not null,
    raised_by                   text not null,
    -- The body above that has it in its hands; at the level of localities the lead of the task has.
    superior_organization_id    uuid references organization,
    superior_organization_name  text,
    -- Until when whoever has it in his hands is to have planned something.
    respond_by                  date not null,
    -- The last day of its present clock, by respond_by and by the measures that are not done.
    due_on                      date not null,
    escalated_at                timestamptz,
    escalated_by                text check (escalated_by in ('person', 'rule')),
    resolved_at                 timestamptz,
    resolution                  text,
    created_at                  timestamptz not null,
    updated_at                  timestamptz not null,
    check ((level = 'province') = (superior_organization_id is not null)),
    check ((level = 'province') = (escalated_at is not null and escalated_by is not null)),
    check ((superior_organization_id is null) = (superior_organization_name is null)),
    check ((status = 'resolved') = (resolved_at is not null))
) with (fillfactor = 80);
create index obstacle_of on obstacle (agreement_id, id);
create index obstacle_of_task on obstacle (task_id, id);
create index obstacle_clock on obstacle (due_on, id) where status = 'open' and level = 'locality';

create table obstacle_measure (
    id                uuid primary key,
    obstacle_id       uuid not null references obstacle,
    agreement_id      uuid not null references agreement,
    text              text not null,
    organization_id   uuid not null references organization,
    organization_name text not null,
    due_on            date not null,
    done_at           timestamptz,
    remark            text,
    created_at        timestamptz not null
);
create index obstacle_measure_of on obstacle_measure (obstacle_id, id);

create table obstacle_log (
    id              uuid primary key,
    obstacle_id     uuid not null references obstacle,
    agreement_id    uuid not null references agreement,
    version         int not null,
    action          text not null,
    actor_id        uuid not null,
    actor_kind      text not null,
    actor_name      text not null,
    organization_id uuid,
    changes         jsonb not null,
    remark          text,
    occurred_at     timestamptz not null,
    unique (obstacle_id, version)
);
"""

URGINGS = """
-- An urging (đôn đốc) or a request for an explanation (yêu cầu giải trình), and what was answered.
create table task_urging (
    id                         uuid primary key,
    version                    int not null default 1,
    agreement_id               uuid not null references agreement,
    task_id                    uuid not null references task,
    kind                       text not null check (kind in ('urging', 'explanation')),
    status                     text not null default 'open' check (status in ('open', 'answered')),
    message                    text not null,
    asked_by_organization_id   uuid not null references organization,
    asked_by_organization_name text not null,
    asked_by                   text not null,
    asked_at                   timestamptz not null,
    -- Who was given the task: whoever takes its place in it answers.
    promised_by_organization_id uuid not null references organization,
    organization_id            uuid not null references organization,
    organization_name          text not null,
    answer_due_on              date not null,
    answer                     text,
    answered_by_organization_id uuid references organization,
    answered_by                text,
    answered_at                timestamptz,
    check ((status = 'answered') = (num_nulls(answer, answered_by_organization_id, answered_by, answered_at) = 0)),
    check (status = 'answered' or num_nonnulls(answer, answered_by_organization_id, answered_by, answered_at) = 0)
) with (fillfactor = 80);
create index task_urging_of on task_urging (task_id, kind, id);
create index task_urging_of_agreement on task_urging (agreement_id, id);
create index task_urging_waiting on task_urging (promised_by_organization_id, answer_due_on, id)
    where status = 'open';
"""

COMMENTS = """
create table task_comment (
    id                uuid primary key,
    version           int not null default 1,
    agreement_id      uuid not null references agreement,
    task_id           uuid not null references task,
    account_id        uuid not null,
    author_name       text not null,
    organization_id   uuid not null references organization,
    organization_name text not null,
    -- None once its author has taken it back; what it said stays in its versions.
    text              text,
    mentions          jsonb not null default '[]',
    edited_at         timestamptz,
    deleted_at        timestamptz,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    check ((text is null) = (deleted_at is not null))
) with (fillfactor = 80);
create index task_comment_of on task_comment (task_id, id);

create table task_comment_version (
    comment_id   uuid not null references task_comment,
    version      int not null,
    agreement_id uuid not null references agreement,
    text         text,
    mentions     jsonb not null,
    written_at   timestamptz not null,
    primary key (comment_id, version)
);

-- Whom a comment on a record of the agreement can name: active people of those who take part. Accounts are otherwise
-- seen by their own organisation only, so this window asks itself who is looking.
create function agreement_people(agreement uuid)
returns table (account_id uuid, name text, organization_id uuid, organization_name text) language sql stable
security definer set search_path = pg_catalog, public, pg_temp as $$
    select c.id, c.name, o.id, o.name
    from public.agreement_access x join public.organization o on o.id = x.organization_id
        join public.account c on c.organization_id = o.id
    where x.agreement_id = agreement and c.active and exists (
        select from public.agreement_access m
        where m.agreement_id = agreement and m.organization_id = public.lienvung_org())
$$;
revoke all on function agreement_people(uuid) from public;
"""

SECURITY = """
grant select, insert on obstacle, obstacle_measure, task_urging, task_comment to {app};
grant select, insert on obstacle_log, task_comment_version to {app};
-- What was asked, and by whom, stays as it was asked.
grant update (version, text, status, level, superior_organization_id, superior_organization_name, respond_by, due_on,
              escalated_at, escalated_by, resolved_at, resolution, updated_at) on obstacle to {app};
grant update (text, organization_id, organization_name, due_on, done_at, remark) on obstacle_measure to {app};
grant update (version, status, answer, answered_by_organization_id, answered_by, answered_at) on task_urging to {app};
grant update (version, text, mentions, edited_at, deleted_at, updated_at) on task_comment to {app};
grant execute on function agreement_people(uuid) to {app};
"""

TABLES = ("obstacle", "obstacle_measure", "obstacle_log", "task_urging", "task_comment", "task_comment_version")

BACK = """
drop function agreement_people(uuid);
drop table task_comment_version, task_comment, task_urging, obstacle_log, obstacle_measure, obstacle;
drop index task_confirmation_once;
create unique index task_confirmation_once on task_confirmation (task_id, submission, organization_id)
    where decision = 'confirmed';
alter table task_confirmation
    drop constraint task_confirmation_decision_check,
    add constraint task_confirmation_decision_check check (decision in ('confirmed', 'returned'));
drop trigger task_respond_by_follow on task;
drop function task_respond_by_follow();
alter table task drop column respond_by;
"""


def upgrade() -> None:
    for script in (RESPONSES, OBSTACLES, URGINGS, COMMENTS):
        run_script(op, script)
    run_script(op, SECURITY.format(app=APP))
    for table in TABLES:
        op.execute(f"alter table {table} enable row level security")
        op.execute(
            f"create policy {table}_of_members on {table} to {APP} using (lienvung_is_system() or exists ("
            f"select from agreement_access x"
            f" where x.agreement_id = {table}.agreement_id and x.organization_id = lienvung_org()))"
        )


def downgrade() -> None:
    # A confirmation that lapsed, or was refused, cannot be told in the older table.
    told = "select exists (select from task_confirmation where decision in ('refused', 'lapsed'))"
    if op.get_bind().execute(sa.text(told)).scalar():
        raise RuntimeError("confirmations lapsed or were refused since: this migration cannot be taken back")
    run_script(op, BACK)
