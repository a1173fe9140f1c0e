"""What the public looks for by a locality is found by an index of what is published, however much that is."""

from alembic import op

from shared.db.migrations import run_script

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# A view for the public hides what no index can be asked through. Who signed does not change, and neither does the unit
# that an organisation belongs to.
UPGRADE = """
alter table publication add column unit_ids uuid[] not null default '{}';
update publication p set unit_ids = array(
    select distinct o.unit_id from agreement_party y join organization o on o.id = y.organization_id
    where y.agreement_id = p.agreement_id order by o.unit_id)
where p.unpublished_at is null;
create index publication_units on publication using gin (unit_ids);
create or replace view public_change as
select p.agreement_id as id, p.modified_at, p.unpublished_at as removed_at, p.folded, p.unit_ids from publication p;
"""
DOWNGRADE = """
drop view public_change;
create view public_change as
select p.agreement_id as id, p.modified_at, p.unpublished_at as removed_at, p.folded from publication p;
grant select on public_change to agreements_app;
alter table publication drop column unit_ids;
"""


def upgrade() -> None:
    run_script(op, UPGRADE)


def downgrade() -> None:
    run_script(op, DOWNGRADE)
