"""Who did what to users, clients, organisations and their focal points."""

import sqlalchemy as sa
from alembic import op

from shared.db.migrations import run_script

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

APP = "agreements_app"

CALLER = """
-- Whose account it is that asks: for what is one person's own and not an organisation's.
create function lienvung_account() returns uuid language sql stable parallel safe as $$
    select nullif(current_setting('lienvung.account_id', true), '')::uuid
$$;
create function lienvung_is_administrator() returns boolean language sql stable parallel safe as $$
    select 'administrator' = any (string_to_array(current_setting('lienvung.roles', true), ','))
$$;
-- Whether the second stands somewhere above the first.
create function organization_is_under(below uuid, above uuid) returns boolean language sql stable parallel safe
set search_path = pg_catalog, public, pg_temp as $$
    with recursive chain (id) as (
        select o.superior_organization_id from organization o where o.id = below
        union
        select o.superior_organization_id from chain c join organization o on o.id = c.id
    )
    select exists (select from chain c where c.id = above)
$$;
"""

LOG = """
create table administration_log (
    id                    uuid primary key,
    -- Whose it is; the operator's account is nobody's.
    organization_id       uuid references organization,
    -- Its place among all entries of the record; a hand-over leaves an account at its version.
    entry                 int not null,
    subject_kind          text not null check (subject_kind in ('user', 'client', 'organization')),
    subject_id            uuid not null,
    version               int not null check (version > 0),
    action                text not null,
    actor_id              uuid not null,
    actor_kind            text not null,
    actor_name            text not null,
    actor_organization_id uuid,
    changes               jsonb not null,
    remark                text,
    occurred_at           timestamptz not null,
    reconstructed         boolean not null default false,
    previous_digest       bytea,
    digest                bytea not null,
    check ((entry = 1) = (previous_digest is null)),
    check (organization_id is not null or subject_kind = 'user'),
    check (subject_kind <> 'organization' or subject_id = organization_id)
);
create unique index administration_log_of on administration_log (subject_id, entry);

-- SHA-256 of the digest before it and of the row as canonical JSON, as in history: without anything that a session
-- could set (time zone, search path).
create function administration_digest(l administration_log) returns bytea language sql stable parallel safe
return sha256(coalesce(l.previous_digest, ''::bytea) || convert_to(jsonb_build_object(
    'id', l.id, 'organization_id', l.organization_id, 'entry', l.entry, 'subject_kind', l.subject_kind,
    'subject_id', l.subject_id, 'version', l.version, 'action', l.action, 'actor_id', l.actor_id,
    'actor_kind', l.actor_kind, 'actor_name', l.actor_name, 'actor_organization_id', l.actor_organization_id,
    'changes', l.changes, 'remark', l.remark,
    'occurred_at', to_char(l.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'reconstructed', l.reconstructed)::text, 'UTF8'));

-- Whoever writes holds the record, so that one entry comes after the other. Reads what it needs whoever that is, and
-- lets nobody write a place or a digest.
create function administration_chain() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    select l.entry + 1, l.digest into new.entry, new.previous_digest from public.administration_log l
    where l.subject_id = new.subject_id order by l.entry desc limit 1;
    new.entry := coalesce(new.entry, 1);
    new.digest := public.administration_digest(new);
    return new;
end $$;
create trigger administration_chain before insert on administration_log
    for each row execute function administration_chain();

create function administration_append_only() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    raise exception 'the log of administration is append-only';
end $$;
create trigger administration_append_only before update or delete or truncate on administration_log
    for each statement execute function administration_append_only();

revoke all on function administration_chain(), administration_append_only(), administration_digest(administration_log)
    from public;
grant execute on function administration_digest(administration_log) to {app};
"""

# Whatever is there has one entry, of what it is when the log begins: who made it so was told in no table. Identifiers
# sort by age, as those of the application.
_ID = """(lpad(to_hex((extract(epoch from {at}) * 1000)::bigint), 12, '0')
    || '7' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid"""
