"""What a progress report names as its evidence; the past of what lies beside a task."""

import sqlalchemy as sa
from alembic import op

from shared.db.migrations import run_script

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

APP = "agreements_app"

EVIDENCE = """
-- Written with its report and never again: what it names stays what it named.
create table task_report_evidence (
    report_id    uuid not null references task_progress_report,
    document_id  uuid not null references document,
    agreement_id uuid not null references agreement,
    position     int not null check (position > 0),
    primary key (report_id, document_id)
);
create index task_report_evidence_of on task_report_evidence (document_id);
"""

PARTS = """
-- Every version of what comes and goes beside a task; one without a state tells that it was taken away.
create table task_part_history (
    part_id       uuid not null,
    version       int not null check (version > 0),
    kind          text not null check (kind in ('milestone', 'dependency')),
    task_id       uuid not null references task,
    -- What a dependency waits for.
    other_task_id uuid references task,
    agreement_id  uuid not null references agreement,
    state         jsonb,
    occurred_at   timestamptz not null,
    primary key (part_id, version),
    check ((kind = 'dependency') = (other_task_id is not null))
);
create index task_part_history_of on task_part_history (task_id, kind, part_id, version desc);
create index task_part_history_on on task_part_history (other_task_id, part_id, version desc)
    where other_task_id is not null;
"""

# From the present backwards: what a task's history says of a milestone's change is undone. Of a milestone that was
# removed before, history tells no more than its title, and of no day: it stays in the task's history alone.
MILESTONES = """
do $$
declare
    part   task_milestone;
    entry  record;
    change jsonb;
    state  jsonb;
    at     int;
begin
    for part in select * from task_milestone loop
        at := part.version;
        state := jsonb_build_object('id', part.id, 'task_id', part.task_id, 'position', part.position,
            'title', part.title, 'due_on', part.due_on, 'done_on', part.done_on, 'created_at', part.created_at);
        for entry in
            select h.occurred_at, h.changes from history h
            where h.subject_id = part.task_id and h.action = 'change_milestone' and exists (
                select from jsonb_array_elements(h.changes) y
                where split_part(y->>'field', '/', 2) = part.id::text)
            order by h.version desc
        loop
            insert into task_part_history (part_id, version, kind, task_id, agreement_id, state, occurred_at)
            values (part.id, at, 'milestone', part.task_id, part.agreement_id,
                state || jsonb_build_object('version', at, 'updated_at', entry.occurred_at), entry.occurred_at);
            for change in select * from jsonb_array_elements(entry.changes) loop
                state := state || jsonb_build_object(split_part(change->>'field', '/', 3),
                    coalesce(change->'from', 'null'));
            end loop;
            at := at - 1;
        end loop;
        insert into task_part_history (part_id, version, kind, task_id, agreement_id, state, occurred_at)
        values (part.id, at, 'milestone', part.task_id, part.agreement_id,
            state || jsonb_build_object('version', at, 'updated_at', part.created_at), part.created_at);
    end loop;
end $$;
"""

# A task's history tells when it began to wait for another one, for how many days, and when it waited no more.
DEPENDENCIES = """
with told as (
    select h.subject_id as task_id, h.agreement_id, h.version, h.occurred_at,
        split_part(y->>'field', '/', 2)::uuid as other_task_id, y->'to' as lag, h.action
    from history h, jsonb_array_elements(h.changes) y
    where h.action in ('add_dependency', 'remove_dependency') and y->>'field' like 'dependencies/%'
), begun as (
    select t.*, lead(t.occurred_at) over (
        partition by t.task_id, t.other_task_id order by t.version) as ended_at
    from told t
), part as materialized (
    select coalesce(d.id, gen_random_uuid()) as id, b.*
    from begun b left join task_dependency d on d.task_id = b.task_id and d.depends_on_task_id = b.other_task_id
        and b.ended_at is null
    where b.action = 'add_dependency'
), kept as (
    select p.id, 1 as version, p.task_id, p.other_task_id, p.agreement_id, p.occurred_at,
        jsonb_build_object('id', p.id, 'task_id', p.task_id, 'depends_on_task_id', p.other_task_id,
            'lag_working_days', p.lag, 'created_at', p.occurred_at) as state
    from part p
    union all
    select p.id, 2, p.task_id, p.other_task_id, p.agreement_id, p.ended_at, null
    from part p where p.ended_at is not null
)
insert into task_part_history (part_id, version, kind, task_id, other_task_id, agreement_id, state, occurred_at)
select k.id, k.version, 'dependency', k.task_id, k.other_task_id, k.agreement_id, k.state, k.occurred_at from kept k;
"""

