"""Units with dated successions, organisations, accounts and clients, and what every service's database holds."""

from alembic import op

from shared.db.migrations import (
    grant_app,
    install_clock,
    install_idempotency,
    install_outbox,
    install_security,
    remove_outbox,
    run_script,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APP = "agreements_app"

LOCALITIES = """
create table unit (
    id         uuid primary key,
    version    int not null default 1,
    level      text not null check (level in ('province', 'district', 'commune')),
    code       text not null,
    name       text not null,
    type       text not null,
    folded     text not null,
    sort_key   text collate "C" not null,
    valid_from date,
    valid_to   date,
    latitude   double precision,
    longitude  double precision,
    check (valid_to >= valid_from),
    unique nulls not distinct (level, code, valid_from)
);
-- A code can be taken again, but never twice at once.
create unique index unit_in_force on unit (level, code) where valid_to is null;
create index unit_order on unit (sort_key, id);
create index unit_level_order on unit (level, sort_key, id);
create index unit_code on unit (code);
create index unit_search on unit using gin (folded gin_trgm_ops);

create table unit_parent (
    id         uuid primary key,
    unit_id    uuid not null references unit,
    parent_id  uuid not null references unit,
    valid_from date,
    valid_to   date,
    check (unit_id <> parent_id),
    check (valid_to >= valid_from),
    unique nulls not distinct (unit_id, valid_from)
);
create index unit_parent_of on unit_parent (parent_id);

create table unit_succession (
    id           uuid primary key,
    version      int not null default 1,
    old_unit_id  uuid not null references unit,
    new_unit_id  uuid not null references unit,
    effective_on date not null,
    partial      boolean not null,
    is_default   boolean not null,
    kind         text not null check (kind in ('rename', 'upgrade', 'merge', 'split', 'rearrangement')),
    legal_basis  text,
    check (old_unit_id <> new_unit_id),
    unique (old_unit_id, new_unit_id, effective_on)
);
create index unit_succession_to on unit_succession (new_unit_id);

create table organization (
    id                       uuid primary key,
    version                  int not null default 1,
    unit_id                  uuid not null references unit,
    name                     text not null,
    short_name               text,
    kind                     text not null
        check (kind in ('standing_committee', 'peoples_committee', 'department', 'other')),
    folded                   text not null,
    sort_key                 text collate "C" not null,
    superior_organization_id uuid references organization,
    contact_name             text,
    contact_title            text,
    contact_phone            text,
    contact_email            text,
    created_at               timestamptz not null default lienvung_now(),
    updated_at               timestamptz not null default lienvung_now(),
    check (superior_organization_id <> id),
    unique (unit_id, name)
);
create index organization_order on organization (sort_key, id);
create index organization_search on organization using gin (folded gin_trgm_ops);
create index organization_superior on organization (superior_organization_id);

grant select, insert, update on unit, unit_parent, unit_succession, organization to {app};
"""

ACCOUNTS = """
create function lienvung_is_operator() returns boolean language sql stable parallel safe as $$
    select 'operator' = any (string_to_array(current_setting('lienvung.roles', true), ','))
$$;

create table account (
    id              uuid primary key,
    version         int not null default 1,
    organization_id uuid references organization,
    username        text not null unique check (username = lower(username)),
    password_hash   text not null,
    name            text not null,
    email           text,
    roles           text[] not null check (cardinality(roles) > 0),
    language        text not null default 'vi' check (language in ('vi', 'en')),
    active          boolean not null default true,
    created_at      timestamptz not null default lienvung_now(),
    updated_at      timestamptz not null default lienvung_now(),
    -- The operator stands outside of every organisation, and nobody else does.
    check ((organization_id is null) = ('operator' = any (roles)))
);
create index account_of_organization on account (organization_id, username);

create table session (
    id              uuid primary key,
    account_id      uuid not null references account,
    -- Sessions, tokens and secrets live on the wall clock: moving the product's clock must sign nobody out.
    created_at      timestamptz not null default clock_timestamp(),
    expires_at      timestamptz not null,
    revoked_at      timestamptz,
    revoked_because text check (revoked_because in ('signed_out', 'token_reused', 'deactivated', 'password_changed'))
);
create index session_of_account on session (account_id) where revoked_at is null;

create table refresh_token (
    digest     bytea primary key,
    session_id uuid not null references session,
    issued_at  timestamptz not null default clock_timestamp(),
    used_at    timestamptz
);
create index refresh_token_of_session on refresh_token (session_id);

create table api_client (
    id              uuid primary key,
    version         int not null default 1,
    organization_id uuid not null references organization,
    name            text not null,
    scopes          text[] not null,
    active          boolean not null default true,
    created_at      timestamptz not null default lienvung_now(),
    updated_at      timestamptz not null default lienvung_now(),
    unique (organization_id, name)
);

create table client_secret (
    id         uuid primary key,
    client_id  uuid not null references api_client,
    digest     bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz
);
create index client_secret_of on client_secret (client_id);

grant select, insert, update on account, session, refresh_token, api_client, client_secret to {app};

alter table account enable row level security;
alter table session enable row level security;
alter table refresh_token enable row level security;
alter table api_client enable row level security;
alter table client_secret enable row level security;

create policy account_of_own on account to {app}
    using (organization_id = lienvung_org() or lienvung_is_operator() or lienvung_is_system());
create policy client_of_own on api_client to {app}
    using (organization_id = lienvung_org() or lienvung_is_operator() or lienvung_is_system());
-- A secret is visible with its client: the subquery is under the policy of api_client itself.
create policy secret_of_visible_client on client_secret to {app}
    using (exists (select from api_client where api_client.id = client_secret.client_id));
create policy session_by_system on session to {app} using (lienvung_is_system());
create policy token_by_system on refresh_token to {app} using (lienvung_is_system());
"""

TABLES = "client_secret, api_client, refresh_token, session, account, organization, unit_succession, unit_parent, unit"
COMMON_TABLES = "idempotency_record, service_secret, product_clock"
FUNCTIONS = "lienvung_is_operator(), lienvung_is_system(), lienvung_org(), lienvung_today(), lienvung_now()"


def upgrade() -> None:
    # Trusted extensions: the owner of the database may create them without being a superuser.
    op.execute("create extension if not exists pg_trgm")
    grant_app(op, APP)
    install_clock(op, APP)
    install_security(op, APP)
    install_outbox(op, APP)
    install_idempotency(op, APP)
    for script in (LOCALITIES, ACCOUNTS):
        run_script(op, script.format(app=APP))


def downgrade() -> None:
    op.execute(f"drop table {TABLES}")
    remove_outbox(op)
    op.execute(f"drop function {FUNCTIONS}")
    op.execute(f"drop table {COMMON_TABLES}")
    op.execute(f'revoke usage on schema public from "{APP}"')
    op.execute("drop extension pg_trgm")
