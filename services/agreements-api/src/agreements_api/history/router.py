"""The history of a record as a page, differences between two instants, and the proof of an agreement's history."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from agreements_api.agreements.errors import AgreementNotFound
from agreements_api.history import comparison, past, repository
from agreements_api.history.instants import Instant
from agreements_api.history.schemas import AgreementDifference, BrokenLink, HistoryVerification, TaskDifference
from agreements_api.history.verification import verify
from agreements_api.policy import check_scope
from agreements_api.representation import json_response, page_response
from agreements_api.tasks.errors import TaskNotFound
from shared import clock
from shared.auth import Actor
from shared.db import Database
from shared.dependencies import ActorDep, DatabaseDep
from shared.pagination import Cursors, cut
from shared.problems import NotFound

router = APIRouter(tags=["history"])

From = Annotated[Instant, Query(alias="from", description="The first instant, or the end of a day in Vietnam.")]
To = Annotated[Instant | None, Query(description="The second instant, or the end of a day in Vietnam; now by default.")]


@router.get(
    "/agreements/{agreement_id}/difference", operation_id="compare_agreement", response_model=AgreementDifference
)
async def compare_agreement(
    agreement_id: UUID, database: DatabaseDep, actor: ActorDep, begin: From, to: To = None
) -> Response:
    """What differs between two instants: the agreement, its parties and clauses, and its tasks; by whom and when."""
    # What differs in tasks is shown as well.
    check_scope(actor, "agreement.read")
    check_scope(actor, "task.read")
    async with database.read(actor) as connection:
        found = await comparison.of_agreement(
            connection, actor, agreement_id, begin=begin, end=to or clock.now(), missing=AgreementNotFound
        )
    return json_response(found.model_dump_json(by_alias=True))


@router.get("/tasks/{task_id}/difference", operation_id="compare_task", response_model=TaskDifference)
async def compare_task(task_id: UUID, database: DatabaseDep, actor: ActorDep, begin: From, to: To = None) -> Response:
    """What differs in a task between two instants, by whom and when."""
    check_scope(actor, "task.read")
    async with database.read(actor) as connection:
        found = await comparison.of_task(
            connection, actor, task_id, begin=begin, end=to or clock.now(), missing=TaskNotFound
        )
    return json_response(found.model_dump_json(by_alias=True))


@router.get(
    "/agreements/{agreement_id}/history/verification",
    operation_id="verify_agreement_history",
    response_model=HistoryVerification,
)
async def verify_agreement_history(agreement_id: UUID, database: DatabaseDep, actor: ActorDep) -> Response:
    """Recompute the chain of digests of an agreement and of its tasks, and hold the records to what it tells."""
    check_scope(actor, "agreement.read")
    async with database.read(actor) as connection:
        if await past.state_at(connection, actor, agreement_id, clock.now()) is None:
            raise AgreementNotFound
    proof = await verify(database, agreement_id)
    verification = HistoryVerification(
        agreement_id=agreement_id,
        valid=not proof.broken,
        records=proof.records,
        entries=proof.entries,
        head=proof.head,
        broken=[BrokenLink(**vars(one)) for one in proof.breaks],
    )
    return json_response(verification.model_dump_json())


async def history_page(
    request: Request,
    database: Database,
    actor: Actor,
    cursors: Cursors,
    subject_id: UUID,
    limit: int,
    cursor: str | None,
    missing: type[NotFound],
    as_of: datetime | None = None,
) -> Response:
    """The newest changes first; every record has at least one, so that none means: not visible."""
    scope = f"history:{subject_id}"
    before = int(cursors.decode(scope, cursor)[0]) if cursor is not None else None
    async with database.read(actor) as connection:
        rows = await repository.list_changes(
            connection, actor.organization_id, subject_id, before=before, limit=limit + 1, as_of=as_of
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
