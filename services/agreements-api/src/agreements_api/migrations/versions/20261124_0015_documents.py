"""Documents: contents that are stored once, and what they are attached to."""

from alembic import op

from shared.db.migrations import run_script

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

APP = "agreements_app"

CONTENTS = """
-- A row without `removed_at` stands for an object in the store; the row is written after the object, and told to be
-- removed before it.
create table document_content (
    digest     text primary key check (digest ~ '^[0-9a-f]{{64}}$'),
    size       bigint not null check (size > 0),
    state      text not null check (state in ('pending', 'clean', 'infected', 'error', 'not_scanned')),
    -- What the scanner found, or why it could not look.
    detail     text,
    attempts   int not null default 0,
    -- When the scanner is to look at it; on the wall's clock, as everything here.
    due_at     timestamptz,
    scanned_at timestamptz,
    touched_at timestamptz not null default clock_timestamp(),
    removed_at timestamptz
);
create index document_content_due on document_content (due_at) where due_at is not null and removed_at is null;
create index document_content_touched on document_content (touched_at) where removed_at is null;
"""

DOCUMENTS = """
create table document (
    id                uuid primary key,
    version           int not null default 1,
    agreement_id      uuid not null references agreement,
    subject_kind      text not null check (subject_kind in ('agreement', 'task', 'report', 'obstacle', 'meeting')),
    subject_id        uuid not null,
    -- Of a task, its reports and its obstacles.
    task_id           uuid references task,
    digest            text not null references document_content,
    size              bigint not null,
    media_type        text not null,
    name              text not null check (name <> ''),
    description       text,
    organization_id   uuid not null references organization,
    organization_name text not null,
    account_id        uuid not null,
    added_by          text not null,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    removed_at        timestamptz,
    removed_by        text,
    removal_reason    text,
    check ((removed_at is null) = (removed_by is null)),
    check (removed_at is not null or removal_reason is null)
);
create index document_of_subject on document (subject_id, id);
create index document_of_agreement on document (agreement_id, id);
create index document_of_task on document (task_id, id) where task_id is not null;
create index document_of_content on document (digest);
create unique index document_once on document (subject_id, digest) where removed_at is null;

-- Whoever attaches holds the content, so that nothing takes it away in the same moment. It is the database's own
-- question: the caller sees a content only through a document that refers to it.
create function document_content_live() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform from document_content c where c.digest = new.digest and c.removed_at is null for key share;
    if not found then
        raise exception 'the content % is not stored', new.digest using errcode = 'foreign_key_violation';
    end if;
    return new;
end $$;
create trigger document_content_live before insert on document
    for each row execute function document_content_live();
"""

SECURITY = """
grant select, insert on document_content to {app};
grant update (state, detail, attempts, due_at, scanned_at, touched_at, removed_at) on document_content to {app};
-- What was attached stays on record as it was.
grant select, insert on document to {app};
grant update (version, updated_at, removed_at, removed_by, removal_reason) on document to {app};

alter table document enable row level security;
create policy document_select on document for select to {app} using (lienvung_is_system() or {access});
create policy document_insert on document for insert to {app}
    with check (lienvung_is_system() or (organization_id = lienvung_org() and {access}));
create policy document_update on document for update to {app}
    using (lienvung_is_system() or organization_id = lienvung_org());

-- Under the policy of document itself: a content is seen by whoever sees a document that refers to it.
alter table document_content enable row level security;
create policy document_content_select on document_content for select to {app}
    using (lienvung_is_system() or exists (select from document d where d.digest = document_content.digest));
create policy document_content_insert on document_content for insert to {app} with check (lienvung_is_system());
create policy document_content_update on document_content for update to {app} using (lienvung_is_system());
"""
ACCESS = (
    "exists (select from agreement_access x"
    " where x.agreement_id = document.agreement_id and x.organization_id = lienvung_org())"
)


def upgrade() -> None:
    for script in (CONTENTS, DOCUMENTS, SECURITY):
        run_script(op, script.format(app=APP, access=ACCESS))


def downgrade() -> None:
    op.execute("drop table document, document_content")
    op.execute("drop function document_content_live()")
