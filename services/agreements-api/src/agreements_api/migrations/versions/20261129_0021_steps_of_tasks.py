"""Requests for a later deadline can be taken back."""

import sqlalchemy as sa
from alembic import op

from shared.db.migrations import run_script

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

EXTENSIONS = """
alter table task_extension
    drop constraint task_extension_state_check,
    add constraint task_extension_state_check
        check (state in ('requested', 'granted', 'denied', 'withdrawn')) not valid;
alter table task_extension validate constraint task_extension_state_check;
"""
EXTENSIONS_BACK = """
alter table task_extension
    drop constraint task_extension_state_check,
    add constraint task_extension_state_check check (state in ('requested', 'granted', 'denied'));
"""
_KEEPS = "select exists (select from task_extension where state = 'withdrawn')"


def upgrade() -> None:
    run_script(op, EXTENSIONS)


def downgrade() -> None:
    if op.get_bind().execute(sa.text(_KEEPS)).scalar():
        raise RuntimeError("requests were withdrawn since: this migration cannot be taken back")
    run_script(op, EXTENSIONS_BACK)
