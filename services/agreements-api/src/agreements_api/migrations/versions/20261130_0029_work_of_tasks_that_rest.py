"""Nothing is asked of anybody by a task that rests, nor of whoever may not do it any more once its place was taken."""

from alembic import op

from shared.db.migrations import run_script

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

APP = "agreements_app"

# Who has the place of an organisation today, for records that keep the names of their own day: docs/successions.md.
# Statements and the views below ask the same functions, of few records; each of them is long, and is planned by itself.
PLACES = """
create function place_stands(agreement uuid, organization uuid) returns boolean language sql stable
set search_path = pg_catalog, public, pg_temp as $$
    select exists (select from agreement_member m
        where m.agreement_id = agreement and m.organization_id = organization and m.relation <> 'former')
$$;

create function place_acts(agreement uuid, organization uuid) returns boolean language sql stable
set search_path = pg_catalog, public, pg_temp as $$
    select place_stands(agreement, organization) or exists (
        select from organization o join unit u on u.id = o.unit_id
        where o.id = organization and coalesce(u.valid_to, 'infinity') >= lienvung_today())
$$;

-- Whoever has by now what it promised, or what had come to it, if only until somebody decided otherwise.
create function place_by_promises(agreement uuid, organization uuid) returns uuid language sql stable
set search_path = pg_catalog, public, pg_temp as $$
    select c.organization_id from succession_case c
    where c.agreement_id = agreement and c.task_id is null and c.state <> 'superseded'
      and (c.promised_by_organization_id = organization or c.promised_by_organization_id in (
        select r.promised_by_organization_id from succession_case r
        where r.agreement_id = agreement and r.task_id is null and r.organization_id = organization
        union all
        select (e.state->>'promised_by_organization_id')::uuid from succession_case_past e
        where e.agreement_id = agreement and e.state->>'task_id' is null
          and e.state->>'organization_id' = organization::text))
      and not exists (
        select from succession_case f
        where f.agreement_id = c.agreement_id and f.task_id is null and f.state <> 'superseded'
          and f.promised_by_organization_id = c.promised_by_organization_id and f.old_unit_id = c.unit_id)
      and place_stands(agreement, c.organization_id)
    order by c.promised_by_organization_id = organization desc, c.id limit 1
$$;

-- Of the bodies above, or of those who take part in a task, the one that does for what followed the unit what this one
-- did for it: no place is recorded of whoever promised nothing.
create function place_by_likeness(agreement uuid, task uuid, organization uuid) returns uuid language sql stable
set search_path = pg_catalog, public, pg_temp as $$
    with recursive way (unit_id) as (
        select o.unit_id from organization o join unit u on u.id = o.unit_id
        where o.id = organization and u.valid_to is not null
        union
        select s.new_unit_id from way w join unit_succession s on s.old_unit_id = w.unit_id where s.is_default
    )
    select case when count(*) = 1 then (array_agg(alike.id))[1] end
    from (
        select distinct n.id
        from (select * from agreement_member s where s.agreement_id = agreement offset 0) m
            join organization n on n.id = m.organization_id
            join organization o on o.id = organization and o.kind = n.kind and o.id <> n.id
        where case when task is null then m.relation = 'superior'
                else m.source_id = task and m.relation in ('lead', 'coordinating', 'monitor') end
          and (n.unit_id in (select w.unit_id from way w) or exists (
            select from unit_succession s join way w on w.unit_id = s.new_unit_id
            where s.old_unit_id = n.unit_id and not s.partial))) alike
$$;

create function place_in_agreement(agreement uuid, organization uuid) returns uuid language sql stable
set search_path = pg_catalog, public, pg_temp as $$
    select coalesce(
        (select p.responsible_organization_id from agreement_party p
         where p.agreement_id = agreement and p.organization_id = organization),
        case when place_stands(agreement, organization) then organization
            else coalesce(place_by_promises(agreement, organization), place_by_likeness(agreement, null, organization))
        end)
$$;

create function place_in_task(agreement uuid, task uuid, parties jsonb, organization uuid) returns uuid
language sql stable
set search_path = pg_catalog, public, pg_temp as $$
    with taking as materialized (
        select m.organization_id, m.relation
        from (select * from agreement_member s where s.agreement_id = agreement offset 0) m
        where m.source_id = task and m.relation in ('lead', 'coordinating', 'monitor')
    )
    select coalesce(
        (select k.organization_id from taking k where k.organization_id = organization limit 1),
        (select k.organization_id from taking k where k.organization_id = place_in_agreement(agreement, organization)
         limit 1),
        (select k.organization_id from taking k where k.organization_id = place_by_promises(agreement, organization)
         limit 1),
        (select k.organization_id from taking k
         where k.organization_id = place_by_likeness(agreement, task, organization) limit 1),
        (select case when count(distinct k.organization_id) = 1 then (array_agg(k.organization_id))[1] end
         from taking k
         where organization::text = any(select y->>'organization_id'
            from jsonb_array_elements(case k.relation when 'lead' then jsonb_build_array(parties->'lead')
                when 'monitor' then parties->'monitoring' else parties->'coordinating' end) y)
           and not exists (
            select from jsonb_path_query(parties, '$.*.organization_id') y
            where y = to_jsonb(k.organization_id))))
$$;

create function place_beside_task(agreement uuid, task uuid, parties jsonb, organization uuid) returns uuid
language sql stable
set search_path = pg_catalog, public, pg_temp as $$
    select coalesce(
        place_in_task(agreement, task, parties, organization),
        (select place_in_task(agreement, task, parties, (y->>'organization_id')::uuid)
         from jsonb_path_query(parties, '$.*[*]') y
         where y->>'promised_by_organization_id' = organization::text limit 1),
        place_in_agreement(agreement, organization))
$$;

revoke all on function place_stands(uuid, uuid), place_acts(uuid, uuid), place_by_promises(uuid, uuid),
    place_by_likeness(uuid, uuid, uuid), place_in_agreement(uuid, uuid), place_in_task(uuid, uuid, jsonb, uuid),
    place_beside_task(uuid, uuid, jsonb, uuid) from public;
grant execute on function place_stands(uuid, uuid), place_acts(uuid, uuid), place_by_promises(uuid, uuid),
    place_by_likeness(uuid, uuid, uuid), place_in_agreement(uuid, uuid), place_in_task(uuid, uuid, jsonb, uuid),
    place_beside_task(uuid, uuid, jsonb, uuid) to {app};
"""
NO_PLACES = """
drop function place_beside_task(uuid, uuid, jsonb, uuid);
drop function place_in_task(uuid, uuid, jsonb, uuid);
drop function place_in_agreement(uuid, uuid);
drop function place_by_likeness(uuid, uuid, uuid);
drop function place_by_promises(uuid, uuid);
drop function place_acts(uuid, uuid);
drop function place_stands(uuid, uuid);
"""

