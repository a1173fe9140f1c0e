"""Requests for a later deadline can be taken back; an agreement sets the window to answer in; plan periods."""

import sqlalchemy as sa
from alembic import op

from shared.db.migrations import run_script

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

APP = "agreements_app"

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
PERIODS = """
alter table plan_period
    -- Nobody's for those that the product came with.
    add column added_by      uuid,
    add column added_by_name text,
    add column added_at      timestamptz,
    add constraint plan_period_added_check check (num_nonnulls(added_by, added_by_name, added_at) in (0, 3)),
    add constraint plan_period_apart exclude using gist (daterange(first_on, last_on, '[]') with &&);
grant insert on plan_period to {app};
alter table plan_period enable row level security;
create policy plan_period_select on plan_period for select to {app} using (true);
create policy plan_period_insert on plan_period for insert to {app} with check (lienvung_is_operator());
"""
PERIODS_BACK = """
drop policy plan_period_insert on plan_period;
drop policy plan_period_select on plan_period;
alter table plan_period disable row level security;
revoke insert on plan_period from {app};
alter table plan_period
    drop constraint plan_period_apart, drop constraint plan_period_added_check,
    drop column added_at, drop column added_by_name, drop column added_by;
"""
_KEEPS = """
select exists (select from task_extension where state = 'withdrawn')
    or exists (select from agreement where response_working_days is not null)
    or exists (select from plan_period where added_at is not null)
"""


def upgrade() -> None:
    for script in (EXTENSIONS, WINDOWS, PERIODS):
        run_script(op, script.replace("{app}", APP))


def downgrade() -> None:
    if op.get_bind().execute(sa.text(_KEEPS)).scalar():
        raise RuntimeError(
            "requests were withdrawn, windows agreed upon or periods added since: this migration cannot be taken back"
        )
    for script in (PERIODS_BACK, WINDOWS_BACK, EXTENSIONS_BACK):
        run_script(op, script.replace("{app}", APP))
