"""Imports: the files that were sent, how far each is, and what is wrong with their cells."""

from alembic import op

from shared.db.migrations import run_script

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

APP = "agreements_app"

TABLES = """
create table import_job (
    id                uuid primary key,
    version           int not null,
    organization_id   uuid not null references organization,
    kind              text not null check (kind in ('tasks', 'agreements')),
    agreement_id      uuid references agreement,
    file_name         text not null,
    size_bytes        int not null check (size_bytes > 0),
    digest            text not null check (digest ~ '^[0-9a-f]{64}$'),
    dry_run           boolean not null,
    again             boolean not null,
    demonstration     boolean not null,
    status            text not null check (status in ('queued', 'checking', 'checked', 'writing', 'completed',
        'refused', 'duplicate', 'cancelled', 'expired', 'failed')),
    sheet             text,
    rows_total        int,
    rows_read         int not null default 0,
    rows_checked      int not null default 0,
    rows_written      int not null default 0,
    errors            int not null default 0,
    notices           int not null default 0,
    ignored_columns   jsonb not null default '[]',
    refusal           jsonb,
    duplicate_of      uuid,
    requested_by      uuid not null,
    requested_by_kind text not null,
    requested_by_name text not null,
    roles             jsonb not null,
    attempts          int not null default 0,
    lease             int not null default 0,
    free_at           timestamptz not null default clock_timestamp(),
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    finished_at       timestamptz,
    check ((kind = 'tasks') = (agreement_id is not null))
);
create index import_job_of on import_job (organization_id, id desc);
create index import_job_waiting on import_job (free_at) where status in ('queued', 'checking', 'writing');
create index import_job_unwritten on import_job (updated_at) where status = 'checked';
-- A file is written once into an agreement, or into an organisation's drafts, whoever sends it and how many at once.
create unique index import_job_once on import_job (kind, coalesce(agreement_id, organization_id), digest)
    where status = 'completed' and not again;

-- Apart from its job, so that lists never touch it; gone when the import has ended.
create table import_content (
    import_id       uuid primary key references import_job,
    organization_id uuid not null references organization,
    content         bytea not null
);

create table import_error (
    import_id       uuid not null references import_job,
    ordinal         int not null,
    organization_id uuid not null references organization,
    severity        text not null check (severity in ('error', 'notice')),
    row_number      int not null,
    column_number   int,
    cell            text not null,
    header          text,
    code            text not null,
    detail          jsonb not null,
    value           text,
    primary key (import_id, ordinal)
);
"""

SECURITY = """
grant select, insert, update on import_job to {app};
grant select, insert, delete on import_content, import_error to {app};
"""


def upgrade() -> None:
    run_script(op, TABLES)
    run_script(op, SECURITY.format(app=APP))
    for table in ("import_job", "import_content", "import_error"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(
            f"create policy {table}_of_own on {table} to {APP}"
            " using (organization_id = lienvung_org() or lienvung_is_system())"
        )


def downgrade() -> None:
    op.execute("drop table import_error, import_content, import_job")
