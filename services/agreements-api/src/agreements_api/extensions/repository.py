"""All SQL of extensions; every read is scoped to the caller's organisation."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.extensions.models import Extension

_SCOPE = "t.agreement_id in (select x.agreement_id from agreement_access x where x.organization_id = $1)"
# Caller ($1), task ($2). What decides is how the caller stands to the task and to its agreement.
_JSON = """json_build_object('id', e.id, 'version', e.version, 'task_id', e.task_id, 'state', e.state,
    'due_on', e.due_on, 'requested_due_on', e.requested_due_on, 'granted_due_on', e.granted_due_on,
    'reason', e.reason, 'requested_by_organization_id', e.requested_by_organization_id,
    'requested_by_name', e.requested_by_name, 'requested_by', e.requested_by, 'requested_at', e.requested_at,
    'decided_by_organization_id', e.decided_by_organization_id, 'decided_by_name', e.decided_by_name,
    'decided_by', e.decided_by, 'decided_at', e.decided_at, 'remark', e.remark)"""
_SHOWN = f"""{_JSON}::text as body,
    e.id, e.task_id, e.version, e.state, t.status, array(
        select m.relation from agreement_member m where m.agreement_id = t.agreement_id and m.organization_id = $1
          and m.source_id in (t.agreement_id, t.id)) as relations"""  # noqa: S608
_ASKED = """'{"version": 1, "state": "requested", "granted_due_on": null, "decided_by_organization_id": null,
        "decided_by_name": null, "decided_by": null, "decided_at": null, "remark": null}'::jsonb"""
_READ = f"""
select {_SHOWN} from task t join task_extension e on e.task_id = t.id and e.id = $3 where t.id = $2 and {_SCOPE}
"""  # noqa: S608
LIST = f"""
select {_SHOWN} from task t join task_extension e on e.task_id = t.id
where t.id = $2 and {_SCOPE} and ($3::uuid is null or e.id < $3) order by e.id desc limit $4
"""  # noqa: S608
# As they were at an instant ($3): what is decided once was asked for before, and nothing else about it changes.
_PAST = f"""
select e.id, ({_JSON}::jsonb || case when e.decided_at <= $3 then '{{}}'::jsonb
    else {_ASKED} end)::text as state
from task t join task_extension e on e.task_id = t.id and e.requested_at <= $3 where t.id = $2 and {_SCOPE}
"""  # noqa: S608
_PAST_READ = f"{_PAST} and e.id = $4"
PAST_LIST = f"{_PAST} and ($4::uuid is null or e.id < $4) order by e.id desc limit $5"
_UNDECIDED = "select id from task_extension where task_id = $1 and state = 'requested'"
_LOCK = "select * from task_extension where task_id = $1 and id = $2 for no key update"
_INSERT = """
insert into task_extension (id, task_id, agreement_id, due_on, requested_due_on, reason, requested_by_organization_id,
                            requested_by_name, requested_by, requested_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_DECIDE = """
update task_extension set version = $2, state = $3, granted_due_on = $4, decided_by_organization_id = $5,
    decided_by_name = $6, decided_by = $7, decided_at = $8, remark = $9
where id = $1
"""
_NAME = "select name from organization where id = $1"


async def read(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID, extension_id: UUID
) -> asyncpg.Record | None:
    """One request as JSON, with the caller's relations to its task."""
    return await connection.fetchrow(_READ, organization_id, task_id, extension_id)


async def list_of(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    task_id: UUID,
    *,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """The requests of a task, the newest first."""
    return await connection.fetch(LIST, organization_id, task_id, before, limit)


async def read_past(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    task_id: UUID,
    as_of: datetime,
    extension_id: UUID,
) -> asyncpg.Record | None:
    """One request as it was at an instant."""
    return await connection.fetchrow(_PAST_READ, organization_id, task_id, as_of, extension_id)


async def list_past(
    connection: asyncpg.Connection[Any],
    organization_id: UUID | None,
    task_id: UUID,
    as_of: datetime,
    *,
    before: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """The requests of a task as they were at an instant, the newest first."""
    return await connection.fetch(PAST_LIST, organization_id, task_id, as_of, before, limit)


async def undecided(connection: asyncpg.Connection[Any], task_id: UUID) -> UUID | None:
    """The request of a locked task that nobody has decided yet."""
    found: UUID | None = await connection.fetchval(_UNDECIDED, task_id)
    return found


async def lock(connection: asyncpg.Connection[Any], task_id: UUID, extension_id: UUID) -> Extension | None:
    row = await connection.fetchrow(_LOCK, task_id, extension_id)
    return None if row is None else Extension(**dict(row))


async def insert(connection: asyncpg.Connection[Any], extension: Extension) -> None:
    await connection.execute(
        _INSERT,
        extension.id,
        extension.task_id,
        extension.agreement_id,
        extension.due_on,
        extension.requested_due_on,
        extension.reason,
        extension.requested_by_organization_id,
        extension.requested_by_name,
        extension.requested_by,
        extension.requested_at,
    )


async def decide(connection: asyncpg.Connection[Any], extension: Extension) -> None:
    await connection.execute(
        _DECIDE,
        extension.id,
        extension.version,
        extension.state,
        extension.granted_due_on,
        extension.decided_by_organization_id,
        extension.decided_by_name,
        extension.decided_by,
        extension.decided_at,
        extension.remark,
    )


async def name_of(connection: asyncpg.Connection[Any], organization_id: UUID | None) -> str | None:
    name: str | None = await connection.fetchval(_NAME, organization_id)
    return name
