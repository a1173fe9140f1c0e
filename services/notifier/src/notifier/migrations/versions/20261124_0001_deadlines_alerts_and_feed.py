"""Deadlines, alerts and their delivery, and the event feed, under row-level security.

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
    run_script,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APP_ROLE = "notifier_app"

LEARNED = """
create table organization (
    id                       uuid primary key,
    version                  bigint not null,
    name                     text not null,
    short_name               text,
    superior_organization_id uuid
);
create index organization_superior on organization (superior_organization_id);

create table person (
    organization_id uuid not null references organization on delete cascade,
    account_id      uuid not null,
    name            text not null,
    email           text,
    roles           text[] not null,
    language        text not null,
    active          boolean not null,
    primary key (organization_id, account_id)
);
create index person_account on person (account_id);

create table task (
    id               uuid primary key,
    version          bigint not null,
    agreement_id     uuid not null,
    agreement_title  text not null,
    agreement_number text,
    title            text not null,
    status           text not null,
    lead_name        text not null,
    members          uuid[] not null,
    demonstration    boolean not null,
    traceparent      text
) with (fillfactor = 80);

create table deadline (
    task_id         uuid not null references task on delete cascade,
    organization_id uuid not null,
    role            text not null check (role in ('lead', 'coordinating', 'monitoring')),
    due_on          date,
    revision        int not null check (revision > 0),
    is_open         boolean not null,
    -- Since when the organisation has had this date before it; alerts look forward from here.
    since           timestamptz not null,
    task_version    bigint not null,
    primary key (task_id, organization_id)
) with (fillfactor = 80);
create index deadline_due on deadline (due_on) where is_open and due_on is not null;
create index deadline_list on deadline (organization_id, due_on, task_id) where is_open and due_on is not null;
"""

ALERTS = """
create table alert_step (
    -- Made of what identifies the step, so that a step planned again is the same step.
    id              uuid primary key,
    task_id         uuid not null,
    organization_id uuid not null,
    revision        int not null,
    policy          text not null,
    step            text not null,
    kind            text not null check (kind in ('approaching', 'due', 'overdue', 'escalated')),
    audience        text not null check (audience in ('party', 'leaders', 'superior')),
    fire_at         timestamptz not null,
    -- When a scheduler may take it: fire_at at first, later the end of a lease or of a pause.
    ready_at        timestamptz not null,
    state           text not null default 'planned' check (state in ('planned', 'dispatched', 'dropped')),
    token           bigint not null default 0,
    waits           int not null default 0,
    recipients      int,
    done_at         timestamptz
) with (fillfactor = 80);
create index alert_step_ready on alert_step (ready_at) where state = 'planned';
create index alert_step_planned on alert_step (task_id, organization_id) where state = 'planned';
create index alert_step_waiting on alert_step (organization_id) where state = 'planned' and waits > 0;

create table alert_plan (
    id            smallint primary key check (id = 1),
    planned_until timestamptz not null default '-infinity',
    reconciled_at timestamptz not null default '-infinity'
);
insert into alert_plan (id) values (1);

create table alert (
    id                    uuid primary key default gen_random_uuid(),
    version               int not null default 1,
    step_id               uuid not null,
    task_id               uuid not null,
    deadline_revision     int not null,
    policy                text not null,
    step                  text not null,
    kind                  text not null,
    channel               text not null check (channel = 'in_app'),
    recipient_id          uuid not null,
    organization_id       uuid not null,
    party_organization_id uuid not null,
    party_role            text not null,
    agreement_id          uuid not null,
    agreement_title       text not null,
    task_title            text not null,
    due_on                date not null,
    demonstration         boolean not null,
    fired_at              timestamptz not null,
    read_at               timestamptz,
    snoozed_until         timestamptz,
    constraint alert_once unique (task_id, deadline_revision, policy, step, recipient_id, channel)
) with (fillfactor = 90);
create index alert_list on alert (recipient_id, fired_at desc, id desc);
create index alert_unread on alert (recipient_id, fired_at desc, id desc) where read_at is null;
create index alert_of_task on alert (recipient_id, task_id, fired_at desc, id desc);
"""

DELIVERY = """
create table delivery (
    id              uuid primary key default gen_random_uuid(),
    -- No foreign key: both rows are written by one transaction and no alert is ever deleted, while the check would lock
    -- every alert once more.
    alert_id        uuid not null,
    channel         text not null check (channel = 'email'),
    organization_id uuid not null,
    recipient_id    uuid not null,
    status          text not null default 'queued' check (status in ('queued', 'sent', 'failed', 'withdrawn')),
    attempts        int not null default 0,
    -- Mail servers live on the wall clock: neither leases nor pauses move with the product's.
    ready_at        timestamptz not null default clock_timestamp(),
    token           bigint not null default 0,
    traceparent     text,
    error           text,
    created_at      timestamptz not null default clock_timestamp(),
    finished_at     timestamptz,
    -- The alert is unique for task, revision, policy, step and recipient; with the channel, so is its mail.
    constraint delivery_once unique (alert_id, channel)
) with (fillfactor = 70);
create index delivery_ready on delivery (ready_at) where status = 'queued';

