"""All SQL of comments; every read is scoped to the caller's organisation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.auth import Actor

_SCOPE = "c.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
# Caller ($1) and his account ($2).
_RELATIONS = """array(select m.relation from agreement_member m where m.agreement_id = c.agreement_id
        and m.organization_id = $1 and m.source_id in (c.agreement_id, c.task_id)
        union all select 'self' where c.account_id = $2)"""
_SHOWN = f"""json_build_object(
    'id', c.id, 'version', c.version, 'agreement_id', c.agreement_id, 'task_id', c.task_id,
    'state', case when c.deleted_at is null then 'published' else 'deleted' end, 'text', c.text,
    'account_id', c.account_id, 'author_name', c.author_name, 'organization_id', c.organization_id,
    'organization_name', c.organization_name, 'mentions', c.mentions, 'edited_at', c.edited_at,
    'deleted_at', c.deleted_at, 'created_at', c.created_at, 'updated_at', c.updated_at)::text as body,
    c.id, c.version, c.text, c.mentions::text as mentions, c.created_at, c.organization_id, c.organization_name,
    case when c.deleted_at is null then 'published' else 'deleted' end as state,
    {_RELATIONS} as relations"""
READ = f"select {_SHOWN} from task_comment c where c.id = $3 and c.task_id = $4 and {_SCOPE}"  # noqa: S608
_LOCK = f"{READ} for no key update of c"
LIST = f"""
select {_SHOWN} from task_comment c
where c.task_id = $3 and {_SCOPE} and ($4::uuid is null or c.id < $4) order by c.id desc limit $5
"""  # noqa: S608
# As they were at an instant ($5), by the version that was the last one then.
_THEN = f"""
select json_build_object(
    'id', c.id, 'version', v.version, 'agreement_id', c.agreement_id, 'task_id', c.task_id,
    'state', case when v.text is null then 'deleted' else 'published' end, 'text', v.text,
    'account_id', c.account_id, 'author_name', c.author_name, 'organization_id', c.organization_id,
    'organization_name', c.organization_name, 'mentions', v.mentions,
    'edited_at', (select max(w.written_at) from task_comment_version w
        where w.comment_id = c.id and w.version > 1 and w.version <= v.version and w.text is not null),
    'deleted_at', case when v.text is null then v.written_at end, 'created_at', c.created_at,
    'updated_at', v.written_at)::text as state,
    c.id, c.version > v.version as replaced, {_RELATIONS} as relations
from task_comment c cross join lateral (
    select w.version, w.text, w.mentions, w.written_at from task_comment_version w
    where w.comment_id = c.id and w.written_at <= $5 order by w.version desc limit 1) v
where c.task_id = $3 and {_SCOPE}"""  # noqa: S608
PAST_READ = f"{_THEN} and c.id = $4"
PAST_LIST = f"{_THEN} and ($4::uuid is null or c.id < $4) order by c.id desc limit $6"
_VERSIONS = f"""
select v.version, json_build_object('version', v.version, 'text', v.text, 'mentions', v.mentions,
    'written_at', v.written_at)::text as body
from task_comment c join task_comment_version v on v.comment_id = c.id
where c.id = $2 and {_SCOPE} and ($3::int is null or v.version < $3) and ($5::timestamptz is null or v.written_at <= $5)
order by v.version desc limit $4
"""  # noqa: S608
# Whoever asks is looked at by the function itself.
_PEOPLE = """
select p.account_id, p.name, p.organization_id, p.organization_name from agreement_people($1) p
where ($2::uuid[] is null or p.account_id = any($2)) and ($3::uuid is null or p.organization_id = $3)
  and ($4::uuid is null or p.account_id > $4)
order by p.account_id limit $5
"""
_TASK = """
select t.agreement_id, array(select m.relation from agreement_member m where m.agreement_id = t.agreement_id
    and m.organization_id = $1 and m.source_id in (t.agreement_id, t.id)) as relations
from task t
where t.id = $2 and t.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)
"""
_ORGANIZATION = "select name from organization where id = $1"
_INSERT = """
insert into task_comment (id, agreement_id, task_id, account_id, author_name, organization_id, organization_name, text,
                          mentions, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10, $10)
