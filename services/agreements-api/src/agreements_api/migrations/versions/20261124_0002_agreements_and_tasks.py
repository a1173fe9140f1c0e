"""Agreements with parties, clauses and signatures; tasks with reports and confirmations; history."""

from alembic import op

from shared.db.migrations import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APP = "agreements_app"

AGREEMENTS = """
create table agreement (
    id                        uuid primary key,
    version                   int not null default 1,
    instrument                text not null check (instrument in
        ('conclusion', 'plan', 'programme', 'regulation', 'memorandum', 'agreement')),
    number                    text,
    title                     text not null,
    folded                    text not null,
    status                    text not null check (status in
        ('draft', 'open_for_signature', 'in_force', 'suspended', 'concluded', 'terminated', 'lapsed')),
    parent                    jsonb,
    parent_agreement_id       uuid references agreement,
    fields                    text[] not null,
    custodian_organization_id uuid not null references organization,
    custodian_name            text not null,
    signing_order             text not null check (signing_order in ('parallel', 'sequential')),
    term_from                 date,
    term_to                   date,
    frozen_text               text,
    text_digest               text,
    opened_at                 timestamptz,
    signed_on                 date,
    in_force_on               date,
    demonstration             boolean not null,
    source_url                text,
    note                      text,
    created_at                timestamptz not null,
    updated_at                timestamptz not null,
    check (term_to >= term_from),
    -- A text is frozen from the opening on, and with it its digest.
    check ((frozen_text is null) = (text_digest is null)),
    check (status = 'draft' or text_digest is not null)
);
create index agreement_updated on agreement (updated_at, id);
create index agreement_created on agreement (created_at, id);
create index agreement_search on agreement using gin (folded gin_trgm_ops);

create table agreement_party (
    id                uuid primary key,
    agreement_id      uuid not null references agreement,
    ordinal           int not null,
    organization_id   uuid not null references organization,
    -- The name it signs under, whatever becomes of the unit.
    organization_name text not null,
    role              text not null check (role in ('signatory', 'witness')),
    required          boolean not null,
    signatory_name    text,
    signatory_title   text,
    delegation        text,
    signed_at         timestamptz,
    unique (agreement_id, organization_id)
);

create table agreement_clause (
    id           uuid primary key,
    agreement_id uuid not null references agreement,
    ordinal      int not null,
    heading      text,
    text         text not null,
    field        text,
    unique (agreement_id, ordinal) deferrable initially deferred
);

create table signature (
    id              uuid primary key,
    agreement_id    uuid not null references agreement,
    party_id        uuid not null,
    organization_id uuid not null references organization,
    account_id      uuid not null,
    signatory_name  text not null,
    signatory_title text not null,
    delegation      text,
    text_digest     text not null,
    signed_at       timestamptz not null,
    -- A declined text goes back to draft; what was signed under it stays on record but binds nobody.
    voided_at       timestamptz
);
create index signature_of on signature (agreement_id, id);

-- Who stands how to an agreement or to one of its tasks: rules and events go by it.
create table agreement_member (
    agreement_id    uuid not null references agreement deferrable initially deferred,
    organization_id uuid not null references organization,
    -- The agreement itself, or the task through which the organisation came in.
    source_id       uuid not null,
    relation        text not null check (relation in
        ('party', 'custodian', 'superior', 'lead', 'coordinating', 'monitor')),
    primary key (agreement_id, organization_id, source_id, relation)
);
create index agreement_member_of on agreement_member (organization_id, relation, source_id);

-- Who may see an agreement, once for each organisation however it stands to it: every scope goes by this one, and the
-- planner knows from it how much an organisation sees. Only the trigger below writes it.
create table agreement_access (
    organization_id uuid not null references organization,
    agreement_id    uuid not null references agreement deferrable initially deferred,
    primary key (organization_id, agreement_id)
);
create function agreement_access_follow() returns trigger language plpgsql
security definer set search_path from current as $$
begin
    if tg_op = 'INSERT' then
        insert into agreement_access (organization_id, agreement_id)
            select distinct organization_id, agreement_id from changed on conflict do nothing;
    else
        delete from agreement_access a using changed c
        where a.organization_id = c.organization_id and a.agreement_id = c.agreement_id
          and not exists (select from agreement_member m
                          where m.agreement_id = c.agreement_id and m.organization_id = c.organization_id);
    end if;
    return null;
end $$;
create trigger agreement_access_grant after insert on agreement_member referencing new table as changed
    for each statement execute function agreement_access_follow();
create trigger agreement_access_revoke after delete on agreement_member referencing old table as changed
    for each statement execute function agreement_access_follow();

create function agreement_clause_frozen() returns trigger language plpgsql as $$
begin
    if exists (select from agreement where id = coalesce(new.agreement_id, old.agreement_id) and status <> 'draft') then
        raise exception 'the text of an agreement that is open for signature or signed cannot change';
    end if;
    return coalesce(new, old);
end $$;
create trigger agreement_clause_frozen before insert or update or delete on agreement_clause
    for each row execute function agreement_clause_frozen();
"""

