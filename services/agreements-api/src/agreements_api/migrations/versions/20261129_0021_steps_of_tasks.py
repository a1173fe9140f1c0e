"""Requests for a later deadline can be taken back; an agreement sets the window in which its tasks are confirmed."""

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
WINDOWS = """
alter table agreement
    -- In which coordinating parties answer a submission; without one, as the system is set.
    add column response_working_days          smallint check (response_working_days between 1 and 60),
    -- As it stands in the text that was signed; an amendment moves the one in force.
    add column original_response_working_days smallint;
"""
WINDOWS_BACK = """
alter table agreement drop column original_response_working_days, drop column response_working_days;
"""
_KEEPS = """
select exists (select from task_extension where state = 'withdrawn')
    or exists (select from agreement where response_working_days is not null)
"""


def upgrade() -> None:
    for script in (EXTENSIONS, WINDOWS):
        run_script(op, script)


def downgrade() -> None:
    if op.get_bind().execute(sa.text(_KEEPS)).scalar():
        raise RuntimeError("requests were withdrawn or windows agreed upon: this migration cannot be taken back")
    for script in (WINDOWS_BACK, EXTENSIONS_BACK):
        run_script(op, script)
