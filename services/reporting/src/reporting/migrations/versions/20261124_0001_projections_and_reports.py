"""Projections with history, report jobs and their content, under row-level security.

Revision ID: 0001
Revises:
"""

from alembic import op

from shared.db.migrations import (
    grant_app,
    install_clock,
    install_idempotency,
    install_inbox,
    install_outbox,
    install_security,
    remove_inbox,
    remove_outbox,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APP_ROLE = "reporting_app"

TABLES = (
    """
    create table organization (
        id uuid primary key,
        version bigint not null,
        name text not null,
        short_name text,
        kind text not null,
        unit_id uuid not null,
        unit_code text not null,
        unit_name text not null,
        unit_level text not null,
        province_id uuid,
        province_name text,
        superior_organization_id uuid
    )
    """,
    """
    create table agreement (
        id uuid primary key,
        version bigint not null,
        instrument text not null,
        number text,
        title text not null,
        status text not null,
        parent jsonb,
        fields text[] not null,
        custodian_organization_id uuid not null,
        term_from date,
        term_to date,
        in_force_on date,
        signed_on date,
        demonstration boolean not null,
        source_url text
    )
    """,
    """
    create table party (
        id uuid primary key,
        agreement_id uuid not null,
        organization_id uuid not null,
        organization_name text not null,
        signatory_name text,
        signatory_title text,
        required boolean not null,
        signed_at timestamptz
    )
    """,
    "create index party_agreement on party (agreement_id)",
    """
    create table clause (
        id uuid primary key,
        agreement_id uuid not null,
        ordinal integer not null,
        heading text,
        text text not null,
        field text
    )
    """,
    "create index clause_agreement on clause (agreement_id, ordinal)",
    """
    create table agreement_member (
        agreement_id uuid not null,
        source_id uuid not null,
        organization_id uuid not null,
        primary key (agreement_id, source_id, organization_id)
    )
    """,
    "create index agreement_member_organization on agreement_member (organization_id, agreement_id)",
    """
    create table task_version (
        task_id uuid not null,
        version bigint not null,
        valid_from timestamptz not null,
        valid_to timestamptz not null default 'infinity' check (valid_to >= valid_from),
        agreement_id uuid not null,
        clause_id uuid,
        title text not null,
        description text,
        deliverable text,
        field text,
        status text not null,
        due_on date,
        original_due_on date,
        percent integer not null,
        completed_at timestamptz,
        submitted_at timestamptz,
        demonstration boolean not null,
        lead_organization_id uuid not null,
        lead_name text not null,
        lead_unit_id uuid,
        lead_unit_name text,
        coordinating jsonb not null,
        monitoring jsonb not null,
        last_report jsonb,
        created_at timestamptz not null,
        primary key (task_id, version)
    )
    """,
    # A task has one current version, whatever order or number of deliveries its events came in.
    "create unique index task_version_current on task_version (task_id) where valid_to = 'infinity'",
    # The end before the beginning: figures of now meet the current versions only, however long the history grew.
    "create index task_version_history on task_version (agreement_id, valid_to, valid_from)",
    # One row: how often the projections were made again, and until when they hold all that had been sent.
    """
    create table projection_state (
        id smallint primary key check (id = 1),
        rebuilds bigint not null default 0,
        complete_until timestamptz not null default '-infinity'
    ) with (fillfactor = 50)
    """,
    "insert into projection_state (id) values (1)",
    """
    create table report (
        id uuid primary key,
        version bigint not null,
        organization_id uuid not null,
        agreement_id uuid not null,
        kind text not null check (kind in ('evaluation')),
        layout text not null check (layout in ('state', 'party')),
        format text not null check (format in ('pdf', 'json')),
        language text not null check (language in ('vi')),
        number text,
        place text not null,
        signer jsonb not null,
        period_label text not null,
        period_from date not null,
        period_to date not null,
        as_of timestamptz not null,
        issued_on date not null,
        status text not null check (status in ('queued', 'rendering', 'ready', 'failed', 'cancelled')),
        progress integer not null check (progress between 0 and 100),
        attempts integer not null,
        failure text,
        media_type text,
        size_bytes bigint,
        digest text,
        requested_by uuid not null,
        requested_by_kind text not null,
        requested_by_name text not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        finished_at timestamptz,
        -- The queue's own columns. They go by the machine's clock, because the product's may jump.
        queued_at timestamptz not null default clock_timestamp(),
        -- When a renderer may take it: after a pause while it is queued, after the lease while it is held.
        free_at timestamptz not null default clock_timestamp(),
        -- Counts the takings; a renderer that comes back with an older number has lost the report.
        lease bigint not null default 0
    ) with (fillfactor = 80)
    """,
    "create index report_list on report (organization_id, created_at desc, id desc)",
    "create index report_of_agreement on report (organization_id, agreement_id, created_at desc, id desc)",
    "create index report_waiting on report (free_at) where status in ('queued', 'rendering')",
    """
    create table report_content (
        report_id uuid primary key references report (id),
        organization_id uuid not null,
        content bytea not null
    )
    """,
)

OF_AN_AGREEMENT = ("agreement", "party", "clause", "task_version")
OF_AN_ORGANIZATION = ("report", "report_content")
OWN = "organization_id = lienvung_org()"


def upgrade() -> None:
    grant_app(op, APP_ROLE)
    install_clock(op, APP_ROLE)
    install_security(op, APP_ROLE)
    install_outbox(op, APP_ROLE)
    install_inbox(op, APP_ROLE)
    install_idempotency(op, APP_ROLE)
    for statement in TABLES:
        op.execute(statement)
    for table in OF_AN_ORGANIZATION:
        _protect(table, OWN, written_by=OWN)
    # Projections are written by the consumer alone: nobody makes itself a member of anything.
    _protect("agreement_member", OWN)
    for table in OF_AN_AGREEMENT:
        key = "id" if table == "agreement" else "agreement_id"
        _protect(table, f"{key} in (select m.agreement_id from agreement_member m where m.{OWN})")
    op.execute(
        f"grant select, insert, update, delete on organization, agreement_member, {', '.join(OF_AN_AGREEMENT)},"
        f" {', '.join(OF_AN_ORGANIZATION)} to {APP_ROLE}"
    )
    op.execute(f"grant select, update on projection_state to {APP_ROLE}")


def downgrade() -> None:
    tables = ("organization", "projection_state", *OF_AN_AGREEMENT, "agreement_member", *OF_AN_ORGANIZATION)
    op.execute(f"drop table {', '.join(tables)}")
    op.execute("drop table idempotency_record, service_secret")
    remove_inbox(op)
    remove_outbox(op)
    op.execute("drop function lienvung_is_system, lienvung_org, lienvung_today, lienvung_now")
    op.execute("drop table product_clock")


def _protect(table: str, seen_by: str, *, written_by: str = "false") -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(
        f"create policy {table}_scope on {table}"
        f" using (lienvung_is_system() or {seen_by}) with check (lienvung_is_system() or {written_by})"
    )