_NO_REPORT = "null::date as reported_to, null::text as cycle, false as came_back"
_NAMED = """
    select (y.party->>'organization_id')::uuid as id
    from (select t.parties->'lead' as party
          union all select jsonb_array_elements(t.parties->'coordinating')
          union all select jsonb_array_elements(t.parties->'monitoring')) y
    where coalesce(y.party->>'promised_by_organization_id', y.party->>'organization_id')
        = u.promised_by_organization_id::text
    limit 1"""
# An explanation is also asked for once the task is completed. Its parties keep their names then: whoever has the place
# by now answers. Whoever is named in a task that goes on stands in it.
URGING = f"""
select u.id as subject_id, today.id as organization_id, 'answer_' || u.kind as step, 'own' as relation,
    u.agreement_id, u.task_id, u.answer_due_on as due_on, {_NO_REPORT}
from task_urging u join task t on t.id = u.task_id left join lateral ({_NAMED}) h on true
cross join lateral (select coalesce(case when t.status = 'completed'
    then place_in_task(u.agreement_id, u.task_id, t.parties, h.id) else h.id end, u.organization_id) as id
    offset 0) today
where u.status = 'open' and t.status not in ('suspended', 'cancelled')
  and (u.kind = 'explanation' or t.status <> 'completed')
  and case when t.status <> 'completed' and h.id is not null then true
    else place_acts(u.agreement_id, today.id) end
"""
URGING_BEFORE = f"""
select u.id as subject_id, coalesce(h.id, u.organization_id) as organization_id, 'answer_' || u.kind as step,
    'own' as relation, u.agreement_id, u.task_id, u.answer_due_on as due_on, {_NO_REPORT}
from task_urging u join task t on t.id = u.task_id left join lateral ({_NAMED}) h on true
where u.status = 'open' and t.status <> 'cancelled' and (u.kind = 'explanation' or t.status <> 'completed')
"""
EXTENSION = f"""
select e.id as subject_id, m.organization_id, 'decide_extension' as step, m.relation, e.agreement_id, e.task_id,
    e.due_on, {_NO_REPORT}
from task_extension e join task t on t.id = e.task_id cross join lateral (
    select n.organization_id, min(n.relation) as relation
    from (select * from agreement_member s where s.agreement_id = e.agreement_id offset 0) n
    where n.source_id in (e.agreement_id, e.task_id)
      and n.relation in ('custodian', 'monitor', 'superior')
    group by n.organization_id) m
where e.state = 'requested' and t.status not in ({{resting}})
"""