_COLUMNS = """id, organization_id, subject_kind, subject_id, version, action, actor_id, actor_kind, actor_name, changes,
    occurred_at, reconstructed"""
_ACTOR = "'begin_history', '00000000-0000-0000-0000-000000000000', 'system', 'Liên Vùng'"


def _begun(kind: str, table: str, organization: str, fields: str) -> str:
    return f"""
insert into administration_log ({_COLUMNS})
select {_ID.format(at="x.updated_at")}, {organization}, '{kind}', x.id, x.version, {_ACTOR}, (
    select coalesce(jsonb_agg(jsonb_build_object('field', f.name, 'from', null, 'to', f.value) order by f.nth), '[]')
    from ({fields}) f(nth, name, value) where f.value is not null), x.updated_at, true
from {table} x
"""


USERS = _begun(
    "user",
    "account",
    "x.organization_id",
    "values (1, 'username', to_jsonb(x.username)), (2, 'name', to_jsonb(x.name)), (3, 'email', to_jsonb(x.email)),"
    " (4, 'roles', to_jsonb(x.roles)), (5, 'language', to_jsonb(x.language)), (6, 'active', to_jsonb(x.active)),"
    " (7, 'invited_until', to_jsonb(x.invitation_expires_at))",
)
CLIENTS = _begun(
    "client",
    "api_client",
    "x.organization_id",
    "values (1, 'name', to_jsonb(x.name)), (2, 'scopes', to_jsonb(x.scopes)), (3, 'active', to_jsonb(x.active))",
)
ORGANIZATIONS = _begun(
    "organization",
    "organization",
    "x.id",
    "select * from (values (0, 'unit_id', to_jsonb(x.unit_id)), (0, 'name', to_jsonb(x.name)),"
    " (0, 'short_name', to_jsonb(x.short_name)), (0, 'kind', to_jsonb(x.kind)),"
    " (0, 'superior_organization_id', to_jsonb(x.superior_organization_id))) o"
    " union all select c.position, 'contacts/' || c.id, jsonb_build_object('position', c.position, 'name', c.name,"
    " 'title', c.title, 'phone', c.phone, 'email', c.email, 'field', c.field, 'account_id', c.account_id)"
    " from organization_contact c where c.organization_id = x.id",
)

SECURITY = """
-- Never anything else: what was written down stays.
grant select, insert on administration_log to {app};

alter table administration_log enable row level security;
create policy administration_log_select on administration_log for select to {app} using (
    lienvung_is_system() or lienvung_is_operator()
    or (organization_id = lienvung_org()
        and (lienvung_is_administrator() or (subject_kind = 'user' and subject_id = lienvung_account())))
    or (subject_kind = 'organization' and lienvung_is_administrator()
        and organization_is_under(organization_id, lienvung_org())));
-- Nobody writes in another one's name.
create policy administration_log_insert on administration_log for insert to {app} with check (
    lienvung_is_system()
    or (actor_id = lienvung_account() and (organization_id = lienvung_org() or lienvung_is_operator())));
"""

_KEEPS = "select exists (select from administration_log where actor_kind <> 'system')"
BACK = """
drop trigger administration_chain on administration_log;
drop function administration_chain();
drop function administration_digest(administration_log);
drop table administration_log;
drop function administration_append_only();
drop function organization_is_under(uuid, uuid);
drop function lienvung_is_administrator();
drop function lienvung_account();
"""


def upgrade() -> None:
    # The times in the entries are those of the API, whatever zone the server stands in.
    op.execute("set local timezone to 'UTC'")
    run_script(op, CALLER)
    run_script(op, LOG.format(app=APP))
    for script in (USERS, CLIENTS, ORGANIZATIONS):
        op.execute(script)
    run_script(op, SECURITY.format(app=APP))


def downgrade() -> None:
    # The older tables cannot tell which person did what. What was there when the log began can be worked out again, and
    # what a succession made of an organisation stands in the organisation and in its events.
    if op.get_bind().execute(sa.text(_KEEPS)).scalar():
        raise RuntimeError("somebody administered something since: this migration cannot be taken back")
    run_script(op, BACK)
