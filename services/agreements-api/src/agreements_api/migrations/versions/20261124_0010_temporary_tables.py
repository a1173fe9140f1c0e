"""Temporary tables of a caller come last where a record is guarded or followed, and are refused altogether."""

from alembic import op

from shared.db.migrations import allow_temporary_tables, forbid_temporary_tables

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

APP = "agreements_app"

# These were made with the search path of whoever ran the migration, in which temporary tables come first.
FOLLOWING = ("agreement_access_follow", "publication_follow_agreement", "publication_follow_task")
GUARDING = ("agreement_clause_frozen", "agreement_text_frozen", "history_append_only")


def upgrade() -> None:
    for function in (*FOLLOWING, *GUARDING):
        op.execute(f"alter function {function}() set search_path = pg_catalog, public, pg_temp")
    forbid_temporary_tables(op, APP)


def downgrade() -> None:
    allow_temporary_tables(op, APP)
    for function in FOLLOWING:
        op.execute(f"alter function {function}() set search_path from current")
    for function in GUARDING:
        op.execute(f"alter function {function}() reset search_path")
