"""The inbox's tables, for migrations."""

from typing import Any

from shared.outbox.schema import split_statements

# Every key holds the consumer group: two consumers of one service each take every event once.
_TABLES = """
create table inbox_offset (
    consumer_group text not null,
    topic          text not null,
    partition      int not null,
    -- A new cluster counts from zero again, so an offset means something only with its cluster.
    cluster_id     text not null,
    next_offset    bigint not null,
    updated_at     timestamptz not null default clock_timestamp(),
    primary key (consumer_group, topic, partition, cluster_id)
) with (fillfactor = 50);

create table inbox_version (
    consumer_group text not null,
    aggregate_id   uuid not null,
    version        bigint not null,
    primary key (consumer_group, aggregate_id)
) with (fillfactor = 80);

create table dead_letter (
    id             bigint generated always as identity primary key,
    consumer_group text not null,
    topic          text not null,
    partition      int not null,
    cluster_id     text not null,
    message_offset bigint not null,
    key            text not null,
    event_id       uuid,
    type           text,
    payload        bytea not null,
    -- 'poison' failed by itself; 'parked' waits behind a poison message of its key.
    reason         text not null check (reason in ('poison', 'parked')),
    error          text,
    attempts       int not null default 0,
    created_at     timestamptz not null default clock_timestamp(),
    resolved_at    timestamptz,
    resolution     text check (resolution in ('replayed', 'discarded'))
);
create index dead_letter_waiting on dead_letter (consumer_group, topic, key, id) where resolved_at is null;
create unique index dead_letter_once on dead_letter (consumer_group, topic, key, md5(payload));

create table parked_key (
    consumer_group text not null,
    topic          text not null,
    key            text not null,
    parked_at      timestamptz not null default clock_timestamp(),
    primary key (consumer_group, topic, key)
);
"""

_GRANTS = """
grant select, insert, update, delete on inbox_offset, inbox_version, parked_key to "{role}";
grant select, insert, update, delete on dead_letter to "{role}";
"""

_DROP = "drop table parked_key, dead_letter, inbox_version, inbox_offset"


def install_inbox(op: Any, app_role: str) -> None:
    for statement in split_statements(_TABLES + _GRANTS.format(role=app_role)):
        op.execute(statement)


def remove_inbox(op: Any) -> None:
    op.execute(_DROP)
