"""Delegated administration: invitations, focal points, and who handles what within an organisation."""

from alembic import op

from shared.db.migrations import run_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

APP = "agreements_app"

ACCOUNTS = """
-- Without a password until the invitation is accepted; nobody can sign in with none.
alter table account
    alter column password_hash drop not null,
    add column invitation_digest bytea,
    add column invitation_expires_at timestamptz,
    add constraint account_invitation_whole check ((invitation_digest is null) = (invitation_expires_at is null));
create unique index account_invitation on account (invitation_digest) where invitation_digest is not null;
"""

# The first focal point stands in the organisation's own row as well, where lists show it without another look.
CONTACTS = """
create table organization_contact (
    id              uuid primary key,
    version         int not null default 1,
    organization_id uuid not null references organization,
    position        int not null check (position > 0),
    name            text,
    title           text,
    phone           text,
    email           text,
    field           text,
    account_id      uuid references account,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    check (num_nonnulls(name, title, phone, email) > 0),
    unique (organization_id, position) deferrable initially deferred
);
create index organization_contact_of_account on organization_contact (account_id) where account_id is not null;
insert into organization_contact (id, organization_id, position, name, title, phone, email, created_at, updated_at)
    select gen_random_uuid(), o.id, 1, o.contact_name, o.contact_title, o.contact_phone, o.contact_email, o.created_at,
        o.updated_at
    from organization o
    where num_nonnulls(o.contact_name, o.contact_title, o.contact_phone, o.contact_email) > 0;
"""

ASSIGNMENTS = """
-- Parties of a task are organisations; which of its people handles it is an organisation's own business.
create table work_assignment (
    id              uuid primary key,
    organization_id uuid not null references organization,
    account_id      uuid not null references account,
    subject_kind    text not null check (subject_kind in ('agreement', 'task')),
    subject_id      uuid not null,
    agreement_id    uuid not null references agreement,
    assigned_by     uuid not null,
    since           timestamptz not null,
    check (subject_kind = 'task' or subject_id = agreement_id),
    unique (subject_id, organization_id, account_id)
);
create index work_assignment_of on work_assignment (account_id, id);

create table work_assignment_log (
    id              uuid primary key,
    organization_id uuid not null references organization,
    account_id      uuid not null references account,
    subject_kind    text not null check (subject_kind in ('agreement', 'task')),
    subject_id      uuid not null,
    agreement_id    uuid not null references agreement,
    action          text not null check (action in ('assigned', 'released', 'handed_over')),
    to_account_id   uuid references account,
    actor_id        uuid not null,
    actor_name      text not null,
    occurred_at     timestamptz not null,
    check ((action = 'handed_over') = (to_account_id is not null))
);
create index work_assignment_log_of on work_assignment_log (subject_id, organization_id, id);

-- Whoever drafted what is not in force yet has been handling it. Identifiers sort by age, as those of the application.
insert into work_assignment
    (id, organization_id, account_id, subject_kind, subject_id, agreement_id, assigned_by, since)
    select (lpad(to_hex((extract(epoch from h.occurred_at) * 1000)::bigint), 12, '0')
            || '7' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid,
        c.organization_id, c.id, 'agreement', a.id, a.id, c.id, h.occurred_at
    from agreement a join history h on h.subject_id = a.id and h.version = 1
        join account c on c.id = h.actor_id and c.organization_id = a.custodian_organization_id
    where a.status in ('draft', 'open_for_signature');
insert into work_assignment_log (id, organization_id, account_id, subject_kind, subject_id, agreement_id, action,
                                 actor_id, actor_name, occurred_at)
    select w.id, w.organization_id, w.account_id, w.subject_kind, w.subject_id, w.agreement_id, 'assigned',
        c.id, c.name, w.since
    from work_assignment w join account c on c.id = w.account_id;
"""

SECURITY = """
grant select, insert, update, delete on organization_contact to {app};
grant select, insert, delete on work_assignment to {app};
grant select, insert on work_assignment_log to {app};

-- Everybody looks organisations up; each is changed by itself and by the operator.
alter table organization enable row level security;
create policy organization_select on organization for select to {app} using (true);
create policy organization_insert on organization for insert to {app}
    with check (lienvung_is_operator() or lienvung_is_system());
create policy organization_update on organization for update to {app}
    using (id = lienvung_org() or lienvung_is_operator() or lienvung_is_system());

alter table organization_contact enable row level security;
create policy organization_contact_select on organization_contact for select to {app}
    using (lienvung_org() is not null or lienvung_is_operator() or lienvung_is_system());
create policy organization_contact_insert on organization_contact for insert to {app} with check ({own});
create policy organization_contact_update on organization_contact for update to {app} using ({own});
create policy organization_contact_delete on organization_contact for delete to {app} using ({own});

alter table work_assignment enable row level security;
create policy work_assignment_of_own on work_assignment to {app}
    using (organization_id = lienvung_org() or lienvung_is_system())
    with check (lienvung_is_system() or ({internal}
        and exists (select from agreement_access x
                    where x.agreement_id = work_assignment.agreement_id and x.organization_id = lienvung_org())));
alter table work_assignment_log enable row level security;
create policy work_assignment_log_of_own on work_assignment_log to {app}
    using (organization_id = lienvung_org() or lienvung_is_system())
    with check (lienvung_is_system() or {internal});
"""
OWN = "organization_id = lienvung_org() or lienvung_is_operator() or lienvung_is_system()"
# A subquery is under the policy of account itself: nobody else's people are found.
INTERNAL = (
    "organization_id = lienvung_org()"
    " and exists (select from account c where c.id = account_id and c.organization_id = lienvung_org())"
)

BACK = """
drop table work_assignment_log, work_assignment, organization_contact;
drop policy organization_select on organization;
drop policy organization_insert on organization;
drop policy organization_update on organization;
alter table organization disable row level security;
drop index account_invitation;
-- No hash: what stands here is matched by no password.
update account set password_hash = '!' where password_hash is null;
alter table account
    drop constraint account_invitation_whole,
    drop column invitation_expires_at,
    drop column invitation_digest,
    alter column password_hash set not null;
"""


def upgrade() -> None:
    for script in (ACCOUNTS, CONTACTS, ASSIGNMENTS):
        run_script(op, script)
    run_script(op, SECURITY.format(app=APP, own=OWN, internal=INTERNAL))


def downgrade() -> None:
    run_script(op, BACK)
