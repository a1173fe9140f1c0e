"""A unit can end with nobody named to follow it, and what is known of ends and successions says since when."""

import sqlalchemy as sa
from alembic import op

from shared.db.migrations import run_script

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

# Where nobody knows since when something is known, it always was.
COLUMNS = """
alter table unit
    -- By which resolution it ended with nobody named to follow it.
    add column dissolved_by    text,
    add column end_recorded_at timestamptz,
    add constraint unit_dissolved_check check (dissolved_by is null or valid_to is not null);
alter table unit_succession add column recorded_at timestamptz;
alter table unit_parent
    add column recorded_at     timestamptz,
    add column end_recorded_at timestamptz;
"""
# What came by a resolution was recorded with its run; where that does not tell, an identifier made for it has its time.
_MADE_AT = "to_timestamp(('x' || left(replace({id}::text, '-', ''), 12))::bit(48)::bigint / 1000.0)"
_MADE_HERE = "substr({id}::text, 15, 1) = '7'"
RECORDED = f"""
update unit u set end_recorded_at = r.created_at
from (select e.unit_id, n.effective_on, min(n.created_at) as created_at
      from succession_run n cross join lateral unnest(n.unit_ids) as e(unit_id) group by 1, 2) r
where u.id = r.unit_id and u.valid_to = r.effective_on - 1;

update unit_succession s set recorded_at = coalesce(
    (select u.end_recorded_at from unit u where u.id = s.old_unit_id and u.valid_to = s.effective_on - 1),
    {_MADE_AT.format(id="s.id")})
where {_MADE_HERE.format(id="s.id")};

update unit_parent p set recorded_at = {_MADE_AT.format(id="p.id")} where {_MADE_HERE.format(id="p.id")};

update unit_parent p set end_recorded_at = u.end_recorded_at
from unit u where u.id = p.unit_id and u.valid_to = p.valid_to and u.end_recorded_at is not null;

update unit_parent p set end_recorded_at = n.recorded_at
from unit_parent n
where n.unit_id = p.unit_id and n.valid_from = p.valid_to + 1 and n.recorded_at is not null
  and p.end_recorded_at is null;
"""

# Of the bodies above, or of those who take part in a task, the one that does for what followed the unit what this one
# did for it: no place is recorded of whoever promised nothing.
_LIKENESS = """
create or replace function place_by_likeness(agreement uuid, task uuid, organization uuid) returns uuid
language sql stable
set search_path = pg_catalog, public, pg_temp as $$
    with recursive way (unit_id) as (
        select o.unit_id from organization o join unit u on u.id = o.unit_id
        where o.id = organization and u.valid_to is not null
        union
        {following}
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
"""
# A unit with nobody named to follow it goes on in what lay under it, in that under which this lies by now, and in the
# unit above: see repository._SUCCESSORS of party_succession.
LIKENESS = _LIKENESS.format(
    following="""select step.id from way w join unit u on u.id = w.unit_id cross join lateral (
            select s.new_unit_id as id from unit_succession s where s.old_unit_id = u.id and s.is_default
            union all
            select p.parent_id from unit_parent p
            where u.dissolved_by is not null and p.unit_id = u.id
              and u.valid_to between coalesce(p.valid_from, '-infinity') and coalesce(p.valid_to, 'infinity')
            union all
            select unnest(array[p.unit_id, n.parent_id]) from unit_parent p
            left join unit_parent n on n.unit_id = p.unit_id and n.valid_from = u.valid_to + 1
            where u.dissolved_by is not null and p.parent_id = u.id
              and u.valid_to between coalesce(p.valid_from, '-infinity') and coalesce(p.valid_to, 'infinity')) step
        where step.id is not null"""
)
LIKENESS_BEFORE = _LIKENESS.format(
    following="select s.new_unit_id from way w join unit_succession s on s.old_unit_id = w.unit_id where s.is_default"
)
BACK = """
alter table unit_parent drop column end_recorded_at, drop column recorded_at;
alter table unit_succession drop column recorded_at;
alter table unit drop constraint unit_dissolved_check, drop column end_recorded_at, drop column dissolved_by;
"""


def upgrade() -> None:
    run_script(op, COLUMNS)
    run_script(op, RECORDED)
    run_script(op, LIKENESS)


def downgrade() -> None:
    # By which resolution a unit ended that nobody follows cannot be told in the older tables.
    if op.get_bind().execute(sa.text("select exists (select from unit where dissolved_by is not null)")).scalar():
        raise RuntimeError("units were dissolved with nobody to follow: this migration cannot be taken back")
    run_script(op, LIKENESS_BEFORE)
    run_script(op, BACK)