# The log of an obstacle keeps it as it was, as history does. Backwards again: what the log says of a change is undone.
# When whoever had it was to answer, and the days of its clock, were told to nobody before: they are what they are now.
OBSTACLES = """
alter table obstacle_log add column state jsonb;

do $$
declare
    part   obstacle;
    entry  obstacle_log;
    change jsonb;
    shown  jsonb;
    former jsonb;
    names  text[];
begin
    for part in select * from obstacle loop
        select jsonb_build_object(
            'id', part.id, 'agreement_id', part.agreement_id, 'agreement_title', a.title, 'task_id', part.task_id,
            'task_title', t.title, 'origin', part.origin, 'text', part.text, 'status', part.status,
            'level', part.level, 'raised_by_organization_id', part.raised_by_organization_id,
            'raised_by_organization_name', part.raised_by_organization_name, 'raised_by', part.raised_by,
            'organization_id', coalesce(part.superior_organization_id, t.lead_organization_id),
            'organization_name', coalesce(part.superior_organization_name, t.parties->'lead'->>'name'),
            'respond_by', part.respond_by, 'due_on', part.due_on, 'escalated_at', part.escalated_at,
            'escalated_by', part.escalated_by, 'resolved_at', part.resolved_at, 'resolution', part.resolution,
            'demonstration', t.demonstration, 'created_at', part.created_at,
            'measures', coalesce((select jsonb_agg(jsonb_build_object('id', m.id, 'text', m.text,
                'organization_id', m.organization_id, 'organization_name', m.organization_name, 'due_on', m.due_on,
                'done_at', m.done_at, 'remark', m.remark) order by m.id)
                from obstacle_measure m where m.obstacle_id = part.id), '[]'))
        into shown from task t, agreement a where t.id = part.task_id and a.id = part.agreement_id;
        for entry in select * from obstacle_log g where g.obstacle_id = part.id order by g.version desc loop
            update obstacle_log set state = shown || jsonb_build_object(
                'version', entry.version, 'updated_at', entry.occurred_at) where id = entry.id;
            for change in select * from jsonb_array_elements(entry.changes) loop
                names := string_to_array(change->>'field', '/');
                former := coalesce(change->'from', 'null');
                if names[1] in ('text', 'status', 'level') then
                    shown := shown || jsonb_build_object(names[1], former);
                elsif names[1] = 'measures' and entry.action = 'plan_measure' then
                    shown := shown || jsonb_build_object('measures', (
                        select coalesce(jsonb_agg(y.m order by y.nth), '[]')
                        from jsonb_array_elements(shown->'measures') with ordinality y(m, nth)
                        where y.m->>'id' <> names[2]));
                elsif names[1] = 'measures' then
                    shown := shown || jsonb_build_object('measures', (
                        select coalesce(jsonb_agg(case when y.m->>'id' <> names[2] then y.m
                            else y.m || jsonb_build_object(names[3], former) end order by y.nth), '[]')
                        from jsonb_array_elements(shown->'measures') with ordinality y(m, nth)));
                end if;
            end loop;
            if entry.action = 'escalate' then
                shown := shown || '{"escalated_at": null, "escalated_by": null}';
            elsif entry.action = 'resolve' then
                shown := shown || '{"resolved_at": null, "resolution": null}';
            elsif entry.action = 'reopen' then
                shown := shown || (select jsonb_build_object('resolved_at', g.occurred_at, 'resolution', g.remark)
                    from obstacle_log g where g.obstacle_id = part.id and g.action = 'resolve'
                      and g.version < entry.version order by g.version desc limit 1);
            end if;
        end loop;
    end loop;
end $$;

alter table obstacle_log alter column state set not null;
"""

SECURITY = """
grant select, insert on task_report_evidence, task_part_history to {app};
"""

TABLES = ("task_report_evidence", "task_part_history")
_KEEPS = """
select exists (select from task_report_evidence)
    or exists (select from task_part_history where kind = 'milestone' and state is null)
"""


def upgrade() -> None:
    # The times in the states are those of the API, whatever zone the server stands in.
    op.execute("set local timezone to 'UTC'")
    for script in (EVIDENCE, PARTS, MILESTONES, DEPENDENCIES, OBSTACLES):
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
    # The older tables cannot tell what a report rests on, nor what a milestone was that is planned no more. The rest
    # can be worked out again.
    if op.get_bind().execute(sa.text(_KEEPS)).scalar():
        raise RuntimeError("reports named evidence or milestones were removed: this migration cannot be taken back")
    op.execute("alter table obstacle_log drop column state")
    op.execute("drop table task_part_history, task_report_evidence")