def _answering(side: str) -> str:
    return f"""coalesce((select (y.one->>'organization_id')::uuid
        from (select t.parties->'lead' union all select jsonb_array_elements(t.parties->'coordinating')) y(one)
        where coalesce(y.one->>'promised_by_organization_id', y.one->>'organization_id') = b.{side}_promiser_id::text
        limit 1), b.{side}_organization_id)"""


# A side that was taken out of the task has nobody else: it confirms where it stands in the agreement still.
BOUNDARY_CASE = f"""
select b.id as subject_id, side.organization_id, 'confirm_handover' as step, 'own' as relation, b.agreement_id,
    b.task_id, min(s.due_on) as due_on, {_NO_REPORT}
from boundary_case b join task t on t.id = b.task_id cross join lateral (
    select * from boundary_case_step n where n.case_id = b.id and n.completed_at is null order by n.ordinal limit 1) s
cross join lateral (values ({_answering("first")}, s.first_confirmed_at),
    ({_answering("second")}, s.second_confirmed_at)) side(organization_id, confirmed_at)
where b.state = 'open' and side.confirmed_at is null {{limits}}
group by b.id, side.organization_id
"""
_LIMITS = """and t.status not in ('suspended', 'cancelled', 'completed') and exists (
    select from (select * from agreement_member k
                 where k.agreement_id = b.agreement_id and k.organization_id = side.organization_id offset 0) n
    where n.source_id in (b.agreement_id, b.task_id) and n.relation <> 'former')"""
_OUTCOME = f"""
select o.id as subject_id, w.organization_id, 'assign_outcome' as step, min(w.relation) as relation, m.agreement_id,
    null::uuid as task_id, o.due_on, {_NO_REPORT}
from meeting_outcome o join meeting m on m.id = o.meeting_id join agreement a on a.id = m.agreement_id
cross join lateral (
    select a.custodian_organization_id as organization_id, 'custodian' as relation
    union all
    {{host}}) w
where o.task_id is null and m.status = 'held' and a.status = 'in_force' and a.amends_agreement_id is null
group by o.id, m.id, w.organization_id
"""
# The custodian, and whoever hosts in the place of the host where that is a party: others keep the record alone.
OUTCOME = _OUTCOME.format(
    host="""select n.organization_id, n.relation
    from (select * from agreement_member k where k.agreement_id = m.agreement_id
          and k.organization_id = (select place_in_agreement(m.agreement_id, m.host_organization_id)) offset 0) n
    where n.source_id = m.agreement_id and n.relation = 'party'"""
)
OUTCOME_BEFORE = _OUTCOME.format(
    host="""select coalesce(p.responsible_organization_id, p.organization_id), 'party' from agreement_party p
    where p.agreement_id = a.id and p.organization_id = m.host_organization_id"""
)
VIEWS = {
    "urging": (URGING, URGING_BEFORE),
    "extension": (
        EXTENSION.format(resting="'suspended', 'cancelled', 'completed'"),
        EXTENSION.format(resting="'cancelled', 'completed'"),
    ),
    "boundary_case": (BOUNDARY_CASE.format(limits=_LIMITS), BOUNDARY_CASE.format(limits="")),
    "outcome": (OUTCOME, OUTCOME_BEFORE),
}
# All that may wait by the one view or the other.
TOUCHED = {
    "urging": "select id from task_urging where status = 'open'",
    "extension": "select id from task_extension where state = 'requested'",
    "boundary_case": "select id from boundary_case where state = 'open'",
    "outcome": "select id from meeting_outcome where task_id is null",
}

