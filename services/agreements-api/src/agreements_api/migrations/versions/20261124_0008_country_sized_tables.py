"""What reads of country-sized tables need: tasks are found by their clause."""

from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index task_clause on task (clause_id) where clause_id is not null")


def downgrade() -> None:
    op.execute("drop index task_clause")