TASKS = """
create table task (
    id                   uuid primary key,
    version              int not null default 1,
    agreement_id         uuid not null references agreement,
    clause_id            uuid references agreement_clause,
    title                text not null,
    folded               text not null,
    description          text,
    deliverable          text,
    field                text,
    status               text not null check (status in
        ('not_started', 'in_progress', 'submitted', 'completed', 'suspended', 'cancelled')),
    due_on               date,
    original_due_on      date,
    -- What lists are ordered by: a task without a deadline comes after every other. A column and no expression, because
    -- under row-level security an index condition may only use what PostgreSQL knows to leak nothing.
    due_key              date not null generated always as (coalesce(due_on, 'infinity'::date)) stored,
    percent              smallint not null default 0 check (percent between 0 and 100),
    lead_organization_id uuid not null references organization,
    -- Lead, coordinating and monitoring parties under the names they were assigned with, and who confirmed when:
    -- one row holds the whole task, so that a reader and a locked writer see one state. agreement_member has the keys.
    parties              jsonb not null,
    last_report          jsonb,
    submission           int not null default 0,
    submitted_at         timestamptz,
    completed_at         timestamptz,
    demonstration        boolean not null,
    note                 text,
    created_at           timestamptz not null,
    updated_at           timestamptz not null
) with (fillfactor = 80);
create index task_due on task (due_key, id);
create index task_updated on task (updated_at, id);
create index task_created on task (created_at, id);
create index task_agreement on task (agreement_id, due_key, id);
create index task_search on task using gin (folded gin_trgm_ops);

create table task_progress_report (
    id              uuid primary key,
    task_id         uuid not null references task,
    period_start    date not null,
    period_end      date not null,
    percent         smallint not null check (percent between 0 and 100),
    narrative       text not null,
    difficulties    text,
    organization_id uuid,
    account_id      uuid not null,
    reported_by     text not null,
    reported_at     timestamptz not null,
    check (period_end >= period_start)
);
create index task_progress_report_of on task_progress_report (task_id, id);

create table task_confirmation (
    id                uuid primary key,
    task_id           uuid not null references task,
    submission        int not null,
    decision          text not null check (decision in ('confirmed', 'returned')),
    organization_id   uuid not null,
    -- The name it decided under, whatever becomes of it.
    organization_name text not null,
    account_id        uuid not null,
    decided_by        text not null,
    remark            text,
    decided_at        timestamptz not null
);
create index task_confirmation_of on task_confirmation (task_id, id);
-- One confirmation of an organisation for each submission, however often it is sent.
create unique index task_confirmation_once on task_confirmation (task_id, submission, organization_id)
    where decision = 'confirmed';

create table history (
    id              uuid primary key,
    subject_id      uuid not null,
    agreement_id    uuid not null,
    subject_kind    text not null check (subject_kind in ('agreement', 'task')),
    version         int not null,
    action          text not null,
    actor_id        uuid not null,
    actor_kind      text not null,
    actor_name      text not null,
    organization_id uuid,
    changes         jsonb not null,
    remark          text,
    occurred_at     timestamptz not null,
    unique (subject_id, version)
);
"""

SECURITY = """
grant select, insert, update on agreement, task, signature to {app};
grant select, insert, update, delete on agreement_party, agreement_clause to {app};
grant select, insert, delete on agreement_member to {app};
grant select on agreement_access to {app};
grant select, insert on task_progress_report, task_confirmation, history to {app};
"""

OF_AN_AGREEMENT = {
    "agreement": "id",
    "agreement_party": "agreement_id",
    "agreement_clause": "agreement_id",
    "signature": "agreement_id",
    "task": "agreement_id",
    "history": "agreement_id",
}
OF_A_TASK = ("task_progress_report", "task_confirmation")


def upgrade() -> None:
    for script in (AGREEMENTS, TASKS, SECURITY):
        run_script(op, script.format(app=APP))
    _protect("agreement_access", "organization_id = lienvung_org()")
    # An organisation brings itself into its own draft; from then on it has access.
    _protect("agreement_member", f"organization_id = lienvung_org() or {_access('agreement_member.agreement_id')}")
    for table, key in OF_AN_AGREEMENT.items():
        _protect(table, _access(f"{table}.{key}"))
    for table in OF_A_TASK:
        _protect(table, "exists (select from task where task.id = task_id)")


def downgrade() -> None:
    op.execute(
        "drop table history, task_confirmation, task_progress_report, task, agreement_access, agreement_member,"
        " signature, agreement_clause, agreement_party, agreement"
    )
    op.execute("drop function agreement_clause_frozen()")
    op.execute("drop function agreement_access_follow()")


def _access(agreement: str) -> str:
    return (
        f"exists (select from agreement_access x"
        f" where x.agreement_id = {agreement} and x.organization_id = lienvung_org())"
    )


def _protect(table: str, condition: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"create policy {table}_of_members on {table} to {APP} using (lienvung_is_system() or {condition})")
