"""What follows a record reads that record's rows only, however large the tables have become."""

from alembic import op

from shared.db.migrations import run_script

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# Who loses sight is asked for each organisation and agreement once, by index; as one join with everybody who sees
# anything, the planner went through the whole table for every batch of a succession.
ACCESS = """
create or replace function agreement_access_follow() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into agreement_access (organization_id, agreement_id)
            select distinct organization_id, agreement_id from changed on conflict do nothing;
    else
        with gone as materialized (
            select c.organization_id, c.agreement_id
            from (select distinct organization_id, agreement_id from changed) c
            where not exists (select from agreement_member m
                              where m.agreement_id = c.agreement_id and m.organization_id = c.organization_id)
        )
        delete from agreement_access a using gone g
        where a.organization_id = g.organization_id and a.agreement_id = g.agreement_id;
    end if;
    return null;
end $$;
"""
BEFORE = """
create or replace function agreement_access_follow() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into agreement_access (organization_id, agreement_id)
            select distinct organization_id, agreement_id from changed on conflict do nothing;
    else
        delete from agreement_access a using changed c
        where a.organization_id = c.organization_id and a.agreement_id = c.agreement_id
          and not exists (select from agreement_member m
                          where m.agreement_id = c.agreement_id and m.organization_id = c.organization_id);
    end if;
    return null;
end $$;
"""

# An answer is waited for while a task is submitted; of all other changes the trigger has nothing to say.
RESPONSES = """
drop trigger task_respond_by_follow on task;
create trigger task_respond_by_follow before insert or update of status, parties on task
    for each row when (new.status = 'submitted' or new.respond_by is not null)
    execute function task_respond_by_follow();
"""
RESPONSES_BEFORE = """
drop trigger task_respond_by_follow on task;
create trigger task_respond_by_follow before insert or update of status, parties on task
    for each row execute function task_respond_by_follow();
"""

_NO_REPORT = "null::date as reported_to, null::text as cycle, false as came_back"
# Those who stand to an agreement are looked up by it and by nothing else, for one record after the other: joined before
# they were grouped, PostgreSQL read everybody who stands to anything; with the other conditions beside this one
# (without `offset 0`), its plan was to skip through an index by every organisation there is.
VIEWS = {
    "succession": (
        f"""
select c.id as subject_id, m.organization_id, 'decide_succession' as step, m.relation, c.agreement_id, c.task_id,
    null::date as due_on, {_NO_REPORT}
from succession_case c cross join lateral (
    select n.organization_id, min(n.relation) as relation
    from (select * from agreement_member s where s.agreement_id = c.agreement_id offset 0) n
    where n.source_id = c.agreement_id
      and (n.relation in ('custodian', 'superior') or n.relation = 'party' and n.organization_id = c.organization_id)
    group by n.organization_id) m
where c.state = 'open'
""",
        f"""
select c.id as subject_id, m.organization_id, 'decide_succession' as step, min(m.relation) as relation,
    c.agreement_id, c.task_id, null::date as due_on, {_NO_REPORT}
from succession_case c
join agreement_member m on m.agreement_id = c.agreement_id and m.source_id = c.agreement_id
    and (m.relation in ('custodian', 'superior') or m.relation = 'party' and m.organization_id = c.organization_id)
where c.state = 'open'
group by c.id, m.organization_id
""",
    ),
    "extension": (
        f"""
select e.id as subject_id, m.organization_id, 'decide_extension' as step, m.relation, e.agreement_id, e.task_id,
    e.due_on, {_NO_REPORT}
from task_extension e join task t on t.id = e.task_id cross join lateral (
    select n.organization_id, min(n.relation) as relation
    from (select * from agreement_member s where s.agreement_id = e.agreement_id offset 0) n
    where n.source_id in (e.agreement_id, e.task_id)
      and n.relation in ('custodian', 'monitor', 'superior')
    group by n.organization_id) m
where e.state = 'requested' and t.status not in ('completed', 'cancelled')
""",
        f"""
select e.id as subject_id, m.organization_id, 'decide_extension' as step, min(m.relation) as relation, e.agreement_id,
    e.task_id, e.due_on, {_NO_REPORT}
from task_extension e join task t on t.id = e.task_id
join agreement_member m on m.agreement_id = e.agreement_id and m.source_id in (e.agreement_id, e.task_id)
    and m.relation in ('custodian', 'monitor', 'superior')
where e.state = 'requested' and t.status not in ('completed', 'cancelled')
group by e.id, m.organization_id
""",
    ),
}


def upgrade() -> None:
    run_script(op, ACCESS)
    run_script(op, RESPONSES)
    for name, (view, _) in VIEWS.items():
        op.execute(f"create or replace view open_work_of_{name} as {view}")


def downgrade() -> None:
    for name, (_, before) in VIEWS.items():
        op.execute(f"create or replace view open_work_of_{name} as {before}")
    run_script(op, RESPONSES_BEFORE)
    run_script(op, BEFORE)
