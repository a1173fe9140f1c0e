"""Temporary tables of a caller could come before the product's own: they are refused."""

from alembic import op

from shared.db.migrations import allow_temporary_tables, forbid_temporary_tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

APP = "notifier_app"


def upgrade() -> None:
    forbid_temporary_tables(op, APP)


def downgrade() -> None:
    allow_temporary_tables(op, APP)
