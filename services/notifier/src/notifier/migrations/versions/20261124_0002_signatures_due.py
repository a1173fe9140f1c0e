"""Signatures come due as tasks do: what a deadline is about is a task, or an agreement that is open for signature.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

from shared.db.migrations import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Constant defaults: no row is rewritten, and what a running process of the release before writes is about a task.
UPGRADE = """
alter table task
    add column subject_kind text not null default 'task' check (subject_kind in ('task', 'agreement'));
alter table alert
    add column subject_kind text not null default 'task' check (subject_kind in ('task', 'agreement'));
alter table deadline
    add column subject_kind text not null default 'task',
    drop constraint deadline_role_check,
    add constraint deadline_role_check check (
        subject_kind = 'task' and role in ('lead', 'coordinating', 'monitoring')
        or subject_kind = 'agreement' and role in ('signatory', 'approver'));
alter table alert_step
    drop constraint alert_step_audience_check,
    add constraint alert_step_audience_check check (audience in ('party', 'leaders', 'superior', 'signers'));

comment on table task is 'What has deadlines: a task, or an agreement that is open for signature (subject_kind).';
comment on column deadline.task_id is 'The task, or the agreement (subject_kind).';
comment on column alert_step.task_id is 'The task, or the agreement: which of both, its deadline says.';
comment on column alert.task_id is 'The task, or the agreement (subject_kind).';
"""

# A reminder of a signature cannot be told as one of a task; the agreements' events are still there to learn it again.
DOWNGRADE = """
delete from delivery d using alert a where a.id = d.alert_id and a.subject_kind = 'agreement';
delete from alert where subject_kind = 'agreement';
delete from alert_step where audience = 'signers';
delete from deadline where subject_kind = 'agreement';
delete from task where subject_kind = 'agreement';
comment on table task is null;
comment on column deadline.task_id is null;
comment on column alert_step.task_id is null;
comment on column alert.task_id is null;
alter table alert_step
    drop constraint alert_step_audience_check,
    add constraint alert_step_audience_check check (audience in ('party', 'leaders', 'superior'));
alter table deadline
    drop constraint deadline_role_check,
    drop column subject_kind,
    add constraint deadline_role_check check (role in ('lead', 'coordinating', 'monitoring'));
alter table alert drop column subject_kind;
alter table task drop column subject_kind;
"""


def upgrade() -> None:
    run_script(op, UPGRADE)


def downgrade() -> None:
    run_script(op, DOWNGRADE)
