"""What every service's first migration installs: the product's clock, who is asking, idempotency, outbox, inbox."""

from typing import Any

from shared.inbox.schema import install_inbox, remove_inbox
from shared.outbox.schema import install_outbox, remove_outbox, split_statements

__all__ = [
    "allow_temporary_tables",
    "forbid_temporary_tables",
    "grant_app",
    "install_clock",
    "install_idempotency",
    "install_inbox",
    "install_outbox",
    "install_security",
    "remove_inbox",
    "remove_outbox",
    "run_script",
]

# clock_timestamp and not now(): what a transaction writes late must not look as if it came before what it waited for.
_CLOCK = """
create table product_clock (
    id              smallint primary key check (id = 1),
    offset_interval interval not null default '0'
);
insert into product_clock (id) values (1);
create function lienvung_now() returns timestamptz language sql stable parallel safe as $$
    select clock_timestamp() + coalesce((select offset_interval from product_clock where id = 1), interval '0')
$$;
create function lienvung_today() returns date language sql stable parallel safe as $$
    select (lienvung_now() at time zone 'Asia/Ho_Chi_Minh')::date
$$;
grant select on product_clock to "{role}";
"""

_SECURITY = """
create function lienvung_org() returns uuid language sql stable parallel safe as $$
    select nullif(current_setting('lienvung.organization_id', true), '')::uuid
$$;
create function lienvung_is_system() returns boolean language sql stable parallel safe as $$
    select coalesce(current_setting('lienvung.system', true), '') = 'on'
$$;
create table service_secret (
    name  text primary key,
    value bytea not null
);
-- Random bits of the server itself: two version 4 identifiers hold 244 of them.
insert into service_secret (name, value)
    values ('cursor', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
grant select on service_secret to "{role}";
"""

_IDEMPOTENCY = """
create table idempotency_record (
    actor_id    uuid not null,
    key         text not null,
    fingerprint bytea not null,
    status      smallint not null,
    headers     json not null,
    body        bytea not null,
    created_at  timestamptz not null default clock_timestamp(),
    primary key (actor_id, key)
);
create index idempotency_record_age on idempotency_record (created_at);
grant select, insert, delete on idempotency_record to "{role}";
"""

# PostgreSQL looks for a table among the caller's temporary ones first: one of the right name would come before the
# product's own in every function, policy and trigger that does not say where to look.
_TEMPORARY_TABLES = """
do $$ begin
    execute format('{right} temporary on database %I {to_whom} public, "{role}"', current_database());
end $$
"""


def install_clock(op: Any, app_role: str) -> None:
    run_script(op, _CLOCK.format(role=app_role))


def install_security(op: Any, app_role: str) -> None:
    run_script(op, _SECURITY.replace("{role}", app_role))


def install_idempotency(op: Any, app_role: str) -> None:
    run_script(op, _IDEMPOTENCY.format(role=app_role))


def grant_app(op: Any, app_role: str) -> None:
    """What an application role needs before any table."""
    run_script(op, f'grant usage on schema public to "{app_role}"')


def forbid_temporary_tables(op: Any, app_role: str) -> None:
    """Nobody but the owner makes temporary tables in this database; the application needs none."""
    op.execute(_TEMPORARY_TABLES.format(right="revoke", to_whom="from", role=app_role))


def allow_temporary_tables(op: Any, app_role: str) -> None:
    op.execute(_TEMPORARY_TABLES.format(right="grant", to_whom="to", role=app_role))


def run_script(op: Any, script: str) -> None:
    """Several statements: asyncpg prepares what it is sent, and a prepared statement is one statement."""
    for statement in split_statements(script):
        op.execute(statement)