create table mail_optout (
    account_id uuid primary key,
    since      timestamptz not null
);
insert into service_secret (name, value)
    values ('unsubscribe', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
"""

FEED = """
create table feed_event (
    position     bigint primary key,
    event_id     uuid not null unique,
    type         text not null,
    agreement_id text not null,
    payload      text not null,
    received_at  timestamptz not null default clock_timestamp()
);
create index feed_event_age on feed_event (received_at);
create table feed_member (
    organization_id uuid not null,
    position        bigint not null references feed_event on delete cascade,
    primary key (organization_id, position)
);
create index feed_member_position on feed_member (position);
create sequence feed_position as bigint owned by feed_event.position;
create table feed_state (
    id         smallint primary key check (id = 1),
    -- The last position that retention took away: a cursor before it may have missed something.
    trimmed_to bigint not null default 0
);
insert into feed_state (id) values (1);
"""

GRANTS = f"""
grant select, insert, update, delete on organization, person, task, deadline, alert_step, mail_optout,
    feed_event, feed_member to {APP_ROLE};
grant select, insert, update on alert, delivery to {APP_ROLE};
grant select, update on alert_plan, feed_state to {APP_ROLE};
grant usage on sequence feed_position to {APP_ROLE};
"""

# Who asks is looked up once a statement. As a plain call it would be once a row, and the planner, which takes equality
# with an unknown value for rare, would sort what an index gives in order.
SYSTEM = "(select lienvung_is_system())"
ORG = "(select lienvung_org())"
POLICIES = {
    "organization": f"id = {ORG}",
    "person": f"organization_id = {ORG}",
    "task": f"{ORG} = any(members)",
    "deadline": f"organization_id = {ORG}",
    "alert_step": f"organization_id = {ORG}",
    "alert": f"organization_id = {ORG}",
    "delivery": f"organization_id = {ORG}",
    "mail_optout": f"account_id in (select p.account_id from person p where p.organization_id = {ORG})",
    "feed_member": f"organization_id = {ORG}",
    "feed_event": f"exists (select from feed_member m where m.organization_id = {ORG}"
    " and m.position = feed_event.position)",
}


def upgrade() -> None:
    grant_app(op, APP_ROLE)
    install_clock(op, APP_ROLE)
    install_security(op, APP_ROLE)
    install_outbox(op, APP_ROLE)
    install_inbox(op, APP_ROLE)
    install_idempotency(op, APP_ROLE)
    for script in (LEARNED, ALERTS, DELIVERY, FEED, GRANTS):
        run_script(op, script)
    for table, condition in POLICIES.items():
        op.execute(f"alter table {table} enable row level security")
        op.execute(
            f"create policy {table}_scope on {table} to {APP_ROLE}"
            f" using ({SYSTEM} or {condition}) with check ({SYSTEM} or {condition})"
        )


def downgrade() -> None:
    op.execute("drop table feed_state, feed_member, feed_event, mail_optout, delivery, alert, alert_plan, alert_step")
    op.execute("drop table deadline, task, person, organization")
    op.execute("drop table idempotency_record, service_secret")
    remove_inbox(op)
    remove_outbox(op)
    op.execute("drop function lienvung_is_system, lienvung_org, lienvung_today, lienvung_now")
    op.execute("drop table product_clock")
