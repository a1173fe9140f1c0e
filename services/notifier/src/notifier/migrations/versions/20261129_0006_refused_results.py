"""That a party did not confirm a result is told to the lead, with the reason.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

from shared.db.migrations import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UPGRADE = """
alter table task
    -- Why, in the words of whoever says so.
    add column remark text,
    drop constraint task_subject_kind_check,
    add constraint task_subject_kind_check check (subject_kind in
        ('task', 'agreement', 'response', 'urging', 'explanation', 'obstacle', 'mention', 'funding', 'refusal'));
alter table deadline
    drop constraint deadline_role_check,
    add constraint deadline_role_check check (
        subject_kind = 'task' and role in ('lead', 'coordinating', 'monitoring')
        or subject_kind = 'agreement' and role in ('signatory', 'approver')
        or subject_kind = 'response' and role = 'coordinating'
        or subject_kind = 'funding' and role in ('lead', 'monitoring')
        or subject_kind = 'refusal' and role = 'lead'
        or subject_kind in ('urging', 'explanation', 'obstacle', 'mention') and role = 'asked');
alter table alert
    drop constraint alert_subject_kind_check,
    add constraint alert_subject_kind_check check (subject_kind in
        ('task', 'agreement', 'response', 'urging', 'explanation', 'obstacle', 'mention', 'funding', 'refusal'));
"""

# What the release before knows no words for; the events are still there to learn it again.
DOWNGRADE = """
delete from delivery d using alert a where a.id = d.alert_id and a.subject_kind = 'refusal';
delete from alert where subject_kind = 'refusal';
delete from alert_step s using task t where t.id = s.task_id and t.subject_kind = 'refusal';
delete from deadline where subject_kind = 'refusal';
delete from task where subject_kind = 'refusal';
alter table alert
    drop constraint alert_subject_kind_check,
    add constraint alert_subject_kind_check check (subject_kind in
        ('task', 'agreement', 'response', 'urging', 'explanation', 'obstacle', 'mention', 'funding'));
alter table deadline
    drop constraint deadline_role_check,
    add constraint deadline_role_check check (
        subject_kind = 'task' and role in ('lead', 'coordinating', 'monitoring')
        or subject_kind = 'agreement' and role in ('signatory', 'approver')
        or subject_kind = 'response' and role = 'coordinating'
        or subject_kind = 'funding' and role in ('lead', 'monitoring')
        or subject_kind in ('urging', 'explanation', 'obstacle', 'mention') and role = 'asked');
alter table task
    drop column remark,
    drop constraint task_subject_kind_check,
    add constraint task_subject_kind_check check (subject_kind in
        ('task', 'agreement', 'response', 'urging', 'explanation', 'obstacle', 'mention', 'funding'));
"""


def upgrade() -> None:
    run_script(op, UPGRADE)


def downgrade() -> None:
    run_script(op, DOWNGRADE)
