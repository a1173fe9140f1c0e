"""What is asked of people comes due as tasks do: windows to confirm in, urgings, explanations, obstacles, mentions.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

from shared.db.migrations import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# New columns have no value in any row that is there: nothing is rewritten.
UPGRADE = """
alter table task
    drop constraint task_subject_kind_check,
    add constraint task_subject_kind_check check (subject_kind in
        ('task', 'agreement', 'response', 'urging', 'explanation', 'obstacle', 'mention')),
    -- The task that it is about, and where it is read, of what is neither a task nor an agreement itself.
    add column about_task_id uuid,
    add column path text;
alter table deadline
    -- Only these people of the organisation; all of them where it is null.
    add column account_ids uuid[],
    drop constraint deadline_role_check,
    add constraint deadline_role_check check (
        subject_kind = 'task' and role in ('lead', 'coordinating', 'monitoring')
        or subject_kind = 'agreement' and role in ('signatory', 'approver')
        or subject_kind = 'response' and role = 'coordinating'
        or subject_kind in ('urging', 'explanation', 'obstacle', 'mention') and role = 'asked');
alter table alert_step
    drop constraint alert_step_kind_check,
    add constraint alert_step_kind_check check (kind in ('asked', 'approaching', 'due', 'overdue', 'escalated')),
    drop constraint alert_step_audience_check,
    add constraint alert_step_audience_check
        check (audience in ('party', 'leaders', 'superior', 'signers', 'mentioned'));
alter table alert
    drop constraint alert_subject_kind_check,
    add constraint alert_subject_kind_check check (subject_kind in
        ('task', 'agreement', 'response', 'urging', 'explanation', 'obstacle', 'mention')),
    add column about_task_id uuid,
    add column path text;
create index alert_about_task on alert (recipient_id, about_task_id, fired_at desc, id desc)
    where about_task_id is not null;
"""

# What is asked cannot be told as a task; the events are still there to learn it again.
DOWNGRADE = """
delete from delivery d using alert a where a.id = d.alert_id and a.subject_kind not in ('task', 'agreement');
delete from alert where subject_kind not in ('task', 'agreement');
delete from alert_step s using task t where t.id = s.task_id and t.subject_kind not in ('task', 'agreement');
delete from alert_step where kind = 'asked' or audience = 'mentioned';
delete from deadline where subject_kind not in ('task', 'agreement');
delete from task where subject_kind not in ('task', 'agreement');
drop index alert_about_task;
alter table alert
    drop column path,
    drop column about_task_id,
    drop constraint alert_subject_kind_check,
    add constraint alert_subject_kind_check check (subject_kind in ('task', 'agreement'));
alter table alert_step
    drop constraint alert_step_audience_check,
    add constraint alert_step_audience_check check (audience in ('party', 'leaders', 'superior', 'signers')),
    drop constraint alert_step_kind_check,
    add constraint alert_step_kind_check check (kind in ('approaching', 'due', 'overdue', 'escalated'));
alter table deadline
    drop constraint deadline_role_check,
    drop column account_ids,
    add constraint deadline_role_check check (
        subject_kind = 'task' and role in ('lead', 'coordinating', 'monitoring')
        or subject_kind = 'agreement' and role in ('signatory', 'approver'));
alter table task
    drop column path,
    drop column about_task_id,
    drop constraint task_subject_kind_check,
    add constraint task_subject_kind_check check (subject_kind in ('task', 'agreement'));
"""


def upgrade() -> None:
    run_script(op, UPGRADE)


def downgrade() -> None:
    run_script(op, DOWNGRADE)
