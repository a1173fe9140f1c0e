"""What the public looks for by words is found by an index of what is published, however much that is."""

from alembic import op

from shared.db.migrations import run_script

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# A view for the public hides what no index can be asked through. Title and number of what is published do not change.
UPGRADE = """
alter table publication add column folded text;
update publication p set folded = a.folded from agreement a where a.id = p.agreement_id and p.unpublished_at is null;
create index publication_words on publication using gin (folded gin_trgm_ops);
create or replace view public_change as
select p.agreement_id as id, p.modified_at, p.unpublished_at as removed_at, p.folded from publication p;
"""
DOWNGRADE = """
drop view public_change;
create view public_change as
select p.agreement_id as id, p.modified_at, p.unpublished_at as removed_at from publication p;
grant select on public_change to agreements_app;
alter table publication drop column folded;
"""


def upgrade() -> None:
    run_script(op, UPGRADE)


def downgrade() -> None:
    run_script(op, DOWNGRADE)
