"""The outbox's tables, for migrations."""

import re
from typing import Any

_COMMENT = re.compile("--[^\n]*")

# Why a head table and no UNIQUE(aggregate_id, version) on the outbox: a unique constraint of a partitioned table must
# contain the partition key, so (aggregate_id, version, occurred_at) would let the same version in twice, at two times.
# `outbox_head` is not partitioned and holds one row an aggregate. The trigger raises it under a row lock, which gives
# more than uniqueness: versions only grow, they stay unique after old partitions were dropped, the table grows with
# aggregates and not with events, and since the trigger draws the id *under that lock*, id order is version order even
# for a writer that forgot to lock its aggregate.
_TABLES = """
create table outbox (
    id           bigint not null,
    xid          xid8 not null default pg_current_xact_id(),
    event_id     uuid not null,
    aggregate_id uuid not null,
    version      bigint not null check (version > 0),
    type         text not null,
    topic        text not null,
    key          text not null,
    payload      json not null,
    headers      json not null default '{}',
    occurred_at  timestamptz not null,
    primary key (id, occurred_at)
) partition by range (occurred_at);

create sequence outbox_id_seq as bigint owned by outbox.id;
create index outbox_xid on outbox (xid);
create index outbox_aggregate on outbox (aggregate_id, version);
create table outbox_default partition of outbox default;

create table outbox_head (
    aggregate_id uuid primary key,
    version      bigint not null
) with (fillfactor = 80);

create function outbox_before_insert() returns trigger language plpgsql as $$
begin
    insert into outbox_head as head (aggregate_id, version) values (new.aggregate_id, new.version)
    on conflict (aggregate_id) do update set version = excluded.version where head.version < excluded.version;
    if not found then
        raise unique_violation using
            message = format('version %s of %s is in the outbox already', new.version, new.aggregate_id),
            constraint = 'outbox_aggregate_version', table = 'outbox';
    end if;
    new.id := nextval('outbox_id_seq');
    -- Whatever the statement said: the relay's window stands on this being the writer's own transaction.
    new.xid := pg_current_xact_id();
    return new;
end $$;

create trigger outbox_before_insert before insert on outbox
    for each row execute function outbox_before_insert();

create function outbox_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the outbox is append-only';
end $$;

create trigger outbox_append_only before update on outbox
    for each row execute function outbox_append_only();

create table relay_state (
    id         smallint primary key check (id = 1),
    -- Everything visible in this snapshot was sent to the cluster; null: nothing yet.
    snapshot   pg_snapshot,
    cluster_id text,
    -- A window too big for one batch: its fixed end, and the id up to which it was sent.
    window_end pg_snapshot,
    position   bigint not null default 0,
    updated_at timestamptz not null default clock_timestamp()
);
insert into relay_state (id) values (1);

-- Run by the relay every day under the owner's rights, because the application role may create no table.
create function outbox_ensure_partitions(first date, months int) returns void
language plpgsql security definer set search_path from current as $$
declare
    month date;
    name text;
begin
    for i in 0 .. months - 1 loop
        month := date_trunc('month', first::timestamp) + make_interval(months => i);
        name := 'outbox_' || to_char(month, 'YYYYMM');
        continue when to_regclass(name) is not null;
        -- Rows that came before their partition lie in the default one; PostgreSQL would refuse the partition then.
        continue when exists (
            select from outbox_default
            where occurred_at >= month::timestamp at time zone 'UTC'
              and occurred_at < (month + interval '1 month')::timestamp at time zone 'UTC');
        execute format(
            'create table %I partition of outbox for values from (%L) to (%L)', name,
            month::timestamp at time zone 'UTC', (month + interval '1 month')::timestamp at time zone 'UTC');
    end loop;
end $$;

select outbox_ensure_partitions(current_date, 3);
"""

_GRANTS = """
grant select, insert on outbox to "{role}";
grant select, insert, update on outbox_head to "{role}";
grant usage on sequence outbox_id_seq to "{role}";
grant select, update on relay_state to "{role}";
revoke all on function outbox_ensure_partitions(date, int) from public;
grant execute on function outbox_ensure_partitions(date, int) to "{role}";
"""

_DROP = """
drop function outbox_ensure_partitions(date, int);
drop table relay_state, outbox, outbox_head;
drop function outbox_before_insert();
drop function outbox_append_only();
"""


def install_outbox(op: Any, app_role: str) -> None:
    _run(op, _TABLES)
    _run(op, _GRANTS.format(role=app_role))


def remove_outbox(op: Any) -> None:
    _run(op, _DROP)


def _run(op: Any, script: str) -> None:
    # asyncpg prepares what SQLAlchemy sends and a prepared statement is one statement.
    for statement in split_statements(script):
        op.execute(statement)


def split_statements(script: str) -> list[str]:
    """Cut at semicolons, but not inside a function's `$$ … $$` body nor at those of a comment."""
    statements: list[str] = []
    current = ""
    for index, part in enumerate(script.split("$$")):
        if index % 2:
            current += f"$${part}$$"
            continue
        *complete, rest = _COMMENT.sub("", part).split(";")
        for piece in complete:
            statements.append((current + piece).strip())
            current = ""
        current += rest
    if current.strip():
        statements.append(current.strip())
    return [statement for statement in statements if statement]
