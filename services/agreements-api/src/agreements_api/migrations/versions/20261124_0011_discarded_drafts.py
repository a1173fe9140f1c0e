"""Drafts can be deleted by their custodian as long as nobody else has seen them; their past stays for the audit."""

from alembic import op

from shared.db.migrations import run_script

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UPGRADE = """
alter table agreement
    -- When others saw a text of it for the first time: from then on it is not the custodian's alone.
    add column presented_at timestamptz,
    add column discarded_at timestamptz,
    add constraint agreement_discarded_check
        check (discarded_at is null or (status = 'draft' and presented_at is null)) not valid;
update agreement a set presented_at = coalesce(
        (select min(w.opened_at) from withdrawn_text w where w.agreement_id = a.id), a.opened_at)
    where a.status <> 'draft' or exists (select from withdrawn_text w where w.agreement_id = a.id);
alter table agreement validate constraint agreement_discarded_check;
"""


def upgrade() -> None:
    run_script(op, UPGRADE)


def downgrade() -> None:
    op.execute(
        "alter table agreement drop constraint agreement_discarded_check, drop column discarded_at,"
        " drop column presented_at"
    )
