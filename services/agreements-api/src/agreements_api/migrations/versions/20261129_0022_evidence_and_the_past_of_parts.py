"""What a progress report names as its evidence."""

import sqlalchemy as sa
from alembic import op

from shared.db.migrations import run_script

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

APP = "agreements_app"

EVIDENCE = """
-- Written with its report and never again: what it names stays what it named.
create table task_report_evidence (
    report_id    uuid not null references task_progress_report,
    document_id  uuid not null references document,
    agreement_id uuid not null references agreement,
    position     int not null check (position > 0),
    primary key (report_id, document_id)
);
create index task_report_evidence_of on task_report_evidence (document_id);
"""

SECURITY = """
grant select, insert on task_report_evidence to {app};
"""

TABLES = ("task_report_evidence",)


def upgrade() -> None:
    for script in (EVIDENCE,):
        run_script(op, script)
    run_script(op, SECURITY.format(app=APP))
    for table in TABLES:
        op.execute(f"alter table {table} enable row level security")
        op.execute(
            f"create policy {table}_of_members on {table} to {APP} using (lienvung_is_system() or exists ("
            f"select from agreement_access x"
            f" where x.agreement_id = {table}.agreement_id and x.organization_id = lienvung_org()))"
        )


def downgrade() -> None:
    # The older tables cannot tell what a report rests on.
    if op.get_bind().execute(sa.text("select exists (select from task_report_evidence)")).scalar():
        raise RuntimeError("reports have named their evidence since: this migration cannot be taken back")
    op.execute("drop table task_report_evidence")
