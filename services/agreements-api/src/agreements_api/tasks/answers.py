"""Answers that are a task: as its caller sees it, and after a change that he made."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from fastapi import Request, Response

from agreements_api.policy import Caller
from agreements_api.representation import json_response, with_actions
from agreements_api.tasks import errors, reading_repository
from agreements_api.tasks.permissions import STEPS, allowed_actions
from agreements_api.tasks.steps import Connection
from shared.auth import Actor
from shared.etags import etag
from shared.idempotency import write_once


async def change(
    request: Request,
    actor: Actor,
    key: str,
    step: Callable[[Connection], Awaitable[asyncpg.Record]],
    *,
    status_code: int = 200,
) -> Response:
    """One step in one transaction, which is committed before the answer leaves."""

    async def answer(connection: Connection) -> Response:
        return shown(actor, await step(connection), status_code=status_code)

    return await write_once(request, actor, key, answer)


def shown(actor: Actor, row: asyncpg.Record, *, status_code: int = 200) -> Response:
    headers = {"ETag": etag_of(row)}
    if status_code == 201:
        headers["Location"] = f"/v1/tasks/{row['id']}"
    [body] = bodies_of(actor, [row])
    return json_response(body, status_code=status_code, headers=headers)


def bodies_of(actor: Actor, rows: Sequence[asyncpg.Record]) -> list[str]:
    """Tasks as the caller sees them; on one page they stand to him in few different ways."""
    caller = Caller.of(actor)
    known: dict[tuple[str, str, bool, bool, bool, bool, bool, bool], tuple[str, ...]] = {}
    bodies = []
    for row in rows:
        stand = (
            row["status"],
            row["relations"],
            row["coordinated"],
            row["confirmed"],
            row["closed"],
            row["accepted"],
            row["extendable"],
            row["repeatable"],
        )
        if stand not in known:
            known[stand] = _actions(caller, *stand)
        bodies.append(with_actions(row["body"], known[stand]))
    return bodies


def _actions(
    caller: Caller,
    status: str,
    relations: str,
    coordinated: bool,
    confirmed: bool,
    closed: bool,
    accepted: bool,
    extendable: bool,
    repeatable: bool,
) -> tuple[str, ...]:
    return allowed_actions(
        caller,
        status,
        relations,
        coordinated=coordinated,
        confirmed=confirmed,
        closed=closed,
        accepted=accepted,
        extendable=extendable,
        repeatable=repeatable,
    )


def etag_of(row: asyncpg.Record) -> str:
    # Timeliness changes with the day, a window closes with it, and a task stops to be the newest occurrence, without a
    # version: whoever holds the answer from before must not be told 304.
    once = "set_recurrence" in STEPS[row["status"]] and not row["repeatable"]
    also = "_once" if once else "_closed" if row["closed"] else ""
    return etag(row["version"], f"{row['timeliness']}{also}" if also else row["timeliness"])


async def check_visible(connection: Connection, actor: Actor, task_id: UUID, as_of: datetime | None = None) -> None:
    """An empty list of what lies beside a task is told only to whoever sees the task, and where it was there."""
    if not await reading_repository.is_visible(connection, actor.organization_id, task_id, as_of):
        raise errors.TaskNotFound
