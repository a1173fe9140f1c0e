"""Worklists are planned for organisations for which much waits."""

from alembic import op

from shared.db.migrations import run_script

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# One plan is kept for the worklist of every organisation. Made for the few steps that wait for most of them, it gathers
# and sorts what waits for a province; made for thousands, it reads a page along its index, and is as quick for a few.
PLANS = """
alter table open_work alter column organization_id set (n_distinct = -0.0005);
analyze open_work;
"""


def upgrade() -> None:
    run_script(op, PLANS)


def downgrade() -> None:
    op.execute("alter table open_work alter column organization_id reset (n_distinct)")