"""
_UPDATE = """
update task_comment set version = version + 1, text = $2, mentions = $3::text::jsonb, edited_at = $4, updated_at = $4
where id = $1
"""
_DELETE = """
update task_comment set version = version + 1, text = null, mentions = '[]', deleted_at = $2, updated_at = $2
where id = $1
"""
_KEEP = """
insert into task_comment_version (comment_id, version, agreement_id, text, mentions, written_at)
select c.id, c.version, c.agreement_id, c.text, c.mentions, c.updated_at from task_comment c where c.id = $1
"""


async def read(
    connection: asyncpg.Connection[Any], actor: Actor, task_id: UUID, comment_id: UUID
) -> asyncpg.Record | None:
    """One comment as JSON, with the caller's relations to it."""
    return await connection.fetchrow(READ, actor.organization_id, actor.id, comment_id, task_id)


async def lock(
    connection: asyncpg.Connection[Any], actor: Actor, task_id: UUID, comment_id: UUID
) -> asyncpg.Record | None:
    """The same, with its row held until the transaction ends."""
    return await connection.fetchrow(_LOCK, actor.organization_id, actor.id, comment_id, task_id)


async def list_comments(
    connection: asyncpg.Connection[Any], actor: Actor, task_id: UUID, *, before: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """Comments of a task, the newest first."""
    return await connection.fetch(LIST, actor.organization_id, actor.id, task_id, before, limit)


async def read_past(
    connection: asyncpg.Connection[Any], actor: Actor, task_id: UUID, comment_id: UUID, as_of: datetime
) -> asyncpg.Record | None:
    """One comment as it was at an instant, and whether it has become another one since."""
    return await connection.fetchrow(PAST_READ, actor.organization_id, actor.id, task_id, comment_id, as_of)


async def list_past(
    connection: asyncpg.Connection[Any],
    actor: Actor,
    task_id: UUID,
    as_of: datetime,
    *,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Comments of a task as they were at an instant, the newest first."""
    return await connection.fetch(PAST_LIST, actor.organization_id, actor.id, task_id, before, as_of, limit)


async def versions(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    comment_id: UUID,
    *,
    before: int | None,
    limit: int,
    as_of: datetime | None = None,
) -> list[asyncpg.Record]:
    """What a comment has said, or had until an instant, the newest first."""
    return await connection.fetch(_VERSIONS, organization_id, comment_id, before, limit, as_of)


async def people(
    connection: asyncpg.Connection[Any],
    agreement_id: UUID,
    *,
    accounts: Sequence[UUID] | None = None,
    organization: UUID | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[asyncpg.Record]:
    """Active people of the organisations that see what belongs to the agreement."""
    return await connection.fetch(_PEOPLE, agreement_id, accounts, organization, after, limit)


async def task_of(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID
) -> asyncpg.Record | None:
    """The agreement of a task that the caller sees, and how he stands to it."""
    return await connection.fetchrow(_TASK, organization_id, task_id)


async def organization_name(connection: asyncpg.Connection[Any], organization_id: UUID) -> str:
    name: str = await connection.fetchval(_ORGANIZATION, organization_id)
    return name


async def insert(
    connection: asyncpg.Connection[Any],
    actor: Actor,
    comment_id: UUID,
    *,
    agreement_id: UUID,
    task_id: UUID,
    organization: tuple[UUID, str],
    text: str,
    mentions: Sequence[dict[str, str]],
    at: datetime,
) -> None:
    named = orjson.dumps(mentions).decode()
    await connection.execute(
        _INSERT, comment_id, agreement_id, task_id, actor.id, actor.name, *organization, text, named, at
    )
    await connection.execute(_KEEP, comment_id)


async def update(
    connection: asyncpg.Connection[Any],
    comment_id: UUID,
    *,
    text: str,
    mentions: Sequence[dict[str, str]],
    at: datetime,
) -> None:
    await connection.execute(_UPDATE, comment_id, text, orjson.dumps(mentions).decode(), at)
    await connection.execute(_KEEP, comment_id)


async def delete(connection: asyncpg.Connection[Any], comment_id: UUID, at: datetime) -> None:
    await connection.execute(_DELETE, comment_id, at)
    await connection.execute(_KEEP, comment_id)