# Places are taken by relations and by the cases of a succession, which are written one after the other.
FOLLOW = """
create function open_work_refresh_places(agreements uuid[]) returns void language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    -- Whoever has a place in a task that goes on is named there: the task's own change is followed.
    perform open_work_refresh_urging(array(
        select u.id from task_urging u join task t on t.id = u.task_id
        where u.agreement_id = any(agreements) and u.status = 'open'
          and (t.status = 'completed' or strpos(t.parties::text, u.promised_by_organization_id::text) = 0)
        order by u.id for share of u));
    perform open_work_refresh_boundary_case(array(
        select id from boundary_case where agreement_id = any(agreements) and state = 'open'
        order by id for share));
    perform open_work_refresh_outcome(array(
        select o.id from meeting m join meeting_outcome o on o.meeting_id = m.id
        where m.agreement_id = any(agreements) and m.status = 'held' and o.task_id is null));
end $$;
revoke all on function open_work_refresh_places(uuid[]) from public;

create function open_work_follow_place() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform open_work_refresh_places(array(select distinct agreement_id from changed));
    return null;
end $$;
create trigger open_work_place after insert on succession_case referencing new table as changed
    for each statement execute function open_work_follow_place();
-- What a decision replaces is kept after the case has changed: with it everything is there.
create trigger open_work_place after insert on succession_case_past referencing new table as changed
    for each statement execute function open_work_follow_place();
"""
NO_FOLLOW = """
drop trigger open_work_place on succession_case;
drop trigger open_work_place on succession_case_past;
drop function open_work_follow_place();
drop function open_work_refresh_places(uuid[]);
"""
_MEMBER = """
create or replace function open_work_follow_member() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    touched uuid[] := array(
        select distinct agreement_id from changed where relation in ('custodian', 'superior', 'monitor'));
    -- Who decides of a succession goes by the agreement itself, and not by its tasks.
    itself uuid[] := array(
        select distinct agreement_id from changed
        where source_id = agreement_id and relation in ('custodian', 'superior', 'party'));{declared}
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
    end if;{followed}
    return null;
end $$;
"""
MEMBER = _MEMBER.format(
    declared="""
    standing uuid[] := array(select distinct agreement_id from changed where relation <> 'former');""",
    followed="""
    if cardinality(standing) > 0 then
        perform open_work_refresh_places(standing);
    end if;""",
)
MEMBER_BEFORE = _MEMBER.format(declared="", followed="")


def upgrade() -> None:
    run_script(op, PLACES.format(app=APP))
    for name, (view, _) in VIEWS.items():
        op.execute(f"create or replace view open_work_of_{name} as {view}")
    run_script(op, FOLLOW)
    run_script(op, MEMBER)
    _refresh()


def downgrade() -> None:
    run_script(op, MEMBER_BEFORE)
    run_script(op, NO_FOLLOW)
    for name, (_, before) in VIEWS.items():
        op.execute(f"create or replace view open_work_of_{name} as {before}")
    run_script(op, NO_PLACES)
    _refresh()


def _refresh() -> None:
    for name, ids in TOUCHED.items():
        op.execute(f"select open_work_refresh_{name}(array({ids}))")
