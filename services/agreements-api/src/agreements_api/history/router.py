"""The history of a record as a page; the domain that owns the record routes to it."""

from uuid import UUID

from fastapi import Request, Response

from agreements_api.history import repository
from agreements_api.representation import page_response
from shared.auth import Actor
from shared.db import Database
from shared.pagination import Cursors, cut
from shared.problems import NotFound


async def history_page(
    request: Request,
    database: Database,
    actor: Actor,
    cursors: Cursors,
    subject_id: UUID,
    limit: int,
    cursor: str | None,
    missing: type[NotFound],
) -> Response:
    """The newest changes first; every record has at least one, so that none means: not visible."""
    scope = f"history:{subject_id}"
    before = int(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        rows = await repository.list_changes(
            connection, actor.organization_id, subject_id, before=before, limit=limit + 1
        )
    if not rows and cursor is None:
        raise missing
    items, last = cut(rows, limit)
    return page_response(
        request,
        [row["body"] for row in items],
        cursors.encode(scope, [last["version"]]) if last else None,
        None,
    )
